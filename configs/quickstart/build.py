"""Writes the quickstart's sample: a web archive, its WET twin, six books and a table of labels.

Run it as ``python configs/quickstart/build.py [--into DIR]``. Everything is made from the texts in
``pages/`` and ``books_source/``, and the same sources give the same bytes every time: dates are
fixed, record ids are made from addresses, and no file carries the time at which it was written.
"""

import argparse
import base64
import hashlib
import io
import struct
import textwrap
import uuid
import zipfile
import zlib
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit

import brotli
from web_pages import Page, Renderer, read_pages

HERE = Path(__file__).parent
CRAWL = "THRESHER-SAMPLE-2025-45"
ARCHIVE = "pages.warc.gz"
CONVERSIONS = "pages.warc.wet.gz"
CRAWL_START = datetime.fromisoformat("2025-11-08T06:00:00+00:00")
SECONDS_A_PAGE = 7
PAGES_A_REQUEST_RECORD = 12
CHUNK_BYTES = 1024
WRONG_CONTENT_LENGTH = 512
LINE_WIDTH = 72
# WET files name languages by their ISO 639-3 codes.
ISO_639_3 = {
    "ar": "ara", "de": "deu", "en": "eng", "es": "spa", "fr": "fra", "ru": "rus", "zh": "zho"
}  # fmt: skip

Headers = list[tuple[str, str]]


def gzip_member(data: bytes) -> bytes:
    """Compress ``data`` as one gzip member that names neither a time nor an operating system."""
    deflate = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    header = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\xff"
    trailer = struct.pack("<II", zlib.crc32(data), len(data) & 0xFFFFFFFF)
    return header + deflate.compress(data) + deflate.flush() + trailer


def damaged(member: bytes) -> bytes:
    """Flip eight bytes in the middle of a gzip member."""
    middle = len(member) // 2
    flipped = bytes(byte ^ 0xFF for byte in member[middle : middle + 8])
    return member[:middle] + flipped + member[middle + 8 :]


def chunked(data: bytes) -> bytes:
    """Apply the ``chunked`` transfer coding of RFC 9112, section 7.1."""
    pieces = [data[start : start + CHUNK_BYTES] for start in range(0, len(data), CHUNK_BYTES)]
    return b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\n\r\n"


def record_id(name: str) -> str:
    """Return the WARC-Record-ID that belongs to a name, for a response to its address."""
    return f"<urn:uuid:{uuid.uuid5(uuid.NAMESPACE_URL, name)}>"


def digest(data: bytes) -> str:
    """Return a SHA-1 digest in the base-32 form of Common Crawl's archives."""
    sha1 = hashlib.sha1(data, usedforsecurity=False).digest()
    return f"sha1:{base64.b32encode(sha1).decode()}"


def lines(headers: Headers) -> bytes:
    """Write header lines, each with its line ending."""
    return "".join(f"{name}: {value}\r\n" for name, value in headers).encode()


def warc_record(kind: str, headers: Headers, block: bytes) -> bytes:
    """Put a WARC/1.0 record together, not yet compressed."""
    own = [("WARC-Type", kind), *headers, ("Content-Length", str(len(block)))]
    own.append(("WARC-Block-Digest", digest(block)))
    return b"WARC/1.0\r\n" + lines(own) + b"\r\n" + block + b"\r\n\r\n"


def warcinfo(filename: str) -> bytes:
    """Describe the archive in its first record."""
    fields = lines(
        [
            ("isPartOf", CRAWL),
            ("publisher", "thresher"),
            ("description", "Pages written for the quickstart; no site of them exists"),
            ("software", "configs/quickstart/build.py"),
            ("format", "WARC File Format 1.0"),
        ]
    )
    headers = [
        ("WARC-Date", warc_date(0)),
        ("WARC-Record-ID", record_id(filename)),
        ("Content-Type", "application/warc-fields"),
        ("WARC-Filename", filename),
    ]
    return warc_record("warcinfo", headers, fields)


