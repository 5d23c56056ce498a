"""Same input, recipe and versions, same bytes: whatever else is different about the run."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

RECIPE = "configs/quickstart.yaml"
SAMPLE = "configs/quickstart/sample"
REVERSED = [
    f"input.0.paths=[{SAMPLE}/pages.warc.wet.gz, {SAMPLE}/pages.warc.gz]",
    "input.1.paths=["
    + ", ".join(sorted(map(str, Path(SAMPLE, "books").iterdir()), reverse=True))
    + "]",
]


def turkish(folder: Path) -> dict[str, str]:
    """A locale in which I and i are no pair; where it can't be made, one that is unknown."""
    if shutil.which("localedef"):
        name = str(folder / "tr_TR.UTF-8")
        subprocess.run(["localedef", "-i", "tr_TR", "-f", "UTF-8", name], check=False)
    return {"LC_ALL": "tr_TR.UTF-8", "LOCPATH": str(folder)}


def run(output: Path, environment: dict[str, str], *arguments: str) -> dict[str, Any]:
    """Every file of an output, and what its manifests say of shards and counts."""
    finished = subprocess.run(
        [
            *(sys.executable, "-m", "pipelines.cli", "run", RECIPE),
            *("--set", f"output={output}", *arguments),
        ],
        env={**os.environ, **environment},
        capture_output=True,
        check=False,
    )
    assert finished.returncode == 0, finished.stderr.decode()
    found: dict[str, Any] = {}
    for path in sorted(output.rglob("*")):
        name = str(path.relative_to(output))
        if path.is_file() and not name.startswith("manifests"):
            found[name] = path.read_bytes()
    for stage in ("score", "dedup", "report", "select"):
        manifest = json.loads((output / f"manifests/{stage}.json").read_text("utf-8"))
        found[stage] = {key: manifest[key] for key in ("counters", "shards")}
    return found


@pytest.fixture(scope="module")
def expected(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    environment = {"PYTHONHASHSEED": "0", "TZ": "UTC", "LC_ALL": "C.UTF-8"}
    return run(tmp_path_factory.mktemp("expected") / "out", environment, "--workers", "1")


def test_workers_order_hash_seed_locale_and_time_zone_change_nothing(
    expected: dict[str, Any], tmp_path: Path
) -> None:
    environment = {"PYTHONHASHSEED": "4294967295", "TZ": "Pacific/Kiritimati"}
    overrides = [flag for override in REVERSED for flag in ("--set", override)]
    found = run(tmp_path / "out", environment | turkish(tmp_path), "--workers", "2", *overrides)
    assert [name for name in expected if found.get(name) != expected[name]] == []
    assert found.keys() == expected.keys()


def test_a_locale_of_ascii_alone_changes_nothing(expected: dict[str, Any], tmp_path: Path) -> None:
    ascii_alone = {"LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"}
    environment = {"PYTHONHASHSEED": "1", "TZ": "America/St_Johns", **ascii_alone}
    found = run(tmp_path / "out", environment, "--workers", "1")
    assert [name for name in expected if found.get(name) != expected[name]] == []
    assert found.keys() == expected.keys()
