"""Reads a decomposed corpus for training: batches by curriculum, the same after every resumption.

Everything that decides the stream is a function of the seed and the corpus, so the state is one
number, the steps that are done, and any process can go on from it.
"""

import hashlib
import json
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq
from pyarrow import fs

from training.curricula import Curriculum

_WINDOW_ROW_GROUPS = 8


@dataclass(frozen=True, slots=True)
class RowGroup:
    """A row group of a shard: the path, its number there and its rows."""

    path: str
    number: int
    rows: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Bucket:
    """The sequences of one length.

    Attributes:
        bucket: Its name, a power of two.
        size: Tokens of a sequence, one more than the bucket where each holds a target token.
        row_groups: Where the sequences are.
    """

    bucket: int
    size: int
    row_groups: tuple[RowGroup, ...]

    @property
    def sequences(self) -> int:
        """How many sequences it has."""
        return sum(group.rows for group in self.row_groups)

    @property
    def tokens(self) -> int:
        """How many tokens they have."""
        return self.sequences * self.bucket


def read_buckets(corpus: str) -> list[Bucket]:
    """List the buckets of a decomposed corpus, the shortest first.

    Args:
        corpus: The folder of ``bucket=256``, ``bucket=512``, …: local, or ``s3://``, ``gs://``,
            ``hdfs://``.

    Raises:
        ValueError: There are none, or a shard holds no sequences.
    """
    system, folder = _file_system(corpus)
    found: dict[int, list[RowGroup]] = {}
    sizes: dict[int, int] = {}
    selector = fs.FileSelector(folder, recursive=True, allow_not_found=True)
    paths = [info.path for info in system.get_file_info(selector) if info.is_file]
    for path in sorted(path for path in paths if path.endswith(".parquet")):
        name = path.rpartition("/")[0].rpartition("/")[2]
        if not name.startswith("bucket="):
            continue
        bucket = int(name.removeprefix("bucket="))
        with system.open_input_file(path) as file:
            parquet = pq.ParquetFile(file)
            columns = parquet.schema_arrow
            if "input_ids" not in columns.names:
                raise ValueError(
                    f"{path}: no column `input_ids`; a reader for training needs a corpus of"
                    " sequences (`buckets.decompose` in the recipe)"
                )
            sizes[bucket] = columns.field("input_ids").type.list_size
            found.setdefault(bucket, []).extend(
                RowGroup(path, number, parquet.metadata.row_group(number).num_rows)
                for number in range(parquet.metadata.num_row_groups)
            )
    if not found:
        raise ValueError(f"{corpus}: no bucket=… with Parquet shards in this folder")
    return [
        Bucket(bucket=bucket, size=sizes[bucket], row_groups=tuple(groups))
        for bucket, groups in sorted(found.items())
    ]


def _file_system(path: str) -> tuple[fs.FileSystem, str]:
    if "://" not in path:
        return fs.LocalFileSystem(), path
    system, folder = fs.FileSystem.from_uri(path)
    return system, folder


@dataclass(frozen=True, slots=True)
class Batch:
    """What one rank trains on in one step.

    Attributes:
        step: The step, from 0, over all epochs.
        bucket: The bucket of its sequences.
        input_ids: Their tokens, int64, one row a sequence.
        document: For each sequence the id of its document.
        offset: For each sequence the token of its document where it begins.
    """

    step: int
    bucket: int
    input_ids: npt.NDArray[np.int64]
    document: list[str]
    offset: npt.NDArray[np.int64]


