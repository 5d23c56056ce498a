"""One run at a time on an output: refused while its holder lives, free as soon as it does not."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from pipelines import output_lock, storage
from pipelines.cli import main
from pipelines.errors import UserError
from pipelines.output_lock import OutputLock

HOLDER = """\
import sys, time
from pipelines.output_lock import OutputLock
OutputLock(sys.argv[1]).acquire()
print("held", flush=True)
time.sleep(60)
"""
REFUSED = r"out \(output\): another run \(process \d+ on \S+, since \S+\) is writing there; wait"


def test_the_second_is_refused_and_told_who_holds_it(tmp_path: Path) -> None:
    output = str(tmp_path / "out")
    with OutputLock(output) as first:
        first.acquire()
        first.acquire()
        with OutputLock(output) as second:
            with pytest.raises(UserError, match=REFUSED):
                second.acquire()
            first.release()
            second.acquire()
    assert list(tmp_path.iterdir()) == []


def test_the_lock_of_a_killed_run_is_free_at_once(tmp_path: Path) -> None:
    output = str(tmp_path / "out")
    with subprocess.Popen([sys.executable, "-c", HOLDER, output], stdout=subprocess.PIPE) as run:
        assert run.stdout is not None
        assert run.stdout.readline() == b"held\n"
        with pytest.raises(UserError, match=rf"process {run.pid} "):
            OutputLock(output).acquire()
        run.send_signal(signal.SIGKILL)
    assert (tmp_path / "out/manifests/.lock").exists()
    with OutputLock(output) as lock:
        lock.acquire()
    assert not (tmp_path / "out").exists()


def test_a_run_on_an_output_in_use_is_refused_and_changes_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source, output = tmp_path / "in.jsonl", tmp_path / "out"
    source.write_text(json.dumps({"text": "The ferry leaves at nine."}) + "\n")
    recipe = tmp_path / "recipe.yaml"
    recipe.write_text(
        f"name: small\ninput: [{{format: jsonl, paths: [{source}]}}]\noutput: {output}\n"
        "signals: [length]\n"
    )
    with OutputLock(str(output)) as lock:
        lock.acquire()
        before = [path.name for path in output.rglob("*")]
        for command in ("run", "score"):
            assert main([command, str(recipe)]) == 2
            told = capsys.readouterr().err
            assert "is writing there" in told
            assert told.count("\n") == 1
        assert [path.name for path in output.rglob("*")] == before
    assert main(["score", str(recipe)]) == 0
    assert not (output / "manifests/.lock").exists()


def test_what_killed_writers_left_goes_and_nothing_else(tmp_path: Path) -> None:
    output = tmp_path / "out"
    kept = [output / "scored/a-0123456789ab.parquet", output / "corpus/notes.partial"]
    left = [
        output / "scored/a-0123456789ab.parquet.0123abcd.partial",
        output / "corpus/bucket=256/b.parquet.89abcdef.partial",
        output / "report.html.00000000.partial",
    ]
    for path in [*kept, *left]:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"content")
    with OutputLock(str(output)) as lock:
        lock.acquire()
    assert sorted(path for path in output.rglob("*") if path.is_file()) == sorted(kept)
    assert not (output / "corpus/bucket=256").exists()


def test_an_output_that_nobody_can_write_needs_no_lock(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> int:
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr(output_lock, "os", SimpleNamespace(open=refuse, O_RDWR=2, O_CREAT=64))
    with OutputLock(str(tmp_path / "out")) as lock:
        lock.acquire()


class Store:
    """An object store: paths with a scheme, kept in a dictionary."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.objects: dict[str, bytes] = {}
        for name in ("exists", "read_bytes", "write_text", "delete"):
            monkeypatch.setattr(storage, name, getattr(self, name))
        monkeypatch.setattr(storage, "join", lambda *parts: "/".join(parts))
        monkeypatch.setattr(storage, "delete_partial_files", lambda _: None)

    def exists(self, path: str) -> bool:
        return path in self.objects

    def read_bytes(self, path: str) -> bytes:
        return self.objects[path]

    def write_text(self, path: str, text: str) -> None:
        self.objects[path] = text.encode()

    def delete(self, path: str) -> None:
        self.objects.pop(path, None)


def store_lock(told: list[str]) -> OutputLock:
    return OutputLock("store://out", tell=told.append, renewal_seconds=0.05, patience_seconds=2.0)


def test_on_a_store_the_holder_renews_and_the_second_is_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    store, told = Store(monkeypatch), list[str]()
    with store_lock(told) as first:
        first.acquire()
        [content] = store.objects.values()
        assert json.loads(content)["process"] == os.getpid()
        with store_lock(told) as second, pytest.raises(UserError, match="is writing there"):
            second.acquire()
    assert store.objects == {}
    assert told == [
        "store://out: there is the lock of a run that may have been killed; watching it for 2 s"
    ]


def test_on_a_store_the_lock_of_a_killed_run_is_taken_over_in_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    store, told = Store(monkeypatch), list[str]()
    store.objects["store://out/manifests/.lock"] = b'{"key": "of a killed run"}'
    with store_lock(told) as lock:
        lock.acquire()
        assert b"of a killed run" not in store.objects["store://out/manifests/.lock"]
    assert len(told) == 1


def test_on_a_store_the_first_to_write_of_two_that_begin_at_once_gives_way(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    store = Store(monkeypatch)
    rival = {"key": "rival", "process": 7, "host": "elsewhere", "since": "now"}

    def overtaken(path: str, text: str) -> None:
        store.objects[path] = json.dumps(rival).encode()

    monkeypatch.setattr(storage, "write_text", overtaken)
    with store_lock([]) as lock, pytest.raises(UserError, match="process 7 on elsewhere"):
        lock.acquire()
    assert json.loads(store.objects["store://out/manifests/.lock"]) == rival


@pytest.mark.parametrize("gap", [1, 2])
def test_on_hdfs_a_lock_that_is_being_renewed_is_not_taken_for_gone(
    monkeypatch: pytest.MonkeyPatch, gap: int
) -> None:
    store, looks = Store(monkeypatch), 0

    def exists(path: str) -> bool:
        nonlocal looks
        looks += 1
        store.objects.setdefault(path, b'{"renewed": 1}')
        if looks > gap + 1:
            store.objects[path] = b'{"renewed": 2}'
        # Here its holder has deleted it, and not yet renamed the next one to its name.
        return looks != gap

    def overtaken(path: str, text: str) -> None:
        pytest.fail("the lock of a run that lives was taken")

    monkeypatch.setattr(storage, "exists", exists)
    monkeypatch.setattr(storage, "write_text", overtaken)
    lock = OutputLock("hdfs://out", renewal_seconds=0.02, patience_seconds=0.5)
    with lock, pytest.raises(UserError, match="is writing there"):
        lock.acquire()
