"""What deduplication costs a document, and how that grows; beside datatrove and text-dedup.

    python -m benchmarks.dedup_scale BOOKS --documents 10000 100000 1000000 --peers PYTHON

Documents are real books' text, edited. Each row runs in a process of its own, with one worker.
Seconds are those of the CPU, since other work on the machine changes the clock's.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import apache_beam as beam
import pyarrow as pa
import pyarrow.parquet as pq
import xxhash
from rich.console import Console
from rich.table import Table

from benchmarks.edited_documents import EditedDocuments
from filters.exact import ExactHashes
from filters.minhash import MinHashSignature
from filters.text_view import TextView
from pipelines import schema
from pipelines.dedup import FindClusters, ScoredFile
from pipelines.matching import Matching
from pipelines.recipe import Dedup
from pipelines.runners import new_pipeline, pipeline_options
from pipelines.shard_files import ParquetFile

_FILE_ROWS = 20_000
_COMPARED = 10_000
_WARM_UP = 2_000
_FAMILIES = (ExactHashes(), MinHashSignature())
_SCHEMA = pa.schema(
    [pa.field("id", pa.string()), *(pa.field(name, pa.binary()) for name in schema.MATCHING)]
)


def hash_documents(texts: Iterable[str], output: Path) -> float:
    """Write what `score` stores for `dedup`; return the CPU seconds, those of the texts aside."""
    seconds = 0.0
    output.mkdir()
    numbered = enumerate(texts)
    for number in range(sys.maxsize):
        rows = list(islice(numbered, _FILE_ROWS))
        if not rows:
            break
        started = time.process_time()
        with ParquetFile(str(output), f"scored/{number:05}.parquet", _SCHEMA) as file:
            for place, text in rows:
                view = TextView(text)
                row: dict[str, Any] = {"id": xxhash.xxh3_128_hexdigest(str(place).encode())}
                for family in _FAMILIES:
                    row |= family.compute(view)
                file.add(row)
        seconds += time.process_time() - started
    return seconds


def find_clusters(output: Path, *, documents: int) -> dict[str, float]:
    """Run `dedup`; return its seconds and the bytes of memory that it added."""
    files = [
        ScoredFile(number=number, name=path.stem, checksum="", bytes=path.stat().st_size)
        for number, path in enumerate(sorted((output / "scored").glob("*.parquet")))
    ]
    options = pipeline_options(runner="local", workers=1, flags=[], total_bytes=0)
    idle = _peak_bytes()
    started, clock = time.process_time(), time.perf_counter()
    with new_pipeline(options) as pipeline:
        matching = Matching.of(Dedup(prefer=[]), documents=documents, in_memory=True)
        _ = (
            pipeline
            | beam.Create(files, reshuffle=False)
            | FindClusters(output=str(output), matching=matching, fingerprint="benchmark")
        )
    cpu, wall = time.process_time() - started, time.perf_counter() - clock
    peak = _peak_bytes()
    kept = sum(
        pq.read_table(path, columns=["keep"])["keep"].to_pylist().count(True)
        for path in (output / "clusters").glob("*.parquet")
    )
    return {"cluster": cpu, "wall": wall, "bytes": peak - idle, "kept": kept}


def _peak_bytes() -> int:
    # Not getrusage: a process starts with the peak of the one that started it.
    status = Path("/proc/self/status").read_text()
    [line] = [line for line in status.splitlines() if line.startswith("VmHWM")]
    return int(line.split()[1]) * 1024


def measure(books: Path, documents: int, output: Path) -> dict[str, float]:
    """Hash documents here and cluster them in a fresh process, whose memory is its own.

    Both do some documents first: what a process does once (imports, compiled loops, a table of
    the words of the language) is no cost of a document.
    """
    made = EditedDocuments.of(books)
    hash_documents(made.texts(_WARM_UP), output / "warm-up")
    hashing = hash_documents(made.texts(documents), output / "corpus")
    command = [sys.executable, "-m", "benchmarks.dedup_scale", "--cluster", str(output)]
    command += ["--documents", str(documents)]
    return {"documents": documents, "hash": hashing, **_printed(command)}


def compare(books: Path, python: str, folder: Path) -> Iterator[tuple[str, dict[str, float]]]:
    """Yield what each peer takes for the same documents."""
    path = folder / "documents.jsonl"
    with path.open("w", encoding="utf-8") as file:
        for number, text in enumerate(EditedDocuments.of(books).texts(_COMPARED)):
            file.write(json.dumps({"id": str(number), "text": text}) + "\n")
    for peer in ("datatrove", "text-dedup"):
        script = str(Path(__file__).with_name("dedup_peers.py"))
        work = folder / peer
        work.mkdir()
        yield peer, _printed([python, script, peer, str(path), str(work)])


def _printed(command: list[str]) -> dict[str, float]:
    run = subprocess.run(  # noqa: S603 - what this file names itself
        command, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    found: dict[str, float] = json.loads(run.stdout.splitlines()[-1])
    return found


def main() -> None:
    """Measure and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("books", nargs="?", type=Path)
    parser.add_argument("--documents", type=int, nargs="+", default=[_COMPARED, 100_000, 1_000_000])
    parser.add_argument("--peers", metavar="PYTHON", help="an interpreter that has the peers")
    parser.add_argument("--cluster", metavar="OUTPUT", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.cluster:
        find_clusters(arguments.cluster / "warm-up", documents=_WARM_UP)
        corpus = find_clusters(arguments.cluster / "corpus", documents=arguments.documents[0])
        print(json.dumps(corpus))
        return
    console = Console(width=120)
    table = Table(
        title="thresher: CPU microseconds a document, bytes a document over the idle process"
    )
    for column in ("documents", "hashes", "clusters", "together", "bytes", "kept"):
        table.add_column(column, justify="right")
    costs = {}
    for documents in arguments.documents:
        with tempfile.TemporaryDirectory(prefix="thresher-bench-") as folder:
            found = measure(arguments.books, documents, Path(folder))
        hashing, clustering = (found[name] / documents * 1e6 for name in ("hash", "cluster"))
        costs[documents] = hashing + clustering
        figures = (hashing, clustering, hashing + clustering, found["bytes"] / documents)
        told = (f"{figure:,.0f}" for figure in figures)
        table.add_row(f"{documents:,}", *told, f"{found['kept']:,.0f}")
        print(json.dumps(found), file=sys.stderr)
    console.print(table)
    if arguments.peers:
        ours = costs.get(_COMPARED)
        peers = Table(title=f"the same {_COMPARED:,} documents, 5-grams, 14 bands of 8 rows")
        for column in ("", "CPU µs a document", "times thresher", "kept"):
            peers.add_column(column, justify="right")
        with tempfile.TemporaryDirectory(prefix="thresher-bench-") as folder:
            for peer, found in compare(arguments.books, arguments.peers, Path(folder)):
                cost = found["cpu"] / _COMPARED * 1e6
                ratio = f"{cost / ours:.1f}" if ours else ""
                peers.add_row(peer, f"{cost:,.0f}", ratio, f"{found['kept']:,.0f}")
        console.print(peers)


if __name__ == "__main__":
    main()
