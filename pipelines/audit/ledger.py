"""Tells in bounded memory whether collections of ids are the same, and which id is the odd one."""

import threading
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from filters.minhash import mixed

_PARTITIONS = 1 << 16
_SHIFT = np.uint64(48)

Numbers = npt.NDArray[np.uint64]
Weights = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Entries:
    """The entries of one file.

    Attributes:
        path: The file.
        read: Yields the ids as two numbers each, of shape (n, 2), and what each of them counts:
            positive where it is owed, negative where it is found.
    """

    path: str
    read: Callable[[], Iterator[tuple[Numbers, Weights]]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Uneven:
    """An id whose entries do not add up to nothing.

    Attributes:
        first: The first half of the id.
        second: The second half.
        counts: What each file counts for it.
    """

    first: int
    second: int
    counts: dict[str, int]

    @property
    def document(self) -> str:
        """The id as 32 hexadecimal digits."""
        return f"{self.first:016x}{self.second:016x}"


class _Sums:
    """For each partition of the ids the sum of their hashes: 1 MB, however many there are."""

    def __init__(self) -> None:
        self._sums = np.zeros((_PARTITIONS, 2), np.uint64)
        self._lock = threading.Lock()

    def add(self, numbers: Numbers, weights: Weights) -> None:
        hashes = mixed(numbers[:, 0] + mixed(numbers[:, 1] + np.uint64(1)))
        # Weights below zero are added as what they are modulo 2^64.
        signed = weights.astype(np.uint64)
        of_rows = np.stack((hashes * signed, signed), axis=1)
        with self._lock:
            np.add.at(self._sums, numbers[:, 0] >> _SHIFT, of_rows)

    def first_uneven(self) -> int | None:
        uneven = np.flatnonzero(self._sums.any(axis=1))
        return int(uneven[0]) if uneven.size else None


def first_uneven(files: Sequence[Entries], *, threads: int) -> Uneven | None:
    """Return the first id, by its partition, that is owed more or less often than it is found.

    Ids are summed as hashes by their first 16 bits. Only the ids of a partition whose sum is not
    zero are then looked at one by one: memory is 1 MB and 1/65,536 of all ids. Two collections that
    differ are taken for the same once in 2⁶⁴.

    Args:
        files: Where the entries are.
        threads: How many files are read at a time.
    """
    sums = _Sums()

    def count(file: Entries) -> None:
        for numbers, weights in file.read():
            sums.add(numbers, weights)

    with ThreadPoolExecutor(threads) as pool:
        for _ in pool.map(count, files):
            pass
    partition = sums.first_uneven()
    return None if partition is None else _odd_one(files, partition)


def _odd_one(files: Iterable[Entries], partition: int) -> Uneven | None:
    counts: dict[tuple[int, int], Counter[str]] = {}
    for file in files:
        for numbers, weights in file.read():
            here = np.flatnonzero(numbers[:, 0] >> _SHIFT == np.uint64(partition))
            for (first, second), weight in zip(
                numbers[here].tolist(), weights[here].tolist(), strict=True
            ):
                counts.setdefault((first, second), Counter())[file.path] += weight
    uneven = [key for key, of_key in counts.items() if of_key.total()]
    if not uneven:
        return None
    first, second = min(uneven)
    return Uneven(first=first, second=second, counts=dict(counts[first, second]))
