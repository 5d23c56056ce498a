"""The `report` stage: a bounded summary of every signal, merged over all files, and its page."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import apache_beam as beam
import pyarrow as pa
import pyarrow.parquet as pq

from pipelines import schema, storage
from pipelines.counters import Counters
from pipelines.dedup import ScoredFile
from pipelines.manifest import OutputFile, ShardRecord, StageRecords
from pipelines.recipe import Recipe
from pipelines.report_figures import Figures
from pipelines.report_page import render, render_text
from pipelines.shard_files import read_batches

STAGE = "report"
FIGURES = "figures.json"
_BATCH_ROWS = 2_048


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
            | "Merge" >> beam.CombineGlobally(_merge)
            | "Write" >> beam.Map(_write, output=self._output, fingerprint=self._fingerprint)
        )


def _figures(file: ScoredFile, *, output: str, with_clusters: bool) -> Figures:
    figures = Figures()
    for batch, clusters in _batches(file, output, with_clusters=with_clusters):
        figures.add(batch, clusters)
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


def _merge(parts: Iterable[Figures]) -> Figures:
    merged = Figures()
    for part in parts:
        merged.merge(part)
    return merged


def _write(figures: Figures, *, output: str, fingerprint: str) -> ShardRecord:
    documents = figures.documents
    written = storage.write_compact_json(storage.join(output, "report", FIGURES), figures.as_json())
    record = ShardRecord(
        name=STAGE,
        fingerprint=fingerprint,
        files=[OutputFile.of(output, written, rows=documents)],
        counters=Counters(read=documents, written=documents),
    )
    StageRecords(output, STAGE).commit(record)
    return record


def load(recipe: Recipe, selection: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return the report under the thresholds of ``selection``, or else of the recipe."""
    content = storage.read_json(storage.join(recipe.output, "report", FIGURES))
    rules = selection["thresholds"] if selection else thresholds(recipe)
    return Figures.from_json(content).finish(rules)


def thresholds(recipe: Recipe) -> list[dict[str, Any]]:
    """Return the rules in force for all languages, as the report shows them."""
    return [
        {
            "signal": rule.signal,
            "set": rule.origin,
            "min": rule.bounds.min,
            "max": rule.bounds.max,
        }
        for rule in recipe.rules.thresholds()
        if rule.bounds is not None
    ]


def write_page(recipe: Recipe, selection: Mapping[str, Any] | None) -> dict[str, Any]:
    """Write ``report.html`` and ``report.json`` from the figures; no document is read again."""
    content = load(recipe, selection)
    storage.write_json(storage.join(recipe.output, "report.json"), content)
    page = render(content, selection, title=recipe.name)
    storage.write_text(storage.join(recipe.output, "report.html"), page)
    return content


def as_text(content: Mapping[str, Any], selection: Mapping[str, Any] | None) -> str:
    """Return the report for a terminal."""
    return render_text(content, selection)
