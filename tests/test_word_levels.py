import pytest
from hypothesis import given
from hypothesis import strategies as st

from filters.text_view import TextView
from filters.word_levels import METADATA_COLUMNS, metadata_row, word_counts, word_tokens


@given(st.text())
def test_words_are_lower_case_and_begin_with_a_letter(text: str) -> None:
    tokens = word_tokens(TextView(text))
    assert all(token[0].isalpha() and "\n" not in token for token in tokens)
    assert sum(count for _, count in word_counts(tokens)) == len(tokens)


def test_words_of_a_text_without_spaces() -> None:
    assert set("".join(word_tokens(TextView("紅樓夢，第3回。", language="zh")))) == set(
        "紅樓夢第回"
    )


@pytest.mark.parametrize(
    ("facts", "author", "birth", "death"),
    [
        ({"authors": "Verne, Jules, 1828-1905"}, "Verne, Jules", "1828", "1905"),
        ({"authors": "Homer, 751? BCE-651? BCE"}, "Homer", "751? BCE", "651? BCE"),
        ({"authors": "A, B, 1950-"}, "A, B", "1950", ""),
        ({"authors": "A, B, 1-2; C, D, 3-4"}, "A, B; C, D", "1", "2"),
        ({"author": "Jane Austen"}, "Jane Austen", "", ""),
        ({}, "", "", ""),
    ],
)
def test_years_of_authors(facts: dict[str, str], author: str, birth: str, death: str) -> None:
    row = metadata_row("PG1", facts)
    assert tuple(row) == METADATA_COLUMNS
    assert (row["author"], row["authoryearofbirth"], row["authoryearofdeath"]) == (
        author,
        birth,
        death,
    )
