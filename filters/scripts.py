"""The script that a text is written in."""

from collections import Counter
from functools import cache

from fontTools.unicodedata import script

# Characters of every script, those that take the script of their letter, and unassigned ones.
_OF_NO_SCRIPT = ("Zyyy", "Zinh", "Zzzz")


def main_script(text: str) -> str | None:
    """Return the script of most characters of a text, as ISO 15924 codes it.

    Digits, punctuation, symbols and accents count for none. Japanese is ``Hira`` where most of it
    is hiragana, ``Hani`` where most of it is kanji.

    Returns:
        The code, of equally frequent ones the first in the text; None where no character has a
        script of its own.

    >>> main_script("Москва 2024 (Moscow)"), main_script("東京"), main_script("3.14 = π?")
    ('Cyrl', 'Hani', 'Grek')
    >>> main_script("12 * 30")
    """
    scripts: Counter[str] = Counter()
    for character, count in Counter(text).items():
        scripts[_script(character)] += count
    for other in _OF_NO_SCRIPT:
        del scripts[other]
    return max(scripts, key=scripts.__getitem__, default=None)


@cache
def _script(character: str) -> str:
    return str(script(character))
