import math

import pytest
import regex
from hypothesis import given
from hypothesis import strategies as st

from filters.oscar import Oscar
from filters.rule_sets import RULE_SETS
from filters.text_view import TextView

LINES = st.tuples(
    st.sampled_from(["a", "é", "字", "1", "!"]), st.sampled_from([1, 33, 34, 50, 99, 100, 101])
).map(lambda line: line[0] * line[1])
WARNINGS = {
    "short_sentences": "oscar.short_line_ratio",
    "header": "oscar.header_short_line_ratio",
    "footer": "oscar.footer_short_line_ratio",
    "noisy": "oscar.non_letter_ratio",
}


def _warnings(text: str) -> set[str]:
    """The warnings as Ungoliant counts them: with thresholds in lines, rounded down."""
    lines = text.split("\n")
    ends = math.floor(len(lines) * 0.2)

    def short(part: list[str]) -> bool:
        return sum(len(line.encode()) < 100 for line in part) > math.floor(ends * 0.5)

    not_letters = sum(not regex.match(r"[\p{L}\p{M}]", character) for character in text)
    told = {
        "short_sentences": sum(len(line) <= 100 for line in lines) > int(len(lines) * 0.5),
        "header": short(lines[:ends]),
        "footer": short(lines[::-1][:ends]),
        "noisy": not_letters > math.floor(len(text) * 0.5),
    }
    return {warning for warning, is_told in told.items() if is_told}


@given(st.lists(LINES, min_size=1, max_size=40).map("\n".join))
def test_warnings_are_those_of_ungoliant(text: str) -> None:
    values = Oscar().compute(TextView(text))
    rules = RULE_SETS["oscar"]
    failed = {
        warning
        for warning, signal in WARNINGS.items()
        if (value := values[signal]) is not None and value not in rules[signal]  # type: ignore[operator]
    }
    assert failed == _warnings(text)


@given(st.lists(LINES, min_size=1, max_size=40))
def test_the_share_of_long_lines_is_that_of_the_filter_of_records(lines: list[str]) -> None:
    long = sum(len(line) for line in lines if len(line) >= 100)
    values = Oscar().compute(TextView("\n\n".join(lines)))
    assert values["oscar.long_line_character_ratio"] == long / sum(map(len, lines))


def test_whole_result() -> None:
    text = "\n".join(["Menu", "字" * 34, "a" * 100, "b" * 101, "c" * 120, " " * 9, "1" * 40, "..."])
    assert Oscar().compute(TextView(text)) == {
        "oscar.short_line_ratio": 5 / 7,
        "oscar.header_short_line_ratio": 1.0,
        "oscar.footer_short_line_ratio": 1.0,
        "oscar.non_letter_ratio": (9 + 40 + 3 + 7) / len(text),
        "oscar.long_line_character_ratio": 321 / 402,
    }


@pytest.mark.parametrize("text", ["", "\n \n"])
def test_no_lines_have_no_shares(text: str) -> None:
    values = dict(Oscar().compute(TextView(text)))
    assert values.pop("oscar.non_letter_ratio") == (1.0 if text else None)
    assert set(values.values()) == {None}


def test_four_lines_have_neither_header_nor_footer() -> None:
    values = Oscar().compute(TextView("a\nb\nc\nd"))
    assert values["oscar.header_short_line_ratio"] is None
    assert values["oscar.footer_short_line_ratio"] is None
    assert values["oscar.short_line_ratio"] == 1.0
