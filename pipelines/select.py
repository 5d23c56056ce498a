"""The `select` stage: rules over stored signals; length-bucketed shards of the kept documents.

A cluster's place in the corpus goes to its best document that passes the rules: were it tied to
the keeper that `dedup` named, a rule that this one document fails would lose all its copies too.

Scored files are taken in groups, so that shards come near their target size and no text crosses the
network. Only where the recipe asks for a global shuffle, the rows are dealt to shards by a seeded
key.
"""

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any, Self

import apache_beam as beam
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from filters.rules import LANGUAGE, Rule, Verdicts, evaluate
from pipelines import schema, storage
from pipelines.corpus_forms import TOKENS, CorpusForm, Rows, form_of
from pipelines.corpus_shards import BucketShards, Group, groups_of, shard_file, shuffle_keys
from pipelines.counters import Counters
from pipelines.dedup import EARLIER, ScoredFile
from pipelines.manifest import OutputFile, ShardRecord, StageRecords
from pipelines.recipe import Buckets
from pipelines.selection_tally import Tally
from pipelines.shard_files import ParquetFile, read_batches

STAGE = "select"
RULES = "rules"
_BATCH_ROWS = 1_024
_RECORDS, _ROWS = "records", "rows"
_PARTITIONS = 16
_FAILED = 1 << 32

Passing = tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], npt.NDArray[np.int64]]


class SelectDocuments(beam.PTransform[Any, Any]):
    """Write the corpus from a PCollection of :class:`ScoredFile`; gives the shards' records.

    Args:
        output: The run's output folder.
        files: The same files, for their groups.
        rules: The rules in force.
        buckets: The recipe's length buckets.
        tokenizer: Path of the tokenizer file, for sequences and windows.
        with_clusters: Whether `dedup` has run, so that duplicates are dropped.
        fingerprint: Of the scores, the clusters and the rules; the records carry it.
    """

    def __init__(
        self,
        *,
        output: str,
        files: Sequence[ScoredFile],
        rules: Sequence[Rule],
        buckets: Buckets,
        tokenizer: str,
        with_clusters: bool,
        fingerprint: str,
    ) -> None:
        super().__init__()
        self._groups = groups_of(files, shard_bytes=buckets.shard_bytes)
        self._job = _Job(
            output=output,
            rules=rules,
            buckets=buckets,
            form=form_of(buckets, tokenizer=tokenizer),
            with_clusters=with_clusters,
            fingerprint=fingerprint,
        )

    def expand(self, files: Any) -> Any:
        """Build the graph: who passes of each cluster, the best of them, the shards."""
        job = self._job
        files = files | "Spread files" >> beam.Reshuffle()
        groups = files.pipeline | "Groups" >> beam.Create(
            [(group.name, group) for group in self._groups], reshuffle=False
        )
        joined = {"group": groups}
        if job.with_clusters:
            group_of = {file.number: group.name for group in self._groups for file in group.files}
            joined["winners"] = (
                files
                | "Passing" >> beam.FlatMap(_passing, output=job.output, rules=job.rules)
                | "By cluster" >> beam.GroupByKey()
                | "Best passing" >> beam.FlatMap(_winners)
                | "By group" >> beam.Map(lambda winner: (group_of[winner[0]], winner))
            )
        joined = joined | "Groups with winners" >> beam.CoGroupByKey()
        if job.buckets.shuffle_seed is None:
            return joined | "Write" >> beam.Map(_write, job=job)
        sizes = (
            files
            | "Expected bytes" >> beam.Map(_expected_bytes, job=job)
            | "Bytes of buckets" >> beam.CombineGlobally(_added)
        )
        dealt = joined | "Deal" >> beam.FlatMap(
            _deal, job=job, sizes=beam.pvalue.AsSingleton(sizes)
        ).with_outputs(_ROWS, main=_RECORDS)
        shuffled = (
            dealt[_ROWS] | "By shard" >> beam.GroupByKey() | beam.Map(_write_shuffled, job=job)
        )
        return (dealt[_RECORDS], shuffled) | beam.Flatten()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Job:
    output: str
    rules: Sequence[Rule]
    buckets: Buckets
    form: CorpusForm
    with_clusters: bool
    fingerprint: str

    @property
    def seed(self) -> int:
        """Of the global shuffle, where there is one."""
        return self.buckets.shuffle_seed or 0


def _passing(
    file: ScoredFile, *, output: str, rules: Sequence[Rule]
) -> Iterator[tuple[int, tuple[int, Passing]]]:
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


def _winners(
    group: tuple[int, Iterable[tuple[int, Passing]]],
) -> Iterator[tuple[int, npt.NDArray[np.int64]]]:
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


