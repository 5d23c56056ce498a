"""Where the rules decide otherwise than datatrove, and why.

    python -m benchmarks.agreement ../shared/data

Runs datatrove's filters with words and sentences of its own (spaCy's) and our rule sets with ours
over the English pages of the gold sets and archives, and prints for each filter how many decisions
are the same and what explains the others.
"""

import argparse
import gzip
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from unittest import mock

from datatrove.data import Document
from datatrove.pipeline.filters import (
    C4QualityFilter,
    FineWebQualityFilter,
    GopherQualityFilter,
    GopherRepetitionFilter,
    fineweb_quality_filter,
    gopher_quality_filter,
    gopher_repetition_filter,
)
from datatrove.pipeline.filters.base_filter import BaseFilter
from loguru import logger
from rich.console import Console
from rich.table import Table

from filters.c4 import C4Quality
from filters.decoding import UndecodableText, decode
from filters.extraction import ExtractionError, extract_text
from filters.fineweb import FineWebQuality
from filters.gopher import GopherQuality, GopherRepetition
from filters.rule_sets import RULE_SETS
from filters.signals import SignalFamily, SignalValue
from filters.text_view import TextView
from models.language import LanguageIdentifier
from pipelines.readers.records import Record
from pipelines.readers.warc import WarcReader

EXPLANATIONS = {
    "words": "Datatrove's filter agrees once it is given our words.",
    "white space": "It agrees once blank lines and white space at the ends of lines are gone.",
    "words and white space": "It agrees once both are done.",
    "sentences": "The splitters count another number of sentences, near the bound.",
    "lines that C4 cuts": "Curly brackets or lorem ipsum stand in a line that C4's code skips.",
}
"""Each class of disagreement and what it means; `docs/rules.md` explains them."""

_PAGES = (
    "html_gold/scrapinghub_aeb/html/*.html.gz",
    "html_gold/newspaper3k/html/*.html*",
    "html_gold/mozilla_readability/*/source.html*",
    "html_gold/python_goose/**/*.html*",
    "html_gold/dclm_pages/*.html",
)
_ARCHIVES = (
    "warc/chatnoir_copycat_commoncrawl/*.from-arc.warc.gz",
    "warc/built_from_gold_html/gold-sample.warc.gz",
)


@dataclass(frozen=True, kw_only=True)
class Pair:
    """A filter of datatrove's and the family whose rule set stands for it."""

    theirs: Callable[[], BaseFilter]
    ours: SignalFamily
    words: ModuleType | None


PAIRS = {
    "gopher_quality": Pair(
        theirs=GopherQualityFilter, ours=GopherQuality(), words=gopher_quality_filter
    ),
    "gopher_repetition": Pair(
        theirs=GopherRepetitionFilter, ours=GopherRepetition(), words=gopher_repetition_filter
    ),
    "c4": Pair(
        theirs=lambda: C4QualityFilter(filter_no_terminal_punct=False), ours=C4Quality(), words=None
    ),
    "fineweb": Pair(
        theirs=FineWebQualityFilter, ours=FineWebQuality(), words=fineweb_quality_filter
    ),
}


def english_html(data: Path) -> Iterator[str]:
    """Yield the real pages whose extracted text is English, in the order of their names."""
    identifier = LanguageIdentifier()
    for html in _html(data):
        try:
            text = extract_text(html).text
        except ExtractionError:
            continue
        if identifier.compute(TextView(text))["language.code"] == "en":
            yield html


def _html(data: Path) -> Iterator[str]:
    for pattern in _PAGES:
        for path in sorted(data.glob(pattern)):
            content = path.read_bytes()
            yield from _decoded(gzip.decompress(content) if path.suffix == ".gz" else content, None)
    for pattern in _ARCHIVES:
        for path in sorted(data.glob(pattern)):
            with path.open("rb") as file:
                for item in WarcReader().read(file, str(path)):
                    if isinstance(item, Record) and isinstance(item.content, bytes):
                        yield from _decoded(item.content, item.charset)


def _decoded(content: bytes, charset: str | None) -> Iterator[str]:
    try:
        yield decode(content, declared=charset, html=True).text
    except UndecodableText:
        return


def failed_rules(name: str, values: Mapping[str, SignalValue]) -> list[str]:
    """Return the rules of a set that the values fail."""
    failed = []
    for signal, bounds in RULE_SETS[name].items():
        value = values[signal]
        if isinstance(value, int | float) and value not in bounds:
            failed.append(signal)
    return failed


@contextmanager
def _our_words(pair: Pair) -> Iterator[None]:
    if pair.words is None:
        yield
        return
    with mock.patch.object(
        pair.words, "split_into_words", lambda text, language: TextView(text).words
    ):
        yield


def _tidy(name: str, text: str) -> str:
    if name != "gopher_repetition":
        return "\n".join(TextView(text).lines)
    # Its paragraphs need the blank lines between them.
    paragraphs = ("\n".join(TextView(part).lines) for part in TextView(text).paragraphs)
    return "\n\n".join(paragraphs)


def _keeps(theirs: BaseFilter, text: str) -> bool:
    try:
        return theirs.filter(Document(text=text, id="")) is True
    except ZeroDivisionError:
        return False


def explanation(name: str, theirs: BaseFilter, text: str) -> str | None:
    """Say why the two decide otherwise on a text; None where they agree, or nothing explains it.

    Raises:
        LookupError: They disagree and no class of :data:`EXPLANATIONS` fits.
    """
    pair = PAIRS[name]
    failed = failed_rules(name, pair.ours.compute(TextView(text)))
    if _keeps(theirs, text) == (not failed):
        return None
    with _our_words(pair):
        if _keeps(theirs, text) == (not failed):
            return "words"
    if _keeps(theirs, _tidy(name, text)) == (not failed):
        return "white space"
    with _our_words(pair):
        if _keeps(theirs, _tidy(name, text)) == (not failed):
            return "words and white space"
    if failed == ["c4.sentence_count"] or (name == "c4" and not failed):
        return "sentences"
    if set(failed) <= {"c4.curly_bracket_count", "c4.lorem_ipsum_count"}:
        return "lines that C4 cuts"
    raise LookupError(f"{name} fails {failed}, and datatrove does not: {text[:200]!r}")


def compare(texts: list[str]) -> dict[str, Counter[str]]:
    """Count for each filter the decisions that are the same, and the others by explanation."""
    logger.disable("datatrove")
    counts: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for name, pair in PAIRS.items():
        theirs = pair.theirs()
        for text in texts:
            counts[name][explanation(name, theirs, text) or "same"] += 1
    return dict(counts)


def main() -> None:
    """Compare over all pages and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("data", type=Path, help="the folder of real data")
    texts = [extract_text(html).text for html in english_html(parser.parse_args().data)]
    table = Table(title=f"decisions on {len(texts)} English pages", title_justify="left")
    for column in ("filter", "agreement", *EXPLANATIONS):
        table.add_column(column, justify="left" if column == "filter" else "right")
    for name, counts in compare(texts).items():
        shares = f"{counts['same'] / len(texts):.1%}"
        table.add_row(name, shares, *(str(counts[reason]) for reason in EXPLANATIONS))
    Console(width=120).print(table)


if __name__ == "__main__":
    main()
