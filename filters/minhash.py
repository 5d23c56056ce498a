"""MinHash signatures of word shingles, and the bands by which near duplicates meet.

Broder 1997, "On the resemblance and containment of documents"; banding as in Leskovec, Rajaraman
and Ullman, "Mining of Massive Datasets", chapter 3. The defaults, 5-word shingles and 112 = 14 x 8
permutations, are those of FineWeb (arXiv 2406.17557, section 3.4).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from filters.signals import Signal, SignalValue
from filters.text_view import TextView

Hashes = npt.NDArray[np.uint64]

SIGNATURE = "minhash.signature"
"""The name of the signature's column."""

# 2**64 divided by the golden ratio, made odd: the usual multiplier of Fibonacci hashing
# (Knuth, The Art of Computer Programming 3, section 6.4).
_MULTIPLIER = np.uint64(0x9E3779B97F4A7C15)
# The finaliser of SplitMix64, variant 13 of Stafford's mixers: public domain.
_MIX = (np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB))

_CHUNK = 512
"""Shingles that are permuted at once: with 112 permutations a block of 450 kB, within a cache."""


@dataclass(frozen=True, kw_only=True)
class MinHashSignature:
    r"""The MinHash signature of a document's word shingles.

    Only words that are not symbols count, in lower case, so that punctuation, case and layout
    change nothing. A document with fewer words than a shingle has one shingle of all its words.
    Two documents agree in a permutation with the probability of their shingles' Jaccard
    similarity.

    Args:
        shingle: Words in a shingle, 1 or more.
        permutations: Values in a signature, 1 or more.
        seed: Of the permutations, 0 or more. Signatures are comparable only with equal parameters.

    Raises:
        ValueError: If a parameter is out of its range.

    >>> family = MinHashSignature(shingle=2)
    >>> first, second = (
    ...     family.signature(TextView(text).word_hashes)
    ...     for text in ("To be, or not to be?", "to be or\nNOT to be")
    ... )
    >>> float(estimated_jaccard(first, second))
    1.0
    """

    shingle: int = 5
    permutations: int = 112
    seed: int = 1

    def __post_init__(self) -> None:
        for name, least in (("shingle", 1), ("permutations", 1), ("seed", 0)):
            if getattr(self, name) < least:
                raise ValueError(f"{name} must be {least} or more, not {getattr(self, name)}")

    @property
    def signals(self) -> tuple[Signal, ...]:
        """The signature; its unit tells the parameters, so that a column says what it holds."""
        return (
            Signal(
                name=SIGNATURE,
                type="binary",
                unit=f"{self.permutations} little-endian uint64 values: word {self.shingle}-grams,"
                f" seed {self.seed}",
                meaning="MinHash signature of the word shingles, by which near duplicates are"
                " found.",
                source="Broder 1997; parameters of FineWeb, arXiv 2406.17557, section 3.4",
            ),
        )

    @cached_property
    def _coefficients(self) -> tuple[Hashes, Hashes]:
        # NumPy promises the raw stream of a bit generator to stay as it is; of the methods of
        # Generator it does not.
        raw = np.random.PCG64(self.seed).random_raw(2 * self.permutations)
        multipliers, addends = raw.reshape(2, -1, 1)
        return multipliers | np.uint64(1), addends

    def compute(self, view: TextView) -> Mapping[str, SignalValue]:
        """Return the signature as bytes, or None if there are no words."""
        signature = self.signature(view.word_hashes)
        return {
            SIGNATURE: None if signature is None else signature.astype("<u8", copy=False).tobytes()
        }

    def signature(self, word_hashes: Hashes) -> Hashes | None:
        """Return the signature of a sequence of word hashes, or None if it is empty.

        Args:
            word_hashes: Hashes of the words, in their order.

        Returns:
            ``permutations`` values: the least value of all shingles under each permutation.
        """
        if not word_hashes.size:
            return None
        shingles = shingle_hashes(word_hashes, self.shingle)
        multipliers, addends = self._coefficients
        least = np.full(self.permutations, np.iinfo(np.uint64).max, np.uint64)
        for start in range(0, shingles.size, _CHUNK):
            # An odd multiplier makes this a permutation of the 64-bit integers.
            permuted = multipliers * shingles[start : start + _CHUNK]
            permuted += addends
            np.minimum(least, permuted.min(axis=1), out=least)
        return least


