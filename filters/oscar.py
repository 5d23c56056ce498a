"""OSCAR's quality warnings, as signals.

Abadji et al. 2022, "Towards a Cleaner Document-Oriented Multilingual Crawled Corpus" (LREC 2022,
arXiv 2201.06642), with the figures as its code, Ungoliant, computes them. OSCAR puts
warnings beside a document and drops nothing for them; a user drops what has one.

The fifth warning, ``tiny``, is fewer than 5 lines: ``length.lines``.

Where the code and the documentation differ, the figures follow the code:

- a line is short for ``short_sentences`` at 100 code points or fewer, in the documentation below
  400 bytes; for ``header`` and ``footer`` it is short below 100 bytes, which are 33 Chinese
  characters;
- what is ``tiny`` and ``noisy`` at once is to be dropped, but no document ever is: the code looks
  for the two warnings in the order in which it never writes them.

Ungoliant reads lines as Common Crawl's text extraction leaves them. Here, as in every family, lines
are stripped, and a blank line is none.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from filters.bounds import Bounds
from filters.characters import LETTER, MARK
from filters.signals import Signal, SignalValue
from filters.text_view import TextView

_SOURCE = "OSCAR 22.01, arXiv 2201.06642, as in its code (Ungoliant)"

_LONG_LINE = 100
_LETTER_OR_MARK = LETTER | MARK


@dataclass(frozen=True, kw_only=True)
class Oscar:
    r"""What OSCAR's quality warnings look at.

    The header is the first fifth of the lines, rounded down, and the footer the last fifth: fewer
    than 5 lines have neither, and the figures are null.

    >>> values = Oscar().compute(TextView("Menu\n" + 4 * ("It rained all day long. " * 5 + "\n")))
    >>> values["oscar.short_line_ratio"], values["oscar.header_short_line_ratio"]
    (0.2, 1.0)
    """

    signals = (
        Signal(
            name="oscar.short_line_ratio",
            type="float64",
            unit="ratio",
            meaning="Share of the lines of 100 characters or fewer (the warning short_sentences).",
            source=_SOURCE,
            threshold=Bounds(max=0.5),
        ),
        *(
            Signal(
                name=f"oscar.{part}_short_line_ratio",
                type="float64",
                unit="ratio",
                meaning=f"Share of the {end} fifth of the lines that is below 100 bytes of UTF-8.",
                source=_SOURCE,
                threshold=Bounds(max=0.5),
            )
            for part, end in (("header", "first"), ("footer", "last"))
        ),
        Signal(
            name="oscar.non_letter_ratio",
            type="float64",
            unit="ratio",
            meaning="Share of the characters that are neither letters nor marks (warning noisy).",
            source=_SOURCE,
            threshold=Bounds(max=0.5),
        ),
        Signal(
            name="oscar.long_line_character_ratio",
            type="float64",
            unit="ratio",
            meaning="Share of the characters of all lines in those of 100 characters or more.",
            source="OSCAR, the filter of records in its code (Ungoliant)",
            threshold=Bounds(min=0.6),
        ),
    )

    def compute(self, view: TextView) -> Mapping[str, SignalValue]:
        """Measure lines, those at both ends of the text, and letters."""
        lines = view.lines
        values: dict[str, SignalValue] = dict.fromkeys(signal.name for signal in self.signals)
        if view.text:
            letters = view.count_characters(_LETTER_OR_MARK)
            values["oscar.non_letter_ratio"] = (len(view.text) - letters) / len(view.text)
        if lines:
            lengths = view.line_lengths
            short = int(np.count_nonzero(lengths <= _LONG_LINE))
            in_long = int(lengths[lengths >= _LONG_LINE].sum())
            values["oscar.short_line_ratio"] = short / len(lines)
            values["oscar.long_line_character_ratio"] = in_long / int(lengths.sum())
        if fifth := len(lines) // 5:
            values["oscar.header_short_line_ratio"] = _short_in_bytes(lines[:fifth]) / fifth
            values["oscar.footer_short_line_ratio"] = _short_in_bytes(lines[-fifth:]) / fifth
        return values


def _short_in_bytes(lines: Sequence[str]) -> int:
    return sum(
        # Most lines tell by their characters alone, each of which is a byte or more.
        len(line) < _LONG_LINE and len(line.encode("utf-8", "surrogatepass")) < _LONG_LINE
        for line in lines
    )
