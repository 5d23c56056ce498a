"""A small scored corpus for the tests of the stages that read one."""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa
import xxhash

from filters.exact import ExactHashes
from filters.minhash import MinHashSignature
from filters.text_view import TextView
from pipelines import schema
from pipelines.counters import Counters
from pipelines.dedup import ScoredFile
from pipelines.document_scorer import declared_families
from pipelines.manifest import ShardRecord, StageRecords
from pipelines.shard_files import ParquetFile

SIGNALS = [
    signal
    for family in declared_families()
    for signal in family.signals
    if signal.name
    in ("language.code", "length.tokens", "gopher.word_count", "quality.score", *schema.MATCHING)
]
SCHEMA = schema.scored(SIGNALS)


@dataclass(frozen=True, kw_only=True)
class Document:
    name: str
    text: str
    quality: float | None = None
    tokens: int = 100
    words: int = 100
    language: str | None = "en"
    url: str | None = None
    extra: dict[str, Any] = field(default_factory=dict)

    @property
    def id(self) -> str:
        return xxhash.xxh3_128_hexdigest(self.name.encode())

    def row(self) -> dict[str, Any]:
        signature = MinHashSignature(shingle=5, permutations=112, seed=1)
        url = self.url or f"https://example.com/{self.name}"
        view = TextView(self.text, url=url)
        return {
            "id": self.id,
            "source": "made.jsonl",
            "record_id": self.name,
            "url": url,
            "date": None,
            "text": self.text,
            "metadata": "{}",
            "language.code": self.language,
            "length.tokens": self.tokens,
            "gopher.word_count": self.words,
            "quality.score": self.quality,
            **ExactHashes().compute(view),
            **signature.compute(view),
        }


def prose(seed: int, words: int = 120) -> str:
    """Random words: two seeds share no shingle."""
    generator = random.Random(seed)
    return " ".join(f"w{generator.randrange(10**9)}" for _ in range(words))


def write_scored(output: Path, files: Mapping[str, Sequence[Document]]) -> list[ScoredFile]:
    """Write ``scored/`` as `score` leaves it, a file a name, and list the files."""
    records = StageRecords(str(output), "score")
    for name, documents in files.items():
        with ParquetFile(str(output), f"scored/{name}.parquet", SCHEMA, even_empty=True) as file:
            batch = pa.RecordBatch.from_pylist([document.row() for document in documents], SCHEMA)
            file.add_batch(batch)
        records.commit(
            ShardRecord(
                name=name,
                fingerprint=name,
                files=file.output_files,
                counters=Counters(read=len(documents), written=len(documents)),
            )
        )
    shards = records.all_shards()
    records.finish(shards, stage_fingerprint="made", recipe={}, details={})
    return [
        ScoredFile(
            number=number,
            name=record.name,
            checksum=record.files[0].checksum,
            bytes=record.files[0].bytes,
        )
        for number, record in enumerate(shards)
    ]
