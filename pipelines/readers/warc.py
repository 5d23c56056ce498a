"""Reads web archives: WARC, WET and ARC files, whatever their compression, and WACZ packages.

The promise is to lose nothing and to say why. A fault costs the record that it hits: that record
leaves as a FailedRecord, and reading goes on at the next header that can be recognised.
"""

import re
import struct
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta, timezone
from typing import BinaryIO, cast

from filters.declarations import HEADERS
from pipelines.readers.arc import ArcSyntax
from pipelines.readers.archive import ARCHIVE_ERRORS
from pipelines.readers.compression import Fault, Piece, read_pieces
from pipelines.readers.framing import Frame, Header, read_frames
from pipelines.readers.http import (
    BodyTooLargeError,
    Response,
    UndecodableBodyError,
    decode_body,
    has_whole_head,
    looks_like_html,
    parse_content_type,
    parse_response,
)
from pipelines.readers.jsonl import is_file_system_error
from pipelines.readers.records import FailedRecord, GatedRecord, Place, ReaderItem, Record

CANDIDATES = frozenset({"response", "resource", "conversion"})
"""The record types that hold a document. The others (warcinfo, request, metadata, revisit,
continuation, an ARC's file description) speak of one, and are passed over."""

MEDIA_TYPES = frozenset({"text/html", "application/xhtml+xml", "text/plain"})
"""The media types that text is extracted from."""

_WEB_SCHEMES = ("http://", "https://")
_SCHEME = re.compile(r"([a-z][a-z0-9+.-]{0,20}):", re.IGNORECASE)
_ZIP_MAGIC = b"PK\x03\x04"
_ARCHIVE = re.compile(r"archive/[^/].*\.w?arc(?:\.gz|\.zst|\.lz4)?", re.IGNORECASE)
_VERSION = rb"WARC/\d+\.\d+[ \t]*\r?\n"
_DATE = re.compile(
    r"(\d{4})(?:-?(\d\d)(?:-?(\d\d)(?:[T ]?(\d\d):?(\d\d)(?::?(\d\d)(?:[.,](\d{1,9}))?)?)?)?)?"
    r"\s*(Z|[+-]\d\d:?\d\d)?",
    re.IGNORECASE,
)


class WarcSyntax:
    """How WARC headers look; see :class:`pipelines.readers.framing.Syntax`.

    Versions other than 0.17 to 1.1 are read alike: all share the form of ISO 28500, 4.
    """

    start = re.compile(_VERSION, re.IGNORECASE)
    opening = re.compile(rb"W(?:A(?:R(?:C(?:/[0-9.]*\s*)?)?)?)?\Z", re.IGNORECASE)
    # A writer that died in a record and was started again goes on in the middle of a line.
    certain = re.compile(
        rb"(?m:^)%b[A-Za-z-]+[ \t]*:|%b(?:WARC|Content)-[A-Za-z-]+[ \t]*:" % (_VERSION, _VERSION),
        re.IGNORECASE,
    )
    end = re.compile(rb"\n(?:\r?\n|(?=%b))" % _VERSION, re.IGNORECASE)

    def parse(self, header: bytes) -> Header:
        r"""Read a header: of a repeated field, the first counts.

        >>> header = WarcSyntax().parse(
        ...     b"WARC/1.0\r\nwarc-type: Response\r\nWARC-Target-URI: <http://a.org/>\r\n\r\n"
        ... )
        >>> header.kind, header.url, header.length
        ('response', 'http://a.org/', None)
        """
        fields = _parse_fields(header)
        length = fields.get("content-length", "")
        metadata = {
            name: fields[field]
            for name, field in (
                ("identified_language", "warc-identified-content-language"),
                ("truncated", "warc-truncated"),
            )
            if fields.get(field)
        }
        return Header(
            kind=fields.get("warc-type", "").lower(),
            record_id=_without_brackets(fields.get("warc-record-id", "")),
            url=_without_brackets(fields.get("warc-target-uri", "")) or None,
            date=parse_date(fields.get("warc-date", "")),
            length=int(length) if re.fullmatch(r"[0-9]{1,18}", length) else None,
            content_type=fields.get("content-type", ""),
            metadata=metadata,
        )


def _parse_fields(header: bytes) -> dict[str, str]:
    fields: dict[str, str] = {}
    name = ""
    for line in header.split(b"\n")[1:]:
        text = line.decode("utf-8", "replace").rstrip()
        if text[:1] in (" ", "\t") and name:
            fields[name] = f"{fields[name]} {text.strip()}".strip()
            continue
        name, colon, value = text.partition(":")
        name = name.strip().lower()
        if not colon or name in fields:
            name = ""
            continue
        fields[name] = value.strip()
    return fields


