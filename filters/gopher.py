"""The quality and repetition rules of Gopher, as signals.

Rae et al. 2021, "Scaling Language Models: Methods, Analysis & Insights from Training Gopher"
(arXiv 2112.11446), appendix A.1.1 and Table A1. The paper leaves open what a word is and what a
share is taken of; where it does, the figures follow datatrove, which FineWeb was made with.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from filters.bounds import Bounds
from filters.lexicon import LETTER
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
        lengths = view.word_lengths[view.non_symbol]
        words, lines = view.word_count, view.lines
        known = stop_words(view.language or "en")
        stop_word_count = None if known is None else int(np.count_nonzero(view.occurrences(known)))
        alphabetic = int(np.count_nonzero(view.word_flags & LETTER))
        hashes = view.text.count("#")
        ellipses = sum(map(view.text.count, _ELLIPSES))
        bullet_lines = sum(line.startswith(_BULLETS) for line in lines)
        ellipsis_lines = sum(line.endswith(_ELLIPSES) for line in lines)
        return {
            "gopher.word_count": lengths.size,
            "gopher.mean_word_length": float(lengths.mean()) if lengths.size else None,
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
        # Where no n words in a row come again, every n-gram is as frequent as the first one.
        for n in range(min(TOP_NGRAMS), min(max(TOP_NGRAMS), view.word_count) + 1):
            first = int(word_ends[n]) + n - 1
            values[f"gopher.top_{n}gram_character_ratio"] = first / characters
        for n in DUPLICATE_NGRAMS:
            values[f"gopher.duplicate_{n}gram_character_ratio"] = 0.0
        for repeated in _repeated_ngrams(view, max(DUPLICATE_NGRAMS)):
            n = repeated.n
            if n in TOP_NGRAMS:
                top = _characters_of_top(repeated, word_ends)
                values[f"gopher.top_{n}gram_character_ratio"] = top / characters
            if n in DUPLICATE_NGRAMS:
                duplicate = _characters_of_duplicates(repeated, word_ends)
                values[f"gopher.duplicate_{n}gram_character_ratio"] = duplicate / characters
        return values


class _RepeatedNgrams(NamedTuple):
    """Where n words in a row stand that stand elsewhere in the text too.

    Attributes:
        n: Words in each n-gram.
        starts: Index of the first word of each occurrence, ascending.
        ids: Which n-gram each occurrence is of: equal if and only if the words are.
        counts: How often each occurrence's n-gram occurs in the text, 2 or more.
    """

    n: int
    starts: npt.NDArray[np.int64]
    ids: npt.NDArray[np.int64]
    counts: npt.NDArray[np.int64]


def _repeated_ngrams(view: TextView, longest: int) -> Iterator[_RepeatedNgrams]:
    """Yield the repeated n-grams of 2, 3, … ``longest`` words, as long as there are any.

    n + 1 words can only be repeated where the first n of them are, so that each round looks only
    at what the round before left over. Ids are compared, not hashes: nothing collides, and the
    products stay in 64 bits up to 3 billion words.
    """
    word_ids, base = view.word_ids, len(view.vocabulary_counts)
    starts, ids = np.arange(word_ids.size), word_ids
    for n in range(2, longest + 1):
        if starts.size and starts[-1] + n > word_ids.size:
            starts, ids = starts[:-1], ids[:-1]
        keys = ids * base + word_ids[starts + (n - 1)]
        order = keys.argsort()
        ordered = keys[order]
        is_new = ordered[1:] != ordered[:-1]
        if is_new.all():
            break
        runs = np.zeros(keys.size, np.int64)
        is_new.cumsum(out=runs[1:])
        counts = np.bincount(runs)[runs]
        repeated = np.flatnonzero(counts > 1)
        repeated = repeated[order[repeated].argsort()]
        starts, ids = starts[order[repeated]], runs[repeated]
        yield _RepeatedNgrams(n, starts, ids, counts[repeated])


def _characters_of_top(ngrams: _RepeatedNgrams, word_ends: npt.NDArray[np.int64]) -> int:
    """Characters in all occurrences of the most frequent n-gram, spaces between words included."""
    top = ngrams.counts.argmax()
    start, count = int(ngrams.starts[top]), int(ngrams.counts[top])
    return (int(word_ends[start + ngrams.n] - word_ends[start]) + ngrams.n - 1) * count


def _characters_of_duplicates(ngrams: _RepeatedNgrams, word_ends: npt.NDArray[np.int64]) -> int:
    """Characters in n-grams met before, reading on after each of them."""
    lengths = word_ends[ngrams.starts + ngrams.n] - word_ends[ngrams.starts]
    met: set[int] = set()
    total = read_to = 0
    for start, identity, length in zip(
        ngrams.starts.tolist(), ngrams.ids.tolist(), lengths.tolist(), strict=True
    ):
        if start < read_to:
            continue
        if identity in met:
            total += length
            read_to = start + ngrams.n
        else:
            met.add(identity)
    return total
