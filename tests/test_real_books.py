"""Every real book at hand, through the reader: no crash, no frame left, no text lost."""

import gzip
import re
import tarfile
import zipfile
from collections import Counter
from io import BytesIO
from pathlib import Path

import pytest

from filters.gutenberg import decode_book
from pipelines.readers.gutenberg import GutenbergReader
from pipelines.readers.gutenberg_catalogue import load_catalogue
from pipelines.readers.records import GatedRecord, ReaderItem, Record

pytestmark = pytest.mark.real_data

FRAME = re.compile(
    r"(?:START|END) OF TH(?:E|IS) PROJECT GUTENBERG|Project Gutenberg-tm"
    r"|PROJECT GUTENBERG LICENSE|included with this e-?book|SMALL PRINT!"
    r"|gutenberg\.org"
    r"|THIS ELECTRONIC VERSION OF"
    r"|^End of (?:the )?Project Gutenberg|Distributed Proofreading Team at",
    re.I | re.M,
)
TABLE = [
    "PG55456 | fr | 2017-08-30 | utf-8 | Au lecteur | Page 166: «très-occuppés",
    "PG2229 | de | 2000-06-01 | utf-8 | Faust: | Heinrich! Heinrich!",
    "PG2000 | es | 1999-12-01 | utf-8 | El ingenioso hidalgo don | Fin",
    "PG25558 | zh | 2008-05-22 | utf-8 | 序 | 也」之意。",
    "PG5200 | en | 2005-08-17 | utf-8 | Metamorphosis | first to get up and stre",
    "PG15845 | tl | 2005-05-17 | utf-8 | [Transcriber's note: Til | rop",
    "PG10026 | en | 2003-10-09 | utf-8 | THE MIRROR OF LITERATURE | and sold by all Newsmen",
    "PG24675 | nl | 2008-02-23 | latin-1 | ELK DEEL IS AFZONDERLIJK | book.",
    "PG7000 | fi | 2004-11-01 | utf-8 | Kalevala | kansassa kasuavassa.",
    "PG1130 | - | 1997-11-01 | utf-8 | 1607 | THE END",
    "PG1500 | - | 1998-10-01 | utf-8 | KING HENRY VI, FIRST PAR | [Exit.]",
    "PG5652 | en | 2004-05-01 | utf-8 | Thoughts Out Of Season - | interpreter and clarifie",
]
"""Number, language, release date, encoding, and the first and the last line of the body."""
EDGE = 5_000
"""Characters at either end of a book in which nothing of the frame may be left."""


def read(path: Path, **options: str) -> list[ReaderItem]:
    with path.open("rb") as file:
        return list(GutenbergReader(**options).read(file, path.name))  # type: ignore[arg-type]


def only_record(path: Path) -> Record:
    (item,) = read(path)
    assert isinstance(item, Record), item
    return item


def plain(path: Path) -> bytes:
    data = path.read_bytes()
    return gzip.decompress(data) if data.startswith(b"\x1f\x8b") else data


def framed_books(real_data: Path) -> list[Path]:
    books = real_data / "gutenberg"
    return sorted(
        [
            *(books / "c-w_raw_vs_clean" / "raw-texts").iterdir(),
            *(books / "kalamine_multilang").glob("*.txt.gz"),
            *(books / "top100_2025").rglob("*.txt.gz"),
            books / "gitenberg_24675_nl" / "24675-8.txt",
            books / "fi_kalevala_7000" / "pg7000.txt",
            *(real_data / "dedup" / "pg_editions" / "books").glob("*.txt.gz"),
        ]
    )


def test_no_book_keeps_its_frame_or_loses_its_text(real_data: Path) -> None:
    paths = framed_books(real_data)
    assert len(paths) > 200
    shares = []
    for path in paths:
        record = only_record(path)
        body = str(record.content)
        assert FRAME.search(body[:EDGE]) is None, path
        assert FRAME.search(body[-EDGE:]) is None, path
        assert "boilerplate_kept" not in record.metadata, path
        assert record.date is not None, path
        assert re.fullmatch(r"PG\d+", record.place.record_id), path
        text = decode_book(plain(path)).text.replace("\r\n", "\n")
        # The frames of these years are 13,000 to 25,000 characters.
        assert 10_000 < len(text) - len(body) < 30_000, path
        shares.append(len(body) / len(text))
    assert min(shares) > 0.3