def _write(joined: tuple[str, dict[str, Any]], *, job: _Job) -> ShardRecord:
    [group] = joined[1]["group"]
    records = StageRecords(job.output, STAGE)
    done = records.whole_shard(group.name, job.fingerprint)
    if done is not None:
        return done
    records.begin(group.name)
    with ExitStack() as stack:
        selection = stack.enter_context(_Selection(group, job, joined[1].get("winners", ())))
        shards: dict[int, BucketShards] = {}
        for rows in selection.rows():
            if rows.bucket not in shards:
                shards[rows.bucket] = stack.enter_context(
                    BucketShards(
                        job.output,
                        bucket=rows.bucket,
                        group=group.name,
                        shard_bytes=job.buckets.shard_bytes,
                    )
                )
            shards[rows.bucket].add(rows.batch)
    written = [file for of_bucket in shards.values() for file in of_bucket.output_files]
    return selection.commit(written)


def _deal(
    joined: tuple[str, dict[str, Any]], *, job: _Job, sizes: Mapping[int, int]
) -> Iterator[Any]:
    """Deal the rows of a group to the shards of the whole corpus by a seeded key of each row."""
    [group] = joined[1]["group"]
    StageRecords(job.output, STAGE).begin(group.name)
    with _Selection(group, job, joined[1].get("winners", ())) as selection:
        for rows in selection.rows():
            shards = max(1, round(sizes.get(rows.bucket, 0) / job.buckets.shard_bytes))
            keys = shuffle_keys(rows.batch, seed=job.seed)
            of_row = keys % np.uint64(shards)
            for shard in np.unique(of_row).tolist():
                here = pa.array(of_row == shard)
                yield beam.pvalue.TaggedOutput(
                    _ROWS, ((rows.bucket, int(shard)), _as_bytes(rows.batch.filter(here)))
                )
    yield selection.commit([])


def _write_shuffled(shard: tuple[tuple[int, int], Iterable[bytes]], *, job: _Job) -> ShardRecord:
    (bucket, number), blocks = shard
    table = pa.concat_tables(pa.ipc.open_stream(block).read_all() for block in blocks)
    keys = np.concatenate([shuffle_keys(batch, seed=job.seed) for batch in table.to_batches()])
    digest = hashlib.blake2b(f"{job.fingerprint} {bucket}".encode(), digest_size=6).hexdigest()
    name = f"part-{number:05d}-{digest}"
    path = f"corpus/bucket={bucket}/{name}.parquet"
    with shard_file(job.output, path, table.schema) as file:
        for batch in table.take(np.argsort(keys)).to_batches(max_chunksize=_BATCH_ROWS):
            file.add_batch(batch)
    record = ShardRecord(
        name=f"shuffled-{bucket}-{name}",
        fingerprint=job.fingerprint,
        files=file.output_files,
        counters=Counters(),
        figures=Tally().as_json(),
    )
    StageRecords(job.output, STAGE).commit(record)
    return record


def _as_bytes(batch: pa.RecordBatch) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, batch.schema) as stream:
        stream.write_batch(batch)
    return bytes(sink.getvalue())


