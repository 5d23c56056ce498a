"""EvalWeb's rules for Chinese web pages, as signals.

Chen et al. 2023, "ChineseWebText: Large-scale High-quality Chinese Web Text Extracted with
Effective Evaluation Model" (arXiv 2311.01149), with the figures as its released code computes
them. The length of a page, another of its rules, is ``length.characters``.
"""

import operator
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import numpy.typing as npt
from zhconv_rs import zhconv

from filters.bounds import Bounds
from filters.characters import code_points
from filters.decoding import storable
from filters.signals import Signal, SignalValue
from filters.text_view import TextView
from filters.word_list import WordList

_SOURCE = "EvalWeb, arXiv 2311.01149, as in the code released with it"
_SENSITIVE_WORDS = Path(__file__).parent / "data" / "sensitive_words_zh.tsv"

_NGRAM = 13
# Odd, so that multiplication loses nothing of a hash.
_BASE = 0x9E3779B97F4A7C15
_RUNS = re.compile(r"(\W+)")


@dataclass(frozen=True, kw_only=True)
class EvalWeb:
    r"""What EvalWeb's rules for Chinese pages look at.

    A line is what stands between two newlines, blank or not, as in the released code. Traditional
    characters are those that MediaWiki's conversion to the simplified Chinese of mainland China
    changes; it changes words of Taiwan and Hong Kong and corner brackets (「」) too. The released
    code misses the last 13-gram of a page; here all are counted. Where there is no Chinese
    character, nothing is known of traditional ones or of repetition: both are null.

    Args:
        sensitive_words: A list of words (see :meth:`filters.word_list.WordList.read`), or None for
            the small one that comes along. The paper's own has 1,494 words.

    >>> values = EvalWeb().compute(TextView("網上赌场 is 網上赌场"))
    >>> values["evalweb.chinese_character_ratio"], values["evalweb.traditional_character_ratio"]
    (0.6666666666666666, 0.16666666666666666)
    """

    sensitive_words: str | None = None

    signals = (
        Signal(
            name="evalweb.mean_line_length",
            type="float64",
            unit="characters",
            meaning="Characters for each line, blank lines and newlines counted.",
            source=_SOURCE,
            threshold=Bounds(min=10),
        ),
        Signal(
            name="evalweb.chinese_character_ratio",
            type="float64",
            unit="ratio",
            meaning="Share of the characters that are Chinese (U+4E00 to U+9FA5).",
            source=_SOURCE,
            threshold=Bounds(min=0.3),
        ),
        Signal(
            name="evalweb.traditional_character_ratio",
            type="float64",
            unit="ratio",
            meaning="Share of the characters that differ in mainland China's simplified Chinese.",
            source=_SOURCE,
            threshold=Bounds(max=0),
        ),
        Signal(
            name="evalweb.sensitive_words_per_line",
            type="float64",
            unit="words a line",
            meaning="Distinct sensitive words of the list for each line, blank lines counted.",
            source=_SOURCE,
            threshold=Bounds(max=0.5),
        ),
        Signal(
            name="evalweb.duplicate_13gram_ratio",
            type="float64",
            unit="ratio",
            meaning="Share of the runs of 13 characters, without spaces, that stand there twice.",
            source=_SOURCE,
            threshold=Bounds(max=0.5),
        ),
    )

    def __post_init__(self) -> None:
        if self.sensitive_words is not None and not self.sensitive_words:
            raise ValueError("sensitive_words is the path of a list; leave it out for the default")

    def __getstate__(self) -> dict[str, str | None]:
        return {"sensitive_words": self.sensitive_words}

    @property
    def files(self) -> Mapping[str, str]:
        """The list of words that the user gives, by the parameter's name."""
        return {} if self.sensitive_words is None else {"sensitive_words": self.sensitive_words}

    @cached_property
    def _words(self) -> WordList:
        return WordList.read(self.sensitive_words or _SENSITIVE_WORDS)

    def load(self) -> None:
        """Read the list of words now.

        Raises:
            ValueError: it can't be read or holds no word.
        """
        self._words  # noqa: B018

    def compute(self, view: TextView) -> Mapping[str, SignalValue]:
        """Count lines, Chinese and traditional characters, sensitive words and 13-grams."""
        text = view.text
        if not text:
            return dict.fromkeys(signal.name for signal in self.signals)
        lines = text.count("\n") + 1
        chinese = view.chinese_characters
        return {
            "evalweb.mean_line_length": len(text) / lines,
            "evalweb.chinese_character_ratio": chinese / len(text),
            "evalweb.traditional_character_ratio": (
                _converted_characters(text) / len(text) if chinese else None
            ),
            "evalweb.sensitive_words_per_line": self._words.distinct(text) / lines,
            "evalweb.duplicate_13gram_ratio": _duplicate_ngram_ratio(text) if chinese else None,
        }


def _converted_characters(text: str) -> int:
    """Count the characters that conversion to mainland China's simplified Chinese changes.

    Conversion may shorten or lengthen a word. Runs of letters and runs of anything else are
    compared one by one; where their lengths differ, what is not the same at both ends has changed.
    """
    text = storable(text)
    converted = zhconv(text, "zh-cn")
    if converted == text:
        return 0
    before, after = _RUNS.split(text), _RUNS.split(converted)
    if len(before) != len(after):
        before, after = [text], [converted]
    return sum(map(_changed_characters, before, after))


def _changed_characters(before: str, after: str) -> int:
    if before == after:
        return 0
    if len(before) == len(after):
        return sum(map(operator.ne, before, after))
    start = _common_start(before, after)
    end = _common_start(before[start:][::-1], after[start:][::-1])
    return max(len(before) - start - end, 1)


def _common_start(one: str, other: str) -> int:
    shorter = min(len(one), len(other))
    return next((place for place in range(shorter) if one[place] != other[place]), shorter)


def _duplicate_ngram_ratio(text: str) -> float | None:
    """Return the share of 13-grams of characters that occur more than once; null without any.

    N-grams are compared by 64-bit hashes: two different ones of a page are taken for the same
    about once in 10^12 pages of 6,000 characters.
    """
    text = text.strip().lower()
    for space in " \n\t":
        text = text.replace(space, "")
    codes = code_points(text)
    hashes = np.sort(_ngram_hashes(codes))
    if not hashes.size:
        return None
    same = hashes[1:] == hashes[:-1]
    # Equal hashes stand side by side: the first of each row of them is no neighbour's copy.
    repeated = np.count_nonzero(same) + np.count_nonzero(same[1:] > same[:-1]) + int(same[:1].sum())
    return float(repeated / hashes.size)


def _ngram_hashes(codes: npt.NDArray[np.uint32]) -> npt.NDArray[np.uint64]:
    """Return a hash of each run of 13 code points: a polynomial in them, modulo 2^64."""
    if codes.size < _NGRAM:
        return np.empty(0, np.uint64)

    def joined(
        first: npt.NDArray[np.uint64], second: npt.NDArray[np.uint64], length: int, added: int
    ) -> npt.NDArray[np.uint64]:
        # From the hashes of n-grams of two lengths, those of the n-grams of both together.
        after = second[length:]
        return first[: after.size] * np.uint64(pow(_BASE, added, 1 << 64)) + after

    one = codes.astype(np.uint64)
    two = joined(one, one, 1, 1)
    four = joined(two, two, 2, 2)
    eight = joined(four, four, 4, 4)
    return joined(joined(eight, four, 8, 4), one, 12, 1)
