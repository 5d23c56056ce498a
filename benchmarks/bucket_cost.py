"""Decomposition beside two packings: what is kept, what it costs, how fast it is written and read.

    python -m benchmarks.bucket_cost DATA

Books and pages of DATA are measured under the shipped tokenizer. The layouts need lengths alone.
The writer is the stage `select` in a process of its own over stored documents, the reader a
:class:`training.reader.SequenceReader` in another; both run over the corpus and over four and
sixteen copies of it, whose peak memory tells whether that grows. *Private* memory is what the work
took for itself, without the libraries and files that are mapped into its process and without what
that had when the work began.
"""

import argparse
import multiprocessing
import re
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import apache_beam as beam
import pyarrow as pa
import xxhash
from rich.console import Console
from rich.table import Table

from benchmarks.score_cost import extract, read
from filters.decomposition import Decomposition
from models.token_encoder import load_encoder
from models.tokens import DEFAULT
from pipelines import schema
from pipelines.dedup import ScoredFile
from pipelines.document_scorer import declared_families
from pipelines.manifest import StageRecords
from pipelines.readers.gutenberg import GutenbergReader
from pipelines.readers.records import Record
from pipelines.recipe import Buckets
from pipelines.runners import new_pipeline, pipeline_options
from pipelines.select import SelectDocuments
from pipelines.shard_files import ParquetFile
from training.curricula import Curriculum
from training.packing import Layout, best_fit, concatenate_and_chunk, decomposed, figures
from training.reader import SequenceReader

CONTEXT = 8_192
COPIES = (1, 4, 16)
SCORED_FILES = 4
BUCKETS = Buckets.model_validate({"smallest": 256, "largest": CONTEXT, "decompose": {}})
SCHEMA = schema.scored(
    signal
    for family in declared_families()
    for signal in family.signals
    if signal.name in ("language.code", "length.tokens")
)


def books(data: Path) -> Iterator[str]:
    """Yield the text of every book."""
    paths = [*(data / "gutenberg").rglob("*"), *(data / "dedup/pg_editions/books").glob("*")]
    for path in sorted(path for path in paths if path.is_file()):
        with path.open("rb") as file:
            for item in GutenbergReader().read(file, str(path)):
                if isinstance(item, Record):
                    yield str(item.content)


def pages(data: Path) -> Iterator[str]:
    """Yield the text of every web page that has some."""
    folder = data / "warc"
    archives = [
        folder / "built_from_gold_html/gold-sample.warc.gz",
        *sorted((folder / "chatnoir_copycat_commoncrawl").glob("*.from-arc.warc.gz")),
    ]
    yield from filter(None, map(extract, read(archives)))


def layouts(lengths: list[int]) -> dict[str, Layout]:
    """Return each layout of documents of the given lengths."""
    return {
        f"concat-and-chunk {CONTEXT:,}": concatenate_and_chunk(lengths, context=CONTEXT),
        f"best-fit packing {CONTEXT:,}": best_fit(lengths, context=CONTEXT),
        "decomposition, random": decomposed(lengths, by=Decomposition()),
        "decomposition, greedy": decomposed(lengths, by=Decomposition(long_documents="greedy")),
        "decomposition, remainder 32": decomposed(lengths, by=Decomposition(shortest_remainder=32)),
    }


def compare(console: Console, name: str, lengths: list[int]) -> None:
    """Print what each layout makes of some documents."""
    title = f"{name}: {len(lengths):,} documents, {sum(lengths):,} tokens"
    table = Table("layout", title=title, title_justify="left")
    for column in (
        "sequences",
        "tokens kept",
        "padding",
        "cross-document",
        "documents cut",
        "context",
        "of its own document",
        "attention a token",
    ):
        table.add_column(column, justify="right")
    baseline = 0.0
    for layout_name, layout in layouts(lengths).items():
        found = figures(layout, lengths)
        attention = found.attention / max(1, found.tokens)
        baseline = baseline or attention
        table.add_row(
            layout_name,
            f"{found.sequences:,}",
            f"{found.kept:.2%}",
            f"{found.padding:.2%}",
            f"{found.mixed:.1%}",
            f"{found.truncated:.1%}",
            f"{found.context:,.0f}",
            f"{found.own_context:,.0f}",
            f"{attention / baseline:.1%}",
        )
    console.print(table)


