"""The joint sample of a score report: whole rows, from which the effect of all rules is estimated.

A row is taken by the hash of its document's id or of its cluster, so the sample is the same
whatever the order of the documents, the tree of merges and the runner.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Annotated

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import xxhash
from pydantic import PlainSerializer, PlainValidator

from filters.rules import LANGUAGE
from pipelines.dedup import EARLIER
from pipelines.report_strata import STRATA, Integers, is_held, room, stratum_of

MOST_ROWS = 50_000
"""Rows of a sample with few signals."""

MOST_VALUES = 1_250_000
"""Values of signals in a sample: with many signals it has fewer rows, so that a page is small."""

EXCERPT_CHARACTERS = 300
"""Characters of each sampled document's text."""

URL_CHARACTERS = 200
"""Characters of each sampled document's address."""

_FIXED = (
    "stratum",
    "hash",
    "rank",
    "size",
    "earlier",
    "tokens",
    "bytes",
    "id",
    "source",
    "url",
    "text",
    LANGUAGE,
)
COUNTS = ("documents", "units", "tokens", "bytes", "rows")


@dataclass(slots=True)
class Sample:
    """A stratified sample of documents, to which batches and other samples are added.

    Attributes:
        counts: Of each stratum the documents, the units that are sampled (documents without
            duplicates, clusters), the tokens and the bytes of each unit's best document, and the
            rows that a sample of everything would have. Shape (strata, 5).
        limit: Rows of the whole sample, 0 before the first batch.
    """

    counts: Integers = field(default_factory=lambda: np.zeros((STRATA, len(COUNTS)), np.int64))
    limit: int = 0
    _held: list[pa.Table] = field(default_factory=list)
    _pending: int = 0
    _last: npt.NDArray[np.uint64] = field(
        default_factory=lambda: np.full(STRATA, np.iinfo(np.uint64).max, np.uint64)
    )

    def add(
        self,
        batch: pa.RecordBatch,
        clusters: pa.RecordBatch | None,
        *,
        tokens: Integers,
        sizes_in_bytes: Integers,
    ) -> None:
        """Add rows of ``scored/``.

        Args:
            batch: The rows.
            clusters: The same rows of ``clusters/``, or None where duplicates were not sought.
            tokens: The length of each document.
            sizes_in_bytes: The same in bytes of UTF-8.
        """
        numeric = [column.name for column in batch.schema if is_numeric(column)]
        limit = min(MOST_ROWS, MOST_VALUES // max(len(numeric), 1))
        self.limit = min(self.limit or limit, limit)
        count = batch.num_rows
        earlier = np.zeros(count, np.bool_)
        size, rank = np.ones(count, np.int64), np.zeros(count, np.int64)
        if clusters is not None:
            earlier = pc.equal(clusters["reason"], EARLIER).fill_null(False).to_numpy(False)
            # What an earlier corpus has is never kept, so each such document stands for itself.
            size = np.where(earlier, 1, clusters["size"].to_numpy(False).astype(np.int64))
            rank = np.where(size > 1, clusters["rank"].to_numpy(False).astype(np.int64), 0)
        stratum = stratum_of(tokens, size)
        first, held = rank == 0, is_held(rank, size)
        columns = (np.ones(count, np.int64), first, first * tokens, first * sizes_in_bytes, held)
        np.add.at(self.counts, stratum, np.column_stack(columns))
        hashes = _hashes(batch["id"], size, clusters)
        picked = np.flatnonzero(held & (hashes <= self._last[stratum]))
        if not len(picked):
            return
        taken = batch.take(pa.array(picked))
        signals = {name: _float32(taken[name]) for name in numeric}
        fixed = (
            stratum[picked],
            hashes[picked],
            rank[picked].astype(np.int32),
            size[picked].astype(np.int32),
            earlier[picked],
            tokens[picked],
            sizes_in_bytes[picked],
            taken["id"],
            taken["source"],
            pc.utf8_slice_codeunits(taken["url"].cast(pa.string()), 0, URL_CHARACTERS),
            pc.utf8_slice_codeunits(taken["text"], 0, EXCERPT_CHARACTERS),
            taken[LANGUAGE]
            if LANGUAGE in batch.schema.names
            else pa.nulls(len(picked), pa.string()),
        )
        self._held.append(pa.table(dict(zip(_FIXED, fixed, strict=True)) | signals))
        self._pending += len(picked)
        if self._pending > self.limit:
            self._cut()

    def merge(self, other: "Sample") -> None:
        """Add every row that ``other`` was given."""
        self.counts += other.counts
        self.limit = min(self.limit or other.limit, other.limit or self.limit)
        self._last = np.minimum(self._last, other._last)
        self._held += other._held
        self._cut()

    def table(self) -> pa.Table | None:
        """Return the rows: by stratum, hash and rank, so that a cluster stands together."""
        self._cut()
        return self._held[0] if self._held else None

    def fit(self, most_bytes: int) -> None:
        """Take so few rows that the packed values of the signals are about ``most_bytes``.

        The size is that of each of a column's four bytes by the entropy of its values, which a
        packer comes near to; unlike a packer's, it is the same everywhere.
        """
        table = self.table()
        if table is None:
            return
        size = sum(_packed_size(table[name]) for name in signals_of(table))
        if size > most_bytes:
            self.limit = int(min(self.limit, table.num_rows) * most_bytes / size)
            self._cut()

    def hold(self, table: pa.Table | None) -> None:
        """Take the rows of a sample that was stored: its :meth:`table`."""
        self._held = [] if table is None else [table]

    def _cut(self) -> None:
        self._pending = 0
        if not self._held:
            return
        table = pa.concat_tables(self._held, promote_options="default")
        stratum, hashes, rank = (table[name].to_numpy() for name in ("stratum", "hash", "rank"))
        # A part has dropped what is above its last hash, so that another part's rows of the same
        # cluster would be a torn one.
        whole = hashes <= self._last[stratum]
        if not whole.all():
            table = table.filter(pa.array(whole))
            stratum, hashes, rank = stratum[whole], hashes[whole], rank[whole]
        order = np.lexsort((rank, hashes, stratum))
        space = room(self.counts[:, COUNTS.index("rows")], self.limit)
        kept = []
        starts = np.searchsorted(stratum[order], np.arange(STRATA + 1))
        for number in range(STRATA):
            rows = order[starts[number] : starts[number + 1]]
            in_order = hashes[rows]
            # A cluster is held whole or not at all.
            ends = np.searchsorted(in_order, in_order, side="right")
            within = rows[ends <= space[number]]
            kept.append(within)
            if len(within) < len(rows):
                last = hashes[within[-1]] if len(within) else np.uint64(0)
                self._last[number] = min(self._last[number], last)
        self._held = [table.take(pa.array(np.concatenate(kept))).combine_chunks()]


StoredSample = Annotated[
    Sample,
    PlainValidator(
        lambda told: Sample(counts=np.array(told["counts"], np.int64), limit=told["limit"])
    ),
    PlainSerializer(lambda held: {"counts": held.counts.tolist(), "limit": held.limit}),
]
"""A sample of which the JSON of a summary holds all but the rows."""


def is_numeric(column: pa.Field) -> bool:
    """Tell whether a column of ``scored/`` is a signal that a rule can bound."""
    kind = column.type
    return "." in column.name and (
        pa.types.is_boolean(kind) or pa.types.is_integer(kind) or pa.types.is_floating(kind)
    )


def signals_of(table: pa.Table) -> list[str]:
    """Return the names of the numeric signals in the table of a sample."""
    return [name for name in table.column_names if name not in _FIXED]


def places(values: pa.ChunkedArray, names: Sequence[str]) -> Integers:
    """Return the place of each value among ``names``, the last for what is not there.

    >>> places(pa.chunked_array([["de", "en", "fr"]]), ["en", "de", "all others"]).tolist()
    [1, 0, 2]
    """
    numbers = {name: number for number, name in enumerate(names)}
    return np.array([numbers.get(of, len(names) - 1) for of in values.to_pylist()], np.int64)


def _packed_size(column: pa.ChunkedArray) -> float:
    values = np.ascontiguousarray(column.to_numpy().astype("<f4"))
    size = 0.0
    for plane in values.view(np.uint8).reshape(-1, 4).T:
        counts = np.bincount(plane, minlength=256)
        shares = counts[counts > 0] / len(plane)
        size -= len(plane) * float((shares * np.log2(shares)).sum()) / 8
    return size


def _float32(column: pa.Array) -> pa.Array:
    values = column.cast(pa.float64(), safe=False).to_numpy(zero_copy_only=False)
    with np.errstate(over="ignore"):
        narrow = values.astype(np.float32)
    return pa.array(narrow, from_pandas=False, mask=~np.isfinite(values))


def _hashes(
    ids: pa.Array, sizes: Integers, clusters: pa.RecordBatch | None
) -> npt.NDArray[np.uint64]:
    keys: Iterable[bytes] = (name.encode() for name in ids.to_pylist())
    if clusters is not None:
        names = clusters["cluster"].to_pylist()
        keys = (
            key if size == 1 else name.to_bytes(8, "little", signed=True)
            for key, size, name in zip(keys, sizes.tolist(), names, strict=True)
        )
    return np.fromiter((xxhash.xxh3_64_intdigest(key) for key in keys), np.uint64, len(ids))
