"""What Common Crawl, Project Gutenberg and LDNOOBW offer, and at which addresses."""

import difflib
import gzip
import json
import re
import zlib
from collections.abc import Iterable
from dataclasses import dataclass

from pipelines.download import ABSENT_STATUSES, Download
from pipelines.download_folder import Candidate
from pipelines.errors import UserError
from pipelines.http_client import Client, DownloadError, TransientError

COMMON_CRAWL = "https://data.commoncrawl.org"
# The list of crawls is on the host of the index; the host of the data does not have it.
COMMON_CRAWL_LIST = "https://index.commoncrawl.org/collinfo.json"
GUTENBERG = "https://www.gutenberg.org"
# The version that mC4 was made with, and that datatrove has.
WORD_LISTS = (
    "https://raw.githubusercontent.com/LDNOOBW/"
    "List-of-Dirty-Naughty-Obscene-and-Otherwise-Bad-Words/5faf2ba42d7b1c0977169ec3611df25a3c08eb13"
)
WORD_LIST_LANGUAGES = (
    *("ar", "cs", "da", "de", "en", "eo", "es", "fa", "fi", "fil", "fr", "fr-CA-u-sd-caqc", "hi"),
    *("hu", "it", "ja", "kab", "ko", "nl", "no", "pl", "pt", "ru", "sv", "th", "tlh", "tr", "zh"),
)
# Whole years (2008-2009, 2012), then weeks of a year; and the news crawl by month.
CRAWL_NAME = re.compile(r"CC-MAIN-\d{4}(-\d{2}|-\d{4})?|CC-NEWS/\d{4}/\d{2}", re.ASCII)
# No part may begin with a point: that rules out "..", and hidden files with it.
SAFE_PATH = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._=+-]*(/[A-Za-z0-9_][A-Za-z0-9._=+-]*)*")
# Project Gutenberg's files about or of the whole collection, by what the options call them:
# https://www.gutenberg.org/ebooks/offline_catalogs.html
FEEDS = {
    "catalogue": "pg_catalog.csv.gz",
    "rdf": "rdf-files.tar.bz2",
    "weekly": "txt-files.tar.zip",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Crawl:
    """The archives of one kind of one crawl.

    Attributes:
        name: ``CC-MAIN-2024-51``, or ``CC-NEWS/2024/12``.
        kind: ``warc`` or ``wet``.
        base_url: Address of the server, without a slash at its end.
    """

    name: str
    kind: str
    base_url: str

    def first(self, count: int, *, client: Client) -> list[Download]:
        """Return the first ``count`` archives of the crawl's list.

        Raises:
            UserError: There is no such crawl, or it has no files of this kind.
            DownloadError: The list can't be had, or names a path outside the crawl.
        """
        if not CRAWL_NAME.fullmatch(self.name):
            raise UserError(self._unknown(client))
        paths = self._listed(client)[:count]
        for path in paths:
            if not self._holds(path):
                raise DownloadError(f"the server lists {path!r}, which is not of {self.name}")
        return self._downloads(paths)

    def chosen(self, paths: Iterable[tuple[str, str]], *, client: Client) -> list[Download]:
        """Return the archives of the given paths.

        Args:
            paths: Pairs of the place in the user's file and the path (or the whole address).
            client: Looks up which crawls there are if this one can't be one.

        Raises:
            UserError: A path is not of this crawl.
        """
        if not CRAWL_NAME.fullmatch(self.name):
            raise UserError(self._unknown(client))
        chosen = []
        for place, word in paths:
            path = word.removeprefix(f"{self.base_url}/")
            if not self._holds(path):
                raise UserError(f"{place}: not a path below {self._folder}")
            chosen.append(path)
        return self._downloads(chosen)

    @property
    def _folder(self) -> str:
        return f"crawl-data/{self.name}/"

    def _holds(self, path: str) -> bool:
        return path.startswith(self._folder) and SAFE_PATH.fullmatch(path) is not None

    def _downloads(self, paths: Iterable[str]) -> list[Download]:
        below = {path: path.removeprefix("crawl-data/") for path in paths}
        return [
            Download(name=name, candidates=(Candidate(url=f"{self.base_url}/{path}", path=name),))
            for path, name in below.items()
        ]

    def _listed(self, client: Client) -> list[str]:
        url = f"{self.base_url}/{self._folder}{self.kind}.paths.gz"
        try:
            content = client.retrying(lambda: client.read(url), name=url)
            paths = gzip.decompress(content).decode("ascii").split()
        except DownloadError as error:
            if error.status not in ABSENT_STATUSES:
                raise
            raise UserError(self._unknown(client)) from error
        except (gzip.BadGzipFile, EOFError, zlib.error, UnicodeDecodeError) as error:
            raise DownloadError(f"{url} is not a compressed list of paths") from error
        if not paths:
            raise DownloadError(f"{url} lists no path")
        return paths

    def _unknown(self, client: Client) -> str:
        """Say what is wrong with a crawl that has no list, and what there is instead."""
        if self.name.startswith("CC-NEWS"):
            return f"{self.name}: no {self.kind} files; name a month (CC-NEWS/2024/12), --kind warc"
        own_list = f"{self.base_url}/collinfo.json"
        url = COMMON_CRAWL_LIST if self.base_url == COMMON_CRAWL else own_list
        try:
            crawls = [str(entry["id"]) for entry in json.loads(client.read(url))]
        except (DownloadError, TransientError, ValueError, KeyError, TypeError):
            crawls = []
        if self.name in crawls:
            return f"{self.name}: this crawl has no {self.kind} files at {self.base_url}"
        near = ", ".join(difflib.get_close_matches(self.name, crawls, n=3, cutoff=0.0))
        hint = f"the nearest are {near}" if near else "the names look like CC-MAIN-2024-51"
        return f"{self.name}: no such crawl at {self.base_url}; {hint}"


def feed(name: str, *, base_url: str) -> Download:
    """Return a file of ``FEEDS``; they are replaced every day or week under the same name."""
    file = FEEDS[name]
    candidate = Candidate(url=f"{base_url}/cache/epub/feeds/{file}", path=file)
    return Download(name=file, candidates=(candidate,), changes=True)


def word_list(language: str, *, base_url: str) -> Download:
    """Return the list of banned words of one of ``WORD_LIST_LANGUAGES``."""
    candidate = Candidate(url=f"{base_url}/{language}", path=language)
    return Download(name=f"words of {language}", candidates=(candidate,))


def book(number: int, *, base_url: str) -> Download:
    """Return a book's text: the generated UTF-8 file, else the UTF-8, 8-bit or ASCII one posted.

    >>> [candidate.path for candidate in book(84, base_url=GUTENBERG).candidates]
    ['pg84.txt', '84-0.txt', '84-8.txt', '84.txt']
    """
    posted = f"{base_url}/files/{number}"
    urls = (
        f"{base_url}/cache/epub/{number}/pg{number}.txt",
        f"{posted}/{number}-0.txt",
        f"{posted}/{number}-8.txt",
        f"{posted}/{number}.txt",
    )
    candidates = tuple(Candidate(url=url, path=url.rpartition("/")[2]) for url in urls)
    return Download(name=f"book {number}", candidates=candidates)
