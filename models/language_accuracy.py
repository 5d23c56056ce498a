"""Accuracy of language identification on texts of known language."""

import gzip
from collections.abc import Callable, Iterator
from pathlib import Path

from models.language import LanguageIdentifier

_LONG = 10


def long_texts(data: Path) -> Iterator[tuple[str, list[str]]]:
    """Yield each language of the Leipzig sentences with its texts, of ten sentences each."""
    for path in sorted((data / "langid/lingua_sentences").glob("*.txt.gz")):
        lines = gzip.decompress(path.read_bytes()).decode().splitlines()
        texts = [" ".join(lines[start : start + _LONG]) for start in range(0, len(lines), _LONG)]
        yield path.name.partition(".")[0], texts


def accuracy(data: Path) -> list[tuple[str, str, float, int]]:
    """Return identifier, language, accuracy and texts, for ours and for py3langid.

    A language that an identifier does not know is left out of its figures; the last row of each,
    ``all``, is the mean over the languages that it knows.

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
    identifiers: list[tuple[str, set[str], Callable[[str], str | None]]] = [
        ("lid.176", set(ours.languages()), lambda text: ours.identify(text)[0]),
        ("py3langid", set(other.labels), lambda text: str(other.classify(text)[0])),
    ]
    texts = list(long_texts(data))
    rows = []
    for name, known, identify in identifiers:
        shares = []
        for language, of_language in texts:
            # Bokmål is what lid.176 and py3langid call Norwegian.
            wanted = {language, "no"} if language == "nb" else {language}
            if not wanted & known:
                continue
            share = sum(identify(text) in wanted for text in of_language) / len(of_language)
            shares.append(share)
            rows.append((name, language, share, len(of_language)))
        count = sum(count for of, _, _, count in rows if of == name)
        rows.append((name, "all", sum(shares) / len(shares), count))
    return rows
