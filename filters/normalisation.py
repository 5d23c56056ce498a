"""Normalisation as edits: mojibake, Unicode forms and white space."""

import re
import unicodedata
from collections import Counter
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Literal

import regex

from filters.edits import Edited
from filters.signals import Signal

if TYPE_CHECKING:
    from ftfy import TextFixerConfig

_STANDARD = "Unicode Standard Annex 15, normalization forms"

# What else ftfy can change: an entity, a control character, anything that is not ASCII.
_MAY_NEED_FIXING = re.compile(r"[^\t\n -%'-~]")
# What of that ftfy changes where it sees no mojibake: controls, surrogates, byte order marks.
_NO_TEXT = re.compile(
    "[\x00-\x08\x0b\x0e-\x1f\x7f-\x9f\u206a-\u206f\ud800-\udfff\ufeff\ufff9-\ufffc]"
)
# An ampersand that was escaped twice is common, one that was escaped more than a few times is not
# there by accident, and unescaping one level a pass would take a pass for each.
_MOST_LEVELS_OF_ESCAPES = 5


def _changed_characters(before: str, after: str) -> int:
    """Return how many characters of ``before`` are not in ``after``, wherever they stand.

    A change that only adds or moves characters counts as 1.
    """
    return 0 if before == after else max(1, (Counter(before) - Counter(after)).total())


@dataclass(frozen=True, kw_only=True)
class FixText:
    r"""Repairs mojibake and removes control characters, by ftfy.

    What ftfy would do beyond repairing is off, as in datatrove's formatter: curly quotes,
    ligatures and the full-width punctuation of Chinese and Japanese are no faults, and a model
    that never sees them does not know them. Lines of printable ASCII are not looked at further.

    Args:
        unescape_html: Whether entities (``&eacute;``) become characters; ``auto``: up to the first
            line with a ``<``, because behind one the text may be markup that is meant to be so.
        uncurl_quotes: Whether curly quotes become straight.
        fix_latin_ligatures: Whether ligatures such as ﬁ become letters.
        fix_character_width: Whether full-width and half-width forms become the usual ones.
        fix_line_breaks: Whether all line breaks become newlines.

    >>> FixText().apply("The â€œferryâ€\x9d is dÃ©jÃ\xa0 vu.").text
    'The “ferry” is déjà vu.'
    """

    unescape_html: bool | Literal["auto"] = "auto"
    uncurl_quotes: bool = False
    fix_latin_ligatures: bool = False
    fix_character_width: bool = False
    fix_line_breaks: bool = False

    name = "ftfy"
    signals = (
        Signal(
            name="ftfy.changed_character_count",
            type="int64",
            unit="characters",
            meaning="Characters that the repair of mojibake and controls replaced or removed.",
            source="ftfy",
        ),
    )

    def apply(self, text: str) -> Edited:
        """Repair the text line by line."""
        fixed = text
        if _MAY_NEED_FIXING.search(text):
            fixed = self._fixed(text)
        return Edited(fixed, {"ftfy.changed_character_count": _changed_characters(text, fixed)})

    def _fixed(self, text: str) -> str:
        lines = text.split("\n")
        unescapes = self.unescape_html is not False
        last = len(lines) - 1
        for place, line in enumerate(lines):
            if unescapes and self.unescape_html == "auto" and "<" in line:
                unescapes = False
            if _MAY_NEED_FIXING.search(line):
                # The newline is part of the line: some of the fixes look at what follows.
                lines[place] = self._fixed_line(line if place == last else line + "\n", unescapes)
            elif place != last:
                lines[place] = line + "\n"
        return "".join(lines)

    def _fixed_line(self, line: str, unescapes: bool) -> str:
        import ftfy

        for _ in range(_MOST_LEVELS_OF_ESCAPES if unescapes and "&" in line else 0):
            unescaped = ftfy.fixes.unescape_html(line)
            if unescaped == line:
                break
            line = unescaped
        # Nearly every line ends here, and goes through none of the fixes.
        if self._only_repairs and not ftfy.badness.is_bad(line) and not _NO_TEXT.search(line):
            return line
        return ftfy.fix_text(line, self._config)

    @property
    def _only_repairs(self) -> bool:
        return not (
            self.uncurl_quotes
            or self.fix_latin_ligatures
            or self.fix_character_width
            or self.fix_line_breaks
        )

    @cached_property
    def _config(self) -> "TextFixerConfig":
        from ftfy import TextFixerConfig

        return TextFixerConfig(
            unescape_html=False,
            fix_latin_ligatures=self.fix_latin_ligatures,
            fix_character_width=self.fix_character_width,
            uncurl_quotes=self.uncurl_quotes,
            fix_line_breaks=self.fix_line_breaks,
            normalization=None,
            explain=False,
        )


