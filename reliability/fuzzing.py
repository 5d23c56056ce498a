"""Fuzzes the readers and the text view with inputs that coverage leads to (atheris, libFuzzer).

    python -m reliability.fuzzing --seconds 120
    python -m reliability.fuzzing --target warc --seconds 10

Whatever the bytes, a reader raises nothing and yields what a reader may yield, and every signal of
a text has a value of its type or none. What breaks that is written as ``crash-…`` to the folder
``--artifacts``; give it as ``--input`` to see it again.
"""

import argparse
import io
import math
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import atheris

with atheris.instrument_imports(
    include=["pipelines.readers", "filters"],
    # Numba compiles the functions of these as they are written, and not as they are instrumented.
    exclude=["filters.layout", "filters.lexicon", "filters.repetition", "filters.token_table"],
):
    from filters.decoding import storable
    from filters.registry import FAMILIES
    from filters.text_view import TextView
    from pipelines.readers.gutenberg import GutenbergReader
    from pipelines.readers.jsonl import JsonlReader
    from pipelines.readers.parquet import ParquetReader
    from pipelines.readers.records import FailedRecord, GatedRecord, Reader, Record
    from pipelines.readers.warc import WarcReader

from reliability.hostile_case import Scale
from reliability.hostile_inputs import CASES

_LARGEST_INPUT = 1 << 16
_MEMORY_MB = 2_048
_SECONDS_AN_INPUT = 20
# Lists of words and of addresses are no matter of the text, and load for seconds.
_LEFT_OUT = ("url_rules", "banned_words")
_SEEDS = Scale(
    bomb_bytes=1 << 20,
    line_bytes=10_000,
    dense_bytes=10_000,
    tiny_records=20,
    depth=200,
    damaged_files=3,
    archive_records=3,
)


def _reader(reader: Reader, name: str) -> Callable[[bytes], None]:
    def read(data: bytes) -> None:
        for item in reader.read(io.BytesIO(data), name):
            assert isinstance(item, Record | GatedRecord | FailedRecord)
            assert item.place.source == name
            if isinstance(item, FailedRecord):
                assert item.exception
                assert "\n" not in item.message

    return read


def _text(data: bytes) -> None:
    text = storable(data.decode("utf-8", "replace")).strip()
    if not text:
        return
    view = TextView(text, language="zh" if data[0] & 1 else "en", url="https://a.example/b")
    assert len(view.words) == view.word_count == len(view.word_flags)
    assert sum(view.vocabulary_counts) == view.word_count
    for family in _FAMILIES:
        values = family.compute(view)
        assert set(values) == {signal.name for signal in family.signals}
        for name, value in values.items():
            assert not isinstance(value, float) or math.isfinite(value), name


_FAMILIES = [make() for name, make in FAMILIES.items() if name not in _LEFT_OUT]
_LIMIT = 1 << 20
TARGETS: dict[str, tuple[str, Callable[[bytes], None]]] = {
    "warc": ("warc", _reader(WarcReader(max_record_bytes=_LIMIT), "x.warc.gz")),
    "gutenberg": ("gutenberg", _reader(GutenbergReader(max_book_bytes=_LIMIT), "x.zip")),
    "jsonl": ("jsonl", _reader(JsonlReader(max_record_bytes=_LIMIT), "x.jsonl")),
    "parquet": ("parquet", _reader(ParquetReader(), "x.parquet")),
    "text": ("", _text),
}


def _seeds(folder: Path, kind: str) -> None:
    for case in CASES:
        if case.format == kind:
            below = folder / case.name
            below.mkdir()
            case.make(below, _SEEDS)
    for path in [path for path in folder.rglob("*") if path.is_symlink()]:
        path.unlink()
    if not kind:
        for path in Path("configs/quickstart/sample/books").glob("*.txt"):
            (folder / path.name).write_bytes(path.read_bytes()[:4_000])


def _fuzz(target: str, seconds: int, again: Path | None, artifacts: Path) -> int:
    kind, check = TARGETS[target]
    if again is not None:
        check(again.read_bytes())
        return 0
    with tempfile.TemporaryDirectory(prefix="thresher-fuzz-") as folder:
        _seeds(Path(folder), kind)
        options = [
            *(f"-max_total_time={seconds}", f"-max_len={_LARGEST_INPUT}", "-seed=1"),
            *(f"-rss_limit_mb={_MEMORY_MB}", f"-timeout={_SECONDS_AN_INPUT}", "-verbosity=1"),
            f"-artifact_prefix={artifacts}/",
        ]
        atheris.Setup([sys.argv[0], *options, folder], check)
        atheris.Fuzz()  # ends the process
    return 0


def main() -> int:
    """Fuzz one target in this process, or all one after another in processes of their own."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=int, default=120, help="for each target")
    parser.add_argument("--target", choices=sorted(TARGETS))
    parser.add_argument("--artifacts", type=Path, default=Path(), help="where inputs go")
    parser.add_argument("--input", type=Path, help="a file that broke a target")
    options = parser.parse_args()
    if options.target:
        return _fuzz(options.target, options.seconds, options.input, options.artifacts)
    failed = []
    for target in TARGETS:
        print(f"{target}: {options.seconds} s", flush=True)
        command = [sys.executable, "-m", "reliability.fuzzing", "--target", target]
        ended = subprocess.run([*command, "--seconds", str(options.seconds)], check=False)
        if ended.returncode:
            failed.append(target)
    print(f"targets that broke: {', '.join(failed) or 'none'}")
    return min(len(failed), 1)


if __name__ == "__main__":
    sys.exit(main())
