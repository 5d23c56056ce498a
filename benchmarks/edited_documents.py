"""Documents made by editing real ones: as many as wanted, with duplicates of known kind."""

import gzip
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from random import Random

_FEWEST, _MOST = 100, 300
_COPIES, _NEAR = 0.1, 0.2
# One word in 50 replaced breaks five of 50 shingles of a pair: Jaccard near 0.82.
_EDITED = 50


@dataclass(frozen=True)
class EditedDocuments:
    """Documents of 100 to 300 words from real books; each depends on its number alone.

    In seven of ten every fourth word is replaced, so that they share no 5-gram. One in ten is a
    copy of an earlier one, and two in ten are one with every fiftieth word replaced.

    Args:
        words: The words of the books.
    """

    words: list[str]

    @classmethod
    def of(cls, folder: Path) -> "EditedDocuments":
        """Read the books of a folder."""
        books = sorted(folder.glob("*.txt.gz"))
        texts = (gzip.decompress(book.read_bytes()).decode("utf-8", "replace") for book in books)
        return cls([word for text in texts for word in text.split()])

    def texts(self, count: int) -> Iterator[str]:
        """Yield the first ``count`` documents."""
        for number in range(count):
            yield " ".join(self._document(number))

    def _document(self, number: int) -> list[str]:
        random = Random(f"kind {number}")  # noqa: S311
        kind = random.random()
        if number == 0 or kind >= _COPIES + _NEAR:
            return self._distinct(number)
        words = self._distinct(random.randrange(number))
        return words if kind < _COPIES else self._edited(words, random, every=_EDITED)

    def _distinct(self, number: int) -> list[str]:
        random = Random(f"text {number}")  # noqa: S311
        length = random.randint(_FEWEST, _MOST)
        start = random.randrange(len(self.words) - length)
        return self._edited(self.words[start : start + length], random, every=4)

    def _edited(self, words: list[str], random: Random, *, every: int) -> list[str]:
        edited = words.copy()
        for place in range(random.randrange(every), len(words), every):
            edited[place] = self.words[int(random.random() * len(self.words))]
        return edited
