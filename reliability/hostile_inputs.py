"""Makes hostile inputs of every kind that a crawl or a careless copy may hold.

Each case writes its files into a folder and says which good records around the hostile ones must
come out. Nothing is kept in the repository: the bytes are made when they are needed, the same each
time.
"""

import encodings.aliases
import gzip
import json
import os
import random
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from typing import Literal

import brotli
import pyarrow as pa
import pyarrow.parquet as pq
import zstandard

from reliability.made_archives import page, record, response

_TEXT = (
    "The pilot boat went out before dawn, for the tide would turn at six. Nobody on the quay had"
    " slept. The harbour master wrote the names of the ships into his book, as he had done for"
    " thirty years. When the fog lifted, eleven of them lay at anchor beyond the mole. One was"
    " missing, and the women of the town counted the masts again and again."
)
_MEGABYTE = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Scale:
    """How large the cases are that can have any size."""

    bomb_bytes: int = 1 << 30
    line_bytes: int = 50_000_000
    tiny_records: int = 1_000_000
    depth: int = 100_000
    damaged_files: int = 150
    archive_records: int = 120


LONG = Scale()
SHORT = Scale(
    bomb_bytes=1 << 26,
    line_bytes=2_000_000,
    tiny_records=5_000,
    depth=100_000,
    damaged_files=12,
    archive_records=12,
)


