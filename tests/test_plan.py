import os
import sys
from pathlib import Path

import pytest
from apache_beam.io.filesystems import FileSystems
from apache_beam.options.pipeline_options import PipelineOptions
from hdfs import HdfsError, InsecureClient
from hypothesis import given
from hypothesis import strategies as st

from pipelines.errors import UserError
from pipelines.plan import Shard, _cut, plan
from pipelines.recipe import Recipe
from pipelines.storage import StoredFile


def recipe(*paths: str, **changes: object) -> Recipe:
    content = {
        "name": "plan",
        "input": [{"format": "jsonl", "paths": list(paths)}],
        "output": "out",
        **changes,
    }
    return Recipe.model_validate(content)


def stored(names: list[str], size: int = 1_000) -> list[StoredFile]:
    return [StoredFile(path=f"in/{name}.jsonl", size=size, modified=0) for name in sorted(names)]


def cut(files: list[StoredFile], shard_bytes: int = 10**9) -> list[Shard]:
    return _cut(files, index=0, shard_bytes=shard_bytes, left_out={})


names = st.sets(st.text("abcdef0123456789", min_size=1, max_size=6), min_size=1, max_size=200)


@given(names)
def test_every_file_is_in_one_shard_and_names_differ(of: set[str]) -> None:
    files = stored(list(of))
    shards = cut(files)
    assert [file for shard in shards for file in shard.files] == files
    assert len({shard.name for shard in shards}) == len(shards)


@given(names, st.text("ghijkl", min_size=1, max_size=6))
def test_a_file_that_is_added_changes_one_shard_or_cuts_it_in_two(of: set[str], new: str) -> None:
    before = {shard.files for shard in cut(stored(list(of)))}
    after = {shard.files for shard in cut(stored([*of, new]))}
    assert len(before - after) <= 1
    assert len(after - before) <= 2


def test_small_files_share_shards_and_large_ones_do_not() -> None:
    small = cut(stored([f"{number:04}" for number in range(2_000)]))
    assert 30 < len(small) < 130
    large = cut(stored([f"{number:04}" for number in range(10)], size=600), shard_bytes=1_000)
    assert [len(shard.files) for shard in large] == [1] * 10
    bounded = cut(stored([f"{number:04}" for number in range(100)], size=100), shard_bytes=1_000)
    assert all(shard.bytes <= 1_000 for shard in bounded)


def test_folders_globs_and_lists_name_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("in/a.jsonl", "in/deep/b.jsonl", "in/c.jsonl.part", "in/.hidden", "in/ä ö.jsonl"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("{}")
    Path("list.txt").write_text("in/a.jsonl\n\n  in/deep/b.jsonl \n")

    def files(*paths: str) -> list[str]:
        return sorted(file.path for shard in plan(recipe(*paths)) for file in shard.files)

    everything = ["in/a.jsonl", "in/deep/b.jsonl", "in/ä ö.jsonl"]
    assert files("in") == everything
    assert files("in/") == everything
    assert files("in/**.jsonl") == everything
    assert files("in/*.jsonl") == ["in/a.jsonl", "in/ä ö.jsonl"]
    assert files("@list.txt") == ["in/a.jsonl", "in/deep/b.jsonl"]
    assert files("in/a.jsonl", "in/*.jsonl", "in") == everything
    monkeypatch.chdir(tmp_path / "in")
    assert files("*.jsonl") == ["a.jsonl", "ä ö.jsonl"]
    assert files("a.jsonl", "./a.jsonl", f"{tmp_path}/in/a.jsonl") == ["a.jsonl"]


def test_names_with_brackets_and_names_that_are_no_text_are_files_like_others(
    tmp_path: Path,
) -> None:
    folder = tmp_path / "we[ird] *x"
    folder.mkdir()
    (folder / "p [1].jsonl").write_text("{}")
    (folder / os.fsdecode(b"latin-\xe9.jsonl")).write_text("{}")
    for paths in ([str(folder)], [str(path) for path in folder.iterdir()]):
        files = [file.path for shard in plan(recipe(*paths)) for file in shard.files]
        assert sorted(files) == sorted(str(path) for path in folder.iterdir())


def test_seventy_thousand_books_are_planned_in_linear_time() -> None:
    files = stored([f"pg{number}" for number in range(70_000)])
    calls = 0

    def count(frame: object, event: str, argument: object) -> None:
        nonlocal calls
        calls += 1

    sys.setprofile(count)
    try:
        shards = cut(files)
    finally:
        sys.setprofile(None)
    assert sum(len(shard.files) for shard in shards) == 70_000
    # Work is counted and not timed: some tens of calls a file, whatever their number.
    assert calls < 100 * len(files)


def test_a_file_of_two_inputs_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text("{}")
    entry = {"format": "jsonl", "paths": [str(tmp_path)]}
    with pytest.raises(UserError, match=r"a.jsonl: named by input.0 and input.1; a file belongs"):
        plan(recipe(input=[entry, entry]))


def test_a_book_in_two_encodings_is_read_once_and_the_other_is_told(tmp_path: Path) -> None:
    for name in ("11-0.txt", "11-8.txt"):
        (tmp_path / name).write_text("A book.")
    entry = {"format": "gutenberg", "paths": [str(tmp_path)]}
    [shard] = plan(recipe(input=[entry]))
    assert [Path(file.path).name for file in shard.files] == ["11-0.txt"]
    assert [Path(path).name for path, _ in shard.left_out] == ["11-8.txt"]


def test_a_shard_changes_with_its_files_and_settings(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text("{}")
    [before] = plan(recipe(str(path)))
    path.write_text("{} ")
    [after] = plan(recipe(str(path)))
    assert before.name == after.name
    assert before.fingerprint("s") != after.fingerprint("s") != after.fingerprint("t")


@pytest.mark.parametrize("refusing", ["status", "walk"])
def test_what_hdfs_refuses_is_told_in_one_line(
    monkeypatch: pytest.MonkeyPatch, refusing: str
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise HdfsError("Permission denied: user=u, access=EXECUTE\n\tat org.apache.hadoop")

    flags = ["--hdfs_host=localhost", "--hdfs_port=9870", "--hdfs_user=u"]
    monkeypatch.setattr(FileSystems, "_pipeline_options", PipelineOptions(flags))
    monkeypatch.setattr(InsecureClient, "status", lambda *_, **__: {"type": "DIRECTORY"})
    monkeypatch.setattr(InsecureClient, refusing, refuse)
    with pytest.raises(UserError) as error:
        plan(recipe("hdfs://crawl/in/*.jsonl"))
    assert str(error.value) == (
        "hdfs://crawl/in/*.jsonl (input.0.paths): can't be listed: Permission denied: user=u,"
        " access=EXECUTE at org.apache.hadoop"
    )
