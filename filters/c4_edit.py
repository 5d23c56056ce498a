"""C4's line rules as an edit of the text.

The rules and their sources are those of :mod:`filters.c4`, which counts what is cut here; the
order in which they are tried, and what a line is, follow datatrove's ``C4QualityFilter``.
"""

import re
from collections import Counter
from dataclasses import dataclass

from filters.c4 import (
    CODE,
    ELLIPSIS,
    END_MARKS,
    FEWEST_WORDS,
    LONGEST_WORD,
    POLICY_PHRASES,
    SOURCE,
)
from filters.edits import Edited
from filters.signals import Signal

_CITATION = re.compile(r"\[\d*\]|\[edit\]|\[citation needed\]")
_CITATION_COUNT = "c4.cut_citation_count"
_WHITE_SPACE_COUNT = "c4.cut_white_space_count"


@dataclass(frozen=True, kw_only=True)
class C4Lines:
    r"""Leaves the lines of a page that C4 keeps.

    What is left is what datatrove's filter leaves of a page that it does not drop: whole pages
    are not this edit's business but that of rules on ``c4.sentence_count``,
    ``c4.lorem_ipsum_count`` and ``c4.curly_bracket_count``. Line breaks are all those of Python's
    ``str.splitlines``; blank lines and the white space around a line go.

    A line is counted under the first rule that it fails, in the order of the parameters. As in
    C4, the words of a line are counted with its citations, and how it ends is looked at without
    them: a line is cut if a space is left behind its full stop.

    Args:
        longest_word: Cut lines with more characters than this without white space; None for no
            such rule.
        citations: Take the marks of Wikipedia out of a line: ``[1]``, ``[edit]``, ``[citation
            needed]``.
        terminal_punctuation: Cut lines that do not end in . ! ? or a quote, or end in an ellipsis.
            FineWeb leaves this rule out.
        fewest_words: Cut lines of fewer words than this; None for no such rule.
        javascript: Cut lines with "javascript" in any case.
        policy: Cut lines that speak of cookies, terms of use or a privacy policy.

    Raises:
        ValueError: If ``longest_word`` or ``fewest_words`` is below 1.

    >>> edited = C4Lines().apply("Home\n\nIt rained all day.[1]\nPlease enable JavaScript now.")
    >>> edited.text
    'It rained all day.'
    >>> edited.counts["c4.cut_citation_count"], edited.counts["c4.cut_javascript_line_count"]
    (1, 1)
    """

    longest_word: int | None = LONGEST_WORD
    citations: bool = True
    terminal_punctuation: bool = True
    fewest_words: int | None = FEWEST_WORDS
    javascript: bool = True
    policy: bool = True

    name = "c4_lines"
    signals = (
        Signal(
            name="c4.cut_long_word_line_count",
            type="int64",
            unit="lines",
            meaning="Lines that were cut for a word of too many characters.",
            source=CODE,
        ),
        Signal(
            name=_CITATION_COUNT,
            type="int64",
            unit="occurrences",
            meaning="Citation marks that were taken out of lines.",
            source=CODE,
        ),
        Signal(
            name="c4.cut_unterminated_line_count",
            type="int64",
            unit="lines",
            meaning="Lines that were cut for not ending in . ! ? or a quote, or in an ellipsis.",
            source=SOURCE,
        ),
        Signal(
            name="c4.cut_few_word_line_count",
            type="int64",
            unit="lines",
            meaning="Lines that were cut for having too few words.",
            source=SOURCE,
        ),
        Signal(
            name="c4.cut_javascript_line_count",
            type="int64",
            unit="lines",
            meaning='Lines that were cut for "javascript".',
            source=SOURCE,
        ),
        Signal(
            name="c4.cut_policy_line_count",
            type="int64",
            unit="lines",
            meaning="Lines that were cut for speaking of cookies, terms of use or privacy.",
            source=CODE,
        ),
        Signal(
            name=_WHITE_SPACE_COUNT,
            type="int64",
            unit="characters",
            meaning="White space that was cut around lines; 1 if line breaks were only replaced.",
            source=CODE,
        ),
    )

    def __post_init__(self) -> None:
        for parameter in ("longest_word", "fewest_words"):
            value = getattr(self, parameter)
            if value is not None and value < 1:
                raise ValueError(f"{parameter} is {value}, and must be 1 or more, or None")

    def apply(self, text: str) -> Edited:
        """Cut lines and citations."""
        counts = Counter({signal.name: 0 for signal in self.signals})
        kept = []
        lines = [stripped for line in text.splitlines() if (stripped := line.strip())]
        plain = "\n".join(lines)
        counts[_WHITE_SPACE_COUNT] = len(text) - len(plain) or int(text != plain)
        for line in lines:
            words = line.split()
            if self.citations and "[" in line:
                uncited, citations = _CITATION.subn("", line)
            else:
                uncited, citations = line, 0
            reason = self._reason(words, uncited)
            if reason is None:
                kept.append(uncited)
                counts[_CITATION_COUNT] += citations
            else:
                counts[f"c4.cut_{reason}_line_count"] += 1
        return Edited("\n".join(kept).strip(), dict(counts))

    def _reason(self, words: list[str], line: str) -> str | None:
        if self.longest_word is not None and max(map(len, words)) > self.longest_word:
            return "long_word"
        if self.terminal_punctuation and (not line.endswith(END_MARKS) or line.endswith(ELLIPSIS)):
            return "unterminated"
        if self.fewest_words is not None and len(words) < self.fewest_words:
            return "few_word"
        lowercase = line.lower()
        if self.javascript and "javascript" in lowercase:
            return "javascript"
        if self.policy and any(phrase in lowercase for phrase in POLICY_PHRASES):
            return "policy"
        return None
