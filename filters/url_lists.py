"""Lists of domains and pages of the web, of any length, and whether an address is on one.

A list of millions is kept as sorted 64-bit hashes: eight bytes an entry, made once for a content,
kept in the user's cache folder and mapped into memory from there, so that all threads and
processes of a machine share one copy.
"""

import gzip
import itertools
import logging
import re
import tarfile
import threading
import uuid
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import BinaryIO, Literal, cast
from urllib.parse import urlsplit

import numpy as np
import numpy.typing as npt
import platformdirs
import xxhash

Hashes = npt.NDArray[np.uint64]

# A block of lines is read, hashed and forgotten: a list of 120 MB passes through 1 MB at a time.
_BLOCK_BYTES = 1 << 20
# Below this a list is read faster than its cache file is found.
_CACHED_FROM_BYTES = 1 << 20
# Comments, URLs, ports, names, and points that are not between two labels.
_NOT_BARE = (b"#", b"/", b":", b"@", b".\n", b".\r", b"\n.", b" ", b"\t")
_SCHEME = re.compile(r"(?:[A-Za-z][A-Za-z0-9+.-]*:)?//")
_LOADED: dict[str, "UrlList"] = {}
_LOADING = threading.Lock()


@dataclass(frozen=True)
class Address:
    """The parts of a URL that lists go by.

    Attributes:
        host: In lower case and without port, an international name in its ASCII form; empty if
            there is none.
        path: Without slashes at its ends.
        query: What follows the question mark; empty if there is none.

    >>> Address.of("https://me@www.Example.com:8080/a/b/?page=2#top")
    Address(host='www.example.com', path='a/b', query='page=2')
    """

    host: str
    path: str = ""
    query: str = ""

    @classmethod
    def of(cls, url: str) -> "Address":
        """Take a URL apart; it may lack its scheme, as an entry of a list does."""
        url = url.strip()
        try:
            parts = urlsplit(url if _SCHEME.match(url) else f"//{url}")
            host = parts.hostname or ""
        except ValueError:
            return cls(host="")
        return cls(host=_ascii(host.strip(". \t")), path=parts.path.strip("/"), query=parts.query)

    @cached_property
    def domains(self) -> tuple[str, ...]:
        """The host and the domains that it lies in.

        >>> Address.of("https://a.b.example.com/").domains
        ('a.b.example.com', 'b.example.com', 'example.com', 'com')
        """
        labels = self.host.split(".")
        return tuple(".".join(labels[first:]) for first in range(len(labels)) if self.host)

    @cached_property
    def pages(self) -> tuple[str, ...]:
        """The forms in which a list may name the page: without `www.`, without its query."""
        hosts = dict.fromkeys((self.host, self.host.removeprefix("www.")))
        paths = dict.fromkeys((self.path, f"{self.path}?{self.query}" if self.query else self.path))
        return tuple(f"{host}/{path}" for host in hosts for path in paths if host)

    @property
    def page(self) -> str:
        """The page as an entry of a list names it."""
        return f"{self.host}/{self.path}" + (f"?{self.query}" if self.query else "")


def _ascii(host: str) -> str:
    host = host.lower()
    if host.isascii():
        return host
    try:
        return host.encode("idna").decode()
    except UnicodeError:
        return host


class UrlList:
    """Domains and pages; a domain stands for all hosts below it, a page for itself.

    Entries and addresses are compared by 64-bit hashes. An address is looked up in some six
    forms, so with the 4.6 million entries of the adult list the odds that a page is taken for
    another are 6 · 4.6·10⁶ / 2⁶⁴, one in 7·10¹¹.

    Args:
        hashes: XXH3 (64 bits) of each entry, ascending.

    >>> blocked = UrlList.of(domains=["example.com"], pages=["http://b.org/a/"])
    >>> blocked.covers(Address.of("https://ads.Example.com:8080/x"))
    True
    >>> blocked.covers(Address.of("https://notexample.com/"))
    False
    >>> blocked.covers(Address.of("https://www.b.org/a?page=2"))
    True
    """

    def __init__(self, hashes: Hashes) -> None:
        self._hashes = hashes

    @classmethod
    def of(cls, *, domains: Iterable[str] = (), pages: Iterable[str] = ()) -> "UrlList":
        """Make a list of lines; empty ones and those that begin with ``#`` are no entries."""
        return cls(
            _sorted(
                [
                    _hashes(_entry(line, "domains") for line in domains),
                    _hashes(_entry(line, "urls") for line in pages),
                ]
            )
        )

    def __len__(self) -> int:
        return self._hashes.size

    def covers(self, address: Address) -> bool:
        """Tell whether the page, its host or a domain that it lies in is on the list."""
        if not self._hashes.size:
            return False
        wanted = _hashes((*address.domains, *address.pages))
        places = np.searchsorted(self._hashes, wanted)
        return bool((self._hashes[np.minimum(places, self._hashes.size - 1)] == wanted).any())


