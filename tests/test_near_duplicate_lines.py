import pytest
from hypothesis import given
from hypothesis import strategies as st
from rapidfuzz.distance import Indel

from filters import near_duplicate_lines
from filters.near_duplicate_lines import near_duplicates

# Alike at both ends, so that blocking leaves nothing out.
ALIKE = st.text("abc ", max_size=12).map(lambda middle: f"Beginning{middle}the same ending")


def _exhaustive(lines: list[str]) -> list[int]:
    kept: list[str] = []
    found = []
    for place, line in enumerate(lines):
        if line in lines[:place]:
            continue
        if any(Indel.normalized_similarity(line, other) >= 0.95 for other in kept):
            found.append(place)
        else:
            kept.append(line)
    return found


@given(st.lists(ALIKE, max_size=16))
def test_lines_that_are_alike_at_an_end_are_all_compared(lines: list[str]) -> None:
    assert near_duplicates(lines) == _exhaustive(lines)


@given(st.lists(st.text("ab\ud800", min_size=8, max_size=40), max_size=30))
def test_a_near_duplicate_is_one(lines: list[str]) -> None:
    for place in near_duplicates(lines):
        ratios = [Indel.normalized_similarity(lines[place], line) for line in lines[:place]]
        assert max(ratios) >= 0.95
        assert 1.0 not in ratios


@pytest.mark.parametrize(
    ("lines", "found"),
    [
        ([], []),
        (["Beginning and ending", "Beginning and ending"], []),
        (["ten chars.", "ten chars!"], []),
        (["ten chars.", "ten chars.."], [1]),
        (["Posted on 12 May by admin at noon", "Posted on 13 May by admin at noon"], [1]),
        (["Posted on 12 May by admin", "Posted on 31 June by admin"], []),
        # What differs at both ends is not looked for.
        (
            [
                "1. It rained for 40 days and 40 nights. 1",
                "2. It rained for 40 days and 40 nights. 2",
            ],
            [],
        ),
        (["x" * 1000, "x" * 999], [1]),
        (["x" * 1001, "x" * 1000], []),
    ],
)
def test_which_lines_are_near_duplicates(lines: list[str], found: list[int]) -> None:
    assert near_duplicates(lines) == found


def test_the_comparisons_of_a_line_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    compared = []

    class CountedIndel:
        @staticmethod
        def normalized_similarity(line: str, other: str, *, score_cutoff: float) -> float:
            compared.append((line, other))
            return Indel.normalized_similarity(line, other, score_cutoff=score_cutoff)

    monkeypatch.setattr(near_duplicate_lines, "Indel", CountedIndel)
    lines = [f"Beginning {number**3:030b} the same ending" for number in range(500)]
    near_duplicates(lines)
    assert 500 < len(compared) <= 32 * len(lines)
