import gzip
import io
import tracemalloc
import zipfile
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import lz4.frame
import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st
from warcio.statusandheaders import StatusAndHeaders
from warcio.warcwriter import WARCWriter

from pipelines.readers.records import FailedRecord, GatedRecord, Place, ReaderItem, Record
from pipelines.readers.warc import WarcReader, parse_date


def gzipped(data: bytes) -> bytes:
    return gzip.compress(data, mtime=0)


HTML = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n"
COMPRESS: dict[str, Callable[[bytes], bytes]] = {
    "none": bytes,
    "gzip": gzipped,
    "zstd": zstandard.ZstdCompressor(write_checksum=True).compress,
    "lz4": lambda data: lz4.frame.compress(data, content_checksum=True),
}


def warc(
    number: int,
    block: bytes = HTML + b"<p>page</p>",
    *,
    kind: str = "response",
    length: int | str | None = None,
    fields: str = "",
    url: str | None = None,
    end: str = "\r\n",
) -> bytes:
    """A record whose header says what a test wants it to say."""
    lines = [
        "WARC/1.0",
        f"WARC-Type: {kind}",
        f"WARC-Record-ID: <urn:x:{number}>",
        f"WARC-Target-URI: {url or f'http://example.org/{number}'}",
        "WARC-Date: 2020-01-02T03:04:05Z",
        *([fields] if fields else []),
        *([] if length == "missing" else [f"Content-Length: {length or len(block)}"]),
    ]
    head = end.join(lines) + end * 2
    return head.encode() + block + end.encode() * 2


def place(number: int, offset: int = 0) -> Place:
    return Place(
        source="x",
        offset=offset,
        record_id=f"urn:x:{number}",
        url=f"http://example.org/{number}",
    )


def page(number: int, offset: int = 0, content: bytes = b"<p>page</p>", **metadata: str) -> Record:
    return Record(
        place=place(number, offset),
        content=content,
        media_type="text/html",
        date=datetime(2020, 1, 2, 3, 4, 5, tzinfo=UTC),
        metadata=metadata,
        headers={},
    )


def read(stored: bytes, *, max_record_bytes: int = 20_000_000) -> list[ReaderItem]:
    reader = WarcReader(max_record_bytes=max_record_bytes)
    return list(reader.read(io.BytesIO(stored), "x"))


def only(stored: bytes) -> ReaderItem:
    (item,) = read(stored)
    return item


def reason(item: ReaderItem) -> str:
    assert isinstance(item, GatedRecord)
    return item.reason


@pytest.mark.parametrize("compression", COMPRESS)
def test_every_candidate_is_read_and_nothing_else(compression: str) -> None:
    compress = COMPRESS[compression]
    members = [
        compress(part)
        for part in (
            warc(0, b"software: x\r\n", kind="warcinfo"),
            warc(1),
            warc(2, b"GET / HTTP/1.1\r\n\r\n", kind="request"),
            warc(3, b"a: b", kind="metadata"),
            warc(4, HTML, kind="revisit"),
            warc(5, b"rest", kind="continuation"),
            warc(6, b"<p>page</p>", kind="resource", fields="Content-Type: text/html"),
            warc(7, "текст".encode(), kind="conversion", fields="Content-Type: text/plain"),
        )
    ]
    offsets = [sum(map(len, members[:index])) for index in range(len(members))]
    text = Record(
        place=place(7, offsets[7]),
        content="текст".encode(),
        media_type="text/plain",
        charset="utf-8",
        date=datetime(2020, 1, 2, 3, 4, 5, tzinfo=UTC),
    )
    resource = replace(page(6, offsets[6]), headers=None)
    assert read(b"".join(members)) == [page(1, offsets[1]), resource, text]


