"""From the bytes of a page to its text: which character set, and how sure.

The order of evidence is the HTML Standard's (byte order mark, transport, ``<meta>``, detection; see
https://html.spec.whatwg.org/multipage/parsing.html#determining-the-character-encoding) with one
change that crawls need: a declaration that the bytes contradict does not win. Valid UTF-8 with
multi-byte sequences is taken for UTF-8 whatever the page says, since text in another charset
almost never forms it by chance.
"""

import codecs
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from resiliparse.parse.encoding import detect_encoding, map_encoding_to_html5

MAX_DAMAGED_SHARE = 0.05
"""Largest share of characters that may be damaged before a page counts as undecodable.

Words of alphabetic scripts are about five letters long, so at one damaged character in twenty about
every fourth word is broken, which is past use. Random bytes, read as the most forgiving charset
(windows-1252), come to 0.12.
"""

PRESCAN_BYTES = 4096
"""How far into a page its ``<meta>`` is looked for.

The HTML Standard asks authors for the first 1,024 bytes; pages put scripts and comments before it.
"""

_REPLACEMENT = "\ufffd"

# The binary data bytes of https://mimesniff.spec.whatwg.org/#binary-data-byte: control characters
# that text has no use for. Escape, shift-out and shift-in are left out: ISO-2022 text has them.
_BINARY_CHARACTERS = [chr(c) for c in (*range(9), 0x0B, *range(0x10, 0x1B), *range(0x1C, 0x20))]

# The longest mark first: that of UTF-32-LE begins with that of UTF-16-LE.
_BYTE_ORDER_MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)

# The encodings of https://encoding.spec.whatwg.org are supersets of the namesakes that Python has:
# these are the Python codecs that hold the extensions found in pages.
_WIDEST_CODEC = {
    "gbk": "gb18030",
    "big5": "big5hkscs",
    "shift_jis": "cp932",
    "euc_jp": "euc_jis_2004",
    "euc_kr": "cp949",
    "iso8859-11": "cp874",
    "iso8859_8_i": "iso8859-8",
}
# Labels of charsets that browsers refuse for their users' safety, and that old pages are in.
_REFUSED_BY_BROWSERS = {
    "hz-gb-2312": "hz",
    "iso-2022-kr": "iso2022_kr",
    "x-mac-cyrillic": "mac-cyrillic",
    "x-mac-ukrainian": "mac-cyrillic",
}
# Python codecs from bytes to text that are escapes for Python or for host names, not charsets.
_NO_CHARSETS = frozenset({"idna", "punycode", "raw-unicode-escape", "unicode-escape", "undefined"})
_LABEL = re.compile(r"[a-z0-9][a-z0-9_.:+-]{0,39}")

_COMMENT = re.compile(rb"<!--.*?(?:-->|\Z)", re.DOTALL)
_META = re.compile(rb"<meta[\s/]([^>]*)", re.IGNORECASE)
_ATTRIBUTE = re.compile(rb"""([a-z-]+)\s*=\s*("[^"]*"|'[^']*'|[^\s"'>]+)""", re.IGNORECASE)
_CHARSET_IN_CONTENT = re.compile(rb"charset\s*=\s*[\"']?\s*([^\s;\"']+)", re.IGNORECASE)
_XML_DECLARATION = re.compile(rb"\s*<\?xml\s[^>]*?encoding\s*=\s*[\"']([^\"'>]+)")