def warc_date(index: int) -> str:
    """Return the time at which the crawl came to its ``index``-th page."""
    moment = CRAWL_START + timedelta(seconds=SECONDS_A_PAGE * index)
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def http_response(page: Page, payload: bytes) -> tuple[bytes, bytes]:
    """Return the header and the body of the page's HTTP response, encoded as the page asks."""
    media_type = page.fields.get("media", "text/html")
    if media_type == "text/html" and page.declaration in ("header", "both"):
        media_type += f"; charset={page.charset}"
    headers = [("Date", warc_date(0)), ("Server", "nginx"), ("Content-Type", media_type)]
    if location := page.fields.get("location"):
        headers.append(("Location", location))
    codings = page.fields.get("coding", "").split()
    body = payload
    if "gzip" in codings:
        body = gzip_member(body)
        headers.append(("Content-Encoding", "gzip"))
    if "br" in codings:
        body = brotli.compress(body)
        headers.append(("Content-Encoding", "br"))
    if "chunked" in codings:
        body = chunked(body)
        headers.append(("Transfer-Encoding", "chunked"))
    else:
        length = WRONG_CONTENT_LENGTH if "wrong-length" in codings else len(body)
        headers.append(("Content-Length", str(length)))
    status = page.fields.get("status", "200 OK")
    return f"HTTP/1.1 {status}\r\n".encode() + lines(headers) + b"\r\n", body


def request_record(page: Page, index: int) -> bytes:
    """Write the request that the crawler sent for a page."""
    parts = urlsplit(page.url)
    target = parts.path + (f"?{parts.query}" if parts.query else "")
    block = f"GET {target} HTTP/1.1\r\n".encode() + lines(
        [
            ("User-Agent", "thresher-sample/1.0"),
            ("Accept", "text/html,application/xhtml+xml;q=0.9,*/*;q=0.8"),
            ("Accept-Encoding", "br,gzip"),
            ("Host", parts.netloc),
            ("Connection", "Keep-Alive"),
        ]
    )
    headers = [
        ("WARC-Date", warc_date(index)),
        ("WARC-Record-ID", record_id(f"request {page.url}")),
        ("Content-Type", "application/http; msgtype=request"),
        ("WARC-Warcinfo-ID", record_id(ARCHIVE)),
        ("WARC-Target-URI", page.url),
    ]
    return warc_record("request", headers, block + b"\r\n")


def response_record(page: Page, index: int, payload: bytes) -> bytes:
    """Write what the page's server answered."""
    head, body = http_response(page, payload)
    block = head + body
    if page.fields["kind"] == "truncated_header":
        block = head[: head.index(b"charset")]
    headers = [
        ("WARC-Date", warc_date(index)),
        ("WARC-Record-ID", record_id(page.url)),
        ("Content-Type", "application/http; msgtype=response"),
        ("WARC-Warcinfo-ID", record_id(ARCHIVE)),
        ("WARC-Target-URI", page.url),
        ("WARC-Payload-Digest", digest(body)),
        ("WARC-Identified-Payload-Type", page.fields.get("media", "text/html")),
    ]
    return warc_record("response", headers, block)


def crawl_order(pages: list[Page]) -> list[Page]:
    """Mix the pages as a crawl would, with the damaged one in the middle."""
    mixed = sorted(pages, key=lambda page: digest(page.url.encode()))
    broken = [page for page in mixed if page.fields["kind"] == "damaged_member"]
    whole = [page for page in mixed if page not in broken]
    middle = len(whole) // 2
    return whole[:middle] + broken + whole[middle:]


def archive(pages: list[Page], renderer: Renderer) -> Iterator[bytes]:
    """Yield the members of the web archive."""
    yield gzip_member(warcinfo(ARCHIVE))
    for index, page in enumerate(pages, start=1):
        if index % PAGES_A_REQUEST_RECORD == 0:
            yield gzip_member(request_record(page, index))
        member = gzip_member(response_record(page, index, renderer.payload(page)))
        yield damaged(member) if page.fields["kind"] == "damaged_member" else member


def conversions(pages: list[Page], renderer: Renderer) -> Iterator[bytes]:
    """Yield the members of the WET file, for the pages that are marked for it."""
    yield gzip_member(warcinfo(CONVERSIONS))
    for index, page in enumerate(pages, start=1):
        if page.fields.get("wet") != "yes":
            continue
        headers = [
            ("WARC-Target-URI", page.url),
            ("WARC-Date", warc_date(index)),
            ("WARC-Record-ID", record_id(f"conversion {page.url}")),
            ("WARC-Refers-To", record_id(page.url)),
            ("WARC-Identified-Content-Language", ISO_639_3[page.fields["lang"]]),
            ("Content-Type", "text/plain"),
        ]
        text = renderer.plain_text(page).encode()
        yield gzip_member(warc_record("conversion", headers, text))


