"""mOSCAR's rules for the text nodes of a page and for what is left of it, as signals.

Futeral et al. 2024, "mOSCAR: A Large-scale Multilingual and Multimodal Document-level Corpus"
(arXiv 2406.08707), section 3 and appendix A.4. A node is a line of the text here, and nothing is
cut: a line that mOSCAR would discard is counted. Its code is not published; where its text leaves
a choice, the choice is told in the comment beside the rule.

Not here are what is done to HTML and images, the removal of URLs and of repeated marks inside a
node, and the toxic words, which come from word lists.
"""

import itertools
import re
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import regex

from filters.bounds import Bounds
from filters.characters import CAPITAL, DIGIT, LETTER, MARK
from filters.near_duplicate_lines import near_duplicates
from filters.signals import Signal, SignalValue
from filters.text_view import TextView

_NODES = "mOSCAR, arXiv 2406.08707, appendix A.4"
_DOCUMENTS = "mOSCAR, arXiv 2406.08707, section 3"

_FEWEST_BYTES, _FEWEST_BYTES_LATIN = 15, 5
_ONE_CHARACTER = 0.33
_FEWEST_LINES, _FEWEST_CHARACTERS = 5, 300

_LONGEST_SOCIAL = 10
_LOREM = "lorem ipsum"
_LATIN = regex.compile(r"\p{Latin}")
_COMPARISON_SIGNS = "≥≤><"
_BOILERPLATE = ("follow us", "javascript", "copyright", "©")
_SOCIAL = frozenset(
    ("comment", "facebook", "instagram", "twitter", "rss", "newsletter", "share", "follow us")
)
# Day, month and year: the names of months are English ones.
_MONTH = r"(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)"
_DAY = r"[0-9]{1,2}(?:st|nd|rd|th)?"
_NUMERIC = (
    r"[0-9]{1,2}([-/.])[0-9]{1,2}\1(?:[0-9]{4}|[0-9]{2})|[0-9]{4}([-/.])[0-9]{1,2}\2[0-9]{1,2}"
)
_DATE = re.compile(
    rf"(?<![0-9])(?:{_NUMERIC}|{_DAY}\s{_MONTH}[a-z]{{0,6}}+\.?,?\s[0-9]{{4}})(?![0-9])"
    rf"|\b{_MONTH}[a-z]{{0,6}}+\.?\s{_DAY},?\s[0-9]{{4}}(?![0-9])"
    r"|[0-9]{4}\s?[年년]\s?[0-9]{1,2}\s?[月월]\s?[0-9]{1,2}\s?[日일]",
    re.IGNORECASE,
)
_FEWEST_DIGITS_OF_A_DATE = 4
# Of each date one token has the first (wherever one could begin), the second, or a sign for a year.
_NUMERIC_IN_TOKEN = re.compile(rf"(?<![0-9])(?=(?:{_NUMERIC})(?![0-9]))")
_MONTH_AT_END = re.compile(rf"\b{_MONTH}[a-z]{{0,6}}+\.?,?$", re.IGNORECASE)

_Mask = npt.NDArray[np.bool_]


class _Lines:
    """The lines of a text and figures of each."""

    def __init__(self, view: TextView) -> None:
        self.view = view
        self.lines = view.lines
        self.lengths = view.line_lengths
        self.characters = view.count_in_lines
        self.digits = self.characters(DIGIT)


def _few_bytes(of: _Lines) -> _Mask:
    # In ASCII all letters are Latin, and each is a byte.
    latin = of.characters(LETTER) > 0.5 * of.lengths
    mask: _Mask = of.lengths < np.where(latin, _FEWEST_BYTES_LATIN, _FEWEST_BYTES)
    beyond_ascii = (of.lengths < _FEWEST_BYTES) & (of.view.line_beyond_ascii > 0)
    for place in beyond_ascii.nonzero()[0]:
        line = of.lines[place]
        fewest = (
            _FEWEST_BYTES_LATIN if len(_LATIN.findall(line)) > 0.5 * len(line) else _FEWEST_BYTES
        )
        mask[place] = len(line.encode("utf-8", "surrogatepass")) < fewest
    return mask


