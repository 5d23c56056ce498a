"""Progress of a run on this machine: a bar on a terminal, plain lines elsewhere.

Workers may be other processes, and Beam reports its counters only when a pipeline has ended. So
each worker keeps a small file of its counts in a folder of this machine, and the command adds
them up while the pipeline runs.
"""

import json
import os
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

_WRITE_SECONDS = 0.5
_LINE_SECONDS = 10.0


@dataclass(slots=True)
class ShardProgress:
    """Counts of one shard in work, written now and then to the progress folder.

    Attributes:
        folder: The progress folder, or None where nobody watches (a cluster).
    """

    folder: str | None
    documents: int = 0
    bytes: int = 0
    _path: Path | None = None
    _next: float = 0.0
    _finished_bytes: int = field(default=0)

    def __post_init__(self) -> None:
        if self.folder is not None and Path(self.folder).is_dir():
            self._path = Path(self.folder, f"{os.getpid()}-{uuid.uuid4().hex[:8]}.json")

    def add(self, *, documents: int = 1, position: int | None = None) -> None:
        """Count documents; ``position`` is how far into the current file reading has come."""
        self.documents += documents
        if position is not None:
            self.bytes = self._finished_bytes + position
        if self._path is not None and time.monotonic() >= self._next:
            self._write()

    def file_finished(self, size: int) -> None:
        """Count a file's bytes as read."""
        self._finished_bytes += size
        self.bytes = self._finished_bytes
        if self._path is not None:
            self._write()

    def _write(self) -> None:
        assert self._path is not None  # noqa: S101
        partial = self._path.with_suffix(".partial")
        try:
            partial.write_text(json.dumps([self.documents, self.bytes]))
            partial.rename(self._path)
        except FileNotFoundError:
            # The command that watched is gone; the work goes on.
            self._path = None
        self._next = time.monotonic() + _WRITE_SECONDS


def total(folder: Path) -> tuple[int, int]:
    """Add up the documents and bytes of all shards in work."""
    documents = size = 0
    for path in folder.glob("*.json"):
        try:
            of_shard = json.loads(path.read_text())
        except (OSError, ValueError):
            continue
        documents += of_shard[0]
        size += of_shard[1]
    return documents, size


@contextmanager
def shown(console: Console, stage: str, folder: Path, total_bytes: int) -> Iterator[None]:
    """Show the progress of a stage while the block runs."""
    stop = threading.Event()
    watch = _watch_bar if console.is_terminal else _watch_lines
    thread = threading.Thread(
        target=watch, args=(console, stage, folder, total_bytes, stop), daemon=True
    )
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def _watch_bar(
    console: Console, stage: str, folder: Path, total_bytes: int, stop: threading.Event
) -> None:
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f}%"),
        TextColumn("{task.fields[documents]:,} documents"),
        TextColumn("{task.fields[speed]:.1f} MB/s"),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
    )
    started = time.monotonic()
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task(stage, total=max(total_bytes, 1), documents=0, speed=0.0)
        while not stop.wait(0.2):
            documents, size = total(folder)
            speed = size / 1e6 / max(time.monotonic() - started, 1e-3)
            bar.update(task, completed=size, documents=documents, speed=speed)


def _watch_lines(
    console: Console, stage: str, folder: Path, total_bytes: int, stop: threading.Event
) -> None:
    started = time.monotonic()
    while not stop.wait(_LINE_SECONDS):
        documents, size = total(folder)
        seconds = time.monotonic() - started
        left = (
            f", {seconds * (total_bytes - size) / size:.0f} s left"
            if 0 < size < total_bytes
            else ""
        )
        console.print(
            f"{stage}: {documents:,} documents, {size / 1e6:,.1f} of {total_bytes / 1e6:,.1f} MB,"
            f" {size / 1e6 / seconds:.1f} MB/s{left}",
            highlight=False,
        )