class UndecodableText(ValueError):  # noqa: N818 (named for what the page is)
    """No charset makes text of these bytes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Decoded:
    """Text and how it was won from bytes.

    Attributes:
        text: The text, without byte order mark, NUL or lone surrogate: it can be written as UTF-8.
        charset: The Python codec that decoded it.
        replacements: How many of its characters are U+FFFD.
    """

    text: str
    charset: str
    replacements: int


def decode(content: bytes, *, declared: str | None, html: bool) -> Decoded:
    r"""Decode the bytes of a page or a text file.

    Args:
        content: The bytes.
        declared: The charset that the transport declared (HTTP header), if any.
        html: Whether a ``<meta>`` element or an XML declaration may name the charset.

    Returns:
        The text of the best supported charset.

    Raises:
        UndecodableText: More than :data:`MAX_DAMAGED_SHARE` of the characters are replacement or
            control characters in every charset that there is evidence for.

    >>> decode("Größe".encode(), declared="iso-8859-1", html=False).text
    'Größe'
    >>> decode("Größe".encode("cp1252"), declared="utf-8", html=False)
    Decoded(text='Größe', charset='cp1252', replacements=0)
    """
    for mark, charset in _BYTE_ORDER_MARKS:
        if content.startswith(mark):
            return _best(content[len(mark) :], [charset], declared=declared, html=html)
    try:
        text = content.decode()
    except UnicodeDecodeError:
        return _best(content, [], declared=declared, html=html)
    # Bytes are searched faster than text whose characters are stored in two bytes or four.
    if b"\0" in content or (text.isascii() and _may_be_seven_bit(content, declared)):
        return _best(content, [], declared=declared, html=html)
    # No page has U+FFFD without its first byte, 0xEF.
    replacements = text.count(_REPLACEMENT) if b"\xef" in content else 0
    _refuse_damage(replacements, text)
    return Decoded(text=text, charset="utf-8", replacements=replacements)


def charset_of_label(label: str) -> str | None:
    """Return the Python codec that a page's label stands for, or None for an unknown label.

    Labels mean what the WHATWG Encoding Standard says (``iso-8859-1`` is windows-1252, ``gb2312``
    is GB 18030); labels that it does not know mean what Python says.

    >>> charset_of_label("ISO-8859-1"), charset_of_label("x-sjis"), charset_of_label("klingon")
    ('cp1252', 'cp932', None)
    """
    label = label.strip(" \t\n\f\r\"';,/").lower()
    return _codec(label) if _LABEL.fullmatch(label) else None


@lru_cache(maxsize=1024)
def _codec(label: str) -> str | None:
    charset = _REFUSED_BY_BROWSERS.get(label) or map_encoding_to_html5(label, fallback_utf8=False)
    if charset is None:
        try:
            # Refuses the codecs that are not from bytes to text, if there is a byte.
            b" ".decode(label, "ignore")
            name = codecs.lookup(label).name
        except (LookupError, UnicodeError):
            return None
        if name in _NO_CHARSETS:
            return None
        charset = map_encoding_to_html5(name, fallback_utf8=False) or name
    return _WIDEST_CODEC.get(charset, charset)


def charset_of_markup(content: bytes) -> str | None:
    """Return the Python codec that a page's ``<meta>`` or XML declaration names, if any.

    >>> charset_of_markup(b'<!-- <meta charset=big5> --><meta charset="utf-16">')
    'utf-8'
    """
    head = _COMMENT.sub(b"", content[:PRESCAN_BYTES])
    labels = [*_meta_labels(head), *_XML_DECLARATION.findall(head[:1024])]
    for label in labels:
        charset = charset_of_label(label.decode("latin-1"))
        if charset is not None:
            # It was read as ASCII, so it can't be in UTF-16: the standard takes it for UTF-8.
            return "utf-8" if charset.startswith(("utf-16", "utf-32")) else charset
    return None


def storable(text: str) -> str:
    r"""Return the text with U+FFFD for NULs and lone surrogates, which UTF-8 columns can't hold.

    >>> storable("a\0b\ud800c")
    'a�b�c'
    """
    if "\0" in text:
        text = text.replace("\0", _REPLACEMENT)
    try:
        text.encode()
    except UnicodeEncodeError:
        text = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text


def _meta_labels(head: bytes) -> Iterator[bytes]:
    for meta in _META.finditer(head):
        attributes = {
            name.lower(): value.strip(b"\"' ") for name, value in _ATTRIBUTE.findall(meta[1])
        }
        if b"charset" in attributes:
            yield attributes[b"charset"]
        elif attributes.get(b"http-equiv", b"").lower() == b"content-type":
            yield from _CHARSET_IN_CONTENT.findall(attributes.get(b"content", b""))


def _may_be_seven_bit(content: bytes, declared: str | None) -> bool:
    """Whether ASCII may stand for something else: ISO-2022, HZ or UTF-7."""
    return (
        b"\x1b" in content
        or b"~{" in content
        or (declared is not None and charset_of_label(declared) == "utf-7")
    )


@dataclass(frozen=True, slots=True)
class _Attempt:
    text: str
    charset: str
    damaged: int

    @classmethod
    def of(cls, content: bytes, charset: str) -> "_Attempt":
        text = storable(content.decode(charset, "replace"))
        damaged = sum(map(text.count, (_REPLACEMENT, *_BINARY_CHARACTERS)))
        return cls(text, charset, damaged)

    def convinces(self) -> bool:
        """Whether the damage is small beside what only a right charset would give.

        A page in UTF-8 with some bytes of another charset, or cut off in the middle of a character,
        still has more sound sequences than broken ones: wrongly taken for UTF-8, text of other
        charsets has next to none. Other multi-byte charsets read each other's text with one fault
        in a few characters, so they are held to one in twenty.
        """
        if not self.damaged:
            return True
        sound = len(self.text) - len(self.text.encode("ascii", "ignore")) - self.damaged
        return sound > self.damaged * (1 if self.charset == "utf-8" else 20)


def _best(content: bytes, certain: list[str], *, declared: str | None, html: bool) -> Decoded:
    attempts = []
    for charset in _charsets(content, certain, declared=declared, html=html):
        attempt = _Attempt.of(content, charset)
        attempts.append(attempt)
        if attempt.convinces():
            break
    else:
        attempt = min(attempts, key=lambda one: one.damaged / max(1, len(one.text)))
    _refuse_damage(attempt.damaged, attempt.text)
    return Decoded(
        text=attempt.text,
        charset=attempt.charset,
        replacements=attempt.text.count(_REPLACEMENT),
    )


def _charsets(
    content: bytes, certain: list[str], *, declared: str | None, html: bool
) -> Iterator[str]:
    """Yield the charsets to try, the best supported first, each once; detection comes last."""
    seen = set()
    for charset in _evidence(content, certain, declared=declared, html=html):
        if charset is not None and charset not in seen:
            seen.add(charset)
            yield charset


def _evidence(
    content: bytes, certain: list[str], *, declared: str | None, html: bool
) -> Iterator[str | None]:
    yield from certain
    if declared is not None:
        yield charset_of_label(declared)
    if html:
        yield charset_of_markup(content)
    # ASCII is sound UTF-8 too, and could hide the charsets of seven bits from detection.
    if not content.isascii():
        yield "utf-8"
    yield _detected(content)


def _detected(content: bytes) -> str:
    """Detect the charset from the bytes alone; windows-1252, the web's default, if in doubt."""
    # Markup and spaces in UTF-16 are NUL in every other byte, which the detector knows nothing of.
    quarter_of_half = len(content) // 8
    if content[1::2].count(0) > quarter_of_half:
        return "utf-16-le"
    if content[0::2].count(0) > quarter_of_half:
        return "utf-16-be"
    # The detector's own mapping to the web's names would turn cp949 into UTF-8.
    label = detect_encoding(content, html5_compatible=False)
    return (label and charset_of_label(label)) or "cp1252"


def _refuse_damage(damaged: int, text: str) -> None:
    if damaged > MAX_DAMAGED_SHARE * len(text):
        raise UndecodableText(
            f"{damaged} of {len(text)} characters are damaged in the best charset found"
        )
