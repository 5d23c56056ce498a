"""The `report` stage: a bounded summary of every signal, merged over all files, and its page."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import apache_beam as beam
import pyarrow as pa
import pyarrow.parquet as pq

from filters.bounds import Bounds
from pipelines import schema, storage
from pipelines.counters import Counters
from pipelines.dedup import ScoredFile
from pipelines.manifest import OutputFile, ShardRecord, StageRecords
from pipelines.recipe import Recipe
from pipelines.report_figures import Figures
from pipelines.report_left_out import left_out
from pipelines.report_page import render
from pipelines.report_suggestions import published, valley
from pipelines.report_text import render_text
from pipelines.shard_files import read_batches

STAGE = "report"
FIGURES = "figures.json"
SAMPLE = "sample.parquet"
_BATCH_ROWS = 2_048
# Of packed values in a page: base64 makes four of three, and the whole page is to stay below 5 MB.
_PAGE_BYTES = 1_750_000


class MakeFigures(beam.PTransform[Any, Any]):
    """Summarise a PCollection of :class:`ScoredFile`; gives the record of the one summary.

    Args:
        output: The run's output folder.
        with_clusters: Whether `dedup` has run.
        fingerprint: Of the scores and the clusters; the record carries it.
    """

    def __init__(self, *, output: str, with_clusters: bool, fingerprint: str) -> None:
        super().__init__()
        self._output = output
        self._with_clusters = with_clusters
        self._fingerprint = fingerprint

    def expand(self, files: Any) -> Any:
        """Build the graph: a summary a file, merged in a tree, written once."""
        return (
            files
            | "Spread files" >> beam.Reshuffle()
            | "Summarise"
            >> beam.Map(_figures, output=self._output, with_clusters=self._with_clusters)
            | "Merge" >> beam.CombineGlobally(_Merge())  # type: ignore[no-untyped-call]
            | "Write" >> beam.Map(_write, output=self._output, fingerprint=self._fingerprint)
        )


def _figures(file: ScoredFile, *, output: str, with_clusters: bool) -> Figures:
    figures = Figures()
    for batch, clusters in _batches(file, output, with_clusters=with_clusters):
        figures.add(batch, clusters)
    for records in left_out(file, output):
        figures.steps.add_left_out(records)
    return figures


def _batches(
    file: ScoredFile, output: str, *, with_clusters: bool
) -> Iterator[tuple[pa.RecordBatch, pa.RecordBatch | None]]:
    clusters = None
    if with_clusters:
        with storage.open_stored(file.path(output, "clusters")) as stored:
            clusters = pq.ParquetFile(stored).read().combine_chunks()
    with storage.open_stored(file.path(output)) as stored:
        parquet = pq.ParquetFile(stored)
        kept = parquet.schema_arrow
        columns = ["id", "source", "url", "text"]
        columns += [name for name in schema.signal_columns(kept) if name not in schema.MATCHING]
        first_row = 0
        for batch in read_batches(parquet, columns=columns, rows=_BATCH_ROWS):
            slice_of_clusters = None
            if clusters is not None:
                table = clusters.slice(first_row, batch.num_rows).combine_chunks()
                slice_of_clusters = table.to_batches()[0]
            first_row += batch.num_rows
            yield batch, slice_of_clusters


class _Merge(beam.CombineFn):
    """Adds summaries up one by one, so that a worker holds two of them at a time."""

    def create_accumulator(self) -> Figures:
        return Figures()

    def add_input(self, merged: Figures, part: Figures) -> Figures:
        merged.merge(part)
        return merged

    def merge_accumulators(self, parts: Iterable[Figures]) -> Figures:
        merged = Figures()
        for part in parts:
            merged.merge(part)
        return merged

    def extract_output(self, merged: Figures) -> Figures:
        return merged


def _write(figures: Figures, *, output: str, fingerprint: str) -> ShardRecord:
    documents = figures.documents
    figures.sample.fit(_PAGE_BYTES)
    folder = storage.join(output, STAGE)
    written = storage.write_compact_json(storage.join(folder, FIGURES), figures.as_json())
    files = [OutputFile.of(output, written, rows=documents)]
    rows = figures.sample.table()
    if rows is not None:
        with storage.whole_file(storage.join(folder, SAMPLE)) as (file, sampled):
            pq.write_table(rows, file, compression="zstd")
        files.append(OutputFile.of(output, sampled, rows=rows.num_rows))
    record = ShardRecord(
        name=STAGE,
        fingerprint=fingerprint,
        files=files,
        counters=Counters(read=documents, written=documents),
    )
    StageRecords(output, STAGE).commit(record)
    return record


def load(recipe: Recipe, selection: Mapping[str, Any] | None) -> tuple[Figures, dict[str, Any]]:
    """Return the figures, and the report under the thresholds of ``selection`` or the recipe."""
    folder = storage.join(recipe.output, STAGE)
    rows = None
    if storage.exists(storage.join(folder, SAMPLE)):
        with storage.open_stored(storage.join(folder, SAMPLE)) as stored:
            rows = pq.ParquetFile(stored).read()
    figures = Figures.from_json(storage.read_json(storage.join(folder, FIGURES)), rows)
    content = figures.finish(
        selection["thresholds"] if selection else thresholds(recipe),
        smallest=recipe.buckets.smallest,
        largest=recipe.buckets.largest,
    )
    for signal in content["signals"]:
        number = figures.numbers.get(signal["name"])
        signal["suggestions"] = {
            "published": published().get(signal["name"], []),
            "valley": valley(number.sketch) if number else None,
        }
    scored = StageRecords(recipe.output, "score").manifest() or {}
    about = {"name": recipe.name, "read": scored.get("counters"), "selection": selection}
    return figures, {**about, **content}


def thresholds(recipe: Recipe) -> list[dict[str, Any]]:
    """Return the rules in force, as the report shows them."""
    return [
        {
            "signal": rule.signal,
            "set": rule.origin,
            **_told(rule.bounds),
            "languages": {
                code: None if bounds is None else _told(bounds)
                for code, bounds in rule.languages.items()
            },
            "keep_null": rule.keep_null,
        }
        for rule in recipe.rules.thresholds()
    ]


def _told(bounds: Bounds | None) -> dict[str, float | None]:
    return {"min": bounds.min, "max": bounds.max} if bounds else {"min": None, "max": None}


def write_page(recipe: Recipe, selection: Mapping[str, Any] | None) -> dict[str, Any]:
    """Write ``report.html`` and ``report.json`` from the figures; no document is read again."""
    figures, content = load(recipe, selection)
    storage.write_json(storage.join(recipe.output, "report.json"), content)
    page = render(content, figures.sample)
    storage.write_text(storage.join(recipe.output, "report.html"), page)
    return content


def as_text(content: Mapping[str, Any]) -> str:
    """Return the report for a terminal."""
    return render_text(content)
