"""The words of many documents, each looked at once.

A text has few distinct words, and the next text has mostly the same. What is between white space
is parted into words once and remembered, and so is what is known of each word: a document's words
then cost a look-up each, and figures over them are sums over arrays.
"""

import itertools
import re
import threading
from collections.abc import Sequence
from typing import cast

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

# What English runs together with the word before it, parted as the Penn Treebank does.
_CLITIC = re.compile(r"(?<=.)(?:n['’]t|['’](?:s|re|ve|ll|d|m))$", re.IGNORECASE)

WORD = 1
"""It holds a letter or a digit: it is no symbol."""
LETTER = 2
"""It holds a letter."""
UNSPACED_SCRIPT = 4
"""It is of a script that is written without spaces."""


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
        self._words_of: dict[str, tuple[int, ...]] = {}
        self._characters = 0
        self._lock = threading.Lock()
        self._lengths: npt.NDArray[np.int64] = np.zeros(_FIRST_SIZE, np.int64)
        self._flags: npt.NDArray[np.uint8] = np.zeros(_FIRST_SIZE, np.uint8)
        self._hashes: npt.NDArray[np.uint64] = np.zeros(_FIRST_SIZE, np.uint64)
        self._character_hashes: dict[int, tuple[int, ...]] = {}

    def __len__(self) -> int:
        return len(self.words)

    @property
    def is_full(self) -> bool:
        """Whether it holds so much that the next document should begin another."""
        return len(self._words_of) > _MOST_ENTRIES or self._characters > _MOST_CHARACTERS

    def numbers(self, tokens: Sequence[str]) -> npt.NDArray[np.int64]:
        """Return the numbers of the words of a text, in their order.

        Args:
            tokens: What stands between white space, over which words never reach.
        """
        known = self._words_of
        with self._lock:
            found = list(map(known.get, tokens))
            once: dict[str, tuple[int, ...]] = {}
            place = -1
            for _ in range(found.count(None)):
                place = found.index(None, place + 1)
                token = tokens[place]
                # What is long seldom comes again.
                memory = known if len(token) <= _LONGEST_REMEMBERED else once
                if token not in memory:
                    memory[token] = tuple(map(self._number, split_words(token)))
                    self._characters += len(token)
                found[place] = memory[token]
        numbers = itertools.chain.from_iterable(cast(list[tuple[int, ...]], found))
        return np.fromiter(numbers, np.int64)

    def _number(self, word: str) -> int:
        number = self._numbers.get(word)
        return self._add(word) if number is None else number

    def _add(self, word: str) -> int:
        number = len(self.words)
        if number == self._lengths.size:
            self._lengths = np.concatenate((self._lengths, np.zeros_like(self._lengths)))
            self._flags = np.concatenate((self._flags, np.zeros_like(self._flags)))
            self._hashes = np.concatenate((self._hashes, np.zeros_like(self._hashes)))
        self._lengths[number] = len(word)
        flags = 0
        # Most words are all letters, which one call tells.
        if word.isalpha() or any(map(str.isalpha, word)):
            flags |= LETTER
        if flags or any(map(str.isalnum, word)):
            flags |= WORD
            self._hashes[number] = _hash(word)
        if not word.isascii() and is_unspaced(word):
            flags |= UNSPACED_SCRIPT
            self._character_hashes[number] = tuple(
                _hash(character) for character in characters(word) if character[0].isalnum()
            )
        self._flags[number] = flags
        self.words.append(word)
        self._numbers[word] = number
        return number

    def lengths(self, numbers: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        """Return the length of each word in code points."""
        return self._lengths[numbers]

    def flags(self, numbers: npt.NDArray[np.int64]) -> npt.NDArray[np.uint8]:
        """Return what each word is, as a sum of :data:`WORD`, :data:`LETTER` and so on."""
        return self._flags[numbers]

    def hashes(self, numbers: npt.NDArray[np.int64]) -> npt.NDArray[np.uint64]:
        """Return the hashes of words that are no symbols; of unspaced scripts, one a character."""
        flags = self._flags[numbers]
        if not (flags & UNSPACED_SCRIPT).any():
            is_word: npt.NDArray[np.bool_] = np.not_equal(flags & WORD, 0)
            return self._hashes[numbers[is_word]]
        of_characters, of_words = self._character_hashes, self._hashes
        held: list[int] = []
        for number, flag in zip(numbers.tolist(), flags.tolist(), strict=True):
            if flag & UNSPACED_SCRIPT:
                held += of_characters[number]
            elif flag & WORD:
                held.append(int(of_words[number]))
        return np.array(held, np.uint64)


_FIRST_SIZE = 1 << 16
_MOST_ENTRIES = 200_000
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