@pytest.mark.parametrize("compression", COMPRESS)
@given(
    bodies=st.lists(st.binary(min_size=1, max_size=400).map(lambda b: b"<p>" + b), max_size=4),
    together=st.booleans(),
)
@settings(max_examples=25)
def test_what_warcio_writes_comes_back(
    compression: str, bodies: list[bytes], together: bool
) -> None:
    written = []
    for number, body in enumerate(bodies):
        output = io.BytesIO()
        writer = WARCWriter(output, gzip=False)
        head = StatusAndHeaders("200 OK", [("Content-Type", "text/html")], protocol="HTTP/1.1")
        record = writer.create_warc_record(
            f"http://example.org/{number}", "response", payload=io.BytesIO(body), http_headers=head
        )
        writer.write_record(record)
        written.append(output.getvalue())
    members = [b"".join(written)] if together else written
    items = read(b"".join(COMPRESS[compression](member) for member in members if member))
    if not bodies:
        assert [type(item) for item in items] == [FailedRecord]
        return
    assert [
        (item.place.url, item.content, item.media_type)
        for item in items
        if isinstance(item, Record)
    ] == [(f"http://example.org/{number}", body, "text/html") for number, body in enumerate(bodies)]
    assert len(items) == len(bodies)


def test_a_gzip_archive_may_be_cut_at_any_byte() -> None:
    content = b"<p>" + b"text " * 50
    members = [gzipped(warc(number, HTML + content)) for number in range(3)]
    offsets = [sum(map(len, members[:index])) for index in range(4)]
    for cut in range(1, offsets[-1]):
        items = read(b"".join(members)[:cut])
        whole = [page(n, offsets[n], content) for n in range(3) if offsets[n + 1] <= cut]
        assert items[: len(whole)] == whole
        rest = items[len(whole) :]
        if cut in offsets:
            assert rest == []
            continue
        # The cut is told once; a record of which only the checksum is cut off is there as well.
        failed = [item for item in rest if isinstance(item, FailedRecord)]
        assert [item.place.offset for item in failed] == [offsets[len(whole)]]
        records = [item for item in rest if not isinstance(item, FailedRecord)]
        assert records in ([], [page(len(whole), offsets[len(whole)], content)])


@pytest.mark.parametrize("compression", ["gzip", "zstd", "lz4"])
def test_a_damaged_member_costs_its_record_only(compression: str) -> None:
    body = HTML + b"<p>" + bytes(range(32, 127)) * 40
    members = [COMPRESS[compression](warc(number, body)) for number in range(3)]
    broken = bytearray(members[1])
    middle = len(broken) // 2
    broken[middle : middle + 20] = bytes(byte ^ 0xFF for byte in broken[middle : middle + 20])
    items = read(members[0] + broken + members[2])
    assert isinstance(items[0], Record)
    assert isinstance(items[1], FailedRecord)
    assert items[1].place.offset == len(members[0])
    assert isinstance(items[2], Record)
    assert items[2].place == place(2, len(members[0]) + len(broken))
    assert len(items) == 3


def test_a_record_that_fails_its_checksum_is_a_failure_and_named() -> None:
    broken = bytearray(gzipped(warc(1)))
    broken[-8:-4] = b"\0\0\0\0"
    failed = FailedRecord(
        place=place(1),
        step="read",
        exception="DamagedMember",
        message="gzip member: Error -3 while decompressing data: incorrect data check",
    )
    assert read(bytes(broken) + gzipped(warc(2))) == [failed, page(2, len(broken))]


def test_records_before_a_damaged_place_in_one_large_member_are_kept() -> None:
    stored = bytearray(gzipped(b"".join(warc(n) for n in range(3000))))
    broken = len(stored) * 9 // 10
    stored[broken : broken + 20] = b"\xff" * 20
    items = read(bytes(stored))
    assert items[:2500] == [page(n) for n in range(2500)]
    assert [type(item) for item in items].count(FailedRecord) >= 1


def test_fields_may_be_folded_repeated_or_written_in_any_case() -> None:
    stored = (
        b"warc/0.18 \nWARC-TYPE:RESPONSE\nwarc-target-uri: <http://example.org/\n\t1>\n"
        b"warc-record-id: <urn:x:1>\nWarc-Record-Id: <urn:x:2>\n not of the first\nno field\n"
        b"WARC-Date: 2020-01-02T03:04:05Z\ncontent-length: %d\n\n%s\n\n"
        % (len(HTML) + 5, HTML + b"hello")
    )
    item = only(stored)
    assert isinstance(item, Record)
    assert item.place == Place(
        source="x", offset=0, record_id="urn:x:1", url="http://example.org/ 1"
    )
    assert item.content == b"hello"


