"""Who stands for a cluster in the corpus: its best document that passes the rules.

Were a cluster's place tied to the keeper that `dedup` named, a rule that this one document fails
would lose all its copies too.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import apache_beam as beam
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from filters.rules import LANGUAGE, Rule, evaluate
from pipelines import storage
from pipelines.dedup import EARLIER, ScoredFile

_PARTITIONS = 16
_FAILED = 1 << 32

RowsOfFile = tuple[int, npt.NDArray[np.int64]]
"""The number of a file and some of its rows."""

_Passing = tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], npt.NDArray[np.int64]]


class BestPassing(beam.PTransform[Any, Any]):
    """Give, of a PCollection of :class:`ScoredFile`, the rows that stand for their clusters.

    Documents that are alone stand for themselves and are not among them.

    Args:
        output: The run's output folder.
        rules: The rules in force.
    """

    def __init__(self, *, output: str, rules: Sequence[Rule]) -> None:
        super().__init__()
        self._output = output
        self._rules = rules

    def expand(self, files: Any) -> Any:
        """Build the graph: who passes, by cluster; the best of each."""
        return (
            files
            | "Passing" >> beam.FlatMap(_passing, output=self._output, rules=self._rules)
            | "By cluster" >> beam.GroupByKey()
            | "Best passing" >> beam.FlatMap(_winners)
        )


def _passing(
    file: ScoredFile, *, output: str, rules: Sequence[Rule]
) -> Iterator[tuple[int, tuple[int, _Passing]]]:
    """Yield the documents that have duplicates, by cluster, and which of them pass the rules."""
    with storage.open_stored(file.path(output, "clusters")) as stored:
        clusters = pq.ParquetFile(stored).read(columns=["cluster", "size", "rank", "reason"])
    # A cluster of which an earlier corpus has a document has its place there.
    shared = (clusters["size"].to_numpy() > 1) & ~_in_earlier_corpus(clusters)
    if not shared.any():
        return
    columns = list(dict.fromkeys([LANGUAGE, *(rule.signal for rule in rules)]))
    with storage.open_stored(file.path(output)) as stored:
        batches = pq.ParquetFile(stored).iter_batches(columns=columns)
        passed = [evaluate(rules, batch).passed for batch in batches]
    rows = np.flatnonzero(shared)
    cluster = clusters["cluster"].to_numpy()[rows]
    # Whoever passes the rules comes before whoever does not.
    rank = clusters["rank"].to_numpy()[rows].astype(np.int64)
    rank += np.where(np.concatenate(passed)[rows], 0, _FAILED)
    for partition in range(_PARTITIONS):
        here = cluster % _PARTITIONS == partition
        if here.any():
            yield partition, (file.number, (cluster[here], rank[here], rows[here]))


def _in_earlier_corpus(clusters: pa.Table) -> npt.NDArray[np.bool_]:
    earlier = pc.equal(clusters["reason"], EARLIER).fill_null(False)
    return np.asarray(earlier.to_numpy(), dtype=np.bool_)


def _winners(group: tuple[int, Iterable[tuple[int, _Passing]]]) -> Iterator[RowsOfFile]:
    blocks = list(group[1])
    numbers = np.concatenate([np.full(len(block[0]), number) for number, block in blocks])
    cluster, rank, rows = (
        np.concatenate([block[column] for _, block in blocks]) for column in range(3)
    )
    order = np.lexsort((rank, cluster))
    ordered = cluster[order]
    first = order[np.concatenate(([True], ordered[1:] != ordered[:-1]))]
    for number in np.unique(numbers[first]):
        yield int(number), rows[first[numbers[first] == number]]


@dataclass(frozen=True, slots=True)
class StandIns:
    """The clusters of one file's rows, and which rows stand for theirs.

    A cluster's stand-in is its best document that passes the rules, or its best if none does.

    Attributes:
        clusters: The cluster of each row.
        stands: Whether each row stands for its cluster.
        reasons: Why each row is not the keeper of its cluster; None for the keeper.
    """

    clusters: npt.NDArray[np.int64]
    stands: npt.NDArray[np.bool_]
    reasons: npt.NDArray[np.object_]

    @classmethod
    def read(cls, file: ScoredFile, output: str, winners: Iterable[RowsOfFile]) -> "StandIns":
        """Read the clusters of a file.

        Args:
            file: The file.
            output: The run's output folder.
            winners: What :class:`BestPassing` gave, of this and maybe other files.
        """
        with storage.open_stored(file.path(output, "clusters")) as stored:
            table = pq.ParquetFile(stored).read(columns=["cluster", "size", "reason"])
        stands = table["size"].to_numpy() == 1
        for number, rows in winners:
            if number == file.number:
                stands[rows] = True
        return cls(
            clusters=table["cluster"].to_numpy(),
            stands=stands,
            reasons=np.array(table["reason"].to_pylist(), dtype=object),
        )

    def slice(self, rows: slice) -> "StandIns":
        """Return the clusters of some rows."""
        return StandIns(self.clusters[rows], self.stands[rows], self.reasons[rows])
