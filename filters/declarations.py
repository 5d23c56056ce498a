"""What a page says of how it may be used: directives for robots, reservation of text mining.

They stand in HTTP headers and in the `<meta>` tags of a page's head. Nothing is fetched: a site's
`robots.txt` and `/.well-known/tdmrep.json` are other pages, and a crawler's business.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

HEADERS = ("x-robots-tag", "tdm-reservation")
"""The HTTP headers that declare something, in lower case."""

# Directives whose values have a colon too: Google, Robots meta tag specification.
_WITH_VALUES = ("unavailable_after", "max-snippet", "max-image-preview", "max-video-preview")
# Common Crawl's robot: whose archive it is, most of the time.
_AGENTS = ("", "*", "robots", "ccbot")
# Whoever wants no AI of one robot wants none of another.
_WHOEVER_IS_ADDRESSED = ("noai", "noimageai")
_MARK = re.compile(rb"<!--|<(?:meta|script|style|title|body)(?![a-z0-9-])", re.IGNORECASE)
_ENDS = {name: re.compile(rb"</" + name, re.IGNORECASE) for name in (b"script", b"style", b"title")}
# Each attribute is tried from its first letter alone, so that no page takes quadratic time.
_ATTRIBUTE = re.compile(
    rb"(?<![a-z-])([a-z-]{1,32})\s{0,32}=\s{0,32}(?:\"([^\"]*)\"|'([^']*)'|([^\s\"'>]+))",
    re.IGNORECASE,
)
_MOST_TAG_BYTES = 4_096


@dataclass(frozen=True, slots=True, kw_only=True)
class Declarations:
    """What a page says of its use.

    Attributes:
        directives: The directives for robots, in lower case: those for all robots and for Common
            Crawl's, and of those for others ``noai`` and ``noimageai``.
        tdm_reserved: Whether text and data mining is reserved, by the TDM Reservation Protocol.
    """

    directives: frozenset[str] = frozenset()
    tdm_reserved: bool = False

    def __or__(self, other: "Declarations") -> "Declarations":
        """Return what either says; a reservation in one place is not lifted by another."""
        return Declarations(
            directives=self.directives | other.directives,
            tdm_reserved=self.tdm_reserved or other.tdm_reserved,
        )


def of_headers(headers: Mapping[str, str]) -> Declarations:
    """Return what HTTP headers declare.

    Args:
        headers: By lower-case name; values of a repeated header are joined by commas.

    >>> of_headers({"x-robots-tag": "otherbot: noindex, NoAI", "tdm-reservation": "1"})
    Declarations(directives=frozenset({'noai'}), tdm_reserved=True)
    """
    return Declarations(
        directives=_directives(headers.get("x-robots-tag", "")),
        tdm_reserved=_is_reserved(headers.get("tdm-reservation", "")),
    )


def _directives(value: str, agent: str = "") -> frozenset[str]:
    found = set()
    for item in value.lower().split(","):
        name, colon, directive = item.partition(":")
        if not colon or name.strip() in _WITH_VALUES:
            directive = name
        else:
            # It goes for what follows it as well.
            agent = name.strip()
        if agent in _AGENTS or directive.strip() in _WHOEVER_IS_ADDRESSED:
            found.add(directive.strip())
    return frozenset(found - {""})


def _is_reserved(value: str) -> bool:
    return "1" in (part.strip() for part in value.split(","))


def of_page(content: bytes) -> Declarations:
    """Return what the `<meta>` tags in the head of an HTML page declare.

    Args:
        content: The page as it came: the names and values sought are ASCII in every character set
            of the web but UTF-16, which is told by its byte order mark.

    >>> of_page(b'<head><meta name="robots" content="noindex, noai"></head>').tdm_reserved
    False
    """
    if content[:2] in (b"\xff\xfe", b"\xfe\xff"):
        content = content.decode("utf-16", "replace").encode("utf-8", "replace")
    declared = Declarations()
    at = 0
    while at >= 0 and (mark := _MARK.search(content, at)):
        name = mark[0][1:].lower()
        at = mark.end()
        if name == b"body":
            break
        if name == b"!--":
            at = content.find(b"-->", at)
        elif name == b"meta":
            at = content.find(b">", at)
            declared |= _of_meta(content[mark.end() : at if at >= 0 else len(content)])
        else:
            end = _ENDS[name].search(content, at)
            at = end.end() if end else -1
    return declared


def _of_meta(tag: bytes) -> Declarations:
    attributes = {
        name.lower(): (double or single or bare).decode("utf-8", "replace")
        for name, double, single, bare in _ATTRIBUTE.findall(tag, 0, _MOST_TAG_BYTES)
    }
    name = attributes.get(b"name", "").strip().lower()
    value = attributes.get(b"content", "")
    if name == "tdm-reservation":
        return Declarations(tdm_reserved=_is_reserved(value))
    if name in ("robots", "ccbot"):
        return Declarations(directives=_directives(value, name))
    return Declarations()
