import base64
import fcntl
import hashlib
import json
import random
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.download import Download, Downloader, Outcome
from pipelines.download_folder import Candidate
from pipelines.http_client import Client, Pace, Version
from tests.file_server import Fault, FileServer, serving

BYTES = random.Random(0).randbytes(200_000)
PATH = "a/b.warc.gz"
PART = "a/b.warc.gz.part"
NOTE = "a/b.warc.gz.part.json"
WAYS_TO_CUT = (
    Fault(cut_after=70_000),
    Fault(cut_after=0),
    Fault(status=503),
    Fault(ignore_range=True),
    Fault(range_shift=10),
    Fault(ignore_range=True, cut_after=150_000),
    Fault(announce=300_000),
    Fault(body=BYTES[::-1], cut_after=10_000),
    Fault(status=416),
)


class Heard:
    """A listener that keeps what it is told."""

    def __init__(self) -> None:
        self.retries: list[tuple[str, float]] = []
        self.have: list[tuple[int, int | None]] = []

    def received(self, name: str, *, have: int, total: int | None, new: int) -> None:
        self.have.append((have, total))

    def retrying(self, name: str, *, reason: str, seconds: float) -> None:
        self.retries.append((reason, seconds))


class Clock:
    """Time that passes only by sleeping."""

    def __init__(self) -> None:
        self.now = 0.0
        self.sleeps: list[float] = []

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        if seconds:
            self.sleeps.append(seconds)
        self.now += seconds


class Kit:
    """A downloader of one server into one folder, with a clock that does not wait."""

    def __init__(self, server: FileServer, folder: Path) -> None:
        self.server = server
        self.folder = folder
        self.clock = Clock()
        self.heard = Heard()

    def run(
        self,
        *downloads: Download,
        workers: int = 1,
        retries: int = 3,
        delay: float = 0,
        limit_rate: float | None = None,
        timeout: float = 10,
    ) -> list[Outcome]:
        client = Client(
            user_agent="thresher/test",
            timeout=timeout,
            retries=retries,
            pace=Pace(delay=delay, limit_rate=limit_rate, sleep=self.clock.sleep, clock=self.clock),
            sleep=self.clock.sleep,
            listener=self.heard,
        )
        downloader = Downloader(
            client=client, folder=self.folder, workers=workers, stop=threading.Event()
        )
        outcomes: list[Outcome] = []
        downloader.run(downloads, report=outcomes.append)
        return outcomes

    def download(self, path: str = PATH, *, changes: bool = False) -> Download:
        candidate = Candidate(url=f"{self.server.url}/{path}", path=path)
        return Download(name=path, candidates=(candidate,), changes=changes)

    def files(self) -> dict[str, bytes]:
        """All files of the folder but the record."""
        return {
            file.relative_to(self.folder).as_posix(): file.read_bytes()
            for file in self.folder.rglob("*")
            if file.is_file() and file.name != ".thresher-fetch"
        }


@pytest.fixture
def server(tmp_path: Path) -> Iterator[FileServer]:
    with serving(tmp_path / "served") as server:
        server.put(PATH, BYTES)
        yield server


@pytest.fixture
def kit(server: FileServer, tmp_path: Path) -> Kit:
    folder = tmp_path / "into"
    folder.mkdir()
    return Kit(server, folder)


def fetched(path: str = PATH, length: int = len(BYTES)) -> Outcome:
    return Outcome(name=path, status="fetched", length=length)


def test_a_file_arrives_whole_and_leaves_nothing_beside_it(kit: Kit) -> None:
    assert kit.run(kit.download()) == [fetched()]
    assert kit.files() == {PATH: BYTES}
    assert kit.heard.have[-1] == (len(BYTES), len(BYTES))
    [request] = kit.server.requests
    assert (request.user_agent, request.accept_encoding) == ("thresher/test", "identity")


def test_an_empty_file_is_a_file(kit: Kit) -> None:
    kit.server.put("empty.txt", b"")
    assert kit.run(kit.download("empty.txt")) == [fetched("empty.txt", 0)]
    assert kit.files() == {"empty.txt": b""}


def test_a_second_run_asks_the_server_nothing(kit: Kit) -> None:
    kit.run(kit.download())
    kit.server.requests.clear()
    assert kit.run(kit.download()) == [Outcome(name=PATH, status="already here", length=len(BYTES))]
    assert kit.server.requests == []


