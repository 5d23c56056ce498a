"""The `select` stage: rules over stored signals; length-bucketed shards of the kept documents.

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
import pyarrow.parquet as pq

from filters.rules import LANGUAGE, Rule, Verdicts, evaluate
from pipelines import schema, storage
from pipelines.cluster_winners import BestPassing, RowsOfFile, StandIns
from pipelines.corpus_forms import TOKENS, CorpusForm, Rows, form_of
from pipelines.corpus_shards import BucketShards, Group, groups_of, shard_file, shuffle_keys
from pipelines.counters import Counters
from pipelines.dedup import ScoredFile
from pipelines.manifest import OutputFile, ShardRecord, StageRecords
from pipelines.recipe import Buckets, Sample
from pipelines.selection_sample import Candidates, MakeSampler, Sampler
from pipelines.selection_tally import Tally
from pipelines.shard_files import ParquetFile, read_batches

STAGE = "select"
RULES = "rules"
_BATCH_ROWS = 1_024
_RECORDS, _ROWS = "records", "rows"


class SelectDocuments(beam.PTransform[Any, Any]):
    """Write the corpus from a PCollection of :class:`ScoredFile`; gives the shards' records.

    Args:
        output: The run's output folder.
        files: The same files, for their groups.
        rules: The rules in force.
        sample: Which of the documents that pass them are kept; None for all.
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
        sample: Sample | None = None,
        with_clusters: bool,
        fingerprint: str,
    ) -> None:
        super().__init__()
        self._groups = groups_of(files, shard_bytes=buckets.shard_bytes)
        self._job = _Job(
            output=output,
            rules=rules,
            sample=sample,
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
                | "Winners" >> BestPassing(output=job.output, rules=job.rules)
                | "By group" >> beam.Map(lambda winner: (group_of[winner[0]], winner))
            )
        joined = joined | "Groups with winners" >> beam.CoGroupByKey()
        sampler = self._sampler(joined)
        if job.buckets.shuffle_seed is None:
            return joined | "Write" >> beam.Map(_write, job=job, sampler=sampler)
        sizes = (
            files
            | "Expected bytes" >> beam.Map(_expected_bytes, job=job, sampler=sampler)
            | "Bytes of buckets" >> beam.CombineGlobally(_added)
        )
        dealt = joined | "Deal" >> beam.FlatMap(
            _deal, job=job, sampler=sampler, sizes=beam.pvalue.AsSingleton(sizes)
        ).with_outputs(_ROWS, main=_RECORDS)
        shuffled = (
            dealt[_ROWS] | "By shard" >> beam.GroupByKey() | beam.Map(_write_shuffled, job=job)
        )
        return (dealt[_RECORDS], shuffled) | beam.Flatten()

    def _sampler(self, joined: Any) -> Any:
        job = self._job
        if job.sample is None:
            return None
        candidates = Candidates(
            output=job.output,
            rules=job.rules,
            with_clusters=job.with_clusters,
            sample=job.sample,
        )
        return beam.pvalue.AsSingleton(joined | "Sampler" >> MakeSampler(candidates))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Job:
    output: str
    rules: Sequence[Rule]
    sample: Sample | None
    buckets: Buckets
    form: CorpusForm
    with_clusters: bool
    fingerprint: str

    @property
    def seed(self) -> int:
        """Of the global shuffle, where there is one."""
        return self.buckets.shuffle_seed or 0


def _write(
    joined: tuple[str, dict[str, Any]], *, job: _Job, sampler: Sampler | None
) -> ShardRecord:
    [group] = joined[1]["group"]
    records = StageRecords(job.output, STAGE)
    done = records.whole_shard(group.name, job.fingerprint)
    if done is not None:
        return done
    records.begin(group.name)
    with ExitStack() as stack:
        selection = stack.enter_context(
            _Selection(group, job, sampler, joined[1].get("winners", ()))
        )
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
    joined: tuple[str, dict[str, Any]],
    *,
    job: _Job,
    sampler: Sampler | None,
    sizes: Mapping[int, int],
) -> Iterator[Any]:
    """Deal the rows of a group to the shards of the whole corpus by a seeded key of each row."""
    [group] = joined[1]["group"]
    StageRecords(job.output, STAGE).begin(group.name)
    with _Selection(group, job, sampler, joined[1].get("winners", ())) as selection:
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


def _expected_bytes(file: ScoredFile, *, job: _Job, sampler: Sampler | None) -> Counter[int]:
    """Return about how many bytes of each bucket the documents that pass will take."""
    signals = [rule.signal for rule in job.rules]
    if sampler is not None:
        signals.append(sampler.sample.signal)
    columns = list(dict.fromkeys(["id", TOKENS, LANGUAGE, *signals]))
    expected: Counter[int] = Counter()
    with storage.open_stored(file.path(job.output)) as stored:
        parquet = pq.ParquetFile(stored)
        rows = max(1, parquet.metadata.num_rows)
        for batch in parquet.iter_batches(columns=columns):
            keep = evaluate(job.rules, batch).passed
            if sampler is not None:
                keep &= sampler.keeps(batch)
            passed = batch.filter(pa.array(keep))
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
        self,
        group: Group,
        job: _Job,
        sampler: Sampler | None,
        winners: Iterable[RowsOfFile],
    ) -> None:
        self._group = group
        self._job = job
        self._sampler = sampler
        self._winners = list(winners)
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
            StandIns.read(file, self._job.output, self._winners)
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
            # What leaves out a document that passes the rules.
            reason = np.full(batch.num_rows, None, dtype=object)
            here = None if clusters is None else clusters.slice(rows)
            if here is not None:
                duplicate = ~here.stands
                reason[duplicate] = here.reasons[duplicate]
            keep = verdicts.passed & ~duplicate
            if self._sampler is not None:
                refused = keep & ~self._sampler.keeps(batch)
                reason[refused] = self._sampler.reason
                keep &= ~refused
            if here is not None and keep.any():
                self._add_to_index(scored.select(index_columns).filter(pa.array(keep)))
            _count(self._counters, verdicts, keep, reason)
            self._tally.add(batch, verdicts, keep, duplicate)
            _reject(self._rejected, batch, verdicts, keep, reason, here)
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
            figures=self._figures(),
        )
        StageRecords(self._job.output, STAGE).commit(record)
        return record

    def _figures(self) -> dict[str, Any]:
        figures = self._tally.as_json()
        if self._sampler is not None:
            figures["sample"] = self._sampler.as_json()
        return figures


def _count(
    counters: Counters,
    verdicts: Verdicts,
    keep: npt.NDArray[np.bool_],
    reason: npt.NDArray[np.object_],
) -> None:
    counters.read += len(keep)
    counters.written += int(keep.sum())
    if failed := int((~verdicts.passed).sum()):
        counters.gated[RULES] += failed
    counters.gated.update(reason[verdicts.passed & ~keep].tolist())


def _reject(
    rejected: ParquetFile,
    batch: pa.RecordBatch,
    verdicts: Verdicts,
    keep: npt.NDArray[np.bool_],
    reason: npt.NDArray[np.object_],
    clusters: StandIns | None,
) -> None:
    names = ("id", "source", "record_id", "url")
    for row in np.flatnonzero(~keep):
        # What fails the rules is no duplicate of what is kept by being worse than it.
        reasons = [reason[row]] if verdicts.passed[row] else verdicts.reasons[row]
        cluster = None if clusters is None else int(clusters.clusters[row])
        place = {name: batch[name][row].as_py() for name in names}
        rejected.add({**place, "cluster": cluster, "reasons": reasons})
