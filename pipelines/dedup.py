"""The `dedup` stage: signatures in; the cluster, rank and keeper of every document out.

Only hashes and ids cross the network, in columnar blocks: band hashes to partitions, reduced
edges to one place, then the members of clusters to where they are ranked. A document's index is
(file, row), so each scored file gets its own slice of the clusters, row by row.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, cast

import apache_beam as beam
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from filters.clustering import (
    Edges,
    Indices,
    candidate_edges,
    components,
    distinct,
    rank_in_clusters,
)
from filters.minhash import band_hashes
from pipelines import schema, storage
from pipelines.counters import Counters
from pipelines.manifest import ShardRecord, StageRecords
from pipelines.recipe import Dedup
from pipelines.shard_files import ParquetFile

STAGE = "dedup"
DUPLICATE = "near_duplicate"
_ROW_BITS = np.uint64(32)
_ROW_MASK = np.uint64(0xFFFFFFFF)
_BATCH_ROWS = 16_384


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoredFile:
    """A file of ``scored/`` in a stage that reads it.

    Attributes:
        number: Its place among the scored files, the upper half of a document's index.
        name: The name of its shard.
        checksum: Its checksum, which says whether a result for it is up to date.
        bytes: Its size.
    """

    number: int
    name: str
    checksum: str
    bytes: int

    def path(self, output: str, folder: str = "scored") -> str:
        """Return the path of the file of this shard in a folder of ``output``."""
        return storage.join(output, folder, f"{self.name}.parquet")


@dataclass(frozen=True, slots=True, kw_only=True)
class Members:
    """Documents of clusters with more than one document, as columns."""

    documents: Indices
    clusters: Indices
    priorities: npt.NDArray[np.float64]
    ids: npt.NDArray[np.bytes_]

    @classmethod
    def together(cls, blocks: Iterable["Members"]) -> "Members":
        """Put blocks one after another."""
        held = list(blocks)
        return cls(
            documents=np.concatenate([block.documents for block in held]),
            clusters=np.concatenate([block.clusters for block in held]),
            priorities=np.concatenate([block.priorities for block in held]),
            ids=np.concatenate([block.ids for block in held]),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Slice:
    """What is known of some rows of one scored file: columns of equal length."""

    rows: npt.NDArray[np.int64]
    cluster: npt.NDArray[np.int64]
    size: npt.NDArray[np.int32]
    rank: npt.NDArray[np.int32]


class FindClusters(beam.PTransform[Any, Any]):
    """Cluster the documents of a PCollection of :class:`ScoredFile`; gives the shards' records.

    Args:
        output: The run's output folder.
        settings: The recipe's ``dedup`` section.
        fingerprint: Of the scores and the settings; the records carry it.
    """

    def __init__(self, *, output: str, settings: Dedup, fingerprint: str) -> None:
        super().__init__()
        self._output = output
        self._settings = settings
        self._fingerprint = fingerprint

    def expand(self, files: Any) -> Any:
        """Build the graph: bands, edges, components, ranks, files."""
        settings = self._settings
        files = files | "Spread files" >> beam.Reshuffle()
        slices = (
            files
            | "Bands" >> beam.FlatMap(_band_blocks, output=self._output, settings=settings)
            | "By partition" >> beam.GroupByKey()
            | "Candidate edges" >> beam.FlatMap(_edges_of_partition)
            | "To one place" >> beam.GroupByKey()
            | "Components" >> beam.FlatMap(_components)
        )
        keyed = files | "By number" >> beam.Map(by_number)
        members = (
            {"file": keyed, "labels": slices}
            | "Files with labels" >> beam.CoGroupByKey()
            | "Members" >> beam.FlatMap(_members, output=self._output, settings=settings)
            | "By cluster" >> beam.GroupByKey()
            | "Ranks" >> beam.FlatMap(_ranks)
        )
        return (
            {"file": keyed, "slices": members}
            | "Files with ranks" >> beam.CoGroupByKey()
            | "Write" >> beam.Map(_write, output=self._output, fingerprint=self._fingerprint)
        )


def by_number(file: ScoredFile) -> tuple[int, ScoredFile]:
    """Return a scored file under its number, by which results about its rows come back to it."""
    return file.number, file


def _index(number: int, rows: npt.NDArray[Any]) -> Indices:
    return cast(Indices, (np.uint64(number) << _ROW_BITS) | rows.astype(np.uint64))


def _split(
    documents: Indices,
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    return (documents >> _ROW_BITS).astype(np.int64), (documents & _ROW_MASK).astype(np.int64)


def _groups(keys: npt.NDArray[np.int64]) -> Iterator[tuple[int, npt.NDArray[np.int64]]]:
    """Yield each distinct key with the positions where it stands."""
    if not len(keys):
        return
    order = np.argsort(keys, kind="stable")
    values, starts = np.unique(keys[order], return_index=True)
    for value, positions in zip(values, np.split(order, starts[1:]), strict=True):
        yield int(value), positions


def _band_blocks(
    file: ScoredFile, *, output: str, settings: Dedup
) -> Iterator[tuple[int, tuple[Indices, Indices]]]:
    width = settings.bands * settings.rows
    with storage.open_stored(file.path(output)) as stored:
        first_row = 0
        parquet = pq.ParquetFile(stored)
        for batch in parquet.iter_batches(batch_size=_BATCH_ROWS, columns=[schema.SIGNATURE]):
            column = batch.column(0)
            present = np.flatnonzero(column.is_valid().to_numpy(zero_copy_only=False))
            held = b"".join(column.drop_null().to_pylist())
            signatures = np.frombuffer(held, dtype="<u8").reshape(-1, width)
            documents = _index(file.number, first_row + present)
            first_row += batch.num_rows
            hashes = band_hashes(signatures, bands=settings.bands, rows=settings.rows)
            hashes = np.ascontiguousarray(hashes).ravel()
            owners = np.repeat(documents, settings.bands)
            partitions = (hashes % np.uint64(settings.partitions)).astype(np.int64)
            for partition, at in _groups(partitions):
                yield partition, (hashes[at], owners[at])


def _edges_of_partition(
    group: tuple[int, Iterable[tuple[Indices, Indices]]],
) -> Iterator[tuple[None, Edges]]:
    blocks = list(group[1])
    edges = candidate_edges(
        np.concatenate([hashes for hashes, _ in blocks]),
        np.concatenate([documents for _, documents in blocks]),
    )
    if len(edges):
        yield None, edges


def _components(group: tuple[None, Iterable[Edges]]) -> Iterator[tuple[int, Any]]:
    documents, roots = components(distinct(np.concatenate(list(group[1]))))
    numbers, rows = _split(documents)
    for number, at in _groups(numbers):
        yield number, (rows[at], roots[at])


def _members(
    group: tuple[int, dict[str, Any]], *, output: str, settings: Dedup
) -> Iterator[tuple[int, Members]]:
    number, joined = group
    labels = list(joined["labels"])
    if not labels:
        return
    [file] = joined["file"]
    rows = np.concatenate([rows for rows, _ in labels])
    roots = np.concatenate([roots for _, roots in labels])
    with storage.open_stored(file.path(output)) as stored:
        parquet = pq.ParquetFile(stored)
        known = set(parquet.schema_arrow.names)
        columns = [name for name in settings.prefer if name in known]
        table = parquet.read(columns=["id", *columns]).take(pa.array(rows))
    priorities = np.stack(
        [
            table[name].cast(pa.float64()).to_numpy(zero_copy_only=False).astype(np.float64)
            for name in columns
        ]
        or [np.zeros(len(rows))],
        axis=1,
    )
    members = Members(
        documents=_index(number, rows),
        clusters=roots,
        priorities=priorities,
        ids=np.array([name.encode() for name in table["id"].to_pylist()]),
    )
    partitions = (roots % np.uint64(settings.partitions)).astype(np.int64)
    for partition, at in _groups(partitions):
        yield (
            partition,
            Members(
                documents=members.documents[at],
                clusters=members.clusters[at],
                priorities=members.priorities[at],
                ids=members.ids[at],
            ),
        )


def _ranks(group: tuple[int, Iterable[Members]]) -> Iterator[tuple[int, Slice]]:
    members = Members.together(group[1])
    ranks = rank_in_clusters(members.clusters, members.priorities, members.ids)
    # A cluster is named after its keeper, so its name does not depend on the order of files.
    names = np.array([cluster_of(name.decode()) for name in members.ids], dtype=np.int64)
    numbers, rows = _split(members.documents)
    for number, at in _groups(numbers):
        yield (
            number,
            Slice(
                rows=rows[at],
                cluster=names[ranks.keeper[at]],
                size=ranks.size[at],
                rank=ranks.rank[at],
            ),
        )


def cluster_of(document: str) -> int:
    """Return the number of the cluster that a document keeps: the first half of its id.

    >>> cluster_of("00000000000000ff0000000000000000")
    255
    """
    return int.from_bytes(bytes.fromhex(document[:16]), "big", signed=True)


def _write(group: tuple[int, dict[str, Any]], *, output: str, fingerprint: str) -> ShardRecord:
    [file] = group[1]["file"]
    records = StageRecords(output, STAGE)
    records.begin(file.name)
    with storage.open_stored(file.path(output)) as stored:
        documents = pq.ParquetFile(stored).read(columns=["id"])["id"].to_pylist()
    count = len(documents)
    cluster = np.array([cluster_of(document) for document in documents], dtype=np.int64)
    size = np.ones(count, dtype=np.int32)
    rank = np.zeros(count, dtype=np.int32)
    for part in group[1]["slices"]:
        cluster[part.rows] = part.cluster
        size[part.rows] = part.size
        rank[part.rows] = part.rank
    keep = rank == 0
    reasons = [None if kept else DUPLICATE for kept in keep]
    columns = [documents, cluster, size, rank, keep, reasons]
    arrays = [
        pa.array(column, field.type) for column, field in zip(columns, schema.CLUSTERS, strict=True)
    ]
    with ParquetFile(
        output, f"clusters/{file.name}.parquet", schema.CLUSTERS, even_empty=True
    ) as written:
        written.add_batch(pa.RecordBatch.from_arrays(arrays, schema=schema.CLUSTERS))
    counters = Counters(read=count, written=int(keep.sum()))
    if not keep.all():
        counters.gated[DUPLICATE] = int((~keep).sum())
    record = ShardRecord(
        name=file.name,
        fingerprint=fingerprint,
        files=written.output_files,
        counters=counters,
        figures={"clusters": int(((rank == 0) & (size > 1)).sum())},
    )
    records.commit(record)
    return record
