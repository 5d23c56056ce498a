from pathlib import Path

import apache_beam as beam
import pyarrow.dataset as ds
import pyarrow.parquet as pq

from filters.bounds import Bounds
from filters.rules import Rule
from pipelines.dedup import FindClusters
from pipelines.manifest import ShardRecord, StageRecords
from pipelines.matching import Matching
from pipelines.recipe import Buckets, Dedup
from pipelines.runners import new_pipeline, pipeline_options
from pipelines.schema import MATCHING
from pipelines.select import SelectDocuments
from tests.scored_corpus import Document, prose, write_scored

RULES = [
    Rule(signal="gopher.word_count", bounds=Bounds(min=50, max=1_000)),
    Rule(signal="quality.score", bounds=Bounds(min=0.3)),
]


def selected(
    output: Path,
    files: dict[str, list[Document]],
    *,
    with_clusters: bool = True,
    rules: list[Rule] = RULES,
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
            rules=rules,
            buckets=Buckets(smallest=256, largest=1024),
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
    assert [record.counters.balanced for record in records] == [True, True, True]


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
