"""What a page costs in `score`, step by step, beside its floor: reading and extracting it.

    python benchmarks/score_cost.py crawl.warc.gz [more archives …]

Prints CPU milliseconds a page and the ratio to the floor. The steps run in this process, without
Beam and without the extraction process, so the figures are the steps' own.
"""

import argparse
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from filters.decoding import UndecodableText, decode
from filters.extraction import ExtractionError, extract_text
from filters.text_view import TextView
from pipelines.document_scorer import all_families
from pipelines.readers.records import Record
from pipelines.readers.warc import WarcReader
from pipelines.recipe import Recipe


def read(paths: list[Path]) -> Iterator[Record]:
    """Yield the HTML records of archives."""
    for path in paths:
        with path.open("rb") as file:
            for item in WarcReader().read(file, str(path)):
                if isinstance(item, Record) and item.media_type != "text/plain":
                    yield item


def extract(record: Record) -> str:
    """Return the text of a page; empty where there is none."""
    content = record.content
    assert isinstance(content, bytes)
    try:
        html = decode(content, declared=record.charset, html=True).text
        return extract_text(html, extractor="resiliparse").text
    except (UndecodableText, ExtractionError):
        return ""


def timed(work: Callable[[], Any]) -> tuple[float, Any]:
    """Return the CPU seconds of some work, and its result."""
    start = time.process_time()
    result = work()
    return time.process_time() - start, result


def main() -> None:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("archives", nargs="+", type=Path)
    archives = parser.parse_args().archives
    recipe = Recipe.model_validate(
        {"name": "cost", "input": [{"format": "warc", "paths": ["-"]}], "output": "-"}
    )
    families = all_families(recipe)
    for family in families:
        family.compute(TextView("Models load at the first document."))
    reading, records = timed(lambda: list(read(archives)))
    extracting, texts = timed(lambda: [text for text in map(extract, records) if text])
    views = [TextView(text) for text in texts]
    viewing, _ = timed(lambda: [(view.words, view.word_ids, view.word_hashes) for view in views])
    steps = [("read", reading), ("decode and extract", extracting), ("words and hashes", viewing)]
    for family in families:
        seconds, _ = timed(lambda of=family: [of.compute(view) for view in views])  # type: ignore[misc]
        steps.append((type(family).__name__, seconds))
    floor = reading + extracting
    table = Table(title=f"{len(texts):,} pages, {sum(map(len, texts)):,} characters of text")
    table.add_column("step")
    table.add_column("ms a page", justify="right")
    table.add_column("of the floor", justify="right")
    total = sum(seconds for _, seconds in steps)
    for name, seconds in [*steps, ("floor: read and extract", floor), ("above it", total - floor)]:
        table.add_row(name, f"{seconds / len(texts) * 1e3:.3f}", f"{seconds / floor:.0%}")
    Console().print(table)


if __name__ == "__main__":
    main()
