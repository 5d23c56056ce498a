"""Finds rows of an output by one column, without reading the others."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from pipelines import storage

_THREADS = 8


@dataclass(frozen=True, slots=True, order=True)
class Row:
    """A row of a Parquet file: its path, and its place from 0."""

    path: str
    number: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Sought:
    """What a column is searched for.

    Attributes:
        column: The column.
        value: The value.
        is_prefix: Whether values that begin so are found too.
    """

    column: str
    value: Any
    is_prefix: bool = False

    def may_be_in(self, statistics: Any) -> bool:
        """Tell by the least and greatest value of a row group whether it can hold the value."""
        if statistics is None or not statistics.has_min_max:
            return True
        least, most = statistics.min, statistics.max
        if self.is_prefix:
            least = least[: len(self.value)]
        return bool(least <= self.value and (most >= self.value))

    def matches(self, values: pa.ChunkedArray) -> pa.ChunkedArray:
        """Tell for each value whether it is sought; null for a null."""
        if self.is_prefix:
            return pc.starts_with(values, self.value)
        return pc.equal(values, self.value)


def rows_with(paths: Sequence[str], sought: Sequence[Sought]) -> list[Row]:
    """Return the rows of some files that have one of the values sought, in the order of the files.

    Row groups that by their statistics can't hold one are passed over; of the others that one
    column is read.
    """
    with ThreadPoolExecutor(_THREADS) as pool:
        found = pool.map(partial(_rows_of, sought=sought), paths)
        return [row for rows in found for row in rows]


def _rows_of(path: str, *, sought: Sequence[Sought]) -> list[Row]:
    with storage.open_stored(path) as stored:
        parquet = pq.ParquetFile(stored)
        numbers = {number for of in sought for number in _numbers(parquet, of)}
    return [Row(path, number) for number in sorted(numbers)]


def _numbers(parquet: pq.ParquetFile, sought: Sought) -> Iterator[int]:
    place = parquet.schema_arrow.names.index(sought.column)
    first = 0
    for group in range(parquet.num_row_groups):
        about = parquet.metadata.row_group(group)
        # Columns of the file are in the order of the schema up to the first nested one.
        if sought.may_be_in(about.column(place).statistics):
            values = parquet.read_row_group(group, columns=[sought.column])[sought.column]
            here = pc.fill_null(sought.matches(values), False).to_numpy()
            yield from (first + np.flatnonzero(here)).tolist()
        first += about.num_rows


def read_row(row: Row, *, wanted: Callable[[str], bool] = lambda _: True) -> pa.RecordBatch:
    """Return one row as a batch, with the columns whose names are wanted."""
    with storage.open_stored(row.path) as stored:
        parquet = pq.ParquetFile(stored)
        columns = [name for name in parquet.schema_arrow.names if wanted(name)]
        number = row.number
        for group in range(parquet.num_row_groups):
            rows = parquet.metadata.row_group(group).num_rows
            if number < rows:
                table = parquet.read_row_group(group, columns=columns)
                return table.slice(number, 1).combine_chunks().to_batches()[0]
            number -= rows
    raise IndexError(f"{row.path} has no row {row.number}")
