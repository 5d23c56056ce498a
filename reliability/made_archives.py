"""WARC records by hand, so that every byte of them can be wrong."""

import uuid


def page(text: str, *, title: str = "A page") -> bytes:
    """Return an HTML page of paragraphs."""
    paragraphs = "".join(f"<p>{part}.</p>" for part in text.split(". "))
    return (
        f"<!DOCTYPE html><html><head><title>{title}</title></head><body><article>"
        f"{paragraphs}</article></body></html>"
    ).encode()


def response(body: bytes, *, headers: str = "Content-Type: text/html; charset=utf-8") -> bytes:
    """Return an HTTP response of a body."""
    head = f"HTTP/1.1 200 OK\r\n{headers}\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode("latin-1") + body


def record(
    body: bytes,
    *,
    url: str,
    headers: str = "Content-Type: text/html; charset=utf-8",
    date: str = "2024-05-01T12:00:00Z",
    record_id: str | None = None,
    length: int | str | None = None,
) -> bytes:
    """Return a WARC record of a response; its id is a function of its address.

    Args:
        body: The response's body.
        url: The address.
        headers: HTTP headers.
        date: The WARC date as it stands.
        record_id: The id, or None for one made from the address.
        length: What stands as Content-Length, or None for the true length.
    """
    block = response(body, headers=headers)
    name = record_id or f"<urn:uuid:{uuid.uuid5(uuid.NAMESPACE_URL, url)}>"
    head = (
        f"WARC/1.0\r\nWARC-Type: response\r\nWARC-Record-ID: {name}\r\n"
        f"WARC-Target-URI: {url}\r\nWARC-Date: {date}\r\n"
        "Content-Type: application/http;msgtype=response\r\n"
        f"Content-Length: {len(block) if length is None else length}\r\n\r\n"
    )
    return head.encode("utf-8", "surrogateescape") + block + b"\r\n\r\n"
