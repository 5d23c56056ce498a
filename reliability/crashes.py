"""Kills every stage at random moments and runs it again; fills disks; takes inputs away.

    python -m reliability.crashes --rounds 50 --seed 1

After each fault the command runs again, and its output must be, byte for byte and file for file,
that of a run which nothing disturbed. What was finished before the fault must not be made again.
"""

import argparse
import gzip
import os
import random
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from reliability.commands import LOCK, Command, Ended, content, run
from reliability.made_archives import page, record

_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")
STAGES = ("score", "dedup", "passages", "report", "select")
_WORDS = (
    *("harbour", "ferry", "tide", "pilot", "rope", "crane", "storm", "gull", "engine", "captain"),
    *("deck", "coast", "light", "water", "morning", "letter", "market", "winter", "bridge"),
)


class Lost(AssertionError):  # noqa: N818 (named for what happened)
    """Something was lost, left over, repeated or told badly."""


def make_input(folder: Path, *, files: int, documents: int, seed: int) -> None:
    """Write compressed archives of pages, a tenth of them copies of another."""
    source = random.Random(seed)
    texts: list[str] = []
    folder.mkdir(parents=True)
    for number in range(files):
        with (folder / f"crawl-{number:02}.warc.gz").open("wb") as file:
            for place in range(documents):
                if texts and source.random() < 0.1:
                    text = source.choice(texts)
                else:
                    count = source.randint(60, 300)
                    words = [source.choice(_WORDS) for _ in range(count)]
                    text = ". ".join(" ".join(words[at : at + 9]) for at in range(0, count, 9))
                    texts.append(text)
                url = f"https://site-{number}.example/{place}"
                file.write(gzip.compress(record(page(text), url=url), mtime=0))


@dataclass(slots=True)
class Bench:
    """A recipe with its input, and what its output is after each stage when nothing disturbs it.

    Attributes:
        folder: Where all of it lies.
        stages: The stages, in their order.
        states: A copy of the output after each stage.
        seconds: For how long each stage may write, from its lock to its end.
        figures: What was counted, by name.
    """

    folder: Path
    stages: tuple[str, ...] = STAGES
    states: dict[str, Path] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)
    figures: Counter[str] = field(default_factory=Counter)

    @property
    def output(self) -> Path:
        """The output folder."""
        return self.folder / "out"

    @property
    def input(self) -> Path:
        """The folder of archives."""
        return self.folder / "in"

    def arguments(self, command: str, workers: int = 1) -> list[str]:
        """Return the arguments of a command on the recipe."""
        return [command, str(self.folder / "recipe.yaml"), "--workers", str(workers)]

    def prepare(self, *, files: int, documents: int, seed: int) -> None:
        """Make the input and the undisturbed states."""
        make_input(self.input, files=files, documents=documents, seed=seed)
        (self.folder / "recipe.yaml").write_text(
            f"name: crashes\ninput: [{{format: warc, paths: [{self.input}]}}]\n"
            f"output: {self.output}\n{'' if 'dedup' in self.stages else 'dedup: null'}\n"
            "signals: [length, gopher_quality, gopher_repetition]\n"
            "passages: {unit: sentences}\n"
            "rules: {length.characters: {min: 500}}\n"
            "buckets: {smallest: 64, largest: 512, shard_bytes: 20000}\n"
            # Each file is a shard of its own.
            "limits: {shard_bytes: 2}\n"
        )
        state = self.folder / "before"
        state.mkdir()
        self.states[""] = state
        # The first run on a machine compiles: how long it writes says nothing of the others.
        ended = run(self.arguments(self.stages[0]))
        _expect(ended.code == 0, ended.errors)
        shutil.rmtree(self.output)
        for stage in self.stages:
            command = Command(self.arguments(stage))
            command.wait_for(self.output / LOCK)
            began = time.monotonic()
            ended = command.end()
            _expect(ended.code == 0, f"{stage}: {ended.errors}")
            self.seconds[stage] = time.monotonic() - began
            self.states[stage] = self.folder / f"after-{stage}"
            shutil.copytree(self.output, self.states[stage])

    def put_back(self, stage: str) -> None:
        """Bring the output to where ``stage`` finds it."""
        before = ("", *self.stages)[self.stages.index(stage)]
        shutil.rmtree(self.output, ignore_errors=True)
        # copy2 keeps the times, so that what a rerun makes again shows.
        shutil.copytree(self.states[before], self.output)

    def expect_state(self, stage: str, after: str) -> None:
        """Raise unless the output is that of an undisturbed run."""
        there, expected = content(self.output), content(self.states[stage])
        surplus, missing = sorted(there.keys() - expected), sorted(expected.keys() - there)
        _expect(not surplus, f"{stage} after {after}: left over {surplus[:5]}")
        _expect(not missing, f"{stage} after {after}: missing {missing[:5]}")
        differing = [name for name, of in expected.items() if there[name] != of]
        _expect(not differing, f"{stage} after {after}: differing {differing[:5]}")

    def finished_work(self, stage: str) -> dict[Path, tuple[int, int]]:
        """Return the records of finished shards, each with what changes if it is made again."""
        folder = self.output / "manifests" / stage
        return {path: _version(path) for path in folder.glob("*.json")}