def test_a_file_that_is_not_in_the_record_is_compared_by_its_length(kit: Kit) -> None:
    kit.run(kit.download())
    (kit.folder / ".thresher-fetch").write_text('{"path": "a/b.wa')  # a killed run's half line
    for _ in range(2):
        [outcome] = kit.run(kit.download())
        assert outcome.status == "already here"
    assert kit.server.asked("GET") == [PATH]
    assert kit.server.asked("HEAD") == [PATH]


def test_a_file_of_another_length_is_fetched_again(kit: Kit) -> None:
    kit.run(kit.download())
    (kit.folder / PATH).write_bytes(BYTES[:-1])
    assert kit.run(kit.download()) == [fetched()]
    assert kit.files() == {PATH: BYTES}


def test_a_file_that_changes_is_fetched_again_when_it_did(kit: Kit) -> None:
    feed = kit.download(changes=True)
    assert [kit.run(feed)[0].status for _ in range(2)] == ["fetched", "already here"]
    assert kit.server.asked("GET") == [PATH]
    newer = kit.server.put(PATH, BYTES[::-1])  # of the same length
    assert kit.run(feed) == [fetched()]
    assert kit.files() == {PATH: newer}


def test_a_cut_connection_is_continued_from_the_byte_where_it_was_cut(kit: Kit) -> None:
    kit.server.fail(PATH, Fault(cut_after=70_000), Fault(cut_after=50_000))
    assert kit.run(kit.download()) == [fetched()]
    assert kit.server.ranges(PATH) == [None, "bytes=70000-", "bytes=120000-"]
    assert {request.if_range for request in kit.server.requests[1:]} == {
        f'"{hashlib.md5(BYTES).hexdigest()}"'
    }
    assert kit.files() == {PATH: BYTES}
    # Each try got further: the wait does not grow.
    assert all(0.5 <= wait <= 1 for wait in kit.clock.sleeps)


def test_the_next_run_continues_what_this_one_left(kit: Kit) -> None:
    kit.server.fail(PATH, Fault(cut_after=70_000))
    [outcome] = kit.run(kit.download(), retries=0)
    assert (outcome.status, outcome.length) == ("failed", 70_000)
    assert kit.files()[PART] == BYTES[:70_000]
    assert json.loads(kit.files()[NOTE])["length"] == len(BYTES)
    assert kit.run(kit.download()) == [fetched()]
    assert kit.server.ranges(PATH) == [None, "bytes=70000-"]
    assert kit.files() == {PATH: BYTES}


def test_without_etags_the_date_says_whether_the_file_is_the_same(kit: Kit) -> None:
    kit.server.etags = False
    kit.server.fail(PATH, Fault(cut_after=70_000))
    assert kit.run(kit.download()) == [fetched()]
    assert kit.server.ranges(PATH) == [None, "bytes=70000-"]
    assert "GMT" in (kit.server.requests[1].if_range or "")
    assert kit.files() == {PATH: BYTES}


def test_a_part_that_came_whole_is_only_moved(kit: Kit) -> None:
    kit.server.fail(PATH, Fault(cut_after=70_000))
    kit.run(kit.download(), retries=0)
    (kit.folder / PART).write_bytes(BYTES)
    kit.server.requests.clear()
    assert kit.run(kit.download()) == [fetched()]
    assert kit.server.requests == []
    assert kit.files() == {PATH: BYTES}


def test_a_part_of_a_file_that_changed_since_is_thrown_away(kit: Kit) -> None:
    kit.server.fail(PATH, Fault(cut_after=70_000))
    kit.run(kit.download(), retries=0)
    newer = kit.server.put(PATH, BYTES[::-1] + b"more")
    assert kit.run(kit.download()) == [fetched(length=len(newer))]
    assert kit.server.ranges(PATH) == [None, "bytes=70000-"]  # answered by 200, the whole file
    assert kit.files() == {PATH: newer}


def test_a_server_that_ignores_if_range_does_not_mix_two_versions(kit: Kit) -> None:
    kit.server.fail(PATH, Fault(cut_after=70_000), Fault(ignore_if_range=True))
    kit.run(kit.download(), retries=0)
    newer = kit.server.put(PATH, BYTES[::-1])  # of the same length
    assert kit.run(kit.download()) == [fetched()]
    assert kit.server.ranges(PATH) == [None, "bytes=70000-", None]
    assert kit.files() == {PATH: newer}


