"""The frame that Project Gutenberg puts around a book, and what its header says.

A book is framed by a header (title, release date, credits) and a footer (the licence). Both are
found by the lines that Project Gutenberg itself defines for that purpose, never by phrases that
could stand in a book, and only where a frame can be: the first start marker near the top, the last
end marker before what reads as the licence. Whatever is not certain to be frame stays in the book.
"""

import codecs
import re
from dataclasses import dataclass
from typing import Literal

from resiliparse.parse.encoding import detect_encoding

from filters.gutenberg_header import FIELD

__all__ = [
    "Book",
    "DecodedBook",
    "UndecodableBookError",
    "decode_book",
    "is_web_page",
    "strip_boilerplate",
]

HEAD_LINES = 800
"""How many lines from the top the header may end; the longest headers, of 1999 to 2003 with the
whole "small print", are 390 lines."""
FRAME_CHARACTERS = 60_000
"""The longest footer: the licence is 19,000 characters, the small print 15,000, and some files have
both."""
MINIMUM_SHARE = 0.01
"""If the markers leave less than this share of a text they are taken as misread, and it is kept."""
MARKER_LINES = 5
"""How many lines a marker may run over (a title of 500 characters, the limit of Project Gutenberg's
own ebookmaker, boilerplate.py)."""
CREDIT_LINES = 15
CREDIT_PARAGRAPHS = 8

