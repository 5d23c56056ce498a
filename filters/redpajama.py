"""The quality signals of RedPajama-v2 that the other families do not hold.

Weber et al. 2024, "RedPajama: an Open Dataset for Training Large Language Models" (arXiv
2411.12372), with the definitions of its code (togethercomputer/RedPajama-Data,
``app/src/core/quality_signals/``). RedPajama-v2 drops nothing and publishes no thresholds.

What is left out is elsewhere: word count and length, symbols, ellipses and repeated n-grams with
Gopher, lines that end in punctuation with C4 and FineWeb, and the share of digits of the text with
NeMo Curator.
"""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import compress

import numpy as np
import numpy.typing as npt

from filters.characters import NUMERIC, UPPERCASE
from filters.lexicon import LATIN_LETTER, UPPERCASE_WORD
from filters.signals import Signal, SignalValue
from filters.stop_words import all_stop_words
from filters.text_view import TextView

_CODE = "RedPajama-v2, arXiv 2411.12372, quality_signals"
_CONTENT = f"{_CODE}/content.py"
_LANGUAGE = f"{_CODE}/natural_language.py"
_LINES = f"{_CODE}/lines.py"

# RedPajama-v2's sentence is a run without a stop, from its first word boundary on: one that holds a
# letter, a digit or an underscore.
_WORD_CHARACTER = re.compile(r"\w")
# •‣▶◀◦■□▪▫ and the en dash, in the order of the code.
_BULLETS = tuple("\u2022\u2023\u25b6\u25c0\u25e6\u25a0\u25a1\u25aa\u25ab\u2013")


@dataclass(frozen=True, kw_only=True)
class RedPajama:
    r"""What RedPajama-v2 measures and no other family does.

    Its code takes two kinds of words: *raw* ones, which are runs of letters and digits or runs of
    marks, and *normalised* ones, which stand between white space once the text is in lower case,
    decomposed (NFD) and without the punctuation of ASCII. For raw words the figures here take the
    words of :class:`~filters.text_view.TextView`, symbols too and as they are written; for
    normalised words those that are no symbols, in lower case. Words in a line are what stands
    between white space, and its characters are those that stand there; RedPajama-v2 takes the
    punctuation of ASCII out for the numerals.

    Stop words are counted as they are listed, in lower case: "The" is none, as there. They are
    those of the document's language; the ratio is null where that is not known or has no list.

    Its figures of single lines become the mean over the lines of the document, or their sum. Blank
    lines are no lines here; there they count as lines with a figure of 0.

    >>> values = RedPajama().compute(TextView("It rained. IT RAINED ALL DAY!", language="en"))
    >>> values["redpajama.unique_word_ratio"], values["redpajama.uppercase_word_ratio"]
    (0.6666666666666666, 0.5)
    """

    signals = (
        Signal(
            name="redpajama.unigram_entropy",
            type="float64",
            unit="nats",
            meaning="Entropy of the frequencies of the words in lower case.",
            source=_LANGUAGE,
        ),
        Signal(
            name="redpajama.unique_word_ratio",
            type="float64",
            unit="ratio",
            meaning="Distinct words in lower case for each word.",
            source=_LANGUAGE,
        ),
        Signal(
            name="redpajama.uppercase_word_ratio",
            type="float64",
            unit="ratio",
            meaning="Share of the words, symbols counted, that are written in capitals alone.",
            source=_LANGUAGE,
        ),
        Signal(
            name="redpajama.no_latin_letter_word_ratio",
            type="float64",
            unit="ratio",
            meaning="Share of the words, symbols counted, without a letter from A to Z.",
            source=_LANGUAGE,
        ),
        Signal(
            name="redpajama.sentence_count",
            type="int64",
            unit="sentences",
            meaning="Runs of text between full stops, question and exclamation marks.",
            source=_LANGUAGE,
        ),
        Signal(
            name="redpajama.stop_word_ratio",
            type="float64",
            unit="ratio",
            meaning="Share of the words, symbols counted, that are stop words of the language.",
            source=_CONTENT,
        ),
        Signal(
            name="redpajama.javascript_word_count",
            type="int64",
            unit="words",
            meaning='How often the word "javascript" occurs, in any case.',
            source=_LINES,
        ),
        Signal(
            name="redpajama.lorem_ipsum_ratio",
            type="float64",
            unit="occurrences a character",
            meaning='How often "lorem ipsum" stands in the text, for each of its characters.',
            source=_CONTENT,
        ),
        Signal(
            name="redpajama.curly_bracket_ratio",
            type="float64",
            unit="ratio",
            meaning="Share of the characters that are curly brackets.",
            source=_CONTENT,
        ),
        Signal(
            name="redpajama.uppercase_ratio",
            type="float64",
            unit="ratio",
            meaning="Share of the characters of the text that are capitals.",
            source=_LINES,
        ),
        Signal(
            name="redpajama.bullet_line_ratio",
            type="float64",
            unit="ratio",
            meaning="Share of the lines that start with a bullet, a square, a triangle or a dash.",
            source=_LINES,
        ),
        Signal(
            name="redpajama.mean_line_word_count",
            type="float64",
            unit="words",
            meaning="Mean number of words in a line.",
            source=_LINES,
        ),
        Signal(
            name="redpajama.longest_line_word_count",
            type="int64",
            unit="words",
            meaning="Words in the line that has most.",
            source=_LINES,
        ),
        Signal(
            name="redpajama.mean_line_uppercase_ratio",
            type="float64",
            unit="ratio",
            meaning="Share of the characters of a line that are capitals, as a mean over lines.",
            source=_LINES,
        ),
        Signal(
            name="redpajama.mean_line_number_ratio",
            type="float64",
            unit="ratio",
            meaning="Share of the characters of a line that are numerals, as a mean over lines.",
            source=_LINES,
        ),
    )

    def compute(self, view: TextView) -> Mapping[str, SignalValue]:
        """Measure the words, the characters and the lines."""
        return {**_of_words(view), **_of_characters(view), **_of_lines(view)}


