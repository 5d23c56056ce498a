"""Mergeable summaries of one column: the distribution of a number, the counts of a text value.

Both are exact until they are full, and a merge gives the same result in any order.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from pydantic import PlainSerializer, PlainValidator

# Stored as JSON a column is a list of numbers.
Floats = Annotated[
    npt.NDArray[np.float64],
    PlainValidator(lambda column: np.asarray(column, np.float64)),
    PlainSerializer(lambda column: column.tolist()),
]
Integers = Annotated[
    npt.NDArray[np.int64],
    PlainValidator(lambda column: np.asarray(column, np.int64)),
    PlainSerializer(lambda column: column.tolist()),
]

Mask = npt.NDArray[np.bool_]

BINS = 2048
"""Bins of a sketch. A column that spans 16 octaves keeps 2⁷ bins an octave: 0.8 % of the value."""

LARGEST = 1e300
"""Larger magnitudes are no values, and those below its inverse are 0: differences stay finite."""

DISTINCT_VALUES = 20_000
"""Text values of a column that are counted one by one; then the rarest half is put together."""

_BARS = 60
_HEAVY_TAIL = 5
_LONG_RANGE = 30
_EDGE_SHARE = 0.001
_DIGITS = 15


def _no_floats() -> Floats:
    return np.empty(0, np.float64)


def _no_integers() -> Integers:
    return np.empty(0, np.int64)


@dataclass(slots=True)
class Sketch:
    """The distribution of a number over documents and over their tokens.

    A bin is the set of floats that share their sign and leading bits, so its width is a fixed
    share of its value, as in a DDSketch. Every distinct value has a bin of its own until there are
    more than ``BINS``; then trailing bits are dropped until they fit. Bins nest, so the bits that
    remain depend on the data only, and merging is exact: associative and commutative. Each bin
    keeps its least and greatest value, so that a lone value in it (0.5, 1.0) is met exactly.

    A rank sketch (KLL) was tried for the same purpose: its error is a share of all documents
    (0.35 % in 19 kB), as large as what most rules remove, it draws random numbers, and it takes
    no weights. See ``docs/report.md``.

    Attributes:
        low: Least value in each bin, ascending.
        high: Greatest value in each bin.
        documents: Documents in each bin.
        tokens: Tokens of these documents.
        dropped_bits: Trailing bits of a float64 that no longer tell bins apart; 0 is exact.

    >>> sketch = Sketch()
    >>> sketch.add(np.array([3.0, 1.0, 1.0]), np.array([30, 10, 12]))
    >>> [int(count) for count in sketch.below(np.array([3.0]))[0]]
    [2]
    """

    low: Floats = field(default_factory=_no_floats)
    high: Floats = field(default_factory=_no_floats)
    documents: Integers = field(default_factory=_no_integers)
    tokens: Integers = field(default_factory=_no_integers)
    dropped_bits: int = 0

    def add(self, values: Floats, tokens: Integers) -> None:
        """Add one document for each value; values are finite and at most ``LARGEST``."""
        values = np.where(np.abs(values) < 1 / LARGEST, 0.0, values)
        self.merge(Sketch(values, values, np.ones(len(values), np.int64), tokens))

    def merge(self, other: "Sketch") -> None:
        """Add every document of ``other``."""
        low = np.concatenate([self.low, other.low])
        if not len(low):
            return
        order = np.argsort(low)
        low = low[order]
        self.dropped_bits = max(self.dropped_bits, other.dropped_bits)
        starts = _bin_starts(low, self.dropped_bits)
        while len(starts) > BINS:
            self.dropped_bits += 1
            starts = _bin_starts(low, self.dropped_bits)
        self.high = np.maximum.reduceat(np.concatenate([self.high, other.high])[order], starts)
        documents = np.concatenate([self.documents, other.documents])[order]
        self.documents = np.add.reduceat(documents, starts)
        tokens = np.concatenate([self.tokens, other.tokens])[order]
        self.tokens = np.add.reduceat(tokens, starts)
        self.low = low[starts]

    def below(self, values: Floats, *, including: bool = False) -> tuple[Floats, Floats, Floats]:
        """Return the documents and tokens below each value, and by how many documents that may err.

        Args:
            values: Any numbers.
            including: Whether a document at the value itself counts as below.

        Returns:
            Documents, tokens, and the documents that share a bin with the value, which is as far
            as the first figure can be off; 0 where it is exact.
        """
        if not len(self.low):
            return np.zeros(len(values)), np.zeros(len(values)), np.zeros(len(values))
        index = np.searchsorted(self.high, values, side="right" if including else "left")
        here = np.minimum(index, len(self.low) - 1)
        low, high = self.low[here], self.high[here]
        straddled = (index < len(self.low)) & ((low <= values) if including else (low < values))
        straddled &= low < high
        width = np.where(straddled, high - low, 1.0)
        share = np.where(straddled, (values - low) / width, 0.0)
        documents, tokens = (
            _sums_before(counts)[index] + share * counts[here]
            for counts in (self.documents, self.tokens)
        )
        return documents, tokens, np.where(straddled, self.documents[here], 0).astype(np.float64)

    def quantiles(self, shares: Floats) -> Floats:
        """Return the least value that has at least each share of the documents at or below it."""
        ends = np.cumsum(self.documents)
        ranks = np.clip(np.ceil(shares * ends[-1] - 1e-9), 1, ends[-1])
        here = np.searchsorted(ends, ranks)
        inside = self.documents[here]
        place = (ranks - (ends[here] - inside) - 1) / np.maximum(inside - 1, 1)
        values: Floats = self.low[here] + (self.high[here] - self.low[here]) * place
        return values

    def histogram(self, *, integer: bool) -> dict[str, Any]:
        """Count documents and tokens on a scale that a person can read.

        The scale is logarithmic for numbers from 0 up with a long tail, where zero has a bar of
        its own, and else linear over all but the outer thousandths, which are counted apart.

        Args:
            integer: Whether values are whole numbers, whose bars then hold whole numbers.

        Returns:
            ``scale``, ``edges``, the ``documents`` and ``tokens`` from each edge to the next, and
            those ``below`` the first edge, ``above`` the last, and at ``zero`` (or None).
        """
        logarithmic = self._is_heavy_tailed()
        counted = self.low > 0 if logarithmic else np.ones(len(self.low), np.bool_)
        if logarithmic:
            edges = _logarithmic_edges(self.low[counted][0], self.high[-1], integer=integer)
        else:
            outer = self.quantiles(np.array([_EDGE_SHARE, 1 - _EDGE_SHARE]))
            edges = _linear_edges(outer[0], outer[1], integer=integer)
        # Place 0 is below the first edge; the last place is above the last edge.
        place = np.searchsorted(edges, self.low[counted], side="right")
        documents, tokens = (
            np.bincount(place, weights=counts[counted], minlength=len(edges) + 1).astype(np.int64)
            for counts in (self.documents, self.tokens)
        )
        zero = None
        if logarithmic:
            at_zero = ~counted
            zero = _pair(self.documents[at_zero].sum(), self.tokens[at_zero].sum())
        return {
            "scale": "log" if logarithmic else "linear",
            "edges": edges.tolist(),
            "documents": documents[1:-1].tolist(),
            "tokens": tokens[1:-1].tolist(),
            "below": _pair(documents[0], tokens[0]),
            "above": _pair(documents[-1], tokens[-1]),
            "zero": zero if zero and zero["documents"] else None,
        }

    def _is_heavy_tailed(self) -> bool:
        """Whether the greatest value is far from the bulk of the positive ones, and none is < 0."""
        positive = self.low > 0
        if self.low[0] < 0 or self.high[-1] <= 1 or not positive.any():
            return False
        bulk = Sketch(
            self.low[positive], self.high[positive], self.documents[positive], self.tokens[positive]
        )
        middle, tail = bulk.quantiles(np.array([0.5, 0.99]))
        return bool(tail > _HEAVY_TAIL * middle or self.high[-1] > _LONG_RANGE * middle)


@dataclass(slots=True)
class ValueCounts:
    """Sums by text value, such as the documents and the tokens of each language.

    Exact for up to ``DISTINCT_VALUES`` values of a column. Past that, those with the least first
    sum are put together as they come, so the sums of a value that was rare in one part may be
    short.

    Attributes:
        names: What is summed up.
        counts: Value to the sums in the order of ``names``.
        other: The same sums over the values that were put together.

    >>> counts = ValueCounts(names=("documents",))
    >>> counts.add(pa.array(["en", "de", "en", None]), {"documents": np.ones(4, np.int64)})
    >>> counts.counts
    {'en': [2], 'de': [1]}
    """

    names: tuple[str, ...]
    counts: dict[str, list[int]] = field(default_factory=dict)
    other: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.other = self.other or [0] * len(self.names)

    def add(self, values: pa.Array, sums: Mapping[str, Integers | Mask]) -> None:
        """Add to the sums of each row's value; a null is not counted.

        Args:
            values: The value of each row.
            sums: What each row adds, by the names; nothing for a name that is not there.
        """
        columns = {name: of.astype(np.int64) for name, of in sums.items()}
        table = pa.table({"value": values, **columns})
        summed = table.group_by("value").aggregate([(name, "sum") for name in sums])
        nothing = [0] * summed.num_rows
        added = (
            summed[f"{name}_sum"].to_pylist() if name in sums else nothing for name in self.names
        )
        for value, *counts in zip(summed["value"].to_pylist(), *added, strict=True):
            if value is not None:
                self._count(value, counts)
        self._make_room()

    def merge(self, other: "ValueCounts") -> None:
        """Add every count of ``other``."""
        for value, counts in other.counts.items():
            self._count(value, counts)
        self.other = [ours + theirs for ours, theirs in zip(self.other, other.other, strict=True)]
        self._make_room()

    def top(self, values: int) -> dict[str, Any]:
        """Return the ``values`` with the greatest first sum, and the sums over all others."""
        ranked = self._ranked()
        return {
            "values": [
                {"value": value} | self._named(self.counts[value]) for value in ranked[:values]
            ],
            "other": self._named(self._added(ranked[values:])),
            "distinct": len(ranked) if not self.other[0] else None,
        }

    def total(self) -> dict[str, int]:
        """Return the sums over all values."""
        return self._named(self._added(list(self.counts)))

    def _added(self, values: list[str]) -> list[int]:
        return [sum(column) for column in zip(*self._counts_of(values), strict=True)]

    def _named(self, counts: list[int]) -> dict[str, int]:
        return dict(zip(self.names, counts, strict=True))

    def _counts_of(self, values: list[str]) -> list[list[int]]:
        return [self.other, *(self.counts[value] for value in values)]

    def _ranked(self) -> list[str]:
        return sorted(self.counts, key=lambda value: (-self.counts[value][0], value))

    def _count(self, value: str, counts: list[int]) -> None:
        ours = self.counts.setdefault(value, [0] * len(self.names))
        for place, count in enumerate(counts):
            ours[place] += count

    def _make_room(self) -> None:
        if len(self.counts) > DISTINCT_VALUES:
            rarest = self._ranked()[DISTINCT_VALUES // 2 :]
            self.other = self._added(rarest)
            for value in rarest:
                del self.counts[value]


def _pair(documents: int, tokens: int) -> dict[str, int]:
    return {"documents": int(documents), "tokens": int(tokens)}


def _sums_before(counts: Integers) -> Floats:
    """Return the sum of all counts before each place, and of all of them."""
    return np.concatenate([np.zeros(1), np.cumsum(counts, dtype=np.float64)])


def _bin_starts(low: Floats, dropped_bits: int) -> Integers:
    """Return where a new bin starts in ascending values."""
    bits = np.abs(low).view(np.int64) >> dropped_bits
    keys = np.where(low < 0, -bits, bits)
    return np.flatnonzero(np.concatenate([[True], keys[1:] != keys[:-1]]))


def _logarithmic_edges(low: float, high: float, *, integer: bool) -> Floats:
    edges = np.geomspace(low, math.nextafter(high, math.inf), _BARS + 1)
    if integer:
        edges = np.ceil(edges)
    # Rounding in geomspace must not leave the outermost values outside.
    edges[0] = low
    edges[-1] = _next_integer(high) if integer else max(edges[-1], math.nextafter(high, math.inf))
    return np.unique(edges)


def _linear_edges(low: float, high: float, *, integer: bool) -> Floats:
    """Return edges at round numbers around all of ``low`` to ``high``."""
    if integer:
        high = _next_integer(high)
    elif low == high:
        around = max(0.5, 2 * math.ulp(low))
        low, high = low - around, high + around
    # A step below the spacing of floats at the range's end would make empty bars.
    step = max(round_step((high - low) / _BARS), 2 * math.ulp(max(abs(low), abs(high))))
    if integer:
        step = max(1.0, round(step))
    first, last = math.floor(low / step), math.ceil(high / step)
    edges = step * np.arange(first, last + 1, dtype=np.float64)
    if (decimals := 2 - math.floor(math.log10(step))) < _DIGITS:
        edges = np.round(edges, decimals)  # 0.3, not 3 * 0.1 which is above it
    edges = np.unique(edges)
    if edges[-1] <= high and not integer:
        edges = np.append(edges, edges[-1] + step)
    return edges


def _next_integer(value: float) -> float:
    return value + max(1.0, math.ulp(value))


def round_step(least: float) -> float:
    """Return the least of 1, 2, 2.5 and 5 times a power of ten that is not below ``least``.

    >>> round_step(0.003)
    0.005
    """
    power = 10.0 ** math.floor(math.log10(least))
    return next((times * power for times in (1, 2, 2.5, 5) if times * power >= least), 10 * power)
