import gzip
import io
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.readers.arc import ArcSyntax
from pipelines.readers.framing import Header
from pipelines.readers.records import FailedRecord, GatedRecord, Place, ReaderItem, Record
from pipelines.readers.warc import WarcReader


def gzipped(data: bytes) -> bytes:
    return gzip.compress(data, mtime=0)


DESCRIPTION = b"1 0 CommonCrawl\nURL IP-address Archive-date Content-type Archive-length\n"
FILEDESC = b"filedesc://x.arc.gz 0.0.0.0 20080619093439 text/plain %d\n"
PAGE = b"HTTP/1.1 200 OK\r\nContent-Type:text/html; charset=utf-8\r\n\r\n<p>page %d</p>"


def record(number: int, *, length: int | None = None, page: bytes = PAGE) -> bytes:
    block = page % number
    return (
        b"http://example.org/%d 10.0.0.1 2008050919024%d text/html %d\n"
        % (number, number, len(block) if length is None else length)
        + block
        + b"\n"
    )


def expected(number: int, *, offset: int) -> Record:
    url = f"http://example.org/{number}"
    return Record(
        place=Place(
            source="x.arc", offset=offset, record_id=f"{url} 2008050919024{number}", url=url
        ),
        content=b"<p>page %d</p>" % number,
        media_type="text/html",
        charset="utf-8",
        date=datetime(2008, 5, 9, 19, 2, 40 + number, tzinfo=UTC),
        headers={},
    )


def read(stored: bytes) -> list[ReaderItem]:
    return list(WarcReader().read(io.BytesIO(stored), "x.arc"))


@pytest.mark.parametrize("error", [0, -9, 1, 2, 40])
def test_the_file_description_is_no_candidate_whatever_its_length(error: int) -> None:
    head = FILEDESC % (len(DESCRIPTION) + error) + DESCRIPTION + b"\n"
    first = record(1)
    assert read(head + first + record(2)) == [
        expected(1, offset=len(head)),
        expected(2, offset=len(head) + len(first)),
    ]


def test_each_record_of_a_compressed_file_stands_at_its_member() -> None:
    members = [gzipped(FILEDESC % len(DESCRIPTION) + DESCRIPTION + b"\n")]
    members += [gzipped(record(number)) for number in (1, 2)]
    assert read(b"".join(members)) == [
        expected(1, offset=len(members[0])),
        expected(2, offset=len(members[0]) + len(members[1])),
    ]


def test_a_slice_may_begin_at_any_record() -> None:
    assert read(record(1)) == [expected(1, offset=0)]


def test_a_slice_may_begin_in_the_middle_of_a_record() -> None:
    garbage = record(0)[80:]
    items = read(garbage + record(1) + record(2))
    assert items == [
        FailedRecord(
            place=Place(source="x.arc", offset=0),
            step="read",
            exception="UnrecognisedBytes",
            message=f"{len(garbage)} bytes which belong to no record that can be recognised",
        ),
        expected(1, offset=len(garbage)),
        expected(2, offset=len(garbage) + len(record(1))),
    ]


@pytest.mark.parametrize("length", [0, 20, 73, 75, 200, 10**15])
def test_a_wrong_length_costs_no_record(length: int) -> None:
    first = record(1, length=length)
    items = read(first + record(2) + record(3))
    one, two, three = items
    assert isinstance(one, Record)
    assert one.content == b"<p>page 1</p>"
    assert one.metadata == {"declared_length": str(length)}
    assert [two, three] == [
        expected(2, offset=len(first)),
        expected(3, offset=len(first) + len(record(2))),
    ]


def test_the_last_record_of_a_slice_may_be_cut() -> None:
    items = read(record(1) + record(2)[:-10])
    assert items[0] == expected(1, offset=0)
    assert isinstance(items[1], FailedRecord)
    assert items[1].exception == "TruncatedRecord"
    assert items[1].place == expected(2, offset=len(record(1))).place
    assert len(items) == 2


def test_an_address_may_hold_blanks_and_what_looks_like_fields() -> None:
    header = ArcSyntax().parse(
        b"http://a.org/?q=From The Web 1 2&d=3 93.184.216.119 20140216050221 text/html 1591\r\n"
    )
    assert header == Header(
        kind="response",
        record_id="http://a.org/?q=From The Web 1 2&d=3 20140216050221",
        url="http://a.org/?q=From The Web 1 2&d=3",
        date=datetime(2014, 2, 16, 5, 2, 21, tzinfo=UTC),
        length=1591,
        content_type="text/html",
    )


def test_version_2_has_more_fields() -> None:
    header = ArcSyntax().parse(
        b"http://a.org/ 127.10.100.2 19961104142103 text/html 200 fac0 - 209 IA-1.arc 202\n"
    )
    assert (header.length, header.content_type) == (202, "text/html")


@pytest.mark.parametrize(
    ("date", "length", "expected_date", "expected_length"),
    [
        (b"201404010000000000", b"-1", datetime(2014, 4, 1, tzinfo=UTC), None),
        (b"20140401", b"abc", datetime(2014, 4, 1, tzinfo=UTC), None),
        (b"20141301000000", b"7", None, 7),
    ],
)
def test_fields_that_are_wrong(
    date: bytes, length: bytes, expected_date: datetime | None, expected_length: int | None
) -> None:
    header = ArcSyntax().parse(b"http://a.org/ 1.2.3.4 %s text/html %s\n" % (date, length))
    assert (header.date, header.length) == (expected_date, expected_length)


def test_a_name_lookup_is_gated_by_its_scheme() -> None:
    stored = b"dns:www.archive.org 68.87.76.178 20080430204825 text/dns 5\nhello\n"
    place = Place(
        source="x.arc",
        offset=0,
        record_id="dns:www.archive.org 20080430204825",
        url="dns:www.archive.org",
    )
    assert read(stored) == [GatedRecord(place=place, reason="scheme.dns")]


def test_a_document_without_http_header_has_the_type_of_its_line() -> None:
    stored = b"http://a.org/ 1.2.3.4 20080430204825 text/plain 11\nhello world\n"
    (item,) = read(stored)
    assert isinstance(item, Record)
    assert (item.content, item.media_type) == (b"hello world", "text/plain")


@given(st.binary(max_size=300))
def test_no_bytes_raise(header: bytes) -> None:
    ArcSyntax().parse(header)
