from collections import Counter

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from filters.characters import class_table, code_points
from filters.layout import layout

TEXT = st.text(
    st.one_of(st.sampled_from("aA1 .\n\t\r\x1c\u2028\u3000é字\u0301\ud800\x7f"), st.characters()),
    max_size=80,
)


@given(TEXT)
def test_lines_and_tokens_are_those_of_python(text: str) -> None:
    found = layout(code_points(text), class_table())
    lines = [line.strip() for line in text.split("\n") if line.strip()]
    assert found.lengths.tolist() == list(map(len, lines))
    assert found.token_counts.tolist() == [len(line.split()) for line in lines]
    bounds = zip(found.token_starts.tolist(), found.token_ends.tolist(), strict=True)
    assert [text[start:end] for start, end in bounds] == text.split()


@given(TEXT)
def test_characters_are_counted_in_their_line(text: str) -> None:
    found = layout(code_points(text), class_table())
    lines = [line.strip() for line in text.split("\n") if line.strip()]
    for line, counts in zip(lines, found.class_counts.T.tolist(), strict=True):
        flags = class_table()[code_points(line)]
        assert counts == [int(np.count_nonzero(flags & np.uint8(1 << bit))) for bit in range(8)]
    of_ascii = [Counter(character for character in line if character < "\x7f") for line in lines]
    assert found.most_frequent.tolist() == [max(of.values(), default=0) for of in of_ascii]
    assert found.beyond_ascii.tolist() == [
        len(line) - of.total() for line, of in zip(lines, of_ascii, strict=True)
    ]
    total = sum(of_ascii, Counter())
    assert found.ascii_counts[:127].tolist() == [total[chr(code)] for code in range(127)]
    assert found.ascii_counts[127] == found.beyond_ascii.sum()


def test_a_token_of_any_length_is_counted_in_full() -> None:
    found = layout(code_points("x" * 1000 + "A" * 300), class_table())
    assert found.most_frequent.tolist() == [1000]
    assert found.class_counts[:, 0].tolist() == [1300, 0, 0, 300, 0, 0, 300, 0]
