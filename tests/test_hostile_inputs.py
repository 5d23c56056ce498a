"""Every kind of hostile input at once, through the command: nothing lost, nothing left untold."""

import json
import subprocess
import sys
from pathlib import Path

from reliability.hostile import check_output, peak_of, recipe_text
from reliability.hostile_case import SHORT, Expected
from reliability.hostile_inputs import make

# One process of a run, whatever comes: what it takes with all models loaded is a third of this.
MAX_MEMORY_BYTES = 1_500_000_000


def test_hostile_inputs_of_every_kind_cost_nothing_around_them(tmp_path: Path) -> None:
    inputs, whole = [], Expected()
    for case, folder, expected in make(tmp_path / "in", SHORT):
        inputs.append((case.format, folder))
        whole.at_least_left_out += expected.at_least_left_out
        for name, count in expected.documents.items():
            whole.documents[name] = whole.documents.get(name, 0) + count
    recipe, output = tmp_path / "recipe.yaml", tmp_path / "out"
    # The signals that a hostile text could harm most: those that look at every character and word.
    recipe.write_text(recipe_text(inputs, output, further="signals: [gopher_quality, moscar]\n"))
    with (tmp_path / "errors.txt").open("wb") as errors:
        process = subprocess.Popen(
            [sys.executable, "-m", "pipelines.cli", "score", str(recipe), "--workers", "1"],
            stdout=subprocess.DEVNULL,
            stderr=errors,
        )
        peak = peak_of(process)
    assert (process.returncode, (tmp_path / "errors.txt").read_text()) == (0, "")
    counters = check_output(output, whole)
    assert counters["in"] > 6_000
    assert 0 < peak < MAX_MEMORY_BYTES
    escaped = [path for path in tmp_path.rglob("*escaped*") if path.is_file()]
    assert escaped == []
    inputs_of = json.loads((output / "manifests/score.json").read_text())["shards"]
    read = [file["path"] for shard in inputs_of for file in shard["inputs"]]
    assert len(read) == len(set(read)), "a file was read twice through a link"
