"""Extraction in a process of its own, bounded in time and memory.

HTML parsers and extractors are native code: on a hostile page they can run for hours, take all
memory or end the process, and no exception handler of Python's helps. Here each page is decoded
and extracted by a child process that is replaced when a page proves too much for it; the page is
an error that can be counted and the run goes on.
"""

import contextlib
import os
import select
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import TracebackType
from typing import Any, Self, get_args

from filters.decoding import UndecodableText
from filters.extraction import Extracted, ExtractionError, ExtractorName
from pipelines.sandbox_worker import PIPE_BYTES, REPLY_HEADER, REQUEST_HEADER, Outcome

START_SECONDS = 60.0
"""How long a child may take until it is ready.

It takes 0.05 s (resiliparse) to 0.4 s (trafilatura); a cold network disk is given a minute.
"""

_KEPT_ERROR_BYTES = 4096
"""How much of the end of a child's standard error is kept: the last lines of a traceback."""

_MAX_LABEL_BYTES = 100
"""No charset's label is longer than this; more is a broken header."""

# The child imports the same packages as this process, wherever they lie, and nothing from the
# folder that the run was started in (-P).
_SOURCE_ROOT = str(Path(__file__).parent.parent)
_BOOTSTRAP = (
    "import sys; root = sys.argv.pop(1); root in sys.path or sys.path.insert(0, root); "
    "from pipelines.sandbox_worker import main; main(sys.argv[1:])"
)


class ExtractionTimeout(ExtractionError):  # noqa: N818 (named for what the page did)
    """A page that took longer than its time."""


class ExtractionCrash(ExtractionError):  # noqa: N818 (named for what the page did)
    """A page that ended its process, by a fault of native code or by the bound on memory."""


class PageTooLarge(ExtractionError):  # noqa: N818 (named for what the page did)
    """A page of more bytes than may be extracted."""


class SandboxStartError(RuntimeError):
    """The child process can't be started: the fault is in the installation, not in a page."""


class ExtractionSandbox:
    """Decodes and extracts pages in a child process.

    The child starts at the first page and serves until it is closed, or until a page times out or
    crashes; the next page gets a new one. It ends by itself when this process does. A sandbox
    serves one thread at a time; it can be pickled at any time, without its child.

    Args:
        extractor: Who extracts, see :func:`filters.extraction.extract_text`.
        comments: Whether readers' comments count as main text.
        timeout_seconds: Wall time that a page may take, all told.
        max_html_bytes: Size above which a page is refused unread.
        max_memory_bytes: Address space of the child (Linux only; elsewhere there is no bound).

    Raises:
        ValueError: A parameter is out of its range.

    >>> with ExtractionSandbox(timeout_seconds=30) as sandbox:
    ...     sandbox.extract(b"<title>Note</title><p>Dear reader.", charset="utf-8")
    Extracted(text='Dear reader.', title='Note')
    """

    def __init__(
        self,
        *,
        extractor: ExtractorName = "resiliparse",
        comments: bool = False,
        timeout_seconds: float = 10.0,
        max_html_bytes: int = 10_000_000,
        max_memory_bytes: int = 2 << 30,
    ) -> None:
        if extractor not in get_args(ExtractorName):
            raise ValueError(f"extractor is {extractor!r}, and can be {get_args(ExtractorName)}")
        if not 0 < timeout_seconds < float("inf"):
            raise ValueError(f"timeout_seconds is {timeout_seconds}, and must be above 0")
        if not 0 < max_html_bytes < 1 << 32:
            raise ValueError(f"max_html_bytes is {max_html_bytes}, and must be 1 to 4294967295")
        if max_memory_bytes <= 0:
            raise ValueError(f"max_memory_bytes is {max_memory_bytes}, and must be above 0")
        self.extractor = extractor
        self.comments = comments
        self.timeout_seconds = timeout_seconds
        self.max_html_bytes = max_html_bytes
        self.max_memory_bytes = max_memory_bytes
        self._child: _Child | None = None

    def extract(self, content: bytes, *, charset: str | None) -> Extracted:
        """Decode a page and extract its main text and title.

        Args:
            content: The page.
            charset: The charset that the transport declared, if any.

        Raises:
            UndecodableText: No charset makes text of the page.
            ExtractionError: The extractor raised.
            PageTooLarge: The page has more than ``max_html_bytes``.
            ExtractionTimeout: The page took more than ``timeout_seconds``.
            ExtractionCrash: The child process ended while it had the page.
            SandboxStartError: There is no child process to be had.
        """
        if len(content) > self.max_html_bytes:
            raise PageTooLarge(
                f"the page has {len(content)} bytes, more than max_html_bytes={self.max_html_bytes}"
            )
        label = (charset or "").encode("ascii", "replace")[:_MAX_LABEL_BYTES]
        request = REQUEST_HEADER.pack(len(label), len(content)) + label + content
        child = self._ready_child()
        try:
            outcome, first, second = child.ask(request, seconds=self.timeout_seconds)
        except TimeoutError as error:
            raise ExtractionTimeout(
                f"no text after timeout_seconds={self.timeout_seconds:g}"
            ) from error
        except EOFError as error:
            raise ExtractionCrash(f"the extraction process {error}") from error
        finally:
            if not child.ready:
                self.close()
        if outcome is Outcome.UNDECODABLE:
            raise UndecodableText(first)
        if outcome is Outcome.NOT_EXTRACTED:
            raise ExtractionError(first)
        return Extracted(title=first, text=second)

    def close(self) -> None:
        """End the child process, if there is one; the next page starts another."""
        child, self._child = self._child, None
        if child is not None:
            child.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_child": None}

    def _ready_child(self) -> "_Child":
        # A child that was ended between two pages, by the out-of-memory killer say, has no page
        # to blame: it is replaced without a word.
        if self._child is not None and self._child.ended():
            self.close()
        if self._child is None:
            self._child = self._start()
        return self._child

    def _start(self) -> "_Child":
        options = [
            f"--extractor={self.extractor}",
            f"--timeout-seconds={self.timeout_seconds}",
            f"--max-memory-bytes={self.max_memory_bytes}",
            *(["--comments"] if self.comments else []),
        ]
        try:
            child = _Child(options)
        except OSError as error:
            raise SandboxStartError(f"the extraction process can't be started: {error}") from error
        try:
            child.ask(b"", seconds=START_SECONDS)
        except (TimeoutError, EOFError) as error:
            child.close()
            reason = str(error) or f"was not ready after {START_SECONDS:g} s"
            raise SandboxStartError(
                f"the extraction process {reason}; "
                f"it may need more than max_memory_bytes={self.max_memory_bytes}"
            ) from error
        return child