class SequenceReader:
    """An iterable of batches over a decomposed corpus.

    A step is one batch of one bucket, cut into equal parts for the ranks: together they train on
    ``tokens_per_step`` tokens, whatever the bucket. Steps go round the workers of a rank, so a
    loader that asks its workers in turn, as PyTorch's does, gets them in their order. A worker
    opens some row groups of each bucket at a time and mixes their sequences; the row groups of the
    whole bucket come in an order that each epoch draws anew.

    Args:
        corpus: The folder of the buckets.
        tokens_per_step: Tokens of all ranks in a step; a multiple of the longest bucket times the
            number of ranks.
        curriculum: Which buckets come when.
        epochs: How often the corpus is read.
        seed: Of all orders.
        rank: This process among ``ranks``, from 0.
        ranks: How many processes train together.
        drop_last: Whether the sequences of a bucket that fill no batch are left out of an epoch,
            so that every step has its tokens. If not, they come as a smaller batch, which gives
            some ranks fewer sequences than others, or none.
        window: Row groups of a bucket whose sequences are mixed.

    Raises:
        ValueError: An argument is out of range, or the folder holds no sequences.
    """

    def __init__(
        self,
        corpus: str,
        *,
        tokens_per_step: int,
        curriculum: Curriculum | None = None,
        epochs: int = 1,
        seed: int = 0,
        rank: int = 0,
        ranks: int = 1,
        drop_last: bool = True,
        window: int = _WINDOW_ROW_GROUPS,
    ) -> None:
        if not 0 <= rank < ranks:
            raise ValueError(f"rank {rank} is none of {ranks} ranks, which count from 0")
        if epochs < 1 or window < 1:
            raise ValueError(f"epochs and window must be 1 or more, not {epochs} and {window}")
        self.corpus = corpus
        self.buckets = read_buckets(corpus)
        self.tokens_per_step = tokens_per_step
        self.curriculum = curriculum or Curriculum()
        self.epochs = epochs
        self.seed = seed
        self.rank = rank
        self.ranks = ranks
        self.drop_last = drop_last
        self.window = window
        check_step(self.buckets, tokens_per_step=tokens_per_step, ranks=ranks)
        self._start = 0
        self._workers = 1

    @cached_property
    def batches(self) -> dict[int, int]:
        """How many batches each bucket has in an epoch."""
        return batch_counts(
            self.buckets, tokens_per_step=self.tokens_per_step, drop_last=self.drop_last
        )

    @property
    def steps_per_epoch(self) -> int:
        """How many steps an epoch has."""
        return sum(self.batches.values())

    def __len__(self) -> int:
        """Return how many batches this rank gets in all."""
        return self.steps_per_epoch * self.epochs

    @cached_property
    def _fingerprint(self) -> str:
        content = {
            "buckets": {b.bucket: [group.rows for group in b.row_groups] for b in self.buckets},
            "settings": [self.tokens_per_step, self.seed, self.drop_last, self.window],
            "curriculum": [
                self.curriculum.name,
                self.curriculum.cycles,
                sorted(self.curriculum.custom_odds.items()),
            ],
        }
        return hashlib.blake2b(json.dumps(content).encode(), digest_size=8).hexdigest()

    def state_dict(self) -> dict[str, Any]:
        """Return where the stream is: what :meth:`load_state_dict` of another process takes.

        In a worker of a loader it tells of that worker alone. Whoever trains may write the state
        down without asking: ``{"step": n}`` with the number of steps that are done.
        """
        return {"step": self._start, "workers": self._workers, "fingerprint": self._fingerprint}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from a state, with any number of ranks' workers.

        Raises:
            ValueError: The state is of another corpus, curriculum, seed or step size.
        """
        if state.get("fingerprint", self._fingerprint) != self._fingerprint:
            raise ValueError(
                "the state is of another stream: the corpus, the curriculum, the seed, the window"
                " or the tokens of a step have changed since it was saved"
            )
        self._start = int(state["step"])
        self._workers = int(state.get("workers", 1))

    def __iter__(self) -> Iterator[Batch]:
        """Yield the batches of this rank, or in a worker of a loader every n-th of them."""
        worker, workers = _worker()
        step = self._start
        if workers != self._workers:
            step += worker
        self._workers = workers
        epoch, schedule = -1, _Schedule.empty()
        streams: dict[int, _BucketStream] = {}
        while step < len(self):
            if step // self.steps_per_epoch != epoch:
                epoch = step // self.steps_per_epoch
                order = self.curriculum.order(self.batches, seed=self.seed, epoch=epoch)
                schedule = _Schedule.of(order)
                streams = {
                    bucket.bucket: _BucketStream(self.corpus, bucket, self, epoch)
                    for bucket in self.buckets
                }
            bucket, number = schedule.batch(step - epoch * self.steps_per_epoch)
            batch = streams[bucket].batch(number, step)
            self._start = step + workers
            step += workers
            if batch is not None:
                yield batch
        # Whoever iterates again begins again.
        self._start = 0


@dataclass(frozen=True, slots=True)
class _Schedule:
    """The bucket of each step of an epoch, and which of its batches that is."""

    buckets: npt.NDArray[np.int64]
    numbers: npt.NDArray[np.int64]

    @classmethod
    def of(cls, order: npt.NDArray[np.int64]) -> "_Schedule":
        numbers = np.empty(len(order), np.int64)
        for bucket in np.unique(order):
            here = order == bucket
            numbers[here] = np.arange(here.sum())
        return cls(order, numbers)

    @classmethod
    def empty(cls) -> "_Schedule":
        return cls.of(np.empty(0, np.int64))

    def batch(self, step: int) -> tuple[int, int]:
        return int(self.buckets[step]), int(self.numbers[step])


class _BucketStream:
    """The sequences of one bucket in the order of one epoch, window by window."""

    def __init__(self, corpus: str, bucket: Bucket, reader: SequenceReader, epoch: int) -> None:
        self._corpus = corpus
        self._bucket = bucket
        self._reader = reader
        self._seeds = [reader.seed, epoch, bucket.bucket]
        order = np.random.default_rng(self._seeds).permutation(len(bucket.row_groups))
        groups = [bucket.row_groups[place] for place in order]
        self._windows = [
            groups[start : start + reader.window] for start in range(0, len(groups), reader.window)
        ]
        rows = [sum(group.rows for group in window) for window in self._windows]
        self._starts = np.concatenate([[0], np.cumsum(rows)])
        self._loaded: tuple[int, _Window] | None = None

    def batch(self, number: int, step: int) -> Batch | None:
        """Return this rank's part of a batch, or None if a smaller batch has none for it."""
        whole = self._reader.tokens_per_step // self._bucket.bucket
        first = number * whole
        last = min(first + whole, self._bucket.sequences)
        start, end = (
            first + (last - first) * rank // self._reader.ranks
            for rank in (self._reader.rank, self._reader.rank + 1)
        )
        if start == end:
            return None
        parts = list(self._parts(start, end))
        return Batch(
            step=step,
            bucket=self._bucket.bucket,
            input_ids=np.concatenate([part.ids for part in parts], dtype=np.int64),
            document=[name for part in parts for name in part.documents.to_pylist()],
            offset=np.concatenate([part.offsets for part in parts]),
        )

    def _parts(self, start: int, end: int) -> Iterator["_Window"]:
        while start < end:
            number = int(np.searchsorted(self._starts, start, "right")) - 1
            stop = min(end, int(self._starts[number + 1]))
            before = int(self._starts[number])
            yield self._window(number).rows(slice(start - before, stop - before))
            start = stop

    def _window(self, number: int) -> "_Window":
        if self._loaded is None or self._loaded[0] != number:
            self._loaded = None  # its memory goes to the next
            self._loaded = (number, self._load(number))
        return self._loaded[1]

    def _load(self, number: int) -> "_Window":
        system, _ = _file_system(self._corpus)
        tables = []
        for group in self._windows[number]:
            with system.open_input_file(group.path) as file:
                tables.append(pq.ParquetFile(file).read_row_group(group.number))
        table = pa.concat_tables(tables).combine_chunks()
        order = np.random.default_rng([*self._seeds, number]).permutation(len(table))
        ids = table["input_ids"].combine_chunks().flatten().to_numpy()
        return _Window(
            ids.reshape(-1, self._bucket.size)[order],
            table["document"].combine_chunks().take(pa.array(order)),
            table["offset"].to_numpy()[order],
        )


