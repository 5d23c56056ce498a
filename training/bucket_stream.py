"""The sequences of one bucket in the order of one epoch, a few row groups in memory at a time."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from training.buckets import Bucket, file_system


@dataclass(frozen=True, slots=True)
class Sequences:
    """Sequences in memory.

    Attributes:
        ids: Their tokens, a row a sequence.
        documents: For each the id of its document.
        offsets: For each the token of its document where it begins.
    """

    ids: npt.NDArray[np.unsignedinteger]
    documents: pa.Array
    offsets: npt.NDArray[np.int64]

    def part(self, start: int, end: int) -> "Sequences":
        """Return a copy of the sequences from ``start`` to before ``end``."""
        documents = self.documents.take(pa.array(np.arange(start, end)))
        return Sequences(self.ids[start:end].copy(), documents, self.offsets[start:end].copy())


class BucketStream:
    """The sequences of one bucket in the order of one epoch, window by window.

    All windows have their tokens in the same place in memory, one after another, so that a long
    epoch needs no more of it than a short one.
    """

    def __init__(self, corpus: str, bucket: Bucket, *, seed: int, epoch: int, window: int) -> None:
        self._system, _ = file_system(corpus)
        self._bucket = bucket
        self._seeds = [seed, epoch, bucket.bucket]
        order = np.random.default_rng(self._seeds).permutation(len(bucket.row_groups))
        groups = [bucket.row_groups[place] for place in order]
        self._windows = [groups[start : start + window] for start in range(0, len(groups), window)]
        rows = [sum(group.rows for group in window) for window in self._windows]
        self._starts = np.concatenate([[0], np.cumsum(rows)])
        self._most_rows = max(rows, default=0)
        self._ids: npt.NDArray[np.unsignedinteger] | None = None
        self._loaded: tuple[int, Sequences] | None = None

    def rows(self, start: int, end: int) -> Sequences:
        """Return the sequences from ``start`` to before ``end`` of the epoch's order."""
        parts = list(self._parts(start, end))
        return Sequences(
            np.concatenate([part.ids for part in parts]),
            pa.concat_arrays([part.documents for part in parts]),
            np.concatenate([part.offsets for part in parts]),
        )

    def _parts(self, start: int, end: int) -> Iterator[Sequences]:
        while start < end:
            number = int(np.searchsorted(self._starts, start, "right")) - 1
            stop = min(end, int(self._starts[number + 1]))
            before = int(self._starts[number])
            yield self._window(number).part(start - before, stop - before)
            start = stop

    def _window(self, number: int) -> Sequences:
        if self._loaded is None or self._loaded[0] != number:
            self._loaded = None  # its tokens are about to be overwritten
            self._loaded = (number, self._load(number))
        return self._loaded[1]

    def _load(self, number: int) -> Sequences:
        groups = self._windows[number]
        rows = sum(group.rows for group in groups)
        order = np.random.default_rng([*self._seeds, number]).permutation(rows)
        place = np.empty_like(order)
        place[order] = np.arange(rows)
        documents, offsets = [], []
        start = 0
        for group in groups:
            with self._system.open_input_file(group.path) as file:
                table = pq.ParquetFile(file).read_row_group(group.number, use_threads=False)
            flat = table["input_ids"].combine_chunks().flatten().to_numpy()
            if self._ids is None:
                self._ids = np.empty((self._most_rows, self._bucket.size), flat.dtype)
            # Each row group goes to its places before the next is read: tokens are held once.
            self._ids[place[start : start + group.rows]] = flat.reshape(-1, self._bucket.size)
            documents += table["document"].chunks
            offsets.append(table["offset"].to_numpy())
            start += group.rows
        assert self._ids is not None  # noqa: S101 - a window has a row group
        return Sequences(
            self._ids[:rows],
            pa.concat_arrays(documents).take(pa.array(order)),
            np.concatenate(offsets)[order],
        )