def _without_brackets(value: str) -> str:
    """Strip the angle brackets which WARC 1.0 draws around a URI (ISO 28500:2009, 4)."""
    return value[1:-1].strip() if value.startswith("<") and value.endswith(">") else value


def parse_date(text: str) -> datetime | None:
    """Read a W3C date and time of any precision; None if it is none.

    >>> parse_date("2014-01").isoformat()
    '2014-01-01T00:00:00+00:00'
    """
    match = _DATE.fullmatch(text.strip())
    if match is None:
        return None
    year, month, day, hour, minute, second, fraction, zone = match.groups()
    offset = timedelta()
    if zone and zone.upper() != "Z":
        digits = zone[1:].replace(":", "")
        offset = timedelta(hours=int(digits[:2]), minutes=int(digits[2:]))
    try:
        return datetime(
            int(year),
            int(month or 1),
            int(day or 1),
            int(hour or 0),
            int(minute or 0),
            int(second or 0),
            int((fraction or "0")[:6].ljust(6, "0")),
            tzinfo=timezone(-offset if zone and zone[0] == "-" else offset) if offset else UTC,
        )
    except ValueError:
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class WarcReader:
    """Reads WARC, WET, ARC and WACZ files; what a file is, its content tells.

    Candidates are the records of :data:`CANDIDATES`; every other record is passed over. One that is
    cut short yields a FailedRecord, as its file is cut there.

    Attributes:
        max_record_bytes: Larger records, before or after their body is decoded, are gated with
            ``record_bytes`` and not held in memory.
    """

    max_record_bytes: int = 20_000_000

    def __post_init__(self) -> None:
        if self.max_record_bytes < 1:
            raise ValueError(f"max_record_bytes must be at least 1, not {self.max_record_bytes}")

    def read(self, file: BinaryIO, source: str) -> Iterator[ReaderItem]:
        """Yield every candidate of ``file``; see :class:`pipelines.readers.records.Reader`."""
        for pieces in _archives(file):
            frames = read_frames(
                pieces,
                syntaxes=(WarcSyntax(), ArcSyntax()),
                wanted=CANDIDATES,
                max_block_bytes=self.max_record_bytes,
            )
            for frame in frames:
                if isinstance(frame, Fault):
                    place = Place(source=source, offset=frame.offset)
                    yield _failed(place, frame.exception, frame.message)
                else:
                    yield from self._items(frame, source)

    def _items(self, frame: Frame, source: str) -> Iterator[ReaderItem]:
        surplus = 0 if frame.cut else _surplus(frame)
        if surplus and frame.block is not None:
            frame = replace(frame, block=frame.block[:-surplus], wrong_length=False)
        item = self._item(frame, source)
        if item is not None:
            yield item
        if item is not None and surplus:
            message = f"{surplus} bytes between the record here and the next belong to neither"
            place = Place(source=source, offset=frame.offset)
            yield _failed(place, "UnrecognisedBytes", message)

    def _item(self, frame: Frame, source: str) -> ReaderItem | None:
        header = frame.header
        place = Place(
            source=source, offset=frame.offset, record_id=header.record_id, url=header.url
        )
        if header.kind == "":
            return _failed(place, "UnknownRecordType", "the record's header names no WARC-Type")
        cause = "DamagedMember" if frame.damaged else "TruncatedRecord"
        if header.kind not in CANDIDATES:
            return _failed(place, cause, frame.cut) if frame.cut else None
        response = None
        if frame.block is not None and header.kind == "response":
            response = parse_response(frame.block)
        # Where a file ends early or a length is wrong, the HTTP header is the second witness.
        if frame.cut and (frame.damaged or not (response and response.body_is_complete)):
            return _failed(place, cause, frame.cut)
        if header.url and not header.url.lower().startswith(_WEB_SCHEMES):
            scheme = _SCHEME.match(header.url)
            name = scheme[1].lower() if scheme else "none"
            return GatedRecord(place=place, reason=f"scheme.{name}")
        if frame.block is None:
            return GatedRecord(place=place, reason="record_bytes")
        if response is None:
            response = Response(status=None, headers={}, body=frame.block)
        return self._document(place, frame, response)

    def _document(self, place: Place, frame: Frame, response: Response) -> ReaderItem:
        header = frame.header
        if response.status not in (None, 200):
            return GatedRecord(place=place, reason=f"http_status.{response.status or 'unknown'}")
        declared = parse_content_type(_declared_type(header, response))
        if declared.media_type and declared.media_type not in MEDIA_TYPES:
            return GatedRecord(place=place, reason=f"media_type.{declared.media_type}")
        try:
            body = decode_body(response.body, headers=response.headers, limit=self.max_record_bytes)
        except BodyTooLargeError:
            return GatedRecord(place=place, reason="record_bytes")
        except UndecodableBodyError as error:
            return _failed(place, "UndecodableBody", str(error))
        if not body.content or body.content.isspace():
            if response.status is not None and not has_whole_head(frame.block or b""):
                message = "the record ends within its HTTP header"
                return _failed(place, "TruncatedHttpHeader", message)
            return GatedRecord(place=place, reason="empty")
        media_type = declared.media_type
        if not media_type:
            if not looks_like_html(body.content):
                return GatedRecord(place=place, reason="media_type.unknown")
            media_type = "text/html"
        metadata = dict(header.metadata)
        if frame.wrong_length:
            metadata["declared_length"] = str(header.length)
        if not body.complete:
            metadata.setdefault("truncated", "body")
        return Record(
            place=place,
            content=body.content,
            media_type=media_type,
            charset=declared.charset or ("utf-8" if header.kind == "conversion" else None),
            date=header.date,
            metadata=metadata,
            headers=None
            if response.status is None
            else {name: response.headers[name] for name in HEADERS if name in response.headers},
        )


