"""The catalogue of Project Gutenberg: what is known of each book beside its own header.

It is read from the RDF records (``rdf-files.tar.bz2``, a folder of ``.rdf`` files, or one of them)
or from a CSV table (``pg_catalog.csv`` as Project Gutenberg publishes it weekly, or the
``gutenberg_metadata.csv`` of the R package gutenbergr), plain or compressed with gzip.
"""

import csv
import io
import logging
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import IO, BinaryIO, cast
from xml.etree import ElementTree as ET

from pipelines.readers.archive import tar_members
from pipelines.readers.jsonl import STREAM_ERRORS, is_file_system_error, open_decompressed

__all__ = ["Catalogue", "load_catalogue", "parse_rdf", "tells_rights"]

MAXIMUM_RDF_BYTES = 20_000_000
"""A longer record is refused; those of Project Gutenberg are 5 to 100 kB."""
NAMESPACES = {
    "rdf": "http://www.w3.org/1999/02/22-rdf-syntax-ns#",
    "dcterms": "http://purl.org/dc/terms/",
    "pgterms": "http://www.gutenberg.org/2009/pgterms/",
}
CSV_COLUMNS = {
    "Text#": "id",
    "Type": "type",
    "Issued": "release_date",
    "Title": "title",
    "Language": "language",
    "Authors": "authors",
    "Subjects": "subjects",
    "LoCC": "library_of_congress_class",
    "Bookshelves": "bookshelves",
    "gutenberg_id": "id",
    "title": "title",
    "author": "authors",
    "language": "language",
    "gutenberg_bookshelf": "bookshelves",
    "rights": "rights",
}
"""Columns of the two CSV forms, and the names that their values have as metadata."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Catalogue:
    """Facts of each book by its number.

    Attributes:
        books: Book number to facts: ``title``, ``authors`` (with years of birth and death where
            the source has them, several joined by ``; ``), ``language`` (codes), ``subjects``,
            ``bookshelves``, ``rights``, ``release_date``, ``type``, ``downloads`` (of the last 30
            days), whichever there are.
        problems: One line for each record that could not be read.
    """

    books: Mapping[int, Mapping[str, str]] = field(default_factory=dict)
    problems: tuple[str, ...] = ()

    def facts(self, book_id: str) -> Mapping[str, str]:
        """What is known of a book by its number; empty if it is not in the catalogue."""
        return self.books.get(int(book_id), {}) if book_id.isascii() and book_id.isdigit() else {}


@lru_cache(maxsize=2)
def load_catalogue(path: str) -> Catalogue:
    """Read a catalogue; once in a process for each path.

    A record that can't be read is logged, listed in :attr:`Catalogue.problems` and left out.

    Raises:
        OSError: If the file or folder can't be opened.
        ValueError: If it holds no book at all.
    """
    books: dict[int, Mapping[str, str]] = {}
    problems: list[str] = []
    for name, result in _records(Path(path)):
        if isinstance(result, str):
            problems.append(f"{name}: {result}")
            _log.warning("catalogue %s: %s: %s", path, name, result)
        else:
            number, facts = result
            books[number] = {**books.get(number, {}), **facts}
    if not books:
        raise ValueError(f"catalogue {path}: no record of a book in it; {'; '.join(problems[:3])}")
    return Catalogue(books=books, problems=tuple(problems))


def tells_rights(path: str) -> bool:
    """Tell whether a catalogue says if a book is in the public domain; ``pg_catalog.csv`` does not.

    Raises:
        OSError: If the file or folder can't be opened.
    """
    name = re.sub(r"\.(gz|zst)$", "", Path(path).name.lower())
    if not name.endswith(".csv"):
        return True
    with Path(path).open("rb") as file:
        first = open_decompressed(file).readline(MAXIMUM_RDF_BYTES)
    return "rights" in next(csv.reader([first.decode("utf-8-sig", "replace")]), [])


_Result = tuple[int, dict[str, str]] | str
"""A book's number and facts, or what is wrong with its record."""


def _records(path: Path) -> Iterator[tuple[str, _Result]]:
    if path.is_dir():
        for member in sorted(path.rglob("*.rdf")):
            yield member.name, parse_rdf(member.read_bytes())
        return
    with path.open("rb") as file:
        name = re.sub(r"\.(gz|zst)$", "", path.name.lower())
        if name.endswith(".csv"):
            yield from _csv_records(path.name, open_decompressed(file))
        elif name.endswith((".rdf", ".xml")):
            content = open_decompressed(file)
            yield path.name, parse_rdf(content.read(MAXIMUM_RDF_BYTES + 1))
        else:
            yield from _tar_records(path.name, file)