@dataclass(slots=True)
class Expected:
    """What must come of a case.

    Attributes:
        documents: Addresses, or ids where the format has no addresses, that must be scored; each
            with how often.
        at_least_left_out: How many records at least must be told of in errors/ and gated/.
    """

    documents: dict[str, int] = field(default_factory=dict)
    at_least_left_out: int = 0

    def add(self, name: str) -> None:
        """Expect a document."""
        self.documents[name] = self.documents.get(name, 0) + 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A kind of hostile input.

    Attributes:
        name: Its name.
        format: The format of the recipe's input that it is read as.
        make: Writes its files below a folder.
    """

    name: str
    format: Literal["warc", "gutenberg", "jsonl", "parquet"]
    make: Callable[[Path, Scale], Expected]


CASES: list[Case] = []


def _case(
    kind: Literal["warc", "gutenberg", "jsonl", "parquet"],
) -> Callable[[Callable[[Path, Scale], Expected]], Callable[[Path, Scale], Expected]]:
    def register(make: Callable[[Path, Scale], Expected]) -> Callable[[Path, Scale], Expected]:
        CASES.append(Case(name=make.__name__.removeprefix("_"), format=kind, make=make))
        return make

    return register


def _good(number: int, *, of: str, expected: Expected | None = None) -> bytes:
    url = f"https://good.example/{of}/{number}"
    if expected is not None:
        expected.add(url)
    return record(page(f"{_TEXT} This is page {number} of {of}."), url=url)


def _member(content: bytes) -> bytes:
    return gzip.compress(content, 6, mtime=0)


def _between(folder: Path, name: str, hostile: list[bytes], *, compressed: bool) -> Expected:
    """Write an archive in which each hostile record stands between two good ones."""
    expected = Expected()
    parts = [_good(0, of=name, expected=expected)]
    for number, part in enumerate(hostile, start=1):
        parts += [part, _good(number, of=name, expected=expected)]
    suffix = ".warc.gz" if compressed else ".warc"
    with (folder / f"{name}{suffix}").open("wb") as file:
        for part in parts:
            # A part that is compressed already is a member by itself.
            is_raw = not compressed or part.startswith((b"\x1f\x8b", b"raw:"))
            file.write(part.removeprefix(b"raw:") if is_raw else _member(part))
    return expected


def _both(folder: Path, name: str, hostile: list[bytes]) -> Expected:
    expected = _between(folder, f"{name}-plain", hostile, compressed=False)
    other = _between(folder, f"{name}-gzip", hostile, compressed=True)
    return Expected(expected.documents | other.documents, at_least_left_out=0)


def _archive(of: str, count: int) -> list[bytes]:
    return [_good(number, of=of) for number in range(count)]


@_case("warc")
def _truncated_gzip(folder: Path, scale: Scale) -> Expected:
    """An archive cut at every 1,000th byte: the members before the cut come out."""
    expected = Expected()
    members = [_member(part) for part in _archive("truncated-gzip", scale.archive_records)]
    whole = b"".join(members)
    for number, stop in enumerate(range(1_000, len(whole), 1_000)):
        (folder / f"cut-{number:04}.warc.gz").write_bytes(whole[:stop])
        end = 0
        for place, member in enumerate(members):
            end += len(member)
            if end <= stop:
                expected.add(f"https://good.example/truncated-gzip/{place}")
    return expected


@_case("warc")
def _truncated_plain(folder: Path, scale: Scale) -> Expected:
    """The same without compression, cut at every 1,000th byte."""
    expected = Expected()
    parts = _archive("truncated-plain", scale.archive_records)
    whole = b"".join(parts)
    for number, stop in enumerate(range(1_000, len(whole), 1_000)):
        (folder / f"cut-{number:04}.warc").write_bytes(whole[:stop])
        end = 0
        for place, part in enumerate(parts):
            end += len(part)
            if end <= stop:
                expected.add(f"https://good.example/truncated-plain/{place}")
    return expected


@_case("warc")
def _flipped_bytes(folder: Path, scale: Scale) -> Expected:
    """One byte of an archive is another: the members without it come out."""
    expected, source = Expected(), random.Random(1)
    members = [_member(part) for part in _archive("flipped", scale.archive_records)]
    whole = b"".join(members)
    for number in range(scale.damaged_files):
        at = source.randrange(len(whole))
        damaged = bytearray(whole)
        damaged[at] ^= 1 << source.randrange(8)
        (folder / f"flipped-{number:04}.warc.gz").write_bytes(damaged)
        end = 0
        for place, member in enumerate(members):
            start, end = end, end + len(member)
            if not start <= at < end:
                expected.add(f"https://good.example/flipped/{place}")
    return expected


@_case("warc")
def _wrong_lengths(folder: Path, scale: Scale) -> Expected:
    """A declared length that is too short, too long, missing, none, or 2 GB and more."""
    lengths: list[int | str] = [0, 1, 17, 100_000, 1 << 31, 10**17, 10**30, -1, "", "many", "1e3"]
    body = page(f"{_TEXT} Its length is wrong.")
    hostile = [
        record(body, url=f"https://hostile.example/length/{place}", length=length)
        for place, length in enumerate(lengths)
    ]
    missing = record(body, url="https://hostile.example/no-length")
    at = missing.rindex(b"Content-Length: ", 0, missing.index(b"HTTP/1.1"))
    hostile.append(missing[:at] + missing[missing.index(b"\r\n", at) + 2 :])
    return _both(folder, "lengths", hostile)


@_case("warc")
def _cut_members(folder: Path, scale: Scale) -> Expected:
    """Compressed members that end early, the next one following at once."""
    whole = _member(_good(0, of="cut"))
    cuts = [whole[:stop] for stop in (10, 11, 20, len(whole) // 2, len(whole) - 8, len(whole) - 1)]
    return _between(folder, "cut-members", cuts, compressed=True)


@_case("warc")
def _garbage(folder: Path, scale: Scale) -> Expected:
    """Foreign bytes between the records, some of them much like a record's beginning."""
    source = random.Random(2)
    noise = source.randbytes(200_000)
    hostile = [
        noise,
        b"WARC/1.0\r\n" * 10_000,
        b"WARC/1.0\r\nWARC-Type: response\r\n" + b"X: " + b"y" * 300_000 + b"\r\n\r\n",
        b"\0" * 100_000,
        b"\x1f\x8b\x08" + noise[:5_000],
        b"\x28\xb5\x2f\xfd" + noise[:5_000],
        b"\x04\x22\x4d\x18" + noise[:5_000],
        b"PK\x03\x04" + noise[:5_000],
        b"<html><p>no archive</p></html>" * 100,
    ]
    return _between(folder, "garbage", [b"raw:" + part for part in hostile], compressed=True)


