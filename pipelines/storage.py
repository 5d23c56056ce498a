"""Files by the same path syntax everywhere: local paths, ``gs://``, ``s3://``, ``hdfs://``.

A thin layer over Beam's FileSystems with the one promise that the stages rest on: an output file
appears whole under its name, or not at all.
"""

import errno
import hashlib
import io
import json
import os
import re
import shutil
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, BinaryIO, cast

import xxhash
from apache_beam.io.filesystem import BeamIOError, CompressionTypes
from apache_beam.io.filesystems import FileSystems
from apache_beam.options.pipeline_options import PipelineOptions

from pipelines import hdfs_files, s3_client
from pipelines.errors import UserError

s3_client.share()

_PARTIAL_SUFFIX = ".partial"
_UNFINISHED = (_PARTIAL_SUFFIX, ".part", ".part.json")
_PARTIAL_NAME = re.compile(rf"\.[0-9a-f]{{8}}{re.escape(_PARTIAL_SUFFIX)}")


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class StoredFile:
    """A file as its file system lists it: path, size in bytes, time of change in seconds."""

    path: str
    size: int
    modified: float


def configure(options: PipelineOptions) -> None:
    """Reach remote stores as Beam's options say (credentials, endpoint) from this process too."""
    FileSystems.set_options(options)


def join(folder: str, *names: str) -> str:
    """Join path components by the rules of the folder's file system."""
    return FileSystems.join(folder, *names)


def match(pattern: str) -> list[StoredFile]:
    """List the files that ``pattern`` names, sorted by path.

    ``pattern`` is a file, a glob (``*`` within a folder, ``**`` across folders) or a folder, which
    stands for all files below it. Hidden files (a name that starts with a point) are left out of
    folders, and what a run or a download has not finished everywhere. Nothing matched gives an
    empty list.
    """
    pattern = pattern.rstrip("/") or pattern
    found = _match_local(pattern) if is_local(pattern) else _match(pattern)
    if not found:
        found = [
            file
            for file in _match(join(pattern, "**"))
            if not PurePosixPath(file.path).name.startswith(".")
        ]
    return sorted(file for file in found if not file.path.endswith(_UNFINISHED))


def is_local(path: str) -> bool:
    """Tell whether a path is one of this machine's file system."""
    return "://" not in path


def _match_local(pattern: str) -> list[StoredFile]:
    # A name with brackets is a name before it is a glob.
    path = Path(pattern)
    if path.is_file():
        return [_stat(path)]
    if path.is_dir():
        files = (
            Path(folder, name)
            for folder, _, names in os.walk(path)
            for name in names
            if not name.startswith(".")
        )
        return [_stat(file) for file in files if file.is_file()]
    # Beam finds nothing below the current folder unless the pattern starts with a folder.
    rooted = pattern if path.is_absolute() else f".{os.sep}{pattern}"
    return [
        StoredFile(path=os.path.normpath(file.path), size=file.size, modified=file.modified)
        for file in _match(rooted)
        if not Path(file.path).is_dir()
    ]


def _stat(path: Path) -> StoredFile:
    found = path.stat()
    return StoredFile(path=str(path), size=found.st_size, modified=found.st_mtime)


def _match(pattern: str) -> list[StoredFile]:
    try:
        if pattern.startswith(hdfs_files.SCHEME):
            found = hdfs_files.matched(pattern)
        else:
            [result] = FileSystems.match([pattern])
            found = result.metadata_list
    except BeamIOError as error:
        raise OSError(str(error)) from error
    return [
        StoredFile(
            path=metadata.path,
            size=metadata.size_in_bytes,
            modified=metadata.last_updated_in_seconds or 0.0,
        )
        for metadata in found
    ]


def size(path: str) -> int | None:
    """Return the size of a file in bytes, or None if it is not there."""
    return int(FileSystems.get_filesystem(path).size(path)) if exists(path) else None


def exists(path: str) -> bool:
    """Tell whether a file is there."""
    try:
        return bool(FileSystems.exists(path))
    except ValueError as error:
        # Beam knows the scheme; a package for it or an option of it is missing.
        raise UserError(f"{path}: {error}") from None


