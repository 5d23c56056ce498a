"""A corpus of sequences for the tests of what trains on one."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq


def write_sequences(
    corpus: Path, sequences: Mapping[int, int], *, shards: int = 2, rows: int = 7, extra: int = 0
) -> None:
    """Write ``sequences[bucket]`` sequences of each bucket; all their tokens are their number."""
    for bucket, count in sequences.items():
        folder = corpus / f"bucket={bucket}"
        folder.mkdir(parents=True)
        ids = np.repeat(np.arange(count), bucket + extra).astype(np.uint16)
        table = pa.table(
            {
                "input_ids": pa.FixedSizeListArray.from_arrays(pa.array(ids), bucket + extra),
                "document": [f"{bucket}-{number}" for number in range(count)],
                "offset": pa.array(range(count), pa.int64()),
            }
        )
        for shard in range(shards):
            first, last = count * shard // shards, count * (shard + 1) // shards
            part = table.slice(first, last - first)
            pq.write_table(part, folder / f"part-{shard:05d}.parquet", row_group_size=rows)
