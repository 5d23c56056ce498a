"""The page rules of C4, as signals.

Raffel et al. 2020, "Exploring the Limits of Transfer Learning with a Unified Text-to-Text
Transformer" (arXiv 1910.10683), section 2.2, with what only its released code does: the length of
words and the cookie lines. C4 edits pages line by line; here nothing is edited, and a line that
C4 would cut is counted.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from filters.bounds import Bounds
from filters.signals import Signal, SignalValue
from filters.text_view import TextView

SOURCE = "C4, arXiv 1910.10683, section 2.2"
CODE = "C4, the code released with arXiv 1910.10683"

# The single quote is datatrove's.
END_MARKS = (".", "?", "!", '"', "'")
ELLIPSIS = "..."
# As in the paper's first version and in datatrove; 5 in the last version and in the released code.
FEWEST_WORDS = 3
LONGEST_WORD = 1000
POLICY_PHRASES = (
    "terms of use",
    "privacy policy",
    "cookie policy",
    "uses cookies",
    "use of cookies",
    "use cookies",
)

_STOPS = ".!?…"
_FULL_WIDTH_STOPS = "。！？｡"
_CLOSERS = "\"'”’»)]」』）"
# Goes on only from the first of a row of stops and gives nothing back, so that a row of any length
# that ends no sentence is read once.
_SENTENCE_END = re.compile(
    rf"[{_STOPS}{_FULL_WIDTH_STOPS}]"
    rf"(?:(?<=[{_FULL_WIDTH_STOPS}])[{_FULL_WIDTH_STOPS}]*+"
    rf"|(?<![{_STOPS}][{_STOPS}])[{_STOPS}]*+[{re.escape(_CLOSERS)}]*+(?=\s|$))"
)
_LINE_END = re.compile(rf"[{_STOPS}{_FULL_WIDTH_STOPS}][{re.escape(_CLOSERS)}]*+$")


@dataclass(frozen=True, kw_only=True)
class C4Quality:
    r"""What C4's page rules look at.

    A sentence ends at a row of full stops, question or exclamation marks (closing quotes and
    brackets may follow) before white space or the end of its line, at a full-width stop, and at
    the end of a line in any case. The point of an abbreviation counts too, so the figure is a
    little above that of a trained splitter. As in C4, only the lines count that it would keep:
    three words or more, none above 1000 characters, no "javascript", no cookie notice. Curly
    brackets and "lorem ipsum" count wherever they stand, as the paper says; its code does not look
    for them in lines that it cuts.

    >>> values = C4Quality().compute(TextView("Javascript is off.\nOne fell. Two stood up."))
    >>> values["c4.sentence_count"], values["c4.javascript_line_count"]
    (2, 1)
    """

    signals = (
        Signal(
            name="c4.sentence_count",
            type="int64",
            unit="sentences",
            meaning="Sentences in the lines that C4 would keep.",
            source=SOURCE,
            threshold=Bounds(min=5),
        ),
        Signal(
            name="c4.terminal_punctuation_line_ratio",
            type="float64",
            unit="ratio",
            meaning="Share of the lines that end in . ! ? or a quote, and not in an ellipsis.",
            source=SOURCE,
        ),
        Signal(
            name="c4.few_word_line_ratio",
            type="float64",
            unit="ratio",
            meaning="Share of the lines of fewer than 3 words.",
            source=SOURCE,
        ),
        Signal(
            name="c4.longest_word_length",
            type="int64",
            unit="characters",
            meaning="Length of the longest run of characters without white space.",
            source=CODE,
        ),
        Signal(
            name="c4.javascript_line_count",
            type="int64",
            unit="lines",
            meaning='Lines with "javascript" in any case.',
            source=SOURCE,
        ),
        Signal(
            name="c4.policy_line_count",
            type="int64",
            unit="lines",
            meaning="Lines that speak of cookies, terms of use or a privacy policy.",
            source=CODE,
        ),
        Signal(
            name="c4.lorem_ipsum_count",
            type="int64",
            unit="occurrences",
            meaning='How often "lorem ipsum" stands in the text, in any case.',
            source=SOURCE,
            threshold=Bounds(max=0),
        ),
        Signal(
            name="c4.curly_bracket_count",
            type="int64",
            unit="characters",
            meaning="Opening curly brackets.",
            source=SOURCE,
            threshold=Bounds(max=0),
        ),
    )

    def compute(self, view: TextView) -> Mapping[str, SignalValue]:
        """Count sentences and the kinds of lines that C4 cuts."""
        lines, words = view.lines, view.line_token_counts
        longest = view.longest_token
        javascript = view.lines_with(("javascript",))
        policy = view.lines_with(POLICY_PHRASES)
        is_kept = (words >= FEWEST_WORDS) & ~javascript & ~policy
        if longest is not None and longest > LONGEST_WORD:
            of_lines = np.maximum.reduceat(view.token_lengths, view.line_first_tokens)
            is_kept &= of_lines <= LONGEST_WORD
        few_words = int(np.count_nonzero(words < FEWEST_WORDS))
        ended = sum(map(view.last_characters.count, END_MARKS))
        if ELLIPSIS in view.text:
            ended -= sum(line.endswith(ELLIPSIS) for line in lines)
        return {
            "c4.sentence_count": _sentences(view, is_kept),
            "c4.terminal_punctuation_line_ratio": ended / len(lines) if lines else None,
            "c4.few_word_line_ratio": few_words / len(lines) if lines else None,
            "c4.longest_word_length": longest,
            "c4.javascript_line_count": int(np.count_nonzero(javascript)),
            "c4.policy_line_count": int(np.count_nonzero(policy)),
            "c4.lorem_ipsum_count": view.lowercase.count("lorem ipsum"),
            "c4.curly_bracket_count": view.text.count("{"),
        }


def _sentences(view: TextView, is_kept: npt.NDArray[np.bool_]) -> int:
    """Count the sentences of some lines: a token tells by itself how many end in it."""
    if not view.lines:
        return 0
    first_tokens = view.line_first_tokens
    ends = view.measured_tokens(_sentence_ends)
    is_unended = ends[first_tokens + view.line_token_counts - 1] & 1 == 0
    in_lines = np.add.reduceat(ends >> 1, first_tokens)
    return int(in_lines[is_kept].sum()) + int(np.count_nonzero(is_unended & is_kept))


def _sentence_ends(token: str) -> int:
    """Return twice the sentences that end in a token, and one more where it ends a line's last."""
    return 2 * len(_SENTENCE_END.findall(token)) + bool(_LINE_END.search(token))