def labels(pages: list[Page]) -> str:
    """Return a row for each page: its address, kind, language and cluster of near-duplicates."""
    rows = ["url\tkind\tlanguage\tcluster"]
    rows += [
        "\t".join([page.url, page.fields["kind"], page.fields["lang"], page.cluster])
        for page in pages
    ]
    return "\n".join(rows) + "\n"


def wrapped(text: str) -> str:
    """Break long paragraphs into lines; leave headings and tables of contents as they are."""
    paragraphs = text.split("\n\n")
    return "\n\n".join(
        textwrap.fill(paragraph.strip("\n"), LINE_WIDTH, break_on_hyphens=False)
        if max(map(len, paragraph.split("\n"))) > LINE_WIDTH
        else paragraph
        for paragraph in paragraphs
    )


def book(source: str, licence: str) -> tuple[str, bytes]:
    """Return a book's file name and its bytes, in the form of a Project Gutenberg file."""
    head, _, text = source.partition("\n\n")
    fields = dict(line.split(": ", 1) for line in head.splitlines())
    title, charset = fields["title"], fields["charset"]
    # Older releases say THIS and name their encoding; both forms are still on the mirrors.
    is_old = charset == "iso-8859-1"
    this = "THIS" if is_old else "THE"
    terms = (
        f"This eBook has the form of a Project Gutenberg file and was written for the sample of "
        f"thresher. You may copy it, change it and give it away as you please; for the real "
        f"collection's terms see the Project Gutenberg License. The author, {fields['author']}, "
        f"does not exist."
    )
    encoding = f"Character set encoding: {charset.upper()}\n\n" if is_old else ""
    file_text = (
        f"The Project Gutenberg eBook of {title}\n\n{wrapped(terms)}\n\n"
        f"Title: {title}\n\nAuthor: {fields['author']}\n\n"
        f"Release date: {fields['released']} [eBook #{fields['number']}]\n\n"
        f"Language: {fields['language']}\n\n{encoding}"
        f"Credits: The thresher sample\n\n\n"
        f"*** START OF {this} PROJECT GUTENBERG EBOOK {title.upper()} ***\n\n\n\n\n"
        f"{wrapped(text.strip())}\n\n\n\n\n"
        f"*** END OF {this} PROJECT GUTENBERG EBOOK {title.upper()} ***\n\n\n\n\n"
        f"{wrapped(licence.strip())}\n"
    )
    data = file_text.replace("\n", "\r\n").encode(charset)
    return fields["file"], (b"\xef\xbb\xbf" if fields.get("marks") == "yes" else b"") + data


def zipped(name: str, data: bytes) -> bytes:
    """Put one file into a zip archive that does not depend on the time or the system."""
    member = zipfile.ZipInfo(name, date_time=(2025, 1, 1, 0, 0, 0))
    member.create_system = 3
    member.external_attr = 0o644 << 16
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr(member, data, zipfile.ZIP_DEFLATED, 9)
    return buffer.getvalue()


def write_books(into: Path) -> None:
    """Write the six books."""
    folder = HERE / "books_source"
    licence = (folder / "licence.txt").read_text(encoding="utf-8")
    into.mkdir(parents=True, exist_ok=True)
    for path in sorted(folder.glob("[0-9]*.txt")):
        name, data = book(path.read_text(encoding="utf-8"), licence)
        if name.endswith(".zip"):
            data = zipped(name.replace(".zip", "-0.txt"), data)
        (into / name).write_bytes(data)


def build(into: Path) -> None:
    """Write the whole sample into a folder.

    Args:
        into: The folder; it is made if need be, and files of the same names are replaced.
    """
    sources = read_pages(HERE / "pages")
    renderer = Renderer(folder=HERE / "pages", pages=sources)
    pages = crawl_order(sources)
    into.mkdir(parents=True, exist_ok=True)
    (into / ARCHIVE).write_bytes(b"".join(archive(pages, renderer)))
    (into / CONVERSIONS).write_bytes(b"".join(conversions(pages, renderer)))
    (into / "labels.tsv").write_bytes(labels(pages).encode())
    write_books(into / "books")


def main() -> None:
    """Read the command line and build the sample."""
    parser = argparse.ArgumentParser(description="Build the quickstart's sample.")
    parser.add_argument("--into", type=Path, default=HERE / "sample", metavar="DIR")
    build(parser.parse_args().into)


if __name__ == "__main__":
    main()
