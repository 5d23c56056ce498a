"""A polite HTTP client: spaced requests, repetitions with backoff, versions of files."""

import base64
import random
import re
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Protocol, TypeVar
from urllib.parse import urlsplit

import requests
import urllib3
from urllib3.util.retry import Retry

# Small enough that a cut loses little and a slow server still shows progress.
CHUNK_BYTES = 64 * 1024
FIRST_BACKOFF_SECONDS = 1.0
LONGEST_BACKOFF_SECONDS = 60.0
# A server that asks for more than a quarter of an hour is better asked again by hand.
LONGEST_RETRY_AFTER_SECONDS = 900.0
# Request timeout, too early or too many requests, and the faults of servers and their gateways.
TRANSIENT_STATUSES = frozenset({408, 425, 429, 500, 502, 503, 504})

T = TypeVar("T")


class DownloadError(Exception):
    """A request that failed for good.

    Attributes:
        status: The HTTP status that decided it, or None if no answer did.
    """

    def __init__(self, message: str, *, status: int | None = None) -> None:
        super().__init__(message)
        self.status = status


class TransientError(Exception):
    """A request that may do better when it is repeated.

    Attributes:
        retry_after: Seconds that the server asked to wait, or None if it did not say.
    """

    def __init__(self, message: str, *, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class StoppedError(Exception):
    """The run was told to stop; what has come is kept."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    """What a server says about one version of a file.

    Attributes:
        etag: The ``ETag`` header, quotes included.
        last_modified: The ``Last-Modified`` header as sent.
        length: Bytes of the whole file.
        md5: MD5 of the whole file in hexadecimal, where the server gives one.
    """

    etag: str | None = None
    last_modified: str | None = None
    length: int | None = None
    md5: str | None = None

    @property
    def validator(self) -> str | None:
        """What ``If-Range`` may carry (RFC 9110, 13.1.5): a strong ETag, else the date."""
        strong = self.etag if self.etag and not self.etag.startswith("W/") else None
        return strong or self.last_modified

    def contradicts(self, other: "Version") -> bool:
        """Whether the two can't be the same version: a fact that both know differs."""
        return any(
            mine is not None and theirs is not None and mine != theirs
            for mine, theirs in (
                (self.etag, other.etag),
                (self.last_modified, other.last_modified),
                (self.length, other.length),
            )
        )


class Listener(Protocol):
    """Is told how a download goes, from the threads of the workers."""

    def received(self, name: str, *, have: int, total: int | None, new: int) -> None:
        """``new`` bytes came: ``have`` of ``total`` are here."""

    def retrying(self, name: str, *, reason: str, seconds: float) -> None:
        """A request failed and is repeated after ``seconds``."""


class Pace:
    """Holds all workers together to a number of requests and of bytes per second.

    Args:
        delay: Seconds between the starts of two requests.
        limit_rate: Bytes per second, None for no limit.
        sleep: Waits for a number of seconds; raises StoppedError if the run is to stop.
        clock: Seconds that never run backwards.
    """

    def __init__(
        self,
        *,
        delay: float,
        limit_rate: float | None,
        sleep: Callable[[float], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._delay = delay
        self._limit_rate = limit_rate
        self._sleep = sleep
        self._clock = clock
        self._lock = threading.Lock()
        self._next_request = clock()
        self._next_bytes = clock()

    def request(self) -> None:
        """Wait until the next request may start."""
        with self._lock:
            now = self._clock()
            start = max(now, self._next_request)
            self._next_request = start + self._delay
        self._sleep(start - now)

    def hold(self, seconds: float) -> None:
        """Let no worker start a request for ``seconds``."""
        with self._lock:
            self._next_request = max(self._next_request, self._clock() + seconds)

    def received(self, length: int) -> None:
        """Wait as long as ``length`` bytes are to take."""
        wait = 0.0
        if self._limit_rate is not None:
            with self._lock:
                now = self._clock()
                self._next_bytes = max(now, self._next_bytes) + length / self._limit_rate
                wait = self._next_bytes - now
        self._sleep(wait)


class Client:
    """Sends requests, tells lasting faults from passing ones, and repeats the latter.

    Args:
        user_agent: What the client calls itself.
        timeout: Seconds to wait for a connection, and for each next byte.
        retries: How often a request is repeated without getting any further.
        pace: Shared by all workers.
        sleep: As for :class:`Pace`.
        listener: Is told of each repetition.
    """

    def __init__(
        self,
        *,
        user_agent: str,
        timeout: float,
        retries: int,
        pace: Pace,
        sleep: Callable[[float], None],
        listener: Listener,
    ) -> None:
        self._user_agent = user_agent
        self._timeout = timeout
        self._retries = retries
        self._sleep = sleep
        self._local = threading.local()
        self.pace = pace
        self.listener = listener

    def _session(self) -> requests.Session:
        # One a thread: requests does not promise that threads may share one.
        if not hasattr(self._local, "session"):
            session = requests.Session()
            # The bytes as stored: Range, length and checksum all speak of those.
            session.headers.update(
                {"User-Agent": self._user_agent, "Accept-Encoding": "identity", "Accept": "*/*"}
            )
            self._local.session = session
        session = self._local.session
        assert isinstance(session, requests.Session)  # noqa: S101  (threading.local is untyped)
        return session

    def open(
        self, method: str, url: str, *, headers: dict[str, str] | None = None
    ) -> requests.Response:
        """Send one request; the body stays unread.

        Returns:
            A response of status 200, 206 or 416, after redirects.

        Raises:
            TransientError: No connection, a timeout, or a status of ``TRANSIENT_STATUSES``.
            DownloadError: Any other status, or an address that can't be asked.
        """
        self.pace.request()
        try:
            response = self._session().request(
                method, url, headers=headers, stream=True, timeout=self._timeout,
                allow_redirects=True,
            )  # fmt: skip
        except requests.exceptions.SSLError as error:
            raise DownloadError(f"no secure connection to {_host(url)}: {_cause(error)}") from error
        except (requests.ConnectionError, requests.Timeout) as error:
            raise TransientError(f"cannot reach {_host(url)}: {_cause(error)}") from error
        except requests.RequestException as error:
            raise DownloadError(f"{url}: {error}") from error
        status = response.status_code
        if status in (200, 206, 416):
            return response
        response.close()
        reason = f"{status} {response.reason} for {url}"
        if status in TRANSIENT_STATUSES:
            raise TransientError(reason, retry_after=_retry_after(response))
        raise DownloadError(reason, status=status)

    def version(self, url: str) -> Version:
        """Ask for the version of a file without its content; raises as :meth:`open` does."""
        with self.open("HEAD", url) as response:
            return served_version(response)

    def read(self, url: str) -> bytes:
        """Return the whole body of a small file; raises as :meth:`open` does."""
        with self.open("GET", url) as response:
            return b"".join(body(response))

    def retrying(
        self, attempt: Callable[[], T], *, name: str, progress: Callable[[], int] = lambda: 0
    ) -> T:
        """Call ``attempt`` until it returns, waiting longer after each TransientError.

        Args:
            attempt: One try.
            name: What is tried, for messages.
            progress: How far the tries have come. A try that came further than any before it
                sets the count of repetitions back: only standing still uses them up.

        Raises:
            DownloadError: The repetitions are used up, or the server asks for too long a wait.
        """
        failures, furthest = 0, progress()
        while True:
            try:
                return attempt()
            except TransientError as error:
                reached = progress()
                failures = 1 if reached > furthest else failures + 1
                furthest = max(furthest, reached)
                if failures > self._retries:
                    raise DownloadError(f"{error} (tried {failures} times)") from error
                asked = error.retry_after or 0.0
                if asked > LONGEST_RETRY_AFTER_SECONDS:
                    raise DownloadError(f"{error} (asks to wait {asked:.0f} s)") from error
                self._wait_to_retry(name, error, failures)

    def _wait_to_retry(self, name: str, error: TransientError, failures: int) -> None:
        asked = error.retry_after
        wait = backoff_seconds(failures) if asked is None else asked
        self.listener.retrying(name, reason=str(error), seconds=wait)
        if asked is None:
            self._sleep(wait)
        else:
            # It is the server that is busy: the other workers leave it alone as well.
            self.pace.hold(wait)


def body(response: requests.Response) -> Iterator[bytes]:
    """Yield the body as sent, undecoded.

    Raises:
        TransientError: The connection was cut, or stood still for too long.
    """
    try:
        yield from response.raw.stream(CHUNK_BYTES, decode_content=False)
    except urllib3.exceptions.HTTPError as error:
        raise TransientError(f"connection to {_host(response.url)} was cut") from error


def content_range(response: requests.Response) -> tuple[int | None, int | None]:
    """Return the first byte and the whole length that ``Content-Range`` gives."""
    header = response.headers.get("Content-Range", "")
    found = re.fullmatch(r"bytes (?:(\d+)-\d+|\*)/(\d+|\*)", header.strip())
    if not found:
        return None, None
    first, whole = found.groups()
    return (int(first) if first else None), (int(whole) if whole != "*" else None)


def backoff_seconds(failures: int) -> float:
    """Return the wait after that many failures: doubled each time, with random jitter.

    >>> all(0.5 <= backoff_seconds(1) <= 1 and 2 <= backoff_seconds(3) <= 4 for _ in range(99))
    True
    >>> backoff_seconds(5000) <= 60
    True
    """
    doubled = FIRST_BACKOFF_SECONDS * 2.0 ** min(failures - 1, 16)
    return min(doubled, LONGEST_BACKOFF_SECONDS) * random.uniform(0.5, 1)  # noqa: S311


def _host(url: str) -> str:
    return urlsplit(url).netloc


def _cause(error: requests.RequestException) -> str:
    """Name the fault below the layers that wrap it; their texts hold addresses of objects."""
    inner = error.args[0] if error.args else error
    return type(getattr(inner, "reason", None) or inner).__name__


def _retry_after(response: requests.Response) -> float | None:
    header = response.headers.get("Retry-After")
    if header is None:
        return None
    try:
        return Retry().parse_retry_after(header)
    except urllib3.exceptions.InvalidHeader:
        return None


def _served_md5(response: requests.Response) -> str | None:
    """Return the MD5 of the whole file if the headers hold one.

    ``Content-MD5`` (RFC 1864) is of the body, so it counts for a whole body only. An S3 ETag is
    the MD5 unless the object was uploaded in pieces (then it has a dash) or is encrypted by KMS.
    """
    content_md5 = response.headers.get("Content-MD5")
    if content_md5 and response.status_code == 200:
        try:
            digest = base64.b64decode(content_md5, validate=True)
        except ValueError:
            digest = b""
        return digest.hex() if len(digest) == 16 else None
    etag = response.headers.get("ETag", "").strip('"')
    is_s3 = response.headers.get("Server") == "AmazonS3"
    if is_s3 and response.headers.get("x-amz-server-side-encryption") != "aws:kms":
        return etag if re.fullmatch(r"[0-9a-f]{32}", etag) else None
    return None


def served_version(response: requests.Response) -> Version:
    """Return the version that a response of status 200 or 206 speaks of."""
    if response.status_code == 206:
        length = content_range(response)[1]
    else:
        header = response.headers.get("Content-Length", "")
        length = int(header) if header.isdecimal() else None
    return Version(
        etag=response.headers.get("ETag"),
        last_modified=response.headers.get("Last-Modified"),
        length=length,
        md5=_served_md5(response),
    )