def _of_words(view: TextView) -> dict[str, SignalValue]:
    counts, flags, words = view.vocabulary_counts, view.vocabulary_flags, view.word_count
    folded = view.folded_word_counts
    total = int(folded.sum())
    stops = None if view.language is None else all_stop_words(view.language)
    stopped = None
    if stops is not None:
        stopped = int(counts[view.is_listed(stops)].sum())
    return {
        "redpajama.unigram_entropy": _entropy(folded) if total else None,
        "redpajama.unique_word_ratio": folded.size / total if total else None,
        "redpajama.uppercase_word_ratio": (
            int(counts[(flags & UPPERCASE_WORD) != 0].sum()) / words if words else None
        ),
        "redpajama.no_latin_letter_word_ratio": (
            int(counts[(flags & LATIN_LETTER) == 0].sum()) / words if words else None
        ),
        "redpajama.sentence_count": _sentences(view.text),
        "redpajama.stop_word_ratio": None if stopped is None or not words else stopped / words,
        "redpajama.javascript_word_count": _occurrences("javascript", view),
    }


def _sentences(text: str) -> int:
    runs = text.replace("!", ".").replace("?", ".").split(".")
    return sum(map(bool, map(_WORD_CHARACTER.search, runs)))


def _entropy(counts: npt.NDArray[np.int64]) -> float:
    # The words come in an order of this process's own. Sums by count are the same in every one.
    multiples = np.bincount(counts)
    distinct = multiples.nonzero()[0]
    total = int(counts.sum())
    terms = zip(distinct.tolist(), multiples[distinct].tolist(), strict=True)
    return math.fsum(times * count / total * math.log(total / count) for count, times in terms)


def _occurrences(word: str, view: TextView) -> int:
    # Few pages have it, and one search of the whole page tells.
    if word not in view.lowercase:
        return 0
    same = (one.lower() == word for one in view.vocabulary)
    return sum(compress(view.vocabulary_counts.tolist(), same))


def _of_characters(view: TextView) -> dict[str, SignalValue]:
    characters = len(view.text)
    lorem_ipsum = view.lowercase.count("lorem ipsum")
    curly_brackets = view.text.count("{") + view.text.count("}")
    uppercase = view.count_characters(UPPERCASE)
    return {
        "redpajama.lorem_ipsum_ratio": lorem_ipsum / characters if characters else None,
        "redpajama.curly_bracket_ratio": curly_brackets / characters if characters else None,
        "redpajama.uppercase_ratio": uppercase / characters if characters else None,
    }


def _of_lines(view: TextView) -> dict[str, SignalValue]:
    lines, lengths = view.lines, view.line_lengths
    words = view.line_token_counts
    values: dict[str, SignalValue] = {
        "redpajama.bullet_line_ratio": None,
        "redpajama.mean_line_word_count": None,
        "redpajama.longest_line_word_count": None,
        "redpajama.mean_line_uppercase_ratio": None,
        "redpajama.mean_line_number_ratio": None,
    }
    if lines:
        values = {
            "redpajama.bullet_line_ratio": (
                sum(map(view.first_characters.count, _BULLETS)) / len(lines)
            ),
            "redpajama.mean_line_word_count": int(words.sum()) / len(lines),
            "redpajama.longest_line_word_count": int(words.max()),
            "redpajama.mean_line_uppercase_ratio": float(
                (view.count_in_lines(UPPERCASE) / lengths).mean()
            ),
            "redpajama.mean_line_number_ratio": float(
                (view.count_in_lines(NUMERIC) / lengths).mean()
            ),
        }
    return values
