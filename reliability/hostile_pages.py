"""Pages whose text, markup or HTTP heads are hostile."""

import encodings.aliases
import random
from pathlib import Path

from reliability.good_records import TEXT, between, good, gzip_member
from reliability.hostile_case import Expected, Scale, case
from reliability.made_archives import page, record


@case("warc")
def _charsets(folder: Path, scale: Scale) -> Expected:
    """Pages in every charset that Python knows, and in charsets that nobody knows."""
    expected = Expected()
    names = sorted({*encodings.aliases.aliases, *encodings.aliases.aliases.values()})
    names += ["x-user-defined", "utf-8; drop table", "\xff\xfe", "a" * 10_000, "undefined", "none"]
    parts = [good(0, of="charsets", expected=expected)]
    for number, name in enumerate(names, start=1):
        try:
            body = page(f"{TEXT} Größe, café, Ωμέγα, тест {number}.").decode().encode(name)
        except (LookupError, UnicodeError, AttributeError, TypeError, ValueError):
            body = page(f"{TEXT} Charset {number}.")
        headers = f"Content-Type: text/html; charset={name}"
        url = f"https://hostile.example/charset/{number}"
        parts.append(record(body, url=url, headers=headers))
        parts.append(record(body, url=f"{url}/plain", headers=headers.replace("html", "plain")))
        parts.append(good(number, of="charsets", expected=expected))
    (folder / "charsets.warc.gz").write_bytes(b"".join(map(gzip_member, parts)))
    return expected


@case("warc")
def _broken_text(folder: Path, scale: Scale) -> Expected:
    """Invalid UTF-8, NULs, lone surrogates, marks without end, bytes of every value."""
    texts = [
        b"\xff\xfe\xfa" * 1_000,
        b"\0" * 1_000 + TEXT.encode(),
        TEXT.encode().replace(b" ", b"\0"),
        ("\ud800" * 500 + TEXT).encode("utf-8", "surrogatepass"),
        (TEXT + "\udc00").encode("utf-16", "surrogatepass"),
        bytes(range(256)) * 40,
        ("e" + "\u0301" * 5_000 + " ").encode() * 3,
        ("\u202e\u2066" * 2_000 + TEXT).encode(),
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
    return between(folder, "broken-text", hostile, compressed=True)


@case("warc")
def _deep_nesting(folder: Path, scale: Scale) -> Expected:
    """Elements within each other without end, unclosed, and attributes without end."""
    depth = scale.depth
    bodies = [
        f"<{tag}>".encode() * depth + TEXT.encode() + f"</{tag}>".encode() * closed
        for tag, closed in (("div", depth), ("b", 0), ("table", 0), ("svg", depth), ("font", 0))
    ]
    bodies += [
        b"<p " + b"a=b " * depth + b">" + TEXT.encode(),
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
    return between(folder, "deep", hostile, compressed=True)


@case("warc")
def _long_lines(folder: Path, scale: Scale) -> Expected:
    """A page and a text of one line, with spaces and without."""
    size = scale.line_bytes
    words = (TEXT.replace(". ", " ") + " ").encode()
    texts = [words * (size // len(words)), b"a" * size, "汉字".encode() * (size // 6)]
    hostile = []
    for number, text in enumerate(texts):
        for kind in ("html", "plain"):
            body = b"<html><p>" + text if kind == "html" else text
            url = f"https://hostile.example/line/{number}/{kind}"
            headers = f"Content-Type: text/{kind}; charset=utf-8"
            hostile.append(record(body, url=url, headers=headers))
    return between(folder, "lines", hostile, compressed=True)


# Signals take up to 140 bytes a character of such a text.
@case("warc", max_memory_bytes=3 << 30)
def _dense_texts(folder: Path, scale: Scale) -> Expected:
    """Texts as large as a record may be, in which each character or two is a word."""
    source = random.Random(6)
    words = (f"{source.getrandbits(40):x}" for _ in range(scale.dense_bytes // 11))
    texts = [
        *((part * (scale.dense_bytes // len(part.encode()))).encode() for part in _DENSE),
        " ".join(words).encode(),
    ]
    hostile = [
        record(
            text,
            url=f"https://hostile.example/dense/{number}",
            headers="Content-Type: text/plain; charset=utf-8",
        )
        for number, text in enumerate(texts)
    ]
    return between(folder, "dense", hostile, compressed=True)


_DENSE = ("([{", "a b ", "汉字", "😀", "กขค")


@case("warc")
def _strange_http(folder: Path, scale: Scale) -> Expected:
    """Heads without end, a great many of them, chunks of one byte, wrong codings."""
    body = page(TEXT)
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
    return between(folder, "http", hostile, compressed=True)
