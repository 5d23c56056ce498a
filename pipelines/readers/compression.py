"""The decompressed bytes of a stored file, whatever happened to it.

The format is told by its magic bytes: gzip (RFC 1952), zstd (RFC 8878, with the dictionary of a
zstd-compressed WARC), LZ4 frames, or none. A web archive holds one record a member, so that a
damaged member costs that member only: what could be decompressed is handed on, the fault is
reported, and reading resumes at the next magic.
"""

import re
import zlib
from collections import deque
from collections.abc import Callable, Iterator
from typing import BinaryIO, NamedTuple, Protocol

import lz4.frame
import zstandard

CHUNK_BYTES = 1 << 16
"""Stored bytes that are read at once."""

PIECE_BYTES = 1 << 20
"""Most decompressed bytes of a gzip member or LZ4 frame that are held in one piece."""

ZSTD_STEP_BYTES = 1 << 10
"""Stored bytes handed to zstd at once: its binding can't bound the output, and one 4-byte block may
stand for 128 KiB (RFC 8878, 3.1.1.2.3), so the step bounds it: to 32 MiB for a bomb."""

MAX_DICTIONARY_BYTES = 1 << 25
"""Largest dictionary of a zstd-compressed WARC that is loaded, stored or decompressed."""

_ZSTD_MAGIC = b"\x28\xb5\x2f\xfd"
_LZ4_MAGIC = b"\x04\x22\x4d\x18"
_SKIPPABLE = re.compile(rb"[\x50-\x5f]\x2a\x4d\x18")
# IIPC, "Zstandard compression of WARC files", 1.0: the skippable frame that holds the dictionary.
_DICTIONARY_MAGIC = b"\x5d\x2a\x4d\x18"
# Method 8, no reserved flag, XFL 0, 2 or 4, an operating system of RFC 1952, 2.3.1: strict enough
# that compressed bytes are not taken for a member's start when a damaged file is searched.
_GZIP_MEMBER = re.compile(rb"\x1f\x8b\x08[\x00-\x1f].{4}[\x00\x02\x04][\x00-\x0d\xff]", re.DOTALL)
_LONGEST_MAGIC = 10
_PADDING = b"\0\r\n\t "


class Piece(NamedTuple):
    """Decompressed bytes and where they are stored.

    Attributes:
        data: Never empty.
        offset: Stored offset of the member that they belong to; of ``data`` itself in a file that
            is not compressed.
        compressed: Whether the file is compressed.
    """

    data: bytes
    offset: int
    compressed: bool


class Fault(NamedTuple):
    """A stretch of the stored file that could not be decompressed, or holds no record.

    Attributes:
        offset: Stored offset where the damaged member begins.
        exception: A fixed word: ``DamagedMember``, ``TruncatedMember``, ``UnrecognisedBytes``.
        message: What is wrong, one line.
    """

    offset: int
    exception: str
    message: str


class _DamagedError(ValueError):
    """A member's bytes are not what its format says."""


class _Decoder(Protocol):
    """Decompresses one member."""

    finished: bool
    unused: int

    def decode(self, data: bytes) -> Iterator[bytes]:
        """Yield what ``data`` adds; when finished, ``unused`` is what was left of ``data``."""
        ...


class _GzipDecoder:
    def __init__(self) -> None:
        self.finished = False
        self.unused = 0
        self._inflater = zlib.decompressobj(wbits=31)

    def decode(self, data: bytes) -> Iterator[bytes]:
        full = False
        while (data or full) and not self.finished:
            try:
                piece = self._inflater.decompress(data, PIECE_BYTES)
            except zlib.error as error:
                raise _DamagedError(str(error)) from error
            if piece:
                yield piece
            full = len(piece) == PIECE_BYTES
            data = self._inflater.unconsumed_tail
            self.finished = self._inflater.eof
        self.unused = len(self._inflater.unused_data)


