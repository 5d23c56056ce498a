"""What a reader yields: a record, a record gated by its kind, or a record that can't be read.

Every candidate document of a dump leaves the reader as exactly one of the three, so that
``in = out + gated + errors`` holds from the first byte.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import BinaryIO, Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a record stands, so that a person can find it again.

    Attributes:
        source: The dump file's path as it was matched.
        offset: Byte offset of the record in the file as stored (for a compressed archive, of the
            compressed member); the line number from 0 for JSONL; the row number for Parquet; the
            index of the member for a zip or tar of books.
        record_id: The record's own id (``WARC-Record-ID``, book id, the JSONL id field), or what
            stands for one in that format. Empty if it could not be read.
        url: The address of the record, if it has one.
    """

    source: str
    offset: int
    record_id: str = ""
    url: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """One candidate document as it stands in a dump, before extraction.

    Attributes:
        place: Where it stands.
        content: Bytes to be decoded, or text that is decoded already.
        media_type: ``text/html``, ``application/xhtml+xml`` or ``text/plain``, lower case, without
            parameters.
        charset: The character set that the transport declared (HTTP header), if any.
        date: When it was captured, or published if that is all there is; with time zone.
        metadata: Further facts of the source (title, author, language, release date), text only.
        headers: The HTTP headers that declare how the page may be used
            (:data:`filters.declarations.HEADERS`), by lower-case name; None if no header is known.
    """

    place: Place
    content: bytes | str
    media_type: str
    charset: str | None = None
    date: datetime | None = None
    metadata: dict[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class GatedRecord:
    """A candidate that is no document by its kind, with a counted reason.

    Attributes:
        place: Where it stands.
        reason: ``http_status.404``, ``media_type.image/png``, ``empty``: a fixed word, a point and
            the value where there is one.
        bytes: The size of its text in UTF-8; None if it was left out before it had one.
        language: The code of its language, ``unknown`` if it could not be told; None if it was left
            out before that was asked.
        text: The text that was left out, where there is one and it is to be kept.
    """

    place: Place
    reason: str
    bytes: int | None = None
    language: str | None = None
    text: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FailedRecord:
    """A candidate that could not be read; goes to ``errors/``.

    Attributes:
        place: Where it stands.
        step: ``read``, ``decode``, ``extract``, ``score``, or the name of an edit or a step.
        exception: The exception's class name, or a fixed word such as ``TruncatedRecord``.
        message: What a person needs to know, one line.
    """

    place: Place
    step: str
    exception: str
    message: str


STEPS_BEFORE_TEXT = ("read", "decode", "extract")
"""The steps in which a record fails before it has a text."""

ReaderItem = Record | GatedRecord | FailedRecord


class Reader(Protocol):
    """Reads one file of a format as a stream, in memory that does not grow with the file.

    Implementations are small frozen dataclasses of the recipe's options; they pickle.
    """

    def read(self, file: BinaryIO, source: str) -> Iterator[ReaderItem]:
        """Yield every candidate document of ``file``.

        ``file`` is the file as stored (nothing is decompressed yet), open for reading and
        seekable. A fault in one record yields a :class:`FailedRecord` and reading goes on after it
        where the format lets it. A file that can't be read at all yields one FailedRecord at
        offset 0. Nothing is raised for bad content; errors of the file system itself are raised.
        """
        ...
