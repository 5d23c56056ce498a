"""`dedup` gives the same bytes on every runner: in memory, by worker processes, on Prism."""

import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import apache_beam as beam
import pyarrow.dataset as ds
import pytest
from apache_beam.options.pipeline_options import PipelineOptions

from pipelines.dedup import FindClusters
from pipelines.matching import Matching
from pipelines.recipe import Dedup
from pipelines.runners import new_pipeline, pipeline_options
from tests.conftest import prism
from tests.scored_corpus import Document, prose, write_scored

OpenPipeline = Callable[[], beam.Pipeline]


def local(*, workers: int) -> beam.Pipeline:
    return new_pipeline(pipeline_options(runner="local", workers=workers, flags=[], total_bytes=0))


def on_prism() -> beam.Pipeline:
    flags = ["--runner=PrismRunner", f"--prism_location={prism()}", "--environment_type=LOOPBACK"]
    return beam.Pipeline(options=PipelineOptions(flags))


def corpus() -> dict[str, list[Document]]:
    """Windows over a few texts, so that neighbours are alike and chains of them long; copies."""
    generator = random.Random(11)
    documents = []
    for text in range(6):
        words = prose(text, 400).split()
        for number in range(30):
            at = generator.randrange(300)
            documents.append(
                Document(
                    name=f"{text}-{number}",
                    text=" ".join(words[at : at + 100]),
                    quality=generator.choice([None, 0.5, 0.9]),
                    tokens=generator.randrange(100, 104),
                    url=f"https://example.com/{generator.randrange(2_000)}",
                )
            )
    documents += [Document(name=f"alone {n}", text=prose(50 + n)) for n in range(20)]
    documents.append(Document(name="empty", text=""))
    generator.shuffle(documents)
    return {f"part{number}": documents[number::5] for number in range(5)}


def clusters(output: Path, open_pipeline: OpenPipeline, **settings: Any) -> dict[str, bytes]:
    """Run `dedup` and return the content of each file that it wrote."""
    scored = write_scored(output, corpus())
    dedup = Dedup.model_validate(
        {"exact": ["url", "text"], "prefer": ["quality.score"], **settings}
    )
    find = FindClusters(
        output=str(output), matching=Matching.of(dedup, documents=201), fingerprint="f"
    )
    find.find_components(scored, open_pipeline)
    with open_pipeline() as pipeline:
        _ = pipeline | beam.Create(scored) | find
    return {path.name: path.read_bytes() for path in sorted((output / "clusters").iterdir())}


LOOSE: dict[str, Any] = {"bands": 56, "rows": 2}
SETTINGS: dict[str, dict[str, Any]] = {
    "plain": {},
    "estimated": {**LOOSE, "verify": "estimated", "min_similarity": 0.5},
    "exact": {**LOOSE, "verify": "exact", "min_similarity": 0.5},
}


def same_bytes(folder: Path, open_pipeline: OpenPipeline, **settings: Any) -> None:
    expected = clusters(folder / "one", lambda: local(workers=1), partitions=1, **settings)
    assert len(expected) == 5
    assert clusters(folder / "other", open_pipeline, partitions=7, **settings) == expected


@pytest.mark.parametrize("verify", ["estimated", "exact"])
def test_pairs_verified_by_several_processes_give_the_same_bytes(
    tmp_path: Path, verify: str
) -> None:
    same_bytes(tmp_path, lambda: local(workers=2), **SETTINGS[verify])


@pytest.mark.prism
@pytest.mark.parametrize("settings", SETTINGS.values(), ids=SETTINGS)
def test_another_runner_gives_the_same_bytes(tmp_path: Path, settings: dict[str, Any]) -> None:
    same_bytes(tmp_path, on_prism, **settings)


@pytest.mark.prism
def test_rounds_on_another_runner_write_the_same_bytes(tmp_path: Path) -> None:
    expected = clusters(tmp_path / "one", lambda: local(workers=1), partitions=1)
    found = clusters(tmp_path / "other", on_prism, partitions=3, components="rounds")
    assert found == expected


def test_the_corpus_has_clusters_that_verification_parts(tmp_path: Path) -> None:
    """Without any, the tests above would compare nothing."""
    counts = {}
    for name, settings in {"loose": LOOSE, **SETTINGS}.items():
        clusters(tmp_path / name, lambda: local(workers=1), **settings)
        table = ds.dataset(tmp_path / name / "clusters").to_table()
        counts[name] = len(set(table["cluster"].to_pylist()))
    alone = 21
    assert alone < counts["loose"] < counts["exact"] < 201
    assert alone < counts["plain"] < 201
    assert alone < counts["estimated"] < 201
