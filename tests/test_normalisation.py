import re
import unicodedata
from collections import Counter
from typing import Literal, get_args

import ftfy
import pytest
import regex
from datatrove.pipeline.formatters import FTFYFormatter
from hypothesis import given, settings
from hypothesis import strategies as st

from filters.normalisation import FixText, UnicodeForm, WhiteSpace

Form = Literal["NFC", "NFKC"]
FORMS: tuple[Form, ...] = get_args(Form)

# What mojibake, markup, terminals and broken UTF-16 leave behind, among ordinary text.
MOJIBAKE = ("Ã©", "â€œ", "â€\x9d", "ã\x81", "Â ", "\x93", "œ")
MARKUP = ("&eacute;", "&lt;", "&amp;amp;lt;", "<")
OTHERS = (
    "\x1b[36m",
    "\x00",
    "\ufeff",
    "\ud83d",
    "\n",
    "\r\n",
    " ",
    "word",
    "ﬁ",
    "Ｌ",
    "字",
    "é",
    "à",
    "“",
)
pieces = st.sampled_from(MOJIBAKE + MARKUP + OTHERS)
mixed = st.lists(pieces | st.text(max_size=3), max_size=12).map("".join)


@settings(max_examples=300)
@given(text=mixed)
def test_texts_are_fixed_as_by_datatrove(text: str) -> None:
    assert FixText().apply(text).text == FTFYFormatter().format(text)


@settings(max_examples=200)
@given(text=mixed, unescape=st.booleans(), others=st.booleans())
def test_every_parameter_is_ftfys(text: str, unescape: bool, others: bool) -> None:
    edit = FixText(
        unescape_html=unescape,
        uncurl_quotes=others,
        fix_latin_ligatures=others,
        fix_character_width=others,
        fix_line_breaks=others,
    )
    expected = ftfy.fix_text(
        text,
        unescape_html=unescape,
        uncurl_quotes=others,
        fix_latin_ligatures=others,
        fix_character_width=others,
        fix_line_breaks=others,
        normalization=None,
        explain=False,
    )
    assert edit.apply(text).text == expected


@pytest.mark.parametrize(
    ("text", "fixed", "count"),
    [
        ("plain & simple\ttext", "plain & simple\ttext", 0),
        ("dÃ©jÃ\xa0 vu", "déjà vu", 4),
        ("“Quoted” and ﬁne", "“Quoted” and ﬁne", 0),
        ("a\x00b\x07", "ab", 2),
    ],
)
def test_what_is_replaced_is_counted(text: str, fixed: str, count: int) -> None:
    edited = FixText().apply(text)
    assert (edited.text, dict(edited.counts)) == (fixed, {"ftfy.changed_character_count": count})


def test_escapes_of_escapes_take_as_many_passes_whatever_their_depth(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    passes = 0
    unescape = ftfy.fixes.unescape_html

    def counted(line: str) -> str:
        nonlocal passes
        passes += 1
        return unescape(line)

    monkeypatch.setattr(ftfy.fixes, "unescape_html", counted)
    FixText().apply("&" + "amp;" * 100_000)
    assert passes == 5


@settings(max_examples=200)
@given(
    text=st.text(st.characters() | st.sampled_from("e\u0301\u0327\u0345ﬁ①ｶﾞ"), max_size=20),
    form=st.sampled_from(FORMS),
)
def test_texts_come_into_the_form(text: str, form: Form) -> None:
    assert UnicodeForm(form=form).apply(text).text == unicodedata.normalize(form, text)


def test_a_letter_with_its_accent_becomes_one_character() -> None:
    assert UnicodeForm().apply("cafe\u0301").counts == {"unicode.changed_character_count": 2}
    # Marks in another order are a change too, though no character is new.
    moved = UnicodeForm().apply("q\u0307\u0323")
    assert (moved.text, moved.counts["unicode.changed_character_count"]) == ("q\u0323\u0307", 1)


@pytest.mark.parametrize("form", FORMS)
def test_no_stretch_that_is_sorted_is_longer_than_a_stream_safe_one(
    form: Form, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Sorting marks costs the square of their number, so what is handed over has few in a row."""
    longest = [0]

    def normalize(of: str, text: str) -> str:
        runs = regex.findall(r"[\p{M}\uFF9E\uFF9F]+", text)
        longest[0] = max([longest[0], *map(len, runs)])
        return text

    monkeypatch.setattr(unicodedata, "normalize", normalize)
    UnicodeForm(form=form).apply(
        "a" + "\u0315\u0300" * 15 + "b" + "\u0315\u0300" * 500_000 + "c" + "\uff9e\u0334" * 1000
    )
    assert longest == [30]


def test_marks_come_of_nothing_but_marks() -> None:
    """So that a run of marks in a normal form was a run of marks before."""
    for code in range(0x110000):
        character = chr(code)
        decomposed = unicodedata.normalize("NFKD", character)
        if all(map(unicodedata.combining, decomposed)) and not character.isascii():
            assert regex.fullmatch(r"[\p{M}\uFF9E\uFF9F]", character), hex(code)


@settings(max_examples=300)
@given(text=st.text(st.sampled_from(" \t\n\r\x0b\x85\u2028\u00a0\u3000\x1f\u200bab."), max_size=14))
def test_white_space_becomes_plain(text: str) -> None:
    """Against a plain reading of the rules, line by line."""
    breaks = "\r\n|[\r\x0b\x0c\x1c\x1d\x1e\x85\u2028\u2029]"
    lines = []
    for line in re.sub(breaks, "\n", text).split("\n"):
        spaced = "".join(" " if c.isspace() and c != "\t" else c for c in line).rstrip(" \t")
        body = spaced.lstrip(" \t")
        lines.append(spaced[: len(spaced) - len(body)] + re.sub(r"[ \t]+", " ", body))
    expected = re.sub("\n\n\n+", "\n\n", "\n".join(lines))
    edited = WhiteSpace().apply(text)
    assert edited.text == expected
    lost = (Counter(text) - Counter(expected)).total()
    assert edited.counts == {"whitespace.changed_character_count": lost}


def test_no_white_space_of_unicode_is_forgotten() -> None:
    for character in filter(str.isspace, map(chr, range(0x110000))):
        assert WhiteSpace().apply(f"a{character}b").text in ("a b", "a\nb")