def test_a_server_that_ignores_ranges_sends_it_all_again(kit: Kit) -> None:
    kit.server.fail(PATH, Fault(cut_after=70_000), Fault(ignore_range=True))
    assert kit.run(kit.download()) == [fetched()]
    assert kit.server.ranges(PATH) == [None, "bytes=70000-"]
    assert kit.files() == {PATH: BYTES}


def test_a_range_from_another_byte_than_asked_for_starts_over(kit: Kit) -> None:
    kit.server.fail(PATH, Fault(cut_after=70_000), Fault(range_shift=100))
    assert kit.run(kit.download()) == [fetched()]
    assert kit.server.ranges(PATH) == [None, "bytes=70000-", None]
    assert kit.files() == {PATH: BYTES}


def test_a_refused_range_starts_over(kit: Kit) -> None:
    kit.server.fail(PATH, Fault(cut_after=70_000))
    kit.run(kit.download(), retries=0)
    (kit.folder / PART).write_bytes(BYTES + b"too much")
    assert kit.run(kit.download()) == [fetched()]
    assert kit.server.ranges(PATH) == [None, f"bytes={len(BYTES) + 8}-", None]
    assert kit.files() == {PATH: BYTES}


def test_a_part_from_another_address_is_not_continued(kit: Kit) -> None:
    kit.server.fail(PATH, Fault(cut_after=70_000))
    kit.run(kit.download(), retries=0)
    kit.server.put("mirror/b", BYTES)
    moved = Candidate(url=f"{kit.server.url}/mirror/b", path=PATH)
    kit.run(Download(name=PATH, candidates=(moved,)))
    assert kit.server.ranges("mirror/b") == [None]
    assert kit.files() == {PATH: BYTES}


def test_a_body_shorter_than_announced_is_an_error_in_the_end(kit: Kit) -> None:
    lie = Fault(announce=300_000, ignore_range=True)
    kit.server.fail(PATH, *[lie] * 9)
    [outcome] = kit.run(kit.download(), retries=3)
    assert (outcome.status, outcome.length) == ("failed", len(BYTES))
    assert "was cut (tried 4 times)" in outcome.reason
    assert len(kit.server.requests) == 4
    assert sorted(kit.files()) == [PART, NOTE]
    for sleep, full in zip(kit.clock.sleeps, (1, 2, 4), strict=True):
        assert full / 2 <= sleep <= full


def test_a_server_that_only_trickles_is_not_given_up(kit: Kit) -> None:
    kit.server.fail(PATH, *[Fault(cut_after=20_000)] * 9)
    assert kit.run(kit.download(), retries=1) == [fetched()]
    assert kit.server.ranges(PATH) == [None, *(f"bytes={n}-" for n in range(20000, 200000, 20000))]


def test_a_length_that_the_server_does_not_tell_is_taken_as_it_comes(kit: Kit) -> None:
    kit.server.fail(PATH, Fault(hide_length=True))
    assert kit.run(kit.download()) == [fetched()]
    assert kit.run(kit.download())[0].status == "already here"
    assert len(kit.server.requests) == 1


@pytest.mark.parametrize("status", [429, 503])
def test_retry_after_is_waited_for(kit: Kit, status: int) -> None:
    busy = Fault(status=status, headers={"Retry-After": "7"})
    kit.server.fail(PATH, busy)
    assert kit.run(kit.download()) == [fetched()]
    assert kit.clock.sleeps == [7]
    assert kit.heard.retries[0][1] == 7


def test_retry_after_of_hours_fails_instead_of_hanging(kit: Kit) -> None:
    kit.server.fail(PATH, Fault(status=503, headers={"Retry-After": "7200"}))
    [outcome] = kit.run(kit.download())
    assert outcome.status == "failed"
    assert outcome.reason.endswith("(asks to wait 7200 s)")
    assert kit.clock.sleeps == []


def test_a_retry_after_that_says_nothing_is_a_plain_503(kit: Kit) -> None:
    kit.server.fail(PATH, Fault(status=503, headers={"Retry-After": "soon"}))
    assert kit.run(kit.download()) == [fetched()]
    [wait] = kit.clock.sleeps
    assert 0.5 <= wait <= 1


@pytest.mark.parametrize("status", [401, 403, 404, 410, 501])
def test_a_lasting_refusal_fails_at_once(kit: Kit, status: int) -> None:
    kit.server.fail(PATH, Fault(status=status))
    [outcome] = kit.run(kit.download())
    assert (outcome.status, outcome.length) == ("failed", 0)
    assert outcome.reason.startswith(f"{status} ")
    assert "\n" not in outcome.reason
    assert len(kit.server.requests) == 1


