import gzip
import io
import pickle
import tarfile
import zipfile
from datetime import UTC, datetime
from pathlib import Path

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from pipelines.readers.gutenberg import GutenbergReader, preferred_editions
from pipelines.readers.records import FailedRecord, GatedRecord, Place, ReaderItem, Record


def book(number: int, body: str = "It was the best of times.", encoding: str = "UTF-8") -> bytes:
    text = (
        f"The Project Gutenberg eBook of Book {number}\n\nTitle: Book {number}\n\n"
        "Author: A. Writer\n\n"
        f"Release date: June 1, 2000 [eBook #{number}]\n\nLanguage: French\n\n"
        f"Character set encoding: {encoding}\n\n"
        f"*** START OF THE PROJECT GUTENBERG EBOOK BOOK {number} ***\n\n{body}\n\n"
        f"*** END OF THE PROJECT GUTENBERG EBOOK BOOK {number} ***\n\n"
        "Updated editions will replace the previous one.\n"
    )
    return text.replace("\n", "\r\n").encode("utf-8-sig" if encoding == "UTF-8" else encoding)


def record(
    number: int,
    source: str,
    offset: int = 0,
    body: str = "It was the best of times.",
    encoding: str = "utf-8",
) -> Record:
    return Record(
        place=Place(
            source=source,
            offset=offset,
            record_id=f"PG{number}",
            url=f"https://www.gutenberg.org/ebooks/{number}",
        ),
        content=body,
        media_type="text/plain",
        date=datetime(2000, 6, 1, tzinfo=UTC),
        metadata={
            "title": f"Book {number}",
            "author": "A. Writer",
            "release_date": "2000-06-01",
            "language": "fr",
            "language_name": "French",
            "encoding": encoding,
        },
    )


def gated(source: str, offset: int, record_id: str, reason: str) -> GatedRecord:
    number = record_id.removeprefix("PG") if record_id.startswith("PG") else ""
    url = f"https://www.gutenberg.org/ebooks/{number}" if number else None
    place = Place(source=source, offset=offset, record_id=record_id, url=url)
    return GatedRecord(place=place, reason=reason)


def zip_of(members: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", method) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return file.getvalue()


def tar_of(members: dict[str, bytes], mode: str = "w") -> bytes:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode=mode) as archive:  # type: ignore[call-overload]
        for name, content in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return file.getvalue()


def read(content: bytes, source: str, reader: GutenbergReader | None = None) -> list[ReaderItem]:
    return list((reader or GutenbergReader()).read(io.BytesIO(content), source))


@pytest.mark.parametrize(
    "name",
    ["pg84.txt", "84-0.txt", "84.txt", "84-8.txt", "pg84.txt.utf8", "PG84_raw.txt", "7.txt", "any"],
)
@pytest.mark.parametrize("compression", ["", ".gz", ".zst"])
def test_loose_book_of_every_name_is_known_by_its_header(name: str, compression: str) -> None:
    content = book(84)
    if compression:
        content = gzip.compress(content) if compression == ".gz" else zstandard.compress(content)
    source = f"books/{name}{compression}"
    assert read(content, source) == [record(84, source)]


@pytest.mark.parametrize(
    ("name", "record_id"),
    [
        *((f"{number}-0.txt", f"PG{number}") for number in (1, 9, 10, 99)),
        ("pg00007.txt", "PG7"),
        ("PG123_text.txt", "PG123"),
        ("8moor10.txt", "8moor10"),
        ("a.long.name.txt.gz", "a.long.name"),
    ],
)
def test_file_name_stands_for_an_id_that_no_header_says(name: str, record_id: str) -> None:
    (item,) = read(b"A text whose header is gone.", f"folder/{name}")
    url = record_id.replace("PG", "https://www.gutenberg.org/ebooks/")
    assert item.place == Place(
        source=f"folder/{name}",
        offset=0,
        record_id=record_id,
        url=url if url != record_id else None,
    )


@pytest.mark.parametrize(
    ("encoding", "codec", "body"),
    [
        ("ISO-8859-1", "latin-1", "Gabriël, déjà."),
        ("Windows-1252", "cp1252", "“déjà” – vu"),
        ("Big5", "big5", "紅樓夢第一回"),
        ("UTF-16", "utf-16", "Ünïcode"),
    ],
)
def test_declared_encodings(encoding: str, codec: str, body: str) -> None:
    assert read(book(84, body, encoding), "84-8.txt") == [
        record(84, "84-8.txt", body=body, encoding=codec)
    ]


