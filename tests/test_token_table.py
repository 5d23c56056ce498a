import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from filters.characters import class_table, code_points
from filters.layout import layout
from filters.token_table import LONGEST_FOUND, TokenTable

TOKENS = st.lists(st.text("abé字\ud800", min_size=1, max_size=4), unique=True, max_size=30)


def _find(table: TokenTable, text: str) -> list[int]:
    codes = code_points(text)
    found = layout(codes, class_table())
    numbers: list[int] = table.find(codes, found.token_starts, found.token_ends).tolist()
    return numbers


@given(TOKENS, TOKENS)
def test_it_finds_the_number_of_each_token_and_no_other(first: list[str], more: list[str]) -> None:
    table = TokenTable()
    table.add(first)
    table.add(new := [token for token in more if token not in first])
    numbers = {token: number for number, token in enumerate(first + new)}
    asked = [*more, *first, "ab", "z"]
    assert _find(table, " ".join(asked)) == [numbers.get(token, -1) for token in asked]
    assert len(table) == table.found_count == len(numbers)


def test_numbers_stay_while_it_grows() -> None:
    table = TokenTable()
    tokens = [f"w{number}" for number in range(100_000)]
    for first in range(0, len(tokens), 30_000):
        table.add(tokens[first : first + 30_000])
    assert _find(table, " ".join(tokens)) == list(range(len(tokens)))
    assert set(_find(table, " ".join(token + "x" for token in tokens))) == {-1}


def test_long_tokens_have_numbers_that_are_not_found() -> None:
    table = TokenTable()
    table.add(["a" * LONGEST_FOUND, "b" * (LONGEST_FOUND + 1), "c"])
    text = f"{'a' * LONGEST_FOUND} {'b' * (LONGEST_FOUND + 1)} c"
    assert _find(table, text) == [0, -1, 2]
    assert (len(table), table.found_count) == (3, 2)


def test_tokens_with_the_same_hash_are_kept_apart() -> None:
    # All of them in few slots: the table has to look further than the first.
    table = TokenTable()
    table._slots = np.full(64, -1, np.int64)
    tokens = [chr(0x4E00 + number) for number in range(32)]
    table.add(tokens)
    assert _find(table, " ".join(tokens)) == list(range(32))