def test_after_three_refusals_in_a_row_nothing_more_is_asked(kit: Kit) -> None:
    paths = [f"{n}.gz" for n in range(6)]
    for path in paths[1:]:
        kit.server.fail(path, Fault(status=403))
    kit.server.put(paths[0], b"good")
    outcomes = kit.run(*map(kit.download, paths))
    assert [outcome.status for outcome in outcomes] == ["fetched", *["failed"] * 5]
    assert outcomes[-1].reason == "not asked for: the server refused 3 files in a row (403)"
    assert kit.server.asked() == paths[:4]


def test_the_next_address_is_tried_when_there_is_nothing_at_the_first(kit: Kit) -> None:
    kit.server.put("third.txt", b"a book")
    candidates = tuple(
        Candidate(url=f"{kit.server.url}/{name}", path=name)
        for name in ("first.txt", "second.txt", "third.txt", "fourth.txt")
    )
    book = Download(name="book", candidates=candidates)
    assert kit.run(book) == [fetched("book", 6)]
    assert kit.files() == {"third.txt": b"a book"}
    assert kit.server.asked() == ["first.txt", "second.txt", "third.txt"]
    kit.server.requests.clear()
    assert kit.run(book)[0].status == "already here"
    assert kit.server.requests == []


def test_an_error_other_than_absence_does_not_try_the_next_address(kit: Kit) -> None:
    kit.server.put("second.txt", b"an older text")
    kit.server.fail("first.txt", Fault(status=403))
    candidates = tuple(
        Candidate(url=f"{kit.server.url}/{name}", path=name) for name in ("first.txt", "second.txt")
    )
    [outcome] = kit.run(Download(name="book", candidates=candidates))
    assert outcome.reason.startswith("403 ")
    assert kit.server.asked() == ["first.txt"]


@pytest.mark.parametrize(
    ("headers", "reason"),
    [
        ({"Content-Type": "text/html; charset=utf-8"}, "a web page came in place of the file"),
        ({"Content-Encoding": "br"}, "came in br coding"),
    ],
)
def test_what_can_not_be_the_file_is_refused(
    kit: Kit, headers: dict[str, str], reason: str
) -> None:
    kit.server.put("pg1.txt", b"<html>blocked</html>")
    kit.server.fail("pg1.txt", Fault(headers=headers))
    [outcome] = kit.run(kit.download("pg1.txt"))
    assert outcome.status == "failed"
    assert outcome.reason.startswith(reason)
    assert not (kit.folder / "pg1.txt").exists()


def test_a_stored_gzip_file_stays_as_it_is_stored(kit: Kit) -> None:
    kit.server.fail(PATH, Fault(headers={"Content-Encoding": "x-gzip"}))
    assert kit.run(kit.download()) == [fetched()]
    assert kit.files() == {PATH: BYTES}


@pytest.mark.parametrize("where", ["Content-MD5", "ETag of S3"])
def test_bytes_that_do_not_have_the_announced_md5_are_fetched_again(kit: Kit, where: str) -> None:
    digest = hashlib.md5(BYTES)
    if where == "ETag of S3":
        kit.server.always["Server"] = "AmazonS3"
        headers = {"ETag": f'"{digest.hexdigest()}"'}
    else:
        headers = {"Content-MD5": base64.b64encode(digest.digest()).decode()}
    damaged = BYTES[:-1] + bytes([BYTES[-1] ^ 1])
    kit.server.fail(PATH, *[Fault(body=damaged, headers=headers)] * 2)
    assert kit.run(kit.download(), retries=0)[0].status == "failed"
    assert kit.files() == {}
    assert kit.run(kit.download()) == [fetched()]
    assert len(kit.server.requests) == 3
    assert "MD5" in kit.heard.retries[0][0]
    assert kit.files() == {PATH: BYTES}


def test_an_etag_of_another_server_is_no_checksum(kit: Kit) -> None:
    kit.server.fail(PATH, Fault(headers={"ETag": f'"{"0" * 32}"'}))
    assert kit.run(kit.download()) == [fetched()]
    assert len(kit.server.requests) == 1


