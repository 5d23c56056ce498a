"""Rules over signals, and the published sets of them.

A rule is a signal and the bounds within which a document is kept; both bounds are inclusive.
"""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """The values of a signal that a rule keeps, both ends included.

    Attributes:
        min: The least value kept, or None for no lower bound.
        max: The greatest value kept, or None for no upper bound.

    Raises:
        ValueError: If there is no bound at all, one is not a number, or min is above max.

    >>> 0.3 in Bounds(max=0.3), 0.31 in Bounds(max=0.3)
    (True, False)
    """

    min: float | None = None
    max: float | None = None

    def __post_init__(self) -> None:
        if self.min is None and self.max is None:
            raise ValueError("a rule needs min, max or both")
        for bound in (self.min, self.max):
            if bound is not None and math.isnan(bound):
                raise ValueError("a bound must be a number, not NaN")
        if self.min is not None and self.max is not None and self.min > self.max:
            raise ValueError(f"min {self.min} is above max {self.max}: nothing would be kept")

    def __contains__(self, value: float) -> bool:
        """Say whether a document with this value is kept."""
        return (self.min is None or value >= self.min) and (self.max is None or value <= self.max)


@dataclass(frozen=True, kw_only=True, eq=False)
class RuleSet(Mapping[str, Bounds]):
    """A named set of rules: a mapping of signals to the bounds of what is kept.

    Attributes:
        source: The paper with its section or table.
        bounds: The rules.
    """

    source: str
    bounds: Mapping[str, Bounds]

    def __getitem__(self, signal: str) -> Bounds:
        return self.bounds[signal]

    def __iter__(self) -> Iterator[str]:
        return iter(self.bounds)

    def __len__(self) -> int:
        return len(self.bounds)


_GOPHER_QUALITY = {
    "gopher.word_count": Bounds(min=50, max=100_000),
    "gopher.mean_word_length": Bounds(min=3, max=10),
    "gopher.hash_word_ratio": Bounds(max=0.1),
    "gopher.ellipsis_word_ratio": Bounds(max=0.1),
    "gopher.bullet_line_ratio": Bounds(max=0.9),
    "gopher.ellipsis_line_ratio": Bounds(max=0.3),
    "gopher.alphabetic_word_ratio": Bounds(min=0.8),
    "gopher.stop_word_count": Bounds(min=2),
}

_GOPHER_REPETITION = {
    "gopher.duplicate_line_ratio": Bounds(max=0.30),
    "gopher.duplicate_paragraph_ratio": Bounds(max=0.30),
    "gopher.duplicate_line_character_ratio": Bounds(max=0.20),
    "gopher.duplicate_paragraph_character_ratio": Bounds(max=0.20),
    "gopher.top_2gram_character_ratio": Bounds(max=0.20),
    "gopher.top_3gram_character_ratio": Bounds(max=0.18),
    "gopher.top_4gram_character_ratio": Bounds(max=0.16),
    "gopher.duplicate_5gram_character_ratio": Bounds(max=0.15),
    "gopher.duplicate_6gram_character_ratio": Bounds(max=0.14),
    "gopher.duplicate_7gram_character_ratio": Bounds(max=0.13),
    "gopher.duplicate_8gram_character_ratio": Bounds(max=0.12),
    "gopher.duplicate_9gram_character_ratio": Bounds(max=0.11),
    "gopher.duplicate_10gram_character_ratio": Bounds(max=0.10),
}

RULE_SETS: dict[str, RuleSet] = {
    "gopher_quality": RuleSet(
        source="Gopher, arXiv 2112.11446, appendix A.1.1 (quality filtering)",
        bounds=_GOPHER_QUALITY,
    ),
    "gopher_repetition": RuleSet(
        source="Gopher, arXiv 2112.11446, Table A1",
        bounds=_GOPHER_REPETITION,
    ),
    "gopher": RuleSet(
        source="Gopher, arXiv 2112.11446, appendix A.1.1 and Table A1",
        bounds=_GOPHER_QUALITY | _GOPHER_REPETITION,
    ),
    "fineweb": RuleSet(
        source="FineWeb, arXiv 2406.17557, section 3.6 and Table 2, as in datatrove",
        bounds={
            "fineweb.line_punctuation_ratio": Bounds(min=0.12),
            "fineweb.short_line_ratio": Bounds(max=0.67),
            "fineweb.duplicate_line_character_ratio": Bounds(max=0.01),
            "fineweb.newline_word_ratio": Bounds(max=0.3),
        },
    ),
    "c4": RuleSet(
        source="C4, arXiv 1910.10683, section 2.2, without the rule on terminal punctuation, as "
        "FineWeb uses it (arXiv 2406.17557, section 3.5)",
        bounds={
            "c4.sentence_count": Bounds(min=5),
            "c4.lorem_ipsum_count": Bounds(max=0),
            "c4.curly_bracket_count": Bounds(max=0),
        },
    ),
}
"""The published rules under one name each.

Bounds are inclusive, as in datatrove, which made FineWeb: it drops what is beyond a bound. Where
the sources differ:

- FineWeb's section 3.6 drops what is equal to a bound too, and has 0.1 for duplicated lines where
  its Table 2 and datatrove have 0.01; the rule on newlines is in datatrove alone.
- C4's paper has 5 sentences and lines of 3 words in its first version, as datatrove has, and 3
  sentences and lines of 5 words in the last one, as C4's released code has.
"""
