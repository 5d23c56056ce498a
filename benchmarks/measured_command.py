"""What a command costs: wall time, CPU seconds and memory of all the processes that it starts."""

import ctypes
import os
import subprocess
import threading
import time
from collections.abc import Iterable, Mapping, Sequence, Set
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

_INTERVAL_SECONDS = 0.2
_SET_CHILD_SUBREAPER = 36


@dataclass(frozen=True, kw_only=True)
class Cost:
    """What a command took.

    Attributes:
        wall: Seconds by the clock.
        cpu: CPU seconds, user and system, of all its processes.
        peak_bytes: The most memory of all its processes at one time, a shared page counted once
            (PSS), looked at five times a second.
    """

    wall: float
    cpu: float
    peak_bytes: int


class CommandError(Exception):
    """The command ended with an error; the message is its last line."""


def measure(
    command: Sequence[str], *, log: Path, environment: Mapping[str, str], timeout: float
) -> Cost:
    """Run a command to its end and return what it took.

    Args:
        command: The command.
        log: Where its output goes.
        environment: Variables beside those of this process.
        timeout: Seconds after which it is killed.

    Raises:
        CommandError: It failed, or took too long.
    """
    strangers = frozenset(_descendants())
    # A daemon that the command starts (Ray's, say) stays this process's descendant.
    ctypes.CDLL(None).prctl(_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    before, started = _children_seconds(), time.perf_counter()
    with log.open("wb") as output:
        process = subprocess.Popen(  # noqa: S603 - what the benchmark names itself
            command, stdout=output, stderr=subprocess.STDOUT, env={**os.environ, **environment}
        )
    sampler = _Sampler(strangers)
    sampler.start()
    try:
        code = process.wait(timeout)
    except subprocess.TimeoutExpired:
        code = None
    finally:
        wall = time.perf_counter() - started
        sampler.stop()
        _end(set(_descendants()) - strangers)
        ctypes.CDLL(None).prctl(_SET_CHILD_SUBREAPER, 0, 0, 0, 0)
    if code != 0:
        lines = log.read_text(errors="replace").strip().splitlines() or ["no output"]
        reason = f"exit code {code}" if code is not None else f"not done in {timeout:.0f} s"
        raise CommandError(f"{reason}: {lines[-1][:300]}")
    cpu = max(_children_seconds() - before, sampler.seconds)
    return Cost(wall=wall, cpu=cpu, peak_bytes=sampler.peak_bytes)


def _children_seconds() -> float:
    times = os.times()
    return times.children_user + times.children_system


def _descendants() -> list[psutil.Process]:
    return psutil.Process().children(recursive=True)


def _end(processes: Iterable[psutil.Process]) -> None:
    left = list(processes)
    for process in left:
        with suppress(psutil.NoSuchProcess):
            process.kill()
    psutil.wait_procs(left)


class _Sampler(threading.Thread):
    def __init__(self, strangers: Set[psutil.Process]) -> None:
        super().__init__(daemon=True)
        self._strangers = strangers
        self.peak_bytes = 0
        self._seconds: dict[tuple[int, float], float] = {}
        self._stopped = threading.Event()

    @property
    def seconds(self) -> float:
        return sum(self._seconds.values())

    def run(self) -> None:
        while not self._stopped.wait(_INTERVAL_SECONDS):
            now = 0
            for process in set(_descendants()) - self._strangers:
                try:
                    times = process.cpu_times()
                    self._seconds[process.pid, process.create_time()] = times.user + times.system
                    now += process.memory_full_info().pss
                except psutil.Error:
                    continue
            self.peak_bytes = max(self.peak_bytes, now)

    def stop(self) -> None:
        self._stopped.set()
        self.join()
