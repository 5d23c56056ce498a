from hypothesis import given
from hypothesis import strategies as st

from filters.exact import TEXT_HASH, URL_HASH, ExactHashes
from filters.minhash import SIGNATURE, MinHashSignature
from filters.text_view import TextView

WORDS = st.lists(st.sampled_from(["red", "green", "Été", "7", "東"]), min_size=1, max_size=12)


def text_hash(text: str) -> object:
    return ExactHashes().compute(TextView(text))[TEXT_HASH]


def signature(text: str) -> object:
    return MinHashSignature().compute(TextView(text))[SIGNATURE]


@given(WORDS, WORDS)
def test_texts_are_equal_by_their_words_in_order(first: list[str], second: list[str]) -> None:
    same = [word.lower() for word in first] == [word.lower() for word in second]
    assert (text_hash(" ".join(first)) == text_hash("\n— ".join(second).upper())) == same


@given(WORDS, WORDS)
def test_equal_hashes_have_equal_signatures(first: list[str], second: list[str]) -> None:
    """By this the bands of a copy are left out: its hash says what they would say."""
    one, other = " ".join(first), ", ".join(second)
    if text_hash(one) == text_hash(other):
        assert signature(one) == signature(other)


def test_without_words_or_address_there_is_no_hash() -> None:
    for text in ("", " ... !"):
        assert ExactHashes().compute(TextView(text)) == {URL_HASH: None, TEXT_HASH: None}
        assert signature(text) is None


def test_hashes_are_pinned() -> None:
    view = TextView("It was the best of times.", url="https://www.example.com/tale/")
    found = ExactHashes().compute(view)
    assert {name: value.hex() for name, value in found.items() if isinstance(value, bytes)} == {
        URL_HASH: "8fc6f0b35b15c8b9",
        TEXT_HASH: "98244002b2e65a03",
    }