def _tar_records(name: str, file: BinaryIO) -> Iterator[tuple[str, _Result]]:
    def is_record(member: str) -> bool:
        return member.lower().endswith(".rdf")

    for member in tar_members(file, wanted=is_record, max_bytes=MAXIMUM_RDF_BYTES):
        if member.state == "read":
            yield member.name, parse_rdf(member.content)
        elif member.state == "too_long":
            yield member.name, f"the record is longer than {MAXIMUM_RDF_BYTES} bytes"
        elif member.state == "failed":
            yield member.name or name, member.message


def _csv_records(name: str, stream: BinaryIO) -> Iterator[tuple[str, _Result]]:
    text = io.TextIOWrapper(cast(IO[bytes], stream), encoding="utf-8-sig", newline="")
    rows = csv.DictReader(text)
    try:
        columns = {column: CSV_COLUMNS.get(column) for column in rows.fieldnames or ()}
        if "id" not in columns.values():
            there = ", ".join(columns) or "none"
            yield name, f"no column 'Text#' or 'gutenberg_id'; the columns are: {there}"
            return
        for row in rows:
            facts = {
                columns[column] or "": " ".join(value.split())
                for column, value in row.items()
                if columns.get(column) and value and value != "NA"
            }
            number = facts.pop("id", "")
            if number.isascii() and number.isdigit():
                facts["language"] = facts.get("language", "").replace("/", "; ")
                yield name, (int(number), {key: value for key, value in facts.items() if value})
            else:
                yield name, f"line {rows.line_num}: {number!r} is not a book's number"
    except (csv.Error, *STREAM_ERRORS) as error:
        if is_file_system_error(error):
            raise
        yield name, f"not readable after line {rows.line_num}: {error}"


class _NoDoctype(ET.TreeBuilder):
    """Refuses a document type, and with it every entity: a record has none, an attack needs one."""

    def doctype(self, *_: object) -> None:
        raise ValueError("the record declares a document type, which is refused")


def parse_rdf(data: bytes) -> _Result:
    """Read one RDF record of a book.

    Returns:
        The book's number and facts, or one line that says why the record can't be read.
    """
    if len(data) > MAXIMUM_RDF_BYTES:
        return f"the record is longer than {MAXIMUM_RDF_BYTES} bytes"
    try:
        parser = ET.XMLParser(target=_NoDoctype())  # noqa: S314 - document types are refused
        parser.feed(data)
        root = parser.close()
    except (ET.ParseError, ValueError, LookupError) as error:
        return str(error)
    book = root.find("pgterms:ebook", NAMESPACES)
    about = "" if book is None else book.get(f"{{{NAMESPACES['rdf']}}}about", "")
    number = re.search(r"ebooks/(\d{1,6})$", about)
    if book is None or number is None:
        return "no pgterms:ebook with a number in it"
    authors = (
        _person(agent) for agent in book.findall("dcterms:creator/pgterms:agent", NAMESPACES)
    )
    facts = {
        "title": _join(book, "dcterms:title", " "),
        "authors": "; ".join(filter(None, authors)),
        "language": _join(book, "dcterms:language//rdf:value"),
        "subjects": "; ".join(_subjects(book)),
        "bookshelves": _join(book, "pgterms:bookshelf//rdf:value"),
        "rights": _join(book, "dcterms:rights"),
        "release_date": _join(book, "dcterms:issued"),
        "type": _join(book, "dcterms:type//rdf:value"),
        "downloads": _join(book, "pgterms:downloads"),
    }
    return int(number[1]), {key: value for key, value in facts.items() if value and value != "None"}


def _texts(elements: Iterable[ET.Element]) -> Iterator[str]:
    return (" ".join(e.text.split()) for e in elements if e.text and e.text.strip())


def _join(book: ET.Element, path: str, separator: str = "; ") -> str:
    return separator.join(dict.fromkeys(_texts(book.findall(path, NAMESPACES))))


def _subjects(book: ET.Element) -> Iterator[str]:
    """Subject headings, without the class letters that stand under the same name."""
    for description in book.findall("dcterms:subject/rdf:Description", NAMESPACES):
        member = description.find("{http://purl.org/dc/dcam/}memberOf")
        kind = "" if member is None else member.get(f"{{{NAMESPACES['rdf']}}}resource", "")
        if not kind.endswith("/LCC"):
            yield from _texts(description.findall("rdf:value", NAMESPACES))


def _person(agent: ET.Element) -> str:
    """A name with years, as the CSV form has it: "Carroll, Lewis, 1832-1898"."""
    name = _join(agent, "pgterms:name")
    years = [_join(agent, f"pgterms:{event}date") for event in ("birth", "death")]
    return f"{name}, {'-'.join(years)}" if name and any(years) else name
