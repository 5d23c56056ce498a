"""Scores every real archive and every made hostile input; counts what was lost.

    python -m reliability.hostile ../shared/data/warc

Each case runs in a process of its own whose peak memory is measured. It must end by itself with
exit code 0, every record must be a document, gated or an error with a reason, and the good records
around the hostile ones must be among the documents.
"""

import argparse
import json
import re
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow.dataset as ds
from rich.console import Console
from rich.table import Table

from reliability.commands import THRESHER
from reliability.hostile_case import LONG, MAX_MEMORY_BYTES, SHORT, Expected, Scale
from reliability.hostile_inputs import make

MAX_SECONDS = 3_600.0
"""A case that takes longer has hung."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """What a case came to.

    Attributes:
        files: Files of the input.
        counters: The counters of the manifest.
        good: How many of the documents had to come out.
        seconds: Wall time, start and imports included.
        peak_bytes: Most resident memory of any process of the run.
    """

    files: int
    counters: dict[str, Any]
    good: int
    seconds: float
    peak_bytes: int


def recipe_text(inputs: Sequence[tuple[str, Path]], output: Path, *, further: str = "") -> str:
    """Return a recipe of inputs, each a format and a folder; every error is allowed."""
    entries = "".join(f"  - {{format: {kind}, paths: [{folder}]}}\n" for kind, folder in inputs)
    return (
        f"name: hostile\ninput:\n{entries}output: {output}\n"
        f"limits: {{max_error_rate: 1}}\ndedup: null\n{further}"
    )


def check_output(output: Path, expected: Expected) -> dict[str, Any]:
    """Check the counts of a scored output and that the expected documents are there.

    Returns:
        Its counters.

    Raises:
        AssertionError: something is lost, or told without a reason.
    """
    counters: dict[str, Any] = json.loads((output / "manifests/score.json").read_text())["counters"]
    gated, errors = sum(counters["gated"].values()), sum(counters["errors"].values())
    assert counters["in"] == counters["out"] + gated + errors, counters
    scored = _rows(output / "scored", ["id", "url"])
    assert len(scored) == counters["out"]
    assert len({row["id"] for row in scored}) == len(scored), "two documents have one id"
    assert len(_rows(output / "gated", ["reason"])) == gated
    told = [
        json.loads(line)
        for path in (output / "errors/score").glob("*.jsonl")
        for line in path.read_text().splitlines()
    ]
    assert len(told) == errors
    for line in told:
        assert line["source"], line
        assert line["exception"], line
        assert "\n" not in line["message"], line
    there = Counter(row["url"] for row in scored)
    lost = {url: count for url, count in expected.documents.items() if there[url] < count}
    assert not lost, f"lost: {lost}"
    assert gated + errors >= expected.at_least_left_out, counters
    return counters


def _rows(folder: Path, columns: list[str]) -> list[dict[str, Any]]:
    if not folder.exists():
        return []
    rows: list[dict[str, Any]] = ds.dataset(folder).to_table(columns=columns).to_pylist()
    return rows


def score(
    kind: str, folder: Path, expected: Expected, work: Path, *, max_memory_bytes: int
) -> Measured:
    """Score a folder in a process of its own and check what came of it."""
    output, recipe, told = work / "out", work / "recipe.yaml", work / "errors.txt"
    recipe.write_text(recipe_text([(kind, folder)], output))
    before = _outside(work)
    started = time.monotonic()
    with told.open("wb") as errors:
        process = subprocess.Popen(
            [*THRESHER, "score", str(recipe), "--workers", "1"],
            stdout=subprocess.DEVNULL,
            stderr=errors,
        )
        peak = peak_of(process)
    message = told.read_text()
    assert process.returncode == 0, f"exit code {process.returncode}: {message}"
    assert "Traceback" not in message, message
    assert _outside(work) == before, "something was written outside the output"
    assert peak <= max_memory_bytes, f"{peak} bytes of memory"
    return Measured(
        files=sum(1 for path in folder.rglob("*") if path.is_file()),
        counters=check_output(output, expected),
        good=sum(expected.documents.values()),
        seconds=time.monotonic() - started,
        peak_bytes=peak,
    )


def peak_of(process: "subprocess.Popen[bytes]") -> int:
    """Wait for a process; return the most resident bytes of it or of one that it started.

    Linux counts what its parent held, too, in what it tells of a process that has ended: so this
    looks while it runs.
    """
    deadline = time.monotonic() + MAX_SECONDS
    peak = 0
    while process.poll() is None:
        if time.monotonic() > deadline:
            process.kill()
            raise AssertionError(f"no end after {MAX_SECONDS:g} s")
        peak = max([peak, *map(_high_water, _family(process.pid))])
        time.sleep(0.05)
    return peak


def _family(process: int) -> list[int]:
    found = [process]
    for path in Path(f"/proc/{process}/task").glob("*/children"):
        with suppress(OSError):
            for child in path.read_text().split():
                found += _family(int(child))
    return found


def _high_water(process: int) -> int:
    with suppress(OSError):
        status = Path(f"/proc/{process}/status").read_text()
        if found := re.search(r"VmHWM:\s+(\d+) kB", status):
            return int(found[1]) * 1024
    return 0


def _outside(work: Path) -> set[str]:
    """What lies where a name with ``..`` would lead."""
    folders = (work, work.parent, Path("/tmp"), Path("/"))
    return {str(path) for folder in folders for path in folder.glob("*escaped*")}


def real_archives(folder: Path) -> list[Path]:
    """Return the folders of real archives, one a source."""
    return sorted(path for path in folder.iterdir() if path.is_dir())


def main() -> int:
    """Run every case; print a table; the exit code says whether anything was lost."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("archives", nargs="?", type=Path, help="folders of real archives")
    parser.add_argument("--short", action="store_true", help="small cases")
    parser.add_argument("--only", help="cases whose name holds this")
    options = parser.parse_args()
    scale: Scale = SHORT if options.short else LONG
    table = Table(title="hostile inputs")
    for column in ("case", "files", "in", "out", "gated", "errors", "good", "s", "peak MB", "told"):
        table.add_column(column, justify="left" if column in ("case", "told") else "right")
    failed = 0

    def tell(
        name: str,
        kind: str,
        folder: Path,
        expected: Expected,
        work: Path,
        max_memory_bytes: int = MAX_MEMORY_BYTES,
    ) -> int:
        try:
            measured = score(kind, folder, expected, work, max_memory_bytes=max_memory_bytes)
        except AssertionError as error:
            table.add_row(name, *[""] * 8, f"FAILED: {str(error)[:300]}")
            print(f"{name}: FAILED: {str(error)[:2000]}", flush=True)
            return 1
        counters = measured.counters
        told = ", ".join(sorted({*counters["errors"], *counters["gated"]}))
        row = (
            *(name, f"{measured.files:,}", f"{counters['in']:,}", f"{counters['out']:,}"),
            *(f"{sum(counters[of].values()):,}" for of in ("gated", "errors")),
            *(f"{measured.good:,}", f"{measured.seconds:.0f}", f"{measured.peak_bytes / 1e6:.0f}"),
        )
        table.add_row(*row, told[:90])
        print(*row, flush=True)
        return 0

    with tempfile.TemporaryDirectory(prefix="thresher-hostile-") as root:
        for case, folder, expected in make(Path(root, "in"), scale):
            if options.only and options.only not in case.name:
                continue
            with tempfile.TemporaryDirectory(dir=root) as work:
                failed += tell(
                    case.name, case.format, folder, expected, Path(work), case.max_memory_bytes
                )
        for folder in real_archives(options.archives) if options.archives else []:
            if options.only and options.only not in folder.name:
                continue
            with tempfile.TemporaryDirectory(dir=root) as work:
                failed += tell(f"real: {folder.name}", "warc", folder, Expected(), Path(work))
    Console(width=200).print(table)
    print(f"cases that lost something, hung or crashed: {failed}")
    return min(failed, 1)


if __name__ == "__main__":
    sys.exit(main())
