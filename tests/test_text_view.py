import subprocess
import sys
import time
from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from filters.characters import NUMERIC, UPPERCASE
from filters.segmentation import characters, is_unspaced
from filters.text_view import Duplicates, TextView

TEXT = st.text(alphabet=st.characters(exclude_categories=["Cn"]), max_size=200)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (
            "Don’t stop—the well-known 3.14%",
            ["Do", "n’t", "stop", "—", "the", "well", "-", "known", "3.14", "%"],
        ),
        ("1,000 12:30 1/2 1.2.3 4:5pm", ["1,000", "12:30", "1/2", "1.2.3", "4", ":", "5pm"]),
        ("J. S. Bach, U.S.A., e.g. x.y", ["J.", "S.", "Bach", ",", "U.S.A.", ",", "e.g.", "x.y"]),
        (
            "It's we'll O'Brien's 'tis 's",
            ["It", "'s", "we", "'ll", "O'Brien", "'s", "'", "tis", "'", "s"],
        ),
        ("_Really_ snake_case", ["_", "Really", "_", "snake_case"]),
        ("wait... what?!", ["wait", "...", "what", "?", "!"]),
        ("----- ***** ....", ["-----", "*****", "...."]),
        ("东京ラーメン2024年", ["东京", "ラーメン", "2024", "年"]),
        ("ภาษา", ["ภาษา"]),
        ("กำลัง ดี", ["กำลัง", "ดี"]),
        ("हिन्दी में", ["हिन्दी", "में"]),
        ("한국어 텍스트", ["한국어", "텍스트"]),
        ("שלום, עולם", ["שלום", ",", "עולם"]),
        ("cafe\u0301 naïve", ["cafe\u0301", "naïve"]),
        ("a\x00b \ud800", ["a", "\x00", "b", "\ud800"]),
        ("a\x1cb\u3000c", ["a", "b", "c"]),
        ("", []),
    ],
)
def test_words(text: str, words: list[str]) -> None:
    assert TextView(text).words == words


def test_non_symbol_words_hold_a_letter_or_digit() -> None:
    view = TextView("# 7 apples €5 — it's 👍 _x_")
    assert view.non_symbol_words == ["7", "apples", "5", "it", "'s", "x"]


@given(TEXT)
def test_words_hold_all_visible_characters_in_order(text: str) -> None:
    assert "".join(TextView(text).words) == "".join(text.split())


@given(TEXT)
def test_ids_lengths_and_hashes_describe_the_words(text: str) -> None:
    view = TextView(text)
    assert [view.vocabulary[place] for place in view.word_ids] == view.words
    assert len(set(view.vocabulary)) == len(view.vocabulary)
    assert view.word_lengths.tolist() == [len(word) for word in view.words]
    assert view.word_count == len(view.words)
    counts = dict(zip(view.vocabulary, view.vocabulary_counts.tolist(), strict=True))
    assert counts == Counter(view.words)
    assert len(view.non_symbol_words) == view.non_symbol.sum()
    units = [unit for word in view.words for unit in _hashed(word) if unit[0].isalnum()]
    spellings = [unit.lower().replace("’", "'") for unit in units]
    hashes = view.word_hashes.tolist()
    pairs = set(zip(spellings, hashes, strict=True))
    assert len(pairs) == len(set(spellings)) == len(set(hashes))


@given(TEXT)
def test_words_are_counted_without_regard_to_case(text: str) -> None:
    view = TextView(text)
    counts = Counter(word.lower() for word in view.non_symbol_words)
    assert sorted(view.folded_word_counts.tolist()) == sorted(counts.values())


@given(st.text(st.characters(), max_size=200))
def test_characters_are_counted_in_the_text_and_in_its_lines(text: str) -> None:
    view = TextView(text)
    assert view.line_lengths.tolist() == [len(line) for line in view.lines]
    for flag, holds in ((UPPERCASE, str.isupper), (NUMERIC, str.isnumeric)):
        assert view.count_characters(flag) == sum(map(holds, text))
        assert view.count_in_lines(flag).tolist() == [sum(map(holds, line)) for line in view.lines]


@given(TEXT)
def test_words_are_counted_in_lines_and_looked_for_in_lists(text: str) -> None:
    view = TextView(text)
    assert view.line_word_counts.tolist() == [
        len(TextView(line).non_symbol_words) for line in view.lines
    ]
    some = frozenset(view.words[::2])
    assert view.is_listed(some).tolist() == [word in some for word in view.vocabulary]


def _hashed(word: str) -> list[str]:
    return characters(word) if is_unspaced(word) else [word]


def test_unspaced_text_is_hashed_by_characters() -> None:
    assert TextView("東京タワー").word_hashes.size == 5
    shuffled = TextView("京東タワー").word_hashes.tolist()
    assert sorted(TextView("東京タワー").word_hashes.tolist()) == sorted(shuffled)


def test_blank_lines_are_no_lines_and_part_paragraphs() -> None:
    view = TextView("\n  one \r\ntwo\r\n \t\r\n\n\n three\n\n")
    assert view.lines == ["one", "two", "three"]
    assert view.paragraphs == ["one \r\ntwo", "three"]


@given(st.text(alphabet="ab \n\r\t", max_size=60))
def test_lines_paragraphs_and_words_exist_together(text: str) -> None:
    view = TextView(text)
    assert bool(view.lines) == bool(view.paragraphs) == bool(view.words) == bool(text.strip())
    assert all(line == line.strip() != "" for line in view.lines)
    assert "".join("".join(view.paragraphs).split()) == "".join(text.split())


def test_duplicates_are_what_stood_there_before() -> None:
    view = TextView("ab\nab \nabc\n\nab\n\nab")
    assert view.line_duplicates == Duplicates(count=3, characters=6)
    assert view.paragraph_duplicates == Duplicates(count=1, characters=2)


def test_word_hashes_are_pinned_and_do_not_depend_on_the_hash_seed() -> None:
    expected = [4651994068383874613, 12080349926694351400]
    assert TextView("Déjà VU!").word_hashes.tolist() == expected
    program = (
        "from filters.text_view import TextView as T; print(T('déjà vu').word_hashes.tolist())"
    )
    for seed in ("0", "123"):
        result = subprocess.run(
            [sys.executable, "-c", program],
            env={"PYTHONHASHSEED": seed, "PYTHONUTF8": "1"},
            capture_output=True,
            text=True,
            check=True,
        )
        assert result.stdout.strip() == str(expected)


def test_hashes_of_words_are_unsigned_64_bits() -> None:
    assert TextView("a b").word_hashes.dtype == np.uint64
    assert TextView("").word_hashes.dtype == np.uint64


@pytest.mark.parametrize(
    "unit",
    ["a", "a.", "word ", "...", "-a", "\n \t", "ก\u0e34", "字", "a\u0301", "1_", "☃", "\r\n"],
)
def test_one_line_of_any_length_takes_linear_time(unit: str) -> None:
    def seconds(characters: int) -> float:
        view = TextView(unit * (characters // len(unit)) + "!")
        start = time.process_time()
        _ = view.words, view.lines, view.paragraphs
        return time.process_time() - start

    seconds(10_000)
    # Quadratic work would take 400 times as long; the slack is for a busy machine.
    assert seconds(400_000) < 100 * max(seconds(20_000), 1e-3)


def test_chinese_characters_are_those_of_the_block_that_corpora_count() -> None:
    assert TextView("a\u4dff\u4e00字\u9fa5\u9fa6あ\ud800").chinese_characters == 3
    assert TextView("no Chinese").chinese_characters == 0
