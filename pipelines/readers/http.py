"""HTTP responses as crawlers store them: taken apart and decoded, also where headers are wrong.

Crawlers often keep the server's headers beside a body that they have decoded already, so that a
header is believed only as far as the body bears it out.
"""

import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple, Protocol

import brotli
import zstandard

_STATUS_LINE = re.compile(rb"(?:HTTP(?:/[\d.]+)?|ICY)[ \t]+(?P<status>\d{3})(?!\d)", re.IGNORECASE)
_ANY_STATUS_LINE = re.compile(rb"(?:HTTP/[\d.]+|ICY)[ \t\r\n]", re.IGNORECASE)
_BLANK_LINE = re.compile(rb"\n\r?\n")
_HEADER_LINE = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+[ \t]*:")
_CHUNK_SIZE = re.compile(rb"[ \t]*(?P<size>[0-9A-Fa-f]{1,15})[ \t]*(?:;[^\r\n]*)?\r?\n")
_LINE_END = re.compile(rb"\r?\n")
_MEDIA_TYPE = re.compile(
    r"\s*([a-z0-9!#$&^_.+-]{1,64}/[a-z0-9!#$&^_.+-]{1,64})(?=[\s;,]|\Z)", re.IGNORECASE
)
_CHARSET = re.compile(r"charset\s*=\s*[\"']?([A-Za-z0-9_.:+-]{1,40})", re.IGNORECASE)
# The tags by which a browser tells HTML: WHATWG, MIME Sniffing, 7.1.
_HTML = re.compile(
    rb"(?:\xef\xbb\xbf)?\s*(?:<!--|<\?xml\b[^>]*>\s*(?:<!--.*?-->\s*)*<(?:!DOCTYPE\s+)?HTML\b|"
    rb"<(?:!DOCTYPE\s+HTML|HTML|HEAD|SCRIPT|IFRAME|H1|DIV|FONT|TABLE|A|STYLE|TITLE|B|BODY|BR|P)"
    rb"[\s>])",
    re.IGNORECASE | re.DOTALL,
)
_SNIFFED_BYTES = 1445  # WHATWG, MIME Sniffing, 5.2
# The bytes that no text holds: WHATWG, MIME Sniffing, 3 (binary data byte).
_BINARY = re.compile(rb"[\x00-\x08\x0b\x0e-\x1a\x1c-\x1f]")
_GZIP_MAGIC = b"\x1f\x8b\x08"
_ZSTD_MAGIC = b"\x28\xb5\x2f\xfd"
_SHORT_BYTES = 200
_STEP_BYTES = 1 << 10
_PIECE_BYTES = 1 << 20


class BodyTooLargeError(ValueError):
    """The decoded body is larger than the limit."""


