"""The words of many documents, each looked at once.

A text has few distinct words, and the next text has mostly the same. What is between white space
is parted into words once and remembered, and so is what is known of each word: a document's words
then cost a look-up each, and figures over them are sums over arrays.
"""

import re
import threading
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import regex
import xxhash

from filters.segmentation import UNSPACED, characters, is_unspaced, segment

_INITIAL = rf"[[\p{{L}}\p{{N}}]--{UNSPACED}]"
_INNER = rf"[[\p{{L}}\p{{N}}\p{{M}}]--{UNSPACED}]"

# Twenty parts are more than any number has; without a bound a long row of numbers that ends in a
# letter would be read again from each of them.
_NUMBER = r"\d++(?:[.,:/]\d++){1,20}+"
_ABBREVIATION = r"(?:[A-Za-z]\.){2,}+|[A-Z]\."
_ROWS = r"\.++|-++|_++|=++|\*++|~++|\#++"

# Rows of one mark (rules, leaders, an ellipsis) are one token, because a token a character would
# count them among the repeated n-grams many times over.
_TOKEN = regex.compile(
    rf"(?V1){_NUMBER}(?![\p{{L}}\p{{N}}])"
    rf"|(?<![\p{{L}}\p{{N}}])(?:{_ABBREVIATION})(?![\p{{L}}\p{{N}}])"
    rf"|{_INITIAL}{_INNER}*+(?:['’._]{_INITIAL}{_INNER}*+)*+"
    rf"|{UNSPACED}[{UNSPACED}\p{{M}}]*+"
    # Python's white space, which is wider than Unicode's by the four separators of ASCII.
    rf"|{_ROWS}|[\S--[\x1C-\x1F]]"
)
# The same tokens at half the cost, for text without combining marks and unspaced scripts: these
# are the blocks that hold any of those (emoji hold none, but for their variation selectors).
_PLAIN_TOKEN = re.compile(
    rf"{_NUMBER}(?![^\W_])"
    rf"|(?<![^\W_])(?:{_ABBREVIATION})(?![^\W_])"
    rf"|[^\W_]++(?:['’._][^\W_]++)*+|{_ROWS}|\S"
)
_NOT_PLAIN = re.compile(
    "[\u0300-\u036f\u0483-\u0489\u0590-\u1dff\u20d0-\u20ff\u2c00-\U0001efff\U0001fb00-\U0010ffff]"
)
_LATIN_LETTER = re.compile("[A-Za-z]")

# What English runs together with the word before it, parted as the Penn Treebank does.
_CLITIC = re.compile(r"(?<=.)(?:n['’]t|['’](?:s|re|ve|ll|d|m))$", re.IGNORECASE)

WORD = 1
"""It holds a letter or a digit: it is no symbol."""
LETTER = 2
"""It holds a letter."""
UNSPACED_SCRIPT = 4
"""It is of a script that is written without spaces."""
UPPERCASE_WORD = 8
"""It holds cased letters, and all of them are capitals."""
LATIN_LETTER = 16
"""It holds a letter from A to Z, of either case."""


def split_words(text: str) -> list[str]:
    """Part text into words, as :class:`filters.text_view.TextView` tells.

    >>> split_words("Don't panic! 東京の人 3.14 ...")
    ['Do', "n't", 'panic', '!', '東京', 'の', '人', '3.14', '...']
    """
    plain = not _NOT_PLAIN.search(text)
    tokens = _PLAIN_TOKEN.findall(text) if plain else _TOKEN.findall(text)
    if plain and "'" not in text and "’" not in text:
        return tokens
    words: list[str] = []
    for token in tokens:
        if not plain and is_unspaced(token):
            words += segment(token)
        elif clitic := _CLITIC.search(token):
            words += token[: clitic.start()], clitic[0]
        else:
            words.append(token)
    return words


class _Column:
    """An array that grows at its end."""

    def __init__(self, kind: npt.DTypeLike) -> None:
        self.values: npt.NDArray[Any] = np.zeros(_FIRST_SIZE, kind)
        self.size = 0

    def append(self, value: int) -> int:
        """Put a value at the end and return its place."""
        place = self.size
        if place == self.values.size:
            self.values = np.concatenate((self.values, np.zeros_like(self.values)))
        self.values[place] = value
        self.size += 1
        return place