@pytest.mark.parametrize("end", ["\r\n", "\n"])
@pytest.mark.parametrize("gap", [b"", b"\n", b"\r\n\r\n\r\n\r\n\r\n", b"\0" * 600])
def test_any_gap_between_records_will_do(end: str, gap: bytes) -> None:
    first = warc(1, end=end).rstrip() + gap
    assert read(first + warc(2, end=end)) == [page(1), page(2, len(first))]


@pytest.mark.parametrize("version", ["0.17", "0.18", "1.1", "2.0"])
def test_versions_are_read_alike(version: str) -> None:
    assert read(warc(1).replace(b"WARC/1.0", b"WARC/" + version.encode())) == [page(1)]


@pytest.mark.parametrize("compression", COMPRESS)
@pytest.mark.parametrize("length", [1, 54, 70, 500, 30_000_000, 10**16])
def test_a_wrong_length_costs_no_record(compression: str, length: int) -> None:
    compress = COMPRESS[compression]
    first, second, third = compress(warc(1, length=length)), compress(warc(2)), compress(warc(3))
    assert read(first + second + third) == [
        page(1, declared_length=str(length)),
        page(2, len(first)),
        page(3, len(first) + len(second)),
    ]


@pytest.mark.parametrize("length", ["missing", "x", "-5", "1e3", "9" * 400])
def test_a_length_that_is_none_is_found_by_the_next_header(length: str) -> None:
    first = warc(1, length=length)
    assert read(first + warc(2)) == [page(1), page(2, len(first))]


def test_a_too_long_request_does_not_swallow_the_next_response() -> None:
    first = warc(1, b"GET / HTTP/1.1\r\n\r\n", kind="request", length=400)
    assert read(first + warc(2) + warc(3)) == [
        page(2, len(first)),
        page(3, len(first) + len(warc(2))),
    ]


def test_a_right_length_is_believed_even_if_the_block_holds_a_header() -> None:
    nested = HTML + b"<pre>\n" + warc(9) + b"</pre>"
    assert read(warc(1, nested) + warc(2)) == [
        page(1, content=nested[len(HTML) :]),
        page(2, len(warc(1, nested))),
    ]


def test_foreign_bytes_behind_a_response_that_is_whole_are_reported() -> None:
    block = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 11\r\n\r\n<p>page</p>"
    first = warc(1, block) + b"foreign bytes\r\n\r\n"
    failed = FailedRecord(
        place=Place(source="x", offset=0),
        step="read",
        exception="UnrecognisedBytes",
        message="17 bytes between the record here and the next belong to neither",
    )
    assert read(first + warc(2)) == [page(1), failed, page(2, len(first))]


def test_of_a_damaged_record_no_part_is_taken_for_whole() -> None:
    broken = bytearray(gzipped(warc(1, length=40)))
    broken[-8:-4] = b"\0\0\0\0"
    first, second = read(bytes(broken) + gzipped(warc(2)))
    assert isinstance(first, FailedRecord)
    assert (first.place, first.exception) == (place(1), "DamagedMember")
    assert second == page(2, len(broken))


def test_the_end_of_a_compressed_file_is_believed_against_a_length() -> None:
    assert read(gzipped(warc(1, length=500))) == [page(1, declared_length="500")]


def test_the_end_of_a_plain_file_is_a_cut() -> None:
    assert read(warc(1)[:-10]) == [
        FailedRecord(
            place=place(1),
            step="read",
            exception="TruncatedRecord",
            message="49 of 55 bytes are there: the file ends",
        )
    ]


def test_the_http_length_proves_a_response_whole() -> None:
    block = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 11\r\n\r\n<p>page</p>"
    stored = warc(1, block, length=len(block) + 6)
    assert read(stored[:-4]) == [page(1, declared_length=str(len(block) + 6))]