@dataclass(frozen=True, slots=True)
class _Window:
    """Sequences in memory, mixed: their tokens, their documents and where they begin there."""

    ids: npt.NDArray[np.unsignedinteger]
    documents: pa.Array
    offsets: npt.NDArray[np.int64]

    def rows(self, rows: slice) -> "_Window":
        length = rows.stop - rows.start
        documents = self.documents.slice(rows.start, length)
        return _Window(self.ids[rows], documents, self.offsets[rows])


def batch_counts(buckets: list[Bucket], *, tokens_per_step: int, drop_last: bool) -> dict[int, int]:
    """Return how many batches each bucket has."""
    counts = {}
    for bucket in buckets:
        batch = tokens_per_step // bucket.bucket
        counts[bucket.bucket] = bucket.sequences // batch
        if not drop_last and bucket.sequences % batch:
            counts[bucket.bucket] += 1
    return counts


def check_step(buckets: list[Bucket], *, tokens_per_step: int, ranks: int) -> None:
    """Check that a step can be cut into equal parts of whole sequences.

    Raises:
        ValueError: It can't.
    """
    smallest = buckets[-1].bucket * ranks
    if tokens_per_step < 1 or tokens_per_step % smallest:
        raise ValueError(
            f"tokens_per_step must be a multiple of {smallest:,}, a sequence of"
            f" {buckets[-1].bucket:,} tokens for each of {ranks} ranks, not {tokens_per_step:,}"
        )


def _worker() -> tuple[int, int]:
    """Return the number of this loader's worker and how many there are.

    PyTorch is asked only if it is there already: without it there are no such workers.
    """
    torch_data = sys.modules.get("torch.utils.data")
    info = torch_data.get_worker_info() if torch_data is not None else None
    return (0, 1) if info is None else (info.id, info.num_workers)