def _version(path: Path) -> tuple[int, int]:
    found = path.stat()
    return found.st_ino, found.st_mtime_ns


def _expect(true: bool, message: str) -> None:
    if not true:
        raise Lost(message)


def kill_and_rerun(bench: Bench, stage: str, *, source: random.Random, workers: int) -> bool:
    """Kill a stage at a random moment of its writing, run it again, and compare.

    Returns:
        Whether it was hit: by chance it may have ended before.
    """
    bench.put_back(stage)
    kills = source.choice([1, 1, 2])
    moments = [source.random() for _ in range(kills)]
    with_workers = source.random() < 0.5
    hits = 0
    finished: dict[Path, tuple[int, int]] = {}
    for moment in moments:
        # What an earlier command left of its lock says nothing of this one.
        (bench.output / LOCK).unlink(missing_ok=True)
        command = Command(bench.arguments(stage, workers))
        if command.wait_for(bench.output / LOCK):
            time.sleep(moment * bench.seconds[stage])
        hits += command.kill(with_workers=with_workers)
        _expect_untouched(bench, stage, finished)
        finished = bench.finished_work(stage)
    ended = run(bench.arguments(stage, workers))
    _expect(ended.code == 0, f"{stage} after {hits} kills: {ended.errors}")
    _expect_untouched(bench, stage, finished)
    bench.expect_state(stage, f"{hits} kills, moments {moments}, {workers} workers")
    if hits:
        bench.figures[f"{stage}: kills survived"] += hits
        bench.figures["kills survived"] += hits
        bench.figures["finished shards found after kills"] += len(finished)
    return hits > 0


def _expect_untouched(bench: Bench, stage: str, finished: dict[Path, tuple[int, int]]) -> None:
    again = [
        path.name for path, of in finished.items() if not path.exists() or _version(path) != of
    ]
    _expect(not again, f"{stage}: finished work was repeated: {again}")


def expect_one_line(ended: Ended, code: int, *words: str) -> None:
    """Raise unless a command ended with a code and one line that has some words."""
    told = ended.errors
    _expect(ended.code == code, f"exit code {ended.code}, not {code}: {told}")
    _expect(told.startswith("thresher: ") and told.count("\n") == 1, f"not one line: {told}")
    for word in words:
        _expect(word in told, f"no {word!r} in: {told}")


def full_disk(bench: Bench, stage: str, *, share: float) -> None:
    """Run a stage with space for a share of what it writes, then with all of it."""
    bench.put_back(stage)
    held, whole = _pages(bench.output), _pages(bench.states[stage])
    space = held + int((whole - held) * share)
    with _own_disk(bench.output, pages=space) as grow:
        ended = run(bench.arguments(stage))
        expect_one_line(ended, 1 if "stays" in ended.errors else 2, "No space left on device")
        grow()
        ended = run(bench.arguments(stage))
        _expect(ended.code == 0, f"{stage} after a full disk: {ended.errors}")
        bench.expect_state(stage, "a full disk")
    bench.figures["full disks survived"] += 1


def _pages(folder: Path) -> int:
    """Count the pages that a file system of memory holds the files below a folder in."""
    return sum(-(-len(of) // _PAGE_BYTES) for of in content(folder).values())


@contextmanager
def _own_disk(folder: Path, *, pages: int) -> Iterator["_Grow"]:
    """Mount a small file system with the folder's content in its place."""
    kept = folder.with_name("kept")
    folder.rename(kept)
    folder.mkdir()
    subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={pages * _PAGE_BYTES}", "tmpfs", folder], check=True
    )
    try:
        shutil.copytree(kept, folder, dirs_exist_ok=True)
        yield _Grow(folder)
    finally:
        subprocess.run(["umount", folder], check=True)
        shutil.rmtree(kept)


@dataclass(frozen=True, slots=True)
class _Grow:
    folder: Path

    def __call__(self, options: str = "remount,size=1G") -> None:
        subprocess.run(["mount", "-o", options, self.folder], check=True)


def can_mount() -> bool:
    """Tell whether this user may mount file systems here."""
    with tempfile.TemporaryDirectory() as folder:
        mounted = subprocess.run(
            ["mount", "-t", "tmpfs", "tmpfs", folder],
            stderr=subprocess.DEVNULL,
            check=False,
        )
        if mounted.returncode == 0:
            subprocess.run(["umount", folder], check=True)
        return mounted.returncode == 0


def largest_file(bench: Bench, stage: str, *, bytes_: int) -> None:
    """Run a stage that may write no file above a size, then without that limit."""
    bench.put_back(stage)
    bound = lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (bytes_, bytes_))  # noqa: E731
    ended = run(bench.arguments(stage), before=bound)
    expect_one_line(ended, 1, "File too large")
    ended = run(bench.arguments(stage))
    _expect(ended.code == 0, f"{stage} after a limit on files: {ended.errors}")
    bench.expect_state(stage, "a limit on files")
    bench.figures["limits on the size of files survived"] += 1


