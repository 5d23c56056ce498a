from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from filters.word_list import WordList

WORDS = st.text("abc字", min_size=1, max_size=4)


@given(st.lists(WORDS), st.text("abc字 ", max_size=60))
def test_each_word_that_stands_in_a_text_counts_once(words: list[str], text: str) -> None:
    assert WordList(words).distinct(text) == len({word for word in words if word in text})


def test_a_list_has_categories_comments_and_blank_lines(tmp_path: Path) -> None:
    path = tmp_path / "words.tsv"
    path.write_bytes("\ufeff# spam\n赌博\t 赌场 \r\n\n彩票\n彩票\nfree money\n#1\n".encode())
    assert WordList.read(path).words == ("赌场", "彩票", "free money")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "words.txt: can't be read: No such file or directory"),
        (b"\n# nothing\n \n", "words.txt: holds no word; write one a line"),
        ("赌场".encode("gb18030"), "words.txt: is not UTF-8 text; save the list as UTF-8"),
    ],
)
def test_what_is_no_list_is_told_in_one_line(
    tmp_path: Path, content: bytes | None, message: str
) -> None:
    path = tmp_path / "words.txt"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ValueError) as caught:  # noqa: PT011 - the whole message is compared
        WordList.read(path)
    assert str(caught.value) == f"{tmp_path}/{message}"


def test_lone_surrogates_hide_no_word() -> None:
    assert WordList(["赌场"]).distinct("\ud800赌场\udfff") == 1
