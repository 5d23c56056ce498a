"""Reads documents that are rows of a Parquet file."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, BinaryIO

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from pipelines.readers.jsonl import as_text, fact_as_text, is_file_system_error, parse_date
from pipelines.readers.records import FailedRecord, GatedRecord, Place, ReaderItem, Record

__all__ = ["ParquetReader"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ParquetReader:
    """Reads a Parquet file a batch of rows at a time.

    Columns are named with points for the fields of a struct (``metadata.url``).

    Attributes:
        text: The column of the text.
        id: The column of the record's own id; the row number stands for it where there is none.
        url: The column of the address.
        date: The column of the date: a date or timestamp (without zone taken as UTC), ISO 8601
            text, or seconds or milliseconds since 1970.
        metadata: Further columns to keep as metadata; None for all but those of bytes.
        batch_rows: How many rows are in memory at a time.
    """

    text: str = "text"
    id: str = "id"
    url: str = "url"
    date: str = "date"
    metadata: tuple[str, ...] | None = None
    batch_rows: int = 256

    def __post_init__(self) -> None:
        if not self.text:
            raise ValueError("text: name the column that holds the text")
        if self.batch_rows < 1:
            raise ValueError(f"batch_rows must be 1 or more, not {self.batch_rows}")

    def read(self, file: BinaryIO, source: str) -> Iterator[ReaderItem]:
        """Yield one item for each row."""
        row = 0
        try:
            with pq.ParquetFile(file) as parquet:
                schema = parquet.schema_arrow
                if problem := self._problem(schema):
                    yield _failed(source, 0, "MissingColumn", problem)
                    return
                named = (self.text, self.id, self.url, self.date)
                further = self.metadata
                if further is None:
                    # A struct of which a field is named is not taken whole beside it.
                    used = {name.partition(".")[0] for name in named} | set(named)
                    further = tuple(
                        field.name
                        for field in schema
                        if field.name not in used and not _holds_bytes(field.type)
                    )
                wanted = (*named, *further)
                columns = [name for name in dict.fromkeys(wanted) if _type(schema, name)]
                for batch in parquet.iter_batches(batch_size=self.batch_rows, columns=columns):
                    values = {name: _column(batch, name) for name in columns}
                    for index in range(batch.num_rows):
                        yield self._item(values, index, source, row, further)
                        row += 1
        except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
            if is_file_system_error(error):
                raise
            message = " ".join(str(error).split())
            yield _failed(source, row, type(error).__name__, f"not readable as Parquet: {message}")

    def _problem(self, schema: pa.Schema) -> str | None:
        kind = _type(schema, self.text)
        if kind is None:
            there = ", ".join(schema.names) or "none"
            return f"no column {self.text!r}; the columns are: {there}"
        if pa.types.is_dictionary(kind):
            kind = kind.value_type
        is_text = pa.types.is_string(kind) or pa.types.is_large_string(kind)
        if is_text or pa.types.is_binary(kind) or pa.types.is_large_binary(kind):
            return None
        return f"column {self.text!r} is {kind}, not text"

    def _item(
        self,
        columns: dict[str, pa.Array],
        index: int,
        source: str,
        row: int,
        further: tuple[str, ...],
    ) -> ReaderItem:
        try:
            values = {name: _value(column[index]) for name, column in columns.items()}
        except UnicodeDecodeError as error:
            message = f"a value is not UTF-8: {error.reason}"
            return _failed(source, row, type(error).__name__, message, step="decode")
        url = values.get(self.url)
        place = Place(
            source=source,
            offset=row,
            record_id=as_text(values.get(self.id)) or str(row),
            url=url if isinstance(url, str) and url else None,
        )
        text = values[self.text]
        if text is None or not text.strip():
            return GatedRecord(place=place, reason="empty")
        kept = {name: values[name] for name in further if values.get(name) is not None}
        return Record(
            place=place,
            content=text,
            media_type="text/plain",
            date=parse_date(values.get(self.date)),
            metadata={name: fact_as_text(value) for name, value in kept.items()},
        )


def _type(schema: pa.Schema, name: str) -> pa.DataType | None:
    """The type of a column, or of a field of a struct, or None if there is none of that name."""
    first, *rest = [name] if name in schema.names else name.split(".")
    if schema.names.count(first) != 1:
        return None
    kind = schema.field(first).type
    for part in rest:
        if not pa.types.is_struct(kind) or kind.get_field_index(part) < 0:
            return None
        kind = kind.field(part).type
    return kind


def _holds_bytes(kind: pa.DataType) -> bool:
    return bool(pa.types.is_binary(kind) or pa.types.is_large_binary(kind))


def _column(batch: pa.RecordBatch, name: str) -> pa.Array:
    first, *rest = [name] if name in batch.schema.names else name.split(".")
    column = batch.column(first)
    for part in rest:
        column = pc.struct_field(column, part)
    if pa.types.is_timestamp(column.type):
        # Python's datetime has no nanoseconds, and need not know the file's time zone.
        zone = "UTC" if column.type.tz else None
        return column.cast(pa.timestamp("us", tz=zone), safe=False)
    return column


def _value(scalar: pa.Scalar) -> Any:
    value = scalar.as_py()
    if isinstance(value, bytes):
        return value.decode("utf-8")
    if hasattr(value, "isoformat"):
        return value.isoformat()
    return value


def _failed(
    source: str, row: int, exception: str, message: str, *, step: str = "read"
) -> FailedRecord:
    place = Place(source=source, offset=row, record_id=str(row))
    line = " ".join(message.split())[:500]
    return FailedRecord(place=place, step=step, exception=exception, message=line)
