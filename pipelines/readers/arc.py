"""The headers of ARC files, versions 1 and 2.

An ARC header is one line: address, IP address, date, content type, and the length as its last
field; version 2 has result code, checksum, location, offset and file name before the length
(Internet Archive, "Arc File Format", 1996). Slices without the file description that a whole
ARC begins with are read as well: any such line is a header.
"""

import re
from datetime import UTC, datetime

from pipelines.readers.framing import Header

_LINE = (
    rb"(?P<url>[A-Za-z][A-Za-z0-9+.\-]{1,20}:[^\r\n]{1,16384}?)"  # may hold blanks
    rb"[ \t](?P<ip>[0-9A-Fa-f.:]{1,45}|-)"
    rb"[ \t](?P<date>[0-9]{8,18})"
    rb"[ \t](?P<rest>[^\r\n]{0,4096})"
    rb"[ \t](?P<length>-?[0-9A-Za-z]{1,20})[ \t]*\r?\n"
)


class ArcSyntax:
    """How ARC headers look; see :class:`pipelines.readers.framing.Syntax`."""

    # A length that is wrong by a byte must not make a header of the rest of a line.
    start = re.compile(rb"(?<![^\r\n])" + _LINE)
    opening = re.compile(rb"(?<![^\r\n])[A-Za-z][A-Za-z0-9+.\-]{0,20}(?::[^\r\n]*)?\Z")
    certain = re.compile(rb"(?m)^" + _LINE)
    end = re.compile(rb"\n")

    def parse(self, header: bytes) -> Header:
        r"""Read a header line.

        >>> header = ArcSyntax().parse(b"http://a.org/ 10.0.0.1 20080509190241 text/html 65\n")
        >>> header.url, header.length, header.record_id
        ('http://a.org/', 65, 'http://a.org/ 20080509190241')
        """
        match = self.start.match(header)
        if match is None:
            return Header(kind="")
        url = match["url"].decode("utf-8", "replace")
        date = match["date"].decode("ascii")
        content_type = match["rest"].split(b" ")[0].decode("ascii", "replace")
        return Header(
            kind="filedesc" if url.lower().startswith("filedesc:") else "response",
            record_id=f"{url} {date}",
            url=url,
            date=_parse_date(date),
            length=int(match["length"]) if match["length"].isdigit() else None,
            content_type=content_type,
        )


def _parse_date(text: str) -> datetime | None:
    """Read ``YYYYMMDDhhmmss``, of which the time may be missing; ARC dates are in UTC."""
    try:
        return datetime.strptime(text[:14].ljust(14, "0"), "%Y%m%d%H%M%S").replace(tzinfo=UTC)
    except ValueError:
        return None
