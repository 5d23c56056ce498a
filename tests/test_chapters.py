import gzip
import itertools
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from filters.chapters import chapters, whole_chapters, windows
from filters.gutenberg import decode_book, strip_boilerplate

LENGTHS = st.lists(st.integers(0, 40), max_size=30)


@given(
    st.lists(
        st.sampled_from(["CHAPTER I\n", "第三回 風\n", "IV.\n", "text " * 150, "\n\n", "x"]),
        max_size=12,
    ).map("".join)
)
def test_chapters_joined_are_the_text(text: str) -> None:
    assert "".join(chapters(text)) == text


@given(LENGTHS, st.integers(1, 50))
def test_parts_hold_every_chapter_once_and_no_two_could_be_one(
    lengths: list[int], at_most: int
) -> None:
    parts = whole_chapters(lengths, at_most=at_most)
    assert [n for part in parts for n in range(part.start, part.stop)] == list(range(len(lengths)))
    for part, following in itertools.pairwise(parts):
        assert sum(lengths[part]) + lengths[following.start] > at_most
    assert all(sum(lengths[part]) <= at_most or part.stop - part.start == 1 for part in parts)


@given(LENGTHS, st.integers(1, 50), st.integers(0, 30))
def test_windows_are_within_their_bounds_and_share_no_chapter(
    lengths: list[int], shortest: int, room: int
) -> None:
    found = windows(lengths, shortest=shortest, longest=shortest + room)
    assert all(shortest <= sum(lengths[window]) <= shortest + room for window in found)
    assert all(one.stop <= two.start for one, two in itertools.pairwise(found))


# How many chapters a novel has, and its last. What stands before the first heading is one more
# where it is long enough: the address to the reader in the French Alice.
BOOKS = {
    "gutenbergbooks_23950/23950-0.txt": (120, "第一二○回：薦杜預老將獻新謀"),
    "gutenbergbooks_23962/23962-0.txt": (100, "第一○○回"),
    "kalamine_multilang/en_alice.txt.gz": (12, "CHAPTER XII."),
    "kalamine_multilang/fr_alice.txt.gz": (13, "CHAPITRE XII."),
    "kalamine_multilang/de_alice.txt.gz": (11, "Zehntes Kapitel."),
    "kalamine_multilang/en_monte_cristo.txt.gz": (117, "Chapter 117. The Fifth of October"),
    "kalamine_multilang/en_faust_1.txt.gz": (1, "FAUST"),
}


@pytest.mark.real_data
@pytest.mark.parametrize("path", BOOKS)
def test_chapters_of_real_novels(path: str, real_data: Path) -> None:
    content = (real_data / "gutenberg" / path).read_bytes()
    text = gzip.decompress(content) if content.startswith(b"\x1f\x8b") else content
    found = chapters(strip_boilerplate(decode_book(text).text).body)
    count, last = BOOKS[path]
    assert (len(found), found[-1].strip().startswith(last)) == (count, True)
