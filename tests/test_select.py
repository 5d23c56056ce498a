from pathlib import Path

import apache_beam as beam
import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq
import pytest

from filters.bounds import Bounds
from filters.chapters import chapters
from filters.rules import Rule
from models.token_encoder import load_encoder
from models.tokens import DEFAULT
from pipelines.corpus_shards import groups_of
from pipelines.dedup import FindClusters, ScoredFile
from pipelines.manifest import ShardRecord, StageRecords
from pipelines.matching import Matching
from pipelines.recipe import Buckets, Dedup, Sample
from pipelines.runners import new_pipeline, pipeline_options
from pipelines.schema import MATCHING
from pipelines.select import SelectDocuments
from tests.scored_corpus import Document, prose, write_scored

RULES = [
    Rule(signal="gopher.word_count", bounds=Bounds(min=50, max=1_000)),
    Rule(signal="quality.score", bounds=Bounds(min=0.3)),
]
BUCKETS = Buckets(smallest=256, largest=1024)


def selected(
    output: Path,
    files: dict[str, list[Document]],
    *,
    with_clusters: bool = True,
    rules: list[Rule] = RULES,
    buckets: Buckets = BUCKETS,
    sample: Sample | None = None,
) -> list[ShardRecord]:
    scored = write_scored(output, files)
    options = pipeline_options(runner="local", workers=1, flags=[], total_bytes=0)
    stages: list[beam.PTransform] = []  # type: ignore[type-arg]
    if with_clusters:
        matching = Matching.of(Dedup(), documents=0)
        stages.append(FindClusters(output=str(output), matching=matching, fingerprint="f"))
    stages.append(
        SelectDocuments(
            output=str(output),
            files=scored,
            rules=rules,
            sample=sample,
            buckets=buckets,
            tokenizer=str(DEFAULT),
            with_clusters=with_clusters,
            fingerprint="f",
        )
    )
    for stage in stages:
        with new_pipeline(options) as pipeline:
            _ = pipeline | beam.Create(scored) | stage
    return StageRecords(str(output), "select").all_shards()


def rejected(output: Path) -> dict[str, list[str]]:
    table = ds.dataset(output / "rejected").to_table()
    urls = [url.rpartition("/")[2] for url in table["url"].to_pylist()]
    return dict(zip(urls, table["reasons"].to_pylist(), strict=True))


def corpus(output: Path) -> dict[int, list[str]]:
    found: dict[int, list[str]] = {}
    for path in sorted((output / "corpus").rglob("*.parquet")):
        bucket = int(path.parent.name.removeprefix("bucket="))
        found.setdefault(bucket, []).extend(pq.read_table(path)["record_id"].to_pylist())
    return {bucket: sorted(names) for bucket, names in sorted(found.items())}


def test_every_document_is_in_one_bucket_or_rejected_with_all_its_reasons(tmp_path: Path) -> None:
    documents = [
        Document(name="short", text=prose(1), tokens=10),
        Document(name="edge", text=prose(2), tokens=256),
        Document(name="over", text=prose(3), tokens=257),
        Document(name="long", text=prose(4), tokens=1_025),
        Document(name="poor", text=prose(5), quality=0.1),
        Document(name="poor and short", text=prose(6), quality=0.1, words=3),
        Document(name="wordy", text=prose(7), words=1_001),
    ]
    [record] = selected(tmp_path, {"one": documents}, with_clusters=False)
    assert corpus(tmp_path) == {256: ["edge", "short"], 512: ["over"], 1025: ["long"]}
    assert rejected(tmp_path) == {
        "poor": ["quality.score.min"],
        "poor and short": ["gopher.word_count.min", "quality.score.min"],
        "wordy": ["gopher.word_count.max"],
    }
    assert record.counters.as_json() == {"in": 7, "out": 4, "gated": {"rules": 3}, "errors": {}}
    assert record.figures == {
        "failed": {
            "gopher.word_count.max": 1,
            "gopher.word_count.min": 1,
            "quality.score.min": 2,
        },
        "only": {"gopher.word_count.max": 1, "quality.score.min": 1},
        "bucket_documents": {"1025": 1, "256": 2, "512": 1},
        "bucket_tokens": {"1025": 1025, "256": 266, "512": 257},
        "dropped": {},
        "languages": {"en": 4},
    }


def test_the_place_of_a_cluster_goes_to_its_best_document_that_passes(tmp_path: Path) -> None:
    text = prose(1)
    files = {
        "one": [
            Document(name="best but wordy", text=text, quality=0.9, words=5_000),
            Document(name="third", text=f"{text} c", quality=0.5),
        ],
        "two": [
            Document(name="second", text=f"{text} b", quality=0.7),
            Document(name="all fail 1", text=prose(2), quality=0.1),
        ],
        "three": [Document(name="all fail 2", text=f"{prose(2)} x", quality=0.2)],
    }
    records = selected(tmp_path, files)
    assert corpus(tmp_path) == {256: ["second"]}
    assert rejected(tmp_path) == {
        "best but wordy": ["gopher.word_count.max"],
        "third": ["near_duplicate"],
        "all fail 1": ["quality.score.min"],
        "all fail 2": ["quality.score.min"],
    }
    assert [record.counters.balanced for record in records] == [True]