@dataclass(frozen=True, kw_only=True)
class ListFile:
    """A file of a list: an entry a line, plain, gzipped, or a member of a ``.tar.gz``.

    Attributes:
        path: The file.
        kind: What its entries are, by the names of UT1's files.
        member: The name inside the archive, if it is one.
    """

    path: Path
    kind: Literal["domains", "urls"]
    member: str = ""

    @contextmanager
    def _opened(self) -> Iterator[BinaryIO]:
        if self.member:
            with tarfile.open(self.path, "r:gz") as archive:
                yield cast(BinaryIO, archive.extractfile(self.member))
        elif self.path.suffix == ".gz":
            with gzip.open(self.path) as file:
                yield cast(BinaryIO, file)
        else:
            with self.path.open("rb") as file:
                yield file

    def hashes(self) -> list[Hashes]:
        """Read the file.

        Returns:
            The hashes of its entries, in blocks.

        Raises:
            ValueError: The file is no UTF-8 text, or its compression is broken.
        """
        try:
            with self._opened() as file:
                # Whole lines: to the end of a block and on to the end of its last line.
                blocks = iter(lambda: file.read(_BLOCK_BYTES) + file.readline(), b"")
                return [_hashes(_entries(block, self.kind)) for block in blocks]
        except UnicodeDecodeError:
            raise ValueError(f"{self.path}: not UTF-8 text; save the list as UTF-8") from None
        except (EOFError, gzip.BadGzipFile, tarfile.TarError) as error:
            raise ValueError(f"{self.path}: {error}; fetch the list again") from None


def load(files: Sequence[ListFile]) -> UrlList:
    """Return the list that some files hold together, from memory or from the cache if it is there.

    Raises:
        ValueError: A file is no list, or none holds an entry.
        OSError: A file can't be read.
    """
    with _LOADING:
        digest = _digest(files)
        if digest not in _LOADED:
            _LOADED[digest] = UrlList(_kept(files, digest))
        entries = _LOADED[digest]
    if not len(entries):
        raise ValueError(f"{files[0].path}: no line of it names a domain or a page")
    return entries


def _digest(files: Sequence[ListFile]) -> str:
    digest = xxhash.xxh3_128()
    for file in files:
        digest.update(f"{file.kind} {file.member}\n".encode())
        with file.path.open("rb") as content:
            while block := content.read(_BLOCK_BYTES):
                digest.update(block)
    return digest.hexdigest()


def _kept(files: Sequence[ListFile], digest: str) -> Hashes:
    """Return the hashes of the files from their cache file, or make both."""
    size = sum(file.path.stat().st_size for file in files)
    if size < _CACHED_FROM_BYTES:
        return _read(files)
    cache = Path(platformdirs.user_cache_dir("thresher"), "url-lists", f"{digest}.npy")
    try:
        return _mapped(cache)
    except (OSError, ValueError, EOFError):
        hashes = _read(files)
    partial = cache.with_name(f"{cache.name}.{uuid.uuid4().hex[:8]}")
    try:
        cache.parent.mkdir(parents=True, exist_ok=True)
        with partial.open("wb") as file:
            np.save(file, hashes)
        partial.replace(cache)
        return _mapped(cache)
    except OSError as error:
        with suppress(OSError):
            partial.unlink()
        logging.getLogger(__name__).warning(
            "%s: can't be written (%s); each process makes the list anew, which takes seconds",
            cache,
            error.strerror,
        )
        return hashes


def _mapped(cache: Path) -> Hashes:
    # Without the wrapper of a memory map a look-up takes half the time.
    return np.asarray(np.load(cache, mmap_mode="r", allow_pickle=False))


def _read(files: Sequence[ListFile]) -> Hashes:
    return _sorted(itertools.chain.from_iterable(file.hashes() for file in files))


def _sorted(blocks: Iterable[Hashes]) -> Hashes:
    hashes = np.concatenate([np.empty(0, np.uint64), *blocks])
    hashes.sort()
    return hashes


def _hashes(entries: Iterable[str | bytes]) -> Hashes:
    return np.array(
        [
            xxhash.xxh3_64_intdigest(
                entry.encode("utf-8", "surrogatepass") if isinstance(entry, str) else entry
            )
            for entry in entries
            if entry
        ],
        np.uint64,
    )


def _entries(block: bytes, kind: Literal["domains", "urls"]) -> Iterable[str | bytes]:
    # Of bare domains there are millions, and one look at a block tells that there is no more to it.
    lines = b"\n" + block + b"\n"
    if kind == "domains" and block.isascii() and not any(mark in lines for mark in _NOT_BARE):
        return block.lower().split()
    return [_entry(line, kind) for line in block.decode().splitlines()]


def _entry(line: str, kind: Literal["domains", "urls"]) -> str:
    if not line.strip() or line.startswith("#"):
        return ""
    address = Address.of(line)
    return address.host if kind == "domains" else address.page
