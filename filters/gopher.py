"""The quality and repetition rules of Gopher, as signals.

Rae et al. 2021, "Scaling Language Models: Methods, Analysis & Insights from Training Gopher"
(arXiv 2112.11446), appendix A.1.1 and Table A1. The paper leaves open what a word is and what a
share is taken of; where it does, the figures follow datatrove, which FineWeb was made with.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from filters.bounds import Bounds
from filters.lexicon import LETTER, WORD
from filters.repetition import repeated_ngrams
from filters.signals import Signal, SignalValue
from filters.stop_words import stop_words
from filters.text_view import TextView

_QUALITY = "Gopher, arXiv 2112.11446, appendix A.1.1 (quality filtering)"
_REPETITION = "Gopher, arXiv 2112.11446, Table A1"

# The paper speaks of bullet points and ellipses only; these are the marks that datatrove looks for.
_BULLETS = ("•", "-")
_ELLIPSES = ("...", "…")

_TOP_NGRAM_SHARES = {2: 0.20, 3: 0.18, 4: 0.16}
_DUPLICATE_NGRAM_SHARES = {5: 0.15, 6: 0.14, 7: 0.13, 8: 0.12, 9: 0.11, 10: 0.10}
TOP_NGRAMS = tuple(_TOP_NGRAM_SHARES)
DUPLICATE_NGRAMS = tuple(_DUPLICATE_NGRAM_SHARES)


@dataclass(frozen=True, kw_only=True)
class GopherQuality:
    """What Gopher's quality rules look at.

    The stop words are those of the document's language, and there is no count for a language
    without a list. Where nobody said what the language is they are English, as in the paper.

    >>> values = GopherQuality().compute(TextView("- to be, or not to be ..."))
    >>> values["gopher.word_count"], values["gopher.stop_word_count"]
    (6, 2)
    """

    signals = (
        Signal(
            name="gopher.word_count",
            type="int64",
            unit="words",
            meaning="Words that are not symbols.",
            source=_QUALITY,
            threshold=Bounds(min=50, max=100_000),
        ),
        Signal(
            name="gopher.mean_word_length",
            type="float64",
            unit="characters",
            meaning="Mean length of the words that are not symbols.",
            source=_QUALITY,
            threshold=Bounds(min=3, max=10),
        ),
        Signal(
            name="gopher.hash_word_ratio",
            type="float64",
            unit="ratio",
            meaning="Hash signs for each word, symbols counted as words.",
            source=_QUALITY,
            threshold=Bounds(max=0.1),
        ),
        Signal(
            name="gopher.ellipsis_word_ratio",
            type="float64",
            unit="ratio",
            meaning="Ellipses for each word, symbols counted as words.",
            source=_QUALITY,
            threshold=Bounds(max=0.1),
        ),
        Signal(
            name="gopher.bullet_line_ratio",
            type="float64",
            unit="ratio",
            meaning="Share of the lines that start with a bullet point or a hyphen.",
            source=_QUALITY,
            threshold=Bounds(max=0.9),
        ),
        Signal(
            name="gopher.ellipsis_line_ratio",
            type="float64",
            unit="ratio",
            meaning="Share of the lines that end with an ellipsis.",
            source=_QUALITY,
            threshold=Bounds(max=0.3),
        ),
        Signal(
            name="gopher.alphabetic_word_ratio",
            type="float64",
            unit="ratio",
            meaning="Share of the words, symbols counted, that hold a letter.",
            source=_QUALITY,
            threshold=Bounds(min=0.8),
        ),
        Signal(
            name="gopher.stop_word_count",
            type="int64",
            unit="words",
            meaning="How many of the language's stop words occur; in English the, be, to, of, and, "
            "that, have, with.",
            source=_QUALITY,
            threshold=Bounds(min=2),
        ),
    )

    def compute(self, view: TextView) -> Mapping[str, SignalValue]:
        """Count words, symbols, bullets, ellipses and stop words."""
        words, lines = view.word_count, view.lines
        counts, flags = view.vocabulary_counts, view.vocabulary_flags
        counts_of_words = counts * ((flags & WORD) != 0)
        word_count = int(counts_of_words.sum())
        characters = int(counts_of_words @ view.vocabulary_lengths)
        alphabetic = int(counts[(flags & LETTER) != 0].sum())
        known = stop_words(view.language or "en")
        stop_word_count = None if known is None else int(np.count_nonzero(view.is_listed(known)))
        hashes = view.text.count("#")
        ellipses = sum(map(view.text.count, _ELLIPSES))
        bullet_lines = sum(map(view.first_characters.count, _BULLETS))
        # Most pages have no ellipsis at all.
        ellipsis_lines = sum(line.endswith(_ELLIPSES) for line in lines) if ellipses else 0
        return {
            "gopher.word_count": word_count,
            "gopher.mean_word_length": characters / word_count if word_count else None,
            "gopher.hash_word_ratio": hashes / words if words else None,
            "gopher.ellipsis_word_ratio": ellipses / words if words else None,
            "gopher.bullet_line_ratio": bullet_lines / len(lines) if lines else None,
            "gopher.ellipsis_line_ratio": ellipsis_lines / len(lines) if lines else None,
            "gopher.alphabetic_word_ratio": alphabetic / words if words else None,
            "gopher.stop_word_count": stop_word_count,
        }


@dataclass(frozen=True, kw_only=True)
class GopherRepetition:
    r"""What Gopher's repetition rules look at: the thirteen rows of Table A1.

    Characters are code points, and every share of characters is of the whole text. As in
    datatrove, the occurrences of a top n-gram may overlap and count the spaces between their
    words, so that share may pass 1; duplicate n-grams do not overlap and count no spaces. With
    equal counts, the top n-gram is the first one in the text.

    >>> values = GopherRepetition().compute(TextView("one two\nthree four\none two"))
    >>> round(values["gopher.duplicate_line_ratio"], 3)
    0.333
    >>> values["gopher.top_2gram_character_ratio"] == len("one two" * 2) / len(
    ...     "one two three four one two"
    ... )
    True
    """

    signals = (
        *(
            Signal(
                name=f"gopher.duplicate_{part}_ratio",
                type="float64",
                unit="ratio",
                meaning=f"Share of the {part}s that stood in the document before.",
                source=_REPETITION,
                threshold=Bounds(max=0.30),
            )
            for part in ("line", "paragraph")
        ),
        *(
            Signal(
                name=f"gopher.duplicate_{part}_character_ratio",
                type="float64",
                unit="ratio",
                meaning=f"Share of the characters in {part}s that stood in the document before.",
                source=_REPETITION,
                threshold=Bounds(max=0.20),
            )
            for part in ("line", "paragraph")
        ),
        *(
            Signal(
                name=f"gopher.top_{n}gram_character_ratio",
                type="float64",
                unit="ratio",
                meaning=f"Share of the characters in the most frequent {n} words in a row.",
                source=_REPETITION,
                threshold=Bounds(max=share),
            )
            for n, share in _TOP_NGRAM_SHARES.items()
        ),
        *(
            Signal(
                name=f"gopher.duplicate_{n}gram_character_ratio",
                type="float64",
                unit="ratio",
                meaning=f"Share of the characters in {n} words in a row that stood there before.",
                source=_REPETITION,
                threshold=Bounds(max=share),
            )
            for n, share in _DUPLICATE_NGRAM_SHARES.items()
        ),
    )

    def compute(self, view: TextView) -> Mapping[str, SignalValue]:
        """Measure how much of the text says again what it said before."""
        characters = len(view.text)
        lines, paragraphs = view.line_duplicates, view.paragraph_duplicates
        values: dict[str, SignalValue] = dict.fromkeys(signal.name for signal in self.signals)
        if not view.word_count:
            return values
        values |= {
            "gopher.duplicate_line_ratio": lines.count / len(view.lines),
            "gopher.duplicate_paragraph_ratio": paragraphs.count / len(view.paragraphs),
            "gopher.duplicate_line_character_ratio": lines.characters / characters,
            "gopher.duplicate_paragraph_character_ratio": paragraphs.characters / characters,
        }
        word_ends = np.concatenate(([0], np.cumsum(view.word_lengths)))
        measured = repeated_ngrams(
            view.word_ids, len(view.vocabulary_counts), word_ends, max(DUPLICATE_NGRAMS)
        ).tolist()
        for n in TOP_NGRAMS:
            if n <= view.word_count:
                start, count, _ = measured[n]
                top = int(word_ends[start + n] - word_ends[start]) + n - 1
                values[f"gopher.top_{n}gram_character_ratio"] = top * count / characters
        for n in DUPLICATE_NGRAMS:
            values[f"gopher.duplicate_{n}gram_character_ratio"] = measured[n][2] / characters
        return values