def _declared_type(header: Header, response: Response) -> str:
    """The content type of the document itself, not of the HTTP message around it."""
    if response.status is not None:
        return response.headers.get("content-type", "")
    if header.content_type.lower().startswith("application/http"):
        return ""
    return header.content_type or ("text/plain" if header.kind == "conversion" else "")


def _surplus(frame: Frame) -> int:
    """Bytes before the next record that are not the block's, as two witnesses agree on its end.

    Where the declared length is followed by no header, either the length is wrong or foreign bytes
    follow. The response's own Content-Length tells which.
    """
    if not frame.wrong_length or frame.block is None or frame.header.kind != "response":
        return 0
    surplus = len(frame.block) - (frame.header.length or 0)
    if surplus <= 0:
        return 0
    response = parse_response(frame.block[:-surplus])
    return surplus if response.headers.get("content-length") == str(len(response.body)) else 0


def _failed(place: Place, exception: str, message: str) -> FailedRecord:
    return FailedRecord(place=place, step="read", exception=exception, message=message)


def _archives(file: BinaryIO) -> Iterator[Iterator[Piece | Fault]]:
    """Yield the bytes of the archive that the file is, or of each that a WACZ package holds."""
    magic = file.read(len(_ZIP_MAGIC))
    file.seek(0)
    if magic != _ZIP_MAGIC:
        yield read_pieces(file)
        return
    try:
        package = zipfile.ZipFile(file)
    except ARCHIVE_ERRORS as error:
        if is_file_system_error(error):
            raise
        message = " ".join(f"the zip file can't be read: {error}".split())
        yield iter([Fault(0, "DamagedPackage", message)])
        return
    entries = [entry for entry in package.infolist() if _ARCHIVE.fullmatch(entry.filename)]
    if not entries:
        yield iter([Fault(0, "UnrecognisedBytes", "the zip file holds no archive/*.warc")])
    for entry in entries:
        yield _read_entry(package, entry, file)


def _read_entry(
    package: zipfile.ZipFile, entry: zipfile.ZipInfo, file: BinaryIO
) -> Iterator[Piece | Fault]:
    """Yield the bytes of one archive of a WACZ package (Webrecorder, WACZ 1.1.1, 5.1).

    Offsets are of the package, as it asks for archives to be stored in it as they are; for one that
    is deflated all the same, the offset of its zip entry.
    """
    try:
        stored = entry.compress_type == zipfile.ZIP_STORED
        # The local header has fixed fields of 30 bytes, the last two of them the lengths of the
        # name and the extra field that follow (PKWARE, APPNOTE 4.3.7).
        file.seek(entry.header_offset + 26)
        name_length, extra_length = struct.unpack("<HH", file.read(4))
        start = entry.header_offset + 30 + name_length + extra_length
        with package.open(entry) as member:
            for item in read_pieces(cast(BinaryIO, member)):
                offset = start + item.offset if stored else entry.header_offset
                yield item._replace(offset=offset)
    except ARCHIVE_ERRORS as error:
        if is_file_system_error(error):
            raise
        message = " ".join(f"{entry.filename}: {error}".split())
        yield Fault(entry.header_offset, "DamagedPackage", message)
