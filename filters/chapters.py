"""Where the chapters of a book begin, and which whole chapters make a text of a given length."""

import re
from collections.abc import Sequence

_NUMBER = (
    r"(?:the\s+)?(?:\d{1,3}|(?-i:[IVXLC]{1,7})|one|two|three|four|five|six|seven|eight|nine|ten|eleven"
    r"|twelve|first|second|third|fourth|fifth|last|primero?|premi[eè]re?|erstes|primo)"
)
_NAMES = (
    "chapter|chap|book|part|volume|letter|stave|canto|act|chapitre|livre|partie|kapitel|buch|teil|"
    "gesang|cap[ií]tulo|libro|parte|jornada|capitolo|hoofdstuk|luku|rozdzia[łl]|ksi[eę]ga|kabanata|"
    "глава|часть"
)
_HEADING = re.compile(
    rf"^[ \t\u3000]*(?:(?:{_NAMES})\.?\s+{_NUMBER}\b.{{0,80}}"
    r"|(?:erstes|zweites|drittes|viertes|fünftes|sechstes|siebentes|achtes|neuntes|zehntes)\s+"
    r"(?:kapitel|buch)\.?|(?-i:[IVXLC]{1,7})\.?"
    r"|(?P<chinese>第[〇○零一二三四五六七八九十百千两兩\d]{1,7}[章回卷節节部集].{0,60}))"
    r"[ \t\u3000]*$",
    re.I | re.M,
)
_BLANK_LINE_ABOVE = re.compile(r"(?:^|\n)[ \t\u3000]*\n$|^$")
_SHORTEST = 500
"""Headings that stand closer than so many characters are a table of contents, or a part's heading
above that of its first chapter: only the first of them begins a chapter."""


def chapter_starts(text: str) -> list[int]:
    r"""Return where each chapter of a text begins; the first begins at 0, whatever stands there.

    A heading is a line such as "CHAPTER IV.", "Chapitre premier", "第十二回 …" or a Roman numeral
    alone. A text without headings is one chapter.

    >>> body = "It was a dark and stormy night. " * 20
    >>> text = f"Title\n\nI\nII\n\nCHAPTER I\n\n{body}\n\nCHAPTER II\n\n{body}"
    >>> [text[start:].split("\n")[0] for start in chapter_starts(text)]
    ['Title', 'CHAPTER II']
    """
    starts = [0]
    last_heading = 0
    for heading in _HEADING.finditer(text):
        above = text[max(0, heading.start() - 20) : heading.start()]
        # Elsewhere than below a blank line it is a sentence's line that happens to begin so, or a
        # table of contents; no sentence in Chinese does.
        stands_alone = heading["chinese"] or _BLANK_LINE_ABOVE.search(above)
        if stands_alone and heading.start() - last_heading >= _SHORTEST:
            starts.append(heading.start())
        last_heading = heading.start()
    return starts


def chapters(text: str) -> list[str]:
    """Cut a text at its chapters; joined, they are the text."""
    starts = chapter_starts(text)
    ends = [*starts[1:], len(text)]
    return [text[start:end] for start, end in zip(starts, ends, strict=True)]


def whole_chapters(lengths: Sequence[int], *, at_most: int) -> list[slice]:
    """Put neighbouring chapters together as long as they are not too long together.

    Args:
        lengths: The length of each chapter.
        at_most: What a part may have; a chapter that alone is longer is a part of its own.

    Returns:
        The chapters of each part; every chapter is in one.

    >>> whole_chapters([4, 3, 9, 20, 1], at_most=10)
    [slice(0, 2, None), slice(2, 3, None), slice(3, 4, None), slice(4, 5, None)]
    """
    parts = []
    first, total = 0, 0
    for number, length in enumerate(lengths):
        if number > first and total + length > at_most:
            parts.append(slice(first, number))
            first, total = number, 0
        total += length
    if lengths:
        parts.append(slice(first, len(lengths)))
    return parts


def windows(lengths: Sequence[int], *, shortest: int, longest: int) -> list[slice]:
    """Slide a window over the chapters of a book, as CNNSum takes its samples.

    A window is the fewest whole chapters from its first one on that have ``shortest`` in all; if
    they have more than ``longest``, there is none from that chapter, and the next chapter is
    tried. The chapter after a window begins the next: windows share no chapter.

    Args:
        lengths: The length of each chapter.
        shortest: What a window must have.
        longest: What it may have.

    >>> windows([5, 6, 30, 4, 4, 4], shortest=10, longest=15)
    [slice(0, 2, None), slice(3, 6, None)]
    """
    found = []
    first, total, after = 0, 0, 0
    while after < len(lengths):
        total += lengths[after]
        after += 1
        while first < after and total > longest:
            total -= lengths[first]
            first += 1
        if total >= shortest:
            found.append(slice(first, after))
            first, total = after, 0
    return found
