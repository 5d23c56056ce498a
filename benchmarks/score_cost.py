"""What a page costs in `score`, step by step, beside its floor: reading and extracting it.

    python benchmarks/score_cost.py crawl.warc.gz [more archives …]

Prints CPU milliseconds a page and the ratio to the floor; then what each edit of the texts costs
where a recipe asks for it. The steps run in this process, without
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
from filters.edits import Edit
from filters.extraction import ExtractionError, extract_text
from filters.pii import PersonalData
from filters.registry import EDITS
from filters.text_view import TextView
from models.language import LanguageIdentifier
from pipelines.document_scorer import all_families
from pipelines.readers.records import Record
from pipelines.readers.warc import WarcReader
from pipelines.recipe import Recipe

_IDENTIFIER = LanguageIdentifier()


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


def language_of(text: str) -> str | None:
    """Return the code of a text's language."""
    return _IDENTIFIER.identify(text)[0]


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
        {
            "name": "cost",
            "input": [{"format": "warc", "paths": ["-"]}],
            "output": "-",
            "models": {"harmful": "en-harmful", "quality": ["en-quality", "zh-quality"]},
        }
    )
    families = all_families(recipe)
    for family in families:
        family.compute(TextView("Models load at the first document."))
    reading, records = timed(lambda: list(read(archives)))
    extracting, texts = timed(lambda: [text for text in map(extract, records) if text])
    # Documents come with their language, which decides the models that score them.
    views = [TextView(text, language=language_of(text)) for text in texts]
    viewing, _ = timed(lambda: [(view.words, view.word_ids, view.word_hashes) for view in views])
    steps = [("read", reading), ("decode and extract", extracting), ("words and hashes", viewing)]
    for family in families:
        seconds, _ = timed(lambda of=family: [of.compute(view) for view in views])  # type: ignore[misc]
        steps.append((type(family).__name__, seconds))
    floor = reading + extracting
    total = sum(seconds for _, seconds in steps)
    steps += [("floor: read and extract", floor), ("above it", total - floor)]
    title = f"{len(texts):,} pages, {sum(map(len, texts)):,} characters of text"
    Console().print(table_of(steps, title=title, pages=len(texts), floor=floor))
    edits = table_of(list(time_edits(texts)), title="Edits", pages=len(texts), floor=floor)
    Console().print(edits)


def time_edits(texts: list[str]) -> Iterator[tuple[str, float]]:
    """Yield what each edit is and the CPU seconds that it takes over the texts."""
    edits: list[tuple[str, Edit]] = [(name, make()) for name, make in EDITS.items()]
    edits.append(("pii: email and ip", PersonalData(kinds=("email", "ip"))))
    for name, edit in edits:
        edit.apply("dÃ©jÃ\xa0 vu, +1 212 555 1234, 4111 1111 1111 1111")
        seconds, _ = timed(lambda of=edit: [of.apply(text) for text in texts])  # type: ignore[misc]
        yield name, seconds


def table_of(steps: list[tuple[str, float]], *, title: str, pages: int, floor: float) -> Table:
    """Return a table of CPU seconds by step, a page and beside the floor."""
    table = Table(title=title)
    table.add_column("step")
    table.add_column("ms a page", justify="right")
    table.add_column("of the floor", justify="right")
    for name, seconds in steps:
        table.add_row(name, f"{seconds / pages * 1e3:.3f}", f"{seconds / floor:.0%}")
    return table


if __name__ == "__main__":
    main()
