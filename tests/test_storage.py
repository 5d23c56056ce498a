import hashlib
from pathlib import Path

import pytest
import xxhash

from pipelines import storage


def test_a_file_appears_whole_with_its_checksum(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "a.bin"
    with storage.whole_file(str(path)) as (file, written):
        file.write(b"one")
        assert not path.exists()
        file.write(b"two")
    assert path.read_bytes() == b"onetwo"
    assert (written.size, written.checksum) == (6, xxhash.xxh3_128_hexdigest(b"onetwo"))
    assert [child.name for child in path.parent.iterdir()] == ["a.bin"]


def test_a_write_that_fails_leaves_the_earlier_file_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    storage.write_json(str(path), {"first": 1})

    def cut() -> None:
        with storage.whole_file(str(path)) as (file, _):
            file.write(b"half")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        cut()
    assert storage.read_json(str(path)) == {"first": 1}
    assert [child.name for child in tmp_path.iterdir()] == ["a.json"]


def test_unfinished_files_are_not_listed(tmp_path: Path) -> None:
    for name in ("a.txt", "a.txt.1234.partial", "b.zip.part", "b.zip.part.json"):
        (tmp_path / name).write_text("x")
    assert [Path(file.path).name for file in storage.match(str(tmp_path))] == ["a.txt"]


def test_a_loop_of_links_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("x")
    (tmp_path / "loop").symlink_to(tmp_path)
    assert [Path(file.path).name for file in storage.match(str(tmp_path))] == ["a.txt"]


def test_a_local_path_is_its_own_copy() -> None:
    assert storage.local_copy("models/lid.bin") == "models/lid.bin"
    assert storage.read_json("no/such.json") is None


def test_the_hash_of_a_folder_is_of_names_and_contents(tmp_path: Path) -> None:
    def folder(name: str, files: dict[str, str]) -> str:
        for file, text in files.items():
            path = tmp_path / name / file
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        return str(tmp_path / name)

    first = storage.sha256(folder("first", {"en": "a", "adult/domains": "b"}))
    assert storage.sha256(folder("same", {"en": "a", "adult/domains": "b"}) + "/") == first
    assert storage.sha256(folder("renamed", {"de": "a", "adult/domains": "b"})) != first
    assert storage.sha256(folder("changed", {"en": "A", "adult/domains": "b"})) != first
    assert storage.sha256(str(tmp_path / "first/en")) == hashlib.sha256(b"a").hexdigest()
