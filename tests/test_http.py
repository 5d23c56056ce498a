import gzip
import zlib
from collections.abc import Callable

import brotli
import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.readers.http import (
    Body,
    BodyTooLargeError,
    ContentType,
    Response,
    UndecodableBodyError,
    decode_body,
    looks_like_html,
    parse_content_type,
    parse_response,
)


def gzipped(data: bytes) -> bytes:
    return gzip.compress(data, mtime=0)


PAGE = b"<!DOCTYPE html><title>T</title><p>" + b"Words, words, words. " * 300
ENCODE: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzipped,
    "x-gzip": gzipped,
    "deflate": zlib.compress,
    "br": lambda data: brotli.compress(data, quality=3),
    "zstd": zstandard.compress,
}


def raw_deflate(data: bytes) -> bytes:
    compressor = zlib.compressobj(wbits=-15)
    return compressor.compress(data) + compressor.flush()


def chunked(data: bytes, size: int = 100) -> bytes:
    chunks = [data[at : at + size] for at in range(0, len(data), size)]
    return b"".join(b"%x;name=value\r\n%s\r\n" % (len(c), c) for c in chunks) + b"0\r\n\r\n"


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        pytest.param(
            b"HTTP/1.1 404 Not Found\r\nA: 1\r\nContent-Type:text/html\r\n\r\nbody\r\n\r\n",
            Response(
                status=404, headers={"a": "1", "content-type": "text/html"}, body=b"body\r\n\r\n"
            ),
            id="plain",
        ),
        pytest.param(
            b"HTTP/1.0 200 Document follows\nA: 1\n\nbody",
            Response(status=200, headers={"a": "1"}, body=b"body"),
            id="LF only",
        ),
        pytest.param(
            b"HTTP/2 200\r\nA: 1\r\na: 2\r\nB: x\r\n  y\r\n\r\n",
            Response(status=200, headers={"a": "1, 2", "b": "x y"}, body=b""),
            id="repeated and folded",
        ),
        pytest.param(
            b"HTTP/1.0 200 OK\r\nA: 1\r\n<HTML>\r\n\r\nHello</HTML>",
            Response(status=200, headers={"a": "1"}, body=b"<HTML>\r\n\r\nHello</HTML>"),
            id="no blank line before HTML",
        ),
        pytest.param(
            b"HTTP/1.0 200 OK\nA: 1\nHello\nworld",
            Response(status=200, headers={"a": "1"}, body=b"Hello\nworld"),
            id="no blank line before text",
        ),
        pytest.param(
            b"HTTP/1.1 200 OK\r\nnonsense\r\nA: 1\r\n\r\nbody",
            Response(status=200, headers={"a": "1"}, body=b"body"),
            id="a line that is no header",
        ),
        pytest.param(
            b"HTTP/1.1 OK\r\n\r\nbody", Response(status=0, headers={}, body=b"body"), id="no status"
        ),
        pytest.param(
            b"HTTP/1.1 200 OK", Response(status=200, headers={}, body=b""), id="status line alone"
        ),
        pytest.param(
            b"<html>Name: x\r\n\r\n",
            Response(status=None, headers={}, body=b"<html>Name: x\r\n\r\n"),
            id="no head at all",
        ),
        pytest.param(b"", Response(status=None, headers={}, body=b""), id="nothing"),
    ],
)
def test_responses_are_taken_apart(message: bytes, expected: Response) -> None:
    assert parse_response(message) == expected


@given(st.binary(max_size=300))
def test_no_bytes_raise(rest: bytes) -> None:
    response = parse_response(b"HTTP/1.1 200 OK\r\n" + rest)
    assert response.status == 200
    assert rest.endswith(response.body)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("text/html", ContentType("text/html", None)),
        (" Text/HTML ; Charset = 'UTF-8' ", ContentType("text/html", "utf-8")),
        ('text/plain;charset="iso-8859-1";x=y', ContentType("text/plain", "iso-8859-1")),
        ("text/html Last-modified: Sat, 10 Aug", ContentType("text/html", None)),
        ("text/html, text/html", ContentType("text/html", None)),
        ("charset=utf-8", ContentType("", "utf-8")),
        ("html", ContentType("", None)),
        ("", ContentType("", None)),
    ],
)
def test_content_types(value: str, expected: ContentType) -> None:
    assert parse_content_type(value) == expected


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"\n <!doctype HTML>", True),
        (b"\xef\xbb\xbf<html lang=en>", True),
        (b"<!-- comment --> text", True),
        (b'<?xml version="1.0"?>\n<!-- c --><html xmlns="x">', True),
        (b'<?xml version="1.0"?><!DOCTYPE html PUBLIC>', True),
        (b'<?xml version="1.0"?><rss>', False),
        (b"<button>", False),
        (b"text <html>", False),
        (b"", False),
    ],
)
def test_html_is_told_as_browsers_do(content: bytes, expected: bool) -> None:
    assert looks_like_html(content) is expected


