"""The documents that `score`, `dedup` and `passages` wrote, against their records."""

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipelines import schema, storage
from pipelines.audit.discrepancy import DiscrepancyError, parsed, same
from pipelines.audit.files import batches, check_parquet, check_schema, column, opened
from pipelines.audit.ledger import Numbers
from pipelines.audit.records import RecordedStage
from pipelines.cluster_members import cluster_names, numbers_of
from pipelines.document_scorer import DocumentScorer
from pipelines.manifest import OutputFile, ShardRecord
from pipelines.passages import NO_TEXT


@dataclass(frozen=True, slots=True, kw_only=True)
class Auditor:
    """Checks the shards of an output.

    Attributes:
        output: The output folder.
        scored: The stage `score`.
        schema: Of all its documents.
    """

    output: str
    scored: RecordedStage
    schema: pa.Schema

    @classmethod
    def of(cls, scored: RecordedStage) -> "Auditor":
        """Take the schema from the recipe, or for another version's scores from the first file."""
        if scored.is_of_this_version:
            signals = parsed(scored.path, "a recipe", lambda: DocumentScorer(scored.recipe).signals)
            return cls(output=scored.output, scored=scored, schema=schema.scored(signals))
        document = pa.schema(schema.DOCUMENT)
        files = [file for shard in scored.shards for file in shard.files]
        first = next((file for file in files if file.path.startswith("scored/")), None)
        if first is None:
            return cls(output=scored.output, scored=scored, schema=document)
        path = storage.join(scored.output, first.path)
        with opened(path) as parquet:
            found = parquet.schema_arrow
        check_schema(path, pa.schema(list(found)[: len(document)]), document)
        return cls(output=scored.output, scored=scored, schema=found)

    def path(self, file: OutputFile) -> str:
        """Return the path of a file."""
        return storage.join(self.output, file.path)

    def file_in(self, folder: str, shard: ShardRecord) -> OutputFile | None:
        """Return the file of a shard in a folder, or None if there is none.

        Raises:
            DiscrepancyError: there are more.
        """
        found = [file for file in shard.files if file.path.startswith(f"{folder}/")]
        if len(found) > 1:
            more = found[1].path
            raise DiscrepancyError(self.path(found[0]), "shard", expected="one file", found=more)
        return found[0] if found else None

    def required_in(self, folder: str, shard: ShardRecord) -> OutputFile:
        """Return the file of a shard in a folder.

        Raises:
            DiscrepancyError: there is none, or more.
        """
        file = self.file_in(folder, shard)
        if file is None:
            path = storage.join(self.output, folder, f"{shard.name}.parquet")
            raise DiscrepancyError(path, "file", expected="one that the record names", found="none")
        return file

    def check_scored(self, shard: ShardRecord) -> None:
        """Check what `score` made of a shard: documents, gated records and errors by reason.

        Raises:
            DiscrepancyError: rows, schema or counts are others, or an id is there twice.
        """
        counters = shard.counters
        file = self.required_in("scored", shard)
        path = self.path(file)
        check_parquet(path, file, self.schema)
        same(path, "rows (documents out)", expected=counters.written, found=file.rows)
        numbers = id_numbers(path, column(path, "id"))
        distinct = len(np.unique(numbers, axis=0))
        same(path, "distinct ids", expected=file.rows, found=distinct)
        self._check_gated(shard)
        self._check_errors(shard)

    def _check_gated(self, shard: ShardRecord) -> None:
        gated = self.file_in("gated", shard)
        found: Counter[str] = Counter()
        path = storage.join(self.output, "gated", f"{shard.name}.parquet")
        if gated is not None:
            path = self.path(gated)
            check_parquet(path, gated, schema.GATED)
            for batch in batches(path, ["reason"]):
                found.update(batch["reason"].to_pylist())
        same(path, "gated by reason", expected=dict(shard.counters.gated), found=dict(found))

    def _check_errors(self, shard: ShardRecord) -> None:
        errors = self.file_in("errors", shard)
        found: Counter[str] = Counter()
        path = storage.join(self.output, "errors", "score", f"{shard.name}.jsonl")
        if errors is not None:
            path = self.path(errors)
            found.update(_errors_by_reason(path))
            same(path, "rows", expected=errors.rows, found=found.total())
        same(path, "errors by reason", expected=dict(shard.counters.errors), found=dict(found))

    def check_clustered(self, shard: ShardRecord) -> None:
        """Check the clusters of a shard: a row for each scored document, in their order.

        Raises:
            DiscrepancyError: rows, schema or counts are others, or a row is of another document.
        """
        counters = shard.counters
        file = self.required_in("clusters", shard)
        path = self.path(file)
        check_parquet(path, file, schema.CLUSTERS)
        same(path, "rows (documents in)", expected=counters.read, found=file.rows)
        kept, reasons, first_row = 0, Counter[str](), 0
        ids = column(storage.join(self.output, "scored", f"{shard.name}.parquet"), "id")
        same(path, "rows (documents scored)", expected=len(ids), found=file.rows)
        for batch in batches(path, schema.CLUSTERS.names):
            _check_rows(path, first_row, batch, ids.slice(first_row, batch.num_rows))
            first_row += batch.num_rows
            kept += pc.sum(batch["keep"]).as_py() or 0
            reasons.update(batch["reason"].drop_null().to_pylist())
        same(path, "keepers (documents out)", expected=counters.written, found=kept)
        same(path, "duplicates by reason", expected=dict(counters.gated), found=dict(reasons))

    def check_passages(self, shard: ShardRecord) -> None:
        """Check the documents without repeated passages of a shard.

        Raises:
            DiscrepancyError: rows, schema or counts are others, or a document was never scored.
        """
        counters = shard.counters
        file = self.required_in("passages", shard)
        path = self.path(file)
        check_parquet(path, file, schema.WITHOUT_PASSAGES)
        same(path, "rows (documents out)", expected=counters.written, found=file.rows)
        same(
            path,
            "gated by reason",
            expected=dict(counters.gated),
            found={NO_TEXT: left} if (left := counters.read - file.rows) else {},
        )
        ids = column(storage.join(self.output, "scored", f"{shard.name}.parquet"), "id")
        removed = {name: f"removed.{name}" for name in sorted(shard.figures)}
        found = dict.fromkeys(removed, 0)
        for batch in batches(path, ["id", *removed.values()]):
            strange = batch["id"].filter(pc.invert(pc.is_in(batch["id"], ids)))
            if len(strange):
                told = strange[0].as_py()
                raise DiscrepancyError(path, "document", expected="one that was scored", found=told)
            for name, of_column in removed.items():
                found[name] += pc.sum(batch[of_column]).as_py() or 0
        same(path, "removed", expected=dict(shard.figures), found=found)


