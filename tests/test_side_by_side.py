"""The comparison with peers: what a command is found to cost, and the tables."""

import gzip
import json
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from benchmarks.measured_command import CommandError, measure
from benchmarks.side_by_side import contenders, kept_addresses
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


def test_addresses_are_found_where_each_peer_writes_them(tmp_path: Path) -> None:
    pq.write_table(pa.table({"id": ["1"], "url": ["a"]}), tmp_path / "ours.parquet")
    pq.write_table(pa.table({"id": ["2"], "metadata": [{"url": "b"}]}), tmp_path / "theirs.parquet")
    pq.write_table(pa.table({"id": ["c"], "text": ["…"]}), tmp_path / "bare.parquet")
    rows = [{"id": "3", "metadata": {"warc_url": "d"}}, {"id": "e"}]
    lines = "".join(json.dumps(row) + "\n" for row in rows)
    (tmp_path / "lines.json.gz").write_bytes(gzip.compress(lines.encode()))
    assert kept_addresses(tmp_path, "*.parquet") == ["a", "b", "c"]
    assert kept_addresses(tmp_path, "*.gz") == ["d", "e"]


def test_the_table_of_a_whole_comparison() -> None:
    runs = [
        _run("ours", 10, 2.0),
        _run("theirs", 10, 4.0),
        _run("slow to start", 10, 9.0),
        _run("slow to start", 110, 8.0, kept="abc"),
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
    lines = {"ours": 9, "theirs": 40, "slow to start": 5, "broken": 3}
    names = {("text", name): count for name, count in lines.items()}
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
        "| slow to start 1.0 | 1.8 | 2.0 | 8 | all of it start-up | 220 | 5 | 3 | 100.0% |",
        "| broken | did not run: exit code 1: no such module |  |  |  |  |  |  |  |",
        "",
        "- ours: what ours does.",
        "- theirs: what theirs does.",
        "- slow to start: what slow to start does.",
        "- broken: what broken does.",
    ]
    assert rows[1]["cpu_ratio"] == 6.0
    assert rows[2]["documents_per_core_second"] is None
    assert rows[3]["reason"] == "exit code 1: no such module"


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
