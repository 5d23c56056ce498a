"""Folders, packages, books, JSON lines and Parquet files that are hostile."""

import gzip
import json
import random
import tarfile
import zipfile
from io import BytesIO
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from reliability.good_records import TEXT, good, gzip_member
from reliability.hostile_bombs import deflated_zeros
from reliability.hostile_case import LONG, MEGABYTE, Expected, Scale, case


@case("warc")
def _loop_of_links(folder: Path, scale: Scale) -> Expected:
    """Folders that lead back to themselves, links to nowhere and to files outside."""
    expected = Expected()
    (folder / "good.warc.gz").write_bytes(gzip_member(good(0, of="loop", expected=expected)))
    inner = folder / "inner"
    inner.mkdir()
    (inner / "back").symlink_to(folder, target_is_directory=True)
    (inner / "self").symlink_to("self")
    (inner / "nowhere.warc.gz").symlink_to("missing.warc.gz")
    return expected


@case("warc")
def _packages(folder: Path, scale: Scale) -> Expected:
    """WACZ packages whose names lead out of them, that are cut, or that lie about sizes."""
    expected = Expected()
    archive = gzip_member(good(0, of="wacz", expected=expected))
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


@case("gutenberg")
def _books(folder: Path, scale: Scale) -> Expected:
    """Zips and tars with names that lead outside, links, bombs, damage and zips in zips."""
    expected = Expected()
    book = _BOOK.format("\n\n".join([TEXT] * 5)).encode()

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
            for _ in range(scale.bomb_bytes // MEGABYTE):
                member.write(bytes(MEGABYTE))
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


@case("jsonl")
def _broken_lines(folder: Path, scale: Scale) -> Expected:
    """Lines that are no JSON, no objects, too deep, too long, cut, or not UTF-8."""
    expected = Expected()

    def good(number: int) -> bytes:
        url = f"https://good.example/jsonl/{number}"
        expected.add(url)
        content = {"id": str(number), "url": url, "text": f"{TEXT} Line {number}."}
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
    (folder / "bomb.jsonl.gz").write_bytes(deflated_zeros(scale.bomb_bytes, wbits=31))
    expected.at_least_left_out = 15
    return expected


@case("parquet")
def _other_schemas(folder: Path, scale: Scale) -> Expected:
    """Parquet with other columns, other types, cut, damaged, and files that are none."""
    expected = Expected()
    urls = [f"https://good.example/parquet/{number}" for number in range(20)]
    for url in urls:
        expected.add(url)
    table = pa.table({"text": [f"{TEXT} Row {n}." for n in range(20)], "url": urls})
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
    zeros = pa.array(["0" * MEGABYTE] * min(200, scale.bomb_bytes >> 20))
    pq.write_table(pa.table({"text": zeros}), folder / "i-bomb.parquet", compression="zstd")
    expected.at_least_left_out = 5
    return expected