def _errors_by_reason(path: str) -> Iterator[str]:
    with storage.open_stored(path) as stored:
        for number, line in enumerate(stored, start=1):
            yield parsed(f"{path}:{number}", "an error as JSON", partial(_reason_of, line))


def _reason_of(line: bytes) -> str:
    row = json.loads(line)
    return f"{row['step']}.{row['exception']}"


def _check_rows(path: str, first_row: int, batch: pa.RecordBatch, ids: pa.Array) -> None:
    """Check that rows of clusters are those of the documents, and keepers those of clusters."""
    differ = np.flatnonzero(pc.not_equal(batch["document"], ids).to_numpy(zero_copy_only=False))
    if differ.size:
        row = int(differ[0])
        same(
            path,
            f"row {first_row + row}",
            expected=ids[row].as_py(),
            found=batch["document"][row].as_py(),
        )
    keep = batch["keep"].to_numpy(zero_copy_only=False)
    names = cluster_names(id_numbers(path, batch["document"]))
    wrong = (
        (keep != (batch["rank"].to_numpy() == 0), "keep", "true for the first of a cluster alone"),
        (keep & (names != batch["cluster"].to_numpy()), "cluster", "named after its keeper"),
        (
            keep != pc.is_null(batch["reason"]).to_numpy(zero_copy_only=False),
            "reason",
            "one for each that is not the keeper",
        ),
    )
    for mask, name, expected in wrong:
        rows = np.flatnonzero(mask)
        if rows.size:
            row = int(rows[0])
            found = batch[name][row].as_py()
            raise DiscrepancyError(
                path, f"row {first_row + row}, {name}", expected=expected, found=found
            )


def id_numbers(path: str, ids: pa.Array) -> Numbers:
    """Return ids as two numbers each, shape (n, 2).

    Raises:
        DiscrepancyError: one is no id.
    """
    numbers = parsed(path, "ids of 32 hexadecimal digits", lambda: numbers_of(ids))
    same(path, "ids of 32 hexadecimal digits", expected=len(ids), found=len(numbers))
    return numbers
