"""One view of a document's text, shared by every signal family.

Lines, paragraphs, words and word hashes are computed at most once a document, at the first use,
and every step is linear in the text, however long a line is.
"""

import itertools
import re
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from filters.characters import WHITE_SPACE, class_table, code_points
from filters.declarations import Declarations
from filters.layout import Layout, layout
from filters.lexicon import WORD, Distinct, Lexicon, shared_lexicon

_FIRST_CHINESE = np.uint32(0x4E00)
_CHINESE_SPAN = np.uint32(0x9FA5 - 0x4E00)

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

    A *word* is a token, much as spaCy parts English, for which the published rules were made. It is
    a run of letters, marks and digits with single inner apostrophes, points and underscores
    ("O'Brien", "snake_case"), a number with its separators ("1,000", "12:30"), an abbreviation
    ("U.S.", "J."), a row of one mark ("...", "-----"), or any other visible character. What English
    runs together is parted ("do", "n't"). Han, kana, Thai, Lao, Khmer and Burmese are written
    without spaces; there ICU's dictionaries find the words. A word without a letter or a digit is a
    *symbol*.

    Args:
        text: The document's text. It may be empty or hold lone surrogates.
        language: The language's code where it is known (``en``, ``zh``): some rules have other
            words or do not apply there.
        url: Where the document comes from, if from the web.
        declared: What it says of its use, if its headers or its HTML are known.

    >>> view = TextView("Don't panic!\n\n\n* * *\n東京 3.14 ...")
    >>> view.lines
    ["Don't panic!", '* * *', '東京 3.14 ...']
    >>> view.paragraphs
    ["Don't panic!", '* * *\n東京 3.14 ...']
    >>> view.words
    ['Do', "n't", 'panic', '!', '*', '*', '*', '東京', '3.14', '...']
    >>> view.non_symbol_words
    ['Do', "n't", 'panic', '東京', '3.14']
    """

    def __init__(
        self,
        text: str,
        *,
        language: str | None = None,
        url: str | None = None,
        declared: Declarations | None = None,
    ) -> None:
        self.text = text
        self.language = language
        self.url = url
        self.declared = declared

    @cached_property
    def lowercase(self) -> str:
        """The whole text in lower case."""
        return self.text.lower()

    @cached_property
    def _code_points(self) -> npt.NDArray[np.uint32]:
        return code_points(self.text)

    @cached_property
    def _layout(self) -> Layout:
        return layout(self._code_points, class_table())

    def count_characters(self, classes: np.uint8) -> int:
        r"""Count the characters of the text that are of one of the classes, as in a line.

        >>> from filters.characters import UPPERCASE
        >>> TextView("NASA says\nno").count_characters(UPPERCASE)
        4
        """
        in_lines = int(self.count_in_lines(classes).sum())
        return in_lines + (self.stripped_characters if classes & WHITE_SPACE else 0)

    @cached_property
    def stripped_characters(self) -> int:
        """How many characters of the text stand in none of :attr:`lines`; all are white space."""
        return len(self.text) - int(self._layout.lengths.sum())

    @property
    def ascii_counts(self) -> npt.NDArray[np.int64]:
        """How often each of the 128 characters of ASCII stands in :attr:`lines`.

        Characters beyond ASCII are counted with the last one, which is a control.
        """
        return self._layout.ascii_counts

    @cached_property
    def chinese_characters(self) -> int:
        """How many characters are Chinese: U+4E00 to U+9FA5, as Chinese corpora count them."""
        if self.text.isascii():
            return 0
        # One comparison: what is below the first wraps round to the largest numbers.
        return int(np.count_nonzero(self._code_points - _FIRST_CHINESE <= _CHINESE_SPAN))

    @cached_property
    def lines(self) -> list[str]:
        """The lines that are not blank, stripped."""
        return [stripped for line in self.text.split("\n") if (stripped := line.strip())]

    @cached_property
    def lowercase_lines(self) -> list[str]:
        """The lines that are not blank in lower case, with the white space at their ends."""
        return [line for line in self.lowercase.split("\n") if line and not line.isspace()]

    def lines_with(self, phrases: Iterable[str]) -> npt.NDArray[np.bool_]:
        r"""Tell in which of :attr:`lines` one of some phrases in lower case stands, in any case.

        >>> TextView("Share\nNo cookies?\nCOOKIES!").lines_with(["cookies"]).tolist()
        [False, True, True]
        """
        # Few pages have any, and one search of the whole page tells.
        present = [phrase for phrase in phrases if phrase in self.lowercase]
        mask = np.zeros(len(self.lines), np.bool_)
        for phrase in present:
            mask |= [phrase in line for line in self.lowercase_lines]
        return mask

    @cached_property
    def first_characters(self) -> str:
        """The first character of each of :attr:`lines`."""
        return "".join([line[0] for line in self.lines])

    @cached_property
    def last_characters(self) -> str:
        """The last character of each of :attr:`lines`."""
        return "".join([line[-1] for line in self.lines])

    @property
    def line_lengths(self) -> npt.NDArray[np.int64]:
        """Code points in each of :attr:`lines`."""
        return self._layout.lengths

    def count_in_lines(self, classes: np.uint8) -> npt.NDArray[np.int64]:
        r"""Count, in each of :attr:`lines`, the characters that are of one of the classes.

        If there are several classes, no character may be of two of them.

        >>> from filters.characters import UPPERCASE
        >>> TextView("NASA says\nno").count_in_lines(UPPERCASE).tolist()
        [4, 0]
        """
        rows = [row for bit, row in enumerate(self._layout.class_counts) if int(classes) >> bit & 1]
        counts: npt.NDArray[np.int64] = rows[0] if len(rows) == 1 else np.sum(rows, axis=0)
        return counts

    @property
    def line_most_frequent(self) -> npt.NDArray[np.int64]:
        """How often the most frequent character of ASCII stands in each of :attr:`lines`."""
        return self._layout.most_frequent

    @property
    def line_beyond_ascii(self) -> npt.NDArray[np.int64]:
        """How many characters of each of :attr:`lines` are beyond ASCII, or its last one."""
        return self._layout.beyond_ascii

    @cached_property
    def longest_token(self) -> int | None:
        """Length of the longest run of characters without white space; None if there is none."""
        return int(self.token_lengths.max()) if self.lines else None

    @property
    def token_lengths(self) -> npt.NDArray[np.int64]:
        """Code points in each run of characters between white space."""
        return self._lexicon.token_lengths(self._tokens)

    def measured_tokens(self, measure: Callable[[str], int]) -> npt.NDArray[np.int64]:
        r"""Measure each run of characters between white space.

        Args:
            measure: A function of one token, from 0 to 255. It is asked once for each token that
                the process meets, so that it must be the same function for every document.

        >>> TextView("What?! Yes.").measured_tokens(len).tolist()
        [6, 4]
        """
        return self._lexicon.measured_tokens(self._tokens, measure)

    @property
    def line_token_counts(self) -> npt.NDArray[np.int64]:
        """How many runs of characters between white space there are in each of :attr:`lines`."""
        return self._layout.token_counts

    @cached_property
    def line_first_tokens(self) -> npt.NDArray[np.int64]:
        """For each of :attr:`lines`, how many tokens stand before it."""
        return self.line_token_counts.cumsum() - self.line_token_counts

    @cached_property
    def line_word_counts(self) -> npt.NDArray[np.int64]:
        """How many words that are no symbols there are in each of :attr:`lines`."""
        if not self.lines:
            return np.zeros(0, np.int64)
        counts = self._lexicon.non_symbols(self._tokens)
        return np.add.reduceat(counts, self.line_first_tokens, dtype=np.int64)

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
    def _lexicon(self) -> Lexicon:
        return shared_lexicon()

    @cached_property
    def _tokens(self) -> npt.NDArray[np.int64]:
        found = self._layout
        return self._lexicon.tokens(
            self.text, self._code_points, found.token_starts, found.token_ends
        )

    @cached_property
    def _numbers(self) -> npt.NDArray[np.int64]:
        return self._lexicon.numbers(self._tokens)

    @cached_property
    def words(self) -> list[str]:
        """All tokens in their order, symbols too."""
        return list(map(self._lexicon.words.__getitem__, self._numbers.tolist()))

    @property
    def word_count(self) -> int:
        """How many :attr:`words` there are."""
        return self._numbers.size

    @cached_property
    def _distinct(self) -> Distinct:
        return self._lexicon.distinct(self._numbers)

    @cached_property
    def vocabulary(self) -> list[str]:
        """The distinct words, symbols too, in no order that means anything."""
        return list(map(self._lexicon.words.__getitem__, self._distinct.numbers.tolist()))

    @property
    def vocabulary_counts(self) -> npt.NDArray[np.int64]:
        """For each of :attr:`vocabulary`, how often it occurs."""
        return self._distinct.counts

    @cached_property
    def folded_word_counts(self) -> npt.NDArray[np.int64]:
        """How often each distinct word that is no symbol occurs, upper case taken as lower case.

        As in :attr:`vocabulary`, the order means nothing: it may be another in the next process.
        """
        is_word = (self.vocabulary_flags & WORD) != 0
        folded = self._lexicon.distinct(self._lexicon.folded(self._distinct.numbers[is_word]))
        return np.bincount(folded.places, self.vocabulary_counts[is_word]).astype(np.int64)

    def is_listed(self, words: frozenset[str]) -> npt.NDArray[np.bool_]:
        """For each of :attr:`vocabulary`, whether it is one of some words, written just so."""
        return self._lexicon.is_listed(self._distinct.numbers, words)

    @cached_property
    def vocabulary_flags(self) -> npt.NDArray[np.uint8]:
        """For each of :attr:`vocabulary`, what it is: the flags of :mod:`filters.lexicon`."""
        return self._lexicon.flags(self._distinct.numbers)

    @property
    def vocabulary_lengths(self) -> npt.NDArray[np.int64]:
        """Code points in each of :attr:`vocabulary`."""
        return self._lexicon.lengths(self._distinct.numbers)

    @property
    def word_ids(self) -> npt.NDArray[np.int64]:
        """For each of :attr:`words`, its place in :attr:`vocabulary`."""
        return self._distinct.places

    @cached_property
    def word_lengths(self) -> npt.NDArray[np.int64]:
        """Code points in each of :attr:`words`."""
        return self._lexicon.lengths(self._numbers)

    @cached_property
    def word_flags(self) -> npt.NDArray[np.uint8]:
        """For each of :attr:`words`, what it is: the flags of :mod:`filters.lexicon`."""
        return self._lexicon.flags(self._numbers)

    @cached_property
    def non_symbol(self) -> npt.NDArray[np.bool_]:
        """For each of :attr:`words`, whether it is not a symbol."""
        is_word: npt.NDArray[np.bool_] = np.not_equal(self.word_flags & WORD, 0)
        return is_word

    @property
    def non_symbol_words(self) -> list[str]:
        """The words that are not symbols, in their order."""
        return list(itertools.compress(self.words, self.non_symbol.tolist()))

    @cached_property
    def word_hashes(self) -> npt.NDArray[np.uint64]:
        """XXH3 (64 bits) of the UTF-8 of each of :attr:`non_symbol_words` in lower case.

        In scripts that are written without spaces it is one hash for each character with its marks
        and not for each word: where a dictionary parts words depends on what stands around them.
        A curled apostrophe counts as a straight one: many copies differ in that alone. The hashes
        are the same in every process, on every machine, whatever PYTHONHASHSEED is.
        """
        return self._lexicon.hashes(self._numbers)
