from pathlib import Path

import pytest

from filters.text_view import TextView
from models.classifier import ClassifierSettings
from models.labelled_text import LabelledText
from models.quality import QualityClassifier, QualityModel
from models.quality_training import KNOWN, balanced, evaluate_quality, train_quality

SETTINGS = ClassifierSettings(epochs=20, min_count=1, quantise=False, buckets=1_000)
TEXTS = [
    LabelledText(f"{words} {number}", positive=positive, source=source)
    for source, positive, words in (
        ("books", True, "the theorem follows from the lemma and the proof is short"),
        ("news", True, "the proof of the theorem was published and is short"),
        ("shops", False, "click here buy now cheap offer"),
        ("chat", False, "lol click this offer now cheap"),
    )
    for number in range(20)
]


def test_a_model_scores_its_own_languages(tmp_path: Path) -> None:
    for code in ("en", "zh"):
        train_quality(TEXTS, tmp_path / code, languages=(code,), settings=SETTINGS)
    models = [QualityModel(path=str(tmp_path / code)) for code in ("en", "zh")]
    classifier = QualityClassifier(models=models)
    classifier.load()

    def score(text: str, language: str) -> float | None:
        value = classifier.compute(TextView(text, language=language))["quality.score"]
        return None if value is None else float(value)

    good, poor = score("The proof of the lemma", "en"), score("Buy cheap, click", "zh")
    assert good is not None
    assert poor is not None
    assert good > 0.8 > 0.2 > poor
    assert score("The proof", "de") is None
    assert score("", "en") is None


def test_the_rarer_class_is_repeated() -> None:
    texts = [LabelledText("a", True, "s"), *(LabelledText(b, False, "s") for b in "bcd")]
    assert balanced(texts) == [
        *[("a", True)] * 3,
        ("b", False),
        ("c", False),
        ("d", False),
    ]


def test_one_class_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="one class only"):
        train_quality([text for text in TEXTS if text.positive], tmp_path, settings=SETTINGS)


def test_every_source_and_every_pair_is_left_out() -> None:
    results = list(evaluate_quality(TEXTS, SETTINGS))
    assert [(result.positive, result.negative) for result in results] == [
        ("books", KNOWN), ("news", KNOWN), (KNOWN, "chat"), (KNOWN, "shops"),
        ("books", "chat"), ("books", "shops"), ("news", "chat"), ("news", "shops"),
    ]  # fmt: skip
    assert min(result.auc for result in results) > 0.9
    assert all(0 <= result.calibration <= 1 for result in results)
