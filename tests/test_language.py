import gzip
import pickle
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from filters.gutenberg import strip_boilerplate
from filters.text_view import TextView
from models.language import LanguageIdentifier

IDENTIFIER = LanguageIdentifier()

TEXTS = {
    "en": "The ferry leaves at nine and comes back before the evening tide.",
    "de": "Die Fähre legt um neun Uhr ab und kommt vor der abendlichen Flut zurück.",
    "fr": "Le bac part à neuf heures et revient avant la marée du soir.",
    "ru": "Паром уходит в девять часов и возвращается до вечернего прилива.",
    "zh": "渡轮九点出发，在傍晚涨潮之前回来。",
    "ja": "フェリーは九時に出発し、夕方の満ち潮の前に戻ってきます。",
    "ar": "تغادر العبارة في الساعة التاسعة وتعود قبل المد المسائي.",
}


def language(text: str, identifier: LanguageIdentifier = IDENTIFIER) -> str | None:
    code = identifier.compute(TextView(text))["language.code"]
    assert code is None or isinstance(code, str)
    return code


@pytest.mark.parametrize("code", TEXTS)
def test_languages_are_told_apart(code: str) -> None:
    signals = IDENTIFIER.compute(TextView(TEXTS[code]))
    assert signals["language.code"] == code
    assert 0.5 < float(signals["language.score"] or 0) <= 1


@pytest.mark.real_data
def test_a_title_page_does_not_decide_for_the_book(real_data: Path) -> None:
    path = real_data / "gutenberg/top100_2025/philosophy/the_prince.txt.gz"
    book = strip_boilerplate(gzip.decompress(path.read_bytes()).decode()).body
    assert language(book[:1_000]) != "en"
    signals = IDENTIFIER.compute(TextView(book))
    assert signals["language.code"] == "en"
    assert float(signals["language.score"] or 0) > 0.65


@pytest.mark.parametrize("text", ["", " \n\t ", "\u200b\n"])
def test_a_text_without_a_visible_character_has_no_language(text: str) -> None:
    signals = IDENTIFIER.compute(TextView(text))
    assert text.strip() == "" or signals["language.code"] is not None
    if not text.strip():
        assert set(signals) == {signal.name for signal in IDENTIFIER.signals}
        assert set(signals.values()) == {None}


def test_the_three_most_likely_languages_and_the_script() -> None:
    signals = IDENTIFIER.compute(TextView(TEXTS["ru"]))
    assert list(signals) == [
        *("language.code", "language.score", "language.second_code", "language.second_score"),
        *("language.third_code", "language.third_score", "language.script"),
    ]
    assert signals["language.script"] == "Cyrl"
    codes = [signals[f"language.{place}code"] for place in ("", "second_", "third_")]
    assert codes[0] == "ru"
    assert len({*codes, None}) == 4
    scores = [float(signals[f"language.{place}score"] or 0) for place in ("", "second_", "third_")]
    assert scores == sorted(scores, reverse=True)
    assert sum(scores) <= 1 + 1e-6


def test_lines_are_identified_where_that_is_asked_for() -> None:
    identifier = LanguageIdentifier(lines=True)
    french, russian = TEXTS["fr"], TEXTS["ru"]
    signals = identifier.compute(TextView(f"{french}\n\n  {russian}\n{french}\n0 0 1"))
    sizes = [len(line.encode()) for line in (french, russian, french, "0 0 1")]
    assert identifier.signals[: len(IDENTIFIER.signals)] == IDENTIFIER.signals
    assert {name: signals[name] for name in list(signals)[len(IDENTIFIER.signals) :]} == {
        "language.line_code": "fr",
        "language.line_byte_ratio": (sizes[0] + sizes[2]) / sum(sizes),
        "language.multilingual": False,
    }
    mixed = identifier.compute(TextView("\n".join([french, russian] * 5)))
    assert mixed["language.multilingual"] is True
    nothing = identifier.compute(TextView(" \n"))
    assert set(nothing) == {signal.name for signal in identifier.signals}
    assert set(nothing.values()) == {None}


@given(st.text(max_size=300))
def test_any_text_gets_a_probability_or_null(text: str) -> None:
    score = IDENTIFIER.compute(TextView(text))["language.score"]
    assert score is None or 0 < float(score) <= 1


def test_an_identifier_is_pickled_without_its_model() -> None:
    assert len(pickle.dumps(IDENTIFIER)) < 500
    assert language(TEXTS["fr"], pickle.loads(pickle.dumps(IDENTIFIER))) == "fr"


def test_a_file_that_is_no_model_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "lid.bin"
    path.write_text("not a model")
    for model in (path, tmp_path / "missing.bin"):
        with pytest.raises(ValueError, match=str(model)):
            LanguageIdentifier(model=str(model)).load()
