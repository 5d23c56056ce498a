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

from training.bucket_stream import BucketStream
from training.buckets import batch_counts, check_step, read_buckets
from training.curricula import Curriculum

_WINDOW_ROW_GROUPS = 8


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
        streams: dict[int, BucketStream] = {}
        while step < len(self):
            if step // self.steps_per_epoch != epoch:
                epoch = step // self.steps_per_epoch
                order = self.curriculum.order(self.batches, seed=self.seed, epoch=epoch)
                schedule = _Schedule.of(order)
                streams = {
                    bucket.bucket: BucketStream(
                        self.corpus, bucket, seed=self.seed, epoch=epoch, window=self.window
                    )
                    for bucket in self.buckets
                }
            bucket, number = schedule.batch(step - epoch * self.steps_per_epoch)
            start, end = self._part(bucket, number)
            this_step, step = step, step + workers
            self._start = step
            if start < end:
                rows = streams[bucket].rows(start, end)
                yield Batch(
                    step=this_step,
                    bucket=bucket,
                    input_ids=rows.ids.astype(np.int64),
                    document=rows.documents.to_pylist(),
                    offset=rows.offsets,
                )
        # Whoever iterates again begins again.
        self._start = 0

    def _part(self, bucket: int, number: int) -> tuple[int, int]:
        """Return the sequences of this rank in a batch, by their places in the bucket's order."""
        whole = self.tokens_per_step // bucket
        first = number * whole
        count = min(whole, self._sequences[bucket] - first)
        start = first + count * self.rank // self.ranks
        return start, first + count * (self.rank + 1) // self.ranks

    @cached_property
    def _sequences(self) -> dict[int, int]:
        return {of.bucket: of.sequences for of in self.buckets}


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


def _worker() -> tuple[int, int]:
    """Return the number of this loader's worker and how many there are.

    PyTorch is asked only if it is there already: without it there are no such workers.
    """
    torch_data = sys.modules.get("torch.utils.data")
    info = torch_data.get_worker_info() if torch_data is not None else None
    return (0, 1) if info is None else (info.id, info.num_workers)
