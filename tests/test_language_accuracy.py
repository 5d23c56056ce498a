from pathlib import Path

import pytest

from models.language import LanguageIdentifier
from models.language_accuracy import Accuracy, identifier_accuracy, long_texts

TEXTS = [("bs", ["a", "b", "c", "d"]), ("nb", ["e", "f"]), ("zu", ["g"])]
TOLD = {"a": "hr", "b": "hr", "c": "bs", "d": "ga", "e": "no", "f": None}


def test_accuracy_by_language_and_in_the_mean() -> None:
    def row(
        language: str,
        exact: float,
        macrolanguage: float,
        mistaken_for: tuple[str, float] | None,
        texts: int,
    ) -> Accuracy:
        return Accuracy(
            identifier="x",
            language=language,
            exact=exact,
            macrolanguage=macrolanguage,
            mistaken_for=mistaken_for,
            texts=texts,
        )

    # It knows no Zulu, and Norwegian by one name.
    assert identifier_accuracy("x", {"bs", "hr", "no", "ga"}, TOLD.get, TEXTS) == [
        row("bs", 0.25, 0.75, ("hr", 0.5), 4),
        row("nb", 0.5, 0.5, ("none", 0.5), 2),
        row("all", 0.375, 0.625, None, 6),
    ]


@pytest.mark.real_data
def test_the_figures_of_the_documentation(real_data: Path) -> None:
    ours = LanguageIdentifier()
    texts = list(long_texts(real_data))
    *rows, mean = identifier_accuracy(
        "lid.176", set(ours.languages()), lambda text: ours.identify(text)[0], texts
    )
    assert len(rows) == 67
    assert (round(mean.exact, 3), round(mean.macrolanguage, 3)) == (0.942, 0.971)
    assert {row.language for row in rows if row.macrolanguage < 0.96} == {"so", "yo"}