def test_a_cut_in_a_header_is_reported() -> None:
    item = read(warc(1) + warc(2)[:60])[1]
    assert isinstance(item, FailedRecord)
    assert item.exception == "TruncatedRecord"


def test_a_writer_that_died_in_a_block_and_started_again_costs_one_record() -> None:
    first = warc(1, HTML + b"<p>long page</p>")[:-12]
    assert read(first + warc(2)) == [
        page(1, content=b"<p>long ", declared_length="60"),
        page(2, len(first)),
    ]


def test_a_record_without_a_type_is_reported_and_the_next_is_read() -> None:
    first = warc(1).replace(b"WARC-Type: response\r\n", b"")
    failed = FailedRecord(
        place=place(1),
        step="read",
        exception="UnknownRecordType",
        message="the record's header names no WARC-Type",
    )
    assert read(first + warc(2)) == [failed, page(2, len(first))]


@pytest.mark.parametrize("stored", [b"", b"\r\n\0\n", gzipped(b"")])
def test_an_empty_file_is_reported(stored: bytes) -> None:
    item = only(stored)
    assert isinstance(item, FailedRecord)
    assert (item.place, item.exception) == (Place(source="x", offset=0), "EmptyFile")


@pytest.mark.parametrize(
    "stored",
    [
        b"<html>",
        b"WARC-Type: response\r\n\r\n",
        b"\x1f\x8b\x08garbage",
        b"\x1f",
        gzipped(b"hi") + gzipped(b"hi"),
        b"PK\x03\x04 no zip",
        b"garbage\n" * 50_000,
        b"\xff" * 300_000,
    ],
)
def test_garbage_is_one_failure_at_the_start(stored: bytes) -> None:
    item = only(stored)
    assert isinstance(item, FailedRecord)
    assert item.place == Place(source="x", offset=0)


def test_garbage_before_and_between_records_costs_none() -> None:
    garbage = b"\xef\xbb\xbfgarbage\xff" * 20_000 + b"\n"
    first = garbage + warc(1)
    items = read(first + warc(2) + garbage + warc(3))
    assert [type(item) for item in items] == [FailedRecord, Record, Record, Record]
    assert items[1] == page(1, len(garbage))
    assert items[3] == page(3, len(first) + len(warc(2)) + len(garbage))


def test_a_record_that_is_spread_over_tiny_members_is_counted() -> None:
    first = warc(1, length=10**9)
    members = [gzipped(bytes([byte])) for byte in first[:-4] + b"a" * 20_000]
    items = read(b"".join(members), max_record_bytes=5000)
    assert items == [GatedRecord(place=place(1), reason="record_bytes")]


@pytest.mark.parametrize("blank", [b"\0", b" ", b"\r\n", b"\xef\xbb\xbf"])
def test_blanks_without_end_take_little_memory(blank: bytes) -> None:
    stored = zstandard.compress(warc(1) + blank * (6_000_000 // len(blank)) + warc(2))
    tracemalloc.start()
    try:
        items = read(stored)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert [type(item) for item in items] == [Record, Record]
    assert peak < 40_000_000


def test_a_byte_order_mark_hides_no_record() -> None:
    assert read(b"\xef\xbb\xbf" + warc(1)) == [page(1, 3)]


@pytest.mark.parametrize(
    ("block", "expected"),
    [
        (b"HTTP/1.1 404 Not Found\r\nContent-Type: text/html\r\n\r\nno", "http_status.404"),
        (b"HTTP/1.1 206 Partial\r\nContent-Type: text/html\r\n\r\nno", "http_status.206"),
        (b"HTTP/1.1 what\r\n\r\nno", "http_status.unknown"),
        (b"HTTP/1.1 200 OK\r\nContent-Type: Image/PNG\r\n\r\n\x89PNG", "media_type.image/png"),
        (b"HTTP/1.1 200 OK\r\n\r\n\x89PNG", "media_type.unknown"),
        (HTML, "empty"),
        (HTML + b" \r\n\t", "empty"),
        (HTML[:-2] + b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "empty"),
        (b"", "empty"),
    ],
)
def test_what_is_no_document_is_gated_with_its_reason(block: bytes, expected: str) -> None:
    assert only(warc(1, block, length=str(len(block)))) == GatedRecord(
        place=place(1), reason=expected
    )


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("dns:example.org", "scheme.dns"),
        ("DNS:EXAMPLE.ORG", "scheme.dns"),
        ("<urn:pageinfo:x>", "scheme.urn"),
        ("file:///a b", "scheme.file"),
        ("/relative", "scheme.none"),
    ],
)
def test_addresses_outside_the_web_are_gated(url: str, expected: str) -> None:
    assert reason(only(warc(1, kind="resource", url=url))) == expected