@pytest.mark.parametrize("coding", ENCODE)
@given(data=st.binary(min_size=1, max_size=3000))
@settings(max_examples=25)
def test_chunks_and_content_codings_are_undone(coding: str, data: bytes) -> None:
    data = b"\0" + data
    headers = {"content-encoding": coding.upper(), "transfer-encoding": "Chunked"}
    body = decode_body(chunked(ENCODE[coding](data)), headers=headers, limit=10_000)
    assert body == Body(data, True)


@pytest.mark.parametrize(
    ("body", "headers"),
    [
        pytest.param(raw_deflate(PAGE), {"content-encoding": "deflate"}, id="raw deflate"),
        pytest.param(
            gzipped(brotli.compress(PAGE)), {"content-encoding": "br, gzip"}, id="two codings"
        ),
        pytest.param(
            b"".join(gzipped(PAGE[at : at + 7]) for at in range(0, len(PAGE), 7)),
            {"content-encoding": "gzip"},
            id="many gzip members",
        ),
        pytest.param(gzipped(PAGE), {}, id="gzip that no header tells of"),
        pytest.param(
            gzipped(PAGE) + b"trailing", {"content-encoding": "gzip"}, id="trailing bytes"
        ),
        pytest.param(PAGE, {"transfer-encoding": "chunked"}, id="not chunked"),
        *(pytest.param(PAGE, {"content-encoding": c}, id=f"not {c}") for c in [*ENCODE, "sdch"]),
        pytest.param(
            PAGE,
            {"content-encoding": "gzip", "transfer-encoding": "chunked"},
            id="neither chunked nor gzip",
        ),
        pytest.param(
            chunked(PAGE)[:-5] + b"0\r\nTrailer: x\r\n\r\n",
            {"transfer-encoding": "chunked"},
            id="chunks with a trailer",
        ),
        pytest.param(
            b"%X\n%s\n0\n\n" % (len(PAGE), PAGE), {"transfer-encoding": "chunked"}, id="LF chunks"
        ),
    ],
)
def test_headers_are_believed_as_far_as_the_body_bears_them_out(
    body: bytes, headers: dict[str, str]
) -> None:
    assert decode_body(body, headers=headers, limit=len(PAGE)) == Body(PAGE, True)


@pytest.mark.parametrize("coding", ENCODE)
def test_a_body_that_breaks_off_is_decoded_as_far_as_it_goes(coding: str) -> None:
    page = b"".join(b"<p>Sentence number %d.</p>" % (n * n * 7919) for n in range(20_000))
    encoded = ENCODE[coding](page)
    content, complete = decode_body(
        encoded[: len(encoded) * 9 // 10], headers={"content-encoding": coding}, limit=len(page)
    )
    assert not complete
    assert page.startswith(content)
    assert len(content) > len(page) // 2


@pytest.mark.parametrize("coding", ENCODE)
def test_a_body_that_is_damaged_is_decoded_up_to_there(coding: str) -> None:
    page = b"".join(b"<p>Sentence number %d.</p>" % (n * n * 7919) for n in range(20_000))
    encoded = bytearray(ENCODE[coding](page))
    middle = len(encoded) // 2
    encoded[middle : middle + 600] = b"\xff" * 600
    content, complete = decode_body(
        bytes(encoded), headers={"content-encoding": coding}, limit=len(page) * 2
    )
    assert not complete
    assert content[: len(page) // 4] == page[: len(page) // 4]


def test_chunks_that_break_off_keep_the_rest() -> None:
    headers = {"transfer-encoding": "chunked"}
    assert decode_body(b"5\r\nhello\r\n9\r\nwor", headers=headers, limit=99) == (
        b"hellowor",
        False,
    )
    assert decode_body(b"5\r\nhello\r\nxyz\r\nworld", headers=headers, limit=99) == (
        b"helloxyz\r\nworld",
        False,
    )


@pytest.mark.parametrize("coding", [*ENCODE, "identity"])
def test_no_body_outgrows_the_limit(coding: str) -> None:
    body = ENCODE.get(coding, bytes)(b"a" * 30_000_000)
    with pytest.raises(BodyTooLargeError):
        decode_body(body, headers={"content-encoding": coding}, limit=1_000_000)


@pytest.mark.parametrize(
    ("coding", "body"),
    [
        ("gzip", b"\x1f\x8b\x08\xff\xff\xff\xff\xff\xff\xff"),
        ("gzip", b"\x1f\x8b\x08\0\0\0"),
        ("zstd", b"\x28\xb5\x2f\xfd\xff\xff\xff\xff\xff\xff"),
        ("br", b"\xff\x00\xff\x00"),
        ("deflate", b"\x78\x9c\xff\xff\x00"),
        ("sdch", b"\x00\x01\x02"),
    ],
)
def test_a_body_of_which_nothing_can_be_decoded_is_refused(coding: str, body: bytes) -> None:
    with pytest.raises(UndecodableBodyError):
        decode_body(body, headers={"content-encoding": coding}, limit=1000)
