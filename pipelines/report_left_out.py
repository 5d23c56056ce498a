"""The records of a shard of which no document was scored, from ``gated/`` and ``errors/``."""

import itertools
import json
from collections.abc import Iterator

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from pipelines import storage
from pipelines.dedup import ScoredFile
from pipelines.readers.records import STEPS_BEFORE_TEXT
from pipelines.report_steps import LEFT_OUT
from pipelines.shard_files import read_batches

_ROWS = 20_000


def left_out(file: ScoredFile, output: str) -> Iterator[pa.RecordBatch]:
    """Yield the records that were gated or failed in a shard, of the schema ``LEFT_OUT``.

    Args:
        file: The scored file of the shard.
        output: The run's output folder.
    """
    gated = file.path(output, "gated")
    if storage.exists(gated):
        yield from _gated(gated)
    errors = storage.join(output, "errors", "score", f"{file.name}.jsonl")
    if storage.exists(errors):
        yield from _failed(errors)


def _gated(path: str) -> Iterator[pa.RecordBatch]:
    with storage.open_stored(path) as stored:
        columns = ["source", "reason", "bytes", "language"]
        for batch in read_batches(pq.ParquetFile(stored), columns=columns, rows=_ROWS):
            known = {
                "error": pa.repeat(False, batch.num_rows),
                "extracted": pc.is_valid(batch["bytes"]),
            }
            yield pa.RecordBatch.from_pydict(
                known | {name: batch[name] for name in columns}, LEFT_OUT
            )


def _failed(path: str) -> Iterator[pa.RecordBatch]:
    with storage.open_stored(path) as stored:
        while lines := list(itertools.islice(stored, _ROWS)):
            rows = [json.loads(line) for line in lines]
            yield pa.RecordBatch.from_pylist(
                [
                    {
                        "source": row["source"],
                        "reason": f"{row['step']}.{row['exception']}",
                        "error": True,
                        "extracted": row["step"] not in STEPS_BEFORE_TEXT,
                    }
                    for row in rows
                ],
                LEFT_OUT,
            )
