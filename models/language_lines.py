"""What the languages of a document's lines say of it, as in OSCAR (Ungoliant).

Abadji et al. 2022, "Towards a Cleaner Document-Oriented Multilingual Crawled Corpus" (LREC 2022,
arXiv 2201.06642). A line has a language if the model is sure of it, and the document that of most
of its bytes.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from filters.bounds import Bounds
from filters.signals import Signal, SignalValue

_SOURCE = "OSCAR 22.01, arXiv 2201.06642, as in its code (Ungoliant)"

LEAST_SCORE = 0.8
"""The probability from which a line has a language: `FastTextBuilder.threshold` in Ungoliant."""

# `StrictMultilingual` in Ungoliant.
_LEAST_LINES = 10
_IDENTIFIED_SHARE = 0.8
_MOST_LANGUAGES = 5

SIGNALS = (
    Signal(
        name="language.line_code",
        type="string",
        unit="language code",
        meaning="The language of most bytes, of the lines whose language has probability 0.8.",
        source=_SOURCE,
    ),
    Signal(
        name="language.line_byte_ratio",
        type="float64",
        unit="ratio",
        meaning="Share of the bytes of all lines in the lines of that language.",
        source=_SOURCE,
        threshold=Bounds(min=0.6),
    ),
    Signal(
        name="language.multilingual",
        type="bool",
        unit="yes or no",
        meaning="Whether two to five languages share 10 lines or more about equally.",
        source=_SOURCE,
    ),
)


@dataclass(frozen=True, slots=True)
class LineLanguage:
    """The language of one line.

    Attributes:
        code: None where the model is not sure.
        size: Bytes of the line in UTF-8.
    """

    code: str | None
    size: int


def line_signals(lines: Sequence[LineLanguage]) -> dict[str, SignalValue]:
    """Return the signals of a document's lines; nulls without a line.

    >>> line_signals([LineLanguage("fr", 60), LineLanguage(None, 20), LineLanguage("en", 20)])
    {'language.line_code': 'fr', 'language.line_byte_ratio': 0.6, 'language.multilingual': False}
    """
    sizes: Counter[str] = Counter()
    for line in lines:
        if line.code is not None:
            sizes[line.code] += line.size
    code, size = max(sizes.items(), key=lambda item: item[1], default=(None, 0))
    total = sum(line.size for line in lines)
    return {
        "language.line_code": code,
        "language.line_byte_ratio": size / total if total else None,
        "language.multilingual": _is_multilingual(lines) if lines else None,
    }


def _is_multilingual(lines: Sequence[LineLanguage]) -> bool:
    """Tell whether a document is one of several languages and not of one with foreign lines.

    It has 10 lines or more, more than four fifths of which have a language; there are two to five
    languages; with ``n`` kinds of lines, those without a language being one, each language has the
    ``n``-th part of the lines or more, and those without a language are no more than that.
    """
    counts = Counter(line.code for line in lines)
    languages = len(counts.keys() - {None})
    fair = len(lines) // len(counts)
    return (
        len(lines) >= _LEAST_LINES
        and 1 - counts[None] / len(lines) > _IDENTIFIED_SHARE
        and 2 <= languages <= _MOST_LANGUAGES
        and counts[None] <= fair
        and all(count >= fair for code, count in counts.items() if code is not None)
    )