class UndecodableBodyError(ValueError):
    """The body has an encoding of which nothing can be decoded."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Response:
    """An HTTP response.

    Attributes:
        status: The status code; 0 if the status line holds none that can be read; None if there is
            no status line, and all is body.
        headers: By lower-case name; values of a repeated header are joined by commas.
        body: As transferred.
    """

    status: int | None
    headers: dict[str, str]
    body: bytes

    @property
    def body_is_complete(self) -> bool:
        """Whether the body has every byte that ``Content-Length`` declares."""
        declared = self.headers.get("content-length", "")
        return declared.isdecimal() and len(self.body) >= int(declared)


class Body(NamedTuple):
    """A decoded body.

    Attributes:
        content: What could be decoded.
        complete: Whether that is all.
    """

    content: bytes
    complete: bool


class ContentType(NamedTuple):
    """A Content-Type header.

    Attributes:
        media_type: Lower case, without parameters; empty if there is none that can be read.
        charset: The charset parameter, lower case, if there is one.
    """

    media_type: str
    charset: str | None


def parse_response(message: bytes) -> Response:
    r"""Take a response apart.

    The head ends at the first blank line; without one, at the first line that is no header. A line
    that begins with ``<`` ends it too.

    >>> parse_response(b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\nhello")
    Response(status=200, headers={'content-type': 'text/plain'}, body=b'hello')
    """
    if not _ANY_STATUS_LINE.match(message) and not _STATUS_LINE.match(message):
        return Response(status=None, headers={}, body=message)
    status_line = _STATUS_LINE.match(message)
    blank = _BLANK_LINE.search(message)
    head_end = blank.start() + 1 if blank else len(message)
    body_start = blank.end() if blank else len(message)
    fields: list[tuple[bytes, bytes]] = []
    at = _line_end(message, 0)
    while at < head_end:
        stop = _line_end(message, at)
        line = message[at:stop]
        is_field = _HEADER_LINE.match(line) is not None
        if is_field:
            name, _, value = line.partition(b":")
            fields.append((name.strip().lower(), value.strip()))
        elif line[:1] in b" \t" and fields:
            fields[-1] = (fields[-1][0], fields[-1][1] + b" " + line.strip())
        elif line.startswith(b"<") or blank is None:
            body_start = at
            break
        at = stop
    headers: dict[str, str] = {}
    for raw_name, raw_value in fields:
        key, text = raw_name.decode("ascii"), raw_value.decode("latin-1")
        headers[key] = f"{headers[key]}, {text}" if key in headers else text
    return Response(
        status=int(status_line["status"]) if status_line else 0,
        headers=headers,
        body=message[body_start:],
    )


def has_whole_head(message: bytes) -> bool:
    r"""Tell whether the head of a response ends, as it must, at a blank line.

    >>> has_whole_head(b"HTTP/1.1 200 OK\r\n\r\n"), has_whole_head(b"HTTP/1.1 200 OK\r\nConte")
    (True, False)
    """
    return _BLANK_LINE.search(message) is not None


def _line_end(message: bytes, at: int) -> int:
    return message.find(b"\n", at) + 1 or len(message)


def parse_content_type(value: str) -> ContentType:
    """Read a Content-Type header.

    >>> parse_content_type("Text/HTML; charset='UTF-8'")
    ContentType(media_type='text/html', charset='utf-8')
    """
    media_type = _MEDIA_TYPE.match(value)
    charset = _CHARSET.search(value)
    return ContentType(
        media_type[1].lower() if media_type else "", charset[1].lower() if charset else None
    )


def looks_like_html(content: bytes) -> bool:
    """Whether a browser would take bytes without a content type for HTML."""
    return _HTML.match(content, 0, _SNIFFED_BYTES) is not None


def decode_body(body: bytes, *, headers: dict[str, str], limit: int) -> Body:
    """Undo the transfer coding and the content coding of a body.

    A coding that the body does not show is taken for undone already. A body that breaks off is
    decoded as far as it goes.

    Args:
        body: As transferred.
        headers: By lower-case name.
        limit: Most bytes that the decoded body may have.

    Raises:
        BodyTooLargeError: The decoded body has more than ``limit`` bytes.
        UndecodableBodyError: Nothing of the body can be decoded, and it is no text as it is.
    """
    complete = True
    if "chunked" in headers.get("transfer-encoding", "").lower():
        body, complete = _join_chunks(body)
    codings = [name.strip().lower() for name in headers.get("content-encoding", "").split(",")]
    for coding in reversed(codings):
        content, whole = _decode(body, coding, limit)
        body, complete = content, complete and whole
    if len(body) > limit:
        raise BodyTooLargeError(f"the body has more than {limit} bytes")
    return Body(body, complete)


def _join_chunks(body: bytes) -> Body:
    """Undo the chunked transfer coding (RFC 9112, 7.1)."""
    chunks: list[bytes] = []
    at = 0
    while size_line := _CHUNK_SIZE.match(body, at):
        size = int(size_line["size"], 16)
        stop = size_line.end() + size
        if size == 0:
            return Body(b"".join(chunks), True)
        line_end = _LINE_END.match(body, stop)
        if not line_end and stop < len(body):
            break  # no chunk, for a chunk ends its line
        chunks.append(body[size_line.end() : stop])
        at = line_end.end() if line_end else stop
    if not chunks:
        return Body(body, True)
    # The rest of a damaged body may be text all the same.
    return Body(b"".join([*chunks, body[at:]]), False)


def _decode(body: bytes, coding: str, limit: int) -> Body:
    """Undo one content coding, if the body shows it."""
    if body.startswith(_GZIP_MAGIC):  # whatever the header says: no text begins so
        return _collect(_Inflation(31), body, limit=limit, coding="gzip")
    if body.startswith(_ZSTD_MAGIC):
        return _collect(_ZstdDecoding(), body, limit=limit, coding="zstd")
    if coding in ("", "identity") or _is_text(body):
        return Body(body, True)
    if coding == "br":
        return _collect(_BrotliDecoding(), body, limit=limit, coding="br")
    if coding == "deflate":  # with the zlib header that RFC 9110, 8.4.1.2, asks for, or without
        wrapped = body[0] & 15 == 8 and int.from_bytes(body[:2], "big") % 31 == 0
        return _collect(_Inflation(15 if wrapped else -15), body, limit=limit, coding="deflate")
    raise UndecodableBodyError(f"no text, and content coding {coding[:40]!r} can't be undone")


def _is_text(body: bytes) -> bool:
    if _BINARY.search(body, 0, _SNIFFED_BYTES):
        return False
    # A few compressed bytes may lack those by chance, but hardly make UTF-8 as well.
    return len(body) > _SHORT_BYTES or _is_utf8(body)


def _is_utf8(body: bytes) -> bool:
    try:
        body.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


class _Decoding(Protocol):
    """Undoes one content coding, a step at a time."""

    @property
    def finished(self) -> bool:
        """Whether the coding's own end has been read."""
        ...

    def decode(self, step: bytes) -> Iterator[bytes]:
        """Yield what ``step`` adds, in pieces of bounded size."""
        ...


class _Inflation:
    def __init__(self, wbits: int) -> None:
        self._wbits = wbits
        self._inflater = zlib.decompressobj(wbits)
        self._rest = b""

    @property
    def finished(self) -> bool:
        return self._inflater.eof

    def decode(self, step: bytes) -> Iterator[bytes]:
        # A step of 1 kB can't give more than 1 MB: deflate reaches a ratio of 1032 at most.
        step = self._rest + step
        self._rest = b""
        while step:
            if self._inflater.eof:  # some servers send one member a flush
                if len(step) < len(_GZIP_MAGIC):
                    self._rest = step
                    return
                if not step.startswith(_GZIP_MAGIC):
                    return
                self._inflater = zlib.decompressobj(self._wbits)
            yield self._inflater.decompress(step)
            step = self._inflater.unused_data


class _ZstdDecoding:
    def __init__(self) -> None:
        self.finished = False
        self._decompressor = zstandard.ZstdDecompressor().decompressobj()

    def decode(self, step: bytes) -> Iterator[bytes]:
        if self.finished:
            return
        yield self._decompressor.decompress(step)
        self.finished = self._decompressor.eof


class _BrotliDecoding:
    def __init__(self) -> None:
        self.finished = False
        self._decompressor = brotli.Decompressor()

    def decode(self, step: bytes) -> Iterator[bytes]:
        if self.finished:
            return
        yield self._decompressor.process(step, output_buffer_limit=_PIECE_BYTES)
        while not self._decompressor.can_accept_more_data():
            yield self._decompressor.process(b"", output_buffer_limit=_PIECE_BYTES)
        self.finished = self._decompressor.is_finished()


def _collect(decoding: _Decoding, body: bytes, *, limit: int, coding: str) -> Body:
    """Decode by small steps, so that little is lost before damage and no bomb goes off."""
    pieces: list[bytes] = []
    size = at = 0
    try:
        while at < len(body):
            for piece in decoding.decode(body[at : at + _STEP_BYTES]):
                pieces.append(piece)
                size += len(piece)
                if size > limit:
                    raise BodyTooLargeError(f"the {coding} body decodes to over {limit} bytes")
            at += _STEP_BYTES
    except (zlib.error, brotli.error, zstandard.ZstdError) as error:
        if size == 0:
            raise UndecodableBodyError(f"the {coding} body: {error}") from error
    if size == 0 and not decoding.finished:
        raise UndecodableBodyError(f"the {coding} body breaks off before its first byte")
    return Body(b"".join(pieces), decoding.finished)
