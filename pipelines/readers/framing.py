"""Splits the bytes of a WARC or ARC file into records, also where lengths and bytes are wrong.

Both formats are a chain of header, block, blank lines. A header declares the length of its block;
that length is believed if blank lines and another header, or the end, follow. If not, the block
reaches to the next header that can be recognised, and the frame says so.
"""

import re
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from pipelines.readers.compression import Fault, Piece

LOOKAHEAD_BYTES = 1 << 12
"""Bytes read beyond a block at once to see what follows it."""

LONGEST_HEADER = 1 << 16
"""Longest header that is recognised; the longest addresses that crawlers keep are far below."""

_SEPARATOR = re.compile(rb"(?:\r?\n){1,2}\Z")
_BLANK = re.compile(rb"(?:[\r\n\t \0]+|\xef\xbb\xbf)*+")
# Matched by so much at a time: the matcher keeps some 60 bytes a round, and there is no end to
# the blanks that a bomb holds.
_BLANK_STEP = 1 << 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """What a record says of itself, in either format.

    Attributes:
        kind: The WARC record type, lower case (an ARC record with an address is a ``response``);
            empty if the header names none.
        record_id: Its id, without angle brackets; empty if it has none.
        url: The address captured, if there is one.
        date: When it was captured, if that can be read.
        length: Bytes of the block as declared; None if missing or no number.
        content_type: The block's content type as it stands; empty if missing.
        metadata: What else is worth keeping.
    """

    kind: str
    record_id: str = ""
    url: str | None = None
    date: datetime | None = None
    length: int | None = None
    content_type: str = ""
    metadata: dict[str, str] = field(default_factory=dict)


class Syntax(Protocol):
    """How the headers of one format look.

    Attributes:
        start: Matches where a header may stand: at the start, or after a block and blank lines.
        opening: Matches what may be the first bytes of a header, where the bytes end.
        certain: Matches a header wherever it stands; strict, as it is searched for in blocks.
        end: Matches what closes a header.
    """

    start: re.Pattern[bytes]
    opening: re.Pattern[bytes]
    certain: re.Pattern[bytes]
    end: re.Pattern[bytes]

    def parse(self, header: bytes) -> Header:
        """Read a header; never raises, whatever the bytes."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """One record of an archive, of whatever kind.

    Attributes:
        header: What it says of itself.
        offset: Stored offset, as :class:`~pipelines.readers.records.Place` defines it.
        block: Its bytes; None if the kind is not wanted or the block is too large.
        wrong_length: Whether the block is there, but not as long as its header declares.
        cut: What ended the block before its declared length, or damaged it, one line; empty if
            nothing did.
        damaged: Whether the record is the last of a damaged member, so that its bytes may be wrong.
    """

    header: Header
    offset: int
    block: bytes | None
    wrong_length: bool = False
    cut: str = ""
    damaged: bool = False


class ByteStream:
    """Decompressed bytes behind a window that grows and moves on, up to the next fault.

    Attributes:
        window: The bytes that are read and not yet dropped.
        compressed: Whether the file is compressed; known once the window has held bytes.
    """

    def __init__(self, pieces: Iterable[Piece | Fault]) -> None:
        self.window = bytearray()
        self.compressed = False
        self._pieces = iter(pieces)
        self._dropped = 0
        self._members: deque[tuple[int, int]] = deque()
        self._fault: Fault | None = None
        self._ended = False

    def fill(self, count: int) -> bool:
        """Let the window hold ``count`` bytes; False if a fault or the end comes before."""
        while len(self.window) < count and not self.stopped:
            item = next(self._pieces, None)
            if item is None:
                self._ended = True
            elif isinstance(item, Fault):
                self._fault = item
            else:
                if not self._members or self._members[-1][1] != item.offset:
                    self._members.append((self._dropped + len(self.window), item.offset))
                self.compressed = item.compressed
                self.window += item.data
        return len(self.window) >= count

    @property
    def stopped(self) -> bool:
        """Whether nothing can be added to the window before the fault is passed, or at all."""
        return self._ended or self._fault is not None

    @property
    def fault(self) -> Fault | None:
        """The fault that the window ends at."""
        return self._fault

    def pass_fault(self) -> None:
        """Drop the window and go on behind the fault."""
        self.drop(len(self.window))
        self._fault = None

    def drop(self, count: int) -> None:
        """Drop the first ``count`` bytes of the window."""
        del self.window[:count]
        self._dropped += count

    def take(self, count: int) -> bytes:
        """Return the first ``count`` bytes of the window and drop them."""
        with memoryview(self.window) as view:
            taken = bytes(view[:count])
        self.drop(count)
        return taken

    @property
    def offset(self) -> int:
        """Stored offset of the window's first byte, or of the member that holds it."""
        while len(self._members) > 1 and self._members[1][0] <= self._dropped:
            self._members.popleft()
        if not self._members:
            return 0
        position, offset = self._members[0]
        return offset if self.compressed else offset + self._dropped - position