def write_scored(output: Path, texts: list[str], *, copies: int) -> None:
    """Write documents as `score` leaves them; each copy has ids of its own."""
    encoder = load_encoder(str(DEFAULT))
    lengths = [encoder.count(text) for text in texts]
    for number in range(SCORED_FILES * copies):
        name = f"file{number:03d}"
        with ParquetFile(str(output), f"scored/{name}.parquet", SCHEMA) as file:
            for place in range(number % SCORED_FILES, len(texts), SCORED_FILES):
                record = f"{number}-{place}"
                row = {
                    **dict.fromkeys(SCHEMA.names),
                    "id": xxhash.xxh3_128_hexdigest(record.encode()),
                    "source": name,
                    "record_id": record,
                    "text": texts[place],
                    "metadata": "{}",
                    "language.code": "en",
                    "length.tokens": lengths[place],
                }
                file.add(row, size=len(texts[place]))


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """What some work took: tokens, CPU and wall seconds, peak memory of its process in bytes.

    ``private`` is the part of the memory that is of this process alone, beyond what it began with.
    """

    tokens: int
    cpu: float
    wall: float
    memory: int
    private: int


def write_sequences(output: Path) -> int:
    """Run `select` over stored documents; return the tokens in sequences."""
    files = [
        ScoredFile(number=number, name=path.stem, checksum="", bytes=path.stat().st_size)
        for number, path in enumerate(sorted((output / "scored").glob("*.parquet")))
    ]
    transform = SelectDocuments(
        output=str(output),
        files=files,
        rules=[],
        buckets=BUCKETS,
        tokenizer=str(DEFAULT),
        with_clusters=False,
        fingerprint="bench",
    )
    options = pipeline_options(runner="local", workers=1, flags=[], total_bytes=0)
    with new_pipeline(options) as pipeline:
        _ = pipeline | beam.Create(files, reshuffle=False) | transform
    records = StageRecords(str(output), "select").all_shards()
    return sum(sum(record.figures["bucket_tokens"].values()) for record in records)


def read_sequences(output: Path) -> int:
    """Read an epoch; return its tokens."""
    reader = SequenceReader(
        str(output / "corpus"), tokens_per_step=1 << 17, curriculum=Curriculum()
    )
    return sum(batch.input_ids.size for batch in reader)


def memory(figure: str) -> int:
    """Return a figure of this process's memory in bytes, as Linux tells it.

    ``VmHWM`` is the peak: `getrusage` would tell that of the process that started this one, if it
    was larger.
    """
    status = Path("/proc/self/status").read_text()
    [kilobytes] = re.findall(rf"{figure}:\s+(\d+) kB", status)
    return int(kilobytes) * 1024


class PrivatePeak(threading.Thread):
    """Looks at this process's private memory fifty times a second, since Linux keeps no peak of it.

    Attributes:
        peak: The most that was seen, in bytes.
    """

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.peak = 0
        self._over = threading.Event()

    def run(self) -> None:
        """Look until :meth:`stop`."""
        while not self._over.wait(0.02):
            self.peak = max(self.peak, memory("RssAnon"))

    def stop(self) -> int:
        """End the thread; return the peak."""
        self._over.set()
        self.join()
        return self.peak


def _measured(work: Callable[[Path], int], output: Path, results: Any) -> None:
    before = memory("RssAnon")
    private = PrivatePeak()
    private.start()
    cpu, wall = time.process_time(), time.perf_counter()
    tokens = work(output)
    results.put(
        Cost(
            tokens=tokens,
            cpu=time.process_time() - cpu,
            wall=time.perf_counter() - wall,
            memory=memory("VmHWM"),
            private=private.stop() - before,
        )
    )


def measured(work: Callable[[Path], int], output: Path) -> Cost:
    """Do some work in a process of its own."""
    context = multiprocessing.get_context("spawn")
    results = context.Queue()
    process = context.Process(target=_measured, args=(work, output, results))
    process.start()
    cost: Cost = results.get()
    process.join()
    return cost


def main() -> None:
    """Measure and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("data", type=Path)
    data = parser.parse_args().data
    console = Console(width=150)
    encoder = load_encoder(str(DEFAULT))
    texts = {"books": list(books(data)), "pages": list(pages(data))}
    for name, of_kind in texts.items():
        # The token that ends a text counts, as it is written.
        compare(console, name, [encoder.count(text) + 1 for text in of_kind])
    corpus = [text for of_kind in texts.values() for text in of_kind]
    table = Table("work", title="one process, one core", title_justify="left")
    for column in (
        "copies",
        "tokens",
        "tokens a CPU second",
        "tokens a second",
        "peak memory",
        "private",
    ):
        table.add_column(column, justify="right")
    for copies in COPIES:
        with tempfile.TemporaryDirectory() as folder:
            output = Path(folder)
            write_scored(output, corpus, copies=copies)
            for name, work in (("select", write_sequences), ("reader", read_sequences)):
                cost = measured(work, output)
                table.add_row(
                    name,
                    str(copies),
                    f"{cost.tokens:,}",
                    f"{cost.tokens / cost.cpu:,.0f}",
                    f"{cost.tokens / cost.wall:,.0f}",
                    f"{cost.memory / 1e6:,.0f} MB",
                    f"{cost.private / 1e6:,.0f} MB",
                )
    console.print(table)
    console.print(f"pyarrow {pa.__version__}")


if __name__ == "__main__":
    main()