MEMBERS = {
    "1/pg1.txt": book(1),
    "1/images/cover.jpg": b"\xff\xd8",
    "../../etc/2.txt": book(2),
    "README.txt": b"Read me",
    "4/4-h/4-h.htm": b"<html>",
    "5.txt": b"\n \n",
    "6.txt": b"<!DOCTYPE html><html><title>404 | Project Gutenberg</title></html>",
    "7.txt.gz": gzip.compress(book(7)),
    "8.txt.gz": gzip.compress(book(8))[:-20],
    "9.txt": b"\x00\x01\x02\x03" * 900,
}


def expected_items(source: str) -> list[ReaderItem]:
    def failed(offset: int, step: str, exception: str, message: str) -> FailedRecord:
        place = gated(source, offset, f"PG{offset + 0}", "").place
        return FailedRecord(place=place, step=step, exception=exception, message=message)

    cut = "Compressed file ended before the end-of-stream marker was reached"
    return [
        record(1, source, 0),
        gated(source, 1, "cover", "not_a_book"),
        record(2, source, 2),
        gated(source, 3, "README", "not_a_book"),
        gated(source, 4, "4-h", "not_a_book"),
        gated(source, 5, "PG5", "empty"),
        gated(source, 6, "PG6", "not_a_book"),
        record(7, source, 7),
        failed(8, "read", "EOFError", f"8.txt.gz: the file cannot be decompressed: {cut}"),
        failed(
            9,
            "decode",
            "UndecodableBookError",
            "9.txt: 3600 of 3600 characters are not readable as cp1252",
        ),
    ]


def by_offset(item: ReaderItem) -> int:
    return item.place.offset


@pytest.mark.parametrize(
    ("source", "content"),
    [
        ("books.zip", zip_of(MEMBERS)),
        ("books.tar", tar_of(MEMBERS)),
        ("books.tar.gz", tar_of(MEMBERS, "w:gz")),
        ("books.tar.bz2", tar_of(MEMBERS, "w:bz2")),
        ("no suffix", gzip.compress(tar_of(MEMBERS))),
        ("no suffix", zip_of(MEMBERS)),
        ("txt-files.tar.zip", zip_of({"txt-files.tar": tar_of(MEMBERS)})),
        ("txt-files.tar.zip", zip_of({"txt-files.tar.gz": tar_of(MEMBERS, "w:gz")})),
    ],
)
def test_every_member_of_an_archive_is_one_item(source: str, content: bytes) -> None:
    assert sorted(read(content, source), key=by_offset) == expected_items(source)


def test_members_of_tars_in_a_zip_of_more_have_their_own_offsets() -> None:
    content = zip_of({"a.tar": tar_of({"1.txt": book(1)}), "b.txt": book(2), "c/": b""})
    items = sorted(read(content, "x.zip"), key=by_offset)
    assert items == [record(2, "x.zip", 1), record(1, "x.zip", 3)]


def test_longer_books_are_gated_also_where_the_archive_lies_about_the_size() -> None:
    long = book(1, "It was long. " * 50_000)
    reader = GutenbergReader(max_book_bytes=100_000)
    gate = [gated("x", 0, "PG1", "record_bytes")]
    inner = {"1.txt": long}
    assert read(long, "x", reader) == [gated("x", 0, "x", "record_bytes")]
    assert read(zip_of(inner), "x", reader) == gate
    assert read(tar_of(inner), "x", reader) == gate
    assert read(zip_of({"1.txt.gz": gzip.compress(long)}), "x", reader) == gate
    lying = bytearray(zip_of(inner))
    size = len(long).to_bytes(4, "little")
    central = lying.rindex(size)
    lying[central : central + 4] = (1000).to_bytes(4, "little")
    (item,) = read(bytes(lying), "x", reader)
    assert isinstance(item, FailedRecord | GatedRecord)


def test_a_member_without_a_name_costs_no_other() -> None:
    stored = io.BytesIO()
    with zipfile.ZipFile(stored, "w") as archive:
        archive.writestr("84-0.txt", "A book of some length. " * 20)
        archive.writestr("x", "no name")
    content = bytearray(stored.getvalue())
    at = content.rindex(b"PK\x01\x02")
    # A name of no bytes, and the byte that was the name as a comment: APPNOTE 4.3.12.
    content[at + 28], content[at + 32] = 0, 1
    items = list(GutenbergReader().read(io.BytesIO(bytes(content)), "books.zip"))
    assert [item.place.record_id for item in items if isinstance(item, Record)] == ["PG84"]
    assert len(items) == 2