class Lexicon:
    """Numbers for words, and what is known of each word by its number.

    It remembers between documents and never changes what it said: equal words have equal numbers,
    and a number's word stays. Threads may share one.

    Attributes:
        words: The word of each number.
    """

    def __init__(self) -> None:
        self.words: list[str] = []
        self._numbers: dict[str, int] = {}
        self._lengths = _Column(np.int64)
        self._flags = _Column(np.uint8)
        self._hashes = _Column(np.uint64)
        self._folded = _Column(np.int64)
        self._folded_numbers: dict[str, int] = {}
        self._character_hashes: dict[int, tuple[int, ...]] = {}
        # The numbers of all tokens' words in one row, and where in it those of each token stand.
        self._tokens: dict[str, int] = {}
        self._row = _Column(np.int64)
        self._firsts = _Column(np.int64)
        self._counts = _Column(np.int64)
        self._token_lengths = _Column(np.int64)
        self._lists: dict[frozenset[str], _Column] = {}
        self._characters = 0
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self.words)

    @property
    def is_full(self) -> bool:
        """Whether it holds so much that the next document should begin another."""
        return len(self._tokens) > _MOST_TOKENS or self._characters > _MOST_CHARACTERS

    def tokens(self, tokens: Sequence[str]) -> npt.NDArray[np.int64]:
        """Return the numbers of tokens, which are what stands between white space."""
        known = self._tokens
        with self._lock:
            found = list(map(known.get, tokens))
            once: dict[str, int] = {}
            place = -1
            for _ in range(found.count(None)):
                place = found.index(None, place + 1)
                token = tokens[place]
                # What is long seldom comes again.
                memory = known if len(token) <= _LONGEST_REMEMBERED else once
                if token not in memory:
                    memory[token] = self._add_token(token)
                found[place] = memory[token]
        return np.array(found, np.int64)

    def token_lengths(self, tokens: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        """Return the length of each token in code points, given by its number."""
        lengths: npt.NDArray[np.int64] = self._token_lengths.values[tokens]
        return lengths

    def counts(self, tokens: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        """Return how many words there are in each token, given by its number."""
        counts: npt.NDArray[np.int64] = self._counts.values[tokens]
        return counts

    def numbers(self, tokens: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        """Return the numbers of the words of tokens, which are given by their numbers.

        Words never reach over white space, so that the words of a text are those of its tokens.
        """
        counts = self.counts(tokens)
        ends = counts.cumsum()
        places = np.arange(ends[-1] if ends.size else 0)
        places += np.repeat(self._firsts.values[tokens] - (ends - counts), counts)
        numbers: npt.NDArray[np.int64] = self._row.values[places]
        return numbers

    def _add_token(self, token: str) -> int:
        words = split_words(token)
        self._firsts.append(self._row.size)
        for word in words:
            number = self._numbers.get(word)
            self._row.append(self._add_word(word) if number is None else number)
        self._characters += len(token)
        self._token_lengths.append(len(token))
        return self._counts.append(len(words))

    def _add_word(self, word: str) -> int:
        flags = hashed = 0
        # Most words are all letters, which one call tells.
        if word.isalpha() or any(map(str.isalpha, word)):
            flags |= LETTER
        if flags or any(map(str.isalnum, word)):
            flags |= WORD
            hashed = _hash(word)
        if word.isupper():
            flags |= UPPERCASE_WORD
        if _LATIN_LETTER.search(word):
            flags |= LATIN_LETTER
        if not word.isascii() and is_unspaced(word):
            flags |= UNSPACED_SCRIPT
            self._character_hashes[len(self.words)] = tuple(
                _hash(character) for character in characters(word) if character[0].isalnum()
            )
        self._flags.append(flags)
        self._hashes.append(hashed)
        folded = self._folded_numbers
        self._folded.append(folded.setdefault(word.lower(), len(folded)))
        self._numbers[word] = number = self._lengths.append(len(word))
        self.words.append(word)
        return number

    def find(self, words: Iterable[str]) -> npt.NDArray[np.int64]:
        """Return the number of each of some words, and -1 for one that it has never met."""
        return np.array([self._numbers.get(word, -1) for word in words], np.int64)

    def is_listed(
        self, numbers: npt.NDArray[np.int64], words: frozenset[str]
    ) -> npt.NDArray[np.bool_]:
        """Tell which words are among some others: each word is looked up there once only."""
        with self._lock:
            listed = self._lists.setdefault(words, _Column(np.bool_))
            for word in self.words[listed.size :]:
                listed.append(word in words)
        is_listed: npt.NDArray[np.bool_] = listed.values[numbers]
        return is_listed

    def lengths(self, numbers: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        """Return the length of each word in code points."""
        lengths: npt.NDArray[np.int64] = self._lengths.values[numbers]
        return lengths

    def flags(self, numbers: npt.NDArray[np.int64]) -> npt.NDArray[np.uint8]:
        """Return what each word is, as a sum of :data:`WORD`, :data:`LETTER` and so on."""
        flags: npt.NDArray[np.uint8] = self._flags.values[numbers]
        return flags

    def folded(self, numbers: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        """Return numbers that are equal for words that differ in upper and lower case alone."""
        folded: npt.NDArray[np.int64] = self._folded.values[numbers]
        return folded

    def hashes(self, numbers: npt.NDArray[np.int64]) -> npt.NDArray[np.uint64]:
        """Return the hashes of words that are no symbols; of unspaced scripts, one a character."""
        flags = self.flags(numbers)
        if not (flags & UNSPACED_SCRIPT).any():
            hashes: npt.NDArray[np.uint64] = self._hashes.values[numbers[(flags & WORD) != 0]]
            return hashes
        of_characters, of_words = self._character_hashes, self._hashes.values
        held: list[int] = []
        for number, flag in zip(numbers.tolist(), flags.tolist(), strict=True):
            if flag & UNSPACED_SCRIPT:
                held += of_characters[number]
            elif flag & WORD:
                held.append(int(of_words[number]))
        return np.array(held, np.uint64)


_FIRST_SIZE = 1 << 16
_MOST_TOKENS = 200_000
_MOST_CHARACTERS = 8_000_000
_LONGEST_REMEMBERED = 40


def _hash(word: str) -> int:
    return xxhash.xxh3_64_intdigest(word.lower().replace("’", "'").encode())


_current = Lexicon()


def shared_lexicon() -> Lexicon:
    """Return the lexicon that this process's documents share; a full one is followed by another."""
    global _current
    if _current.is_full:
        _current = Lexicon()
    return _current
