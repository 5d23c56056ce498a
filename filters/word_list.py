"""A list of words and phrases, and which of them stand in a text."""

from collections.abc import Iterable
from pathlib import Path
from typing import Self

import ahocorasick_rs

from filters.decoding import storable


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
        self._automaton = ahocorasick_rs.AhoCorasick(self.words)

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
        found = self._automaton.find_matches_as_indexes(storable(text), overlapping=True)
        return len({match[0] for match in found})
