"""A file of an output against its record: size, checksum, rows, schema; its columns in batches."""

import itertools
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import pyarrow as pa
import pyarrow.parquet as pq
import xxhash

from pipelines import storage
from pipelines.audit.discrepancy import DiscrepancyError, parsed, same
from pipelines.manifest import OutputFile

_BLOCK_BYTES = 1 << 20
_BATCH_ROWS = 16_384


def check_bytes(output: str, file: OutputFile, *, checksum: bool) -> None:
    """Check a file's size and, if asked for, every byte of it.

    Raises:
        DiscrepancyError: it is missing or another one.
    """
    path = storage.join(output, file.path)
    size = storage.size(path)
    if size is None:
        raise DiscrepancyError(path, "file", expected=f"one of {file.bytes:,} bytes", found="none")
    same(path, "bytes", expected=file.bytes, found=size)
    if not checksum:
        return
    digest = xxhash.xxh3_128()
    with storage.open_stored(path) as stored:
        while block := stored.read(_BLOCK_BYTES):
            digest.update(block)
    same(path, "checksum", expected=file.checksum, found=digest.hexdigest())


@contextmanager
def opened(path: str) -> Iterator[pq.ParquetFile]:
    """Open a Parquet file whose pages are checked as they are read.

    Raises:
        DiscrepancyError: it is none.
    """
    with storage.open_stored(path) as stored:
        yield parsed(
            path, "Parquet", lambda: pq.ParquetFile(stored, page_checksum_verification=True)
        )


def check_parquet(path: str, file: OutputFile, schema: pa.Schema) -> None:
    """Check the rows and the schema of a file by its footer.

    Raises:
        DiscrepancyError: they are others.
    """
    with opened(path) as parquet:
        same(path, "rows", expected=file.rows, found=parquet.metadata.num_rows)
        check_schema(path, parquet.schema_arrow, schema)


def check_schema(path: str, found: pa.Schema, expected: pa.Schema) -> None:
    """Check names, types and order of columns, and which may be null.

    Raises:
        DiscrepancyError: they are others.
    """
    for place, (there, wanted) in enumerate(itertools.zip_longest(found, expected), start=1):
        if there is None or wanted is None or not there.equals(wanted):
            raise DiscrepancyError(
                path, f"column {place}", expected=_told(wanted), found=_told(there)
            )


def _told(column: pa.Field | None) -> str:
    if column is None:
        return "none"
    return f"{column.name}: {column.type}{'' if column.nullable else ' not null'}"


def batches(path: str, columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
    """Yield some columns of a file, a batch of rows at a time.

    Raises:
        DiscrepancyError: the file is damaged or lacks a column.
    """
    with opened(path) as parquet:
        for name in columns:
            if name not in parquet.schema_arrow.names:
                raise DiscrepancyError(path, "columns", expected=f"one named {name}", found="none")
        rows = parquet.iter_batches(batch_size=_BATCH_ROWS, columns=list(columns))
        while (batch := parsed(path, "whole pages", lambda: next(rows, None))) is not None:
            yield batch


def column(path: str, name: str) -> pa.Array:
    """Return a whole column of one file.

    Raises:
        DiscrepancyError: as :func:`batches`.
    """
    with opened(path) as parquet:
        kind = parquet.schema_arrow.field(name).type if name in parquet.schema_arrow.names else None
    chunks = [batch.column(0) for batch in batches(path, [name])]
    return pa.chunked_array(chunks, kind).combine_chunks()
