import gzip
import io
import json
from datetime import UTC, datetime

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from pipelines.readers.jsonl import JsonlReader, open_decompressed, parse_date
from pipelines.readers.records import FailedRecord, GatedRecord, Place, ReaderItem, Record

SOURCE = "dump/part-0.jsonl"


def read(content: bytes, reader: JsonlReader | None = None) -> list[ReaderItem]:
    return list((reader or JsonlReader()).read(io.BytesIO(content), SOURCE))


def failed(offset: int, exception: str, message: str, step: str = "read") -> FailedRecord:
    return FailedRecord(
        place=Place(source=SOURCE, offset=offset, record_id=str(offset)),
        step=step,
        exception=exception,
        message=message,
    )


def test_whole_record() -> None:
    line = {
        "id": 7,
        "text": "Ein Text – 文",
        "url": "https://example.org/a",
        "date": "2024-05-01",
        "lang": "de",
        "score": 0.5,
        "adult": False,
        "nothing": None,
        "nested": {"left": "in"},
    }
    assert read(json.dumps(line, ensure_ascii=False).encode()) == [
        Record(
            place=Place(source=SOURCE, offset=0, record_id="7", url="https://example.org/a"),
            content="Ein Text – 文",
            media_type="text/plain",
            date=datetime(2024, 5, 1, tzinfo=UTC),
            metadata={
                "lang": "de",
                "score": "0.5",
                "adult": "false",
                "nested": '{"left": "in"}',
            },
        )
    ]


def test_fields_by_dotted_names() -> None:
    reader = JsonlReader(text="doc.body", id="meta.id", url="meta.link.href", date="meta.time")
    line = {
        "doc": {"body": "T"},
        "meta": {"id": "x", "link": {"href": "u:v"}, "time": 86400, "by": 3},
    }
    assert read(json.dumps(line).encode(), reader) == [
        Record(
            place=Place(source=SOURCE, offset=0, record_id="x", url="u:v"),
            content="T",
            media_type="text/plain",
            date=datetime(1970, 1, 2, tzinfo=UTC),
            metadata={"meta": '{"by": 3}'},
        )
    ]
    flat = b'{"doc.body": "a key with a point", "doc": {"body": "nested"}}'
    assert [item.content for item in read(flat, reader) if isinstance(item, Record)] == [
        "a key with a point"
    ]


def test_bad_lines_fail_alone_and_blank_lines_are_none() -> None:
    content = b"\n".join(
        [
            b"\xef\xbb\xbf" + b'{"text": "first"}',
            b"",
            b"{",
            b"[1]",
            b'{"body": "x", "id": 1}',
            b'{"text": 5}',
            b'{"text": "caf\xe9"}',
            b'{"text": "\\ud800"}',
            b'{"text": " \\n"}',
            b"   ",
            b"[" * 100_000,
            b'{"text": "last"}\r',
        ]
    )
    items = read(content)
    place = Place(source=SOURCE, offset=8, record_id="8")
    assert items[1:-2] == [
        failed(
            2,
            "JSONDecodeError",
            "the line is not JSON: Expecting property name enclosed in double quotes: "
            "line 1 column 2 (char 1)",
        ),
        failed(3, "TypeError", "the line is a JSON list, not an object"),
        FailedRecord(
            place=Place(source=SOURCE, offset=4, record_id="1"),
            step="read",
            exception="KeyError",
            message="no field 'text'; the fields are: body, id",
        ),
        failed(5, "TypeError", "field 'text' is int, not text"),
        failed(
            6, "UnicodeDecodeError", "the line is not UTF-8: invalid continuation byte", "decode"
        ),
        failed(7, "UnicodeError", "the text holds half a surrogate pair", "decode"),
        GatedRecord(place=place, reason="empty"),
    ]
    assert isinstance(items[-2], FailedRecord)
    assert [(i.place.offset, i.content) for i in items if isinstance(i, Record)] == [
        (0, "first"),
        (11, "last"),
    ]


def compress(content: bytes, kind: str) -> bytes:
    if kind == "gzip":
        return gzip.compress(content)
    # Two frames, as parallel writers leave them.
    half = len(content) // 2
    return zstandard.compress(content[:half]) + zstandard.compress(content[half:])


