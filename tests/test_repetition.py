from collections import Counter

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from filters.repetition import repeated_ngrams


def _by_hand(words: list[int], lengths: list[int], n: int) -> list[int]:
    ngrams = [tuple(words[start : start + n]) for start in range(len(words) - n + 1)]
    counts = Counter(ngrams)
    if not counts or max(counts.values()) == 1:
        return [0, 1, 0]
    top, count = counts.most_common(1)[0]
    met = set()
    characters = start = 0
    while start < len(ngrams):
        if ngrams[start] in met:
            characters += sum(lengths[start : start + n])
            start += n
        else:
            met.add(ngrams[start])
            start += 1
    return [ngrams.index(top), count, characters]


@given(st.lists(st.integers(0, 4), max_size=60), st.data())
def test_ngrams_are_those_found_by_hand(words: list[int], data: st.DataObject) -> None:
    lengths = data.draw(st.lists(st.integers(1, 9), min_size=len(words), max_size=len(words)))
    ends = np.cumsum([0, *lengths])
    found = repeated_ngrams(np.array(words, np.int64), 5, ends, 10).tolist()
    assert found[:2] == [[0, 1, 0], [0, 1, 0]]
    assert found[2:] == [_by_hand(words, lengths, n) for n in range(2, 11)]


def test_many_words_fill_no_table() -> None:
    words = np.concatenate((np.arange(50_000), np.arange(50_000)))
    found = repeated_ngrams(words, 50_000, np.arange(100_001), 3)
    assert found.tolist() == [[0, 1, 0], [0, 1, 0], [0, 2, 50_000], [0, 2, 49_998]]