def read_frames(
    pieces: Iterable[Piece | Fault],
    *,
    syntaxes: tuple[Syntax, ...],
    wanted: frozenset[str],
    max_block_bytes: int,
) -> Iterator[Frame | Fault]:
    """Yield every record of an archive, and each stretch of it that holds none.

    Args:
        pieces: The decompressed bytes.
        syntaxes: The formats that the file may have; the first header found settles it.
        wanted: The kinds whose blocks are kept.
        max_block_bytes: Blocks above this are stepped through and not kept.

    Returns:
        The frames in their order. A fault which cut a record is told in that record's frame; any
        other is an item of its own. A file of nothing but blanks gives one fault, ``EmptyFile``.
    """
    stream = ByteStream(pieces)
    reported = False
    empty = True
    while True:
        _skip_blank(stream)
        if empty and not stream.window and stream.fault is None:
            yield Fault(0, "EmptyFile", "the file holds nothing")
        empty = False
        if not stream.window:
            if stream.fault is None:
                return
            if not reported:
                yield stream.fault
            stream.pass_fault()
            # Whatever stands before the next header is of the record that the fault has cost.
            reported = True
            continue
        offset = stream.offset
        stream.fill(LONGEST_HEADER)
        syntax = next((s for s in syntaxes if s.start.match(stream.window)), None)
        if syntax is None:
            skipped = _skip_to_header(stream, syntaxes)
            if not reported and (stream.window or stream.fault is None):
                message = f"{skipped} bytes which belong to no record that can be recognised"
                yield Fault(offset, "UnrecognisedBytes", message)
            continue
        syntaxes = (syntax,)
        frame = _read_frame(
            stream, syntax=syntax, offset=offset, wanted=wanted, max_block_bytes=max_block_bytes
        )
        yield frame
        reported = bool(frame.cut)


def _skip_blank(stream: ByteStream) -> None:
    while stream.fill(1):
        blank = _BLANK.match(stream.window, 0, _BLANK_STEP)
        if blank is None or not blank.end():
            return
        stream.drop(blank.end())


def _settled(stream: ByteStream) -> int:
    """Bytes at the window's start in which no header begins, however the window goes on."""
    return max(0, len(stream.window) - LONGEST_HEADER)


def _skip_to_header(stream: ByteStream, syntaxes: tuple[Syntax, ...]) -> int:
    """Drop what comes before the next certain header; return how much that is."""
    skipped = 0
    while True:
        starts = [match.start() for s in syntaxes if (match := s.certain.search(stream.window))]
        if starts:
            stream.drop(min(starts))
            return skipped + min(starts)
        settled = len(stream.window) if stream.stopped else _settled(stream)
        stream.drop(settled)
        skipped += settled
        if stream.stopped:
            return skipped
        stream.fill(len(stream.window) + LONGEST_HEADER)