def test_broken_and_encrypted_members_fail_alone() -> None:
    content = bytearray(zip_of({"1.txt": book(1), "2.txt": book(2), "3.txt": book(3)}, 0))
    content[content.index(b"Title: Book 1")] = ord("X")
    flags = content.index(b"PK\x01\x02", content.index(b"PK\x01\x02") + 1) + 8
    content[flags] |= 1
    items = read(bytes(content), "x.zip")
    failures = [item for item in items if isinstance(item, FailedRecord)]
    assert [
        (f.place.record_id, f.step, f.exception, f.message.split(" <")[0]) for f in failures
    ] == [
        (
            "PG1",
            "read",
            "BadZipFile",
            "1.txt: the member is not readable: Bad CRC-32 for file '1.txt'",
        ),
        (
            "PG2",
            "read",
            "RuntimeError",
            "2.txt: the member is not readable: File",
        ),
    ]
    assert items[2:] == [record(3, "x.zip", 2)]


EDITIONS = {
    "10/10.txt": book(10),
    "10/10-8.txt": book(10),
    "10/10-0.txt": book(10),
    "11/10-8.txt": book(10),
    "12/12.txt": book(12),
}


@pytest.mark.parametrize("pack", [zip_of, tar_of])
def test_one_encoding_of_a_book_is_read(pack: object) -> None:
    items = read(pack(EDITIONS), "x")  # type: ignore[operator]
    assert sorted(items, key=by_offset) == [
        gated("x", 0, "PG10", "duplicate_encoding.10-0.txt"),
        gated("x", 1, "PG10", "duplicate_encoding.10-0.txt"),
        record(10, "x", 2),
        record(10, "x", 3),
        record(12, "x", 4),
    ]


def test_editions_far_apart_in_a_zip_are_still_one() -> None:
    members = {"10-8.txt": book(10), "other.txt": book(5), "pg10.txt": book(10)}
    items = sorted(read(zip_of(members), "x"), key=by_offset)
    assert items == [
        gated("x", 0, "PG10", "duplicate_encoding.pg10.txt"),
        record(5, "x", 1),
        record(10, "x", 2),
    ]


def test_unreadable_edition_does_not_displace_a_good_one() -> None:
    content = bytearray(zip_of({"1-0.txt": book(1), "1-8.txt": book(1)}, 0))
    content[content.index(b"Title: Book 1")] = ord("X")
    kinds = [type(item).__name__ for item in sorted(read(bytes(content), "x"), key=by_offset)]
    assert kinds == ["FailedRecord", "Record"]


def test_preferred_editions_of_a_list_of_paths() -> None:
    paths = ["b/84.txt", "a/84-8.txt", "a/pg84.txt", "a/x.txt", "a/8moor10.txt", "a/7moor10.txt"]
    assert preferred_editions(paths) == (
        ["b/84.txt", "a/pg84.txt", "a/x.txt", "a/8moor10.txt"],
        {
            "a/84-8.txt": "duplicate_encoding.pg84.txt",
            "a/7moor10.txt": "duplicate_encoding.8moor10.txt",
        },
    )


names = st.builds(
    "{}/{}{}.txt".format,
    st.sampled_from("ab"),
    st.sampled_from(["1", "2", "pg1", "pg2", "x"]),
    st.sampled_from(["", "-0", "-8"]),
)


@given(st.lists(names))
def test_every_path_is_kept_or_left_out_and_every_book_kept_once(paths: list[str]) -> None:
    kept, left_out = preferred_editions(paths)
    assert set(kept) | set(left_out) == set(paths)
    assert not set(kept) & set(left_out)
    assert preferred_editions(kept) == (kept, {})


def test_catalogue_fills_what_the_header_does_not_say(tmp_path: Path) -> None:
    path = tmp_path / "pg_catalog.csv"
    path.write_text(
        "Text#,Type,Issued,Title,Language,Authors,Subjects,LoCC,Bookshelves\n"
        '84,Text,1993-10-01,Frankenstein,en,"Shelley, Mary, 1797-1851",Horror,PR,\n',
        encoding="utf-8",
    )
    reader = GutenbergReader(catalogue=str(path))
    assert pickle.loads(pickle.dumps(reader)) == reader
    (bare,) = read(b"A text whose header is gone.", "84.txt", reader)
    assert isinstance(bare, Record)
    assert (bare.date, bare.metadata) == (
        datetime(1993, 10, 1, tzinfo=UTC),
        {
            "type": "Text",
            "release_date": "1993-10-01",
            "title": "Frankenstein",
            "language": "en",
            "author": "Shelley, Mary, 1797-1851",
            "authors": "Shelley, Mary, 1797-1851",
            "subjects": "Horror",
            "library_of_congress_class": "PR",
            "encoding": "utf-8",
        },
    )
    (full,) = read(book(84), "84.txt", reader)
    assert isinstance(full, Record)
    assert (full.metadata["title"], full.metadata["language"]) == ("Book 84", "fr")


