"""The words of many documents, each looked at once.

A text has few distinct words, and the next text has mostly the same. What is between white space
is parted into words once and remembered, and so is what is known of each word: a document's words
then cost a look-up each, and figures over them are sums over arrays.
"""

import re
import threading
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import regex
import xxhash

from filters.compiled import Compiled
from filters.growing_array import GrowingArray
from filters.segmentation import UNSPACED, characters, is_unspaced, segment
from filters.token_table import TokenTable

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


class Distinct(NamedTuple):
    """The distinct ones among some numbers, in the order in which they are met first.

    Attributes:
        numbers: Each of them once.
        places: For each of the numbers given, its place in ``numbers``.
        counts: How often each of ``numbers`` is among those given.
    """

    numbers: npt.NDArray[np.int64]
    places: npt.NDArray[np.int64]
    counts: npt.NDArray[np.int64]


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
        self._lengths = GrowingArray(np.int64)
        self._flags = GrowingArray(np.uint8)
        self._hashes = GrowingArray(np.uint64)
        self._folded = GrowingArray(np.int64)
        self._folded_numbers: dict[str, int] = {}
        self._character_hashes: dict[int, tuple[int, ...]] = {}
        # The numbers of all tokens' words in one row, and where in it those of each token stand.
        self._tokens = TokenTable()
        self._token_texts: list[str] = []
        self._row = GrowingArray(np.int32)
        self._bounds = GrowingArray(np.int32)
        self._bounds.extend([0])
        self._non_symbols = GrowingArray(np.int32)
        self._token_lengths = GrowingArray(np.int32)
        self._lists: dict[frozenset[str], GrowingArray] = {}
        self._measured: dict[Callable[[str], int], GrowingArray] = {}
        self._places = GrowingArray(np.int64)
        self._characters = 0
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self.words)

    @property
    def is_full(self) -> bool:
        """Whether it holds so much that the next document should begin another."""
        return self._tokens.found_count > _MOST_TOKENS or self._characters > _MOST_CHARACTERS

    def tokens(
        self,
        text: str,
        codes: npt.NDArray[np.uint32],
        starts: npt.NDArray[np.int64],
        ends: npt.NDArray[np.int64],
    ) -> npt.NDArray[np.int64]:
        """Return the numbers of the tokens of a text, which are what stands between white space.

        Args:
            text: The text.
            codes: Its code points.
            starts: Where each token begins in it.
            ends: Where each token ends.
        """
        numbers = np.empty(starts.size, np.int64)
        with self._lock:
            # Step by step, so that a new token is new once only in a long text.
            for first in range(0, starts.size, _TOKENS_AT_ONCE):
                part = slice(first, first + _TOKENS_AT_ONCE)
                found = self._tokens.find(codes, starts[part], ends[part])
                missing = (found < 0).nonzero()[0]
                if missing.size:
                    tokens = [
                        text[start:end]
                        for start, end in zip(
                            starts[part][missing].tolist(),
                            ends[part][missing].tolist(),
                            strict=True,
                        )
                    ]
                    found[missing] = self._added(tokens)
                numbers[part] = found
        return numbers

    def token_lengths(self, tokens: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        """Return the length of each token in code points, given by its number."""
        lengths: npt.NDArray[np.int64] = self._token_lengths.values[tokens]
        return lengths

    def measured_tokens(
        self, tokens: npt.NDArray[np.int64], measure: Callable[[str], int]
    ) -> npt.NDArray[np.int64]:
        """Return what a function says of each token: it is asked once only for each."""
        with self._lock:
            measured = self._measured.get(measure)
            if measured is None:
                measured = self._measured[measure] = GrowingArray(np.int64)
            if new := self._token_texts[measured.size :]:
                measured.extend(list(map(measure, new)))
        values: npt.NDArray[np.int64] = measured.values[tokens]
        return values

    def non_symbols(self, tokens: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        """Return how many words that are no symbols there are in each token."""
        counts: npt.NDArray[np.int64] = self._non_symbols.values[tokens]
        return counts

    def numbers(self, tokens: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        """Return the numbers of the words of tokens, which are given by their numbers.

        Words never reach over white space, so that the words of a text are those of its tokens.
        """
        return _words_of_tokens(tokens, self._row.values, self._bounds.values)

    def _added(self, tokens: Sequence[str]) -> list[int]:
        """Take up new tokens, some of which may be there more than once; return their numbers."""
        first = len(self._tokens)
        numbers = {token: first + place for place, token in enumerate(dict.fromkeys(tokens))}
        self._add_tokens(list(numbers))
        return [numbers[token] for token in tokens]

    def _add_tokens(self, tokens: Sequence[str]) -> None:
        known, first_added = self._numbers, len(self.words)
        row: list[int] = []
        bounds: list[int] = []
        for token in tokens:
            for word in split_words(token):
                number = known.setdefault(word, len(self.words))
                if number == len(self.words):
                    self.words.append(word)
                row.append(number)
            bounds.append(self._row.size + len(row))
        lengths = list(map(len, tokens))
        self._token_lengths.extend(lengths)
        self._characters += sum(lengths)
        self._token_texts += tokens
        self._tokens.add(tokens)
        self._describe(self.words[first_added:], first_added)
        non_symbols = np.concatenate(([0], (self.flags(np.array(row)) & WORD).cumsum()))
        ends = np.array(bounds) - self._row.size
        self._non_symbols.extend(np.diff(non_symbols[ends], prepend=0))
        self._row.extend(row)
        self._bounds.extend(bounds)

    def _describe(self, words: Sequence[str], first: int) -> None:
        """Note down what is known of the latest words, which have the numbers from ``first`` on."""
        flags = []
        hashes = []
        for number, word in enumerate(words, first):
            flag = hashed = 0
            # Most words are all letters, which one call tells.
            if word.isalpha() or any(map(str.isalpha, word)):
                flag |= LETTER
            if flag or any(map(str.isalnum, word)):
                flag |= WORD
                hashed = _hash(word)
            if word.isupper():
                flag |= UPPERCASE_WORD
            if _LATIN_LETTER.search(word):
                flag |= LATIN_LETTER
            if not word.isascii() and is_unspaced(word):
                flag |= UNSPACED_SCRIPT
                self._character_hashes[number] = tuple(
                    _hash(character) for character in characters(word) if character[0].isalnum()
                )
            flags.append(flag)
            hashes.append(hashed)
        folded = self._folded_numbers
        self._folded.extend([folded.setdefault(word.lower(), len(folded)) for word in words])
        self._lengths.extend(list(map(len, words)))
        self._flags.extend(flags)
        self._hashes.extend(hashes)

    def distinct(self, numbers: npt.NDArray[np.int64]) -> Distinct:
        """Return the distinct ones among the numbers of words, or of words folded to one case."""
        with self._lock:
            self._places.reserve(len(self.words))
            return Distinct(*_distinct(numbers, self._places.values))

    def is_listed(
        self, numbers: npt.NDArray[np.int64], words: frozenset[str]
    ) -> npt.NDArray[np.bool_]:
        """Tell which words are among some others: each word is looked up there once only."""
        with self._lock:
            listed = self._lists.get(words)
            if listed is None:
                listed = self._lists[words] = GrowingArray(np.bool_)
            if new := self.words[listed.size :]:
                listed.extend([word in words for word in new])
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


@Compiled
def _words_of_tokens(
    tokens: npt.NDArray[np.int64],
    row: npt.NDArray[np.int32],
    bounds: npt.NDArray[np.int32],
) -> npt.NDArray[np.int64]:
    size = 0
    for token in tokens:
        size += bounds[token + 1] - bounds[token]
    numbers = np.empty(size, np.int64)
    place = 0
    for token in tokens:
        for of_token in range(bounds[token], bounds[token + 1]):
            numbers[place] = row[of_token]
            place += 1
    return numbers


@Compiled
def _distinct(
    numbers: npt.NDArray[np.int64], noted: npt.NDArray[np.int64]
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    # What is noted of a number may be of another text: it holds if the number stands there now.
    distinct = np.empty(numbers.size, np.int64)
    counts = np.empty(numbers.size, np.int64)
    places = np.empty(numbers.size, np.int64)
    size = 0
    for index in range(numbers.size):
        number = numbers[index]
        place = noted[number]
        if place >= size or distinct[place] != number:
            place = noted[number] = size
            distinct[place] = number
            counts[place] = 0
            size += 1
        counts[place] += 1
        places[index] = place
    return distinct[:size], places, counts[:size]


_MOST_TOKENS = 200_000
_MOST_CHARACTERS = 8_000_000
_TOKENS_AT_ONCE = 4096


def _hash(word: str) -> int:
    return xxhash.xxh3_64_intdigest(word.lower().replace("’", "'").encode())


_current = Lexicon()


def shared_lexicon() -> Lexicon:
    """Return the lexicon that this process's documents share; a full one is followed by another."""
    global _current
    if _current.is_full:
        _current = Lexicon()
    return _current