def test_the_corpus_carries_every_column_but_the_hashes_and_one_schema(tmp_path: Path) -> None:
    files = {
        "one": [Document(name="a", text=prose(1), quality=None)],
        "two": [Document(name="b", text=prose(2), quality=0.5, tokens=600)],
    }
    selected(tmp_path, files, rules=[])
    scored = pq.read_schema(tmp_path / "scored/one.parquet")
    schemas = [pq.read_schema(path) for path in sorted((tmp_path / "corpus").rglob("*.parquet"))]
    assert len(schemas) == 2
    for schema in schemas:
        assert schema.names == [name for name in scored.names if name not in MATCHING]
        assert schema.field("quality.score").metadata == scored.field("quality.score").metadata


def test_only_this_rule_counts_a_cluster_that_no_copy_survives_once(tmp_path: Path) -> None:
    text = prose(1)
    copies = [
        Document(name="a", text=text, quality=0.1),
        Document(name="b", text=f"{text} b", quality=0.2),
    ]
    [record] = selected(tmp_path, {"one": copies})
    assert record.figures["failed"] == {"quality.score.min": 2}
    assert record.figures["only"] == {"quality.score.min": 1}
    assert record.counters.as_json()["gated"] == {"rules": 2}


def texts(count: int, words: int = 700) -> list[Document]:
    return [Document(name=f"d{n}", text=prose(n, words), tokens=600 + n) for n in range(count)]


def sequences(output: Path) -> pa.Table:
    tables = []
    for path in sorted((output / "corpus").rglob("*.parquet")):
        table = pq.ParquetFile(path).read()
        bucket = int(path.parent.name.removeprefix("bucket="))
        assert table.schema.field("input_ids").type == pa.list_(pa.uint16(), bucket)
        tables.append(table.set_column(0, "input_ids", table["input_ids"].cast(LIST)))
    return pa.concat_tables(tables)


LIST = pa.list_(pa.uint16())
DECOMPOSE = Buckets.model_validate({"smallest": 256, "largest": 1024, "decompose": {}})


def test_sequences_give_back_each_document_up_to_its_remainder(tmp_path: Path) -> None:
    documents = [*texts(20), Document(name="tiny", text=prose(99, 5), tokens=30)]
    documents.append(Document(name="book", text=prose(98, 9_000), tokens=90_000))
    [record] = selected(tmp_path, {"one": documents}, rules=[], buckets=DECOMPOSE)
    encoder = load_encoder(str(DEFAULT))
    end = encoder.special_token(None)
    found: dict[str, list[tuple[int, list[int]]]] = {}
    for row in sequences(tmp_path).to_pylist():
        found.setdefault(row["document"], []).append((row["offset"], row["input_ids"]))
    for document in documents:
        expected = [*encoder.encode(document.text).tolist(), end]
        pieces = [ids for _, ids in sorted(found.get(document.id, []))]
        together = [token for ids in pieces for token in ids]
        assert together == expected[: len(together)]
        assert len(expected) - len(together) < 256
    # The documents that gave sequences, and those too short for any, with every signal.
    in_sequences = sum(len(ids) for pieces in found.values() for _, ids in pieces)
    all_tokens = sum(encoder.count(document.text) + 1 for document in documents)
    assert record.figures["dropped"] == {
        "documents": len(documents) - len(found),
        "tokens": all_tokens - in_sequences,
    }
    table = ds.dataset(tmp_path / "documents").to_table()
    assert table["record_id"].to_pylist() == [document.name for document in documents]
    assert "text" not in table.schema.names
    assert "gopher.word_count" in table.schema.names
    assert table["rows"].to_pylist() == [len(found.get(document.id, [])) for document in documents]
    assert sum(table["dropped_tokens"].to_pylist()) == all_tokens - in_sequences
    assert record.counters.as_json()["out"] == len(documents)
    tokens = {
        bucket: int(bucket) * count for bucket, count in record.figures["bucket_documents"].items()
    }
    assert record.figures["bucket_tokens"] == tokens


def test_a_document_has_the_same_sequences_whatever_file_it_is_in(tmp_path: Path) -> None:
    documents = [Document(name=f"b{n}", text=prose(n, 4_000)) for n in range(4)]
    together, apart = tmp_path / "together", tmp_path / "apart"
    for output, files in (
        (together, {"one": documents}),
        (apart, {"a": documents[2:], "b": documents[:2]}),
    ):
        selected(output, files, rules=[], with_clusters=False, buckets=DECOMPOSE)
    order = [("document", "ascending"), ("offset", "ascending")]
    assert sequences(together).sort_by(order) == sequences(apart).sort_by(order)


