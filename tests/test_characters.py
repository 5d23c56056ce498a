import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from filters.characters import (
    CAPITAL,
    DIGIT,
    LETTER,
    MARK,
    NUMERIC,
    SPECIAL_SYMBOL,
    UPPERCASE,
    WHITE_SPACE,
    class_table,
    code_points,
)

# What Unicode assigned before the oldest Python that runs this: later versions add characters.
OLD = st.characters(max_codepoint=0xFFFF, exclude_categories=["Cn"])


@given(st.text(st.characters()))
def test_code_points_are_those_of_the_text(text: str) -> None:
    assert code_points(text).tolist() == list(map(ord, text))


@given(OLD)
def test_classes_follow_the_general_category(character: str) -> None:
    category = unicodedata.category(character)
    [flags] = class_table()[code_points(character)].tolist()
    expected = {
        LETTER: category[0] == "L",
        MARK: category[0] == "M",
        DIGIT: category == "Nd",
        CAPITAL: category in ("Lu", "Lt"),
        SPECIAL_SYMBOL: (category in ("So", "Sk") or category[0] == "C")
        and not character.isspace(),
        WHITE_SPACE: character.isspace(),
        UPPERCASE: character.isupper(),
        NUMERIC: character.isnumeric(),
    }
    assert {flag: bool(flags & flag) for flag in expected} == expected


@pytest.mark.parametrize("character", ["\ud800", "\x00", "😀", "\U0010ffff", "★", "\ue000"])
def test_pictures_controls_and_private_characters_are_special_symbols(character: str) -> None:
    assert class_table()[code_points(character)].tolist() == [SPECIAL_SYMBOL]
