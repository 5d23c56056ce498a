import csv
import html
import io
import subprocess
import sys
import zipfile
import zlib
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import brotli
import pytest
from warcio.archiveiterator import ArchiveIterator

from pipelines.readers.records import FailedRecord, Record
from pipelines.readers.warc import WarcReader
from tests.conftest import REPOSITORY

QUICKSTART = REPOSITORY / "configs" / "quickstart"
SAMPLE = QUICKSTART / "sample"
MEMBER_START = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\xff"
KINDS = {
    "article": 96,
    "adult_spam": 10,
    "bullets": 1,
    "damaged_member": 1,
    "empty": 1,
    "gibberish": 2,
    "http_status": 3,
    "javascript_required": 1,
    "link_list": 2,
    "login_wall": 1,
    "long_line": 1,
    "lorem_ipsum": 1,
    "media_type": 2,
    "product_table": 2,
    "repeated_lines": 2,
    "seo_spam": 4,
    "symbols": 1,
    "three_words": 1,
    "truncated_header": 1,
}
LANGUAGES_OF_ARTICLES = {
    "ar": 2, "de": 5, "en": 64, "es": 3, "fi": 2, "fr": 4, "it": 2, "ja": 2, "nl": 2, "pl": 2,
    "pt": 2, "ru": 3, "zh": 3,
}  # fmt: skip
BOOKS = {
    "90002-0.txt": "utf-8-sig",
    "90003-8.txt": "iso-8859-1",
    "90004.txt": "ascii",
    "90005.zip": "utf-8",
    "pg90001.txt": "utf-8",
    "pg90006.txt": "utf-8",
}


class WebRecord(NamedTuple):
    type: str
    url: str
    status: str
    headers: dict[str, str]
    payload: bytes


def build(into: Path) -> Path:
    command = [sys.executable, str(QUICKSTART / "build.py"), "--into", str(into)]
    subprocess.run(command, check=True, capture_output=True)
    return into


def contents(folder: Path) -> dict[str, bytes]:
    paths = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in paths}


def members(path: Path) -> list[bytes]:
    """Cut a file where its gzip members start; what is damaged inside one does not matter."""
    head, *tails = path.read_bytes().split(MEMBER_START)
    assert head == b""
    return [MEMBER_START + tail for tail in tails]


def inflated(path: Path) -> Iterator[bytes]:
    for member in members(path):
        try:
            yield zlib.decompress(member, wbits=zlib.MAX_WBITS | 16)
        except zlib.error:
            yield b"damaged"


def records(path: Path) -> Iterator[WebRecord]:
    for data in inflated(path):
        if data == b"damaged":
            continue
        for record in ArchiveIterator(io.BytesIO(data)):
            http = record.http_headers
            is_brotli = http and http.get_header("Content-Encoding") == "br"
            yield WebRecord(
                type=record.rec_type,
                url=record.rec_headers.get_header("WARC-Target-URI") or "",
                status=http.get_statuscode() if http else "",
                headers={name.lower(): value for name, value in http.headers} if http else {},
                # warcio's own Brotli reader does not run with this version of the brotli package.
                payload=brotli.decompress(record.raw_stream.read())
                if is_brotli
                else record.content_stream().read(),
            )