def _expected_bytes(file: ScoredFile, *, job: _Job) -> Counter[int]:
    """Return about how many bytes of each bucket the documents that pass will take."""
    columns = list(dict.fromkeys(["id", TOKENS, LANGUAGE, *(rule.signal for rule in job.rules)]))
    expected: Counter[int] = Counter()
    with storage.open_stored(file.path(job.output)) as stored:
        parquet = pq.ParquetFile(stored)
        rows = max(1, parquet.metadata.num_rows)
        for batch in parquet.iter_batches(columns=columns):
            passed = batch.filter(pa.array(evaluate(job.rules, batch).passed))
            expected.update(job.form.expected_bytes(passed, file.bytes * passed.num_rows // rows))
    return expected


def _added(counters: Iterable[Counter[int]]) -> Counter[int]:
    total: Counter[int] = Counter()
    for counter in counters:
        total.update(counter)
    return total


class _Selection:
    """The kept documents of a group as rows of the corpus; writes what tells of them and the rest.

    Use it as a context manager; :meth:`commit` after it.
    """

    def __init__(
        self, group: Group, job: _Job, winners: Iterable[tuple[int, npt.NDArray[np.int64]]]
    ) -> None:
        self._group = group
        self._job = job
        self._winners: dict[int, list[npt.NDArray[np.int64]]] = {}
        for number, rows in winners:
            self._winners.setdefault(number, []).append(rows)
        self._counters = Counters()
        self._tally = Tally()
        self._stack = ExitStack()
        self._rejected = ParquetFile(job.output, f"rejected/{group.name}.parquet", schema.REJECTED)
        self._documents: ParquetFile | None = None
        self._index: ParquetFile | None = None

    def __enter__(self) -> Self:
        self._stack.enter_context(self._rejected)
        return self

    def __exit__(self, *error: Any) -> None:
        self._stack.__exit__(*error)

    def rows(self) -> Iterator[Rows]:
        """Yield the rows of the corpus, in the order of the files."""
        for file in self._group.files:
            with storage.open_stored(file.path(self._job.output)) as stored:
                yield from self._rows_of(file, pq.ParquetFile(stored))

    def _rows_of(self, file: ScoredFile, parquet: pq.ParquetFile) -> Iterator[Rows]:
        clusters = (
            _Clusters.read(file, self._job.output, self._winners.get(file.number, ()))
            if self._job.with_clusters
            else None
        )
        columns = parquet.schema_arrow.names
        kept_columns = [name for name in columns if name not in schema.MATCHING]
        index_columns = [name for name in columns if name in ("id", *schema.MATCHING)]
        first_row = 0
        for scored in read_batches(parquet, columns=columns, rows=_BATCH_ROWS):
            batch = scored.select(kept_columns)
            rows = slice(first_row, first_row + batch.num_rows)
            first_row += batch.num_rows
            verdicts = evaluate(self._job.rules, batch)
            duplicate = np.zeros(batch.num_rows, dtype=bool)
            here = None if clusters is None else clusters.slice(rows)
            if here is not None:
                duplicate = ~here.stands
            keep = verdicts.passed & ~duplicate
            if here is not None and keep.any():
                self._add_to_index(scored.select(index_columns).filter(pa.array(keep)))
            _count(self._counters, verdicts, duplicate, None if here is None else here.reasons)
            self._tally.add(batch, verdicts, keep, duplicate)
            _reject(self._rejected, batch, verdicts, duplicate, here)
            if keep.any():
                yield from self._kept_rows(batch.filter(pa.array(keep)))

    def _kept_rows(self, kept: pa.RecordBatch) -> list[Rows]:
        cut = self._job.form.cut(kept)
        if cut.documents is not None:
            if self._documents is None:
                self._documents = self._file("documents", cut.documents.schema)
            self._documents.add_batch(cut.documents)
        self._tally.add_cut(cut)
        return cut.rows

    def _add_to_index(self, kept: pa.RecordBatch) -> None:
        if self._index is None:
            self._index = self._file("index", kept.schema)
        self._index.add_batch(kept)

    def _file(self, folder: str, columns: pa.Schema) -> ParquetFile:
        path = f"{folder}/{self._group.name}.parquet"
        return self._stack.enter_context(ParquetFile(self._job.output, path, columns))

    def commit(self, shards: Sequence[OutputFile]) -> ShardRecord:
        """Write the record of the group and return it."""
        told = [file for file in (self._documents, self._index, self._rejected) if file is not None]
        record = ShardRecord(
            name=self._group.name,
            fingerprint=self._job.fingerprint,
            files=[*shards, *(output for file in told for output in file.output_files)],
            counters=self._counters,
            figures=self._tally.as_json(),
        )
        StageRecords(self._job.output, STAGE).commit(record)
        return record


@dataclass(frozen=True, slots=True)
class _Clusters:
    """The clusters of one file's rows, and which rows stand for theirs.

    A cluster's stand-in is its best document that passes the rules, or its best if none does.
    """

    names: npt.NDArray[np.int64]
    stands: npt.NDArray[np.bool_]
    reasons: npt.NDArray[np.object_]

    @classmethod
    def read(
        cls, file: ScoredFile, output: str, winners: Iterable[npt.NDArray[np.int64]]
    ) -> "_Clusters":
        with storage.open_stored(file.path(output, "clusters")) as stored:
            table = pq.ParquetFile(stored).read(columns=["cluster", "size", "reason"])
        stands = table["size"].to_numpy() == 1
        for rows in winners:
            stands[rows] = True
        return cls(
            names=table["cluster"].to_numpy(),
            stands=stands,
            reasons=np.array(table["reason"].to_pylist(), dtype=object),
        )

    def slice(self, rows: slice) -> "_Clusters":
        """Return the clusters of some rows."""
        return _Clusters(
            names=self.names[rows], stands=self.stands[rows], reasons=self.reasons[rows]
        )


def _count(
    counters: Counters,
    verdicts: Verdicts,
    duplicate: npt.NDArray[np.bool_],
    reasons: npt.NDArray[np.object_] | None,
) -> None:
    counters.read += len(duplicate)
    counters.written += int((verdicts.passed & ~duplicate).sum())
    if failed := int((~verdicts.passed).sum()):
        counters.gated[RULES] += failed
    if reasons is not None:
        counters.gated.update(reasons[verdicts.passed & duplicate].tolist())


def _reject(
    rejected: ParquetFile,
    batch: pa.RecordBatch,
    verdicts: Verdicts,
    duplicate: npt.NDArray[np.bool_],
    clusters: "_Clusters | None",
) -> None:
    names = ("id", "source", "record_id", "url")
    for row in np.flatnonzero(~verdicts.passed | duplicate):
        reasons, cluster = verdicts.reasons[row], None
        if clusters is not None:
            cluster = int(clusters.names[row])
            # What fails the rules is no duplicate of what is kept by being worse than it.
            if verdicts.passed[row]:
                reasons = [clusters.reasons[row]]
        place = {name: batch[name][row].as_py() for name in names}
        rejected.add({**place, "cluster": cluster, "reasons": reasons})
