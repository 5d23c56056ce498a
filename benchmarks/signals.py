"""What the rule signals of a page cost, beside datatrove's filters and the page's extraction.

    python -m benchmarks.signals ../shared/data

One process, CPU time, the same English pages for all, in one run. The second table has the cost of
a byte at several lengths of text: a step that is not linear would show there.
"""

import argparse
import gzip
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from datatrove.data import Document
from loguru import logger
from rich.console import Console
from rich.table import Table

from benchmarks.agreement import PAIRS, english_html
from filters.extraction import extract_text
from filters.registry import FAMILIES
from filters.signals import SignalFamily
from filters.text_view import TextView

DEDUPLICATION = ("exact", "minhash")
"""The families that hold no rules; signatures are measured by the benchmark of deduplication."""

_ROUNDS = 3
_LENGTHS = (1_000, 10_000, 100_000, 1_000_000, 10_000_000)
_MEASURED = 1_000_000
_URL = "https://www.example.com/news/2024/a-page.html"


def cpu_seconds(work: Callable[[], Any], *, rounds: int = _ROUNDS) -> float:
    """Return the least CPU time that some work took in a few rounds."""
    taken = []
    for _ in range(rounds):
        start = time.process_time()
        work()
        taken.append(time.process_time() - start)
    return min(taken)


def compute(families: Sequence[SignalFamily], texts: Sequence[str]) -> None:
    """Compute the signals of some families for each text, the text's view shared by all."""
    for text in texts:
        view = TextView(text, language="en", url=_URL)
        for family in families:
            family.compute(view)


def page_costs(html: Sequence[str]) -> Table:
    """Measure extraction, datatrove's filters and each family, in milliseconds a page."""
    texts = [extract_text(page).text for page in html]
    per_page = 1e3 / len(texts)
    datatrove = {}
    for name, pair in PAIRS.items():
        theirs = pair.theirs()
        theirs.filter(Document(text=texts[0], id=""))

        def run(theirs: Any = theirs) -> None:
            for text in texts:
                theirs.filter(Document(text=text, id=""))

        datatrove[name] = cpu_seconds(run, rounds=1) * per_page
    families = {name: make() for name, make in FAMILIES.items() if name != "minhash"}
    rules = [family for name, family in families.items() if name not in DEDUPLICATION]
    costs = {
        name: cpu_seconds(partial(compute, [family], texts)) * per_page
        for name, family in families.items()
    }
    # In turns, so that whatever else the machine does weighs on both.
    extraction = together = float("inf")
    for _ in range(_ROUNDS):
        one = cpu_seconds(lambda: [extract_text(page) for page in html], rounds=1)
        extraction = min(extraction, one * per_page)
        together = min(together, cpu_seconds(partial(compute, rules, texts), rounds=1) * per_page)
    characters = sum(map(len, texts)) / len(texts)
    table = Table(
        title=f"CPU ms a page: {len(texts)} English pages, {characters:,.0f} characters on average",
        title_justify="left",
    )
    for column in ("", "ms a page", "of extraction", "of datatrove's four"):
        table.add_column(column, justify="left" if not column else "right")
    total = sum(datatrove.values())
    rows = [
        ("extraction (resiliparse)", extraction),
        *((f"datatrove {name}", cost) for name, cost in datatrove.items()),
        ("datatrove, the four", total),
        *((f"{name} alone", cost) for name, cost in costs.items()),
        (f"all {len(rules)} families of rules together", together),
    ]
    for name, cost in rows:
        ratio = f"1/{total / cost:.0f}" if cost < total else f"{cost / total:.2f}"
        table.add_row(name, f"{cost:.3f}", f"{cost / extraction:.2f}", ratio)
    return table


def length_costs(material: str) -> Table:
    """Measure all families together at each length of text, in nanoseconds a byte."""
    families = [make() for name, make in FAMILIES.items() if name not in DEDUPLICATION]
    table = Table(title="CPU ns a byte, all families together", title_justify="left")
    for column in ("characters of text", "ns a byte", "of the first"):
        table.add_column(column, justify="right")
    first = 0.0
    for length in _LENGTHS:
        # Spread over the same ten million characters, so that each row is about the same words.
        starts = range(0, _LENGTHS[-1], max(length, length * _LENGTHS[-1] // _MEASURED))
        texts = [material[start : start + length] for start in starts]
        size = sum(len(text.encode()) for text in texts)
        cost = cpu_seconds(partial(compute, families, texts), rounds=2) / size * 1e9
        first = first or cost
        table.add_row(f"{length:,}", f"{cost:.0f}", f"{cost / first:.2f}")
    return table


def main() -> None:
    """Measure and print both tables."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("data", type=Path, help="the folder of real data")
    logger.disable("datatrove")
    data = parser.parse_args().data
    console = Console(width=120)
    console.print(page_costs(list(english_html(data))))
    books = sorted((data / "gutenberg/top100_2025").rglob("*.txt.gz"))
    console.print(length_costs("".join(map(_book, books))))


def _book(path: Path) -> str:
    return gzip.decompress(path.read_bytes()).decode("utf-8")


if __name__ == "__main__":
    main()
