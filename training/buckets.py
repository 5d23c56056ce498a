"""What a decomposed corpus holds: its buckets, and where their sequences are."""

from dataclasses import dataclass

import pyarrow.parquet as pq
from pyarrow import fs


@dataclass(frozen=True, slots=True)
class RowGroup:
    """A row group of a shard: the path, its number there and its rows."""

    path: str
    number: int
    rows: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Bucket:
    """The sequences of one length.

    Attributes:
        bucket: Its name, a power of two.
        size: Tokens of a sequence, one more than the bucket where each holds a target token.
        row_groups: Where the sequences are.
    """

    bucket: int
    size: int
    row_groups: tuple[RowGroup, ...]

    @property
    def sequences(self) -> int:
        """How many sequences it has."""
        return sum(group.rows for group in self.row_groups)

    @property
    def tokens(self) -> int:
        """How many tokens they have."""
        return self.sequences * self.bucket


def read_buckets(corpus: str) -> list[Bucket]:
    """List the buckets of a decomposed corpus, the shortest first.

    Args:
        corpus: The folder of ``bucket=256``, ``bucket=512``, …: local, or ``s3://``, ``gs://``,
            ``hdfs://``.

    Raises:
        ValueError: There are none, or a shard holds no sequences.
    """
    system, folder = file_system(corpus)
    found: dict[int, list[RowGroup]] = {}
    sizes: dict[int, int] = {}
    selector = fs.FileSelector(folder, recursive=True, allow_not_found=True)
    paths = [info.path for info in system.get_file_info(selector) if info.is_file]
    for path in sorted(path for path in paths if path.endswith(".parquet")):
        name = path.rpartition("/")[0].rpartition("/")[2]
        if not name.startswith("bucket="):
            continue
        bucket = int(name.removeprefix("bucket="))
        with system.open_input_file(path) as file:
            parquet = pq.ParquetFile(file)
            columns = parquet.schema_arrow
            if "input_ids" not in columns.names:
                raise ValueError(
                    f"{path}: no column `input_ids`; a reader for training needs a corpus of"
                    " sequences (`buckets.decompose` in the recipe)"
                )
            sizes[bucket] = columns.field("input_ids").type.list_size
            found.setdefault(bucket, []).extend(
                RowGroup(path, number, parquet.metadata.row_group(number).num_rows)
                for number in range(parquet.metadata.num_row_groups)
            )
    if not found:
        raise ValueError(f"{corpus}: no bucket=… with Parquet shards in this folder")
    return [
        Bucket(bucket=bucket, size=sizes[bucket], row_groups=tuple(groups))
        for bucket, groups in sorted(found.items())
    ]


def file_system(path: str) -> tuple[fs.FileSystem, str]:
    """Return the file system of a path, and the path there."""
    if "://" not in path:
        return fs.LocalFileSystem(), path
    system, folder = fs.FileSystem.from_uri(path)
    return system, folder


def batch_counts(buckets: list[Bucket], *, tokens_per_step: int, drop_last: bool) -> dict[int, int]:
    """Return how many batches each bucket has."""
    counts = {}
    for bucket in buckets:
        batch = tokens_per_step // bucket.bucket
        counts[bucket.bucket] = bucket.sequences // batch
        if not drop_last and bucket.sequences % batch:
            counts[bucket.bucket] += 1
    return counts


def check_step(buckets: list[Bucket], *, tokens_per_step: int, ranks: int) -> None:
    """Check that a step can be cut into equal parts of whole sequences.

    Raises:
        ValueError: It can't.
    """
    smallest = buckets[-1].bucket * ranks
    if tokens_per_step < 1 or tokens_per_step % smallest:
        raise ValueError(
            f"tokens_per_step must be a multiple of {smallest:,}, a sequence of"
            f" {buckets[-1].bucket:,} tokens for each of {ranks} ranks, not {tokens_per_step:,}"
        )
