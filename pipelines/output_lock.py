"""One run at a time writes to an output: the second is refused before it changes anything.

On a file system the lock is the kernel's, so that it goes with the process that holds it, however
that ends. An object store has no such lock: there the holder renews a small object, and one that is
not renewed any more is taken over. Nobody's clock is compared with another's: whoever finds the
object watches it for longer than a holder takes to renew it.
"""

import errno
import fcntl
import json
import os
import socket
import threading
import time
import uuid
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self

from pipelines import hdfs_files, storage
from pipelines.errors import UserError

RENEWAL_SECONDS = 10.0
"""How often the holder renews its object in a store."""

PATIENCE_SECONDS = 35.0
"""How long an object in a store is watched until its holder is taken for dead.

Longer than three renewals: one may be late and one may fail.
"""

_NO_WRITING = (errno.EACCES, errno.EPERM, errno.EROFS)


class OutputLock:
    """The right to write to an output folder, from :meth:`acquire` to the end of the block.

    Args:
        output: The output folder.
        tell: Called with a line for the user when taking the lock will last.
        renewal_seconds: See :data:`RENEWAL_SECONDS`.
        patience_seconds: See :data:`PATIENCE_SECONDS`.
    """

    def __init__(
        self,
        output: str,
        *,
        tell: Callable[[str], object] = lambda _: None,
        renewal_seconds: float = RENEWAL_SECONDS,
        patience_seconds: float = PATIENCE_SECONDS,
    ) -> None:
        self._output = output
        self._path = storage.join(output, "manifests", ".lock")
        self._tell = tell
        self._renewal_seconds = renewal_seconds
        self._patience_seconds = patience_seconds
        self._descriptor: int | None = None
        self._renewing: _Renewal | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.release()

    def is_held(self) -> bool:
        """Tell whether this object holds the lock."""
        return self._descriptor is not None or self._renewing is not None

    def acquire(self) -> None:
        """Take the lock, if this object does not hold it already.

        A folder that can't be written to is left unlocked: nobody can change it.

        Raises:
            UserError: another run holds it.
        """
        if self.is_held():
            return
        if storage.is_local(self._path):
            self._acquire_file()
        else:
            self._acquire_object()
        if self.is_held():
            # Nobody is writing now: what is partial stays so.
            storage.delete_partial_files(self._output)

    def release(self) -> None:
        """Give the lock back, if this object holds it."""
        if self._descriptor is not None:
            # Before it is unlocked: whoever waits for this file finds that it is no longer there.
            path = Path(self._path)
            path.unlink(missing_ok=True)
            with suppress(OSError):  # whoever took the lock may have written nothing
                path.parent.rmdir()
                Path(self._output).rmdir()
            os.close(self._descriptor)
            self._descriptor = None
        if self._renewing is not None:
            self._renewing.stop()
            self._renewing = None

    def _acquire_file(self) -> None:
        path = Path(self._path)
        while self._descriptor is None:
            try:
                path.parent.mkdir(parents=True, exist_ok=True)
            except OSError as error:
                self._expect_no_writing(error)
                return
            try:
                descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
            except FileNotFoundError:
                continue  # a run that ends has deleted the folder
            except OSError as error:
                self._expect_no_writing(error)
                return
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                told = os.read(descriptor, 4096)
                os.close(descriptor)
                raise self._refusal(told) from None
            if _is_still(path, descriptor):
                os.ftruncate(descriptor, 0)
                os.write(descriptor, _about_this_run())
                self._descriptor = descriptor
            else:
                os.close(descriptor)

    def _expect_no_writing(self, error: OSError) -> None:
        if error.errno not in _NO_WRITING:
            raise UserError(f"{self._output} (output): can't be written: {error}") from None

    def _acquire_object(self) -> None:
        self._watch()
        renewal = _Renewal(self._path, self._renewal_seconds)
        renewal.renew()
        # Of two that begin at once the last to write has it, and the other finds that out here.
        time.sleep(min(1.0, self._renewal_seconds / 2))
        if not renewal.is_mine():
            raise self._refusal(_content(self._path))
        renewal.start()
        self._renewing = renewal

    def _watch(self) -> None:
        """Wait until there is no object, or none that is renewed."""
        first_seen = seen = self._seen()
        if first_seen is not None:
            self._tell(
                f"{self._output}: there is the lock of a run that may have been killed;"
                f" watching it for {self._patience_seconds:g} s"
            )
        deadline = time.monotonic() + self._patience_seconds
        while seen is not None and time.monotonic() < deadline:
            time.sleep(min(1.0, self._patience_seconds / 10))
            seen = self._seen()
            if seen not in (None, first_seen):
                raise self._refusal(seen)

    def _seen(self) -> bytes | None:
        """Return what the object holds, or None: on HDFS only if a second look finds none too."""
        content = _content(self._path)
        if content is None and self._path.startswith(hdfs_files.SCHEME):
            # To renew it there, its holder deletes it before it renames the next to its name.
            time.sleep(min(1.0, self._renewal_seconds / 2))
            content = _content(self._path)
        return content

    def _refusal(self, told: bytes | None) -> UserError:
        try:
            holder: dict[str, Any] = json.loads(told or b"{}")
            who = f" (process {holder['process']} on {holder['host']}, since {holder['since']})"
        except (ValueError, KeyError, TypeError):
            who = ""
        return UserError(
            f"{self._output} (output): another run{who} is writing there; wait until it ends, or"
            " choose another output"
        )


class _Renewal(threading.Thread):
    """Renews the holder's object until it is stopped."""

    def __init__(self, path: str, seconds: float) -> None:
        super().__init__(name="output-lock", daemon=True)
        self._path = path
        self._seconds = seconds
        self._key = uuid.uuid4().hex
        self._count = 0
        self._stopped = threading.Event()

    def renew(self) -> None:
        """Write the object anew."""
        self._count += 1
        storage.write_text(self._path, _about_this_run(key=self._key, renewed=self._count).decode())

    def is_mine(self) -> bool:
        """Whether nobody else has written the object."""
        with suppress(ValueError, TypeError):
            return bool(json.loads(_content(self._path) or b"{}").get("key") == self._key)
        return False

    def run(self) -> None:
        """Renew until :meth:`stop`; a renewal that fails is tried again at the next turn."""
        while not self._stopped.wait(self._seconds):
            with suppress(Exception):
                self.renew()

    def stop(self) -> None:
        """End the renewals and delete the object."""
        self._stopped.set()
        self.join()
        if self.is_mine():
            storage.delete(self._path)


def _content(path: str) -> bytes | None:
    try:
        return storage.read_bytes(path) if storage.exists(path) else None
    except storage.StoreError:
        if storage.exists(path):
            raise
        return None  # its holder has ended between the two


def _is_still(path: Path, descriptor: int) -> bool:
    """Whether the open file is the one of this path: a holder that ends deletes it."""
    try:
        return os.path.samestat(path.stat(), os.fstat(descriptor))
    except FileNotFoundError:
        return False


def _about_this_run(**further: Any) -> bytes:
    since = datetime.now(UTC).isoformat(timespec="seconds")
    about = {"process": os.getpid(), "host": socket.gethostname(), "since": since, **further}
    return json.dumps(about).encode()
