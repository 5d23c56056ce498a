"""How well extractors find a page's article, and what they cost beside resiliparse.

    python -m benchmarks.extraction ../shared/data

For each gold set and each extractor: precision, recall and F1 as the article extraction benchmark
measures them, and CPU time beside resiliparse's on the same pages. Every page is extracted by each
in turn, so that whatever else the machine does falls on all of them alike. The set of the article
extraction benchmark had no part in training or choosing anything; on the other sets, `blocks` is
measured on pages that it was trained on (`thresher train extraction --cross-validate` says what it
makes of other sites).
"""

import argparse
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import trafilatura
from rich.console import Console
from rich.table import Table

from filters.extraction import ExtractionError, ExtractorName, extract_text
from models.extraction_gold import (
    BENCHMARK,
    TRAINING_SETS,
    ExtractionAccuracy,
    GoldPage,
    extraction_accuracy,
    read_gold,
)

Extract = Callable[[str], str]


def ours(extractor: ExtractorName) -> Extract:
    """Return an extractor as a recipe names it; a page that it refuses has no text."""

    def extract(html: str) -> str:
        try:
            return extract_text(html, extractor=extractor).text
        except ExtractionError:
            return ""

    return extract


def trafilatura_with_second_opinions(html: str) -> str:
    """Extract with trafilatura's default settings, which try other extractors too; no comments."""
    return trafilatura.extract(html, include_comments=False) or ""


EXTRACTORS: dict[str, Extract] = {
    "resiliparse": ours("resiliparse"),
    "blocks": ours("blocks"),
    "trafilatura": ours("trafilatura"),
    "trafilatura, all opinions": trafilatura_with_second_opinions,
}


@dataclass(slots=True)
class Measured:
    """What an extractor found and what it took: CPU seconds, the smaller of two runs a page."""

    seconds: float = 0.0
    pairs: list[tuple[str, str]] = field(default_factory=list)

    @property
    def accuracy(self) -> ExtractionAccuracy:
        """How near the texts are to gold."""
        return extraction_accuracy(self.pairs)


def measure(pages: list[GoldPage], extractors: dict[str, Extract]) -> dict[str, Measured]:
    """Extract each page by each extractor in turn, twice."""
    measured = {name: Measured() for name in extractors}
    for extract in extractors.values():
        extract("<html><body><p>What loads late loads before the clock runs.</p></body></html>")
    for page in pages:
        least = dict.fromkeys(extractors, float("inf"))
        found = dict.fromkeys(extractors, "")
        for _ in range(2):
            for name, extract in extractors.items():
                start = time.process_time()
                found[name] = extract(page.html)
                least[name] = min(least[name], time.process_time() - start)
        for name, of in measured.items():
            of.seconds += least[name]
            of.pairs.append((page.text, found[name]))
    return measured


def main() -> None:
    """Measure and print a table for each gold set."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("data", type=Path, help="the folder that holds html_gold")
    parser.add_argument(
        "--sets",
        nargs="+",
        choices=(BENCHMARK, *TRAINING_SETS),
        default=(BENCHMARK, *TRAINING_SETS),
    )
    parser.add_argument(
        "--extractors", nargs="+", choices=tuple(EXTRACTORS), default=tuple(EXTRACTORS)
    )
    arguments = parser.parse_args()
    extractors = {name: EXTRACTORS[name] for name in arguments.extractors}
    for source in arguments.sets:
        pages = [page for page in read_gold(arguments.data, source) if page.text.strip()]
        print_table(source, len(pages), measure(pages, extractors))


def print_table(source: str, pages: int, measured: dict[str, Measured]) -> None:
    """Print the figures of one gold set."""
    table = Table(title=f"{source}: {pages} pages")
    table.add_column("extractor")
    for column in ("F1", "precision", "recall", "ms a page", "beside the first"):
        table.add_column(column, justify="right")
    floor = next(iter(measured.values())).seconds
    for name, of in measured.items():
        accuracy = of.accuracy
        table.add_row(
            name,
            f"{accuracy.f1:.3f}",
            f"{accuracy.precision:.3f}",
            f"{accuracy.recall:.3f}",
            f"{of.seconds / pages * 1e3:.2f}",
            f"{of.seconds / floor:.2f}×",
        )
    Console().print(table)


if __name__ == "__main__":
    main()
