"""``thresher export``: a finished corpus in other formats, a shard at a time."""

import argparse
import csv
import json
import os
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from filters.text_view import TextView
from filters.word_levels import METADATA_COLUMNS, metadata_row, word_counts, word_tokens
from pipelines.errors import UserError
from pipelines.table_cells import inert

_ROWS = 1_024
_LEVELS = ("text", "tokens", "counts")


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add ``export`` to the commands."""
    told = "write a finished corpus in another format"
    parser = subparsers.add_parser("export", help=told, description=told, allow_abbrev=False)
    parser.add_argument("output", metavar="OUTPUT", type=Path, help="the output folder of a run")
    parser.add_argument(
        "--format",
        choices=("spgc", "webdataset"),
        required=True,
        help="spgc: text, words, counts and metadata of each book; webdataset: tar shards",
    )
    parser.add_argument(
        "--into", type=Path, required=True, metavar="FOLDER", help="where it goes, a new folder"
    )
    parser.add_argument(
        "--shard-bytes", type=int, default=256_000_000, help="size of a tar shard (256 MB)"
    )
    parser.set_defaults(run=_run)


def _run(arguments: argparse.Namespace) -> int:
    shards = sorted((arguments.output / "corpus").glob("bucket=*/*.parquet"))
    if not shards:
        raise UserError(f"{arguments.output}: no corpus there; first: thresher run RECIPE")
    if arguments.shard_bytes < 1:
        raise UserError("--shard-bytes must be 1 or more")
    if arguments.into.exists() and any(arguments.into.iterdir()):
        raise UserError(f"{arguments.into} (--into): is not empty; choose a new folder")
    if arguments.format == "spgc":
        count = write_levels(shards, arguments.into)
    else:
        count = write_web_dataset(shards, arguments.into, shard_bytes=arguments.shard_bytes)
    print(f"{arguments.into}: {count:,} {'books' if arguments.format == 'spgc' else 'samples'}")
    return 0


def write_levels(shards: Sequence[Path], into: Path) -> int:
    """Write the levels of the Standardized Project Gutenberg Corpus.

    ``text/PG84_text.txt``, ``tokens/PG84_tokens.txt`` with a word a line,
    ``counts/PG84_counts.txt`` with word and number, and ``metadata.csv``.

    Args:
        shards: Shards of whole documents.
        into: The folder, made if it is not there.

    Returns:
        The number of books.

    Raises:
        UserError: The shards hold no documents.
    """
    names = _names(shards)
    for level in _LEVELS:
        (into / level).mkdir(parents=True, exist_ok=True)
    with (
        (into / "metadata.csv").open("w", encoding="utf-8", newline="") as file,
        ProcessPoolExecutor(os.cpu_count()) as pool,
    ):
        table = csv.DictWriter(file, METADATA_COLUMNS, lineterminator="\n")
        table.writeheader()
        for rows in pool.map(_write_shard, shards, names, [into] * len(shards)):
            table.writerows({key: inert(cell) for key, cell in row.items()} for row in rows)
    return sum(map(len, names))


def _names(shards: Sequence[Path]) -> list[list[str]]:
    """Return a name for each document of each shard: ``PG84``, and more where that is not one."""
    columns = ["id", "record_id", "text"]
    found = []
    for shard in shards:
        with pq.ParquetFile(shard) as parquet:
            if not set(columns) <= set(parquet.schema_arrow.names):
                raise UserError(f"{shard}: holds no documents; export a corpus of whole documents")
            found.append(parquet.read(columns=columns[:2]).to_pylist())
    often = Counter(_plain(row["record_id"]) for rows in found for row in rows)
    return [
        [
            name
            if often[name := _plain(row["record_id"])] == 1 and len(name) < 100
            else f"{re.sub(r'[^A-Za-z0-9]+', '-', row['record_id'])[:60]}-{row['id']}"
            for row in rows
        ]
        for rows in found
    ]


def _plain(name: str) -> str:
    """Return a name with nothing in it that a path could lead elsewhere by."""
    return re.sub(r"[^\w.-]+", "-", name).lstrip("-")


def _write_shard(shard: Path, names: Sequence[str], into: Path) -> list[dict[str, str]]:
    rows = []
    for name, row in zip(names, _documents(shard), strict=True):
        tokens = word_tokens(TextView(row["text"], language=row.get("language.code")))
        counts = "".join(f"{word}\t{count}\n" for word, count in word_counts(tokens))
        contents = (row["text"], "".join(f"{token}\n" for token in tokens), counts)
        for level, content in zip(_LEVELS, contents, strict=True):
            path = into / level / f"{name}_{level}.txt"
            path.write_text(content, encoding="utf-8", newline="\n")
        facts = {key: str(value) for key, value in json.loads(row["metadata"]).items()}
        facts.setdefault("language", row.get("language.code") or "")
        rows.append(metadata_row(name, facts))
    return rows


def _documents(shard: Path) -> Iterator[dict[str, Any]]:
    with pq.ParquetFile(shard) as parquet:
        there = [
            name
            for name in ("text", "metadata", "language.code")
            if name in parquet.schema_arrow.names
        ]
        for batch in parquet.iter_batches(_ROWS, columns=there):
            yield from batch.to_pylist()


def write_web_dataset(shards: Sequence[Path], into: Path, *, shard_bytes: int) -> int:
    """Write tar shards of samples, a folder a bucket, by the library `webdataset`.

    A sequence is ``input_ids.npy`` with ``document`` and ``offset`` in ``json``; a document is
    ``txt`` with its other columns in ``json``.

    Args:
        shards: Shards of the corpus.
        into: The folder, made if it is not there.
        shard_bytes: The size of a tar.

    Returns:
        The number of samples.

    Raises:
        UserError: `webdataset` is not installed.
    """
    try:
        import webdataset
    except ImportError:
        raise UserError(
            "--format webdataset: the package is not there; pip install 'thresher[webdataset]'"
        ) from None
    samples = 0
    for bucket in sorted({shard.parent.name for shard in shards}):
        (into / bucket).mkdir(parents=True)
        of_bucket = [shard for shard in shards if shard.parent.name == bucket]
        pattern = str(into / bucket / "shard-%06d.tar")
        with webdataset.ShardWriter(
            pattern, maxcount=10**9, maxsize=shard_bytes, verbose=0
        ) as writer:
            for batch in _batches(of_bucket):
                for sample in _samples(batch, samples):
                    writer.write(sample)
                samples += batch.num_rows
    return samples


def _batches(shards: Sequence[Path]) -> Iterator[pa.RecordBatch]:
    for shard in shards:
        with pq.ParquetFile(shard) as parquet:
            yield from parquet.iter_batches(_ROWS)


def _samples(batch: pa.RecordBatch, first: int) -> Iterator[dict[str, Any]]:
    sequences = "input_ids" in batch.schema.names
    payload = "input_ids" if sequences else "text"
    rest = batch.drop_columns([payload]).to_pylist()
    if sequences:
        column = batch[payload]
        contents = column.flatten().to_numpy().reshape(len(column), -1)
    else:
        contents = batch[payload].to_pylist()
    for number, (content, columns) in enumerate(zip(contents, rest, strict=True), start=first):
        yield {
            "__key__": f"{number:012d}",
            "input_ids.npy" if sequences else "txt": content,
            "json": json.dumps(columns, ensure_ascii=False, default=str).encode(),
        }
