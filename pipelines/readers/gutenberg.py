"""Reads Project Gutenberg's books: loose files, zips, and the weekly archive of all of them.

The weekly archive (``txt-files.tar.zip``) is a zip of one tar of some 75,000 books; it is read as a
stream, one book in memory at a time.
"""

import io
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from filters.chapters import chapters, whole_chapters
from filters.gutenberg import (
    UndecodableBookError,
    decode_book,
    is_web_page,
    strip_boilerplate,
)
from filters.gutenberg_header import header_fields
from pipelines.readers.archive import Member, is_tar_name, tar_members, zip_members
from pipelines.readers.gutenberg_catalogue import load_catalogue
from pipelines.readers.jsonl import STREAM_ERRORS, is_file_system_error, open_decompressed
from pipelines.readers.records import FailedRecord, GatedRecord, Place, ReaderItem, Record

__all__ = ["GutenbergReader", "preferred_editions"]

BOOK_SUFFIXES = ("", ".txt", ".utf8", ".utf-8")
COMPRESSED_SUFFIXES = (".gz", ".zst")
NO_BOOKS = re.compile(
    r"(?:readme|source|(?:upstream_)?licen[sc]e|copying|index|gutindex.*|donate-howto|metadata)"
    r"(?:\.txt)?(?:\.gz)?",
    re.I,
)
NUMBERED = re.compile(
    r"(?P<cache>pg)?(?P<id>\d{1,6})(?P<kind>-\d|_raw|_text)?(?:\.txt)?(?:\.utf-?8)?(?:\.(?:gz|zst))?",
    re.I,
)
LETTERED = re.compile(r"(?P<bits>[78])?(?P<id>[a-z]{2,5}\d{2}[a-z]?)\.txt(?:\.gz)?", re.I)
"""Names of the years before 2003: ``8moor10.txt`` is the 8-bit text, ``7moor10.txt`` the ASCII."""
PUBLIC_DOMAIN = "Public domain"
"""How ``dcterms:rights`` of a book in the public domain begins, wherever it is so."""
TEXT_SIZE = 65_536
"""How much of a file without a number is looked at to tell a book from a binary file."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GutenbergReader:
    """Reads a file of one or many books; each becomes a record without header and footer.

    A file is a book (``pg84.txt``, ``84-0.txt``, ``84.txt``, ``84-8.txt``, ``.utf8``, any of them
    compressed), a zip of books, a tar of books, or a zip of such a tar. Members that are no books
    are gated as ``not_a_book``, and where one folder of an archive holds a book in several
    encodings, the others as ``duplicate_encoding.`` and the name of the one that is kept (in a tar,
    if they follow each other).

    Attributes:
        catalogue: Path of a catalogue (see :mod:`pipelines.readers.gutenberg_catalogue`) that fills
            what a header does not say.
        max_book_bytes: A longer book is gated as ``record_bytes``; the longest of Project
            Gutenberg, the Human Genome apart, are under 15 MB.
        public_domain_only: Whether a book that is not in the public domain by its header and the
            catalogue is gated, as ``rights.copyrighted``, or as ``rights.unknown`` where neither
            says.
        split_over: A book of more characters is split at its chapters into records of whole
            chapters (``PG84#1``, ``PG84#2``, …) that are at most so long, but for a chapter that
            alone is longer.
    """

    catalogue: str | None = None
    max_book_bytes: int = 50_000_000
    public_domain_only: bool = False
    split_over: int | None = None

    def __post_init__(self) -> None:
        if self.max_book_bytes < 1:
            raise ValueError(f"max_book_bytes must be 1 or more, not {self.max_book_bytes}")
        if self.catalogue is not None and not Path(self.catalogue).exists():
            raise ValueError(f"catalogue: there is no file or folder {self.catalogue!r}")

    def read(self, file: BinaryIO, source: str) -> Iterator[ReaderItem]:
        """Yield one item for each book, and for each other member of an archive."""
        for member in _one_edition_each(self._members(file, source), source):
            item = self._item(member, source) if isinstance(member, Member) else member
            if isinstance(item, Record) and self.split_over is not None:
                yield from _split(item, self.split_over)
            else:
                yield item

    def _members(self, file: BinaryIO, source: str) -> Iterator[Member]:
        magic = file.read(4)
        file.seek(0)
        if magic in (b"PK\x03\x04", b"PK\x05\x06") or source.lower().endswith(".zip"):
            limit = self.max_book_bytes
            return zip_members(file, wanted=_may_be_book, order=_group_key, max_bytes=limit)
        if is_tar_name(source) or _is_tar(file):
            return tar_members(file, wanted=_may_be_book, max_bytes=self.max_book_bytes)
        return iter((_loose_file(file, source, self.max_book_bytes),))

    def _item(self, member: Member, source: str) -> ReaderItem:
        name = member.name or source
        place = _place(source, member.index, name)
        if member.state == "failed":
            return _failed(place, "read", member.exception, f"{name}: {member.message}")
        if member.state == "too_long":
            return GatedRecord(place=place, reason="record_bytes")
        if member.state == "unwanted":
            return GatedRecord(place=place, reason="not_a_book")
        content = member.content
        if content[:2] == b"\x1f\x8b" or content[:4] == b"\x28\xb5\x2f\xfd":
            inner = _loose_file(io.BytesIO(content), name, self.max_book_bytes)
            if inner.state != "read":
                return self._item(replace(inner, index=member.index), source)
            content = inner.content
        return self._book(content, name, place)

    def _book(self, content: bytes, name: str, place: Place) -> ReaderItem:
        if not content.strip():
            return GatedRecord(place=place, reason="empty")
        try:
            decoded = decode_book(content)
        except UndecodableBookError as error:
            if place.url is None and b"\0" in content[:TEXT_SIZE]:
                return GatedRecord(place=place, reason="not_a_book")
            return _failed(place, "decode", type(error).__name__, f"{name}: {error}")
        if is_web_page(decoded.text):
            return GatedRecord(place=place, reason="not_a_book")
        book = strip_boilerplate(decoded.text)
        if not book.body.strip():
            return GatedRecord(place=place, reason="empty")
        metadata = header_fields(book.header) if book.header else {}
        number = metadata.pop("id", "") or _file_id(name)
        place = Place(
            source=place.source,
            offset=place.offset,
            record_id=f"PG{number}" if number else place.record_id,
            url=_url(number),
        )
        metadata["encoding"] = decoded.encoding
        if decoded.replaced:
            metadata["replaced_characters"] = str(decoded.replaced)
        if book.warning:
            metadata["boilerplate_kept"] = book.warning
        if self.catalogue and number:
            facts = load_catalogue(self.catalogue).facts(number)
            metadata = {**facts, **metadata}
            if "author" not in metadata and "authors" in facts:
                metadata["author"] = facts["authors"]
        if self.public_domain_only:
            rights = metadata.get("rights", "")
            if not rights.startswith(PUBLIC_DOMAIN):
                reason = "rights.copyrighted" if rights else "rights.unknown"
                return GatedRecord(place=place, reason=reason)
        return Record(
            place=place,
            content=book.body,
            media_type="text/plain",
            date=_date(metadata.get("release_date")),
            metadata=metadata,
        )


def _split(book: Record, at_most: int) -> Iterator[Record]:
    text = str(book.content)
    if len(text) <= at_most:
        yield book
        return
    of_book = chapters(text)
    parts = whole_chapters([len(chapter) for chapter in of_book], at_most=at_most)
    for number, part in enumerate(parts, start=1):
        told = {"part": f"{number} of {len(parts)}", "chapters": f"{part.start + 1}-{part.stop}"}
        yield replace(
            book,
            content="".join(of_book[part]),
            place=replace(book.place, record_id=f"{book.place.record_id}#{number}"),
            metadata={**book.metadata, **told},
        )


def preferred_editions(paths: Iterable[str]) -> tuple[list[str], dict[str, str]]:
    """Choose one file of each book where a folder holds it in several encodings.

    UTF-8 (``84-0.txt``, then ``pg84.txt``) is preferred to 8-bit text (``84-8.txt``), and that to
    ASCII (``84.txt``), which lacks the accents.

    Returns:
        The paths to read, in their order, and each path to leave out with its reason,
        ``duplicate_encoding.`` and the name of the file that is kept.

    >>> preferred_editions(["8/84/84.txt", "8/84/84-8.txt", "8/84/84-0.txt", "notes.txt"])
    ... # doctest: +NORMALIZE_WHITESPACE
    (['8/84/84-0.txt', 'notes.txt'], {'8/84/84.txt': 'duplicate_encoding.84-0.txt',
                                      '8/84/84-8.txt': 'duplicate_encoding.84-0.txt'})
    """
    paths = list(dict.fromkeys(paths))
    best: dict[tuple[str, str], str] = {}
    for path in paths:
        key = _edition(path)
        if key and (key not in best or _rank(path) < _rank(best[key])):
            best[key] = path
    kept, left_out = [], {}
    for path in paths:
        key = _edition(path)
        if key is None or best[key] == path:
            kept.append(path)
        else:
            left_out[path] = _duplicate(best[key])
    return kept, left_out


def _one_edition_each(members: Iterable[Member], source: str) -> Iterator[Member | GatedRecord]:
    """Hold each book back until the next, which may be the same in a better encoding."""
    held: Member | None = None
    worse: list[Member] = []
    for member in members:
        edition = _edition(member.name) if member.state == "read" else None
        if held and edition and held.state == "read" and edition == _edition(held.name):
            if _rank(member.name) < _rank(held.name):
                held, member = member, held
            worse.append(replace(member, content=b""))
            continue
        if held:
            yield held
            yield from (_duplicate_of(held, other, source) for other in worse)
        held, worse = member, []
    if held:
        yield held
        yield from (_duplicate_of(held, other, source) for other in worse)


def _duplicate_of(kept: Member, member: Member, source: str) -> GatedRecord:
    place = _place(source, member.index, member.name)
    return GatedRecord(place=place, reason=_duplicate(kept.name))


def _place(source: str, index: int, name: str) -> Place:
    """The place of a book by its file name alone."""
    number = _file_id(name)
    record_id = f"PG{number}" if number else _stem(name)
    return Place(source=source, offset=index, record_id=record_id, url=_url(number))


def _edition(path: str) -> tuple[str, str] | None:
    """The folder and the book of a file that is named as an edition of it, or None."""
    folder, name = str(PurePosixPath(path).parent), PurePosixPath(path).name
    match = NUMBERED.fullmatch(name) or LETTERED.fullmatch(name)
    return (folder, match["id"].lower().lstrip("0") or "0") if match else None


def _group_key(path: str) -> str:
    edition = _edition(path)
    return "/".join(edition) if edition else path


def _rank(path: str) -> tuple[int, str]:
    """How good the encoding of an edition is by its name, the best lowest."""
    name = PurePosixPath(path).name
    if match := NUMBERED.fullmatch(name):
        if match["kind"] == "-0":
            return 0, path
        if match["cache"] or "utf" in name.lower():
            return 1, path
        return (2 if match["kind"] else 3), path
    match = LETTERED.fullmatch(name)
    return (2 if match and match["bits"] == "8" else 3), path


def _duplicate(kept: str) -> str:
    return f"duplicate_encoding.{PurePosixPath(kept).name}"


def _may_be_book(name: str) -> bool:
    path = PurePosixPath(name)
    if "__MACOSX" in path.parts or path.name.startswith(".") or NO_BOOKS.fullmatch(path.name):
        return False
    if path.suffix.lower() in COMPRESSED_SUFFIXES:
        path = path.with_suffix("")
    return path.suffix.lower() in BOOK_SUFFIXES


def _is_tar(file: BinaryIO) -> bool:
    try:
        start = open_decompressed(file).read(512)
    except STREAM_ERRORS as error:
        if is_file_system_error(error):
            raise
        start = b""
    file.seek(0)
    return start[257:262] == b"ustar"


def _loose_file(file: BinaryIO, source: str, max_bytes: int) -> Member:
    if not _may_be_book(source):
        return Member(index=0, name=source, state="unwanted")
    try:
        content = open_decompressed(file).read(max_bytes + 1)
    except STREAM_ERRORS as error:
        if is_file_system_error(error):
            raise
        return Member(
            index=0,
            name=source,
            state="failed",
            exception=type(error).__name__,
            message=f"the file cannot be decompressed: {error}",
        )
    if len(content) > max_bytes:
        return Member(index=0, name=source, state="too_long")
    return Member(index=0, name=source, state="read", content=content)


def _file_id(name: str) -> str:
    match = NUMBERED.fullmatch(PurePosixPath(name).name)
    return (match["id"].lstrip("0") or "0") if match else ""


def _stem(name: str) -> str:
    return re.sub(r"(?:\.(?:gz|zst))?$", "", PurePosixPath(name).name, flags=re.I).rsplit(".", 1)[0]


def _url(number: str) -> str | None:
    return f"https://www.gutenberg.org/ebooks/{number}" if number else None


def _date(text: str | None) -> datetime | None:
    try:
        return datetime.fromisoformat(text).replace(tzinfo=UTC) if text else None
    except ValueError:
        return None


def _failed(place: Place, step: str, exception: str, message: str) -> FailedRecord:
    line = " ".join(message.split())[:500]
    return FailedRecord(place=place, step=step, exception=exception, message=line)
