"""Reads documents that are one JSON object a line (JSON Lines), plain or compressed."""

import errno
import gzip
import io
import json
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import IO, Any, BinaryIO, cast

import pyarrow as pa

from pipelines.readers.records import FailedRecord, GatedRecord, Place, ReaderItem, Record

__all__ = [
    "STREAM_ERRORS",
    "JsonlReader",
    "as_text",
    "is_file_system_error",
    "open_decompressed",
    "parse_date",
]

STREAM_ERRORS = (OSError, EOFError, zlib.error, ValueError)
"""What the decompressors raise for damaged data; OSError also stands for the file system's own
errors, which :func:`is_file_system_error` tells apart."""
MILLISECONDS = 1e11
"""An epoch time above this (year 5138 in seconds) is in milliseconds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JsonlReader:
    """Reads a file of JSON objects, one a line; gzip and Zstandard are known by their first bytes.

    Fields are named as in the object, with points for nested ones (``meta.url``); a key that holds
    the point itself is found first. Other scalars of the top level go to the metadata as text.

    Attributes:
        text: The field of the text.
        id: The field of the record's own id; the line number stands for it where it is missing.
        url: The field of the address.
        date: The field of the date: ISO 8601, or seconds or milliseconds since 1970. A time without
            zone is taken as UTC.
        max_record_bytes: A longer line is gated as ``record_bytes`` and never held in memory.
    """

    text: str = "text"
    id: str = "id"
    url: str = "url"
    date: str = "date"
    max_record_bytes: int = 50_000_000

    def __post_init__(self) -> None:
        if not self.text:
            raise ValueError("text: name the field that holds the text")
        if self.max_record_bytes < 1:
            raise ValueError(f"max_record_bytes must be 1 or more, not {self.max_record_bytes}")

    def read(self, file: BinaryIO, source: str) -> Iterator[ReaderItem]:
        """Yield one item for each line that is not blank."""
        number = -1
        try:
            lines = _lines(open_decompressed(file), self.max_record_bytes)
            for number, line in lines:
                place = Place(source=source, offset=number, record_id=str(number))
                if line is None:
                    yield GatedRecord(place=place, reason="record_bytes")
                elif line.strip():
                    yield self._item(line.rstrip(b"\r\n"), place)
        except STREAM_ERRORS as error:
            if is_file_system_error(error):
                raise
            yield FailedRecord(
                place=Place(source=source, offset=number + 1),
                step="read",
                exception=type(error).__name__,
                message=f"the file cannot be decompressed from here on: {error}",
            )

    def _item(self, line: bytes, place: Place) -> ReaderItem:
        try:
            value = json.loads(line.decode("utf-8-sig" if place.offset == 0 else "utf-8"))
        except UnicodeDecodeError as error:
            return _failed(place, "decode", error, f"the line is not UTF-8: {error.reason}")
        except (ValueError, RecursionError) as error:
            return _failed(place, "read", error, f"the line is not JSON: {error}")
        if not isinstance(value, dict):
            kind = type(value).__name__
            return _failed(place, "read", TypeError(), f"the line is a JSON {kind}, not an object")
        record_id, url = _field(value, self.id), _field(value, self.url)
        place = Place(
            source=place.source,
            offset=place.offset,
            record_id=as_text(record_id) or place.record_id,
            url=as_text(url) or None,
        )
        text = _field(value, self.text)
        if text is None and self.text in value:
            return GatedRecord(place=place, reason="empty")
        if text is None:
            names = ", ".join(list(value)[:20]) or "none"
            return _failed(
                place, "read", KeyError(), f"no field {self.text!r}; the fields are: {names}"
            )
        if not isinstance(text, str):
            kind = type(text).__name__
            return _failed(place, "read", TypeError(), f"field {self.text!r} is {kind}, not text")
        if text != without_surrogates(text):
            return _failed(place, "decode", UnicodeError(), "the text holds half a surrogate pair")
        if not text.strip():
            return GatedRecord(place=place, reason="empty")
        moment = parse_date(_field(value, self.date))
        taken = {self.text, self.id, self.url} | ({self.date} if moment else set())
        return Record(
            place=place,
            content=text,
            media_type="text/plain",
            date=moment,
            metadata=_metadata(value, taken),
        )


def open_decompressed(file: BinaryIO) -> BinaryIO:
    """Open a gzip or Zstandard file, known by its magic bytes, as its content; any other as it is.

    Damaged data raises one of :data:`STREAM_ERRORS` when it is read, also data that are cut short.
    """
    magic = file.read(4)
    file.seek(0)
    if magic.startswith(b"\x1f\x8b"):
        return cast(BinaryIO, gzip.GzipFile(fileobj=file))
    if magic == b"\x28\xb5\x2f\xfd":
        # Arrow's stream, because that of the zstandard package ends a cut file without an error.
        stream = pa.CompressedInputStream(pa.PythonFile(_Lent(file), mode="r"), "zstd")
        return cast(BinaryIO, io.BufferedReader(stream))
    return file


class _Lent:
    """A file for Arrow to read, which would close the file itself when it is done with it."""

    closed = False

    def __init__(self, file: BinaryIO) -> None:
        self.read = file.read

    def close(self) -> None:
        """Leave the file open."""


def is_file_system_error(error: BaseException) -> bool:
    """Whether an error is the file system's own, not one of the content.

    An error of the content has no number, or that of a seek to a place that damaged data name.
    """
    return isinstance(error, OSError) and error.errno not in (None, errno.EINVAL)


def parse_date(value: object) -> datetime | None:
    """Read a date as ISO 8601 text or as seconds or milliseconds since 1970; None if it is neither.

    >>> parse_date("2024-05-01T12:00:00Z") == parse_date(1714564800)
    True
    """
    try:
        if isinstance(value, str):
            moment = datetime.fromisoformat(value.strip())
        elif isinstance(value, int | float) and not isinstance(value, bool):
            seconds = value / 1000 if abs(value) > MILLISECONDS else value
            moment = datetime.fromtimestamp(seconds, tz=UTC)
        elif isinstance(value, datetime):
            moment = value
        else:
            return None
    except (ValueError, OverflowError, OSError):
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def as_text(value: object) -> str:
    """A scalar as text, as JSON writes it; empty for null and for what is no scalar."""
    if isinstance(value, str):
        return without_surrogates(value)
    return json.dumps(value) if isinstance(value, bool | int | float) else ""


def fact_as_text(value: object) -> str:
    """Any value as the text of a metadata field: text as it is, all else as JSON.

    >>> fact_as_text("en"), fact_as_text({"a": [1, None]})
    ('en', '{"a": [1, null]}')
    """
    if isinstance(value, str):
        return without_surrogates(value)
    return without_surrogates(json.dumps(value, ensure_ascii=False, default=str))


def without_surrogates(text: str) -> str:
    """Text with ``?`` for halves of surrogate pairs, which JSON may hold and UTF-8 may not."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode("utf-8")