class StoreError(OSError):
    """A store failed: never a fault of what a file holds, and worth another try."""

    def __init__(self, path: str, error: Exception) -> None:
        super().__init__(errno.EIO, f"the store failed: {' '.join(str(error).split())}", path)


class _RemoteFile(io.RawIOBase):
    """A file of a remote store whose every failure is a :class:`StoreError`.

    Beam's stores raise exceptions of their own, which a reader would take for damaged content.
    """

    def __init__(self, path: str, file: BinaryIO) -> None:
        self._path = path
        self._file = file

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        try:
            content = self._file.read(len(buffer))
        except Exception as error:  # every store raises errors of its own
            raise StoreError(self._path, error) from error
        buffer[: len(content)] = content
        return len(content)

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        return self._file.tell()

    def close(self) -> None:
        self._file.close()
        super().close()


class ChangedFileError(OSError):
    """A file is not what it was when it was listed, or is no longer there."""

    @classmethod
    def gone(cls, path: str) -> "ChangedFileError":
        """Return the error of a file that is no longer there."""
        return cls(errno.ENOENT, "has gone since the run listed it", path)


def expect_unchanged(file: StoredFile) -> None:
    """Look whether a file is what it was when it was listed.

    Raises:
        ChangedFileError: it has gone, or its size or time of change is another.
        StoreError: a remote store failed.
    """
    if is_local(file.path):
        try:
            changed = _stat(Path(file.path)) != file
        except FileNotFoundError:
            raise ChangedFileError.gone(file.path) from None
    else:
        there = _metadata(file.path)
        # Some stores tell whole seconds of one file, and fractions in a list.
        changed = there.size != file.size or abs(there.modified - file.modified) >= 1
    if changed:
        raise ChangedFileError(errno.ESTALE, "has changed since the run listed it", file.path)


def _metadata(path: str) -> StoredFile:
    try:
        found = FileSystems.get_filesystem(path).metadata(path)
    except Exception as error:
        raise StoreError(path, error) from error
    return StoredFile(
        path=path, size=found.size_in_bytes, modified=found.last_updated_in_seconds or 0.0
    )


def open_stored(path: str) -> BinaryIO:
    """Open a file for reading as it is stored: nothing is decompressed.

    Raises:
        StoreError: a remote store failed.
        OSError: a local file can't be opened.
    """
    if is_local(path):
        return Path(path).open("rb")
    try:
        file = FileSystems.open(path, compression_type=CompressionTypes.UNCOMPRESSED)
    except Exception as error:
        raise StoreError(path, error) from error
    return io.BufferedReader(_RemoteFile(path, file), buffer_size=1 << 20)


def read_bytes(path: str) -> bytes:
    """Return the whole content of a small file."""
    with open_stored(path) as file:
        return file.read()


def sha256(path: str) -> str:
    """Return the SHA-256 of a file, or of the names and contents of all files below a folder."""
    path = str(Path(path)) if is_local(path) else path.rstrip("/")
    files = match(path)
    if len(files) == 1 and files[0].path == path:
        with open_stored(path) as file:
            digest = hashlib.sha256()
            while block := file.read(1 << 20):
                digest.update(block)
        return digest.hexdigest()
    below = [(file.path.removeprefix(path).strip("/"), sha256(file.path)) for file in files]
    return hashlib.sha256(json.dumps(below).encode()).hexdigest()


def read_json(path: str) -> Any:
    """Return the content of a JSON file, or None if there is no such file.

    Raises:
        ValueError: if the file is there and is not JSON.
    """
    if not exists(path):
        return None
    return json.loads(read_bytes(path))