class _Lz4Decoder:
    def __init__(self) -> None:
        self.finished = False
        self.unused = 0
        self._decompressor = lz4.frame.LZ4FrameDecompressor()

    def decode(self, data: bytes) -> Iterator[bytes]:
        while not self.finished:
            try:
                piece = self._decompressor.decompress(data, PIECE_BYTES)
            except RuntimeError as error:  # what the binding raises for any fault of the data
                raise _DamagedError(str(error)) from error
            if piece:
                yield piece
            data = b""
            self.finished = self._decompressor.eof
            if self._decompressor.needs_input:
                break
        self.unused = len(self._decompressor.unused_data or b"")


class _ZstdDecoder:
    def __init__(self, dictionary: zstandard.ZstdCompressionDict | None = None) -> None:
        self.finished = False
        self.unused = 0
        self._decompressor = zstandard.ZstdDecompressor(dict_data=dictionary).decompressobj()

    def decode(self, data: bytes) -> Iterator[bytes]:
        at = 0
        while at < len(data) and not self.finished:
            step = data[at : at + ZSTD_STEP_BYTES]
            try:
                piece = self._decompressor.decompress(step)
            except zstandard.ZstdError as error:
                raise _DamagedError(str(error)) from error
            at += len(step)
            if piece:
                yield piece
            self.finished = self._decompressor.eof
        self.unused = len(data) - at + len(self._decompressor.unused_data or b"")


