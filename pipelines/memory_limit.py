"""What `--max-memory` means: how many processes fit, what is refused, and what ends a run."""

import os
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from pydantic import ByteSize, TypeAdapter, ValidationError

from pipelines import storage
from pipelines.document_scorer import model_paths
from pipelines.errors import UserError
from pipelines.model_files import files_of
from pipelines.recipe import Recipe
from pipelines.runners import LOCAL

PROCESS_BYTES = 1_000_000_000
"""What a process that scores or selects is reckoned at, with the one in which it extracts pages.

Measured by ``python -m reliability.memory``: docs/reliability.md."""

RUNNER_BYTES = 400_000_000
"""What the command itself takes where the work is done in other processes."""

DOCUMENT_BYTES = 600
"""What `dedup` takes for each document beyond that, as ``make bench-dedup`` measures it: 517."""

_INTERVAL_SECONDS = 0.2
_EXIT_CODE = 1


def _shown(size: int) -> str:
    return f"{size / (1 << 30):.1f} GiB"


@dataclass(frozen=True, slots=True, kw_only=True)
class MemoryLimit:
    """The most memory that the processes of a run may hold together.

    Attributes:
        max_bytes: The limit.
        process_bytes: What one working process is reckoned at, models included.
    """

    max_bytes: int
    process_bytes: int

    @classmethod
    def of(cls, max_bytes: int, recipe: Recipe) -> "MemoryLimit":
        """Return the limit of a run of a recipe.

        Raises:
            UserError: a model of the recipe is missing, or not one process fits.
        """
        models = sum(
            storage.size(file) or 0 for path in model_paths(recipe) for file in files_of(path)
        )
        limit = cls(max_bytes=max_bytes, process_bytes=PROCESS_BYTES + models)
        limit.check_workers(1)
        return limit

    @property
    def most_workers(self) -> int:
        """How many working processes fit."""
        several = (self.max_bytes - RUNNER_BYTES) // self.process_bytes
        return max(several, 1)

    def needed(self, workers: int) -> int:
        """Return what so many working processes are reckoned at."""
        return workers * self.process_bytes + (RUNNER_BYTES if workers > 1 else 0)

    def check_workers(self, workers: int) -> None:
        """See that so many working processes fit.

        Raises:
            UserError: they don't.
        """
        if self.needed(workers) > self.max_bytes:
            processes = "one process" if workers == 1 else f"--workers {workers}"
            remedy = "smaller models" if workers == 1 else f"--workers {self.most_workers}"
            raise UserError(
                f"--max-memory {_shown(self.max_bytes)}: {processes} with the models of the recipe"
                f" may take {_shown(self.needed(workers))}; give that, or {remedy}"
            )

    def check_dedup(self, documents: int) -> None:
        """See that so many documents can be compared.

        Raises:
            UserError: they can't.
        """
        needed = PROCESS_BYTES + documents * DOCUMENT_BYTES
        if needed > self.max_bytes:
            raise UserError(
                f"--max-memory {_shown(self.max_bytes)}: dedup of {documents:,} documents takes"
                f" {_shown(needed)}; give that, or a runner that shuffles on disk"
            )

    @contextmanager
    def kept(self) -> Iterator[None]:
        """End this process with one line and exit code 1 once its family holds more (Linux).

        What a hostile record takes beyond what is reckoned shows only when it is there.
        """
        done = threading.Event()

        def watch() -> None:
            while not done.wait(_INTERVAL_SECONDS):
                held = held_bytes(os.getpid())
                if held > self.max_bytes:
                    sys.stderr.write(
                        f"thresher: the run took {_shown(held)}, more than --max-memory"
                        f" {_shown(self.max_bytes)}; give more, or fewer --workers, or take a lower"
                        " input.N.max_record_bytes; what is finished stays, and a rerun goes on\n"
                    )
                    sys.stderr.flush()
                    # No thread of native code can be stopped. The workers end with this process.
                    os._exit(_EXIT_CODE)

        watcher = threading.Thread(target=watch, daemon=True, name="memory limit")
        watcher.start()
        try:
            yield
        finally:
            done.set()
            watcher.join()


def given(
    text: str, *, recipe: Recipe, runner: str, workers: int | None, flags: Sequence[str]
) -> MemoryLimit:
    """Return the limit that a user gave for a run.

    Args:
        text: A size, such as ``4GiB`` or ``800MB``.
        recipe: The recipe.
        runner: The runner's name.
        workers: The working processes that the user asked for, or None.
        flags: Beam's own flags.

    Raises:
        UserError: it is no size, the runner heeds none, or the run can't do with it.
    """
    if runner != LOCAL:
        raise UserError(f"--max-memory is for the local runner; {runner} takes Beam's own options")
    if any(flag.startswith("--direct_num_workers") for flag in flags):
        raise UserError("--max-memory with --direct_num_workers: give --workers in its place")
    try:
        size = int(TypeAdapter(ByteSize).validate_python(text))
    except ValidationError:
        raise UserError(f"--max-memory {text}: no size, such as 4GiB") from None
    limit = MemoryLimit.of(size, recipe)
    limit.check_workers(workers or 1)
    return limit


def held_bytes(process: int) -> int:
    """Return the memory of a process and all that it started, a shared page counted once (Linux).

    What has ended meanwhile counts as nothing, and so does all on a system without ``/proc``.
    """
    folder = Path(f"/proc/{process}")
    held = 0
    try:
        for line in (folder / "smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                held = int(line.split()[1]) * 1024
        children = [
            int(child)
            for thread in (folder / "task").iterdir()
            for child in (thread / "children").read_text().split()
        ]
    except OSError:
        return held
    return held + sum(map(held_bytes, children))
