import bz2
import gzip
import io
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.readers.gutenberg_catalogue import Catalogue, load_catalogue, parse_rdf

RDF = """<?xml version="1.0" encoding="utf-8"?>
<rdf:RDF xmlns:dcterms="http://purl.org/dc/terms/" xmlns:dcam="http://purl.org/dc/dcam/"
  xmlns:pgterms="http://www.gutenberg.org/2009/pgterms/"
  xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
  <pgterms:ebook rdf:about="ebooks/11">
    <dcterms:title>Alice's Adventures
in Wonderland</dcterms:title>
    <dcterms:creator><pgterms:agent><pgterms:name>Carroll, Lewis</pgterms:name>
      <pgterms:birthdate>1832</pgterms:birthdate><pgterms:deathdate>1898</pgterms:deathdate>
    </pgterms:agent></dcterms:creator>
    <dcterms:creator><pgterms:agent><pgterms:name>Anonymous</pgterms:name></pgterms:agent>
    </dcterms:creator>
    <dcterms:language><rdf:Description><rdf:value>en</rdf:value></rdf:Description></dcterms:language>
    <dcterms:language><rdf:Description><rdf:value>la</rdf:value></rdf:Description></dcterms:language>
    <dcterms:subject><rdf:Description><rdf:value>Fantasy</rdf:value>
      <dcam:memberOf rdf:resource="http://purl.org/dc/terms/LCSH"/></rdf:Description></dcterms:subject>
    <dcterms:subject><rdf:Description><rdf:value>PR</rdf:value>
      <dcam:memberOf rdf:resource="http://purl.org/dc/terms/LCC"/></rdf:Description></dcterms:subject>
    <dcterms:rights>Public domain in the USA.</dcterms:rights>
    <dcterms:issued>2008-06-27</dcterms:issued>
    <pgterms:downloads>42</pgterms:downloads>
    <dcterms:publisher>Project Gutenberg</dcterms:publisher>
  </pgterms:ebook>
</rdf:RDF>"""
FACTS = {
    "title": "Alice's Adventures in Wonderland",
    "authors": "Carroll, Lewis, 1832-1898; Anonymous",
    "language": "en; la",
    "subjects": "Fantasy",
    "rights": "Public domain in the USA.",
    "release_date": "2008-06-27",
    "downloads": "42",
}
OFFICIAL_CSV = """Text#,Type,Issued,Title,Language,Authors,Subjects,LoCC,Bookshelves
11,Text,2008-06-27,"Alice
in Wonderland",en,"Carroll, Lewis, 1832-1898",Fantasy,PR,Children
x,Text,,No number,en,,,,
"""
GUTENBERGR_CSV = """gutenberg_id,title,author,language,gutenberg_bookshelf,rights
11,Alice,"Carroll, Lewis",en/la,NA,Public domain in the USA.
"""


@pytest.fixture(autouse=True)
def _nothing_loaded_before() -> Iterator[None]:
    load_catalogue.cache_clear()
    yield
    load_catalogue.cache_clear()


def tar_of(members: dict[str, bytes]) -> bytes:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as archive:
        for name, content in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return file.getvalue()


def test_rdf_record() -> None:
    assert parse_rdf(RDF.encode()) == (11, FACTS)


def test_archive_of_records_reports_the_broken_one_and_keeps_the_rest(tmp_path: Path) -> None:
    path = tmp_path / "rdf-files.tar.bz2"
    members = {
        "cache/epub/0/pg0.rdf": b"<rdf",
        "cache/epub/11/pg11.rdf": RDF.encode(),
        "cache/epub/11/readme": b"",
        "cache/epub/12/pg12.rdf": RDF.replace("ebooks/11", "ebooks/none").encode(),
    }
    path.write_bytes(bz2.compress(tar_of(members)))
    assert load_catalogue(str(path)) == Catalogue(
        books={11: FACTS},
        problems=(
            "cache/epub/0/pg0.rdf: unclosed token: line 1, column 0",
            "cache/epub/12/pg12.rdf: no pgterms:ebook with a number in it",
        ),
    )


