from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.language_lines import LineLanguage, line_signals

LINES = st.lists(
    st.builds(LineLanguage, st.none() | st.sampled_from("abcdef"), st.integers(1, 100)), max_size=40
)


def lines(**counts: int) -> list[LineLanguage]:
    """So many lines of ten bytes of each language; ``none`` for those without one."""
    return [
        LineLanguage(None if code == "none" else code, 10)
        for code, count in counts.items()
        for _ in range(count)
    ]


def test_no_line_has_no_language() -> None:
    assert set(line_signals([]).values()) == {None}


def test_lines_that_the_model_is_not_sure_of() -> None:
    assert line_signals(lines(none=12)) == {
        "language.line_code": None,
        "language.line_byte_ratio": 0.0,
        "language.multilingual": False,
    }


@pytest.mark.parametrize(
    ("counts", "multilingual"),
    [
        ({"en": 5, "fr": 5}, True),
        ({"en": 5, "fr": 4}, False),  # nine lines
        ({"en": 10}, False),
        ({"en": 8, "fr": 4, "none": 1}, True),  # a third, the lines without one being a third kind
        ({"en": 6, "fr": 6, "none": 3}, False),  # four fifths have a language, and not more
        ({"en": 8, "fr": 4}, False),  # less than half
        (dict.fromkeys("abcde", 4), True),
        (dict.fromkeys("abcdef", 4), False),  # six languages
    ],
)
def test_a_document_of_several_languages(counts: dict[str, int], multilingual: bool) -> None:
    assert line_signals(lines(**counts))["language.multilingual"] is multilingual


@given(LINES)
def test_the_share_is_that_of_the_language_with_most_bytes(of: list[LineLanguage]) -> None:
    signals = line_signals(of)
    sizes = Counter[str]()
    for line in of:
        if line.code:
            sizes[line.code] += line.size
    if sizes:
        assert sizes[str(signals["language.line_code"])] == max(sizes.values())
        total = sum(line.size for line in of)
        assert signals["language.line_byte_ratio"] == max(sizes.values()) / total
    else:
        assert signals["language.line_code"] is None
