"""What is known to differ between Beam's runners: elements beyond 10 MB, and records that fail."""

import json
import random
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import prism

pytestmark = pytest.mark.timeout(900)

# The rows are shuffled with their texts, and a cluster's members meet with their shingles.
RECIPE = """\
name: large
input:
  - {{format: jsonl, paths: ["{folder}/documents"]}}
output: {folder}/out
signals: [length]
dedup: {{verify: exact}}
rules:
  length.characters: {{min: 10}}
buckets: {{shuffle_seed: 1}}
limits: {{shard_bytes: 1, max_error_rate: 0.5}}
"""
_LARGE_BYTES = 12_000_000
_COPIES = 1200
_WORDS = 1200


@pytest.fixture(scope="module")
def recipe(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A document of 12 MB, a cluster of 12 MB of shingles, and lines that are no documents."""
    folder = tmp_path_factory.mktemp("large")
    (folder / "documents").mkdir()
    choice = random.Random(0)
    words = [f"{number:x}" for number in choice.sample(range(1 << 32), _WORDS)]
    sentence = " ".join(words)
    huge = [" ".join(choice.choices(words, k=20)) for _ in range(_LARGE_BYTES // 170)]
    copies = [f"{sentence} copy {number}." for number in range(_COPIES)]
    for name, texts in {"huge": ["\n".join(huge)], "copies": copies}.items():
        lines = [json.dumps({"id": f"{name}-{n}", "text": text}) for n, text in enumerate(texts)]
        broken = ["{", json.dumps({"id": "no text"}), json.dumps(["no object"])]
        path = folder / f"documents/{name}.jsonl"
        path.write_text("\n".join([*lines, *broken]))
    assert (folder / "documents/huge.jsonl").stat().st_size > 10_000_000
    path = folder / "large.yaml"
    path.write_text(RECIPE.format(folder=folder))
    return path


def run(recipe: Path, output: Path, *flags: str) -> dict[str, object]:
    """Run a recipe; return the counters of each stage, and every file with its checksum."""
    done = subprocess.run(
        [
            *(sys.executable, "-m", "pipelines.cli", "run", str(recipe)),
            *(f"--set=output={output}", *flags),
        ],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    manifests = {
        stage: json.loads((output / f"manifests/{stage}.json").read_text())
        for stage in ("score", "dedup", "select")
    }
    return {stage: manifest["counters"] for stage, manifest in manifests.items()} | {
        file["path"]: file["checksum"]
        for manifest in manifests.values()
        for shard in manifest["shards"]
        for file in shard["files"]
    }


@pytest.fixture(scope="module")
def local(recipe: Path) -> dict[str, object]:
    return run(recipe, recipe.parent / "local", "--workers=1")


@pytest.mark.parametrize(
    "flags",
    [
        pytest.param(["--workers=2"], id="processes"),
        pytest.param(["--runner=prism"], id="prism", marks=pytest.mark.prism),
        pytest.param(
            ["--runner=spark", "--spark_master_url=local[2]"], id="spark", marks=pytest.mark.spark
        ),
    ],
)
def test_every_runner_takes_large_elements_and_keeps_the_errors(
    recipe: Path, local: dict[str, object], tmp_path: Path, flags: list[str]
) -> None:
    if "--runner=prism" in flags:
        flags = [*flags, f"--prism_location={prism()}"]
    assert run(recipe, tmp_path / "out", *flags) == local


def test_the_local_run_has_what_the_others_are_held_to(local: dict[str, object]) -> None:
    errors = {"read.JSONDecodeError": 2, "read.KeyError": 2, "read.TypeError": 2}
    assert local["score"] == {"in": _COPIES + 7, "out": _COPIES + 1, "gated": {}, "errors": errors}
    gated = {"near_duplicate": _COPIES - 1}
    assert local["select"] == {"in": _COPIES + 1, "out": 2, "gated": gated, "errors": {}}
