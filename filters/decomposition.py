"""Dataset Decomposition: a document's tokens as sequences of 2^k tokens (arXiv 2405.13226).

Every sequence comes from one document, so nothing that a model attends to is of another text, and
the sequences of one bucket are all of one length, so nothing is padded.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

SMALLEST = 256
LARGEST = 8_192
"""D_8 to D_13, the buckets of the paper's experiments (section 3 and appendix)."""

LongDocuments = Literal["random", "greedy"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Decomposition:
    """How documents are cut.

    The largest power of two that still fits is cut off first, then the next one, as the binary
    digits of the length say. Sequences do not overlap.

    Attributes:
        smallest: The shortest sequence, a power of two in tokens.
        largest: The longest sequence, a power of two, ``smallest`` or more.
        long_documents: What to cut from a document that is longer than twice ``largest``.
            ``random``, as published: 2^k with a probability proportional to 2^(-k), so that the
            buckets get equally many tokens of long documents. ``greedy``: always ``largest``.
        shortest_remainder: What is left when no sequence of ``smallest`` tokens fits any more is
            dropped, as published (None), or goes on being cut down to this power of two, below
            ``smallest``.
        target_token: Whether a sequence holds one token more than its bucket says, the target of
            its last position, as in the paper's code; without it a sequence of 2^k tokens has
            2^k - 1 targets, as in OLMo-core.
        seed: Of the random rule; a document's own id goes into it too.

    Raises:
        ValueError: A length is no power of two, or they are out of order.
    """

    smallest: int = SMALLEST
    largest: int = LARGEST
    long_documents: LongDocuments = "random"
    shortest_remainder: int | None = None
    target_token: bool = False
    seed: int = 0

    def __post_init__(self) -> None:
        lengths = [self.smallest, self.largest]
        if self.shortest_remainder is not None:
            lengths.insert(0, self.shortest_remainder)
        for length in lengths:
            if length < 1 or length.bit_count() != 1:
                raise ValueError(f"a sequence has a power of two of tokens, not {length}")
        if lengths != sorted(lengths) or self.shortest_remainder == self.smallest:
            raise ValueError(f"lengths of sequences must rise, unlike {lengths}")

    @property
    def shortest(self) -> int:
        """The shortest sequence of all, remainders included."""
        return self.shortest_remainder or self.smallest

    def size(self, bucket: int) -> int:
        """Return how many tokens a sequence of a bucket holds."""
        return bucket + self.target_token

    def cut(
        self, tokens: int, document: str
    ) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
        """Cut one document.

        Args:
            tokens: Its length.
            document: Its id, which with the seed decides the random lengths: they are the same
                wherever and in whatever order documents are cut.

        Returns:
            The bucket of each sequence and where it starts, in the order of the text. What
            follows the last one is dropped.

        >>> Decomposition(smallest=4, largest=16).cut(16 + 8 + 3, "a")
        (array([16,  8]), array([ 0, 16]))
        >>> Decomposition(smallest=4, largest=16, shortest_remainder=2).cut(27, "a")
        (array([16,  8,  2]), array([ 0, 16, 24]))
        """
        long = self._cut_long(tokens, document)
        left = tokens - int(long.sum()) - len(long) * self.target_token
        tail = []
        bucket = self.largest
        while bucket >= self.shortest:
            if left >= self.size(bucket):
                tail.append(bucket)
                left -= self.size(bucket)
            bucket //= 2
        buckets = np.concatenate([long, np.array(tail, np.int64)])
        ends = np.cumsum(buckets + self.target_token)
        return buckets, ends - buckets - self.target_token

    def _cut_long(self, tokens: int, document: str) -> npt.NDArray[np.int64]:
        """Return what is cut off until less than twice the longest sequence is left."""
        too_long = 2 * self.largest + self.target_token
        if tokens < too_long:
            return np.empty(0, np.int64)
        if self.long_documents == "greedy":
            count = 1 + (tokens - too_long) // self.size(self.largest)
            return np.full(count, self.largest, np.int64)
        buckets = 1 << np.arange(
            self.smallest.bit_length() - 1, self.largest.bit_length(), dtype=np.int64
        )
        odds = self.largest / buckets
        entropy = int.from_bytes(document.encode(), "little")
        generator = np.random.default_rng([self.seed, entropy])
        at_most = tokens // self.size(self.smallest)
        drawn = buckets[
            np.searchsorted(np.cumsum(odds / odds.sum())[:-1], generator.random(at_most), "right")
        ]
        before = np.cumsum(drawn + self.target_token) - drawn - self.target_token
        still_long: npt.NDArray[np.int64] = drawn[tokens - before >= too_long]
        return still_long