def shingle_hashes(word_hashes: Hashes, shingle: int) -> Hashes:
    """Hash every run of ``shingle`` words, or the one run that there is; order matters.

    Args:
        word_hashes: Hashes of the words, in their order, at least one.
        shingle: Words in a run, 1 or more.
    """
    size = min(shingle, word_hashes.size)
    runs = word_hashes.size - size + 1
    combined = word_hashes[:runs].copy()
    for offset in range(1, size):
        combined *= _MULTIPLIER
        combined += word_hashes[offset : offset + runs]
    return mixed(combined)


def mixed(values: Hashes) -> Hashes:
    """Spread 64-bit values over all 64-bit values, one to one."""
    values = (values ^ (values >> np.uint64(30))) * _MIX[0]
    values = (values ^ (values >> np.uint64(27))) * _MIX[1]
    return values ^ (values >> np.uint64(31))


def estimated_jaccard(
    first: npt.NDArray[np.unsignedinteger], second: npt.NDArray[np.unsignedinteger]
) -> npt.NDArray[np.float64]:
    """Estimate the Jaccard similarity of documents from their signatures.

    Args:
        first: Signatures of shape (…, permutations), whole or folded.
        second: Signatures of a shape that broadcasts with ``first``.

    Returns:
        The share of equal values along the last axis. Its standard error for a similarity s is
        sqrt(s (1 - s) / permutations).
    """
    return np.asarray(np.mean(first == second, axis=-1))


def folded(signatures: Hashes) -> npt.NDArray[np.uint16]:
    """Keep 16 bits of each value: enough to compare two signatures, at a quarter of the memory.

    Two different values agree in 65,536 cases by chance once, which adds at most 0.000015 to an
    estimate (b-bit minwise hashing: Li and König 2010, arXiv 0910.3349).
    """
    return (mixed(signatures) >> np.uint64(48)).astype(np.uint16)


def exact_jaccard(first: Hashes, second: Hashes) -> float:
    """Return the Jaccard similarity of two sets of shingles.

    Args:
        first: Distinct hashes, sorted, at least one.
        second: The same of another document.

    >>> exact_jaccard(np.array([1, 2, 3], np.uint64), np.array([2, 3, 4], np.uint64))
    0.5
    """
    common = np.intersect1d(first, second, assume_unique=True).size
    return common / (first.size + second.size - common)


def band_hashes(signatures: Hashes, *, bands: int, rows: int, first: int = 0) -> Hashes:
    """Hash each band of each signature.

    Two documents of similarity s share a band's hash with probability s**rows, and one of all
    bands' with 1 - (1 - s**rows)**bands. The band's number goes into its hash, so that one table
    can hold all bands.

    Args:
        signatures: Of shape (documents, permutations).
        bands: How many bands, 1 or more.
        rows: Values in a band, 1 or more; what is left after ``bands * rows`` values is unused.
        first: The number of the first band, where ``signatures`` begin with it.

    Returns:
        Hashes of shape (documents, bands).

    Raises:
        ValueError: If the signatures have fewer values than the bands need.
    """
    documents, permutations = signatures.shape
    if bands < 1 or rows < 1 or bands * rows > permutations:
        raise ValueError(
            f"{bands} bands of {rows} rows don't fit into {permutations} permutations; "
            "bands and rows must be 1 or more"
        )
    grouped = signatures[:, : bands * rows].reshape(documents, bands, rows)
    numbers = np.arange(first, first + bands, dtype=np.uint64)
    hashes = np.broadcast_to(numbers, (documents, bands))
    for row in range(rows):
        hashes = mixed(hashes * _MULTIPLIER + grouped[:, :, row])
    return hashes


def bands_for(*, threshold: float, permutations: int) -> tuple[int, int]:
    """Choose bands and rows for a similarity from which documents are near duplicates.

    Args:
        threshold: Jaccard similarity, 0 to 1.
        permutations: Values in a signature, 2 or more.

    Returns:
        Bands and rows with the least sum of false positives and false negatives over all
        similarities, by datasketch's search.

    Raises:
        ValueError: If a parameter is out of its range.

    >>> bands_for(threshold=0.8, permutations=112)
    (9, 12)
    """
    # It brings scipy.integrate: a second for each worker's start, and only a plan needs it.
    from datasketch import MinHashLSH

    index = MinHashLSH(threshold=threshold, num_perm=permutations)
    return index.b, index.r
