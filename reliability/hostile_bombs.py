"""Small inputs that hold a great deal, and records as large as they say."""

import gzip
import os
import zlib
from pathlib import Path

import brotli
import zstandard

from reliability.good_records import between, good
from reliability.hostile_case import MEGABYTE, Expected, Scale, case
from reliability.made_archives import record, response


def deflated_zeros(size: int, *, before: bytes = b"", after: bytes = b"", wbits: int) -> bytes:
    """Return zeros compressed by zlib, with what may stand before and after them."""
    compressor = zlib.compressobj(9, zlib.DEFLATED, wbits)
    parts = [compressor.compress(before)]
    block = bytes(MEGABYTE)
    parts += [compressor.compress(block) for _ in range(size // MEGABYTE)]
    return b"".join([*parts, compressor.compress(after), compressor.flush()])


@case("warc")
def _gzip_bomb(folder: Path, scale: Scale) -> Expected:
    """Members and bodies of a megabyte that hold a gigabyte: gzip, deflate, brotli, zstd."""
    size = scale.bomb_bytes
    before, after = _zeros_record(size, name="bomb")
    member = deflated_zeros(size, before=before, after=after, wbits=31)
    hostile = [member]
    for coding, body in (
        ("gzip", deflated_zeros(size, wbits=31)),
        ("deflate", deflated_zeros(size, wbits=15)),
        ("br", _brotli_zeros(size)),
        ("zstd", _zstd_zeros(size)),
    ):
        headers = f"Content-Type: text/html\r\nContent-Encoding: {coding}"
        hostile.append(record(body, url=f"https://hostile.example/{coding}", headers=headers))
    expected = between(folder, "bombs", hostile, compressed=True)
    # A bomb in a bomb, and a whole file that is one.
    twice = gzip.compress(deflated_zeros(size, wbits=31), mtime=0)
    (folder / "twice.warc.gz").write_bytes(twice)
    (folder / "zstd.warc.zst").write_bytes(_zstd_zeros(size))
    expected.at_least_left_out = len(hostile)
    return expected


def _zeros_record(size: int, *, name: str) -> tuple[bytes, bytes]:
    """Return what stands before and after the zeros of a record that holds ``size`` of them."""
    head = response(b"")
    whole = record(b"", url=f"https://hostile.example/{name}", length=len(head) + size)
    return whole[: whole.index(b"\r\n\r\n") + 4] + head, b"\r\n\r\n"


def _brotli_zeros(size: int) -> bytes:
    compressor = brotli.Compressor(quality=5)
    block = bytes(MEGABYTE)
    parts = [compressor.process(block) for _ in range(size // MEGABYTE)]
    return b"".join([*parts, compressor.finish()])


def _zstd_zeros(size: int) -> bytes:
    compressor = zstandard.ZstdCompressor(level=3).compressobj()
    block = bytes(MEGABYTE)
    parts = [compressor.compress(block) for _ in range(size // MEGABYTE)]
    return b"".join([*parts, compressor.flush()])


@case("warc")
def _large_record(folder: Path, scale: Scale) -> Expected:
    """A record that really is as large as it says, without compression: it is stepped over."""
    expected = Expected(at_least_left_out=1)
    before, after = _zeros_record(scale.bomb_bytes, name="large")
    with (folder / "large.warc").open("wb") as file:
        file.write(good(0, of="large", expected=expected) + before)
        # A hole in the file: it reads as zeros and takes no space.
        file.seek(scale.bomb_bytes, os.SEEK_CUR)
        file.write(after + good(1, of="large", expected=expected))
    return expected
