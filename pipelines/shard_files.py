"""Writers of a shard's output files: Parquet by columns, JSON by lines; whole or not at all."""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from typing import Any, Self

import pyarrow as pa
import pyarrow.parquet as pq

from pipelines import schema, storage
from pipelines.manifest import OutputFile

# Rows are written in groups of about this many bytes of text: large enough to compress well and
# small enough that a shard is written in bounded memory and read as a stream.
ROW_GROUP_BYTES = 8 * 1024 * 1024
ROW_GROUP_ROWS = 20_000
_LARGE_COLUMNS = ("text", "metadata", *schema.MATCHING)


def read_batches(
    parquet: pq.ParquetFile, *, columns: Sequence[str], rows: int
) -> Iterator[pa.RecordBatch]:
    """Yield batches of at most ``rows`` rows, none across row groups, whose size is bounded."""
    for group in range(parquet.num_row_groups):
        yield from parquet.iter_batches(batch_size=rows, row_groups=[group], columns=columns)


class _ShardFile:
    """Opens its file at the first row: no rows, no file."""

    def __init__(self, output: str, path: str) -> None:
        self._output = output
        self._path = storage.join(output, path)
        self._stack = ExitStack()
        self._file: Any = None
        self._written: storage.WrittenFile | None = None
        self.rows = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: Any) -> None:
        if error[0] is None:
            self._finish()
        self._stack.__exit__(*error)

    def _finish(self) -> None:
        """Write what is still held back."""

    def _open(self) -> Any:
        if self._file is None:
            self._file, self._written = self._stack.enter_context(storage.whole_file(self._path))
        return self._file

    @property
    def output_files(self) -> list[OutputFile]:
        """The finished file, as a list of one or, where there was no row, of none."""
        if self._written is None:
            return []
        return [OutputFile.of(self._output, self._written, self.rows)]


class JsonLinesFile(_ShardFile):
    """A file of JSON lines."""

    def add(self, row: Mapping[str, Any]) -> None:
        """Write one row."""
        line = json.dumps(row, ensure_ascii=False)
        self._open().write(line.encode("utf-8", "replace") + b"\n")
        self.rows += 1


class ParquetFile(_ShardFile):
    """A Parquet file with one schema, zstd, statistics and page index."""

    def __init__(
        self,
        output: str,
        path: str,
        schema: pa.Schema,
        *,
        even_empty: bool = False,
        row_group_bytes: int = ROW_GROUP_BYTES,
    ) -> None:
        super().__init__(output, path)
        self._row_group_bytes = row_group_bytes
        self._schema = schema
        self._columns: dict[str, list[Any]] = {name: [] for name in schema.names}
        self._held_bytes = 0
        self._batches: list[pa.RecordBatch] = []
        self._batch_bytes = 0
        self._writer: pq.ParquetWriter | None = None
        self._even_empty = even_empty

    def add(self, row: Mapping[str, Any], *, size: int = 0) -> None:
        """Add one row; ``size`` is about what it weighs in bytes."""
        for name, column in self._columns.items():
            column.append(row[name])
        self._held_bytes += size
        held_rows = len(next(iter(self._columns.values())))
        if self._held_bytes >= self._row_group_bytes or held_rows >= ROW_GROUP_ROWS:
            self._flush()

    def add_batch(self, batch: pa.RecordBatch) -> None:
        """Add the rows of a batch of the file's schema.

        A row group ends when it has its size, wherever in a batch that is: rows are taken to weigh
        what they do on average in their batch.
        """
        while batch.num_rows:
            room = self._row_group_bytes - self._batch_bytes
            part = batch.slice(0, max(1, room * batch.num_rows // max(1, batch.nbytes)))
            self._batches.append(part)
            self._batch_bytes += part.nbytes
            if self._batch_bytes >= self._row_group_bytes:
                self._write_batches()
            batch = batch.slice(part.num_rows)

    @property
    def bytes_written(self) -> int:
        """How large the file is by now; rows that are held back are not in it."""
        return 0 if self._file is None else int(self._file.tell())

    def _write_batches(self) -> None:
        if self._batches:
            self._write_row_group(pa.Table.from_batches(self._batches, self._schema))
            self._batches = []
            self._batch_bytes = 0

    def _write_row_group(self, table: pa.Table) -> None:
        self._parquet().write_table(table)
        self.rows += table.num_rows
        del table
        # What the pool keeps of a row group is of no use to the texts that come next.
        pa.default_memory_pool().release_unused()

    def _parquet(self) -> pq.ParquetWriter:
        if self._writer is None:
            self._writer = pq.ParquetWriter(
                self._open(),
                self._schema,
                compression="zstd",
                write_statistics=[
                    name for name in self._schema.names if name not in _LARGE_COLUMNS
                ],
                write_page_index=True,
                write_page_checksum=True,
                use_dictionary=[
                    field.name
                    for field in self._schema
                    if pa.types.is_string(field.type)
                    and field.name not in ("id", "text", "document")
                ],
                # Token ids: smaller than any other encoding, and read four times as fast as plain.
                column_encoding={
                    f"{field.name}.list.element": "BYTE_STREAM_SPLIT"
                    for field in self._schema
                    if pa.types.is_fixed_size_list(field.type)
                },
            )
        return self._writer

    def _flush(self) -> None:
        held = next(iter(self._columns.values()))
        if held:
            self._write_row_group(pa.Table.from_pydict(self._columns, self._schema))
            self._columns = {name: [] for name in self._schema.names}
            self._held_bytes = 0

    def _finish(self) -> None:
        self._flush()
        self._write_batches()
        if self._even_empty:
            self._parquet()
        if self._writer is not None:
            self._writer.close()