@pytest.mark.parametrize("kind", ["gzip", "zstd"])
def test_compressed_files_are_known_by_their_bytes(kind: str) -> None:
    content = b"".join(b'{"text": "document %d"}\n' % number for number in range(5000))
    assert read(compress(content, kind)) == read(content)


@pytest.mark.parametrize("kind", ["gzip", "zstd"])
def test_cut_compressed_file_fails_at_the_end_and_keeps_what_it_held(kind: str) -> None:
    content = b"".join(b'{"text": "document %d"}\n' % (n * 7919) for n in range(60_000))
    compressed = compress(content, kind)
    items = read(compressed[: len(compressed) * 2 // 3])
    assert all(isinstance(item, Record) for item in items[:-1])
    last = items[-1]
    assert isinstance(last, FailedRecord)
    assert (last.step, last.place.offset) == ("read", len(items) - 1)
    assert "cannot be decompressed" in last.message


@pytest.mark.parametrize("ending", [b"\n", b"\r\n", b""])
def test_longer_lines_are_gated_and_the_next_is_read(ending: bytes) -> None:
    short = b'{"text": "' + b"x" * 88 + b'"}'
    reader = JsonlReader(max_record_bytes=100)
    assert len(short) == 100
    lines = [short, short[:-2] + b'y"}', short[:20] + b"z" * 3_000_000, short]
    items = read(b"\r\n".join(lines) + ending, reader)
    assert [type(item).__name__ for item in items] == [
        "Record",
        "GatedRecord",
        "GatedRecord",
        "Record",
    ]
    assert items[1] == GatedRecord(
        place=Place(source=SOURCE, offset=1, record_id="1"), reason="record_bytes"
    )


@given(
    st.lists(
        st.dictionaries(
            st.sampled_from(["text", "id", "url", "date", "x"]),
            st.one_of(
                st.none(),
                st.booleans(),
                st.integers(),
                st.floats(),
                st.text(),
                st.lists(st.integers()),
            ),
        )
    ),
)
def test_every_object_is_one_item_in_its_line(objects: list[dict[str, object]]) -> None:
    items = read("\n".join(map(json.dumps, objects)).encode())
    assert [item.place.offset for item in items] == list(range(len(objects)))
    for item, value in zip(items, objects, strict=True):
        text = value.get("text")
        assert isinstance(item, Record) == (isinstance(text, str) and bool(text.strip()))
        if isinstance(item, Record):
            assert item.content == text


@given(st.binary(max_size=300), st.sampled_from([b"", b"\x1f\x8b", b"\x28\xb5\x2f\xfd"]))
def test_nothing_is_raised_for_any_bytes(data: bytes, magic: bytes) -> None:
    assert all(isinstance(item, FailedRecord | GatedRecord) for item in read(magic + data))


@given(st.lists(st.binary(max_size=200), max_size=4))
def test_decompression_gives_back_what_was_compressed(parts: list[bytes]) -> None:
    plain = b"".join(parts)
    if plain:
        frames = b"".join(map(zstandard.compress, parts))
        assert open_decompressed(io.BytesIO(frames)).read() == plain
    assert open_decompressed(io.BytesIO(gzip.compress(plain))).read() == plain


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("2024-05-01T12:00:00+02:00", datetime(2024, 5, 1, 10, tzinfo=UTC)),
        (1714557600, datetime(2024, 5, 1, 10, tzinfo=UTC)),
        (1714557600000, datetime(2024, 5, 1, 10, tzinfo=UTC)),
        ("yesterday", None),
        (True, None),
        (float("nan"), None),
        (10**400, None),
        ([], None),
    ],
)
def test_dates(value: object, expected: datetime | None) -> None:
    assert parse_date(value) == expected


def test_file_system_errors_are_raised() -> None:
    class Broken(io.BytesIO):
        def readline(self, size: int | None = -1, /) -> bytes:
            raise OSError(5, "Input/output error")

    with pytest.raises(OSError, match="Input/output"):
        list(JsonlReader().read(Broken(b"{}"), SOURCE))


@pytest.mark.parametrize(
    ("options", "message"), [({"text": ""}, "text: name"), ({"max_record_bytes": 0}, "1 or more")]
)
def test_wrong_options_are_refused(options: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        JsonlReader(**options)  # type: ignore[arg-type]
