"""The same run on a Spark cluster: the same files, also when a worker is killed on the way."""

import json
import random
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.spark_cluster import SparkCluster, spark_cluster

# A cluster takes long to start on a machine that does other work.
pytestmark = [pytest.mark.spark, pytest.mark.timeout(900)]

RECIPE = """\
name: cluster
input:
  - {{format: jsonl, paths: ["{folder}/documents"]}}
output: {folder}/out
rules:
  gopher.word_count: {{min: 20}}
limits: {{shard_bytes: 1}}
"""
_FILES = 16
_DOCUMENTS = 40


@pytest.fixture(scope="module")
def recipe(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A recipe over files of which one document in four has a near copy in another file."""
    tmp_path = tmp_path_factory.mktemp("run")
    words = [f"w{number}" for number in range(3000)]
    (tmp_path / "documents").mkdir()
    for file in range(_FILES):
        lines = []
        for number in range(_DOCUMENTS):
            of = random.Random(number if number % 4 == 0 else file * 1000 + number)
            text = " ".join(of.choices(words, k=300))
            lines.append(json.dumps({"id": f"{file}-{number}", "text": f"{text} end {file}."}))
        (tmp_path / f"documents/part-{file:02}.jsonl").write_text("\n".join(lines))
    path = tmp_path / "cluster.yaml"
    path.write_text(RECIPE.format(folder=tmp_path))
    return path


@pytest.fixture(scope="module")
def local(recipe: Path) -> dict[str, str]:
    """The files of a local run."""
    thresher("run", recipe, "local")
    return written(recipe.parent / "local")


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SparkCluster]:
    with spark_cluster(tmp_path_factory.mktemp("spark"), workers=2) as running:
        yield running


def thresher(command: str, recipe: Path, name: str, *flags: str) -> None:
    # A process of its own: a Spark context belongs to one cluster.
    where = ["--set", f"output={recipe.parent / name}"]
    done = subprocess.run(
        [sys.executable, "-m", "pipelines.cli", command, str(recipe), *where, *flags],
        cwd=recipe.parent,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr


def written(output: Path) -> dict[str, str]:
    """Every file of every stage's manifest, by its path, with its checksum."""
    return {
        file["path"]: file["checksum"]
        for stage in ("score", "dedup", "select")
        for shard in json.loads((output / f"manifests/{stage}.json").read_text())["shards"]
        for file in shard["files"]
    }


def once(there: Callable[[], bool], then: Callable[[], None]) -> threading.Thread:
    """Do something as soon as something is there."""

    def watch() -> None:
        while not there():
            time.sleep(0.02)
        then()

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    return thread


def test_a_cluster_gives_the_files_of_a_local_run(
    recipe: Path, local: dict[str, str], cluster: SparkCluster
) -> None:
    thresher("run", recipe, "spark", *cluster.flags())
    assert any(path.startswith("corpus/") for path in local)
    assert written(recipe.parent / "spark") == local


@pytest.mark.parametrize("stage", ["score", "dedup"])
def test_a_killed_worker_changes_nothing(
    recipe: Path, local: dict[str, str], tmp_path: Path, stage: str
) -> None:
    name = f"killed-in-{stage}"
    output = recipe.parent / name
    if stage == "dedup":
        thresher("score", recipe, name)
    begun = output / ("scored" if stage == "score" else "clusters")
    left: list[int] = []
    with spark_cluster(tmp_path, workers=2) as cluster:

        def kill() -> None:
            cluster.kill_a_worker()
            left.append(_FILES - len(list(begun.glob("*.parquet"))))

        killer = once(lambda: any(begun.glob("*.parquet")), kill)
        thresher("run", recipe, name, *cluster.flags())
        killer.join()
    assert left[0] > 0, "the stage was done before the worker was killed"
    assert written(output) == local
    assert not list(output.rglob("*.partial"))


def test_workers_run_the_wheel_and_not_the_checkout(cluster: SparkCluster, tmp_path: Path) -> None:
    code = f"""
import apache_beam as beam
from pipelines.runners import new_pipeline, pipeline_options

def main():
    flags = {[flag for flag in cluster.flags() if not flag.startswith("--runner")]!r}
    options = pipeline_options(runner="spark", workers=None, flags=flags, total_bytes=0)
    with new_pipeline(options) as pipeline:
        _ = (
            pipeline
            | beam.Create(range(8))
            | beam.Map(lambda _: __import__("pipelines").__file__ + " " + __import__("os").getcwd())
            | beam.combiners.ToList()
            | beam.Map(lambda told: open({str(tmp_path / "told")!r}, "w").write("\\n".join(told)))
        )

main()
"""
    subprocess.run([sys.executable, "-c", code], check=True, cwd=tmp_path)
    told = [line.split() for line in (tmp_path / "told").read_text().splitlines()]
    assert {file for file, _ in told} == {f"{cluster.code}/pipelines/__init__.py"}
    workers = {Path(folder).relative_to(cluster.folder).parts[0] for _, folder in told}
    assert workers == {"work-0", "work-1"}
