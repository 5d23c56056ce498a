"""The `select` stage: rules over stored signals; length-bucketed shards of the kept documents.

A cluster's place in the corpus goes to its best document that passes the rules: were it tied to
the keeper that `dedup` named, a rule that this one document fails would lose all its copies too.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import apache_beam as beam
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from filters.length import buckets_for
from filters.rules import LANGUAGE, Rule, Verdicts, evaluate
from pipelines import schema, storage
from pipelines.counters import Counters
from pipelines.dedup import EARLIER, ScoredFile, by_number
from pipelines.manifest import ShardRecord, StageRecords
from pipelines.recipe import Buckets
from pipelines.shard_files import ParquetFile, read_batches

STAGE = "select"
RULES = "rules"
_TOKENS = "length.tokens"
_BATCH_ROWS = 1_024
_PARTITIONS = 16
_FAILED = 1 << 32

Passing = tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], npt.NDArray[np.int64]]


class SelectDocuments(beam.PTransform[Any, Any]):
    """Write the corpus from a PCollection of :class:`ScoredFile`; gives the shards' records.

    Args:
        output: The run's output folder.
        rules: The rules in force.
        buckets: The recipe's length buckets.
        with_clusters: Whether `dedup` has run, so that duplicates are dropped.
        fingerprint: Of the scores, the clusters and the rules; the records carry it.
    """

    def __init__(
        self,
        *,
        output: str,
        rules: Sequence[Rule],
        buckets: Buckets,
        with_clusters: bool,
        fingerprint: str,
    ) -> None:
        super().__init__()
        self._output = output
        self._rules = rules
        self._buckets = buckets
        self._with_clusters = with_clusters
        self._fingerprint = fingerprint

    def expand(self, files: Any) -> Any:
        """Build the graph: who passes of each cluster, the best of them, the files."""
        files = files | "Spread files" >> beam.Reshuffle()
        joined = {"file": files | "By number" >> beam.Map(by_number)}
        if self._with_clusters:
            joined["winners"] = (
                files
                | "Passing" >> beam.FlatMap(_passing, output=self._output, rules=self._rules)
                | "By cluster" >> beam.GroupByKey()
                | "Best passing" >> beam.FlatMap(_winners)
            )
        return (
            joined
            | "Files with winners" >> beam.CoGroupByKey()
            | "Write"
            >> beam.Map(
                _write,
                output=self._output,
                rules=self._rules,
                buckets=self._buckets,
                with_clusters=self._with_clusters,
                fingerprint=self._fingerprint,
            )
        )


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


def _write(
    group: tuple[int, dict[str, Any]],
    *,
    output: str,
    rules: Sequence[Rule],
    buckets: Buckets,
    with_clusters: bool,
    fingerprint: str,
) -> ShardRecord:
    [file] = group[1]["file"]
    records = StageRecords(output, STAGE)
    done = records.whole_shard(file.name, fingerprint)
    if done is not None:
        return done
    records.begin(file.name)
    clusters = _Clusters.read(file, output, group[1].get("winners", ())) if with_clusters else None
    counters = Counters()
    tally = Tally()
    with ExitStack() as stack:
        rejected = stack.enter_context(
            ParquetFile(output, f"rejected/{file.name}.parquet", schema.REJECTED)
        )
        corpus: dict[int, ParquetFile] = {}
        stored = stack.enter_context(storage.open_stored(file.path(output)))
        parquet = pq.ParquetFile(stored)
        columns = parquet.schema_arrow.names
        kept_columns = [name for name in columns if name not in schema.MATCHING]
        kept_schema = pa.schema([parquet.schema_arrow.field(name) for name in kept_columns])
        index_columns = [name for name in columns if name in ("id", *schema.MATCHING)]
        index_schema = pa.schema([parquet.schema_arrow.field(name) for name in index_columns])
        index = stack.enter_context(ParquetFile(output, f"index/{file.name}.parquet", index_schema))
        first_row = 0
        for scored in read_batches(parquet, columns=columns, rows=_BATCH_ROWS):
            batch = scored.select(kept_columns)
            rows = slice(first_row, first_row + batch.num_rows)
            first_row += batch.num_rows
            verdicts = evaluate(rules, batch)
            duplicate = np.zeros(batch.num_rows, dtype=bool)
            here = None if clusters is None else clusters.slice(rows)
            if here is not None:
                duplicate = ~here.stands
            keep = verdicts.passed & ~duplicate
            if here is not None and keep.any():
                index.add_batch(scored.select(index_columns).filter(pa.array(keep)))
            _count(counters, verdicts, duplicate, None if here is None else here.reasons)
            tally.add(batch, verdicts, keep, duplicate, buckets)
            _reject(rejected, batch, verdicts, duplicate, here)
            for bucket, kept in _by_bucket(batch, keep, buckets):
                if bucket not in corpus:
                    path = f"corpus/bucket={bucket}/{file.name}.parquet"
                    corpus[bucket] = stack.enter_context(ParquetFile(output, path, kept_schema))
                corpus[bucket].add_batch(kept)
    files = [of for written in (*corpus.values(), rejected, index) for of in written.output_files]
    record = ShardRecord(
        name=file.name,
        fingerprint=fingerprint,
        files=files,
        counters=counters,
        figures=tally.as_json(),
    )
    records.commit(record)
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


def _by_bucket(
    batch: pa.RecordBatch, keep: npt.NDArray[np.bool_], buckets: Buckets
) -> Iterator[tuple[int, pa.RecordBatch]]:
    if not keep.any():
        return
    kept = batch.filter(pa.array(keep))
    of_row = _buckets(kept, buckets)
    for bucket in np.unique(of_row):
        yield int(bucket), kept.filter(pa.array(of_row == bucket))


def _buckets(batch: pa.RecordBatch, buckets: Buckets) -> npt.NDArray[np.int64]:
    tokens = batch[_TOKENS].to_numpy(zero_copy_only=False)
    return buckets_for(tokens, smallest=buckets.smallest, largest=buckets.largest)


class Tally:
    """Counts of one shard: what each rule removed, what each bucket and language holds."""

    def __init__(self) -> None:
        self.failed: Counter[str] = Counter()
        self.only: Counter[str] = Counter()
        self.bucket_documents: Counter[str] = Counter()
        self.bucket_tokens: Counter[str] = Counter()
        self.languages: Counter[str] = Counter()

    def add(
        self,
        batch: pa.RecordBatch,
        verdicts: Verdicts,
        keep: npt.NDArray[np.bool_],
        duplicate: npt.NDArray[np.bool_],
        buckets: Buckets,
    ) -> None:
        """Count a batch."""
        for row, reasons in enumerate(verdicts.reasons):
            self.failed.update(reasons)
            if len(reasons) == 1 and not duplicate[row]:
                self.only[reasons[0]] += 1
        if not keep.any():
            return
        kept = batch.filter(pa.array(keep))
        tokens = kept[_TOKENS].to_numpy(zero_copy_only=False)
        for bucket, count in zip(_buckets(kept, buckets), tokens, strict=True):
            self.bucket_documents[str(bucket)] += 1
            self.bucket_tokens[str(bucket)] += int(count)
        self.languages.update(code or "unknown" for code in kept[LANGUAGE].to_pylist())

    def as_json(self) -> dict[str, Any]:
        """Return plain values."""
        return {name: dict(sorted(counter.items())) for name, counter in vars(self).items()}

    def merge(self, figures: dict[str, Any]) -> None:
        """Add the counts that :meth:`as_json` gave of another shard."""
        for name, counter in vars(self).items():
            counter.update(figures[name])