def labels() -> list[dict[str, str]]:
    with (SAMPLE / "labels.tsv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, delimiter="\t"))


@pytest.fixture(scope="module")
def pages() -> dict[str, WebRecord]:
    responses = (
        record for record in records(SAMPLE / "pages.warc.gz") if record.type == "response"
    )
    return {record.url: record for record in responses}


def only(pages: dict[str, WebRecord], end: str) -> WebRecord:
    [record] = [record for url, record in pages.items() if url.endswith(end)]
    return record


def test_building_gives_the_committed_bytes(tmp_path: Path) -> None:
    built = contents(build(tmp_path / "sample"))
    committed = contents(SAMPLE)

    assert sorted(built) == sorted(committed)
    different = [name for name in built if built[name] != committed[name]]
    assert different == [], f"rebuild and commit them, or look at zlib {zlib.ZLIB_RUNTIME_VERSION}"


def test_the_sample_is_small() -> None:
    assert sum(map(len, contents(QUICKSTART).values())) < 1_500_000


def test_labels_count_every_page() -> None:
    rows = labels()

    assert Counter(row["kind"] for row in rows) == KINDS
    articles = [row for row in rows if row["kind"] == "article"]
    assert Counter(row["language"] for row in articles) == LANGUAGES_OF_ARTICLES
    assert len({row["url"] for row in rows}) == len(rows)


def test_the_readme_names_the_clusters_of_the_labels() -> None:
    clusters: dict[str, set[str]] = defaultdict(set)
    for row in labels():
        if row["cluster"]:
            clusters[row["cluster"]].add(row["url"])
    documented: dict[str, set[str]] = defaultdict(set)
    for line in (QUICKSTART / "README.md").read_text(encoding="utf-8").splitlines():
        cells = [cell.strip().strip("`") for cell in line.strip("|").split("|")]
        if len(cells) == 3 and cells[1].startswith("http"):
            documented[cells[0]].add(cells[1])

    assert documented == clusters
    assert sorted(map(len, clusters.values())) == [2, 2, 2, 3, 4, 4, 4]


def test_every_page_but_the_damaged_one_is_a_readable_response(pages: dict[str, WebRecord]) -> None:
    expected = {row["url"] for row in labels() if row["kind"] != "damaged_member"}

    assert pages.keys() == expected


def test_records_stand_as_in_a_crawl() -> None:
    types = Counter(record.type for record in records(SAMPLE / "pages.warc.gz"))

    assert next(records(SAMPLE / "pages.warc.gz")).type == "warcinfo"
    assert types == {"warcinfo": 1, "request": 11, "response": 132}


def test_one_member_is_damaged_and_others_follow_it() -> None:
    damaged = [data == b"damaged" for data in inflated(SAMPLE / "pages.warc.gz")]

    assert damaged.count(True) == 1
    assert 50 < damaged.index(True) < len(damaged) - 50


@pytest.mark.parametrize(
    ("kind", "statuses"), [("http_status", {"301", "404", "500"}), ("article", {"200"})]
)
def test_status_of_kind(pages: dict[str, WebRecord], kind: str, statuses: set[str]) -> None:
    urls = [row["url"] for row in labels() if row["kind"] == kind]

    assert {pages[url].status for url in urls} == statuses


@pytest.mark.parametrize(
    ("end", "charset", "declared_by", "phrase"),
    [
        ("/sovety/yabloni-osenyu.html", "windows-1251", "meta", "Октябрь для садовода"),
        ("/nebenkosten-pruefen", "iso-8859-1", "header", "jede zweite Abrechnung"),
        ("/2015/oldbridge.html", "gb18030", "meta", "百年老桥修缮完工"),
        ("/essay/tofuya.html", "shift_jis", "header", "朝五時の豆腐屋"),
        ("/nasaih/alsafar-fi-alsahra", "utf-8", "none", "يظن كثير من الناس"),
    ],
)
def test_charset(
    pages: dict[str, WebRecord], end: str, charset: str, declared_by: str, phrase: str
) -> None:
    page = only(pages, end)
    text = page.payload.decode(charset)

    assert phrase in text
    assert ("charset" in page.headers["content-type"]) == (declared_by == "header")
    assert ("charset=" in text) == (declared_by == "meta")


@pytest.mark.parametrize(
    ("end", "headers"),
    [
        ("/history/lighthouse-keepers", {"transfer-encoding": "chunked"}),
        ("/interviews/the-clock-doctor", {"content-encoding": "gzip"}),
        ("/beginners/first-telescope", {"content-encoding": "br"}),
        (
            "/guides/small-claims-step-by-step",
            {"content-encoding": "gzip", "transfer-encoding": "chunked"},
        ),
    ],
)
def test_transfer_is_decoded_to_a_whole_page(
    pages: dict[str, WebRecord], end: str, headers: dict[str, str]
) -> None:
    page = only(pages, end)
    found = {name: value for name, value in page.headers.items() if name.endswith("-encoding")}

    assert found == headers
    assert page.payload.startswith(b"<!")
    assert page.payload.rstrip().endswith(b"</html>")


def test_wrong_content_length_is_short_of_the_page(pages: dict[str, WebRecord]) -> None:
    page = only(pages, "tidepool-biology.example/moss")

    assert int(page.headers["content-length"]) < len(page.payload)
    assert page.payload.rstrip().endswith(b"</html>")


def test_truncated_header_is_followed_by_nothing() -> None:
    [data] = [data for data in inflated(SAMPLE / "pages.warc.gz") if b"cut-header\r\n" in data]
    block = data.split(b"\r\n\r\n", 1)[1].removesuffix(b"\r\n\r\n")

    assert block.startswith(b"HTTP/1.1 200 OK\r\n")
    assert block.endswith(b"Content-Type: text/html; ")


def test_the_long_page_is_one_line(pages: dict[str, WebRecord]) -> None:
    longest = max(only(pages, "/dump/full").payload.splitlines(), key=len)

    assert 180_000 < len(longest) < 260_000


def test_exact_copies_have_one_payload(pages: dict[str, WebRecord]) -> None:
    urls = [row["url"] for row in labels() if row["cluster"] == "how-tide-tables-are-made"]

    assert len(urls) == 4
    assert len({pages[url].payload for url in urls}) == 1


def test_conversions_are_of_pages_in_the_archive(pages: dict[str, WebRecord]) -> None:
    wet = [record for record in records(SAMPLE / "pages.warc.wet.gz") if record.type != "warcinfo"]

    assert [record.type for record in wet] == ["conversion"] * 10
    assert {record.url for record in wet} <= pages.keys()
    for record in wet:
        page = html.unescape(pages[record.url].payload.decode())
        missing = [line for line in record.payload.decode().splitlines() if line not in page]
        assert missing == []


def test_the_reader_gives_every_page_that_is_a_document() -> None:
    no_documents = {"http_status", "media_type", "empty", "truncated_header", "damaged_member"}
    expected = {row["url"] for row in labels() if row["kind"] not in no_documents}
    with (SAMPLE / "pages.warc.gz").open("rb") as file:
        items = list(WarcReader().read(file, "pages.warc.gz"))

    assert {item.place.url for item in items if isinstance(item, Record)} == expected
    failed = {item.place.url for item in items if isinstance(item, FailedRecord)}
    assert "https://damaged-goods.example/flipped-bits" in failed


@pytest.mark.parametrize(("name", "charset"), BOOKS.items())
def test_book_has_the_form_of_project_gutenberg(name: str, charset: str) -> None:
    data = (SAMPLE / "books" / name).read_bytes()
    if name.endswith(".zip"):
        with zipfile.ZipFile(io.BytesIO(data)) as file:
            assert file.namelist() == ["90005-0.txt"]
            data = file.read("90005-0.txt")
    text = data.decode(charset)
    before, _, rest = text.partition("*** START OF TH")
    story, _, after = rest.partition("*** END OF TH")

    number = "".join(filter(str.isdigit, name))[:5]
    assert f"[eBook #{number}]" in before
    assert all(field in before for field in ("Title: ", "Author: ", "Language: ", "Credits: "))
    assert 3_000 < len(story) < 15_000
    assert "Project Gutenberg" not in story
    assert after.count("Project Gutenberg") > 10


def test_there_are_six_books() -> None:
    assert {path.name for path in (SAMPLE / "books").iterdir()} == BOOKS.keys()
