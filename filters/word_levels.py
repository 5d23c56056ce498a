"""A book's words as corpus linguists take them, and the facts that they want of it.

The levels are those of the Standardized Project Gutenberg Corpus (arXiv 1812.08092).
"""

import re
from collections import Counter
from collections.abc import Mapping, Sequence

import regex

from filters.text_view import TextView

METADATA_COLUMNS = (
    "id",
    "title",
    "author",
    "authoryearofbirth",
    "authoryearofdeath",
    "language",
    "downloads",
    "subjects",
    "bookshelves",
    "rights",
    "type",
)
"""The columns of the corpus's ``metadata.csv``, with bookshelves and rights, which it lacks."""

_YEARS = re.compile(
    r",\s+(?P<birth>\d{1,4}\??(?: BCE)?)?\s?-\s?(?P<death>\d{1,4}\??(?: BCE)?)?(?=$|;| \[)"
)


def word_tokens(view: TextView) -> list[str]:
    """Return the words of the level ``tokens``: of letters, in lower case, in their order.

    As in the published corpus numbers are left out, and of what English runs together ("don't",
    "it's") the part that is no word. A word with an inner apostrophe ("aujourd'hui") is one word,
    which the published corpus loses, and so are letters with marks of their own.

    >>> word_tokens(TextView("It's the 3rd well-known case, and isn't, aujourd'hui, No. 12."))
    ['it', 'the', 'well', 'known', 'case', 'and', 'is', "aujourd'hui", 'no']
    """
    kept = {word: _is_word(word) for word in view.vocabulary}
    return [word.lower() for word in view.words if kept[word]]


def _is_word(word: str) -> bool:
    straight = word.replace("’", "'")
    letters = straight.replace("'", "")
    return (
        word[0].isalpha() and straight.lower() != "n't" and _LETTERS.fullmatch(letters) is not None
    )


_LETTERS = regex.compile(r"[\p{L}\p{M}]+")


def word_counts(tokens: Sequence[str]) -> list[tuple[str, int]]:
    """Return the level ``counts``: each word with its number, the most frequent first.

    >>> word_counts(["b", "a", "b", "c"])
    [('b', 2), ('a', 1), ('c', 1)]
    """
    return sorted(Counter(tokens).items(), key=lambda item: (-item[1], item[0]))


def metadata_row(name: str, facts: Mapping[str, str]) -> dict[str, str]:
    """Return a book's row of ``metadata.csv``; what is not known is empty.

    Args:
        name: The book's name in the corpus, ``PG84``.
        facts: The document's metadata.

    >>> row = metadata_row("PG11", {"authors": "Carroll, Lewis, 1832-1898", "language": "en"})
    >>> [row[key] for key in ("id", "author", "authoryearofbirth", "authoryearofdeath")]
    ['PG11', 'Carroll, Lewis', '1832', '1898']
    """
    authors = facts.get("authors") or facts.get("author", "")
    years = _YEARS.search(authors)
    row = {column: facts.get(column, "") for column in METADATA_COLUMNS}
    row["id"] = name
    row["author"] = _YEARS.sub("", authors)
    row["authoryearofbirth"] = (years and years["birth"]) or ""
    row["authoryearofdeath"] = (years and years["death"]) or ""
    return row