ZIP = zip_of({"1.txt": book(1), "2/2-0.txt": book(2), "3.tar": tar_of({"3.txt": book(3)})})
TAR = tar_of({f"{number}.txt": book(number, "Line.\n" * 300) for number in range(1, 6)})


@given(st.integers(0, len(ZIP) - 1))
def test_cut_zip_is_one_failure(length: int) -> None:
    (item,) = read(ZIP[:length], "x.zip")
    assert isinstance(item, FailedRecord)


@given(st.integers(0, len(ZIP) - 1), st.integers(1, 255))
def test_damaged_zip_raises_nothing(position: int, flip: int) -> None:
    damaged = bytearray(ZIP)
    damaged[position] ^= flip
    for item in read(bytes(damaged), "x.zip"):
        assert isinstance(item, Record | GatedRecord | FailedRecord)


@given(st.integers(1, TAR.index(b"\0" * 1024, TAR.rindex(b"Updated")) - 1), st.booleans())
def test_cut_tar_keeps_whole_books_and_says_that_it_is_cut(length: int, compressed: bool) -> None:
    content = gzip.compress(TAR[:length]) if compressed else TAR[:length]
    *books, last = read(content, "x.tar")
    body = "\n".join(["Line."] * 300)
    assert books == [record(n, "x.tar", n - 1, body) for n in range(1, len(books) + 1)]
    assert isinstance(last, FailedRecord)


@given(st.binary(max_size=600), st.sampled_from(["x.zip", "x.tar", "x.txt", "x.txt.gz"]))
def test_any_bytes_are_items(data: bytes, source: str) -> None:
    items = read(data, source)
    assert len(items) >= 1


def test_weekly_archive_is_read_as_a_stream() -> None:
    class Counting(io.BytesIO):
        at = 0

        def read(self, size: int | None = -1, /) -> bytes:
            data = super().read(size)
            self.at = max(self.at, self.tell())
            return data

    bodies = {f"cache/epub/{n}/pg{n}.txt": book(n, f"Line {n}.\n" * 9000) for n in range(1, 80)}
    # Stored, so that the place in the zip shows how much of the tar was taken in.
    file = Counting(zip_of({"txt-files.tar": tar_of(bodies)}, zipfile.ZIP_STORED))
    items = GutenbergReader().read(file, "txt-files.tar.zip")
    end = len(file.getvalue())
    first = next(items)
    assert first.place.record_id == "PG1"
    file.at = 0
    next(items)
    assert file.at < end / 10


@pytest.mark.parametrize(
    ("options", "message"),
    [({"max_book_bytes": 0}, "1 or more"), ({"catalogue": "no/such.csv"}, "no/such.csv")],
)
def test_wrong_options_are_refused(options: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        GutenbergReader(**options)  # type: ignore[arg-type]


CATALOGUE = (
    "gutenberg_id,title,rights\n"
    "7,Free,Public domain in the USA.\n"
    "8,Not free,Copyrighted. Read the copyright notice inside this book for details.\n"
    "9,Who knows,\n"
)


def test_books_that_are_not_in_the_public_domain_are_gated(tmp_path: Path) -> None:
    catalogue = tmp_path / "catalogue.csv"
    catalogue.write_text(CATALOGUE)
    reader = GutenbergReader(catalogue=str(catalogue), public_domain_only=True)
    found = {
        number: next(iter(reader.read(io.BytesIO(book(number)), f"pg{number}.txt")))
        for number in (7, 8, 9, 10)
    }
    assert isinstance(found[7], Record)
    assert found[7].metadata["rights"] == "Public domain in the USA."
    reasons = {n: item.reason for n, item in found.items() if isinstance(item, GatedRecord)}
    assert reasons == {8: "rights.copyrighted", 9: "rights.unknown", 10: "rights.unknown"}


def test_a_long_book_is_split_at_its_chapters() -> None:
    chapters = [f"CHAPTER {number}\n\n{'It was a dark night. ' * 40}\n\n" for number in range(1, 6)]
    body = "".join(chapters).strip()
    content = io.BytesIO(book(7, body))
    reader = GutenbergReader(split_over=2 * len(chapters[0]) + 10)
    parts = [item for item in reader.read(content, "pg7.txt") if isinstance(item, Record)]
    assert "".join(str(part.content) for part in parts) == body
    assert [
        (part.place.record_id, part.metadata["part"], part.metadata["chapters"]) for part in parts
    ] == [("PG7#1", "1 of 3", "1-2"), ("PG7#2", "2 of 3", "3-4"), ("PG7#3", "3 of 3", "5-5")]
    whole = GutenbergReader(split_over=len(body))
    content.seek(0)
    assert list(whole.read(content, "pg7.txt")) == [record(7, "pg7.txt", body=body)]
