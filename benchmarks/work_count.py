"""Counts the work of `score` and `dedup` in instructions and bytes, so that a change can't hide it.

    make count-work                          # beside benchmarks/work_count.json; fails above it
    make count-work COUNT_OPTIONS=--update   # after a change that is meant to cost more or less

Seconds tell of the machine and of its neighbours; the instructions of one step over one fixed
input, counted by valgrind's callgrind, are the same to a thousandth wherever the same Python runs,
which the baseline names. Each step runs in a process of its own, once before it is counted: models
are loaded, tables are grown. Bytes are the most that the step had allocated at one time, Python's
and NumPy's together.
"""

import argparse
import gc
import json
import os
import platform
import re
import subprocess
import sys
import tracemalloc
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

from benchmarks.score_cost import extract, language_of, read
from filters.clustering import candidate_edges, components
from filters.exact import ExactHashes
from filters.minhash import MinHashSignature
from filters.registry import FAMILIES
from filters.text_view import TextView
from models.harmful import HarmfulContent
from models.quality import QualityClassifier, QualityModel
from models.tokens import TokenLength

_BASELINE = Path(__file__).with_suffix(".json")
_SAMPLE = Path(__file__).parents[1] / "configs/quickstart/sample/pages.warc.gz"
_TOLERATED = 0.05
_MATCHED = 20_000
_MATCHING = ("exact", "minhash")
Work = Callable[[], Any]


def _reading() -> Work:
    return lambda: list(read([_SAMPLE]))


def _extraction() -> Work:
    records = list(read([_SAMPLE]))
    return lambda: [extract(record) for record in records]


def _texts() -> list[tuple[str, str | None]]:
    texts = (text for text in map(extract, read([_SAMPLE])) if text)
    return [(text, language_of(text)) for text in texts]


def _signals(families: Callable[[], list[Any]]) -> Work:
    texts, made = _texts(), families()

    def compute() -> None:
        for text, language in texts:
            view = TextView(text, language=language, url="https://www.example.com/news/page.html")
            for family in made:
                family.compute(view)

    return compute


def _rules() -> list[Any]:
    return [make() for name, make in FAMILIES.items() if name not in _MATCHING]


def _scores() -> list[Any]:
    quality = [QualityModel(path=name) for name in ("en-quality", "zh-quality")]
    return [HarmfulContent(path="en-harmful"), QualityClassifier(models=quality)]


def _language() -> Work:
    texts = _texts()
    return lambda: [language_of(text) for text, _ in texts]


def _clusters() -> Work:
    random = np.random.default_rng(0)
    hashes = random.integers(0, _MATCHED // 2, _MATCHED).astype(np.uint64)
    documents = np.arange(_MATCHED, dtype=np.uint64)
    return lambda: components(candidate_edges(hashes, documents))


STEPS: Mapping[str, Callable[[], Work]] = {
    "read": _reading,
    "extract": _extraction,
    "language": _language,
    "rule signals": partial(_signals, _rules),
    "signatures": partial(_signals, lambda: [ExactHashes(), MinHashSignature()]),
    "learned scores": partial(_signals, _scores),
    "token length": partial(_signals, lambda: [TokenLength()]),
    "clusters": _clusters,
}
"""Every step: what prepares it, which returns what is counted."""


def count_allocated(step: str) -> int:
    """Return the most bytes that a step allocated at one time."""
    work = STEPS[step]()
    work()
    gc.collect()
    tracemalloc.start()
    work()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak


def count_instructions(step: str) -> int:
    """Return the instructions of a step, from a process of its own under callgrind."""
    command = ["valgrind", "--tool=callgrind", "--instr-atstart=no"]
    command += ["--callgrind-out-file=/dev/null", sys.executable, "-m", __spec__.name]
    environment = {
        **os.environ,
        "PYTHONHASHSEED": "0",
        "TOKENIZERS_PARALLELISM": "false",
        "OPENBLAS_NUM_THREADS": "1",
        # pytest-codspeed's hooks into callgrind, which are all that is used of it, ask for it.
        "CODSPEED_ENV": "1",
    }
    run = subprocess.run(  # noqa: S603 - what this file names itself
        [*command, "--step", step], env=environment, capture_output=True, text=True, check=False
    )
    found = re.search(r"Collected : (\d+)", run.stderr)
    if run.returncode or not found:
        raise RuntimeError(f"{step}: {run.stderr[-2_000:]}")
    return int(found[1])


def run_under_callgrind(step: str) -> None:
    """Run a step once as it is and once counted."""
    from pytest_codspeed.instruments.hooks import InstrumentHooks

    hooks = InstrumentHooks()
    work = STEPS[step]()
    work()
    gc.collect()
    gc.disable()
    hooks.callgrind_start_instrumentation()
    work()
    hooks.callgrind_stop_instrumentation()


def above(counted: Mapping[str, int], baseline: Mapping[str, int]) -> list[str]:
    """Return what is worse than the baseline by more than is tolerated, or is not in it.

    >>> above({"a": 104, "b": 106}, {"a": 100, "b": 100})
    ['b: 106 where the baseline has 100 (+6.0%)']
    """
    worse = []
    for name, count in counted.items():
        before = baseline.get(name)
        if before is None:
            worse.append(f"{name}: {count:,}, and the baseline has nothing of it")
        elif count > before * (1 + _TOLERATED):
            more = f"+{count / before - 1:.1%}"
            worse.append(f"{name}: {count:,} where the baseline has {before:,} ({more})")
    return worse


def counted_by() -> str:
    """Return the interpreter and the kind of machine, whose instructions are of one sort."""
    return f"Python {platform.python_version().rpartition('.')[0]} on {platform.machine()}"


def main() -> None:
    """Count all steps and compare, or renew the baseline."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--update", action="store_true", help="write the baseline")
    parser.add_argument("--step", choices=STEPS, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.step:
        run_under_callgrind(arguments.step)
        return
    stored = json.loads(_BASELINE.read_text())
    if stored["counted_by"] == counted_by():
        baseline = stored["counts"]
    elif arguments.update:
        baseline = {}
    else:
        sys.exit(
            f"{_BASELINE.name} is of {stored['counted_by']}, and this is {counted_by()}, whose"
            " counts are others; count with that one, or: make count-work COUNT_OPTIONS=--update"
        )
    counted: dict[str, int] = {}
    table = Table(title=f"work over {_SAMPLE.name}", title_justify="left")
    for column in (
        "step",
        "million instructions",
        "of the baseline",
        "MB at most",
        "of the baseline",
    ):
        table.add_column(column, justify="left" if column == "step" else "right")
    # How many instructions a process takes does not depend on what runs beside it.
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        instructions = list(pool.map(count_instructions, STEPS))
    for step, instructions_of_step in zip(STEPS, instructions, strict=True):
        counts = {f"{step}, instructions": instructions_of_step}
        counts[f"{step}, bytes"] = count_allocated(step)
        shares = (f"{count / baseline.get(name, count):.3f}" for name, count in counts.items())
        told = (f"{count / 1e6:,.1f}" for count in counts.values())
        row = [cell for pair in zip(told, shares, strict=True) for cell in pair]
        table.add_row(step, *row)
        counted |= counts
    Console(width=100).print(table)
    if arguments.update:
        content = {"counted_by": counted_by(), "counts": counted}
        _BASELINE.write_text(json.dumps(content, indent=1) + "\n")
        return
    if worse := above(counted, baseline):
        remedy = "if that is meant: make count-work COUNT_OPTIONS=--update, and say why"
        sys.exit("\n".join([*worse, remedy]))


if __name__ == "__main__":
    main()