class _Source:
    """A stored file with a position, read by the chunk."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._chunk = b""
        self._start = file.tell()
        self._at = 0

    @property
    def position(self) -> int:
        return self._start + self._at

    def rest(self, at_least: int = 1) -> bytes:
        """What is read but not used, of at least so many bytes unless the file ends before."""
        missing = at_least - (len(self._chunk) - self._at)
        if missing > 0:
            self._start, self._chunk = self.position, self._chunk[self._at :]
            self._at = 0
            while len(self._chunk) < at_least:
                more = self._file.read(max(CHUNK_BYTES, at_least - len(self._chunk)))
                if not more:
                    break
                self._chunk += more
        return self._chunk[self._at :] if self._at else self._chunk

    def advance(self, count: int) -> None:
        self._at += count

    def seek(self, position: int) -> None:
        if self._start <= position <= self._start + len(self._chunk):
            self._at = position - self._start
        else:
            self._file.seek(position)
            self._chunk, self._start, self._at = b"", position, 0

    def search(self, pattern: re.Pattern[bytes]) -> bool:
        """Go to the next match of ``pattern``; False, and at the end, if there is none."""
        while len(rest := self.rest(_LONGEST_MAGIC)) >= _LONGEST_MAGIC:
            if match := pattern.search(rest):
                self.advance(match.start())
                return True
            self.advance(len(rest) - _LONGEST_MAGIC + 1)
        self.advance(len(rest))
        return False


class _Codec(NamedTuple):
    """How a member of one format begins, and what decompresses it."""

    name: str
    start: re.Pattern[bytes]
    resume: re.Pattern[bytes]
    decoder: Callable[[], _Decoder]


def _codec_of(source: _Source) -> _Codec | None:
    """Tell the format by the first bytes; None for a file that is not compressed."""
    head = source.rest(_LONGEST_MAGIC)[:_LONGEST_MAGIC]
    dictionary = None
    at = source.position
    while _SKIPPABLE.match(head):
        if head.startswith(_DICTIONARY_MAGIC) and dictionary is None:
            dictionary = _read_dictionary(source)
        _skip_frame(source)
        head = source.rest(_LONGEST_MAGIC)[:_LONGEST_MAGIC]
    source.seek(at)
    if head.startswith(b"\x1f\x8b"):
        return _Codec("gzip", re.compile(rb"\x1f\x8b"), _GZIP_MEMBER, _GzipDecoder)
    if head.startswith(_LZ4_MAGIC):
        start = re.compile(re.escape(_LZ4_MAGIC))
        return _Codec("LZ4", start, start, _Lz4Decoder)
    if head.startswith(_ZSTD_MAGIC):
        start = re.compile(re.escape(_ZSTD_MAGIC))
        return _Codec("zstd", start, start, lambda: _ZstdDecoder(dictionary))
    return None


def _read_dictionary(source: _Source) -> zstandard.ZstdCompressionDict | None:
    """Return the dictionary of the skippable frame here; None if it is none that can be loaded."""
    size = int.from_bytes(source.rest(8)[4:8], "little")
    if size > MAX_DICTIONARY_BYTES:
        return None
    content = source.rest(8 + size)[8 : 8 + size]
    try:
        if content.startswith(_ZSTD_MAGIC):
            content = zstandard.ZstdDecompressor().stream_reader(content).read(MAX_DICTIONARY_BYTES)
        return zstandard.ZstdCompressionDict(content)
    except zstandard.ZstdError:
        return None  # each member then fails with zstd's own message, at its offset


def _skip_frame(source: _Source) -> None:
    """Step over the skippable frame here (RFC 8878, 3.1.2)."""
    source.seek(source.position + 8 + int.from_bytes(source.rest(8)[4:8], "little"))


def read_pieces(file: BinaryIO) -> Iterator[Piece | Fault]:
    """Yield the decompressed bytes of a stored file, and each fault where it lies.

    Args:
        file: The file as stored, seekable, read from where it stands.

    Returns:
        The pieces in their order. After a Fault the next piece begins a member.
    """
    source = _Source(file)
    codec = _codec_of(source)
    if codec:
        yield from _read_members(source, codec)
        return
    while data := source.rest():
        yield Piece(data, source.position, False)
        source.advance(len(data))


def _read_members(source: _Source, codec: _Codec) -> Iterator[Piece | Fault]:
    resuming = False
    while rest := source.rest(_LONGEST_MAGIC):
        offset = source.position
        if _SKIPPABLE.match(rest) and codec.name != "gzip":
            _skip_frame(source)
            continue
        fault = None
        if codec.start.match(rest):
            yielded = False
            for item in _read_member(source, codec):
                if isinstance(item, Fault):
                    fault = item
                else:
                    yielded = True
                    yield item
            if fault is None:
                resuming = False
                continue
            # What only looked like a member, in a stretch that is reported already, is no news.
            report = yielded or not resuming
        else:
            stripped = rest.lstrip(_PADDING)
            if len(stripped) < len(rest):
                source.advance(len(rest) - len(stripped))
                continue
            fault = Fault(offset, "UnrecognisedBytes", f"no {codec.name} member begins here")
            report = not resuming
        if report:
            yield fault
        source.seek(offset + 1)
        source.search(codec.resume)
        resuming = True


def _read_member(source: _Source, codec: _Codec) -> Iterator[Piece | Fault]:
    """Yield a member's pieces, then its fault if it has one."""
    offset = source.position
    decoder = codec.decoder()
    while data := source.rest():
        try:
            for piece in decoder.decode(data):
                yield Piece(piece, offset, True)
        except _DamagedError as error:
            stop = source.position
            for piece in _salvage(source, codec, offset=offset, stop=stop):
                yield Piece(piece, offset, True)
            yield Fault(offset, "DamagedMember", f"{codec.name} member: {error}")
            return
        source.advance(len(data) - decoder.unused)
        if decoder.finished:
            return
    yield Fault(
        offset,
        "TruncatedMember",
        f"{codec.name} member: the file ends after {source.position - offset} of its bytes",
    )


def _salvage(source: _Source, codec: _Codec, *, offset: int, stop: int) -> Iterator[bytes]:
    """Yield what stands before the fault in the chunk at ``stop``.

    A decompressor that fails drops the output of the failing call. So the member is decompressed
    anew up to that chunk, and the chunk byte by byte.
    """
    failed_chunk = source.rest()
    decoder = codec.decoder()
    source.seek(offset)
    while source.position < stop:
        data = source.rest()[: stop - source.position]
        deque(decoder.decode(data), maxlen=0)
        source.advance(len(data))
    try:
        for at in range(len(failed_chunk)):
            yield from decoder.decode(failed_chunk[at : at + 1])
    except _DamagedError:
        return
