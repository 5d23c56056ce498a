"""Reads the members of zip and tar files as streams, and tells damage from the end.

Nothing is ever written to disk, so a member's name can lead nowhere.
"""

import itertools
import lzma
import struct
import tarfile
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import BinaryIO, Literal, Self, cast

from pipelines.readers.jsonl import STREAM_ERRORS, is_file_system_error, open_decompressed

__all__ = ["Member", "is_tar_name", "tar_members", "zip_members"]

ARCHIVE_ERRORS = (
    *STREAM_ERRORS,
    tarfile.TarError,
    zipfile.BadZipFile,
    lzma.LZMAError,
    struct.error,
    RuntimeError,  # what zipfile raises for encryption and for methods that it does not know
    LookupError,
    OverflowError,
)
TAR_SUFFIXES = (".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tbz2", ".tar.xz", ".txz", ".tar.zst")


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """One member of an archive.

    Attributes:
        index: Its place among the members, from 0; the members of a tar within a zip count from 0
            if the zip holds nothing else, and otherwise on from the last of the zip.
        name: Its path in the archive; empty where the archive itself is at fault.
        state: ``read``, ``unwanted``, ``too_long`` or ``failed``.
        content: Its bytes, if it was read.
        exception: The class name of what was raised, if it failed.
        message: What is wrong, if it failed.
    """

    index: int
    name: str
    state: Literal["read", "unwanted", "too_long", "failed"]
    content: bytes = b""
    exception: str = ""
    message: str = ""


def is_tar_name(name: str) -> bool:
    """Whether a file is a tar archive by its name."""
    return name.lower().endswith(TAR_SUFFIXES)


def zip_members(
    file: BinaryIO,
    *,
    wanted: Callable[[str], bool],
    order: Callable[[str], str],
    max_bytes: int,
) -> Iterator[Member]:
    """Yield the members of a zip, and in the place of a tar in it the members of that.

    Args:
        file: The zip, seekable.
        wanted: Whether a member of this name is to be read.
        order: Members come sorted by this key of their names.
        max_bytes: A longer member is not read.
    """
    try:
        archive = zipfile.ZipFile(file)
    except ARCHIVE_ERRORS as error:
        yield _failed(0, "", error, "not readable as a zip file")
        return
    with archive:
        infos = archive.infolist()
        in_tar = itertools.count(0 if len(infos) == 1 else len(infos))
        files = [(index, info) for index, info in enumerate(infos) if not _is_folder(info)]
        for index, info in sorted(files, key=lambda item: (order(item[1].filename), item[0])):
            if is_tar_name(info.filename):
                try:
                    with archive.open(info) as stream:
                        tar = cast(BinaryIO, stream)
                        yield from tar_members(
                            tar, wanted=wanted, max_bytes=max_bytes, count=in_tar
                        )
                except ARCHIVE_ERRORS as error:
                    yield _failed(index, info.filename, error, "not readable in the zip file")
            else:
                yield _zip_member(archive, info, index, wanted, max_bytes)


def _is_folder(info: zipfile.ZipInfo) -> bool:
    # Its own `is_dir` raises where a member has no name.
    return info.filename.endswith("/")


def _zip_member(
    archive: zipfile.ZipFile,
    info: zipfile.ZipInfo,
    index: int,
    wanted: Callable[[str], bool],
    max_bytes: int,
) -> Member:
    if not wanted(info.filename):
        return Member(index=index, name=info.filename, state="unwanted")
    if info.file_size > max_bytes:
        return Member(index=index, name=info.filename, state="too_long")
    try:
        with archive.open(info) as stream:
            # The size in the directory may be false; only what is read counts.
            content = stream.read(max_bytes + 1)
    except ARCHIVE_ERRORS as error:
        return _failed(index, info.filename, error, "the member is not readable")
    if len(content) > max_bytes:
        return Member(index=index, name=info.filename, state="too_long")
    return Member(index=index, name=info.filename, state="read", content=content)


def tar_members(
    file: BinaryIO,
    *,
    wanted: Callable[[str], bool],
    max_bytes: int,
    count: "itertools.count[int] | None" = None,
) -> Iterator[Member]:
    """Yield the members of a tar, plain or compressed, in one pass.

    Args:
        file: The tar, read from its start to its end.
        wanted: Whether a member of this name is to be read.
        max_bytes: A longer member is not read.
        count: Numbers the members.
    """
    count = count or itertools.count()
    try:
        stream = open_decompressed(file)
        with _TarFile.open(fileobj=stream, mode="r|*") as archive:
            for info in archive:
                index = next(count)
                if not info.isdir():
                    yield _tar_member(archive, info, index, wanted, max_bytes)
            if archive.damage is not None:
                yield _failed(next(count), "", archive.damage, "the tar file is cut short")
    except ARCHIVE_ERRORS as error:
        yield _failed(next(count), "", error, "the tar file is not readable from here on")


def _tar_member(
    archive: tarfile.TarFile,
    info: tarfile.TarInfo,
    index: int,
    wanted: Callable[[str], bool],
    max_bytes: int,
) -> Member:
    if not info.isfile() or not wanted(info.name):
        return Member(index=index, name=info.name, state="unwanted")
    if info.size > max_bytes:
        return Member(index=index, name=info.name, state="too_long")
    stream = archive.extractfile(info)
    content = stream.read() if stream else b""
    return Member(index=index, name=info.name, state="read", content=content)


class _TarInfo(tarfile.TarInfo):
    @classmethod
    def fromtarfile(cls, archive: tarfile.TarFile) -> Self:
        try:
            return super().fromtarfile(archive)
        except tarfile.HeaderError as error:
            if isinstance(archive, _TarFile) and type(error).__name__ != "EOFHeaderError":
                archive.damage = error
            raise


class _TarFile(tarfile.TarFile):
    """Keeps the header error at which :mod:`tarfile` ends as if the archive were complete."""

    tarinfo = _TarInfo
    damage: tarfile.HeaderError | None = None


def _failed(index: int, name: str, error: Exception, what: str) -> Member:
    if is_file_system_error(error):
        raise error
    message = " ".join(f"{what}: {error}".split())
    exception = type(error).__name__
    return Member(index=index, name=name, state="failed", exception=exception, message=message)
