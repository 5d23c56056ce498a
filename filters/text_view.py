"""One view of a document's text, shared by every signal family.

Lines, paragraphs, words and word hashes are computed at most once a document, at the first use,
and every step is linear in the text, however long a line is.
"""

import itertools
import re
from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
import regex
import xxhash

_UNSPACED = r"\p{Han}\p{Hiragana}\p{Katakana}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}\u30FC\uFF70"
_INITIAL = rf"[[\p{{L}}\p{{N}}]--[{_UNSPACED}]]"
_INNER = rf"[[\p{{L}}\p{{N}}\p{{M}}]--[{_UNSPACED}]]"

_ROWS = r"\.++|-++|_++|=++|\*++|~++|\#++"

# Rows of one mark (rules, leaders, an ellipsis) are one token, because a token a character would
# count them among the repeated n-grams many times over.
_TOKEN = regex.compile(
    rf"(?V1){_INITIAL}{_INNER}*+(?:['’.\-_]{_INITIAL}{_INNER}*+)*+"
    rf"|[{_UNSPACED}]\p{{M}}*+"
    # Python's white space, which is wider than Unicode's by the four separators of ASCII.
    rf"|{_ROWS}|[\S--[\x1C-\x1F]]"
)
# The same tokens at half the cost, for text without combining marks and unspaced scripts: these
# are the blocks that hold any of those (emoji hold none, but for their variation selectors).
_PLAIN_TOKEN = re.compile(rf"[^\W_]++(?:['’.\-_][^\W_]++)*+|{_ROWS}|\S")
_NOT_PLAIN = re.compile(
    "[\u0300-\u036f\u0483-\u0489\u0590-\u1dff\u20d0-\u20ff\u2c00-\U0001efff\U0001fb00-\U0010ffff]"
)

# A line of nothing but white space parts paragraphs too: a reader sees a blank line.
_BLANK_LINES = re.compile(r"\n\s*\n")


@dataclass(frozen=True, slots=True, kw_only=True)
class Duplicates:
    """What is repeated among the lines or paragraphs of a document.

    Attributes:
        count: How many of them stood in the document before.
        characters: Code points in those.
    """

    count: int
    characters: int


def _duplicates(elements: Collection[str]) -> Duplicates:
    distinct = set(elements)
    return Duplicates(
        count=len(elements) - len(distinct),
        characters=sum(map(len, elements)) - sum(map(len, distinct)),
    )


class TextView:
    r"""A document's text with its lines, paragraphs and words.

    A *line* is what stands between two newlines, stripped, if anything is left: a blank line is
    no line, and white space that nobody sees hides neither a full stop nor a repetition. A
    *paragraph* is a stripped run of text between blank lines.

    A *word* is a token. It is a run of letters, marks and digits with single inner apostrophes,
    hyphens, points and underscores ("don't", "well-known", "3.14"), or a row of one mark ("...",
    "-----"), or any other visible character. Han, kana, Thai, Lao, Khmer and Burmese are written
    without spaces; there each character with its marks is a word. A word that does not begin with
    a letter or a digit is a *symbol*.

    Args:
        text: The document's text. It may be empty or hold lone surrogates.
        language: The language's code where it is known (``en``, ``zh``): some rules have other
            words or do not apply there.
        url: Where the document comes from, if from the web.

    >>> view = TextView("Don't panic!\n\n\n* * *\n東京 3.14 ...")
    >>> view.lines
    ["Don't panic!", '* * *', '東京 3.14 ...']
    >>> view.paragraphs
    ["Don't panic!", '* * *\n東京 3.14 ...']
    >>> view.words
    ["Don't", 'panic', '!', '*', '*', '*', '東', '京', '3.14', '...']
    >>> view.non_symbol_words
    ["Don't", 'panic', '東', '京', '3.14']
    """

    def __init__(self, text: str, *, language: str | None = None, url: str | None = None) -> None:
        self.text = text
        self.language = language
        self.url = url

    @cached_property
    def lowercase(self) -> str:
        """The whole text in lower case."""
        return self.text.lower()

    @cached_property
    def lines(self) -> list[str]:
        """The lines that are not blank, stripped."""
        return [stripped for line in self.text.split("\n") if (stripped := line.strip())]

    @cached_property
    def paragraphs(self) -> list[str]:
        """The runs of text between blank lines, stripped."""
        text = self.text.strip()
        return [part.strip() for part in _BLANK_LINES.split(text)] if text else []

    @cached_property
    def line_duplicates(self) -> Duplicates:
        """The lines that stood in the document before."""
        return _duplicates(self.lines)

    @cached_property
    def paragraph_duplicates(self) -> Duplicates:
        """The paragraphs that stood in the document before."""
        return _duplicates(self.paragraphs)

    @cached_property
    def words(self) -> list[str]:
        """All tokens in their order, symbols too."""
        pattern = _TOKEN if _NOT_PLAIN.search(self.text) else _PLAIN_TOKEN
        words: list[str] = pattern.findall(self.text)
        return words

    @cached_property
    def _numbered(self) -> tuple[list[str], npt.NDArray[np.int64]]:
        ids: defaultdict[str, int] = defaultdict(itertools.count().__next__)
        numbers = np.fromiter(map(ids.__getitem__, self.words), np.int64, count=len(self.words))
        return list(ids), numbers

    @property
    def vocabulary(self) -> list[str]:
        """The distinct words, symbols too, in the order of their first use."""
        return self._numbered[0]

    @property
    def word_ids(self) -> npt.NDArray[np.int64]:
        """For each of :attr:`words`, its place in :attr:`vocabulary`."""
        return self._numbered[1]

    @cached_property
    def word_lengths(self) -> npt.NDArray[np.int64]:
        """Code points in each of :attr:`words`."""
        lengths = np.fromiter(map(len, self.vocabulary), np.int64, count=len(self.vocabulary))
        return lengths[self.word_ids]

    @cached_property
    def _vocabulary_is_word(self) -> npt.NDArray[np.bool_]:
        return np.fromiter(
            (word[0].isalnum() for word in self.vocabulary), np.bool_, count=len(self.vocabulary)
        )

    @cached_property
    def non_symbol(self) -> npt.NDArray[np.bool_]:
        """For each of :attr:`words`, whether it is not a symbol."""
        return self._vocabulary_is_word[self.word_ids]

    @property
    def non_symbol_words(self) -> list[str]:
        """The words that are not symbols, in their order."""
        return list(itertools.compress(self.words, self.non_symbol.tolist()))

    @cached_property
    def word_hashes(self) -> npt.NDArray[np.uint64]:
        """XXH3 (64 bits) of the UTF-8 of each of :attr:`non_symbol_words` in lower case.

        A curled apostrophe counts as a straight one: many copies differ in that alone. The hashes
        are the same in every process, on every machine, whatever PYTHONHASHSEED is.
        """
        is_word = self._vocabulary_is_word
        hashes = np.zeros(len(self.vocabulary), np.uint64)
        hashes[is_word] = [
            xxhash.xxh3_64_intdigest(word.lower().replace("’", "'").encode())
            for word in itertools.compress(self.vocabulary, is_word.tolist())
        ]
        return hashes[self.word_ids[self.non_symbol]]
