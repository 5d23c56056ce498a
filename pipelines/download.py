"""Downloads that may be cut at any byte and go on from there, in this run or the next.

How the bytes are kept in between is :mod:`pipelines.download_folder`'s matter.
"""

import hashlib
import queue
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO, Literal

import requests

from pipelines.download_folder import Candidate, Part, Record
from pipelines.http_client import (
    Client,
    DownloadError,
    StoppedError,
    TransientError,
    Version,
    body,
    content_range,
    served_version,
)

ABSENT_STATUSES = frozenset({404, 410})
# Common Crawl and Project Gutenberg answer 403 to an address that they have blocked; asking on
# prolongs the block.
REFUSALS_IN_A_ROW = 3
# How long an interrupted run waits for its workers; the process's end cuts them off.
INTERRUPT_GRACE_SECONDS = 1.0

Status = Literal["fetched", "already here", "failed"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Download:
    """One file that is wanted.

    Attributes:
        name: What it is called in messages.
        candidates: Its addresses, tried in turn while the server answers 404 or 410.
        changes: Whether the server replaces the file now and then under the same address. If so
            the server is asked for its version even though the file is here.
    """

    name: str
    candidates: tuple[Candidate, ...]
    changes: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of a download.

    Attributes:
        name: The download's name.
        status: Whether the file came in this run, was whole before it, or did not come.
        length: Bytes in the folder: of the whole file, or of the parts that are kept.
        reason: Why it failed, one line; empty otherwise.
    """

    name: str
    status: Status
    length: int
    reason: str = ""


class Downloader:
    """Brings files into a folder.

    Args:
        client: Sends the requests.
        folder: The destination folder. It exists.
        workers: How many files come at a time.
        stop: Is set when the run ends, so that the client's ``sleep`` ends with it.
    """

    def __init__(
        self, *, client: Client, folder: Path, workers: int, stop: threading.Event
    ) -> None:
        self._client = client
        self._folder = folder
        self._workers = workers
        self._stop = stop
        self._record = Record(folder)
        self._refusals = 0
        self._given_up = ""

    def run(self, downloads: Sequence[Download], *, report: Callable[[Outcome], None]) -> None:
        """Fetch what is not here yet.

        Args:
            downloads: Each is reported once, in the order in which they end.
            report: Called in the calling thread.

        Raises:
            KeyboardInterrupt: The parts are kept for the next run.
        """
        todo: queue.SimpleQueue[Download] = queue.SimpleQueue()
        done: queue.SimpleQueue[Outcome | BaseException] = queue.SimpleQueue()
        for download in downloads:
            todo.put(download)

        def work() -> None:
            with suppress(queue.Empty, StoppedError):
                while True:
                    done.put(self._outcome(todo.get_nowait()))

        def guarded_work() -> None:
            try:
                work()
            except BaseException as error:
                done.put(error)  # or the calling thread would wait for ever
                raise

        # Daemons, not an executor: an interrupt must not wait for a server that has gone silent.
        count = min(self._workers, len(downloads))
        workers = [threading.Thread(target=guarded_work, daemon=True) for _ in range(count)]
        for worker in workers:
            worker.start()
        try:
            for _ in downloads:
                outcome = done.get()
                if isinstance(outcome, BaseException):
                    raise outcome
                report(outcome)
        finally:
            self._stop.set()
            for worker in workers:
                worker.join(INTERRUPT_GRACE_SECONDS / count)

    def _outcome(self, download: Download) -> Outcome:
        reason = self._given_up
        if not reason:
            try:
                return self._fetch(download)
            except DownloadError as error:
                self._count_refusal(error)
                reason = str(error)
            except OSError as error:
                # The folder, not the server: no other file will fare better.
                reason = f"cannot write: {error}"
                self._given_up = f"not asked for: {reason}"
        parts = (self._part(candidate).size for candidate in download.candidates)
        return Outcome(name=download.name, status="failed", length=sum(parts), reason=reason)

    def _count_refusal(self, error: DownloadError) -> None:
        self._refusals = self._refusals + 1 if error.status == 403 else 0
        if self._refusals >= REFUSALS_IN_A_ROW:
            self._given_up = (
                f"not asked for: the server refused {REFUSALS_IN_A_ROW} files in a row (403)"
            )

    def _fetch(self, download: Download) -> Outcome:
        for candidate in download.candidates:
            version = self._record.version(candidate.path)
            size = self._size_here(candidate)
            if version and not download.changes and size == version.length:
                return Outcome(name=download.name, status="already here", length=size or 0)
        absences: list[DownloadError] = []
        for candidate in download.candidates:
            try:
                return self._fetch_candidate(download.name, candidate)
            except DownloadError as error:
                if error.status not in ABSENT_STATUSES:
                    raise
                absences.append(error)
        others = len(absences) - 1
        raise DownloadError(
            f"{absences[0]}" + (f" (nor under {others} other names)" if others else ""),
            status=absences[0].status,
        )

    def _fetch_candidate(self, name: str, candidate: Candidate) -> Outcome:
        served = self._version_if_current(candidate)
        if served:
            self._record.add(candidate, served)
            return Outcome(name=name, status="already here", length=served.length or 0)
        part = self._part(candidate)
        version = self._client.retrying(
            lambda: self._attempt(name, candidate, part), name=name, progress=lambda: part.size
        )
        self._refusals = 0
        self._record.add(candidate, version)
        return Outcome(name=name, status="fetched", length=version.length or 0)

    def _part(self, candidate: Candidate) -> Part:
        return Part(self._folder / candidate.path, url=candidate.url)

    def _size_here(self, candidate: Candidate) -> int | None:
        path = self._folder / candidate.path
        return path.stat().st_size if path.is_file() else None

    def _version_if_current(self, candidate: Candidate) -> Version | None:
        """Return the server's version of the file if that is what lies in the folder."""
        size = self._size_here(candidate)
        if size is None:
            return None
        try:
            served = self._client.version(candidate.url)
        except (DownloadError, TransientError):
            return None  # a server may refuse HEAD: what GET says counts
        recorded = self._record.version(candidate.path)
        changed = recorded is not None and recorded.contradicts(served)
        return served if served.length == size and not changed else None

    def _attempt(self, name: str, candidate: Candidate, part: Part) -> Version:
        """Ask for what is missing of the part and finish it if all of it comes."""
        with part.open() as file:
            try:
                return self._completed(name, candidate, part, file)
            except (DownloadError, TransientError):
                file.flush()
                if not part.size:
                    part.drop()
                raise

    def _completed(self, name: str, candidate: Candidate, part: Part, file: BinaryIO) -> Version:
        have, version = file.tell(), part.version()
        if not (version and version.length == have):
            have, version = self._receive(name, candidate, part, file)
        file.flush()
        fault = _fault(part.path, have, version)
        if fault is None:
            part.finish(file)
            return replace(version, length=have)
        if have >= (version.length or 0):
            part.drop()
        raise TransientError(fault)

    def _receive(
        self, name: str, candidate: Candidate, part: Part, file: BinaryIO
    ) -> tuple[int, Version]:
        """Append what comes to the part; return its length and its version."""
        have, version = file.tell(), part.version()
        headers: dict[str, str] = {}
        if have and version and version.validator:
            headers = {"Range": f"bytes={have}-", "If-Range": version.validator}
        with self._client.open("GET", candidate.url, headers=headers) as response:
            _refuse_wrong_kind(response, candidate)
            if response.status_code == 200:
                have, version = 0, served_version(response)
                part.restart(file, version)
            elif version is None or not _continues(response, have, version):
                part.drop()
                raise TransientError(f"{candidate.url} can't be continued, starting over")
            for chunk in body(response):
                file.write(chunk)
                have += len(chunk)
                self._client.listener.received(
                    name, have=have, total=version.length, new=len(chunk)
                )
                self._client.pace.received(len(chunk))
        return have, version


def _fault(path: Path, have: int, version: Version) -> str | None:
    """Say what keeps the file of ``have`` bytes from being that version, None if nothing does."""
    if version.length is not None and have < version.length:
        return f"the connection ended after {have} of {version.length} bytes"
    if version.length is not None and have > version.length:
        return f"{have} bytes came, {version.length} were announced"
    if version.md5 is None:
        return None
    with path.open("rb") as file:
        md5 = hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()
    return None if md5 == version.md5 else f"MD5 {md5}, not {version.md5} as announced"


def _continues(response: requests.Response, have: int, version: Version) -> bool:
    """Whether the body is what follows the first ``have`` bytes of that version."""
    if response.status_code != 206 or content_range(response)[0] != have:
        return False
    return not version.contradicts(served_version(response))


def _refuse_wrong_kind(response: requests.Response, candidate: Candidate) -> None:
    """Refuse what can't be the file though the status says so.

    Raises:
        DownloadError: A page for a person came (a block, a log-in), or compressed text.
    """
    if response.headers.get("Content-Type", "").startswith("text/html"):
        raise DownloadError(f"a web page came in place of the file: {candidate.url}")
    encoding = response.headers.get("Content-Encoding", "identity")
    # Some servers call the compression of a stored .gz a coding of the transfer.
    if encoding != "identity" and not candidate.path.endswith((".gz", ".zip", ".bz2")):
        raise DownloadError(f"came in {encoding} coding, which was not asked for: {candidate.url}")