def test_a_missing_address_gates_nothing() -> None:
    item = only(warc(1).replace(b"WARC-Target-URI: http://example.org/1\r\n", b""))
    assert isinstance(item, Record)
    assert item.place.url is None


def test_a_type_that_is_missing_is_told_by_the_content() -> None:
    block = b"HTTP/1.1 200 OK\r\nContent-Type: ???\r\n\r\n<!doctype html><p>page</p>"
    assert only(warc(1, block)) == page(1, content=b"<!doctype html><p>page</p>")


def test_a_response_without_http_header_is_all_body() -> None:
    http = "Content-Type: application/http;msgtype=response"
    assert only(warc(1, b"<p>page</p>", fields=http)) == replace(page(1), headers=None)
    assert only(warc(1, b"\n<p>: page</p>", fields="Content-Type: text/html")) == replace(
        page(1, content=b"\n<p>: page</p>"), headers=None
    )


def test_codings_are_undone_and_the_charset_is_kept() -> None:
    body = gzipped("<p>é".encode("latin-1"))
    block = (
        b"HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=ISO-8859-1\r\n"
        b"Content-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n"
        b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body)
    )
    item = only(warc(1, block))
    assert isinstance(item, Record)
    assert (item.content, item.charset) == ("<p>é".encode("latin-1"), "iso-8859-1")


def test_a_body_that_can_not_be_decoded_is_a_failure() -> None:
    block = HTML[:-2] + b"Content-Encoding: gzip\r\n\r\n\x1f\x8b\x08\xff\xff\xff\xff\xff\xff\xff"
    item = only(warc(1, block))
    assert isinstance(item, FailedRecord)
    assert (item.place, item.step, item.exception) == (place(1), "read", "UndecodableBody")


def test_a_body_that_breaks_off_is_kept_and_marked() -> None:
    body = gzipped(b"<p>page</p>")[:-4]
    block = HTML[:-2] + b"Content-Encoding: gzip\r\n\r\n" + body
    assert only(warc(1, block)) == page(1, truncated="body")


def test_metadata_of_the_header_is_kept() -> None:
    fields = "WARC-Truncated: length\r\nWARC-Identified-Content-Language: eng,fra"
    assert only(warc(1, fields=fields)) == page(
        1, truncated="length", identified_language="eng,fra"
    )


@pytest.mark.parametrize("compression", COMPRESS)
def test_a_record_above_the_limit_is_stepped_over_and_counted(compression: str) -> None:
    first = warc(1, HTML + b"a" * 300_000)
    stored = COMPRESS[compression](first + warc(2))
    items = read(stored, max_record_bytes=200_000)
    offset = len(first) if compression == "none" else 0
    assert items == [GatedRecord(place=place(1), reason="record_bytes"), page(2, offset)]


def test_a_body_that_inflates_above_the_limit_is_counted() -> None:
    block = HTML[:-2] + b"Content-Encoding: gzip\r\n\r\n" + gzipped(b"a" * 10_000_000)
    assert reason(read(warc(1, block), max_record_bytes=100_000)[0]) == "record_bytes"


def test_a_record_above_the_limit_that_is_cut_is_a_failure() -> None:
    items = read(warc(1, HTML + b"a" * 300_000)[:-1000], max_record_bytes=200_000)
    assert [type(item) for item in items] == [FailedRecord]