def read_only_output(bench: Bench) -> None:
    """Run on an output that can't be written, and find it unchanged."""
    bench.put_back("select")
    with _own_disk(bench.output, pages=1 << 18) as change:
        change("remount,ro")
        before = content(bench.output)
        expect_one_line(run(bench.arguments("select")), 2, "can't be written", "Read-only")
        _expect(content(bench.output) == before, "a read-only output has changed")
        change("remount,rw")
        ended = run(bench.arguments("select"))
        _expect(ended.code == 0, ended.errors)
        bench.expect_state("select", "a read-only output")
    bench.figures["read-only outputs survived"] += 1


def input_goes(bench: Bench, *, changed: bool) -> None:
    """Take an input file away, or change it, once a run has listed it; then put it back."""
    bench.put_back("score")
    victim = sorted(bench.input.iterdir())[-1]
    kept = victim.with_name(".kept")
    shutil.copy2(victim, kept)
    command = Command(bench.arguments("score"))
    _expect(command.wait_for(bench.output / LOCK), "score ended before it wrote")
    os.kill(command.process.pid, signal.SIGSTOP)
    if changed:
        with victim.open("ab") as file:
            file.write(gzip.compress(b"more"))
    else:
        victim.unlink()
    os.kill(command.process.pid, signal.SIGCONT)
    ended = command.end()
    reason = f"has {'changed' if changed else 'gone'} since the run listed it"
    expect_one_line(ended, 1, victim.name, reason)
    shutil.copy2(kept, victim)
    kept.unlink()
    ended = run(bench.arguments("score"))
    _expect(ended.code == 0, ended.errors)
    bench.expect_state("score", "an input that went")
    bench.figures["changed inputs survived" if changed else "vanished inputs survived"] += 1


def two_at_once(bench: Bench) -> None:
    """Start a second run on the same output: it is refused and the first is not disturbed."""
    bench.put_back("score")
    first = Command(bench.arguments("score"))
    _expect(first.wait_for(bench.output / LOCK), "score ended before it wrote")
    os.kill(first.process.pid, signal.SIGSTOP)
    second = run(bench.arguments("score"))
    os.kill(first.process.pid, signal.SIGCONT)
    expect_one_line(second, 2, "another run", f"process {first.process.pid} ")
    ended = first.end()
    _expect(ended.code == 0, ended.errors)
    bench.expect_state("score", "a second run at once")
    bench.figures["second runs refused"] += 1


def main() -> int:
    """Run all of it; print what was survived."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=50)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--files", type=int, default=12)
    parser.add_argument("--documents", type=int, default=120)
    options = parser.parse_args()
    source = random.Random(options.seed)
    with tempfile.TemporaryDirectory(prefix="thresher-crashes-") as folder:
        bench = Bench(Path(folder))
        bench.prepare(files=options.files, documents=options.documents, seed=options.seed)
        print("seconds that each stage writes for:", bench.seconds, flush=True)
        done = tried = 0
        while done < options.rounds:
            stage = STAGES[done % len(STAGES)]
            done += kill_and_rerun(bench, stage, source=source, workers=source.choice([1, 2]))
            tried += 1
            print(f"round {tried}, {stage}: {done} of {options.rounds}", flush=True)
        for stage in STAGES:
            largest_file(bench, stage, bytes_=4096)
        if can_mount():
            for stage in STAGES:
                for share in (0.1, 0.5, 0.9):
                    full_disk(bench, stage, share=share)
            read_only_output(bench)
        else:
            print("no right to mount file systems here: full disk and read-only output left out")
        input_goes(bench, changed=False)
        input_goes(bench, changed=True)
        two_at_once(bench)
        for name, count in sorted(bench.figures.items()):
            print(f"{name}: {count}")
        print("lost: 0; left over: 0; repeated: 0")
    return 0


if __name__ == "__main__":
    sys.exit(main())
