import sys
import threading
import unicodedata

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from filters import lexicon
from filters.characters import class_table, code_points
from filters.growing_array import _FIRST_SIZE
from filters.layout import layout
from filters.lexicon import (
    LATIN_LETTER,
    LETTER,
    UNSPACED_SCRIPT,
    UPPERCASE_WORD,
    WORD,
    Lexicon,
    shared_lexicon,
    split_words,
)
from filters.segmentation import characters

TEXT = st.text(alphabet=st.characters(exclude_categories=["Cn"]), max_size=200)


def _numbers(held: Lexicon, text: str) -> npt.NDArray[np.int64]:
    codes = code_points(text)
    found = layout(codes, class_table())
    return held.numbers(held.tokens(text, codes, found.token_starts, found.token_ends))


def _words(held: Lexicon, text: str) -> list[str]:
    return [held.words[number] for number in _numbers(held, text).tolist()]


@given(TEXT)
def test_words_by_tokens_are_those_of_the_whole_text(text: str) -> None:
    assert _words(Lexicon(), text) == split_words(text)


@given(st.lists(TEXT, max_size=4))
def test_what_it_knows_already_changes_nothing(texts: list[str]) -> None:
    shared = Lexicon()
    for text in [*texts, *texts]:
        assert _words(shared, text) == _words(Lexicon(), text)
        fresh = Lexicon()
        for figure in (Lexicon.lengths, Lexicon.flags, Lexicon.hashes):
            known, new = (
                figure(shared, _numbers(shared, text)),
                figure(fresh, _numbers(fresh, text)),
            )
            assert known.tolist() == new.tolist()


def test_what_is_known_of_words() -> None:
    held = Lexicon()
    numbers = _numbers(held, "a1 東京 ... 7 _x é")
    assert [held.words[number] for number in numbers] == ["a1", "東京", "...", "7", "_", "x", "é"]
    assert held.lengths(numbers).tolist() == [2, 2, 3, 1, 1, 1, 1]
    both = WORD | LETTER
    latin = both | LATIN_LETTER
    assert held.flags(numbers).tolist() == [latin, both | UNSPACED_SCRIPT, 0, WORD, 0, latin, both]
    # The two characters of the Chinese word, and nothing for the symbols.
    assert held.hashes(numbers).size == 6


def test_capitals_and_their_small_letters() -> None:
    held = Lexicon()
    numbers = _numbers(held, "NASA nasa Nasa B2 ÉTÉ été 7 東")
    capitals = (held.flags(numbers) & UPPERCASE_WORD) != 0
    assert capitals.tolist() == [True, False, False, True, True, False, False, False]
    folded = held.folded(numbers).tolist()
    assert folded[0] == folded[1] == folded[2]
    assert folded[4] == folded[5]
    assert len(set(folded)) == 5


def test_numbers_stay_while_it_grows() -> None:
    held = Lexicon()
    first = _numbers(held, "first")
    many = _numbers(held, " ".join(f"w{number}" for number in range(_FIRST_SIZE + 10)))
    assert _numbers(held, "first").tolist() == first.tolist()
    assert held.lengths(many).tolist() == [len(held.words[number]) for number in many.tolist()]
    assert np.unique(held.folded(many)).size == many.size


def test_long_tokens_are_not_remembered_and_a_full_one_is_followed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(lexicon, "_current", Lexicon())
    monkeypatch.setattr(lexicon, "_MOST_TOKENS", 2)
    held = shared_lexicon()
    long = "/".join(["part"] * 20)
    assert _words(held, f"{long} {long} a b") == split_words(f"{long} {long} a b")
    assert shared_lexicon() is held
    _words(held, "c")
    assert shared_lexicon() is not held
    assert _words(held, "a c d") == ["a", "c", "d"]


def test_threads_agree() -> None:
    held = Lexicon()
    texts = [" ".join(f"word{number % 50}x{shift}" for number in range(400)) for shift in range(8)]
    found: dict[int, list[str]] = {}
    threads = [
        threading.Thread(
            target=lambda place=place: found.update({place: _words(held, texts[place])})
        )
        for place in range(len(texts))
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == {place: text.split() for place, text in enumerate(texts)}


def test_plain_text_has_the_same_tokens_by_either_pattern() -> None:
    """Exhaustive over every assigned character that takes the short way."""
    plain = [
        character
        for character in map(chr, range(sys.maxunicode + 1))
        if not lexicon._NOT_PLAIN.match(character) and unicodedata.category(character) != "Cn"
    ]
    assert len(plain) > 5000
    text = " ".join(f"{c} a{c} {c}a a{c}a {c}{c} a-{c}" for c in plain)
    assert lexicon._PLAIN_TOKEN.findall(text) == lexicon._TOKEN.findall(text)


@given(st.text(alphabet="aZ9 .,:/'’-_=*~#…\n\téß", max_size=60))
def test_runs_of_plain_text_have_the_same_tokens_by_either_pattern(text: str) -> None:
    assert lexicon._PLAIN_TOKEN.findall(text) == lexicon._TOKEN.findall(text)


@given(st.text(alphabet="人生而自由のはすべて東京タワーกำลังดีမြန်မာខ្មែរລາວ\u0301", max_size=40))
def test_characters_of_words_are_those_of_the_text(text: str) -> None:
    """A dictionary never parts a character from its marks, so hashes don't depend on it."""
    if text[:1] != "\u0301":
        assert [unit for word in split_words(text) for unit in characters(word)] == characters(text)
