"""The `passages` stage: lines, paragraphs or spans of sentences that a corpus repeats, taken out.

A step of its own: scored text in, documents without the repeated passages out, which another
recipe reads as its input, so that every signal is of the text that is left. Text is not shuffled:
hashes of passages are, in columnar blocks.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import apache_beam as beam
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from filters.clustering import run_starts
from filters.minhash import Hashes
from filters.passages import cut, near_duplicate_paragraphs, passages
from pipelines import schema
from pipelines.counters import Counters
from pipelines.dedup import ScoredFile, by_number
from pipelines.manifest import ShardRecord, StageRecords
from pipelines.matching import Rows, deal, partition_of, read_rows
from pipelines.recipe import Passages
from pipelines.shard_files import ParquetFile

STAGE = "passages"
NO_TEXT = "no_text"
_BATCH_ROWS = 1_024


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """Passages of one batch of documents that belong to one partition, as columns.

    Attributes:
        number: The number of the file.
        hashes: The hash of each passage.
        rows: Its document's row.
        places: Its place among the passages of its document.
        merits: How good its document is: the larger, the better; equal ones go by ``ids``.
        ids: The first half of its document's id.
    """

    number: int
    hashes: Hashes
    rows: npt.NDArray[np.uint32]
    places: npt.NDArray[np.uint32]
    merits: npt.NDArray[np.float32]
    ids: npt.NDArray[np.uint64]


class RemovePassages(beam.PTransform[Any, Any]):
    """Take repeated passages out of a PCollection of :class:`ScoredFile`; gives shards' records.

    Args:
        output: The run's output folder.
        settings: The recipe's ``passages`` section.
        fingerprint: Of the scores and the settings; the records carry it.
    """

    def __init__(self, *, output: str, settings: Passages, fingerprint: str) -> None:
        super().__init__()
        self._output = output
        self._settings = settings
        self._fingerprint = fingerprint

    def expand(self, files: Any) -> Any:
        """Build the graph: hashes, repetitions, files."""
        settings = self._settings
        files = files | "Spread files" >> beam.Reshuffle()
        repeated = (
            files
            | "Hashes" >> beam.FlatMap(_blocks, output=self._output, settings=settings)
            | "By partition" >> beam.GroupByKey()
            | "Repeated" >> beam.FlatMap(_repeated, keep=settings.keep)
        )
        return (
            {"file": files | "By number" >> beam.Map(by_number), "repeated": repeated}
            | "Files with repetitions" >> beam.CoGroupByKey()
            | "Write"
            >> beam.Map(
                _write, output=self._output, settings=settings, fingerprint=self._fingerprint
            )
        )


def _blocks(file: ScoredFile, *, output: str, settings: Passages) -> Iterator[tuple[int, Block]]:
    columns = ["id", "text", *settings.prefer]
    for first_row, batch in read_rows(file.path(output), columns, rows=_BATCH_ROWS):
        found = [_passages(text, settings) for text in batch["text"].to_pylist()]
        counts = np.array([len(of.hashes) for of in found])
        hashes = np.concatenate([of.hashes for of in found])
        rows = np.repeat(np.arange(batch.num_rows), counts)
        places = np.concatenate([np.arange(count) for count in counts])
        ids = np.array([int(name[:16], 16) for name in batch["id"].to_pylist()], np.uint64)
        merits = _merits(batch, settings)
        for partition, at in deal(partition_of(hashes, settings.partitions)):
            yield (
                partition,
                Block(
                    number=file.number,
                    hashes=hashes[at],
                    rows=(first_row + rows[at]).astype(np.uint32),
                    places=places[at].astype(np.uint32),
                    merits=merits[rows[at]],
                    ids=ids[rows[at]],
                ),
            )


def _merits(batch: pa.RecordBatch, settings: Passages) -> npt.NDArray[np.float32]:
    for name in settings.prefer:
        if name in batch.schema.names:
            values = batch[name].cast(pa.float32()).to_numpy(zero_copy_only=False)
            return np.where(np.isnan(values), -np.inf, values).astype(np.float32)
    return np.zeros(batch.num_rows, dtype=np.float32)


def _passages(text: str, settings: Passages) -> Any:
    return passages(
        text,
        unit=settings.unit,
        sentences=settings.sentences,
        shortest=settings.min_characters,
    )


def _repeated(
    group: tuple[int, Iterable[Block]], *, keep: str
) -> Iterator[tuple[int, tuple[Rows, Rows]]]:
    """Yield by file the passages that go: the row and the place of each."""
    blocks = list(group[1])
    hashes, rows, places, merits, ids = (
        np.concatenate([getattr(block, name) for block in blocks])
        for name in ("hashes", "rows", "places", "merits", "ids")
    )
    numbers = np.concatenate([np.full(len(block.hashes), block.number) for block in blocks])
    order = np.lexsort((places, ids, -merits, hashes))
    starts = run_starts(hashes[order])
    lengths = np.diff(np.append(starts, len(order)))
    goes = np.repeat(lengths > 1, lengths)
    if keep == "best":
        goes[starts] = False
    gone = order[goes]
    for number, at in deal(numbers[gone]):
        yield number, (rows[gone[at]].astype(np.int64), places[gone[at]].astype(np.int64))


def _write(
    group: tuple[int, dict[str, Any]], *, output: str, settings: Passages, fingerprint: str
) -> ShardRecord:
    [file] = group[1]["file"]
    records = StageRecords(output, STAGE)
    done = records.whole_shard(file.name, fingerprint)
    if done is not None:
        return done
    records.begin(file.name)
    gone = _by_row(group[1]["repeated"])
    counters = Counters()
    figures = {"passages": 0, "characters": 0, "near_paragraphs": 0, "near_characters": 0}
    columns = [field.name for field in schema.DOCUMENT]
    path = f"passages/{file.name}.parquet"
    with ParquetFile(output, path, schema.WITHOUT_PASSAGES, even_empty=True) as written:
        for first_row, batch in read_rows(file.path(output), columns, rows=_BATCH_ROWS):
            for place, row in enumerate(batch.to_pylist()):
                counters.read += 1
                removed = _remove(row, gone.get(first_row + place), settings)
                for name, count in removed.items():
                    figures[name] += count
                if not row["text"]:
                    counters.gated[NO_TEXT] += 1
                    continue
                counters.written += 1
                written.add({**row, **_columns(removed)}, size=len(row["text"]))
    record = ShardRecord(
        name=file.name,
        fingerprint=fingerprint,
        files=written.output_files,
        counters=counters,
        figures=figures,
    )
    records.commit(record)
    return record


def _by_row(repeated: Iterable[tuple[Rows, Rows]]) -> dict[int, Rows]:
    held = list(repeated)
    if not held:
        return {}
    rows, places = (np.concatenate([part[column] for part in held]) for column in (0, 1))
    return {row: places[at] for row, at in deal(rows)}


def _remove(row: dict[str, Any], places: Rows | None, settings: Passages) -> dict[str, int]:
    """Take the passages at some places out of a row's text; return the counts of what went."""
    removed = {"passages": 0, "characters": 0, "near_paragraphs": 0, "near_characters": 0}
    if places is not None:
        found = _passages(row["text"], settings)
        spans = zip(found.starts[places].tolist(), found.ends[places].tolist(), strict=True)
        removed["passages"] = len(places)
        row["text"], removed["characters"] = cut(row["text"], spans)
    if settings.near_paragraphs is not None:
        near = near_duplicate_paragraphs(row["text"], least=settings.near_paragraphs)
        removed["near_paragraphs"] = len(near)
        row["text"], removed["near_characters"] = cut(row["text"], near)
    return removed


def _columns(removed: dict[str, int]) -> dict[str, int]:
    return {f"removed.{name}": count for name, count in removed.items()}


def totals(shards: Iterable[ShardRecord]) -> dict[str, Any]:
    """Return what was removed from all shards together."""
    figures: dict[str, int] = {}
    for shard in shards:
        for name, count in shard.figures.items():
            figures[name] = figures.get(name, 0) + count
    return {"removed": figures}
