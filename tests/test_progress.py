import io
import threading
from pathlib import Path

import pytest
from rich.console import Console

from pipelines import progress
from pipelines.progress import ShardProgress, total


def test_counts_of_all_shards_add_up(tmp_path: Path) -> None:
    first, second = ShardProgress(str(tmp_path)), ShardProgress(str(tmp_path))
    first.add(position=40)
    first.add(position=90)
    first.file_finished(100)
    second.add(documents=5, position=10)
    second.file_finished(10)
    assert total(tmp_path) == (7, 110)


def test_nobody_watching_costs_nothing(tmp_path: Path) -> None:
    for folder in (None, str(tmp_path / "gone")):
        shard = ShardProgress(folder)
        shard.add(position=3)
        shard.file_finished(3)
    assert list(tmp_path.iterdir()) == []


def test_the_work_goes_on_when_the_folder_goes(tmp_path: Path) -> None:
    folder = tmp_path / "progress"
    folder.mkdir()
    shard = ShardProgress(str(folder))
    folder.rmdir()
    shard.file_finished(3)
    assert shard.documents == 0


def test_plain_lines_tell_documents_speed_and_time_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(progress, "_LINE_SECONDS", 0.01)
    output = io.StringIO()
    console = Console(file=output, width=200)
    shard = ShardProgress(str(tmp_path))
    shard.add(documents=1_234, position=5_000_000)
    with progress.shown(console, "score", tmp_path, 10_000_000):
        waiting = threading.Event()
        while "score" not in output.getvalue():
            waiting.wait(0.01)
    line = output.getvalue().splitlines()[0]
    assert line.startswith("score: 1,234 documents, 5.0 of 10.0 MB, ")
    assert line.endswith(" s left")
