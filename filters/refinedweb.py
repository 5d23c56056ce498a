"""The line rules of RefinedWeb, as signals, with the figure that DCLM takes of them.

Penedo et al. 2023, "The RefinedWeb Dataset for Falcon LLM: Outperforming Curated Corpora with Web
Data, and Web Data Only" (arXiv 2306.01116), appendix G.2 (line-wise filtering). The paper names the
kinds of lines with an example of each. What it leaves open follows DCLM (arXiv 2406.11794), which
rebuilt its rules (mlfoundations/dclm, ``baselines/mappers/modifiers.py`` and
``baselines/baselines_configs/dclm_baseline_refinedweb.yaml``): how much "mainly" is, and what is
counted. RefinedWeb's rules on whole documents are Gopher's.
"""

import functools
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import compress

import numpy as np
import numpy.typing as npt

from filters.bounds import Bounds
from filters.characters import DIGIT, LETTER, UPPERCASE
from filters.lexicon import WORD, split_words
from filters.segmentation import has_unspaced, is_unspaced
from filters.signals import Signal, SignalValue
from filters.text_view import TextView

_SOURCE = "RefinedWeb, arXiv 2306.01116, appendix G.2 (line-wise filtering)"

_MAINLY = 0.5
_SHORT_LINE = 10

# DCLM's nouns, the singular too: "1 comment" is a counter like "2 comments".
_COUNTED = "like|share|comment|retweet|repost|quote|bookmark|upvote|downvote|download|view|follower"
_FEWEST_LETTERS_OF_A_COUNTER = len("like")
_MOST_LETTERS_OF_A_COUNTER = len("k followers") - 1
_COUNTER = re.compile(rf"\W*+\d[\d.,]*+[kmb]?\s++(?:{_COUNTED})s?\W*+", re.IGNORECASE)


