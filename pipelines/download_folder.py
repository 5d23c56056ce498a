"""What a folder of downloads remembers: unfinished files, and the list of the finished ones.

A file grows as ``NAME.part`` beside ``NAME.part.json``, which says what version of the file the
bytes belong to. ``NAME`` itself appears whole or not at all. What is finished is listed in
``.thresher-fetch``, so that a second run asks no server about it.
"""

import fcntl
import json
import os
import threading
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, BinaryIO

from pipelines.http_client import DownloadError, Version

RECORD_NAME = ".thresher-fetch"


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """One address that a file may have.

    Attributes:
        url: Where it is asked for.
        path: Where it is put, relative to the destination folder, ``/`` between the parts.
    """

    url: str
    path: str


def _version_of(fields: dict[str, Any]) -> Version:
    return Version(**{key: fields.get(key) for key in ("etag", "last_modified", "length", "md5")})


class Record:
    """The list of finished files in ``.thresher-fetch``: one JSON object a line.

    Args:
        folder: The destination folder. It exists.
    """

    def __init__(self, folder: Path) -> None:
        self._file = folder / RECORD_NAME
        self._lock = threading.Lock()
        self._versions: dict[str, Version] = {}
        if not self._file.exists():
            return
        for line in self._file.read_text(encoding="utf-8", errors="replace").splitlines():
            # A run that was killed may leave half a line: that file is asked about again.
            with suppress(json.JSONDecodeError, KeyError, TypeError):
                entry = json.loads(line)
                self._versions[entry["path"]] = _version_of(entry)

    def version(self, path: str) -> Version | None:
        """Return the version of the finished file at ``path``, None if there is no note of it."""
        return self._versions.get(path)

    def add(self, candidate: Candidate, version: Version) -> None:
        """Note that the file of ``candidate`` is whole."""
        entry = {"path": candidate.path, "url": candidate.url, **asdict(version)}
        with self._lock:
            self._versions[candidate.path] = version
            # The newline comes first so that half a line of a killed run spoils only itself.
            with self._file.open("a", encoding="utf-8") as file:
                file.write("\n" + json.dumps(entry))


class Part:
    """The unfinished file of one candidate and the note of its version.

    Args:
        target: Where the finished file goes.
        url: Where its bytes come from; a part that came from elsewhere is not continued.
    """

    def __init__(self, target: Path, *, url: str) -> None:
        self.target = target
        self._url = url
        self.path = target.with_name(target.name + ".part")
        self._note = target.with_name(target.name + ".part.json")

    @property
    def size(self) -> int:
        """Bytes that are here; 0 if there is no part."""
        return self.path.stat().st_size if self.path.exists() else 0

    def version(self) -> Version | None:
        """Return the version that the bytes belong to; None if they can't be continued."""
        try:
            note = json.loads(self._note.read_text(encoding="utf-8"))
            version = _version_of(note)
            return version if note["url"] == self._url and version.validator else None
        except (FileNotFoundError, json.JSONDecodeError, KeyError, TypeError, AttributeError):
            return None

    def restart(self, file: BinaryIO, version: Version) -> None:
        """Throw away the bytes and note the version of those to come."""
        file.seek(0)
        file.truncate()
        note = {"url": self._url, **asdict(version)}
        self._note.write_text(json.dumps(note), encoding="utf-8")

    def drop(self) -> None:
        """Throw away the bytes and the note."""
        self.path.unlink(missing_ok=True)
        self._note.unlink(missing_ok=True)

    def open(self) -> BinaryIO:
        """Open the part to append to it, for this process and file alone.

        Raises:
            DownloadError: Somebody else has it open.
        """
        self.path.parent.mkdir(parents=True, exist_ok=True)
        file = self.path.open("ab")
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            # Between the two calls the other run may have moved the file to its target.
            if os.path.samestat(os.fstat(file.fileno()), self.path.stat()):
                return file
        except (BlockingIOError, FileNotFoundError):
            pass
        file.close()
        raise DownloadError(f"another run is fetching {self.target}")

    def finish(self, file: BinaryIO) -> None:
        """Move the whole part to its target in one step that a crash can't halve."""
        file.flush()
        os.fsync(file.fileno())
        self.path.replace(self.target)
        self._note.unlink(missing_ok=True)
