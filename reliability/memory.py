"""Measures how much memory each stage takes at inputs of several sizes.

    python -m reliability.memory ../shared/data --megabytes 10 100 500

The input is compressed archives of real pages, edited so that each is another; beyond one archive
it is copies of the first, each compared to itself alone. What counts is the most that any process
of a stage held, with one worker and all signals and models. `score` and `select` must not take more
than 1.2 times of what they take at the smallest input.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

from benchmarks.agreement import english_html
from benchmarks.edited_pages import EditedPages, write_archive
from reliability.commands import THRESHER
from reliability.hostile import peak_of

STAGES = ("score", "dedup", "select")
BOUNDED = ("score", "select")
"""The stages whose memory must not depend on the size of the input."""

MAX_GROWTH = 1.2

_ARCHIVE_BYTES = 500_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """What a stage came to over an input of a size.

    Attributes:
        stage: Its name.
        input_bytes: Size of the archives.
        documents: How many records went in.
        seconds: Wall time, start and imports included.
        peak_bytes: Most resident memory of any of its processes.
    """

    stage: str
    input_bytes: int
    documents: int
    seconds: float
    peak_bytes: int


def make_archives(folder: Path, pages: EditedPages, *, input_bytes: int) -> list[Path]:
    """Write archives of ``input_bytes`` together, the last one cut at a page."""
    first = folder / "crawl-000.warc.gz"
    write_archive(first, _until(first, pages, min(input_bytes, _ARCHIVE_BYTES)))
    copies = round(input_bytes / first.stat().st_size)
    archives = [folder / f"crawl-{number:03}.warc.gz" for number in range(max(1, copies))]
    for archive in archives[1:]:
        # One file under many names: to the reader each is a file.
        archive.hardlink_to(first)
    return archives


def _until(archive: Path, pages: EditedPages, input_bytes: int) -> Iterator[str]:
    number = 0
    while archive.stat().st_size < input_bytes:
        yield pages.page(number)
        number += 1


def measure(archives: Sequence[Path], work: Path) -> Iterator[Measured]:
    """Run the stages over archives, one after another."""
    output, recipe = work / "out", work / "recipe.json"
    content = {
        "name": "memory",
        "input": [{"format": "warc", "paths": [str(archive)]} for archive in archives],
        "output": str(output),
        "models": {"harmful": "en-harmful", "quality": ["en-quality"]},
        "dedup": {"scope": "dump"},
        "rules": {"use": ["gopher_quality"]},
        "limits": {"max_error_rate": 1},
    }
    recipe.write_text(json.dumps(content))
    for stage in STAGES:
        started = time.monotonic()
        process = subprocess.Popen(
            [*THRESHER, stage, str(recipe), "--workers", "1"], stdout=subprocess.DEVNULL
        )
        peak = peak_of(process)
        if process.returncode:
            raise SystemExit(f"{stage}: exit code {process.returncode}")
        manifest = json.loads((output / f"manifests/{stage}.json").read_text())
        yield Measured(
            stage=stage,
            input_bytes=sum(archive.stat().st_size for archive in archives),
            documents=manifest["counters"]["in"],
            seconds=time.monotonic() - started,
            peak_bytes=peak,
        )


def main() -> int:
    """Measure; print a table; the exit code says whether memory grew."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path, help="the folder of real data")
    parser.add_argument("--megabytes", type=int, nargs="+", default=[10, 100, 500])
    options = parser.parse_args()
    pages = EditedPages(list(english_html(options.data)))
    table = Table(title="memory")
    for column in ("stage", "MB of input", "in", "s", "peak MB", "of the smallest"):
        table.add_column(column, justify="left" if column == "stage" else "right")
    smallest: dict[str, int] = {}
    grown = 0
    for megabytes in sorted(options.megabytes):
        with tempfile.TemporaryDirectory(prefix="thresher-memory-") as name:
            folder = Path(name)
            archives = make_archives(folder, pages, input_bytes=megabytes * 1_000_000)
            for of in measure(archives, folder):
                growth = of.peak_bytes / smallest.setdefault(of.stage, of.peak_bytes)
                grown += of.stage in BOUNDED and growth > MAX_GROWTH
                row = (
                    *(of.stage, f"{of.input_bytes / 1e6:,.0f}", f"{of.documents:,}"),
                    *(f"{of.seconds:.0f}", f"{of.peak_bytes / 1e6:.0f}", f"{growth:.2f}"),
                )
                table.add_row(*row)
                print(*row, flush=True)
    Console(width=100).print(table)
    print(f"stages whose memory grew with the input: {grown}")
    return min(grown, 1)


if __name__ == "__main__":
    sys.exit(main())