# Sorting the marks on one letter takes time that grows with their square. Annex 15 calls a text
# stream-safe that has at most 30 in a row, and no orthography comes near. The two half-width kana
# marks are letters that become marks in NFKC.
_TOO_MANY_MARKS = regex.compile(r"[\p{M}\uFF9E\uFF9F]{31,}+")


@dataclass(frozen=True, kw_only=True)
class UnicodeForm:
    r"""Brings the text into a normalization form of Unicode.

    NFC writes one character for a letter with its accents, and changes nothing that a reader
    sees. NFKC also replaces look-alikes by the usual character (① by 1, ﬁ by fi, full-width by
    ordinary punctuation), which loses what they said. More than 30 marks in a row are not text
    and stay as they are.

    Args:
        form: ``NFC`` or ``NFKC``.

    >>> UnicodeForm().apply("cafe\u0301 ①").text, UnicodeForm(form="NFKC").apply("①").text
    ('café ①', '1')
    """

    form: Literal["NFC", "NFKC"] = "NFC"

    name = "unicode"
    signals = (
        Signal(
            name="unicode.changed_character_count",
            type="int64",
            unit="characters",
            meaning="Characters that the normalization form replaced.",
            source=_STANDARD,
        ),
    )

    def apply(self, text: str) -> Edited:
        """Normalise the text, if it is not in the form already."""
        # Only the quick check is linear whatever the text is; ASCII passes it at once.
        if text.isascii():
            return Edited(text, {"unicode.changed_character_count": 0})
        parts = []
        end = 0
        for marks in _TOO_MANY_MARKS.finditer(text):
            parts += [unicodedata.normalize(self.form, text[end : marks.start()]), marks.group()]
            end = marks.end()
        parts.append(unicodedata.normalize(self.form, text[end:]))
        normal = "".join(parts)
        return Edited(
            normal, {"unicode.changed_character_count": _changed_characters(text, normal)}
        )


# Looking for each in turn is many times faster than one pattern of them all: few pages have any.
_LINE_BREAKS = ("\r\n", *"\r\x0b\x0c\x1c\x1d\x1e\x85\u2028\u2029")
_ODD_SPACES = tuple(
    "\x1f\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u202f\u205f\u3000"
)
_WHITE_SPACE = (" ", "\t", "\n", *_ODD_SPACES, *_LINE_BREAKS[1:])
_RUN_OF_SPACES = re.compile(r"[ \t]{2,}+|\t")
_BLANK_LINES = re.compile(r"\n{3,}+")


def _plain_run(run: re.Match[str]) -> str:
    text, start, end = run.string, run.start(), run.end()
    if end == len(text) or text[end] == "\n":
        return ""
    return run.group() if start == 0 or text[start - 1] == "\n" else " "


def _changed_space(before: str, after: str) -> int:
    """Return how much white space of ``before`` is not in ``after``."""
    if before == after:
        return 0
    return sum(max(0, before.count(space) - after.count(space)) for space in _WHITE_SPACE)


@dataclass(frozen=True, kw_only=True)
class WhiteSpace:
    r"""Makes white space plain.

    Every line break becomes a newline, every other white space (no-break, thin, ideographic) a
    space; runs of spaces inside a line become one; spaces at the end of a line go, and of several
    blank lines one stays. The indentation of a line stays: code and verse mean it. The zero-width
    characters stay too: they are part of the spelling of Persian, Khmer or an emoji.

    >>> WhiteSpace().apply("One\u00a0 two\t three. \r\n\r\n\r\n    four").text
    'One two three.\n\n    four'
    """

    name = "whitespace"
    signals = (
        Signal(
            name="whitespace.changed_character_count",
            type="int64",
            unit="characters",
            meaning="White space that was replaced or removed.",
            source="thresher",
        ),
    )

    def apply(self, text: str) -> Edited:
        """Replace and remove white space."""
        plain = text
        for odd in _LINE_BREAKS:
            plain = plain.replace(odd, "\n")
        for odd in _ODD_SPACES:
            plain = plain.replace(odd, " ")
        if "  " in plain or "\t" in plain:
            plain = _RUN_OF_SPACES.sub(_plain_run, plain)
        plain = plain.replace(" \n", "\n").removesuffix(" ")
        if "\n\n\n" in plain:
            plain = _BLANK_LINES.sub("\n\n", plain)
        return Edited(plain, {"whitespace.changed_character_count": _changed_space(text, plain)})