def local_copy(path: str) -> str:
    """Return a local path with the content of ``path``, for libraries that open files themselves.

    A file or folder of a remote store is fetched once a machine: its copy is named after the paths
    and sizes of what is there.
    """
    if "://" not in path:
        return path
    path = path.rstrip("/")
    files = match(path)
    listed = repr([(file.path, file.size, file.modified) for file in files])
    key = xxhash.xxh3_128_hexdigest(listed.encode())
    whole = Path(tempfile.gettempdir(), f"thresher-{key}", PurePosixPath(path).name)
    for file in files:
        copy = whole / file.path.removeprefix(path).strip("/")
        if copy.exists():
            continue
        copy.parent.mkdir(parents=True, exist_ok=True)
        partial = copy.with_name(f"{copy.name}.{uuid.uuid4().hex[:8]}")
        with open_stored(file.path) as source, partial.open("wb") as target:
            shutil.copyfileobj(source, target)
        partial.rename(copy)
    return str(whole)


def delete(path: str) -> None:
    """Delete a file if it is there, and on this machine its folder if that is empty then."""
    if is_local(path):
        # Beam's delete takes a name with brackets for a glob.
        Path(path).unlink(missing_ok=True)
        with suppress(OSError):
            Path(path).parent.rmdir()
    elif exists(path):
        FileSystems.delete([path])


def delete_partial_files(folder: str) -> None:
    """Delete what writers that were killed have left below a folder that nobody writes to now."""
    found = (
        [str(path) for path in Path(folder).rglob("*") if path.is_file()]
        if is_local(folder)
        else [file.path for file in _match(join(folder, "**"))]
    )
    for path in found:
        if _PARTIAL_NAME.search(path[-len(_PARTIAL_SUFFIX) - 9 :]):
            delete(path)


@dataclass(slots=True)
class WrittenFile:
    """What became of a file that was written: its path, size in bytes and xxh3-128 checksum."""

    path: str
    size: int = 0
    checksum: str = ""


@contextmanager
def _named(path: str) -> Iterator[None]:
    """Name the file in an error of the system, which does not say which open file it is."""
    try:
        yield
    except OSError as error:
        if error.errno is not None and error.filename is None:
            error.filename = path
        raise


class _HashingFile(io.RawIOBase):
    """Counts and hashes what goes through to the real file."""

    def __init__(self, path: str, file: BinaryIO) -> None:
        self._path = path
        self._file = file
        self._hash = xxhash.xxh3_128()
        self.size = 0

    def writable(self) -> bool:
        return True

    def write(self, content: Any) -> int:
        with _named(self._path):
            self._file.write(content)
        self._hash.update(content)
        self.size += len(content)
        return len(content)

    def tell(self) -> int:
        return self.size

    @property
    def checksum(self) -> str:
        return self._hash.hexdigest()


@contextmanager
def whole_file(path: str) -> Iterator[tuple[BinaryIO, WrittenFile]]:
    """Write a file that appears under its name only when the block ends without an error.

    Yields:
        The file to write to, and the :class:`WrittenFile` whose size and checksum are filled in
        when the block has ended.
    """
    partial = f"{path}.{uuid.uuid4().hex[:8]}{_PARTIAL_SUFFIX}"
    written = WrittenFile(path)
    file = FileSystems.create(partial, compression_type=CompressionTypes.UNCOMPRESSED)
    hashing = _HashingFile(path, file)
    try:
        yield cast(BinaryIO, hashing), written
        with _named(path):
            file.close()
        if path.startswith(hdfs_files.SCHEME):
            # It refuses to rename a file to the name of one that is there.
            delete(path)
        FileSystems.rename([partial], [path])
    except BaseException:
        # Some stores raise again on closing what they could not write; the first error is the one.
        with suppress(Exception):
            file.close()
        with suppress(Exception):
            delete(partial)
        raise
    written.size = hashing.size
    written.checksum = hashing.checksum


def write_json(path: str, content: Any) -> WrittenFile:
    """Write ``content`` as indented JSON, whole or not at all."""
    return write_text(path, json.dumps(content, indent=1, ensure_ascii=False) + "\n")


def write_compact_json(path: str, content: Any) -> WrittenFile:
    """Write ``content`` as JSON for machines, keys sorted, whole or not at all."""
    return write_text(path, json.dumps(content, sort_keys=True, separators=(",", ":")) + "\n")


def write_text(path: str, text: str) -> WrittenFile:
    """Write text as UTF-8, whole or not at all."""
    with whole_file(path) as (file, written):
        file.write(text.encode())
    return written