def _read_frame(
    stream: ByteStream,
    *,
    syntax: Syntax,
    offset: int,
    wanted: frozenset[str],
    max_block_bytes: int,
) -> Frame:
    """Read the record at the window's start, and leave the window behind it."""
    end = syntax.end.search(stream.window)
    whole = end is not None or len(stream.window) >= LONGEST_HEADER
    # A header that does not close is read as far as it goes; its block ends at the next header.
    header = syntax.parse(
        stream.take(end.end() if end else min(LONGEST_HEADER, len(stream.window)))
    )
    if not whole:
        cut = f"its header is cut: {_end_of(stream)}"
        return Frame(header=header, offset=offset, block=None, cut=cut)
    keep = header.kind in wanted
    declared = header.length
    if declared is not None and declared <= max_block_bytes:
        stream.fill(declared)
        if len(stream.window) >= declared and _ends_at(declared, stream, syntax):
            block = _take(stream, declared, keep=keep)
            damaged = _is_last_of_damaged_member(stream, offset)
            cut = _end_of(stream) if damaged else ""
            return Frame(header=header, offset=offset, block=block, cut=cut, damaged=damaged)
    length, block = _scan_block(stream, syntax=syntax, limit=max_block_bytes, keep=keep)
    ended = not stream.window
    missing = declared is not None and declared > length
    cut = ""
    # A compressed file that ends without a fault was meant to end there: its header is wrong. Of
    # one that is not compressed nobody can tell, unless the next record shows it.
    if ended and (stream.fault is not None or not stream.compressed) and missing:
        cut = f"{length} of {declared} bytes are there: {_end_of(stream)}"
    elif ended and stream.fault is not None and declared is None:
        cut = f"the header declares no length, and {_end_of(stream)}"
    damaged = ended and _is_last_of_damaged_member(stream, offset)
    if damaged and not cut:
        cut = _end_of(stream)
    if block is not None and not cut:
        block = _SEPARATOR.sub(b"", block)
    return Frame(
        header=header,
        offset=offset,
        block=block,
        wrong_length=block is not None and declared is not None and len(block) != declared,
        cut=cut,
        damaged=damaged,
    )


def _is_last_of_damaged_member(stream: ByteStream, offset: int) -> bool:
    """Whether nothing but a fault of the member at ``offset`` is left in the window.

    A member that was only cut, in its checksum, has bytes that are right as far as they go.
    """
    fault = stream.fault
    return (
        fault is not None
        and fault.exception == "DamagedMember"
        and fault.offset == offset
        and not stream.window.strip()
    )


def _end_of(stream: ByteStream) -> str:
    return stream.fault.message if stream.fault else "the file ends"


def _ends_at(at: int, stream: ByteStream, syntax: Syntax) -> bool:
    """Whether blank lines and a header, or the end, stand ``at`` bytes into the window."""
    stop = at + LONGEST_HEADER
    while at < stop:
        blank = _BLANK.match(stream.window, at, stop)
        at = blank.end() if blank else at
        if at < len(stream.window):
            break
        if not stream.fill(len(stream.window) + LOOKAHEAD_BYTES) and at == len(stream.window):
            return True
    else:
        return True
    for lookahead in (LOOKAHEAD_BYTES, LONGEST_HEADER):
        stream.fill(at + lookahead)
        if syntax.start.match(stream.window, at):
            return True
    return stream.stopped and syntax.opening.match(stream.window, at) is not None


def _scan_block(
    stream: ByteStream, *, syntax: Syntax, limit: int, keep: bool
) -> tuple[int, bytes | None]:
    """Take what comes before the next certain header, or the end.

    Returns:
        Its length, and the bytes unless they are more than ``limit`` or not to be kept.
    """
    length = at = 0
    while (match := syntax.certain.search(stream.window, at)) is None:
        at = _settled(stream)
        if length + at > limit:
            stream.drop(at)
            length, at = length + at, 0
        searched = len(stream.window)
        # By large steps, as each step searches anew what a header that is not all there may hold.
        stream.fill(searched + LONGEST_HEADER)
        if len(stream.window) == searched:
            break
    rest = match.start() if match else len(stream.window)
    keep = keep and length + rest <= limit
    return length + rest, _take(stream, rest, keep=keep)


def _take(stream: ByteStream, count: int, *, keep: bool) -> bytes | None:
    if keep:
        return stream.take(count)
    stream.drop(count)
    return None
