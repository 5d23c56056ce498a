"""Good records, which must come out whatever stands around them."""

import gzip
from pathlib import Path

from reliability.hostile_case import Expected
from reliability.made_archives import page, record

TEXT = (
    "The pilot boat went out before dawn, for the tide would turn at six. Nobody on the quay had"
    " slept. The harbour master wrote the names of the ships into his book, as he had done for"
    " thirty years. When the fog lifted, eleven of them lay at anchor beyond the mole. One was"
    " missing, and the women of the town counted the masts again and again."
)


def good(number: int, *, of: str, expected: Expected | None = None) -> bytes:
    """Return a record that must come out, and expect it."""
    url = f"https://good.example/{of}/{number}"
    if expected is not None:
        expected.add(url)
    return record(page(f"{TEXT} This is page {number} of {of}."), url=url)


def gzip_member(content: bytes) -> bytes:
    """Return a gzip member of a record."""
    return gzip.compress(content, 6, mtime=0)


def between(folder: Path, name: str, hostile: list[bytes], *, compressed: bool) -> Expected:
    """Write an archive in which each hostile record stands between two good ones."""
    expected = Expected()
    parts = [good(0, of=name, expected=expected)]
    for number, part in enumerate(hostile, start=1):
        parts += [part, good(number, of=name, expected=expected)]
    suffix = ".warc.gz" if compressed else ".warc"
    with (folder / f"{name}{suffix}").open("wb") as file:
        for part in parts:
            # A part that is compressed already is a member by itself.
            is_raw = not compressed or part.startswith((b"\x1f\x8b", b"raw:"))
            file.write(part.removeprefix(b"raw:") if is_raw else gzip_member(part))
    return expected


def both(folder: Path, name: str, hostile: list[bytes]) -> Expected:
    """Write such an archive without compression and one with it."""
    expected = between(folder, f"{name}-plain", hostile, compressed=False)
    other = between(folder, f"{name}-gzip", hostile, compressed=True)
    return Expected(expected.documents | other.documents, at_least_left_out=0)
