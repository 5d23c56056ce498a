"""Runs of the command in processes of their own: stopped, killed, bounded and measured."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

THRESHER = (sys.executable, "-c", "import sys; from pipelines.cli import main; sys.exit(main())")
LOCK = "manifests/.lock"
PATIENCE_SECONDS = 300.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """A command that has ended: its exit code, standard error and wall seconds."""

    code: int
    errors: str
    seconds: float


class Command:
    """A running ``thresher`` command, in a process group of its own.

    Args:
        arguments: Those of the command.
        before: Called in the new process before it becomes the command, to set limits.
    """

    def __init__(
        self, arguments: Sequence[str], *, before: Callable[[], object] | None = None
    ) -> None:
        self._started = time.monotonic()
        self.process = subprocess.Popen(
            [*THRESHER, *arguments],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
            preexec_fn=before,
        )

    def wait_for(self, path: Path) -> bool:
        """Wait until a file is there; False if the command ended before."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not path.exists():
            if self.process.poll() is not None or time.monotonic() > deadline:
                return False
            time.sleep(0.002)
        return True

    def end(self) -> Ended:
        """Wait for the end."""
        _, errors = self.process.communicate(timeout=PATIENCE_SECONDS)
        seconds = time.monotonic() - self._started
        return Ended(code=self.process.returncode, errors=errors, seconds=seconds)

    def kill(self, *, with_workers: bool) -> bool:
        """Kill the command, its workers too or not; False if it had ended by itself."""
        if self.process.poll() is not None:
            self.end()
            return False
        if with_workers:
            os.killpg(self.process.pid, signal.SIGKILL)
        else:
            self.process.kill()
        # Workers that outlive it hold its standard error: its end is not waited for.
        self.process.wait(PATIENCE_SECONDS)
        if self.process.stderr is not None:
            self.process.stderr.close()
        return self.process.returncode == -signal.SIGKILL


def run(arguments: Sequence[str], *, before: Callable[[], object] | None = None) -> Ended:
    """Run a command to its end."""
    return Command(arguments, before=before).end()


def content(folder: Path) -> dict[str, bytes]:
    """Every file below a folder by its path, hidden ones too."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }
