"""The `dedup` stage: hashes in; the cluster, rank and keeper of every document out.

Only hashes and ids cross the network, in columnar blocks: keys to partitions, reduced edges to one
place or through rounds, then the members of clusters to where they are compared and ranked. A
document's index is (file, row), so each scored file gets its own slice of the clusters, row by row.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import apache_beam as beam
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq
from apache_beam.transforms.util import WaitOn

from filters.clustering import (
    Edges,
    Indices,
    best_first,
    components,
    distinct,
    rank_in_clusters,
)
from filters.exact import TEXT_HASH, URL_HASH
from filters.minhash import (
    mixed,
)
from pipelines import schema, storage
from pipelines.cluster_members import (
    Members,
    cluster_names,
    members_of,
    numbers_of,
    verified_clusters,
)
from pipelines.component_rounds import OpenPipeline, connect, read_edges
from pipelines.counters import Counters
from pipelines.manifest import ShardRecord, StageRecords
from pipelines.matching import (
    MatchedFile,
    Matching,
    Rows,
    deal,
    edges_of_partition,
    file_and_row,
    key_blocks,
    partition_of,
    read_rows,
)
from pipelines.shard_files import ParquetFile

STAGE = "dedup"
DUPLICATE = "near_duplicate"
EARLIER = "in_earlier_corpus"
_REASONS = {URL_HASH: "same_url", TEXT_HASH: "same_text"}
DUPLICATES = (DUPLICATE, *_REASONS.values(), EARLIER)
"""Why a document is not the keeper of its cluster."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoredFile:
    """A file of ``scored/`` in a stage that reads it.

    Attributes:
        number: Its place among the scored files, the upper half of a document's index.
        name: The name of its shard.
        checksum: Its checksum, which says whether a result for it is up to date.
        bytes: Its size.
        dump: The index of the recipe's ``input`` entry that its documents come from.
    """

    number: int
    name: str
    checksum: str
    bytes: int
    dump: int = 0

    @classmethod
    def listed(cls, manifest: Mapping[str, Any]) -> "list[ScoredFile]":
        """Return the files that the manifest of `score` names, in their order."""
        return [
            cls(
                number=number,
                name=shard["name"],
                checksum=shard["files"][0]["checksum"],
                bytes=shard["files"][0]["bytes"],
                dump=shard["inputs"][0]["input"],
            )
            for number, shard in enumerate(manifest["shards"])
        ]

    def path(self, output: str, folder: str = "scored") -> str:
        """Return the path of the file of this shard in a folder of ``output``."""
        return storage.join(output, folder, f"{self.name}.parquet")


@dataclass(frozen=True, slots=True, kw_only=True)
class Slice:
    """What is known of some rows of one scored file: columns of equal length."""

    rows: Rows
    cluster: npt.NDArray[np.int64]
    size: npt.NDArray[np.int32]
    rank: npt.NDArray[np.int32]
    reason: npt.NDArray[np.object_]
    similarity: npt.NDArray[np.float32]


