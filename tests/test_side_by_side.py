"""The comparison with peers: what a command is found to cost, and the tables."""

import sys
from pathlib import Path

import pytest

from benchmarks.measured_command import CommandError, measure
from benchmarks.side_by_side import contenders
from benchmarks.side_by_side_table import Run, markdown


def _run(name: str, documents: int, cpu: float, *, number: int = 0, kept: str = "") -> Run:
    cost = {"wall": cpu + 1, "cpu": cpu, "peak_bytes": 2_000_000 * documents}
    return Run(
        workload="text",
        name=name,
        documents=documents,
        round=number,
        version="1.0",
        cost=cost,
        kept=list(kept),
        reason=None,
    )


def test_the_table_of_a_whole_comparison() -> None:
    runs = [
        _run("ours", 10, 2.0),
        _run("theirs", 10, 4.0),
        _run("ours", 110, 3.0, kept="abc"),
        _run("ours", 110, 5.0, number=1, kept="abc"),
        _run("theirs", 110, 24.0, kept="abd"),
        Run(
            workload="text",
            name="broken",
            documents=10,
            round=0,
            version=None,
            cost=None,
            kept=[],
            reason="exit code 1: no such module",
        ),
    ]
    names = {("text", name): lines for name, lines in (("ours", 9), ("theirs", 40), ("broken", 3))}
    does = {key: f"what {key[1]} does" for key in names}
    rows, text = markdown(
        runs, documents=110, few=10, sizes={"text": 10**9}, lines=names, does=does
    )
    assert text.splitlines()[2:] == [
        "|  | wall, times thresher | CPU, times thresher | CPU s a GB read |"
        " documents a second a core | peak memory, MB | lines of configuration | kept |"
        " decides as thresher |",
        "| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |",
        "| ours 1.0 | 1.0 | 1.0 | 4 | 50 (1/1.0) | 220 | 9 | 3 | 100.0% |",
        "| theirs 1.0 | 5.0 | 6.0 | 24 | 5 (1/10.0) | 220 | 40 | 3 | 98.2% |",
        "| broken | did not run: exit code 1: no such module |  |  |  |  |  |  |  |",
        "",
        "- ours: what ours does.",
        "- theirs: what theirs does.",
        "- broken: what broken does.",
    ]
    assert rows[1]["cpu_ratio"] == 6.0
    assert rows[2]["reason"] == "exit code 1: no such module"


def test_the_processes_that_a_command_starts_count(tmp_path: Path) -> None:
    work = "import subprocess, sys; subprocess.run([sys.executable, '-c', 'sum(range(10**7))'])"
    cost = measure([sys.executable, "-c", work], log=tmp_path / "log", environment={}, timeout=60)
    idle = measure([sys.executable, "-c", ""], log=tmp_path / "log", environment={}, timeout=60)
    assert cost.cpu > idle.cpu
    assert cost.wall > 0


def test_a_command_that_fails_says_why(tmp_path: Path) -> None:
    command = [sys.executable, "-c", "raise SystemExit('no such model')"]
    with pytest.raises(CommandError, match=r"^exit code 1: no such model$"):
        measure(command, log=tmp_path / "log", environment={}, timeout=60)


def test_every_contender_has_its_files() -> None:
    found = contenders()
    assert {contender.workload for contender in found} == {"crawl", "text"}
    assert all(contender.configuration_lines > 5 for contender in found)
