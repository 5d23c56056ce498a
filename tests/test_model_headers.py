"""Model files are looked at before native code sees them, and tried where they can do no harm."""

import random
import struct
from pathlib import Path

import pytest

from models.language import SHIPPED, LanguageIdentifier
from models.model_headers import check_fasttext, check_ngrams, is_fasttext, is_ngrams
from pipelines.errors import UserError
from pipelines.model_trial import try_models

FASTTEXT = Path(LanguageIdentifier().path)
NGRAMS = Path("models/data/en-harmful/harmful.binary")
ARPA = b"\\data\\\nngram 1=3\n\n\\1-grams:\n-1\t<unk>\n-1\t<s>\n-1\t</s>\n\n\\end\\\n"


def changed(source: Path, into: Path, at: int, value: bytes) -> str:
    content = bytearray(source.read_bytes())
    content[at : at + len(value)] = value
    into.write_bytes(content)
    return str(into)


def test_models_that_come_along_pass(tmp_path: Path) -> None:
    paths = [*map(Path, SHIPPED.values()), *Path("models/data").glob("*/*.bin*")]
    assert len(paths) > 4
    for path in paths:
        start = path.read_bytes()[:4_096]
        assert is_fasttext(start) != is_ngrams(start), path
        check = check_fasttext if is_fasttext(start) else check_ngrams
        check(str(path))


@pytest.mark.parametrize(
    ("at", "value", "message"),
    [
        (0, b"PK\x03\x04", "does not begin with fastText's number"),
        (4, struct.pack("<i", 99), "version 99"),
        (8, struct.pack("<i", -1), "more than the file holds"),
        (8, struct.pack("<i", 1 << 30), "more than the file holds"),
        (64, struct.pack("<3i", 1 << 30, (1 << 30) - 1, 1), "more than the file holds"),
        (64, struct.pack("<3i", 2, -1, 3), "more than the file holds"),
    ],
)
def test_a_fasttext_header_that_can_not_be_is_refused(
    at: int, value: bytes, message: str, tmp_path: Path
) -> None:
    path = changed(FASTTEXT, tmp_path / "model.bin", at, value)
    with pytest.raises(ValueError, match=message):
        check_fasttext(path)


@pytest.mark.parametrize(
    ("at", "value", "message"),
    [
        (0, b"MMAP", "neither KenLM's binary nor an ARPA file"),
        (88, b"\x63", "its order is 99"),
        (108, struct.pack("<Q", 1 << 60), "more than the file holds"),
    ],
)
def test_an_ngram_header_that_can_not_be_is_refused(
    at: int, value: bytes, message: str, tmp_path: Path
) -> None:
    path = changed(NGRAMS, tmp_path / "model.binary", at, value)
    with pytest.raises(ValueError, match=message):
        check_ngrams(path)


@pytest.mark.parametrize("length", [0, 3, 60, 100, 120])
def test_a_model_cut_in_its_header_is_refused(length: int, tmp_path: Path) -> None:
    for source, check in ((FASTTEXT, check_fasttext), (NGRAMS, check_ngrams)):
        path = tmp_path / source.name
        path.write_bytes(source.read_bytes()[:length])
        with pytest.raises(ValueError, match="model"):
            check(str(path))


def test_a_file_that_is_not_there_is_told() -> None:
    with pytest.raises(
        ValueError, match=r"^missing\.bin can't be read: No such file or directory$"
    ):
        check_fasttext("missing.bin")


def test_an_arpa_file_is_a_model(tmp_path: Path) -> None:
    path = tmp_path / "model.arpa"
    path.write_bytes(ARPA)
    check_ngrams(str(path))


def test_a_model_that_kills_its_loader_is_one_line(tmp_path: Path) -> None:
    # These bytes make KenLM read far beyond its memory.
    source, content = random.Random(1), bytearray(NGRAMS.read_bytes())
    for _ in range(8):
        source.randrange(130, 3_000)
    content[130:3_000] = source.randbytes(2_870)
    damaged = tmp_path / "damaged.binary"
    damaged.write_bytes(content)
    cut = tmp_path / "cut.bin"
    cut.write_bytes(FASTTEXT.read_bytes()[:300_000])
    for name, path in (("harmful", damaged), ("language", cut)):
        with pytest.raises(UserError, match=rf"^{name}: a damaged model: loading it ended with "):
            try_models([(name, str(path))])


def test_sound_models_and_other_files_pass(tmp_path: Path) -> None:
    sound = tmp_path / "sound.ftz"
    sound.write_bytes(FASTTEXT.read_bytes())
    other = tmp_path / "model.json"
    other.write_text("{}")
    try_models([("sound", str(sound)), ("other", str(other))])