class _Child:
    """One child process, its three pipes, and the exchange of one request for one reply."""

    def __init__(self, options: list[str]) -> None:
        self._process = subprocess.Popen(  # noqa: S603 (this interpreter and numbers)
            [sys.executable, "-P", "-c", _BOOTSTRAP, _SOURCE_ROOT, *options],
            bufsize=0,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            # Ctrl-C is for the parent, whose end ends the child.
            process_group=0,
        )
        pipes = self._process.stdin, self._process.stdout, self._process.stderr
        self._stdin, self._stdout, self._stderr = (pipe.fileno() for pipe in pipes if pipe)
        for pipe in (self._stdin, self._stdout, self._stderr):
            os.set_blocking(pipe, False)
            _widen(pipe)
        self._poll = select.poll()
        self._poll.register(self._stdout, select.POLLIN)
        self._poll.register(self._stderr, select.POLLIN)
        self._errors = bytearray()
        self.ready = True

    def ended(self) -> bool:
        return self._process.poll() is not None

    def ask(self, request: bytes, *, seconds: float) -> tuple[Outcome, str, str]:
        """Send a request and wait for its reply.

        Raises:
            TimeoutError: There was no whole reply in time.
            EOFError: The child ended; the message says how.
        """
        deadline = time.monotonic() + seconds
        # Until the reply is whole, nobody else may have this child.
        self.ready = False
        unsent = self._send(memoryview(request))
        if unsent:
            self._poll.register(self._stdin, select.POLLOUT)
        reply = bytearray()
        missing = REPLY_HEADER.size
        while missing > 0:
            remaining = deadline - time.monotonic()
            if remaining <= 0:
                raise TimeoutError
            for pipe, _ in self._poll.poll(remaining * 1000):
                if pipe == self._stdin:
                    unsent = self._send(unsent)
                    if not unsent:
                        self._poll.unregister(self._stdin)
                elif pipe == self._stdout:
                    self._receive(reply)
                    missing = _missing(reply)
                else:
                    self._keep_errors()
        self.ready = True
        return _opened(reply)

    def close(self) -> None:
        """End the process at once and give back everything of it."""
        self._process.kill()
        with self._process:  # closes the pipes and waits
            pass

    def _send(self, unsent: memoryview) -> memoryview:
        while unsent:
            try:
                unsent = unsent[os.write(self._stdin, unsent) :]
            except BlockingIOError:
                break
            except BrokenPipeError:
                return unsent[:0]  # the end of standard output will tell the rest
        return unsent

    def _receive(self, reply: bytearray) -> None:
        received = os.read(self._stdout, PIPE_BYTES)
        if not received:
            raise EOFError(self._how_it_ended())
        reply += received

    def _keep_errors(self) -> bool:
        """Keep the end of what the child says on standard error; whether there was anything."""
        try:
            said = os.read(self._stderr, PIPE_BYTES)
        except BlockingIOError:
            return False
        if not said:
            # Left registered it would wake the wait for good.
            with contextlib.suppress(KeyError):
                self._poll.unregister(self._stderr)
            return False
        self._errors += said
        del self._errors[:-_KEPT_ERROR_BYTES]
        return True

    def _how_it_ended(self) -> str:
        try:
            status = self._process.wait(timeout=1.0)
        except subprocess.TimeoutExpired:
            return "closed its output"
        while self._keep_errors():
            pass
        how = f"exited with {status}" if status >= 0 else f"died of {signal.Signals(-status).name}"
        lines = self._errors.decode("utf-8", "replace").split("\n")
        last = next((line.strip() for line in reversed(lines) if line.strip()), "")
        return f"{how}: {last}" if last else how


def _widen(pipe: int) -> None:
    if sys.platform == "linux":
        import fcntl

        # Refused when the user's pipes hold too much already: the pipe works as it is.
        with contextlib.suppress(OSError):
            fcntl.fcntl(pipe, fcntl.F_SETPIPE_SZ, PIPE_BYTES)


def _missing(reply: bytearray) -> int:
    """Count the bytes that are still to come of a reply, as far as is known."""
    if len(reply) < REPLY_HEADER.size:
        return REPLY_HEADER.size - len(reply)
    _, first_size, second_size = REPLY_HEADER.unpack_from(reply)
    whole: int = REPLY_HEADER.size + first_size + second_size
    return whole - len(reply)


def _opened(reply: bytearray) -> tuple[Outcome, str, str]:
    outcome, first_size, _ = REPLY_HEADER.unpack_from(reply)
    texts = memoryview(reply)[REPLY_HEADER.size :]
    return Outcome(outcome), str(texts[:first_size], "utf-8"), str(texts[first_size:], "utf-8")
