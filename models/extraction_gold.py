"""Web pages with the text that people, or people's checks, say is their article."""

import gzip
import json
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from statistics import mean

from resiliparse.extract.html2text import extract_plain_text
from resiliparse.parse.html import HTMLTree

from filters.decoding import decode

BENCHMARK = "scrapinghub_aeb"
"""The article extraction benchmark of Zyte (formerly Scrapinghub): never trained on."""

TRAINING_SETS = ("newspaper3k", "mozilla_readability", "newspaper4k", "python_goose")
"""The gold sets that the shipped model of blocks is trained on."""

_WORD = re.compile(r"\w+")
_SHINGLE = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class GoldPage:
    """A page and its article.

    Attributes:
        source: The gold set.
        name: Which page of it.
        html: The page.
        text: The text of its article; empty where it has none.
    """

    source: str
    name: str
    html: str
    text: str

    @property
    def site(self) -> str:
        """The set and the site, as far as the page's name tells: "bbc2" is of the site "bbc"."""
        return f"{self.source}:" + re.sub(r"[-_]?\d+$", "", self.name)


def read_gold(data: Path, source: str) -> list[GoldPage]:
    """Read a gold set, in the order of the pages' names.

    Args:
        data: The folder of data, which holds ``html_gold/<source>``.
        source: One of ``TRAINING_SETS``, or ``BENCHMARK``.

    Raises:
        OSError: The folder lacks the set.
    """
    folder = data / "html_gold" / source
    readers = {
        "newspaper3k": lambda: _newspaper(folder, folder / "text"),
        "newspaper4k": lambda: _newspaper(folder, folder / "txt"),
        "mozilla_readability": lambda: _readability(folder),
        "python_goose": lambda: _goose(folder),
        BENCHMARK: lambda: _benchmark(folder),
    }
    if not folder.is_dir():
        raise FileNotFoundError(2, "no such gold set", str(folder))
    return [
        GoldPage(source=source, name=name, html=html, text=text)
        for name, html, text in readers[source]()
    ]


def _newspaper(folder: Path, texts: Path) -> Iterator[tuple[str, str, str]]:
    for path in sorted(texts.glob("*.txt")):
        page = _page(folder / "html" / f"{path.stem}.html")
        if page is not None:
            yield path.stem, page, path.read_text(encoding="utf-8", errors="replace")


def _readability(folder: Path) -> Iterator[tuple[str, str, str]]:
    for path in sorted(folder.iterdir()):
        page, expected = _page(path / "source.html"), _page(path / "expected.html")
        if page is not None and expected is not None:
            text = extract_plain_text(
                HTMLTree.parse(expected), list_bullets=False, alt_texts=False, noscript=True
            )
            yield path.name, page, text


def _goose(folder: Path) -> Iterator[tuple[str, str, str]]:
    for path in sorted(folder.glob("*.json")):
        page = _page(folder / f"{path.stem}.html")
        text = json.loads(path.read_text(encoding="utf-8"))["expected"].get("cleaned_text")
        if page is not None and text:
            yield path.stem, page, text


def _benchmark(folder: Path) -> Iterator[tuple[str, str, str]]:
    gold = json.loads((folder / "ground-truth.json").read_text(encoding="utf-8"))
    for name in sorted(gold):
        page = _page(folder / "html" / f"{name}.html")
        if page is None:
            raise FileNotFoundError(2, "no page of this name", str(folder / "html" / name))
        yield name, page, gold[name].get("articleBody", "")


def _page(path: Path) -> str | None:
    packed = path.with_name(f"{path.name}.gz")
    if path.exists():
        content = path.read_bytes()
    elif packed.exists():
        content = gzip.decompress(packed.read_bytes())
    else:
        return None
    return decode(content, declared=None, html=True).text


@dataclass(frozen=True, slots=True)
class ExtractionAccuracy:
    """How near extracted texts are to gold: see :func:`extraction_accuracy`.

    Attributes:
        precision: The mean over pages of the share of what was found that is gold.
        recall: The mean over pages of the share of the gold that was found.
    """

    precision: float
    recall: float

    @property
    def f1(self) -> float:
        """The harmonic mean of the two means."""
        both = self.precision + self.recall
        return 2 * self.precision * self.recall / both if both else 0.0


def shingles(text: str) -> Counter[tuple[str, ...]]:
    """Count a text's runs of four words; a shorter text is one run.

    >>> sorted(shingles("a b c d e"))
    [('a', 'b', 'c', 'd'), ('b', 'c', 'd', 'e')]
    """
    words = _WORD.findall(text)
    runs = (tuple(words[at : at + _SHINGLE]) for at in range(max(1, len(words) - _SHINGLE + 1)))
    return Counter(run for run in runs if run)


def extraction_accuracy(pairs: list[tuple[str, str]]) -> ExtractionAccuracy:
    """Measure (gold, found) texts as the article extraction benchmark does.

    A page counts to the mean precision if something was found, and to the mean recall if there is
    gold (scrapinghub/article-extraction-benchmark, ``evaluate.py``).
    """
    precisions, recalls = [], []
    for gold, found in pairs:
        expected, got = shingles(gold), shingles(found)
        shared = (expected & got).total()
        if got:
            precisions.append(shared / got.total())
        if expected:
            recalls.append(shared / expected.total())
    return ExtractionAccuracy(
        mean(precisions) if precisions else 0.0, mean(recalls) if recalls else 0.0
    )
