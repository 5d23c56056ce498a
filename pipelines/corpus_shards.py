"""How the rows of a corpus are put into shards: in the order of their files, or shuffled."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import xxhash

from pipelines.dedup import ScoredFile
from pipelines.manifest import OutputFile
from pipelines.shard_files import ROW_GROUP_BYTES, ParquetFile

# A reader for training opens a few row groups of each bucket at a time, in any order.
SEQUENCE_ROW_GROUP_BYTES = 4 * 1024 * 1024
_GROUPS = 16
_SHARDS_OF_GROUP = 16
# What tells a row of the corpus from all others.
_IDENTITY = ("id", "document", "offset", "window.tokens", "window.first_chapter")


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Scored files whose kept documents share shards.

    Attributes:
        name: A function of the names of its files.
        files: In their order.
    """

    name: str
    files: tuple[ScoredFile, ...]


def groups_of(files: Sequence[ScoredFile], *, shard_bytes: int) -> list[Group]:
    """Put neighbouring files together.

    A group is at most 16 shards large, so that the last, smaller shard of each bucket is one of
    many; but a corpus has 16 groups, if it is large enough for that, so that workers share it.

    Args:
        files: The scored files.
        shard_bytes: What a shard is to have.
    """
    total = sum(file.bytes for file in files)
    wanted = min(max(total // _GROUPS, shard_bytes), _SHARDS_OF_GROUP * shard_bytes)
    groups: list[list[ScoredFile]] = []
    room = 0
    for file in files:
        if not groups or room < file.bytes:
            groups.append([])
            room = wanted
        groups[-1].append(file)
        room -= file.bytes
    return [Group(name=_group_name(members), files=tuple(members)) for members in groups]


def _group_name(files: Sequence[ScoredFile]) -> str:
    names = "\0".join(file.name for file in files)
    return f"part-{hashlib.blake2b(names.encode(), digest_size=6).hexdigest()}"


def shard_file(output: str, path: str, columns: pa.Schema) -> ParquetFile:
    """Return a shard to write, its row groups sized for whoever reads such rows."""
    is_sequences = "input_ids" in columns.names
    size = SEQUENCE_ROW_GROUP_BYTES if is_sequences else ROW_GROUP_BYTES
    return ParquetFile(output, path, columns, row_group_bytes=size)


class BucketShards:
    """The shards of one bucket of one group: a new one begins when one has its size."""

    def __init__(self, output: str, *, bucket: int, group: str, shard_bytes: int) -> None:
        self._bucket = bucket
        self._digest = group.rpartition("-")[2]
        self._output = output
        self._shard_bytes = shard_bytes
        self._files: list[ParquetFile] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: Any) -> None:
        if self._files:
            self._files[-1].__exit__(*error)

    def add(self, batch: pa.RecordBatch) -> None:
        """Write rows."""
        if self._files and self._files[-1].bytes_written >= self._shard_bytes:
            self._files[-1].__exit__(None, None, None)
            self._begin(batch.schema)
        elif not self._files:
            self._begin(batch.schema)
        self._files[-1].add_batch(batch)

    def _begin(self, columns: pa.Schema) -> None:
        path = f"corpus/bucket={self._bucket}/part-{len(self._files):05d}-{self._digest}.parquet"
        self._files.append(shard_file(self._output, path, columns))

    @property
    def output_files(self) -> list[OutputFile]:
        """The finished shards."""
        return [output for file in self._files for output in file.output_files]


def shuffle_keys(batch: pa.RecordBatch, *, seed: int) -> npt.NDArray[np.uint64]:
    """Return a number for each row that the seed and the row's own identity decide."""
    identity = [name for name in _IDENTITY if name in batch.schema.names]
    rows = zip(*(batch[name].to_pylist() for name in identity), strict=True)
    keys = [xxhash.xxh3_64_intdigest(repr(row).encode(), seed) for row in rows]
    return np.array(keys, np.uint64)