@dataclass(frozen=True, kw_only=True)
class RefinedWebLines:
    r"""How much of a document RefinedWeb's line rules would correct.

    RefinedWeb discards a line that is mainly upper case (more than half of its characters), that
    is nothing but digits, that is a counter ("3 likes"), or that is one word; and from a line of
    10 words or fewer it cuts a phrase of navigation. It drops the document if more than 5 % of its
    words are in such lines. DCLM's ratio counts the words that go: of a line with a phrase of
    navigation only those of the phrase.

    In a line, words are what stands between white space, as in DCLM; a line of Chinese or Thai
    without a space is one word only if it holds no more than one. The document's words are those
    that are no symbols.

    The paper gives one example of each place of a phrase; they are the default, as in DCLM, where
    the dots of "Read more..." stand for any three characters. They are English: another language
    needs its own.

    Args:
        at_start: Phrases cut at the start of a short line, in any case.
        at_end: Phrases cut at its end.
        anywhere: Phrases cut wherever they stand.

    Raises:
        ValueError: If a phrase is empty.

    >>> view = TextView("SHARE THIS\n3 likes\nIt rained on Monday, and all the week. Read more...")
    >>> values = RefinedWebLines().compute(view)
    >>> values["refinedweb.flagged_line_ratio"], values["dclm.word_removal_ratio"]
    (1.0, 0.42857142857142855)
    """

    at_start: tuple[str, ...] = ("sign-in",)
    at_end: tuple[str, ...] = ("read more...", "read more…")
    anywhere: tuple[str, ...] = ("items in cart",)

    signals = (
        *(
            Signal(
                name=f"refinedweb.{kind}_line_ratio",
                type="float64",
                unit="ratio",
                meaning=f"Share of the lines that {what}.",
                source=_SOURCE,
            )
            for kind, what in {
                "uppercase": "have capitals for more than half of their characters",
                "numeric": "are nothing but digits",
                "counter": "count likes, shares, comments and the like",
                "one_word": "are one word",
                "navigation": "have 10 words or fewer and a phrase of navigation",
                "flagged": "are of any of RefinedWeb's kinds",
            }.items()
        ),
        Signal(
            name="refinedweb.flagged_word_ratio",
            type="float64",
            unit="ratio",
            meaning="Share of the words, symbols apart, in lines of any of RefinedWeb's kinds.",
            source=_SOURCE,
            threshold=Bounds(max=0.05),
        ),
        Signal(
            name="dclm.word_removal_ratio",
            type="float64",
            unit="ratio",
            meaning="Share of the words, symbols apart, that RefinedWeb's line rules take out.",
            source="DCLM, arXiv 2406.11794, word_removal_ratio_filter in dclm_baseline_refinedweb",
            threshold=Bounds(max=0.05),
        ),
    )

    def __post_init__(self) -> None:
        for place in ("at_start", "at_end", "anywhere"):
            if "" in getattr(self, place):
                raise ValueError(f"{place}: a phrase can't be empty")

    def compute(self, view: TextView) -> Mapping[str, SignalValue]:
        """Find the lines of each kind and the words in them."""
        values: dict[str, SignalValue] = dict.fromkeys(signal.name for signal in self.signals)
        if not view.lines:
            return values
        kinds = {
            "uppercase": view.count_in_lines(UPPERCASE) > _MAINLY * view.line_lengths,
            "numeric": _mask(map(str.isdigit, view.lines)),
            "counter": _counters(view),
            "one_word": _one_word(view),
        }
        discarded = functools.reduce(np.logical_or, kinds.values())
        kinds["navigation"] = self._navigation(view)
        kinds["flagged"] = discarded | kinds["navigation"]
        for kind, lines in kinds.items():
            values[f"refinedweb.{kind}_line_ratio"] = int(np.count_nonzero(lines)) / len(lines)
        is_word = (view.vocabulary_flags & WORD) != 0
        words = int(view.vocabulary_counts[is_word].sum())
        if words:
            flagged = int(view.line_word_counts[kinds["flagged"]].sum())
            edited = list(compress(view.lines, kinds["navigation"] & ~discarded))
            left = _word_count(map(self._without_phrases, edited)) if edited else 0
            values["refinedweb.flagged_word_ratio"] = flagged / words
            values["dclm.word_removal_ratio"] = (flagged - left) / words
        return values

    @functools.cached_property
    def _phrases(self) -> tuple[re.Pattern[str], ...]:
        """What is cut, in DCLM's order: anywhere, at the end, at the start."""
        patterns = {
            r"\s?(?:{})": self.anywhere,
            r"\s?(?:{})\Z": self.at_end,
            r"\A(?:{})\s?": self.at_start,
        }
        return tuple(
            re.compile(pattern.format("|".join(re.escape(phrase.lower()) for phrase in phrases)))
            for pattern, phrases in patterns.items()
            if phrases
        )

    def _navigation(self, view: TextView) -> npt.NDArray[np.bool_]:
        phrases = (*self.at_start, *self.at_end, *self.anywhere)
        mask = view.lines_with(phrase.lower() for phrase in phrases)
        mask &= view.line_token_counts <= _SHORT_LINE
        for place in mask.nonzero()[0]:
            line = view.lines[place]
            mask[place] = self._without_phrases(line) != line.lower()
        return mask

    def _without_phrases(self, line: str) -> str:
        """Return the line in lower case without the phrases: what is left is only counted."""
        line = line.lower()
        for phrase in self._phrases:
            line = phrase.sub("", line)
        return line


def _mask(values: Iterable[bool]) -> npt.NDArray[np.bool_]:
    return np.fromiter(values, np.bool_)


def _counters(view: TextView) -> npt.NDArray[np.bool_]:
    # Most lines have no digit, or more letters than a counter can have, or fewer.
    mask = view.count_in_lines(DIGIT) > 0
    letters = view.count_in_lines(LETTER)
    mask &= (letters >= _FEWEST_LETTERS_OF_A_COUNTER) & (letters <= _MOST_LETTERS_OF_A_COUNTER)
    for place in mask.nonzero()[0]:
        mask[place] = _COUNTER.fullmatch(view.lines[place]) is not None
    return mask


def _one_word(view: TextView) -> npt.NDArray[np.bool_]:
    mask: npt.NDArray[np.bool_] = view.line_token_counts == 1
    for place in mask.nonzero()[0]:
        line = view.lines[place]
        if not line.isascii() and has_unspaced(line):
            words = [word for word in split_words(line) if any(map(str.isalnum, word))]
            mask[place] = len(words) < 2 or not any(map(is_unspaced, words))
    return mask


def _word_count(lines: Iterable[str]) -> int:
    return int(np.count_nonzero(TextView("\n".join(lines)).non_symbol))