def _digits(of: _Lines) -> _Mask:
    return of.digits / of.lengths > 0.3


def _dates(of: _Lines) -> _Mask:
    # The pattern of dates is dear, and few lines have digits and tokens for two of them.
    mask = of.digits >= 2 * _FEWEST_DIGITS_OF_A_DATE
    if mask.any():
        most = of.view.measured_tokens(_most_dates)
        mask &= np.add.reduceat(most, of.view.line_first_tokens) > 1
    for place in mask.nonzero()[0]:
        mask[place] = len(_DATE.findall(of.lines[place])) > 1
    return mask


def _most_dates(token: str) -> int:
    """Return how many dates a run of characters without white space can be in at most."""
    signs = token.count("年") + token.count("년")
    return len(_NUMERIC_IN_TOKEN.findall(token)) + len(_MONTH_AT_END.findall(token)) + signs


def _lorem_ipsum(of: _Lines) -> _Mask:
    return of.view.lines_with((_LOREM,))


def _non_alphabetic(of: _Lines) -> _Mask:
    # Spaces count among the rest; marks, without which half of Hindi is no letter, do not.
    return (of.lengths - of.characters(LETTER | MARK)) / of.lengths > 0.33


def _curly_brackets(of: _Lines) -> _Mask:
    return of.view.lines_with("{}")


def _comparison_signs(of: _Lines) -> _Mask:
    # One of the four more than twice, not all of them together.
    signs = [sign for sign in _COMPARISON_SIGNS if of.view.text.count(sign) > 2]
    mask = np.zeros(len(of.lines), np.bool_)
    for sign in signs:
        mask |= [line.count(sign) > 2 for line in of.lines]
    return mask


def _boilerplate(of: _Lines) -> _Mask:
    return of.view.lines_with(_BOILERPLATE)


def _capitals(of: _Lines) -> _Mask:
    # Of all characters, as the share of digits and that of the most frequent character are.
    return of.characters(CAPITAL) / of.lengths > 0.2


def _social(of: _Lines) -> _Mask:
    # The line is exactly one of the words: as a word in it, "share" would cut the business news.
    mask = of.lengths <= _LONGEST_SOCIAL
    for place in mask.nonzero()[0]:
        mask[place] = of.lines[place].lower() in _SOCIAL
    return mask


def _one_character(of: _Lines) -> _Mask:
    # Those beyond ASCII are counted together; where that is enough of a line, one by one.
    least = _ONE_CHARACTER * of.lengths
    mask: _Mask = of.view.line_most_frequent > least
    for place in (of.view.line_beyond_ascii > least).nonzero()[0]:
        line = of.lines[place]
        mask[place] |= Counter(line).most_common(1)[0][1] > _ONE_CHARACTER * len(line)
    return mask


_RULES: dict[str, tuple[str, Callable[[_Lines], _Mask]]] = {
    "few_byte": ("of fewer than 5 bytes in Latin script, or 15 in another", _few_bytes),
    "digit": ("with more than 30 % digits", _digits),
    "date": ("with more than one date", _dates),
    "lorem_ipsum": ('with "lorem ipsum" in any case', _lorem_ipsum),
    "non_alphabetic": ("with more than 33 % of neither letters nor marks", _non_alphabetic),
    "curly_bracket": ("with a curly bracket", _curly_brackets),
    "comparison_sign": ("with more than two of one of ≥ ≤ > <", _comparison_signs),
    "boilerplate": ('with "follow us", "javascript", "copyright" or ©', _boilerplate),
    "capital": ("with more than 20 % capital letters", _capitals),
    "social": ('that are no more than "share", "comment", "newsletter" and the like', _social),
    "one_character": ("with more than 33 % of one character", _one_character),
}