def test_readable_table_of_books(real_data: Path) -> None:
    books = real_data / "gutenberg"
    paths = [
        books / "kalamine_multilang" / "fr_alice.txt.gz",
        books / "kalamine_multilang" / "de_faust_1.txt.gz",
        books / "kalamine_multilang" / "es_don_quixote.txt.gz",
        books / "top100_2025" / "classics" / "shen_yin_yu.txt.gz",
        books / "top100_2025" / "classics" / "metamorphosis.txt.gz",
        books / "top100_2025" / "poetry" / "florante_at_laura.txt.gz",
        books / "c-w_raw_vs_clean" / "raw-texts" / "10026",
        books / "gitenberg_24675_nl" / "24675-8.txt",
        books / "fi_kalevala_7000" / "pg7000.txt",
        real_data / "dedup" / "pg_editions" / "books" / "pg1130.txt.gz",
        real_data / "dedup" / "pg_editions" / "books" / "pg1500.txt.gz",
        real_data / "dedup" / "pg_editions" / "books" / "pg5652.txt.gz",
    ]
    rows = []
    for path in paths:
        record = only_record(path)
        lines = [line.strip() for line in str(record.content).split("\n") if line.strip()]
        facts = [
            record.metadata.get(name, "-") for name in ("language", "release_date", "encoding")
        ]
        ends = [line[:24].strip() for line in (lines[0], lines[-1])]
        rows.append(" | ".join([record.place.record_id, *facts, *ends]))
    assert rows == TABLE


def test_bodies_against_gold(real_data: Path) -> None:
    folder = real_data / "gutenberg" / "c-w_raw_vs_clean"
    measured = {}
    for path in sorted((folder / "raw-texts").iterdir()):
        gold = Counter((folder / "clean-texts" / path.name).read_text("utf-8-sig").split())
        found = Counter(str(only_record(path).content).split())
        common = (gold & found).total()
        measured[path.name] = (round(common / found.total(), 4), round(common / gold.total(), 4))
    # Precision and recall of words. Two books keep what the gold leaves out as volunteers' notes:
    # an editorial note (10089) and a credit for pictures (10028).
    assert measured == {
        "10026": (1.0, 1.0),
        "10028": (0.9996, 1.0),
        "10076": (1.0, 1.0),
        "10089": (0.9986, 1.0),
        "38507": (1.0, 1.0),
        "40815": (1.0, 1.0),
    }


def test_books_that_are_stripped_already_lose_nothing_but_the_closing_line(real_data: Path) -> None:
    paths = sorted((real_data / "gutenberg").glob("gutenbergbooks_*/*-0.txt"))
    assert len(paths) >= 8
    for path in paths:
        text = path.read_text("utf-8-sig").rstrip()
        *_, last = text.split("\n")
        kept = text.removesuffix(last) if last.startswith("End of") else text
        record = only_record(path)
        assert str(record.content).split() == kept.split(), path
        assert record.place.record_id == f"PG{path.name.removesuffix('-0.txt')}"


def test_error_page_is_no_book(real_data: Path) -> None:
    path = real_data / "gutenberg" / "edge_cases" / "404_page_saved_as_book.txt"
    (item,) = read(path)
    assert isinstance(item, GatedRecord)
    assert item.reason == "not_a_book"


def test_latin_1_book_keeps_its_accents(real_data: Path) -> None:
    record = only_record(real_data / "gutenberg" / "gitenberg_24675_nl" / "24675-8.txt")
    assert record.metadata["author"] == "Gabriël (AKA  Carel van Nievelt)"
    assert "GABRIËL." in str(record.content)
    assert "\ufffd" not in str(record.content)


def test_catalogues_fill_the_metadata(real_data: Path) -> None:
    books = real_data / "gutenberg"
    table = books / "catalogue_gutenbergr" / "gutenberg_metadata.csv.gz"
    catalogue = load_catalogue(str(table))
    assert (len(catalogue.books), catalogue.problems) == (78_766, ())
    (item,) = read(books / "gutenbergbooks_24264" / "24264-0.txt", catalogue=str(table))
    assert isinstance(item, Record)
    assert item.metadata == {
        "title": "紅樓夢",
        "authors": "Cao, Xueqin",
        "author": "Cao, Xueqin",
        "language": "zh",
        "bookshelves": "Category: Novels",
        "rights": "Public domain in the USA.",
        "encoding": "utf-8",
    }
    records = load_catalogue(str(books / "c-w_raw_vs_clean" / "sample-rdf-files.tar.bz2"))
    assert sorted(records.books) == [5, 2701, 14287, 23962, 30929, 50405]
    assert records.problems == ()
    assert records.books[14287]["authors"] == "Verne, Jules, 1828-1905"


def test_weekly_archive_form_gives_the_same_records(real_data: Path) -> None:
    paths = sorted((real_data / "gutenberg" / "top100_2025" / "drama").glob("*.txt.gz"))
    tar = BytesIO()
    with tarfile.open(fileobj=tar, mode="w") as archive:
        for path in paths:
            info = tarfile.TarInfo(f"cache/epub/{path.name.removesuffix('.gz')}")
            info.size = len(plain(path))
            archive.addfile(info, BytesIO(plain(path)))
    file = BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("txt-files.tar", tar.getvalue())
    items = list(GutenbergReader().read(file, "txt-files.tar.zip"))
    assert [(i.place.record_id, i.content) for i in items if isinstance(i, Record)] == [
        (only_record(path).place.record_id, only_record(path).content) for path in paths
    ]