def test_a_shard_ends_when_it_has_its_size(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipelines.corpus_shards.ROW_GROUP_BYTES", 10_000)
    monkeypatch.setattr("pipelines.select._BATCH_ROWS", 2)
    buckets = Buckets(smallest=1024, largest=1024, shard_bytes=20_000)
    files = {name: texts(20)[start : start + 10] for name, start in (("one", 0), ("two", 10))}
    records = selected(tmp_path, files, rules=[], with_clusters=False, buckets=buckets)
    shards = [file for record in records for file in record.files if "corpus" in file.path]
    assert sum(file.rows for file in shards) == 20
    sizes = [file.bytes for file in shards]
    assert len(sizes) > 3
    # The last of each group is what was left.
    assert sum(size < 20_000 for size in sizes) <= len(records)
    assert max(sizes) < 60_000
    assert {pq.read_schema(tmp_path / file.path) for file in shards} == {
        pq.read_schema(tmp_path / shards[0].path)
    }


def test_shards_are_sized_for_streaming_and_carry_statistics(tmp_path: Path) -> None:
    selected(tmp_path, {"one": texts(20)}, rules=[], with_clusters=False, buckets=DECOMPOSE)
    for path in (tmp_path / "corpus").rglob("*.parquet"):
        metadata = pq.ParquetFile(path).metadata
        assert metadata.row_group(0).column(0).compression == "ZSTD"
        column = metadata.row_group(0).column(1)
        assert column.path_in_schema == "document"
        assert column.statistics.has_min_max
        assert column.has_offset_index
        assert column.has_column_index


@pytest.mark.parametrize("decompose", [None, {}])
def test_a_global_shuffle_deals_the_same_rows_by_the_seed(
    tmp_path: Path, decompose: dict[str, str] | None
) -> None:
    files = {name: texts(20)[start : start + 10] for name, start in (("one", 0), ("two", 10))}
    found: dict[str, list[str]] = {}
    for name, seed in (("a", 1), ("same", 1), ("b", 2), ("plain", None)):
        settings = {"smallest": 256, "largest": 1024, "shard_bytes": 8_000, "decompose": decompose}
        buckets = Buckets.model_validate({**settings, "shuffle_seed": seed})
        output = tmp_path / name
        records = selected(output, files, rules=[], with_clusters=False, buckets=buckets)
        assert sum(record.counters.written for record in records) == 20
        column = "id" if decompose is None else "document"
        found[name] = [
            key
            for path in sorted((tmp_path / name / "corpus").rglob("*.parquet"))
            for key in pq.ParquetFile(path).read()[column].to_pylist()
        ]
        shards = {file.path for record in records for file in record.files}
        assert len([path for path in shards if path.startswith("corpus")]) > 1
    assert found["a"] == found["same"]
    assert found["a"] != found["b"]
    assert sorted(found["a"]) == sorted(found["b"]) == sorted(found["plain"])


def test_windows_of_whole_chapters_within_their_bands(tmp_path: Path) -> None:
    book = "".join(f"CHAPTER {n}\n\n{prose(n, 300)}\n\n" for n in range(1, 13))
    encoder = load_encoder(str(DEFAULT))
    parts = [encoder.count(part) for part in chapters(book)]
    shortest, longest = 2 * min(parts), 3 * max(parts)
    buckets = Buckets(chapter_windows={4096: (shortest, longest)})
    documents = [Document(name="novel", text=book), Document(name="note", text=prose(50))]
    selected(tmp_path, {"one": documents}, rules=[], with_clusters=False, buckets=buckets)
    [path] = (tmp_path / "corpus").rglob("*.parquet")
    assert path.parent.name == "bucket=4096"
    rows = pq.ParquetFile(path).read().to_pylist()
    assert len(rows) > 3
    for row in rows:
        assert row["record_id"] == "novel"
        assert row["text"] in book
        assert row["text"].startswith(f"CHAPTER {row['window.first_chapter'] + 1}\n")
        assert shortest <= row["window.tokens"] <= longest
    assert "".join(row["text"] for row in rows) == book[: sum(len(row["text"]) for row in rows)]


def test_groups_hold_every_file_once_and_share_the_work() -> None:
    files = [ScoredFile(number=n, name=f"f{n}", checksum="", bytes=50) for n in range(400)]
    for shard_bytes, expected in ((100, 16), (10, 134), (10**6, 1)):
        groups = groups_of(files, shard_bytes=shard_bytes)
        assert [file for group in groups for file in group.files] == files
        assert len({group.name for group in groups}) == len(groups)
        assert len(groups) == expected
