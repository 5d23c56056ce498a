"""Accuracy of language identification on texts of known language."""

import gzip
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from models.language import LanguageIdentifier

_LONG = 10

MACROLANGUAGES = {
    **dict.fromkeys(("nb", "nn", "no"), "nor"),
    **dict.fromkeys(("bs", "hr", "sr", "sh"), "hbs"),
    **dict.fromkeys(("id", "min", "ms"), "msa"),
}
"""The macrolanguages of ISO 639-3 of which the texts have more than one language."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Accuracy:
    """How often an identifier is right on the texts of one language, or on all of them.

    Attributes:
        identifier: Its name.
        language: The code of the texts' language, ``all`` for the mean over languages.
        exact: Share of the texts whose language is told.
        macrolanguage: The same where the languages of one macrolanguage count as one.
        mistaken_for: The most frequent wrong answer with its share; None where there is none.
        texts: How many there are.
    """

    identifier: str
    language: str
    exact: float
    macrolanguage: float
    mistaken_for: tuple[str, float] | None
    texts: int


def long_texts(data: Path) -> Iterator[tuple[str, list[str]]]:
    """Yield each language of the Leipzig sentences with its texts, of ten sentences each."""
    for path in sorted((data / "langid/lingua_sentences").glob("*.txt.gz")):
        lines = gzip.decompress(path.read_bytes()).decode().splitlines()
        texts = [" ".join(lines[start : start + _LONG]) for start in range(0, len(lines), _LONG)]
        yield path.name.partition(".")[0], texts


def accuracy(data: Path) -> list[Accuracy]:
    """Return the accuracy of ours and of py3langid, by language and in the mean over languages.

    A language that an identifier does not know is left out of its figures.

    Raises:
        ValueError: py3langid is not installed.
    """
    try:
        from py3langid.langid import MODEL_FILE
        from py3langid.langid import LanguageIdentifier as Py3LangId
    except ImportError:
        raise ValueError("the comparison needs py3langid: pip install py3langid") from None
    ours = LanguageIdentifier()
    other = Py3LangId.from_model_file(MODEL_FILE)
    texts = list(long_texts(data))
    return [
        *identifier_accuracy(
            "lid.176", set(ours.languages()), lambda text: ours.identify(text)[0], texts
        ),
        *identifier_accuracy(
            "py3langid", set(other.labels), lambda text: str(other.classify(text)[0]), texts
        ),
    ]


def identifier_accuracy(
    name: str,
    known: set[str],
    identify: Callable[[str], str | None],
    texts: list[tuple[str, list[str]]],
) -> list[Accuracy]:
    """Return the accuracy of one identifier, by language and last in the mean over languages.

    Args:
        name: Its name.
        known: The codes of the languages that it can name.
        identify: Names the language of a text.
        texts: The languages with their texts.

    >>> told = {"Vi er her": "no", "Mi smo tu": "hr"}
    >>> texts = [("nb", ["Vi er her"]), ("bs", ["Mi smo tu"])]
    >>> *_, mean = identifier_accuracy("x", {"no", "bs", "hr"}, told.get, texts)
    >>> mean.exact, mean.macrolanguage
    (0.5, 1.0)
    """
    rows = []
    for language, of_language in texts:
        # Bokmål is what lid.176 and py3langid call Norwegian.
        wanted = {language, "no"} if language == "nb" else {language}
        if not wanted & known:
            continue
        answers = Counter(map(identify, of_language))
        of_group = [of for of in answers if of and _group(of) == _group(language)]
        wrong = [(of or "none", count) for of, count in answers.items() if of not in wanted]
        most = max(wrong, key=lambda item: item[1], default=None)
        count = len(of_language)
        rows.append(
            Accuracy(
                identifier=name,
                language=language,
                exact=sum(answers[of] for of in wanted) / count,
                macrolanguage=sum(answers[of] for of in of_group) / count,
                mistaken_for=most and (most[0], most[1] / count),
                texts=count,
            )
        )
    mean = Accuracy(
        identifier=name,
        language="all",
        exact=sum(row.exact for row in rows) / len(rows),
        macrolanguage=sum(row.macrolanguage for row in rows) / len(rows),
        mistaken_for=None,
        texts=sum(row.texts for row in rows),
    )
    return [*rows, mean]


def _group(language: str) -> str:
    return MACROLANGUAGES.get(language, language)
