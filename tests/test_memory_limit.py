"""`--max-memory`: how many processes it leaves, what it refuses, and what it ends."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from apache_beam.options.pipeline_options import DirectOptions

from pipelines.cli import main
from pipelines.errors import UserError
from pipelines.memory_limit import PROCESS_BYTES, MemoryLimit, held_bytes
from pipelines.runners import pipeline_options

GIB = 1 << 30


def limit(max_bytes: int) -> MemoryLimit:
    return MemoryLimit(max_bytes=max_bytes, process_bytes=PROCESS_BYTES)


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--max-memory", "much"], "--max-memory much: no size, such as 4GiB"),
        (
            ["--max-memory", "300MB"],
            "--max-memory 0.3 GiB: one process with the models of the recipe may take 0.9 GiB;"
            " give that, or smaller models",
        ),
        (
            ["--max-memory", "4GiB", "--workers", "40"],
            "--max-memory 4.0 GiB: --workers 40 with the models of the recipe may take 38.0 GiB;"
            " give that, or --workers 3",
        ),
        (
            ["--max-memory", "4GiB", "--direct_num_workers=8"],
            "--max-memory with --direct_num_workers: give --workers in its place",
        ),
        (
            ["--max-memory", "4GiB", "--runner", "spark"],
            "--max-memory is for the local runner; spark takes Beam's own options",
        ),
    ],
)
def test_what_can_not_be_kept_is_refused_before_any_work(
    flags: list[str], message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output = tmp_path / "out"
    words = ["run", "configs/quickstart.yaml", "--set", f"output={output}", *flags]
    assert main(words) == 2
    assert capsys.readouterr().err == f"thresher: {message}\n"
    assert not output.exists()


def test_a_large_model_counts_for_each_process(tmp_path: Path) -> None:
    model = tmp_path / "large.bin"
    with model.open("wb") as file:
        file.truncate(3 * GIB)
    recipe = tmp_path / "recipe.yaml"
    (tmp_path / "in.jsonl").write_text('{"text": "A short document."}\n')
    recipe.write_text(
        f"name: small\ninput: [{{format: jsonl, paths: [{tmp_path}/in.jsonl]}}]\n"
        f"output: {tmp_path}/out\nlanguage: {{model: {model}}}\n"
    )
    finished = subprocess.run(
        [*(sys.executable, "-m", "pipelines.cli"), "score", str(recipe), "--max-memory", "3GiB"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert finished.returncode == 2
    assert "one process with the models of the recipe may take 3.9 GiB" in finished.stderr


def test_processes_are_as_many_as_fit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipelines.runners._cores", lambda: 8)

    def processes(max_bytes: int, total_bytes: int) -> int:
        options = pipeline_options(
            runner="local",
            workers=None,
            most_workers=limit(max_bytes).most_workers,
            flags=[],
            total_bytes=total_bytes,
        )
        number: int = options.view_as(DirectOptions).direct_num_workers
        return number

    large = 10 * GIB
    found = [processes(size, large) for size in (GIB, 2 * GIB, 4 * GIB, 100 * GIB)]
    assert found == [1, 1, 3, 8]
    assert processes(4 * GIB, 1_000) == 1
    for workers, size in zip(found, (GIB, 2 * GIB, 4 * GIB, 100 * GIB), strict=True):
        assert limit(size).needed(workers) <= size


def test_dedup_of_more_documents_than_fit_is_refused() -> None:
    limit(2 * GIB).check_dedup(1_000_000)
    with pytest.raises(UserError, match="dedup of 10,000,000 documents takes 6"):
        limit(2 * GIB).check_dedup(10_000_000)


@pytest.mark.skipif(not Path("/proc/self/smaps_rollup").exists(), reason="only Linux tells")
@pytest.mark.parametrize("where", ["in this process", "in one that it starts"])
def test_a_run_that_takes_more_ends_in_one_line(where: str) -> None:
    take = "held = bytearray(b'x' * 300_000_000); time.sleep(60)"
    if where == "in one that it starts":
        # It ends when the one that started it does.
        started = "import sys; held = bytearray(b'x' * 300_000_000); sys.stdin.read()"
        command = f"[sys.executable, '-c', {started!r}]"
        take = f"subprocess.Popen({command}, stdin=subprocess.PIPE).wait(60)"
    finished = subprocess.run(
        [
            *(sys.executable, "-c"),
            "import subprocess, sys, time\n"
            "from pipelines.memory_limit import MemoryLimit, held_bytes\n"
            "import os\n"
            "most = held_bytes(os.getpid()) + 150_000_000\n"
            "with MemoryLimit(max_bytes=most, process_bytes=1).kept():\n"
            f"    {take}\n",
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    assert finished.returncode == 1
    assert finished.stderr.startswith("thresher: the run took 0.")
    assert finished.stderr.count("\n") == 1


@pytest.mark.skipif(not Path("/proc/self/smaps_rollup").exists(), reason="only Linux tells")
def test_a_run_within_its_limit_goes_on() -> None:
    with limit(100 * GIB).kept():
        assert 0 < held_bytes(os.getpid()) < 100 * GIB
