"""How ``thresher fetch`` shows that it goes on: bars on a terminal, plain lines elsewhere."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Protocol

import rich.progress
from rich.console import Console
from rich.filesize import decimal

from pipelines.download import Outcome
from pipelines.http_client import Listener

SECONDS_BETWEEN_LINES = 10.0


class Progress(Listener, Protocol):
    """Shows downloads as they go."""

    def of(self, count: int) -> AbstractContextManager[None]:
        """Show the ``count`` downloads that go on within the context."""
        ...

    def outcome(self, outcome: Outcome) -> None:
        """Show that a download has ended."""
        ...


class Lines:
    """A line for each file that has ended, and one every ten seconds in between.

    Args:
        console: Where the lines go.
        clock: Seconds that never run backwards.
    """

    def __init__(self, console: Console, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._console = console
        self._clock = clock
        self._lock = threading.Lock()
        self._count = 0
        self._ended = 0
        self._bytes = 0
        self._bytes_shown = 0
        self._shown_at = clock()

    @contextmanager
    def of(self, count: int) -> Iterator[None]:
        """Count files from here on."""
        self._count = count
        self._shown_at = self._clock()
        yield

    def outcome(self, outcome: Outcome) -> None:
        """Print what became of a file."""
        self._ended += 1
        line = f"{outcome.status}: {outcome.name}, {decimal(outcome.length)}"
        self._print(line + (f", {outcome.reason}" if outcome.reason else ""))

    def received(self, name: str, *, have: int, total: int | None, new: int) -> None:
        """Count the bytes, and print the count when it is time."""
        del name, have, total  # the lines are about the whole run
        with self._lock:
            self._bytes += new
            now = self._clock()
            seconds = now - self._shown_at
            if seconds < SECONDS_BETWEEN_LINES:
                return
            rate = (self._bytes - self._bytes_shown) / seconds
            self._shown_at, self._bytes_shown = now, self._bytes
        self._print(
            f"{self._ended} of {self._count} files, {decimal(self._bytes)} received, "
            f"{decimal(round(rate))}/s"
        )

    def retrying(self, name: str, *, reason: str, seconds: float) -> None:
        """Print why a request is repeated."""
        self._print(f"again in {seconds:.1f} s: {name}: {reason}")

    def _print(self, line: str) -> None:
        self._console.print(line, markup=False, highlight=False, soft_wrap=True)


class Bars:
    """A bar for each file that is on its way, and one for the run.

    Args:
        console: A terminal.
    """

    def __init__(self, console: Console) -> None:
        self._lines = Lines(console)
        self._bars = rich.progress.Progress(
            rich.progress.TextColumn("{task.description}"),
            rich.progress.BarColumn(),
            rich.progress.DownloadColumn(),
            rich.progress.TransferSpeedColumn(),
            rich.progress.TimeRemainingColumn(),
            console=console,
            transient=True,
        )
        self._run = self._bars.add_task("", total=None)
        self._tasks: dict[str, rich.progress.TaskID] = {}
        self._lock = threading.Lock()
        self._ended = 0
        self._count = 0

    @contextmanager
    def of(self, count: int) -> Iterator[None]:
        """Show the bars."""
        self._count = count
        self._bars.update(self._run, description=f"0 of {count} files")
        with self._bars:
            yield

    def outcome(self, outcome: Outcome) -> None:
        """Take the file's bar away; print a line if it failed."""
        self._ended += 1
        self._bars.update(self._run, description=f"{self._ended} of {self._count} files")
        with self._lock:
            task = self._tasks.pop(outcome.name, None)
        if task is not None:
            self._bars.remove_task(task)
        if outcome.status == "failed":
            self._lines.outcome(outcome)

    def received(self, name: str, *, have: int, total: int | None, new: int) -> None:
        """Move the bars on."""
        with self._lock:
            if name not in self._tasks:
                self._tasks[name] = self._bars.add_task(name.rpartition("/")[2], total=total)
            task = self._tasks[name]
        self._bars.update(task, completed=have, total=total)
        self._bars.advance(self._run, new)

    def retrying(self, name: str, *, reason: str, seconds: float) -> None:
        """Print why a request is repeated."""
        self._lines.retrying(name, reason=reason, seconds=seconds)


def progress() -> Progress:
    """Return what suits the standard error stream."""
    console = Console(stderr=True)
    return Bars(console) if console.is_terminal else Lines(console)