START = re.compile(r"\**\s*START OF TH(?:E|IS) PROJECT GUTENBERG\b", re.I)
END = re.compile(r"\**\s*END OF TH(?:E|IS) PROJECT GUTENBERG (?:E-?BOOK|E-?TEXT)\b(?! of)", re.I)
STARRED_END = re.compile(r"\*+\s*END OF (?:TH(?:E|IS) )?PROJECT GUTENBERG\b", re.I)
END_LINE = re.compile(
    r"[\W_]*(?:(?:the )?end of (?:(?:the|this) )?(?:project gutenberg\b|e-?(?:text|book) of\b)"
    r"|(?:fin|ende|einde|fine|fim|slut|loppu)\b[\w\s]{0,20}\bproje[ck]?t\w* gutenberg\b)",
    re.I,
)
SMALL_PRINT_START = re.compile(r"\*+\s*(?:START\**\s*THE )?SMALL PRINT!", re.I)
SMALL_PRINT_END = re.compile(
    r"\W*END\W{1,4}THE SMALL PRINT!|\W*SMALL PRINT!.*\*END\*|\[\"Small Print\" V\.", re.I
)
GUTENBERG = re.compile(r"\bgutenberg\b", re.I)
FOOTER = re.compile(
    r"gutenberg|updated editions will replace|this file should be named|small print!", re.I
)
CREDIT = re.compile(
    r"""\W*(?:
      (?:produced|prepared|scanned|digitized)\ (?:and\ \w+\ )?by\b
    | e-?text\ (?:was\ )?(?:prepared|produced|scanned|created|transcribed)\b
    | this\ (?:e-?text|e-?book|book|file)\ (?:was|is)\ (?:\w+\ )?
      (?:prepared|produced|created|scanned|transcribed|typed|provided)\ (?:and\ \w+\ )?by\b
    | transcribed\ (?:by|from\ the\ .{0,150}?edition\ by)\b
    | html\ version\ (?:prepared\ |produced\ )?by\b
    | note:\ (?:project\ gutenberg\ (?:also\ )?has\b|images\ of\ the\ original\ pages\ are)
    | (?:note:\ )?there\ (?:is|are)\ (?:an?\ )?(?:\w+\ ){0,3}editions?\ of\ this\ title\b
    | images\ of\ the\ original\ pages\ are\ available\ through\b
    | this\ ebook\ was\ one\ of\ project\ gutenberg's\ early\ files\b
    )""",
    re.I | re.X,
)
WORLD_LIBRARY_NOTICE = re.compile(
    r"^<<THIS ELECTRONIC VERSION OF [^<>]{0,200}?COPYRIGHT[^<>]{0,600}?"
    r"CHARGES\s+FOR\s+DOWNLOAD\s+TIME\s+OR\s+FOR\s+MEMBERSHIP\.>*[ \t]*\n?",
    re.M,
)
"""The notice of some 40 words that the World Library put between the acts of its Shakespeare."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Book:
    r"""A book's text between its header and its footer.

    Attributes:
        body: The book, lines ended by ``\n``, without blank lines at either end.
        header: What stood above it, empty if there was no header.
        footer: What stood below it, empty if there was no footer.
        start: What ended the header: the official ``start_marker``, the ``small_print`` of files
            from before 2003, or None.
        end: What began the footer: the official ``end_marker``, an ``end_line`` ("End of Project
            Gutenberg's …"), or None.
        warning: Why the text was kept whole although a frame was found, or None.
    """

    body: str
    header: str = ""
    footer: str = ""
    start: Literal["start_marker", "small_print"] | None = None
    end: Literal["end_marker", "end_line"] | None = None
    warning: str | None = None


def strip_boilerplate(text: str) -> Book:
    r"""Take the header, the footer and the producers' credits off a Project Gutenberg text.

    A text without markers comes back whole, and so does one of which the markers would leave
    nothing.

    >>> strip_boilerplate(
    ...     "The Project Gutenberg eBook of If\n\nTitle: If\n\n"
    ...     "*** START OF THE PROJECT GUTENBERG EBOOK IF ***\n\nProduced by A. Volunteer\n\n"
    ...     "If you can\n\n*** END OF THE PROJECT GUTENBERG EBOOK IF ***\n\nUpdated editions will "
    ...     "replace the previous one."
    ... ).body
    'If you can'
    """
    text = re.sub(r"\r\n?", "\n", text.removeprefix("\ufeff"))
    lines = text.split("\n")
    marker = _start_marker(lines)
    body_start = _after_marker(lines, marker) if marker is not None else 0
    start: Literal["start_marker", "small_print"] | None = (
        "start_marker" if marker is not None else None
    )
    body_end, end = _footer(lines, body_start)
    small_print = _after_small_print(lines, body_start, body_end, opened=marker is not None)
    if small_print is not None:
        body_start = small_print
        start = start or "small_print"
    header = "\n".join(lines[:body_start])
    if start:
        body_start = _after_credits(lines, body_start, body_end)
    body = _trim_blank_lines("\n".join(lines[body_start:body_end]))
    body = _trim_blank_lines(WORLD_LIBRARY_NOTICE.sub("", body))
    whole = _trim_blank_lines(text)
    if (start or end) and len(body.strip()) < MINIMUM_SHARE * len(whole):
        warning = f"the markers would leave {len(body.strip())} of {len(whole)} characters"
        return Book(body=whole, header=header, warning=warning)
    footer = "\n".join(lines[body_end:])
    return Book(body=body, header=header, footer=footer, start=start, end=end)


def _trim_blank_lines(text: str) -> str:
    text = text.rstrip()
    first = len(text) - len(text.lstrip())
    return text[text.rfind("\n", 0, first) + 1 :]


def _start_marker(lines: list[str]) -> int | None:
    """The first start marker below what reads as a header, or at the very top."""
    for index, line in enumerate(lines[:HEAD_LINES]):
        if START.match(line.strip()):
            above = [other for other in lines[:index] if other.strip()]
            is_header = not above or any(GUTENBERG.search(o) or FIELD.match(o) for o in above)
            return index if is_header else None
    return None


def _after_marker(lines: list[str], index: int) -> int:
    """The line after a marker, which ends with asterisks, up to :data:`MARKER_LINES` further on."""
    for last, line in enumerate(lines[index : index + MARKER_LINES], start=index):
        if not line.strip():
            break
        if re.search(r"\w.*\*\s*$", line):
            return last + 1
    return index + 1


def _after_small_print(lines: list[str], start: int, stop: int, *, opened: bool) -> int | None:
    """The line after the small print of the header, if there is one.

    Below a start marker it counts only with its opening line (``opened``): old files that were
    given a new header keep the old one below it.
    """
    begun = False
    for index in range(start, min(stop, start + HEAD_LINES)):
        line = lines[index].strip()
        if SMALL_PRINT_END.match(line):
            if not begun and (opened or not GUTENBERG.search("\n".join(lines[start:index]))):
                return None
            after = index + 1
            if after < stop and ("*END*" in lines[after] or lines[after].startswith("[")):
                after = next((i for i in range(after, stop) if not lines[i].strip()), stop)
            return after if any(other.strip() for other in lines[after:stop]) else None
        begun = begun or bool(SMALL_PRINT_START.match(line))
    return None


def _after_credits(lines: list[str], start: int, stop: int) -> int:
    """The first line after the credits and notes of Project Gutenberg's volunteers."""
    for _ in range(CREDIT_PARAGRAPHS):
        first = _next_text(lines, start, stop)
        last = first
        while last < stop and lines[last].strip():
            last += 1
        paragraph = " ".join(line.strip() for line in lines[first:last])
        if first == last or last - first > CREDIT_LINES or not CREDIT.match(paragraph):
            return start
        start = last
        if re.match(r"\W*note: project gutenberg", paragraph, re.I):
            start = _after_note(lines, start, stop)
    return start


def _after_note(lines: list[str], start: int, stop: int) -> int:
    """The line after a note's further paragraphs: indented, and about files or images."""
    while (first := _next_text(lines, start, stop)) < stop and re.match(
        r"\s+(?:or\b|see\b|\(?https?://|images of the original)", lines[first], re.I
    ):
        start = first
        while start < stop and lines[start].strip():
            start += 1
    return start


def _next_text(lines: list[str], start: int, stop: int) -> int:
    return next((i for i in range(start, stop) if lines[i].strip()), stop)


def _footer(lines: list[str], start: int) -> tuple[int, Literal["end_marker", "end_line"] | None]:
    """Where the footer begins (the number of lines if there is none), and what begins it."""
    last_end, last_line, below = None, None, 0
    for index in range(len(lines) - 1, start - 1, -1):
        line = lines[index].strip()
        if END.match(line) or STARRED_END.match(line):
            last_end = index
            break
        if last_line is None and END_LINE.match(line):
            last_line = index
        below += len(line) + 1
        if below > FRAME_CHARACTERS:
            break
    if last_end is not None and _is_footer(lines, _after_marker(lines, last_end)):
        return _above_end_lines(lines, start, last_end), "end_marker"
    if last_line is not None:
        after = last_line
        while after < len(lines) and after - last_line < MARKER_LINES and lines[after].strip():
            after += 1
        if _is_footer(lines, after):
            return _above_end_lines(lines, start, last_line), "end_line"
    return len(lines), None


def _is_footer(lines: list[str], start: int) -> bool:
    """Whether the rest is empty or reads as the licence, and is no longer than that can be."""
    rest = "\n".join(lines[start:]).strip()
    return not rest or (len(rest) <= FRAME_CHARACTERS and FOOTER.search(rest) is not None)


def _above_end_lines(lines: list[str], start: int, stop: int) -> int:
    """Move up over "End of Project Gutenberg's …" that stands just above an end marker."""
    while True:
        last = stop - 1
        while last >= start and not lines[last].strip():
            last -= 1
        for index in range(last, max(last - MARKER_LINES, start - 1), -1):
            line = lines[index].strip()
            if not line:
                return stop
            if END_LINE.match(line) or STARRED_END.match(line):
                stop = index
                break
        else:
            return stop


def is_web_page(text: str) -> bool:
    """Whether a text is an HTML page, such as an error page that a crawler saved as a book.

    >>> is_web_page(" <!DOCTYPE html><title>404 | Project Gutenberg</title>")
    True
    >>> is_web_page("The <b>first</b> line of a book")
    False
    """
    return bool(
        re.match(
            r"\ufeff?\s*(?:<\?xml[^>]*>\s*)?(?:<!--.*?-->\s*)*<(?:!doctype\s+html|html)[\s>]",
            text[:5000],
            re.I | re.S,
        )
    )


# ---- bytes to text --------------------------------------------------------------------------

MAXIMUM_REPLACED = 0.001
"""The share of characters that may be unreadable: stray bytes in a book, not a wrong decoding."""
DETECTION_BYTES = 200_000
DECLARATION = re.compile(rb"Cha[rt]acter set encoding:\s*([^\r\n]{1,60})", re.I)
UNREADABLE = re.compile("[\x00-\x08\x0e-\x19\x1b-\x1f\x7f\ufffd]")
"""Replacement characters, and controls other than white space and the end mark of DOS files."""
NOT_ASCII = re.compile("[^\x00-\x7f\ufffd]")
DECLARED_CODECS = (
    (r"utf-?8", ("utf-8",)),
    (r"utf-?16", ("utf-16",)),
    (r"utf-?32", ("utf-32",)),
    (r"latin-?1\b|8859[-_]?1\b|ascii|646|ansi", ("latin-1",)),
    (r"8859[-_]?(\d\d?)", (r"iso8859-\1",)),
    (r"(?:windows|cp|code\s?page)\D{0,12}(\d{3,4})", (r"cp\1",)),
    (r"big-?5", ("big5", "cp950", "big5hkscs")),
    (r"gb[- ]?(?:2312|k|18030)", ("gb18030",)),
    (r"shift|sjis", ("cp932",)),
    (r"euc-?(jp|kr)", (r"euc_\1",)),
    (r"koi8-?(r|u)", (r"koi8-\1",)),
    (r"mac", ("mac_roman",)),
    (r"tis-?620", ("tis-620",)),
)
"""What Project Gutenberg's headers call an encoding, to Python codecs to try in this order. Only
these are used: a header is text that anybody may have written."""


class UndecodableBookError(ValueError):
    """No encoding makes readable text of a book's bytes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DecodedBook:
    """A file's text.

    Attributes:
        text: The text, without byte order mark.
        encoding: The Python codec that read it.
        replaced: How many characters could not be read.
    """

    text: str
    encoding: str
    replaced: int


def decode_book(data: bytes) -> DecodedBook:
    r"""Decode a book: as UTF-8 if it is that, else as its header says, else by detection.

    Raises:
        UndecodableBookError: If more than :data:`MAXIMUM_REPLACED` of the characters stay
            unreadable in every encoding: the file is damaged, or no text.

    >>> decode_book("Character set encoding: ISO-8859-1\n\nGabriël".encode("latin-1")).encoding
    'latin-1'
    """
    for mark, codec in (
        (codecs.BOM_UTF8, "utf-8"),
        (codecs.BOM_UTF32_LE, "utf-32"),
        (codecs.BOM_UTF16_LE, "utf-16"),
        (codecs.BOM_UTF16_BE, "utf-16"),
    ):
        if data.startswith(mark):
            return _decode(data, codec, errors="replace")
    declared = _declared_codecs(data)
    for codec in ("utf-8", *declared):
        try:
            return _decode(data, codec)
        except (UnicodeError, LookupError, UndecodableBookError):
            continue
    # A few broken bytes do not make a book of another encoding; no good ones but those do.
    for codec in declared or ("utf-8",):
        try:
            book = _decode(data, codec, errors="replace")
        except (LookupError, UndecodableBookError):
            continue
        if len(NOT_ASCII.findall(book.text)) > book.replaced:
            return book
    # Not charset-normalizer, which takes Spanish and German books in Windows-1252 for Windows-1250.
    found = detect_encoding(data[:DETECTION_BYTES], max_len=DETECTION_BYTES)
    return _decode(data, "latin-1" if found in (None, "utf-8") else found, errors="replace")


def _decode(data: bytes, codec: str, errors: str = "strict") -> DecodedBook:
    if codec == "latin-1" and re.search(b"[\x80-\x9f]", data):
        codec = "cp1252"  # those bytes are letters and quotation marks only there
    text = data.decode(codec, errors)
    replaced = len(UNREADABLE.findall(text))
    if replaced > MAXIMUM_REPLACED * len(text):
        raise UndecodableBookError(
            f"{replaced} of {len(text)} characters are not readable as {codec}"
        )
    return DecodedBook(text=text.removeprefix("\ufeff"), encoding=codec, replaced=replaced)


def _declared_codecs(data: bytes) -> tuple[str, ...]:
    match = DECLARATION.search(data[:20_000])
    if match is None:
        return ()
    name = match[1].decode("latin-1")
    for pattern, names in DECLARED_CODECS:
        if found := re.search(pattern, name, re.I):
            return tuple(found.expand(codec).lower() for codec in names)
    return ()