class FindClusters(beam.PTransform[Any, Any]):
    """Cluster the documents of a PCollection of :class:`ScoredFile`; gives the shards' records.

    Args:
        output: The run's output folder.
        matching: How documents are compared.
        fingerprint: Of the scores and the settings; the records carry it.
        earlier: Files of earlier corpora.
        by_dump: Whether each dump is compared to itself alone.
    """

    def __init__(
        self,
        *,
        output: str,
        matching: Matching,
        fingerprint: str,
        earlier: Sequence[MatchedFile] = (),
        by_dump: bool = False,
    ) -> None:
        super().__init__()
        self._output = output
        self._matching = matching
        self._fingerprint = fingerprint
        self._earlier = earlier
        self._by_dump = by_dump

    def find_components(self, files: Sequence[ScoredFile], open_pipeline: OpenPipeline) -> int:
        """Find the components by rounds on the runner, where one process can't hold the edges.

        Returns:
            How many rounds it took; 0 where one process will find them.
        """
        if self._matching.in_one_process:
            return 0

        def edges(pipeline: beam.Pipeline) -> Any:
            return self._edges(self._matched(pipeline | beam.Create(files, reshuffle=False)))

        return connect(
            open_pipeline=open_pipeline,
            edges=edges,
            folder=self.work_folder,
            partitions=self._matching.partitions,
        )

    @property
    def work_folder(self) -> str:
        """Where rounds keep their edges."""
        return storage.join(self._output, "work", STAGE)

    def expand(self, files: Any) -> Any:
        """Build the graph: keys, edges, components, ranks, files."""
        matching = self._matching
        matched = self._matched(files)
        if matching.in_one_process:
            stars = (
                self._edges(matched)
                | "Under one key" >> beam.WithKeys(None)
                | "To one place" >> beam.GroupByKey()
                | "Components" >> beam.Map(_components)
            )
        else:
            stars = read_edges(files.pipeline, self.work_folder)
        labels = stars | "Labels" >> beam.FlatMap(_labels)
        labelled = {"file": matched | "By number" >> beam.Map(by_number), "labels": labels}
        labelled = labelled | "Files with labels" >> beam.CoGroupByKey()

        def ranks(labelled: Any, number: int) -> Any:
            return (
                labelled
                | f"Members {number}" >> beam.FlatMap(_members, matching=matching, number=number)
                | f"By cluster {number}" >> beam.GroupByKey()
                | f"Ranks {number}" >> beam.FlatMap(_ranks, matching=matching)
            )

        slices = self._in_passes("ranks", labelled, ranks)
        return (
            {"file": files | "Scored by number" >> beam.Map(by_number), "slices": slices}
            | "Files with ranks" >> beam.CoGroupByKey()
            | "Write" >> beam.FlatMap(_write, output=self._output, fingerprint=self._fingerprint)
        )

    def _matched(self, files: Any) -> Any:
        output, by_dump = self._output, self._by_dump

        def matched(file: ScoredFile) -> MatchedFile:
            group = file.dump if by_dump else 0
            return MatchedFile(number=file.number, path=file.path(output), group=group)

        scored = files | "Scored" >> beam.Map(matched)
        if self._earlier:
            earlier = files.pipeline | "Earlier corpora" >> beam.Create(self._earlier)
            scored = (scored, earlier) | "With earlier corpora" >> beam.Flatten()
        return scored | "Spread files" >> beam.Reshuffle()

    def _edges(self, matched: Any) -> Any:
        def edges(matched: Any, number: int) -> Any:
            return (
                matched
                | f"Keys {number}"
                >> beam.FlatMap(key_blocks, matching=self._matching, number=number)
                | f"By partition {number}" >> beam.GroupByKey()
                | f"Candidate edges {number}" >> beam.FlatMap(edges_of_partition)
            )

        return self._in_passes("edges", matched, edges)

    def _in_passes(self, name: str, elements: Any, work: Callable[[Any, int], Any]) -> Any:
        """Return what each pass over some elements gives, each begun when the last is done."""
        done: list[Any] = []
        for number in range(self._matching.passes):
            after = elements | f"Next {name} {number}" >> WaitOn(done[-1]) if done else elements
            done.append(work(after, number))
        return done | f"All {name}" >> beam.Flatten()


def earlier_files(
    paths: Sequence[str], *, first_number: int, groups: Sequence[int]
) -> list[MatchedFile]:
    """Number the files of earlier corpora after the scored ones, once for each group."""
    return [
        MatchedFile(number=first_number + number, path=path, group=group, earlier=True)
        for number, (group, path) in enumerate((group, path) for group in groups for path in paths)
    ]


def rows_of(path: str) -> int:
    """Return how many documents a file of an earlier corpus has; its footer tells."""
    with storage.open_stored(path) as stored:
        rows: int = pq.read_metadata(stored).num_rows
    return rows


def by_number(file: Any) -> tuple[int, Any]:
    """Return a file under its number, by which results about its rows come back to it."""
    return file.number, file


def _components(group: tuple[None, Iterable[Edges]]) -> Edges:
    documents, roots = components(distinct(np.concatenate(list(group[1]))))
    leaves = documents != roots
    return np.stack((roots[leaves], documents[leaves]), axis=1)


def _labels(stars: Edges) -> Iterator[tuple[int, tuple[Rows, Indices]]]:
    """Yield by file the rows that are in a component, with its smallest document."""
    documents = np.concatenate((stars[:, 1], stars[:, 0]))
    roots = np.concatenate((stars[:, 0], stars[:, 0]))
    numbers, rows = file_and_row(documents)
    for number, at in deal(numbers):
        yield number, (rows[at], roots[at])


