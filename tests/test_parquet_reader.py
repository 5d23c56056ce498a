import io
from datetime import UTC, datetime

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.readers.parquet import ParquetReader
from pipelines.readers.records import FailedRecord, GatedRecord, Place, ReaderItem, Record

SOURCE = "dump/part-0.parquet"


def parquet(table: pa.Table, row_group_size: int = 2) -> bytes:
    file = io.BytesIO()
    pq.write_table(table, file, row_group_size=row_group_size)
    return file.getvalue()


def read(content: bytes, reader: ParquetReader | None = None) -> list[ReaderItem]:
    return list((reader or ParquetReader()).read(io.BytesIO(content), SOURCE))


def record(row: int, text: str, record_id: str = "", url: str | None = None) -> Record:
    place = Place(source=SOURCE, offset=row, record_id=record_id or str(row), url=url)
    return Record(place=place, content=text, media_type="text/plain")


def gated(row: int) -> GatedRecord:
    place = Place(source=SOURCE, offset=row, record_id=str(row))
    return GatedRecord(place=place, reason="empty")


def test_whole_records() -> None:
    table = pa.table(
        {
            "text": ["one – 文", None, " ", "four"],
            "id": ["a", None, None, None],
            "url": ["u:1", "u:2", None, ""],
            "date": pa.array([1, 2, 3, None], pa.timestamp("ns", tz="America/New_York")),
            "language": ["en", None, "de", None],
            "tokens": [[1], [2], [3], [4]],
        }
    )
    reader = ParquetReader(metadata=("language", "there is none"), batch_rows=3)
    assert read(parquet(table), reader) == [
        Record(
            place=Place(source=SOURCE, offset=0, record_id="a", url="u:1"),
            content="one – 文",
            media_type="text/plain",
            date=datetime(1970, 1, 1, tzinfo=UTC),
            metadata={"language": "en"},
        ),
        GatedRecord(place=Place(source=SOURCE, offset=1, record_id="1", url="u:2"), reason="empty"),
        gated(2),
        record(3, "four"),
    ]


def test_fields_of_structs() -> None:
    table = pa.table(
        {"doc": [{"body": "x", "more": {"id": 5}}, None, {"body": None, "more": None}]}
    )
    reader = ParquetReader(text="doc.body", id="doc.more.id")
    assert read(parquet(table), reader) == [record(0, "x", "5"), gated(1), gated(2)]


@pytest.mark.parametrize(
    "array",
    [
        pa.array(["a", "b"], pa.large_string()),
        pa.array(["a", "b"]).dictionary_encode(),
        pa.array([b"a", b"b"], pa.binary()),
    ],
)
def test_every_kind_of_text_column(array: pa.Array) -> None:
    assert read(parquet(pa.table({"text": array}))) == [record(0, "a"), record(1, "b")]


def test_bytes_that_are_not_utf8_fail_alone() -> None:
    table = pa.table({"text": pa.array([b"caf\xe9 ", b"b"], pa.binary())})
    assert read(parquet(table)) == [
        FailedRecord(
            place=Place(source=SOURCE, offset=0, record_id="0"),
            step="decode",
            exception="UnicodeDecodeError",
            message="a value is not UTF-8: invalid continuation byte",
        ),
        record(1, "b"),
    ]


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"body": ["x"], "id": [1]}, "no column 'text'; the columns are: body, id"),
        ({"text": [5]}, "column 'text' is int64, not text"),
        ({"text": [["x"]]}, "column 'text' is list<element: string>, not text"),
    ],
)
def test_missing_text_column_is_one_failure_that_names_the_columns(
    columns: dict[str, list[object]], message: str
) -> None:
    assert read(parquet(pa.table(columns))) == [
        FailedRecord(
            place=Place(source=SOURCE, offset=0, record_id="0"),
            step="read",
            exception="MissingColumn",
            message=message,
        )
    ]


@pytest.mark.parametrize("content", [b"", b"PAR1", b'{"text": "jsonl"}\n' * 9])
def test_other_files_are_one_failure(content: bytes) -> None:
    (item,) = read(content)
    assert isinstance(item, FailedRecord)
    assert (item.step, item.place.offset) == ("read", 0)
    assert "not readable as Parquet" in item.message
    assert "\n" not in item.message


def test_a_message_is_one_line_whatever_the_names_of_columns() -> None:
    stored = io.BytesIO()
    pq.write_table(pa.table({"a\nb": ["x"]}), stored)
    stored.seek(0)
    [item] = ParquetReader().read(stored, "x")
    assert isinstance(item, FailedRecord)
    assert item.message == "no column 'text'; the columns are: a b"


def test_no_rows_are_no_items() -> None:
    assert read(parquet(pa.table({"text": pa.array([], pa.string())}))) == []


ROWS = [f"text number {number} " * 20 for number in range(200)]
FILE = parquet(pa.table({"text": ROWS}), row_group_size=50)


@given(st.integers(0, len(FILE) - 1), st.integers(1, 255))
def test_damaged_byte_raises_nothing(position: int, flip: int) -> None:
    damaged = bytearray(FILE)
    damaged[position] ^= flip
    for item in read(bytes(damaged)):
        assert isinstance(item, Record | GatedRecord | FailedRecord)


@given(st.integers(0, len(FILE) - 1))
def test_cut_file_is_one_failure(length: int) -> None:
    (item,) = read(FILE[:length])
    assert isinstance(item, FailedRecord)


@pytest.mark.parametrize(
    ("options", "message"), [({"text": ""}, "text: name"), ({"batch_rows": 0}, "1 or more")]
)
def test_wrong_options_are_refused(options: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        ParquetReader(**options)  # type: ignore[arg-type]
