"""A book's words as corpus linguists take them, and the facts that they want of it.

The levels are those of the Standardized Project Gutenberg Corpus (arXiv 1812.08092).
"""

import re
from collections import Counter
from collections.abc import Mapping, Sequence

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
    """Return the words of the level ``tokens``: alphabetic, in lower case, in their order.

    The published corpus keeps the tokens of NLTK's tokenizer that are alphabetic, and so loses
    "don't" and "well-known"; words with inner apostrophes and hyphens are kept here, whole.
    Numbers are left out as there.

    >>> word_tokens(TextView("It's the 3rd Well-known case, No. 12."))
    ["it's", 'the', 'well-known', 'case', 'no']
    """
    return [
        word.lower()
        for word in view.words
        if word[0].isalpha() and all(c.isalpha() or c in _INNER for c in word)
    ]


_INNER = frozenset("'’-\u0300\u0301\u0302\u0303\u0308\u0327")


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