def test_a_server_that_falls_silent_is_a_cut(kit: Kit) -> None:
    kit.server.fail(PATH, Fault(stall_after=70_000))
    assert kit.run(kit.download(), timeout=0.1) == [fetched()]
    assert kit.server.ranges(PATH) == [None, "bytes=65536-"]


def test_a_server_that_is_not_there_is_named_in_one_line(kit: Kit) -> None:
    nowhere = Candidate(url="http://127.0.0.1:1/x", path="x")
    [outcome] = kit.run(Download(name="x", candidates=(nowhere,)), retries=1)
    assert outcome.reason == "cannot reach 127.0.0.1:1: NewConnectionError (tried 2 times)"


def test_a_folder_that_takes_no_files_ends_the_run(kit: Kit) -> None:
    (kit.folder / "a").write_text("a file where a folder is wanted")
    kit.server.put("c/d", b"x")
    outcomes = kit.run(kit.download(), kit.download("c/d"))
    assert outcomes[0].reason.startswith("cannot write: ")
    assert outcomes[1].reason.startswith("not asked for: cannot write: ")
    assert kit.server.requests == []


def test_two_runs_do_not_write_one_part(kit: Kit) -> None:
    (kit.folder / "a").mkdir()
    with (kit.folder / PART).open("ab") as other_run:
        fcntl.flock(other_run, fcntl.LOCK_EX)
        [outcome] = kit.run(kit.download())
    assert outcome.reason == f"another run is fetching {kit.folder / PATH}"
    assert kit.run(kit.download()) == [fetched()]


@pytest.mark.parametrize("workers", [1, 3])
def test_so_many_files_at_a_time_as_there_are_workers(kit: Kit, workers: int) -> None:
    paths = {f"{n}.gz": bytes([n]) * 1000 for n in range(6)}
    for path, content in paths.items():
        kit.server.put(path, content)
    kit.server.together = threading.Barrier(workers)  # each GET waits until so many are there
    outcomes = kit.run(*map(kit.download, paths), workers=workers)
    assert {outcome.status for outcome in outcomes} == {"fetched"}
    assert kit.server.most_active == workers
    assert kit.files() == paths


def test_requests_are_spaced_by_the_delay_from_start_to_start(kit: Kit) -> None:
    for n in range(4):
        kit.server.put(f"{n}.txt", b"x")
    kit.run(*(kit.download(f"{n}.txt") for n in range(4)), delay=2)
    assert kit.clock.sleeps == [2, 2, 2]


def test_the_rate_is_kept_over_all(kit: Kit) -> None:
    kit.run(kit.download(), limit_rate=1000)
    assert kit.clock.now == pytest.approx(len(BYTES) / 1000)


def test_a_fault_of_the_program_is_raised_not_waited_for(
    kit: Kit, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(threading, "excepthook", lambda _: None)
    monkeypatch.setattr(kit.heard, "received", broken)
    with pytest.raises(ZeroDivisionError):
        kit.run(kit.download())


@settings(max_examples=40, deadline=None)
@given(faults=st.lists(st.sampled_from(WAYS_TO_CUT), max_size=6))
def test_whatever_goes_wrong_the_file_is_right_or_absent(
    faults: list[Fault], tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("run")
    with serving(folder / "served") as server:
        server.put(PATH, BYTES)
        server.fail(PATH, *faults)
        (folder / "into").mkdir()
        kit = Kit(server, folder / "into")
        # A fault may spoil the note of the part, and cost the run after it as well.
        for _ in range(2 * len(faults) + 1):
            [outcome] = kit.run(kit.download(), retries=0)
            assert kit.files().get(PATH) in (None, BYTES)
            assert (outcome.status == "failed") == (PATH not in kit.files())
        assert kit.files() == {PATH: BYTES}


@pytest.mark.parametrize(
    ("version", "validator"),
    [
        (Version(etag='"a"', last_modified="d"), '"a"'),
        (Version(etag='W/"a"', last_modified="d"), "d"),
        (Version(etag='W/"a"'), None),
        (Version(), None),
    ],
)
def test_only_a_strong_validator_is_used(version: Version, validator: str | None) -> None:
    assert version.validator == validator


def test_a_part_without_a_validator_starts_over(kit: Kit) -> None:
    kit.server.fail(PATH, Fault(cut_after=70_000, headers={"ETag": 'W/"a"', "Last-Modified": ""}))
    assert kit.run(kit.download()) == [fetched()]
    assert kit.server.ranges(PATH) == [None, None]
    assert kit.files() == {PATH: BYTES}
