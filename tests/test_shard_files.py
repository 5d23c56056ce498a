from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.shard_files import ParquetFile

LENGTH = 8
SEQUENCES = pa.schema([("input_ids", pa.list_(pa.uint16(), LENGTH)), ("document", pa.string())])


def sequences(first: int, rows: int) -> pa.RecordBatch:
    numbers = np.arange(first, first + rows)
    ids = pa.array(np.repeat(numbers, LENGTH).astype(np.uint16))
    documents = pa.array([f"{number:012d}" for number in numbers], pa.string())
    lists = pa.FixedSizeListArray.from_arrays(ids, type=SEQUENCES.field("input_ids").type)
    return pa.RecordBatch.from_arrays([lists, documents], schema=SEQUENCES)


@given(batches=st.lists(st.integers(0, 90), max_size=8))
def test_row_groups_have_their_size_whatever_batches_come(
    batches: list[int], tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("shards")
    ends = np.cumsum([0, *batches]).tolist()
    a_row = sequences(0, 1).nbytes
    with ParquetFile(str(folder), "a.parquet", SEQUENCES, row_group_bytes=20 * a_row) as file:
        for first, rows in zip(ends, batches, strict=False):
            file.add_batch(sequences(first, rows))
    assert file.rows == ends[-1]
    if not file.rows:
        assert file.output_files == []
        return
    parquet = pq.ParquetFile(folder / "a.parquet")
    groups = [parquet.metadata.row_group(n).num_rows for n in range(parquet.num_row_groups)]
    # The offsets of strings weigh a little more in a batch of few rows.
    assert all(18 <= rows <= 21 for rows in groups[:-1])
    assert groups[-1] <= 21
    assert parquet.read().equals(pa.Table.from_batches([sequences(0, file.rows)]))


def test_rows_of_unlike_sizes_are_cut_near_the_size_of_a_row_group(tmp_path: Path) -> None:
    columns = pa.schema([("text", pa.string())])
    texts = ["x" * (100 + 37 * n % 100) for n in range(1_000)]
    with ParquetFile(str(tmp_path), "a.parquet", columns, row_group_bytes=10_000) as file:
        file.add_batch(pa.RecordBatch.from_pydict({"text": texts}, columns))
    parquet = pq.ParquetFile(tmp_path / "a.parquet")
    sizes = [parquet.read_row_group(n).nbytes for n in range(parquet.num_row_groups)]
    assert len(sizes) > 10
    assert all(9_000 < size < 11_000 for size in sizes[:-1])
    assert parquet.read()["text"].to_pylist() == texts
