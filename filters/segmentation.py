"""Words of the scripts that are written without spaces between them.

ICU's dictionaries part Chinese, Japanese, Thai, Lao, Khmer and Burmese, each by its script, so a
text needs no language to be known and may mix them. Other languages in these scripts (Shan in
Burmese letters, say) get the dictionary of the script's main language.
"""

import regex
from icu4py.breakers import WordBreaker

UNSPACED = (
    r"[[\p{Han}\p{Hiragana}\p{Katakana}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}\u30FC\uFF70]--\p{So}]"
)
"""The characters of these scripts as a set of a regular expression (of ``regex`` in version 1).

The marks of long kana are among them, and signs such as squared kana are not.
"""

_CHARACTER = regex.compile(rf"(?V1){UNSPACED}\p{{M}}*+")


def segment(run: str) -> list[str]:
    """Part a run of characters of unspaced scripts, with their marks, into words.

    >>> segment("人人生而自由")
    ['人', '人生', '而', '自由']
    >>> segment("มนุษย์ทั้งหลายเกิดมา")
    ['มนุษย์', 'ทั้ง', 'หลาย', 'เกิด', 'มา']
    """
    return list(WordBreaker(run, "en"))


def is_unspaced(word: str) -> bool:
    """Tell whether a word begins with a character of an unspaced script.

    >>> is_unspaced("東京"), is_unspaced("Tōkyō")
    (True, False)
    """
    return _CHARACTER.match(word) is not None


def has_unspaced(text: str) -> bool:
    """Tell whether a character of an unspaced script stands anywhere in a text.

    >>> has_unspaced("a 東京"), has_unspaced("Tōkyō")
    (True, False)
    """
    return _CHARACTER.search(text) is not None


def characters(word: str) -> list[str]:
    """Part a word of an unspaced script into characters, each with the marks that it carries.

    >>> characters("กำลัง")
    ['ก', 'ำ', 'ลั', 'ง']
    """
    found: list[str] = _CHARACTER.findall(word)
    return found
