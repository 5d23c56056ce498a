"""How long a document is, and the bucket that its length in tokens belongs to."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from filters.signals import Signal, SignalValue
from filters.text_view import TextView

SMALLEST_BUCKET = 256
"""D_8, the shortest bucket of Dataset Decomposition (arXiv 2405.13226)."""
LARGEST_BUCKET = 131_072
"""The context of current long-context models; most of a library's books are longer than that."""

_SOURCE = "thresher"


@dataclass(frozen=True, kw_only=True)
class Length:
    r"""Length in the units that need no tokenizer.

    >>> dict(Length().compute(TextView("déjà\n\nvu")))
    {'length.characters': 8, 'length.bytes': 10, 'length.lines': 2}
    """

    signals = (
        Signal(
            name="length.characters",
            type="int64",
            unit="characters",
            meaning="Unicode code points of the text.",
            source=_SOURCE,
        ),
        Signal(
            name="length.bytes",
            type="int64",
            unit="bytes",
            meaning="Bytes of the text in UTF-8.",
            source=_SOURCE,
        ),
        Signal(
            name="length.lines",
            type="int64",
            unit="lines",
            meaning="Lines that are not blank.",
            source=_SOURCE,
        ),
    )

    def compute(self, view: TextView) -> Mapping[str, SignalValue]:
        """Count characters, bytes and lines."""
        return {
            "length.characters": len(view.text),
            # A lone surrogate has no UTF-8; it is counted as the three bytes it would take.
            "length.bytes": len(view.text.encode("utf-8", "surrogatepass")),
            "length.lines": len(view.lines),
        }


def bucket_for(
    tokens: int, *, smallest: int = SMALLEST_BUCKET, largest: int = LARGEST_BUCKET
) -> int:
    """Return the length bucket of a document of ``tokens`` tokens.

    Bucket b, a power of two, holds the documents with b/2 < tokens <= b, and the smallest one
    holds whatever is shorter too. What is longer than ``largest`` goes to one open bucket, which
    is named by its lower bound, ``largest + 1``: no power of two, so nobody takes it for an upper
    bound.

    Args:
        tokens: The document's length, 0 or more.
        smallest: The first bucket, a power of two.
        largest: The last bucket that has an upper bound, a power of two, ``smallest`` or more.

    Returns:
        The bucket's name.

    Raises:
        ValueError: If ``tokens`` is negative, or a bucket is not as said above.

    >>> [bucket_for(n, largest=1024) for n in (0, 256, 257, 512, 513, 1024, 1025, 10**6)]
    [256, 256, 512, 512, 1024, 1024, 1025, 1025]
    """
    return int(buckets_for(np.array([tokens]), smallest=smallest, largest=largest)[0])


def buckets_for(
    tokens: npt.NDArray[np.integer],
    *,
    smallest: int = SMALLEST_BUCKET,
    largest: int = LARGEST_BUCKET,
) -> npt.NDArray[np.int64]:
    """Return the bucket of each length, as :func:`bucket_for` does for one.

    >>> buckets_for(np.array([3, 300, 5000]), largest=4096).tolist()
    [256, 512, 4097]
    """
    bounds = _upper_bounds(smallest=smallest, largest=largest)
    if tokens.size and tokens.min() < 0:
        raise ValueError(f"a length in tokens can't be negative, as {tokens.min()} is")
    names = np.append(bounds, largest + 1)
    return names[np.searchsorted(bounds, tokens)]


def _upper_bounds(*, smallest: int, largest: int) -> npt.NDArray[np.int64]:
    for bucket in (smallest, largest):
        if bucket < 1 or bucket.bit_count() != 1:
            raise ValueError(f"a length bucket must be a power of two, and {bucket} is none")
    if smallest > largest:
        raise ValueError(f"the smallest bucket, {smallest}, is above the largest, {largest}")
    return 1 << np.arange(smallest.bit_length() - 1, largest.bit_length(), dtype=np.int64)
