"""The `score` stage: dumps in; one row a document with its text and every signal out.

Each shard of input files is read as a stream by one worker and becomes one Parquet file. Nothing
is shuffled but the names of the files.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

import apache_beam as beam
from apache_beam.metrics.metric import Metrics

from filters.decoding import storable
from pipelines import schema, storage
from pipelines.counters import Counters
from pipelines.document_scorer import DocumentScorer, ScoredDocument, failed
from pipelines.manifest import ShardRecord, StageRecords
from pipelines.plan import Shard
from pipelines.progress import ShardProgress
from pipelines.readers.records import FailedRecord, GatedRecord, Place, ReaderItem, Record
from pipelines.recipe import Recipe
from pipelines.shard_files import JsonLinesFile, ParquetFile

STAGE = "score"


class ScoreShards(beam.PTransform[Any, Any]):
    """Score every shard of a PCollection of :class:`Shard`; gives the shards' records.

    Args:
        recipe: The run's recipe.
        settings: For each input of the recipe the fingerprint of all that its scores depend on.
        progress_folder: Where a local run's progress is kept, or None.
    """

    def __init__(self, *, recipe: Recipe, settings: list[str], progress_folder: str | None) -> None:
        super().__init__()
        self._score = _ScoreShard(recipe, settings, progress_folder)

    def expand(self, shards: Any) -> Any:
        """Spread the shards over the workers and score each."""
        return shards | beam.Reshuffle() | beam.ParDo(self._score)


class _ScoreShard(beam.DoFn):
    def __init__(self, recipe: Recipe, settings: list[str], progress_folder: str | None) -> None:
        self._recipe = recipe
        self._settings = settings
        self._progress_folder = progress_folder
        self._scorer: DocumentScorer | None = None

    def setup(self) -> None:
        self._scorer = DocumentScorer(self._recipe).__enter__()

    def teardown(self) -> None:
        if self._scorer is not None:
            self._scorer.__exit__(None, None, None)

    def process(self, shard: Shard) -> Iterator[ShardRecord]:
        assert self._scorer is not None  # noqa: S101
        progress = ShardProgress(self._progress_folder)
        record = score_shard(
            shard,
            recipe=self._recipe,
            settings=self._settings[shard.input],
            scorer=self._scorer,
            progress=progress,
        )
        for name, count in (
            ("in", record.counters.read),
            ("out", record.counters.written),
            ("gated", record.counters.gated.total()),
            ("errors", record.counters.errors.total()),
        ):
            Metrics.counter(STAGE, name).inc(count)
        yield record


def score_shard(
    shard: Shard, *, recipe: Recipe, settings: str, scorer: DocumentScorer, progress: ShardProgress
) -> ShardRecord:
    """Score one shard and commit its files, or return its record if it is up to date."""
    records = StageRecords(recipe.output, STAGE)
    fingerprint = shard.fingerprint(settings)
    done = records.whole_shard(shard.name, fingerprint)
    if done is not None:
        progress.add(documents=done.counters.read)
        progress.file_finished(shard.bytes)
        return done
    records.begin(shard.name)
    output = recipe.output
    counters = Counters()
    with (
        ParquetFile(
            output, f"scored/{shard.name}.parquet", schema.scored(scorer.signals), even_empty=True
        ) as scored,
        ParquetFile(output, f"gated/{shard.name}.parquet", schema.GATED) as gated,
        JsonLinesFile(output, f"errors/score/{shard.name}.jsonl") as errors,
    ):
        for item in _items(shard, recipe=recipe, scorer=scorer, progress=progress):
            counters.read += 1
            match item:
                case ScoredDocument():
                    counters.written += 1
                    scored.add(item.row, size=item.size)
                case GatedRecord():
                    counters.gated[item.reason] += 1
                    told = {
                        name: getattr(item, name)
                        for name in ("reason", "bytes", "language", "text")
                    }
                    gated.add(_place(item.place) | told, size=len(item.text or "") + 200)
                case FailedRecord():
                    counters.errors[f"{item.step}.{item.exception}"] += 1
                    errors.add(
                        {
                            **_place(item.place),
                            "step": item.step,
                            "exception": item.exception,
                            "message": item.message,
                        }
                    )
    record = ShardRecord(
        name=shard.name,
        fingerprint=fingerprint,
        files=[*scored.output_files, *gated.output_files, *errors.output_files],
        counters=counters,
        inputs=[{**asdict(file), "input": shard.input} for file in shard.files],
    )
    records.commit(record)
    return record


def _items(
    shard: Shard, *, recipe: Recipe, scorer: DocumentScorer, progress: ShardProgress
) -> Iterator[ScoredDocument | GatedRecord | FailedRecord]:
    for path, reason in shard.left_out:
        yield GatedRecord(place=Place(source=path, offset=0), reason=reason)
    reader = recipe.input[shard.input].reader()
    for file in shard.files:
        seen: Counter[str] = Counter()
        for item, position in _records(reader, file.path):
            yield scorer.score(item, seen) if isinstance(item, Record) else item
            progress.add(position=min(position, file.size))
        # What was read is what the fingerprint says only if nobody has written since.
        storage.expect_unchanged(file)
        progress.file_finished(file.size)


def _records(reader: Any, path: str) -> Iterator[tuple[ReaderItem, int]]:
    try:
        stored = storage.open_stored(path)
    except storage.StoreError:
        raise
    except FileNotFoundError:
        raise storage.ChangedFileError.gone(path) from None
    except OSError as error:
        yield failed(Place(source=path, offset=0), "read", error), 0
        return
    with stored:
        try:
            for item in reader.read(stored, path):
                yield item, stored.tell()
        except OSError:
            # The store failed and not the content: a retry or a rerun reads the file again.
            raise
        except Exception as error:  # noqa: BLE001 - a reader's fault on hostile bytes is one error
            yield failed(Place(source=path, offset=stored.tell()), "read", error), 0


def _place(place: Place) -> dict[str, Any]:
    return {
        "source": storable(place.source),
        "offset": place.offset,
        "record_id": storable(place.record_id),
        "url": None if place.url is None else storable(place.url),
    }