def test_cut_archive_keeps_what_it_held(tmp_path: Path) -> None:
    path = tmp_path / "rdf-files.tar"
    content = tar_of({f"{n}.rdf": RDF.replace("/11", f"/{n}").encode() for n in range(1, 9)})
    path.write_bytes(content[: len(content) // 2])
    catalogue = load_catalogue(str(path))
    assert set(catalogue.books) < set(range(1, 9))
    assert 1 in catalogue.books
    assert len(catalogue.problems) == 1


def test_folder_and_single_record(tmp_path: Path) -> None:
    (tmp_path / "11").mkdir()
    record = tmp_path / "11" / "pg11.rdf"
    record.write_text(RDF, encoding="utf-8")
    assert load_catalogue(str(tmp_path)).books == {11: FACTS}
    assert load_catalogue(str(record)).books == {11: FACTS}


@pytest.mark.parametrize("compressed", [False, True])
def test_official_csv(tmp_path: Path, compressed: bool) -> None:
    path = tmp_path / ("pg_catalog.csv.gz" if compressed else "pg_catalog.csv")
    content = OFFICIAL_CSV.encode("utf-8-sig")
    path.write_bytes(gzip.compress(content) if compressed else content)
    assert load_catalogue(str(path)) == Catalogue(
        books={
            11: {
                "type": "Text",
                "release_date": "2008-06-27",
                "title": "Alice in Wonderland",
                "language": "en",
                "authors": "Carroll, Lewis, 1832-1898",
                "subjects": "Fantasy",
                "library_of_congress_class": "PR",
                "bookshelves": "Children",
            }
        },
        problems=(f"{path.name}: line 4: 'x' is not a book's number",),
    )


def test_gutenbergr_csv(tmp_path: Path) -> None:
    path = tmp_path / "gutenberg_metadata.csv"
    path.write_text(GUTENBERGR_CSV, encoding="utf-8")
    assert load_catalogue(str(path)).books == {
        11: {
            "title": "Alice",
            "authors": "Carroll, Lewis",
            "language": "en; la",
            "rights": "Public domain in the USA.",
        }
    }


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("c.csv", b"a,b\n1,2\n", "no column 'Text#' or 'gutenberg_id'; the columns are: a, b"),
        ("c.csv", b"", "the columns are: none"),
        ("c.csv.gz", b"\x1f\x8bbroken", "no record of a book"),
        ("c.tar.bz2", b"no archive", "no record of a book"),
    ],
)
def test_file_without_any_book_is_refused(
    tmp_path: Path, name: str, content: bytes, message: str
) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(ValueError, match="no record of a book") as caught:
        load_catalogue(str(path))
    assert message in str(caught.value)


def test_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        load_catalogue(str(tmp_path / "none.csv"))


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
@pytest.mark.parametrize(
    "doctype",
    [
        '<!DOCTYPE r [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>',
        '<!DOCTYPE r [<!ENTITY a SYSTEM "file:///etc/hostname">]>',
        '<!DOCTYPE r SYSTEM "http://example.org/r.dtd">',
    ],
)
def test_document_types_are_refused(encoding: str, doctype: str) -> None:
    xml = f"<?xml version='1.0' encoding='{encoding}'?>{doctype}<r>&a;</r>"
    assert parse_rdf(xml.encode(encoding)) == (
        "the record declares a document type, which is refused"
    )


@given(st.integers(0, len(RDF.encode())), st.binary(max_size=4))
def test_damaged_record_is_a_message_or_a_record(position: int, noise: bytes) -> None:
    data = RDF.encode()
    result = parse_rdf(data[:position] + noise + data[position + len(noise) :])
    assert (result[0] > 0) if isinstance(result, tuple) else result


@pytest.mark.parametrize("book_id", ["", "12", "x", "²"])
def test_unknown_books_have_no_facts(book_id: str) -> None:
    assert Catalogue(books={11: FACTS}).facts(book_id) == {}
    assert Catalogue(books={11: FACTS}).facts("11") == FACTS
