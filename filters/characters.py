"""What kind of character each code point is, for a whole text at once."""

import sys
from functools import cache

import numpy as np
import numpy.typing as npt
import regex

# Classes of characters by Unicode's properties, as flags: a character may be of several.
LETTER = np.uint8(1)
# The accents and vowel signs of letters: half of what is written in Hindi or Thai.
MARK = np.uint8(2)
DIGIT = np.uint8(4)
CAPITAL = np.uint8(8)
# Stars, boxes, arrows, emoji; private and unassigned code points; controls but white space.
SPECIAL_SYMBOL = np.uint8(16)
# What Python's strings call so: white space, upper case, and numerals with fractions, Roman and
# Chinese ones.
WHITE_SPACE = np.uint8(32)
UPPERCASE = np.uint8(64)
NUMERIC = np.uint8(128)

_PATTERNS = (
    (LETTER, r"\p{L}++"),
    (MARK, r"\p{M}++"),
    (DIGIT, r"\p{Nd}++"),
    (CAPITAL, r"[\p{Lu}\p{Lt}]++"),
    (SPECIAL_SYMBOL, r"(?V1)[[\p{So}\p{Sk}\p{C}]--[\s\x1C-\x1F]]++"),
)

_PREDICATES = (
    (WHITE_SPACE, str.isspace),
    (UPPERCASE, str.isupper),
    (NUMERIC, str.isnumeric),
)


def code_points(text: str) -> npt.NDArray[np.uint32]:
    """Return the code points of a text, lone surrogates too.

    >>> code_points("a字").tolist()
    [97, 23383]
    """
    return np.frombuffer(text.encode("utf-32-le", "surrogatepass"), np.dtype("<u4"))


@cache
def class_table() -> npt.NDArray[np.uint8]:
    """Return the flags of each code point there is; made once, in a quarter of a second."""
    every_character = "".join(map(chr, range(sys.maxunicode + 1)))
    table = np.zeros(len(every_character), np.uint8)
    for flag, pattern in _PATTERNS:
        for run in regex.finditer(pattern, every_character):
            table[run.start() : run.end()] |= flag
    for flag, holds in _PREDICATES:
        table |= flag * np.fromiter(map(holds, every_character), np.bool_)
    table.flags.writeable = False
    return table
