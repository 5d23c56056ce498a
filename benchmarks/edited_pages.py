"""As many web pages as wanted, made by editing real ones, as an archive and as extracted text."""

import gzip
import hashlib
import json
import re
from base64 import b32encode
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random

from filters.extraction import ExtractionError, extract_text

_COPIES, _NEAR = 0.05, 0.1
# One word in 40 replaced breaks an eighth of all 5-grams: a pair's Jaccard similarity is near 0.78.
_EVERY_DISTINCT, _EVERY_NEAR = 4, 40
# Scripts and style sheets stay as they are, and so do tags.
_KEPT = re.compile(r"<script.*?</script>|<style.*?</style>|<!--.*?-->|<[^>]*>", re.S | re.I)
_WORD = re.compile(r"[^\W\d_]{3,}")


@dataclass(frozen=True)
class EditedPages:
    """Pages that depend on their number alone, with real markup and real words.

    In a page every fourth word of the text is replaced by another of the same page, so that two
    edits of one page share no 5-gram. One page in 20 is a copy of an earlier one and one in ten
    differs from an earlier one in every fortieth word.

    Args:
        originals: The pages that are edited.
    """

    originals: Sequence[str]

    def page(self, number: int) -> str:
        """Return the page of a number."""
        random = Random(f"kind {number}")  # noqa: S311
        kind = random.random()
        if number == 0 or kind >= _COPIES + _NEAR:
            return self._distinct(number)
        page = self._distinct(random.randrange(number))
        return page if kind < _COPIES else _edited(page, random, every=_EVERY_NEAR)

    def _distinct(self, number: int) -> str:
        random = Random(f"page {number}")  # noqa: S311
        page = self.originals[number % len(self.originals)]
        return _edited(page, random, every=_EVERY_DISTINCT)


def _edited(page: str, random: Random, *, every: int) -> str:
    words = _WORD.findall(_KEPT.sub(" ", page))
    if not words:
        return page
    seen = random.randrange(every)

    def replaced(match: re.Match[str]) -> str:
        nonlocal seen
        seen += 1
        return words[int(random.random() * len(words))] if seen % every == 0 else match.group()

    parts = []
    start = 0
    for tag in _KEPT.finditer(page):
        parts += [_WORD.sub(replaced, page[start : tag.start()]), tag.group()]
        start = tag.end()
    parts.append(_WORD.sub(replaced, page[start:]))
    return "".join(parts)


def url_of(number: int) -> str:
    """Return the address that the page of a number has in both files."""
    return f"https://www.example.com/pages/{number}"


def write_archive(path: Path, pages: Iterable[str]) -> None:
    """Write pages as the responses of a WARC file with the headers that Common Crawl's have."""
    with path.open("wb") as file:
        about = b"software: thresher\r\n"
        file.write(_record("warcinfo", 0, about, "Content-Type: application/warc-fields\r\n"))
        for number, page in enumerate(pages):
            body = page.encode()
            http = (
                "HTTP/1.1 200 OK\r\nDate: Sun, 01 Dec 2024 00:00:00 GMT\r\n"
                "Content-Type: text/html; charset=utf-8\r\n"
                f"Content-Length: {len(body)}\r\n\r\n"
            )
            digest = b32encode(hashlib.sha1(body, usedforsecurity=False).digest()).decode()
            headers = (
                f"WARC-Target-URI: {url_of(number)}\r\nWARC-Payload-Digest: sha1:{digest}\r\n"
                "Content-Type: application/http; msgtype=response\r\n"
            )
            file.write(_record("response", number + 1, http.encode() + body, headers))


def _record(kind: str, number: int, content: bytes, headers: str) -> bytes:
    head = (
        f"WARC/1.0\r\nWARC-Type: {kind}\r\n"
        f"WARC-Record-ID: <urn:uuid:00000000-0000-4000-8000-{number:012}>\r\n"
        f"WARC-Date: 2024-12-01T00:00:00Z\r\n{headers}Content-Length: {len(content)}\r\n\r\n"
    )
    return gzip.compress(head.encode() + content + b"\r\n\r\n", 6, mtime=0)


def write_texts(path: Path, pages: Iterable[str]) -> None:
    """Write the extracted text of pages as JSON lines: ``id``, ``url``, ``text``."""
    with gzip.GzipFile(path, "wb", mtime=0) as file:
        for number, page in enumerate(pages):
            try:
                text = extract_text(page).text
            except ExtractionError:
                continue
            if text:
                row = {"id": url_of(number), "url": url_of(number), "text": text}
                file.write(json.dumps(row, ensure_ascii=False).encode() + b"\n")
