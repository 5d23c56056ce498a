"""FineWeb's own quality rules, as signals.

Penedo et al. 2024, "The FineWeb Datasets: Decanting the Web for the Finest Text Data at Scale"
(arXiv 2406.17557), section 3.6, with the figures as datatrove computes them. The share of newlines
is in datatrove only.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import regex

from filters.bounds import Bounds
from filters.signals import Signal, SignalValue
from filters.text_view import TextView

_SOURCE = "FineWeb, arXiv 2406.17557, section 3.6 (custom filters)"

# Unicode's Sentence_Terminal: full stop, question and exclamation mark of every script.
_SENTENCE_TERMINAL = regex.compile(r"\p{Sentence_Terminal}")
# In datatrove a line of 30 characters is short; the paper says "shorter than 30".
_SHORT_LINE = 30


@dataclass(frozen=True, kw_only=True)
class FineWebQuality:
    r"""What FineWeb's own rules look at.

    >>> values = FineWebQuality().compute(TextView("Home\nNews\nIt rained all day.\nHome"))
    >>> values["fineweb.line_punctuation_ratio"], values["fineweb.short_line_ratio"]
    (0.25, 1.0)
    """

    signals = (
        Signal(
            name="fineweb.line_punctuation_ratio",
            type="float64",
            unit="ratio",
            meaning="Share of the lines that end with a mark that ends a sentence in any script.",
            source=_SOURCE,
            threshold=Bounds(min=0.12),
        ),
        Signal(
            name="fineweb.short_line_ratio",
            type="float64",
            unit="ratio",
            meaning="Share of the lines of 30 characters or fewer.",
            source=_SOURCE,
            threshold=Bounds(max=0.67),
        ),
        Signal(
            name="fineweb.duplicate_line_character_ratio",
            type="float64",
            unit="ratio",
            meaning="Share of the characters, newlines apart, in lines that stood there before.",
            source=_SOURCE,
            threshold=Bounds(max=0.01),
        ),
        Signal(
            name="fineweb.newline_word_ratio",
            type="float64",
            unit="ratio",
            meaning="Newlines for each word, symbols counted as words.",
            source="FineWeb, the rules that datatrove runs for it",
            threshold=Bounds(max=0.3),
        ),
    )

    def compute(self, view: TextView) -> Mapping[str, SignalValue]:
        """Look at how lines end, how long they are and whether they come again."""
        lines = view.lines
        if not lines:
            return dict.fromkeys(signal.name for signal in self.signals)
        newlines = view.text.count("\n")
        punctuated = len(_SENTENCE_TERMINAL.findall(view.last_characters))
        short = int(np.count_nonzero(view.line_lengths <= _SHORT_LINE))
        duplicate = view.line_duplicates.characters
        return {
            "fineweb.line_punctuation_ratio": punctuated / len(lines),
            "fineweb.short_line_ratio": short / len(lines),
            "fineweb.duplicate_line_character_ratio": duplicate / (len(view.text) - newlines),
            "fineweb.newline_word_ratio": newlines / view.word_count,
        }