def _lines(stream: IO[bytes], limit: int) -> Iterator[tuple[int, bytes | None]]:
    """Number each line; None stands for one that is longer than the limit."""
    number = 0
    while line := stream.readline(limit + 2):
        too_long = len(line.rstrip(b"\r\n")) > limit
        while not line.endswith(b"\n") and (rest := stream.readline(1 << 20)):
            line = rest
            too_long = True
        yield number, None if too_long else line
        number += 1


def _field(value: dict[str, Any], name: str) -> Any:
    if name in value:
        return value[name]
    found: Any = value
    for part in name.split("."):
        if not isinstance(found, dict) or part not in found:
            return None
        found = found[part]
    return found


def _metadata(value: dict[str, Any], taken: set[str]) -> dict[str, str]:
    for name in taken:
        _remove(value, name)
    return {
        without_surrogates(name): fact_as_text(field)
        for name, field in value.items()
        if field is not None
    }


def _remove(value: dict[str, Any], name: str) -> None:
    if name in value:
        del value[name]
        return
    first, _, rest = name.partition(".")
    inner = value.get(first)
    if isinstance(inner, dict):
        _remove(inner, rest)
        if not inner:
            del value[first]


def _failed(place: Place, step: str, error: Exception, message: str) -> FailedRecord:
    exception = type(error).__name__
    line = " ".join(message.split())[:500]
    return FailedRecord(place=place, step=step, exception=exception, message=line)
