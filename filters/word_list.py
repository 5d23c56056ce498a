"""A list of words and phrases, and which of them stand in a text."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Self

import ahocorasick_rs

from filters.decoding import storable

# An automaton with a table of all transitions is three times as fast, and takes a kilobyte or less
# for each byte of the words.
_MOST_BYTES_OF_A_TABLE = 16_384


def automaton(words: Sequence[str]) -> ahocorasick_rs.AhoCorasick:
    """Return what finds words in a text, all in one pass; a short list gets the fastest kind."""
    is_short = sum(len(word.encode()) for word in words) <= _MOST_BYTES_OF_A_TABLE
    kind = ahocorasick_rs.Implementation.DFA if is_short else None
    return ahocorasick_rs.AhoCorasick(words, implementation=kind)


class WordList:
    """Words and phrases that are looked for in one pass over a text, whatever their number.

    A word counts wherever its characters stand, inside of other words too: Chinese has no spaces
    that would part them.

    Args:
        words: What to look for, to the letter. Blank ones are left out.

    >>> WordList(["彩票", "票站", "赌场"]).distinct("彩票站和彩票")
    2
    """

    def __init__(self, words: Iterable[str]) -> None:
        self.words = tuple(dict.fromkeys(word for word in words if word.strip()))
        self._automaton = automaton(self.words)

    @classmethod
    def read(cls, path: str | Path) -> Self:
        r"""Read a list of UTF-8 text: one word a line, what stands before a tab is its category.

        Blank lines and lines that begin with ``#`` say nothing.

        Raises:
            ValueError: There is no such file, it is no UTF-8, or no word is in it.
        """
        try:
            lines = Path(path).read_text(encoding="utf-8-sig").splitlines()
        except OSError as error:
            raise ValueError(f"{path}: can't be read: {error.strerror}") from None
        except UnicodeDecodeError:
            raise ValueError(f"{path}: is not UTF-8 text; save the list as UTF-8") from None
        words = cls(storable(line.rpartition("\t")[2].strip()) for line in lines if line[:1] != "#")
        if not words.words:
            raise ValueError(f"{path}: holds no word; write one a line")
        return words

    def distinct(self, text: str) -> int:
        """Return how many of the words stand in ``text``, each counted once."""
        return len(set(self._automaton.find_matches_as_strings(storable(text), overlapping=True)))
