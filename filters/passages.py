"""Lines, paragraphs and spans of sentences that stand in a corpus, or in one document, again.

Lee et al. 2022 (arXiv 2107.06499) show why repeated passages matter beside repeated documents.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
import regex
import xxhash
from icu4py.breakers import SentenceBreaker
from rapidfuzz.distance import Indel

from filters.clustering import components, similar_edges
from filters.minhash import Hashes, MinHashSignature, band_hashes

Unit = Literal["line", "paragraph", "sentences"]

SENTENCES = 3
"""Sentences in a span: C4 (arXiv 1910.10683, section 2.2) keeps one of each repeated three."""
NEAR_SIMILARITY = 0.95
"""From which Levenshtein ratio two paragraphs of a document are one (mOSCAR, arXiv 2406.08707)."""

_PARAGRAPH = regex.compile(r"\S(?:[^\n]|\n(?!\s*\n))*")
_PATTERNS = {"line": regex.compile(r"[^\n]+"), "paragraph": _PARAGRAPH}
_DIGIT = regex.compile(r"\p{Nd}")
_NO_WORD = regex.compile(r"[^\p{L}\p{M}\p{N}]+")
_BLANK_LINES = regex.compile(r"\n\s*\n\s*")
# Eight sketches of a paragraph's runs of eight characters. If one character in 20 is another, the
# Levenshtein ratio is 0.95, two of three runs are the same, their Jaccard similarity is a half, and
# 99 % of such pairs share a sketch.
_SKETCH = MinHashSignature(shingle=8, permutations=8)


@dataclass(frozen=True, slots=True, kw_only=True)
class Passages:
    """The passages of a text.

    Attributes:
        starts: Where each begins, in code points; shape (n,).
        ends: Where each ends; shape (n,).
        hashes: XXH3 (64 bits) of each one's normalised text; shape (n,).
    """

    starts: npt.NDArray[np.int64]
    ends: npt.NDArray[np.int64]
    hashes: Hashes


def normalized_passage(passage: str) -> str:
    """Return what copies of a passage have in common: lower case, no punctuation, digits all 0.

    cc_net (arXiv 1911.00359, ``text_normalizer.py``) hashes paragraphs so, but keeps ASCII
    punctuation.

    >>> normalized_passage("Posted on 12 May, 2024 — by Ann")
    'posted on 00 may 0000 by ann'
    """
    return _NO_WORD.sub(" ", _DIGIT.sub("0", passage.lower())).strip()


def passages(text: str, *, unit: Unit, sentences: int = SENTENCES, shortest: int = 1) -> Passages:
    r"""Find the passages of a text, in their order.

    Args:
        text: Any text.
        unit: ``line``: between newlines; ``paragraph``: between blank lines; ``sentences``: every
            run of some sentences in a row, so that passages overlap.
        sentences: How many sentences a run has. A text of fewer has none.
        shortest: Passages of fewer characters, once they are normalised, are left out.

    >>> found = passages("Menu\n\nA page.\nMENU", unit="line")
    >>> found.starts.tolist(), found.ends.tolist(), bool(found.hashes[0] == found.hashes[2])
    ([0, 6, 14], [4, 13, 18], True)
    """
    if unit == "sentences":
        of_one = _sentences(text)
        lasts = of_one[sentences - 1 :]
        spans = [(one[0], last[1]) for one, last in zip(of_one, lasts, strict=False)]
    else:
        spans = [match.span() for match in _PATTERNS[unit].finditer(text)]
    found = [
        (start, end, xxhash.xxh3_64_intdigest(normalized.encode("utf-8", "replace")))
        for start, end in spans
        if len(normalized := normalized_passage(text[start:end])) >= max(shortest, 1)
    ]
    return Passages(
        starts=np.array([start for start, _, _ in found], dtype=np.int64),
        ends=np.array([end for _, end, _ in found], dtype=np.int64),
        hashes=np.array([hash_ for _, _, hash_ in found], dtype=np.uint64),
    )


def _sentences(text: str) -> list[tuple[int, int]]:
    """Return start and end of each sentence with words, by ICU's rules (Unicode's annex 29)."""
    found, start = [], 0
    for sentence in SentenceBreaker(text, "en"):
        end = start + len(sentence)
        if normalized_passage(sentence):
            found.append((start, end))
        start = end
    return found


def near_duplicate_paragraphs(
    text: str, *, least: float = NEAR_SIMILARITY
) -> list[tuple[int, int]]:
    r"""Find paragraphs that are nearly one that stands before them in the text.

    Args:
        text: Any text.
        least: The Levenshtein ratio from which two paragraphs are one, 0 to 1.

    Returns:
        Start and end of each, in code points.

    >>> line = "We use cookies to give you the best experience on our site."
    >>> near_duplicate_paragraphs(f"{line}\n\nNews of the day.\n\n{line[:-1]}!")
    [(79, 138)]
    """
    spans = [match.span() for match in _PARAGRAPH.finditer(text)]
    if len(spans) < 2:
        return []
    paragraphs = [text[start:end].rstrip() for start, end in spans]
    sketches = [_SKETCH.signature(_characters(paragraph)) for paragraph in paragraphs]
    keys = band_hashes(
        np.stack([sketch for sketch in sketches if sketch is not None]), bands=8, rows=1
    )

    def ratio(
        first: npt.NDArray[np.int64], second: npt.NDArray[np.int64]
    ) -> npt.NDArray[np.float64]:
        return np.array(
            [
                Indel.normalized_similarity(paragraphs[one], paragraphs[other], score_cutoff=least)
                for one, other in zip(first, second, strict=True)
            ]
        )

    edges = similar_edges(
        keys.ravel(),
        np.repeat(np.arange(len(spans)), keys.shape[1]),
        similarity=ratio,
        least=least,
    )
    linked, roots = components(edges)
    return [spans[place] for place in linked[linked != roots].tolist()]


def _characters(text: str) -> Hashes:
    return np.frombuffer(text.encode("utf-32-le", "surrogatepass"), "<u4").astype(np.uint64)


def cut(text: str, spans: Iterable[tuple[int, int]]) -> tuple[str, int]:
    r"""Take spans out of a text, and the blank lines that they leave.

    Args:
        text: Any text.
        spans: Start and end of each, in code points; they may overlap.

    Returns:
        What is left, and how many code points the spans have together.

    >>> cut("Menu\n\nA page.\n\nMenu", [(0, 4), (15, 19)])
    ('A page.', 8)
    """
    removed = np.zeros(len(text) + 1, dtype=np.int64)
    for start, end in spans:
        removed[start] += 1
        removed[end] -= 1
    inside = np.cumsum(removed)[:-1] > 0
    if not inside.any():
        return text, 0
    edges = np.flatnonzero(np.diff(np.concatenate(([True], inside, [True]))))
    kept = "".join(text[start:end] for start, end in edges.reshape(-1, 2).tolist())
    return _BLANK_LINES.sub("\n\n", kept).strip(), int(inside.sum())