@pytest.mark.parametrize("limit", [0, -1])
def test_a_limit_must_be_positive(limit: int) -> None:
    with pytest.raises(ValueError, match="max_record_bytes must be at least 1"):
        WarcReader(max_record_bytes=limit)


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_the_archives_of_a_package_are_read(method: int) -> None:
    output = io.BytesIO()
    members = [gzipped(warc(n)) for n in (1, 2)]
    with zipfile.ZipFile(output, "w", compression=method) as package:
        package.writestr("datapackage.json", "{}")
        package.writestr("archive/a.warc.gz", b"".join(members))
        package.writestr("archive/b.warc", warc(3))
        entry = package.getinfo("archive/a.warc.gz")
    stored = output.getvalue()
    items = read(stored)
    assert [item.place.record_id for item in items] == ["urn:x:1", "urn:x:2", "urn:x:3"]
    if method == zipfile.ZIP_STORED:
        starts = [members[0], members[1], warc(3)]
        for item, start in zip(items, starts, strict=True):
            assert stored[item.place.offset :].startswith(start)
    else:
        assert items[0].place.offset == items[1].place.offset == entry.header_offset


def test_a_package_of_a_future_version_is_one_failure() -> None:
    stored = io.BytesIO()
    with zipfile.ZipFile(stored, "w") as package:
        package.writestr("archive/a.warc", warc(1))
    content = bytearray(stored.getvalue())
    # "Version needed to extract" in the central directory: APPNOTE 4.3.12.
    content[content.index(b"PK\x01\x02") + 6] = 235
    item = only(bytes(content))
    assert isinstance(item, FailedRecord)
    assert (item.exception, item.message) == (
        "DamagedPackage",
        "the zip file can't be read: zip file version 23.5",
    )


def test_a_package_without_archives_is_a_failure() -> None:
    output = io.BytesIO()
    with zipfile.ZipFile(output, "w") as package:
        package.writestr("book.txt", "text")
    item = only(output.getvalue())
    assert isinstance(item, FailedRecord)
    assert item.message == "the zip file holds no archive/*.warc"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2020-01-02T03:04:05Z", datetime(2020, 1, 2, 3, 4, 5, tzinfo=UTC)),
        ("2020-01-02T03:04:05.123456789Z", datetime(2020, 1, 2, 3, 4, 5, 123456, tzinfo=UTC)),
        ("2020-01-02T03:04:05.5Z", datetime(2020, 1, 2, 3, 4, 5, 500000, tzinfo=UTC)),
        ("2020-01-02T03:04", datetime(2020, 1, 2, 3, 4, tzinfo=UTC)),
        ("2020-01-02", datetime(2020, 1, 2, tzinfo=UTC)),
        ("2014-01", datetime(2014, 1, 1, tzinfo=UTC)),
        ("2014", datetime(2014, 1, 1, tzinfo=UTC)),
        ("20200102030405", datetime(2020, 1, 2, 3, 4, 5, tzinfo=UTC)),
        (
            "2009-03-06T08:43:19-0830",
            datetime(2009, 3, 6, 8, 43, 19, tzinfo=timezone(-timedelta(hours=8, minutes=30))),
        ),
        ("2009-03-65T08:43:19-0800", None),
        ("0000-01-01", None),
        ("2020-01-02T03:04:05+99:99", None),
        ("yesterday", None),
        ("", None),
    ],
)
def test_dates_of_any_precision(text: str, expected: datetime | None) -> None:
    assert parse_date(text) == expected


@given(
    st.lists(
        st.sampled_from([warc(1), warc(2)[:90] + b"\r\n", b"WARC/1.0\r\n", b"\r\n", b"x\r\n", HTML])
    )
)
def test_no_sequence_of_pieces_raises_or_loses_whole_records(parts: list[bytes]) -> None:
    items = read(b"".join(parts))
    found = [item for item in items if item.place.record_id == "urn:x:1"]
    assert len(found) == parts.count(warc(1))


@given(st.binary(max_size=400))
def test_no_bytes_raise(stored: bytes) -> None:
    read(stored)
    read(warc(1)[:-30] + stored)