@_case("warc")
def _garbage_alone(folder: Path, scale: Scale) -> Expected:
    """Files of nothing but foreign bytes, and empty ones, beside a good archive."""
    expected, source = Expected(), random.Random(3)
    starts = (b"", b"\x1f\x8b\x08\0", b"\x28\xb5\x2f\xfd", b"\x04\x22\x4d\x18", b"PK\x03\x04")
    for number, start in enumerate(starts):
        (folder / f"noise-{number}.warc.gz").write_bytes(start + source.randbytes(50_000))
    (folder / "empty.warc.gz").write_bytes(b"")
    (folder / "good.warc.gz").write_bytes(_member(_good(0, of="alone", expected=expected)))
    expected.at_least_left_out = len(starts)
    return expected


def _deflated_zeros(size: int, *, before: bytes = b"", after: bytes = b"", wbits: int) -> bytes:
    compressor = zlib.compressobj(9, zlib.DEFLATED, wbits)
    parts = [compressor.compress(before)]
    block = bytes(_MEGABYTE)
    parts += [compressor.compress(block) for _ in range(size // _MEGABYTE)]
    return b"".join([*parts, compressor.compress(after), compressor.flush()])


def _zeros_record(size: int, *, name: str) -> tuple[bytes, bytes]:
    """Return what stands before and after the zeros of a record that holds ``size`` of them."""
    head = response(b"")
    whole = record(b"", url=f"https://hostile.example/{name}", length=len(head) + size)
    return whole[: whole.index(b"\r\n\r\n") + 4] + head, b"\r\n\r\n"


@_case("warc")
def _gzip_bomb(folder: Path, scale: Scale) -> Expected:
    """Members and bodies of a megabyte that hold a gigabyte: gzip, deflate, brotli, zstd."""
    size = scale.bomb_bytes
    before, after = _zeros_record(size, name="bomb")
    member = _deflated_zeros(size, before=before, after=after, wbits=31)
    hostile = [member]
    for coding, body in (
        ("gzip", _deflated_zeros(size, wbits=31)),
        ("deflate", _deflated_zeros(size, wbits=15)),
        ("br", _brotli_zeros(size)),
        ("zstd", _zstd_zeros(size)),
    ):
        headers = f"Content-Type: text/html\r\nContent-Encoding: {coding}"
        hostile.append(record(body, url=f"https://hostile.example/{coding}", headers=headers))
    expected = _between(folder, "bombs", hostile, compressed=True)
    # A bomb in a bomb, and a whole file that is one.
    twice = gzip.compress(_deflated_zeros(size, wbits=31), mtime=0)
    (folder / "twice.warc.gz").write_bytes(twice)
    (folder / "zstd.warc.zst").write_bytes(_zstd_zeros(size))
    expected.at_least_left_out = len(hostile)
    return expected


def _brotli_zeros(size: int) -> bytes:
    compressor = brotli.Compressor(quality=5)
    block = bytes(_MEGABYTE)
    parts = [compressor.process(block) for _ in range(size // _MEGABYTE)]
    return b"".join([*parts, compressor.finish()])


def _zstd_zeros(size: int) -> bytes:
    compressor = zstandard.ZstdCompressor(level=3).compressobj()
    block = bytes(_MEGABYTE)
    parts = [compressor.compress(block) for _ in range(size // _MEGABYTE)]
    return b"".join([*parts, compressor.flush()])


@_case("warc")
def _large_record(folder: Path, scale: Scale) -> Expected:
    """A record that really is as large as it says, without compression: it is stepped over."""
    expected = Expected(at_least_left_out=1)
    before, after = _zeros_record(scale.bomb_bytes, name="large")
    with (folder / "large.warc").open("wb") as file:
        file.write(_good(0, of="large", expected=expected) + before)
        # A hole in the file: it reads as zeros and takes no space.
        file.seek(scale.bomb_bytes, os.SEEK_CUR)
        file.write(after + _good(1, of="large", expected=expected))
    return expected


@_case("warc")
def _tiny_records(folder: Path, scale: Scale) -> Expected:
    """A great many records of next to nothing."""
    expected = Expected(at_least_left_out=scale.tiny_records)
    with (folder / "tiny.warc").open("wb") as file:
        for number in range(scale.tiny_records):
            file.write(
                b"WARC/1.0\r\nWARC-Type: response\r\nContent-Length: 12\r\n"
                b"WARC-Record-ID: <urn:%d>\r\n\r\nHTTP/1.1 404\r\n\r\n" % number
            )
            if number % 1_000 == 0:
                file.write(_good(number, of="tiny", expected=expected))
    return expected


@_case("warc")
def _same_ids(folder: Path, scale: Scale) -> Expected:
    """Records that share one id, and some without any."""
    expected = Expected()
    parts = []
    for number in range(40):
        url = f"https://good.example/same/{number}"
        name = "<urn:uuid:same>" if number % 2 else ""
        parts.append(record(page(f"{_TEXT} Copy {number}."), url=url, record_id=name))
        expected.add(url)
    (folder / "same.warc.gz").write_bytes(b"".join(map(_member, parts)))
    return expected


@_case("warc")
def _bad_dates(folder: Path, scale: Scale) -> Expected:
    """Dates that are none, or out of any calendar."""
    dates = (
        *("", "yesterday", "0000-00-00T00:00:00Z", "9999-12-31T23:59:60Z", "2024-02-30T00:00:00Z"),
        *("2024-13-01", "-2024-01-01", "١٩٩٩-٠١-٠١", "2024-01-01T00:00:00+99:99", "1" * 5_000),
        "9999-12-31T23:59:59-23:59",
    )
    expected = Expected()
    parts = []
    for number, date in enumerate(dates):
        url = f"https://good.example/dates/{number}"
        parts.append(record(page(f"{_TEXT} Date {number}."), url=url, date=date))
        expected.add(url)
    (folder / "dates.warc.gz").write_bytes(b"".join(map(_member, parts)))
    return expected


@_case("warc")
def _charsets(folder: Path, scale: Scale) -> Expected:
    """Pages in every charset that Python knows, and in charsets that nobody knows."""
    expected = Expected()
    names = sorted({*encodings.aliases.aliases, *encodings.aliases.aliases.values()})
    names += ["x-user-defined", "utf-8; drop table", "\xff\xfe", "a" * 10_000, "undefined", "none"]
    parts = [_good(0, of="charsets", expected=expected)]
    for number, name in enumerate(names, start=1):
        try:
            body = page(f"{_TEXT} Größe, café, Ωμέγα, тест {number}.").decode().encode(name)
        except (LookupError, UnicodeError, AttributeError, TypeError, ValueError):
            body = page(f"{_TEXT} Charset {number}.")
        headers = f"Content-Type: text/html; charset={name}"
        url = f"https://hostile.example/charset/{number}"
        parts.append(record(body, url=url, headers=headers))
        parts.append(record(body, url=f"{url}/plain", headers=headers.replace("html", "plain")))
        parts.append(_good(number, of="charsets", expected=expected))
    (folder / "charsets.warc.gz").write_bytes(b"".join(map(_member, parts)))
    return expected


@_case("warc")
def _broken_text(folder: Path, scale: Scale) -> Expected:
    """Invalid UTF-8, NULs, lone surrogates, marks without end, bytes of every value."""
    texts = [
        b"\xff\xfe\xfa" * 1_000,
        b"\0" * 1_000 + _TEXT.encode(),
        _TEXT.encode().replace(b" ", b"\0"),
        ("\ud800" * 500 + _TEXT).encode("utf-8", "surrogatepass"),
        (_TEXT + "\udc00").encode("utf-16", "surrogatepass"),
        bytes(range(256)) * 40,
        ("e" + "\u0301" * 5_000 + " ").encode() * 3,
        ("\u202e\u2066" * 2_000 + _TEXT).encode(),
        b"\xc0\xaf\xed\xa0\x80\xf4\x90\x80\x80" * 200,
        "\N{ZERO WIDTH JOINER}".encode() * 20_000,
        b"&#0;&#xD800;&#1114112;&#99999999999999999999;" * 300,
        b"<p>" + b"&lt;" * 30_000,
    ]
    hostile = []
    for number, text in enumerate(texts):
        for kind in ("html", "plain"):
            body = b"<html><body><p>" + text + b"</p></body></html>" if kind == "html" else text
            url = f"https://hostile.example/text/{number}/{kind}"
            headers = f"Content-Type: text/{kind}; charset=utf-8"
            hostile.append(record(body, url=url, headers=headers))
    return _between(folder, "broken-text", hostile, compressed=True)


@_case("warc")
def _deep_nesting(folder: Path, scale: Scale) -> Expected:
    """Elements within each other without end, unclosed, and attributes without end."""
    depth = scale.depth
    bodies = [
        f"<{tag}>".encode() * depth + _TEXT.encode() + f"</{tag}>".encode() * closed
        for tag, closed in (("div", depth), ("b", 0), ("table", 0), ("svg", depth), ("font", 0))
    ]
    bodies += [
        b"<p " + b"a=b " * depth + b">" + _TEXT.encode(),
        b"<!--" * depth,
        b"<select>" * depth + b"<option>" * depth,
        b"</p>" * depth,
        b"<![CDATA[" * depth,
        b"<script>" + b"<!--<script>" * depth,
    ]
    hostile = [
        record(b"<html><body>" + body, url=f"https://hostile.example/deep/{number}")
        for number, body in enumerate(bodies)
    ]
    return _between(folder, "deep", hostile, compressed=True)


@_case("warc")
def _long_lines(folder: Path, scale: Scale) -> Expected:
    """A page and a text of one line, with spaces and without."""
    size = scale.line_bytes
    words = (_TEXT.replace(". ", " ") + " ").encode()
    texts = [words * (size // len(words)), b"a" * size, "汉字".encode() * (size // 6)]
    hostile = []
    for number, text in enumerate(texts):
        for kind in ("html", "plain"):
            body = b"<html><p>" + text if kind == "html" else text
            url = f"https://hostile.example/line/{number}/{kind}"
            headers = f"Content-Type: text/{kind}; charset=utf-8"
            hostile.append(record(body, url=url, headers=headers))
    return _between(folder, "lines", hostile, compressed=True)


@_case("warc")
def _strange_http(folder: Path, scale: Scale) -> Expected:
    """Heads without end, a great many of them, chunks of one byte, wrong codings."""
    body = page(_TEXT)
    chunked = b"".join(b"1\r\n%c\r\n" % byte for byte in body * 200)
    many = "\r\n".join(f"X-{number}: y" for number in range(50_000))
    heads = [
        "Content-Type: text/html\r\n" + many,
        "Content-Type: text/html\r\nX: " + "y" * 2_000_000,
        "Content-Type: " + "text/html;" * 100_000,
        "Content-Type: text/html\r\nContent-Encoding: " + ", ".join(["gzip"] * 10_000),
        "Content-Type: text/html\r\nContent-Encoding: br",
        "Content-Type: text/html\r\nTransfer-Encoding: chunked",
    ]
    hostile = [
        record(body, url=f"https://hostile.example/head/{number}", headers=head)
        for number, head in enumerate(heads)
    ]
    for number, part in enumerate((chunked + b"0\r\n\r\n", chunked, b"FFFFFFFFFFFFFFF\r\nx")):
        url = f"https://hostile.example/chunked/{number}"
        headers = "Content-Type: text/html\r\nTransfer-Encoding: chunked"
        hostile.append(record(part, url=url, headers=headers))
    for number, url in enumerate(
        ("javascript:alert(1)", "http://[::1", "http://\x00/", "//x", "http://" + "a" * 60_000)
    ):
        hostile.append(record(body + b"<p>%d" % number, url=url))
    return _between(folder, "http", hostile, compressed=True)


@_case("warc")
def _loop_of_links(folder: Path, scale: Scale) -> Expected:
    """Folders that lead back to themselves, links to nowhere and to files outside."""
    expected = Expected()
    (folder / "good.warc.gz").write_bytes(_member(_good(0, of="loop", expected=expected)))
    inner = folder / "inner"
    inner.mkdir()
    (inner / "back").symlink_to(folder, target_is_directory=True)
    (inner / "self").symlink_to("self")
    (inner / "nowhere.warc.gz").symlink_to("missing.warc.gz")
    return expected


@_case("warc")
def _packages(folder: Path, scale: Scale) -> Expected:
    """WACZ packages whose names lead out of them, that are cut, or that lie about sizes."""
    expected = Expected()
    archive = _member(_good(0, of="wacz", expected=expected))
    names = ("archive/../../../escaped.warc.gz", "/archive/escaped.warc.gz", "archive/x.warc.gz")
    stored = BytesIO()
    with zipfile.ZipFile(stored, "w") as package:
        for name in names:
            package.writestr(name, archive if name.endswith("x.warc.gz") else b"")
    (folder / "names.wacz").write_bytes(stored.getvalue())
    for number, stop in enumerate(range(100, len(stored.getvalue()), 200)):
        (folder / f"cut-{number}.wacz").write_bytes(stored.getvalue()[:stop])
    for number in range(0, len(stored.getvalue()), 53):
        damaged = bytearray(stored.getvalue())
        damaged[number] ^= 0xFF
        (folder / f"damaged-{number}.wacz").write_bytes(damaged)
    return expected


_BOOK = (
    "Title: A Book\n\nAuthor: Nobody\n\nLanguage: English\n\n"
    "*** START OF THE PROJECT GUTENBERG EBOOK A BOOK ***\n\n{}\n\n"
    "*** END OF THE PROJECT GUTENBERG EBOOK A BOOK ***\n"
)


@_case("gutenberg")
def _books(folder: Path, scale: Scale) -> Expected:
    """Zips and tars with names that lead outside, links, bombs, damage and zips in zips."""
    expected = Expected()
    book = _BOOK.format("\n\n".join([_TEXT] * 5)).encode()

    def good(number: int) -> tuple[str, bytes]:
        expected.add(f"https://www.gutenberg.org/ebooks/{number}")
        return f"{number}/{number}-0.txt", book.replace(b"Nobody", b"Nobody %d" % number)

    with zipfile.ZipFile(folder / "names.zip", "w") as archive:
        archive.writestr(*good(91001))
        for name in ("../../escaped.txt", "/tmp/escaped.txt", "C:\\escaped.txt", "a/../b.txt", "."):
            archive.writestr(name, b"")
        link = zipfile.ZipInfo("link.txt")
        link.external_attr = 0o120777 << 16
        archive.writestr(link, "/etc/passwd")
        archive.writestr(*good(91002))
    with zipfile.ZipFile(folder / "bomb.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(*good(91003))
        with archive.open("5/5-0.txt", "w", force_zip64=True) as member:
            for _ in range(scale.bomb_bytes // _MEGABYTE):
                member.write(bytes(_MEGABYTE))
        inner = BytesIO()
        with zipfile.ZipFile(inner, "w") as within:
            within.writestr("6/6-0.txt", book)
        archive.writestr("7/7-0.zip", inner.getvalue())
        archive.writestr(*good(91004))
    with tarfile.open(folder / "links.tar.gz", "w:gz") as tar:
        for name, kind, target in (
            ("../../escaped.txt", tarfile.REGTYPE, ""),
            ("8/8-0.txt", tarfile.SYMTYPE, "/etc/passwd"),
            ("9/9-0.txt", tarfile.LNKTYPE, "../../../etc/passwd"),
            ("10/10-0.txt", tarfile.FIFOTYPE, ""),
            ("11/11-0.txt", tarfile.CHRTYPE, ""),
        ):
            info = tarfile.TarInfo(name)
            info.type, info.linkname = kind, target
            tar.addfile(info)
        path, content = good(91005)
        info = tarfile.TarInfo(path)
        info.size = len(content)
        tar.addfile(info, BytesIO(content))
    whole = (folder / "names.zip").read_bytes()
    for number, stop in enumerate(range(50, len(whole), 500)):
        (folder / f"cut-{number}.zip").write_bytes(whole[:stop])
    (folder / "91006-0.txt").write_bytes(good(91006)[1])
    (folder / "91007-0.txt.gz").write_bytes(gzip.compress(good(91007)[1])[:-12])
    expected.documents.pop("https://www.gutenberg.org/ebooks/91007")
    (folder / "91008-0.txt").write_bytes(random.Random(4).randbytes(100_000))
    # Members that a zip with a damaged end still shows may come out again.
    return expected


@_case("jsonl")
def _broken_lines(folder: Path, scale: Scale) -> Expected:
    """Lines that are no JSON, no objects, too deep, too long, cut, or not UTF-8."""
    expected = Expected()

    def good(number: int) -> bytes:
        url = f"https://good.example/jsonl/{number}"
        expected.add(url)
        content = {"id": str(number), "url": url, "text": f"{_TEXT} Line {number}."}
        return json.dumps(content).encode()

    hostile = [
        *(b"{", b"[]", b"null", b"7", b'"text"', b"{}", b'{"text": 7}', b'{"text": null}', b"\xff"),
        b'{"text": "' + b"[" * 50_000,
        b"[" * 100_000 + b"]" * 100_000,
        b'{"text": ' + b'{"a":' * 100_000 + b"1" + b"}" * 100_001,
        b'{"text": "\\ud800 alone"}',
        b'{"text": "\\u0000 nul"}',
        b'{"text": NaN}',
        b'{"text": "x", "id": ' + b"9" * 5_000 + b"}",
        b'{"text": "x", "date": 1e400, "url": {"deep": [1]}}',
        b'{"text": "x", "text": "twice"}',
        b'{"text": "' + b"a" * 60_000_000 + b'"}' if scale is LONG else b"{",
    ]
    lines = [good(0)]
    for number, line in enumerate(hostile, start=1):
        lines += [line, good(number)]
    content = b"\n".join([*lines, b'{"text": "cut off'])
    (folder / "lines.jsonl").write_bytes(content)
    (folder / "bomb.jsonl.gz").write_bytes(_deflated_zeros(scale.bomb_bytes, wbits=31))
    expected.at_least_left_out = 15
    return expected


@_case("parquet")
def _other_schemas(folder: Path, scale: Scale) -> Expected:
    """Parquet with other columns, other types, cut, damaged, and files that are none."""
    expected = Expected()
    urls = [f"https://good.example/parquet/{number}" for number in range(20)]
    for url in urls:
        expected.add(url)
    table = pa.table({"text": [f"{_TEXT} Row {n}." for n in range(20)], "url": urls})
    # The first file is looked at before the run.
    pq.write_table(table, folder / "a-good.parquet")
    pq.write_table(pa.table({"body": ["x"], "url": ["y"]}), folder / "b-columns.parquet")
    pq.write_table(pa.table({"text": [1, 2], "url": ["y", "z"]}), folder / "c-types.parquet")
    nested = pa.table({"text": [["x"]], "url": [{"a": 1}], "date": [b"\xff"]})
    pq.write_table(nested, folder / "d-nested.parquet")
    invalid = pa.array([b"\xff\xfe", None, b"ok"], pa.binary())
    pq.write_table(pa.table({"text": invalid}), folder / "e-bytes.parquet")
    whole = (folder / "a-good.parquet").read_bytes()
    (folder / "f-cut.parquet").write_bytes(whole[: len(whole) // 2])
    (folder / "g-none.parquet").write_bytes(b"no parquet at all")
    source = random.Random(5)
    for number in range(min(40, scale.damaged_files)):
        damaged = bytearray(whole)
        for _ in range(3):
            damaged[source.randrange(len(damaged))] ^= 0xFF
        (folder / f"h-damaged-{number:03}.parquet").write_bytes(damaged)
    zeros = pa.array(["0" * _MEGABYTE] * min(200, scale.bomb_bytes >> 20))
    pq.write_table(pa.table({"text": zeros}), folder / "i-bomb.parquet", compression="zstd")
    expected.at_least_left_out = 5
    return expected


def make(folder: Path, scale: Scale) -> Iterator[tuple[Case, Path, Expected]]:
    """Make every case in a folder of its own."""
    for case in CASES:
        below = folder / case.name
        below.mkdir(parents=True)
        yield case, below, case.make(below, scale)