@dataclass(frozen=True, kw_only=True)
class Moscar:
    r"""What mOSCAR's rules for text nodes discard, and what remains.

    The share of lines is given for each rule by itself, so that one line may count for several;
    ``length.lines`` makes a number of it. A line remains if no rule discards it and no earlier line
    is the same or nearly the same, be it discarded or not; how near-duplicates are found, and which
    are not, is told in :func:`filters.near_duplicate_lines.near_duplicates`.

    >>> values = Moscar().compute(TextView("Share\nIt rained all day.\nIt rained all day.\n{}"))
    >>> values["moscar.discarded_line_count"], values["moscar.remaining_character_count"]
    (3, 18)
    """

    signals = (
        *(
            Signal(
                name=f"moscar.{rule}_line_ratio",
                type="float64",
                unit="ratio",
                meaning=f"Share of the lines {which}.",
                source=_NODES,
            )
            for rule, (which, _) in _RULES.items()
        ),
        Signal(
            name="moscar.near_duplicate_line_ratio",
            type="float64",
            unit="ratio",
            meaning="Share of the lines that nearly repeat an earlier line (ratio 0.95).",
            source=_DOCUMENTS,
        ),
        Signal(
            name="moscar.discarded_line_ratio",
            type="float64",
            unit="ratio",
            meaning="Share of the lines that a rule or an earlier line like it discards.",
            source=_NODES,
        ),
        Signal(
            name="moscar.discarded_line_count",
            type="int64",
            unit="lines",
            meaning="Lines that a rule or an earlier line like it discards.",
            source=_NODES,
        ),
        Signal(
            name="moscar.remaining_character_count",
            type="int64",
            unit="characters",
            meaning="Characters of the lines that remain.",
            source=_DOCUMENTS,
        ),
        Signal(
            name="moscar.remaining_byte_count",
            type="int64",
            unit="bytes",
            meaning="Bytes of the lines that remain, in UTF-8.",
            source=_NODES,
            threshold=Bounds(min=101),
        ),
        Signal(
            name="moscar.little_remains",
            type="bool",
            unit="yes or no",
            meaning="Whether fewer than 5 lines and fewer than 300 characters remain.",
            source=_DOCUMENTS,
            threshold=Bounds(max=0),
        ),
    )

    def compute(self, view: TextView) -> Mapping[str, SignalValue]:
        """Ask each rule of each line, and count what passes all of them."""
        lines = view.lines
        values: dict[str, SignalValue] = dict.fromkeys(signal.name for signal in self.signals)
        of = _Lines(view)
        near = near_duplicates(lines)
        discarded = _repeated(view)
        discarded[near] = True
        if lines:
            for rule, (_, discards) in _RULES.items():
                mask = discards(of)
                discarded |= mask
                values[f"moscar.{rule}_line_ratio"] = int(np.count_nonzero(mask)) / len(lines)
            values["moscar.near_duplicate_line_ratio"] = len(near) / len(lines)
            values["moscar.discarded_line_ratio"] = int(np.count_nonzero(discarded)) / len(lines)
        remaining = list(itertools.compress(lines, (~discarded).tolist()))
        text = "".join(remaining)
        return values | {
            "moscar.discarded_line_count": len(lines) - len(remaining),
            "moscar.remaining_character_count": len(text),
            "moscar.remaining_byte_count": len(text.encode("utf-8", "surrogatepass")),
            "moscar.little_remains": (
                len(remaining) < _FEWEST_LINES and len(text) < _FEWEST_CHARACTERS
            ),
        }


def _repeated(view: TextView) -> _Mask:
    """Which lines stood there before, to the letter."""
    mask = np.zeros(len(view.lines), np.bool_)
    if view.line_duplicates.count:
        first = dict(zip(reversed(view.lines), reversed(range(len(view.lines))), strict=True))
        mask[:] = True
        mask[list(first.values())] = False
    return mask
