"""A real HTTP server of files on this machine that can be told to misbehave."""

import hashlib
import re
import sys
import threading
from collections import defaultdict, deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote


@dataclass(frozen=True, kw_only=True)
class Fault:
    """How one GET is answered otherwise than well; a field left alone changes nothing."""

    status: int | None = None
    headers: dict[str, str] = field(default_factory=dict)
    cut_after: int | None = None  # bytes of the body, then the connection closes
    stall_after: int | None = None  # bytes of the body, then silence until the server closes
    announce: int | None = None  # a Content-Length that is not the truth
    ignore_range: bool = False
    ignore_if_range: bool = False
    range_shift: int = 0  # bytes by which the sent range begins late
    body: bytes | None = None
    hide_length: bool = False


@dataclass(frozen=True, kw_only=True)
class Request:
    method: str
    path: str
    range: str | None
    if_range: str | None
    user_agent: str | None
    accept_encoding: str | None


class FileServer(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, folder: Path) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.folder = folder
        self.faults: defaultdict[str, deque[Fault]] = defaultdict(deque)
        self.requests: list[Request] = []
        self.always: dict[str, str] = {}  # headers of every answer
        self.etags = True
        self.together: threading.Barrier | None = None
        self.closing = threading.Event()
        self.lock = threading.Lock()
        self.active = 0
        self.most_active = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def handle_error(self, request: object, client_address: object) -> None:
        # A client that goes away in the middle is what half of the tests are about.
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)  # type: ignore[arg-type]

    def put(self, path: str, content: bytes) -> bytes:
        file = self.folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
        return content

    def fail(self, path: str, *faults: Fault) -> None:
        self.faults["/" + path].extend(faults)

    def asked(self, method: str = "GET") -> list[str]:
        return [request.path[1:] for request in self.requests if request.method == method]

    def ranges(self, path: str) -> list[str | None]:
        return [
            request.range
            for request in self.requests
            if request.path == "/" + path and request.method == "GET"
        ]


class _Handler(BaseHTTPRequestHandler):
    server: FileServer
    protocol_version = "HTTP/1.1"
    is_active = False

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        pass

    def version_string(self) -> str:
        return self.server.always.get("Server", "test")

    def do_HEAD(self) -> None:
        self._answer(Fault())

    def do_GET(self) -> None:
        server = self.server
        with server.lock:
            self.is_active = True
            server.active += 1
            server.most_active = max(server.most_active, server.active)
            faults = server.faults[self.path]
            fault = faults.popleft() if faults else Fault()
        try:
            if server.together:
                server.together.wait(5)
            self._answer(fault)
        finally:
            with server.lock:
                self._leave()

    def _leave(self) -> None:
        if self.is_active:
            self.server.active -= 1
        self.is_active = False

    def _answer(self, fault: Fault) -> None:
        self.server.requests.append(
            Request(
                method=self.command,
                path=self.path,
                range=self.headers["Range"],
                if_range=self.headers["If-Range"],
                user_agent=self.headers["User-Agent"],
                accept_encoding=self.headers["Accept-Encoding"],
            )
        )
        file = self.server.folder / unquote(self.path).lstrip("/")
        if fault.status or not file.is_file():
            self._send(fault, fault.status or 404, {}, b"no")
            return
        content = file.read_bytes() if fault.body is None else fault.body
        headers = {"Last-Modified": formatdate(file.stat().st_mtime, usegmt=True)}
        if self.server.etags:
            headers["ETag"] = f'"{hashlib.md5(content).hexdigest()}"'
        asked = re.fullmatch(r"bytes=(\d+)-", self.headers["Range"] or "")
        current = self.headers["If-Range"] in (None, headers.get("ETag"), headers["Last-Modified"])
        if not asked or fault.ignore_range or not (current or fault.ignore_if_range):
            self._send(fault, 200, headers, content)
            return
        start = int(asked[1])
        if start >= len(content):
            self._send(fault, 416, {"Content-Range": f"bytes */{len(content)}"}, b"")
            return
        start += fault.range_shift
        headers["Content-Range"] = f"bytes {start}-{len(content) - 1}/{len(content)}"
        self._send(fault, 206, headers, content[start:])

    def _send(self, fault: Fault, status: int, headers: dict[str, str], body: bytes) -> None:
        self.send_response(status)
        length = len(body) if fault.announce is None else fault.announce
        if not fault.hide_length:
            headers = {**headers, "Content-Length": str(length)}
        for name, value in {**headers, **self.server.always, **fault.headers}.items():
            if name != "Server":
                self.send_header(name, value)
        ends = fault.hide_length or length != len(body)
        for limit in (fault.cut_after, fault.stall_after):
            if limit is not None:
                body, ends = body[:limit], True
        if ends:
            self.close_connection = True
        # A client that has its answer may ask again before this thread runs on: whoever is done is
        # taken from the active ones before another request is counted.
        with self.server.lock:
            if fault.stall_after is None:
                self._leave()
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body)
        if fault.stall_after is not None and self.command != "HEAD":
            self.server.closing.wait(30)


@contextmanager
def serving(folder: Path) -> Iterator[FileServer]:
    """Serve ``folder`` for the time of the context."""
    folder.mkdir(parents=True, exist_ok=True)
    server = FileServer(folder)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield server
    finally:
        server.closing.set()
        server.shutdown()
        thread.join()
        server.server_close()