def _members(
    group: tuple[int, dict[str, Any]], *, matching: Matching, number: int
) -> Iterator[tuple[int, Members]]:
    labels = list(group[1]["labels"])
    if not labels:
        return
    [file] = group[1]["file"]
    rows, first = np.unique(np.concatenate([rows for rows, _ in labels]), return_index=True)
    roots = np.concatenate([roots for _, roots in labels])[first]
    of_pass = mixed(roots + np.uint64(1)) % np.uint64(matching.passes) == np.uint64(number)
    rows, roots = rows[of_pass], roots[of_pass]
    columns = ["id", *matching.prefer, *matching.columns]
    if matching.verify == "exact":
        columns.append("text")
    for first_row, batch in read_rows(file.path, list(dict.fromkeys(columns))):
        start, end = np.searchsorted(rows, (first_row, first_row + batch.num_rows))
        if start == end:
            continue
        here = batch.take(pa.array(rows[start:end] - first_row))
        members = members_of(here, file, rows[start:end], roots[start:end], matching)
        for partition, at in deal(partition_of(members.clusters, matching.partitions)):
            yield partition, members.take(at)


def _ranks(
    group: tuple[int, Iterable[Members]], *, matching: Matching
) -> Iterator[tuple[int, Slice]]:
    found = Members.together(group[1])
    # In the order of merit, so that a member's position is its standing.
    members = found.take(best_first(found.priorities, found.ids))
    clusters = verified_clusters(members, matching) if matching.verify else members.clusters
    ranks = rank_in_clusters(clusters, np.arange(len(clusters)))
    keeper = ranks.keeper
    similarity = members.similarity(np.arange(len(keeper)), keeper)
    reasons = np.full(len(keeper), DUPLICATE, dtype=object)
    for place, name in reversed(list(enumerate(matching.exact))):
        keys = members.exact[:, place]
        reasons[(keys == keys[keeper]) & (keys != 0)] = _REASONS[name]
    earlier = members.priorities[:, 0] == 1
    reasons[earlier[keeper]] = EARLIER
    reasons[ranks.rank == 0] = None
    # A cluster is named after its keeper, so its name does not depend on the order of files.
    names = cluster_names(members.ids)[keeper]
    shown = np.flatnonzero(~earlier & (ranks.size > 1))
    numbers, rows = file_and_row(members.documents[shown])
    for number, positions in deal(numbers):
        at = shown[positions]
        yield (
            number,
            Slice(
                rows=rows[positions],
                cluster=names[at],
                size=ranks.size[at],
                rank=ranks.rank[at],
                reason=reasons[at],
                similarity=similarity[at].astype(np.float32),
            ),
        )


def cluster_of(document: str) -> int:
    """Return the number of the cluster that a document keeps: the first half of its id.

    >>> cluster_of("00000000000000ff0000000000000000")
    255
    """
    return int(cluster_names(numbers_of(pa.array([document])))[0])


def _write(
    group: tuple[int, dict[str, Any]], *, output: str, fingerprint: str
) -> Iterator[ShardRecord]:
    [file] = group[1]["file"]
    records = StageRecords(output, STAGE)
    done = records.whole_shard(file.name, fingerprint)
    if done is not None:
        yield done
        return
    records.begin(file.name)
    batches = [batch["id"] for _, batch in read_rows(file.path(output), ["id"])]
    documents = pa.chunked_array(batches, pa.string()).combine_chunks()
    count = len(documents)
    cluster = cluster_names(numbers_of(documents)).copy()
    size = np.ones(count, dtype=np.int32)
    rank = np.zeros(count, dtype=np.int32)
    reason = np.full(count, None, dtype=object)
    similarity = np.full(count, np.nan, dtype=np.float32)
    for part in group[1]["slices"]:
        cluster[part.rows] = part.cluster
        size[part.rows] = part.size
        rank[part.rows] = part.rank
        reason[part.rows] = part.reason
        similarity[part.rows] = part.similarity
    keep = rank == 0
    columns = [documents, cluster, size, rank, keep, reason, similarity]
    arrays = [
        pa.array(column, field.type, from_pandas=True)
        for column, field in zip(columns, schema.CLUSTERS, strict=True)
    ]
    with ParquetFile(
        output, f"clusters/{file.name}.parquet", schema.CLUSTERS, even_empty=True
    ) as written:
        written.add_batch(pa.RecordBatch.from_arrays(arrays, schema=schema.CLUSTERS))
    counters = Counters(read=count, written=int(keep.sum()))
    counters.gated.update(reason[~keep].tolist())
    record = ShardRecord(
        name=file.name,
        fingerprint=fingerprint,
        files=written.output_files,
        counters=counters,
        figures={"clusters": int((keep & (size > 1)).sum())},
    )
    records.commit(record)
    yield record
