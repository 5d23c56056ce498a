"""Harmful perplexity and quality under small models that are made here."""

import math
import pickle
from pathlib import Path

import pytest

from filters.text_view import TextView
from models.harmful import HarmfulPerplexity
from models.quality import QualityClassifier, QualityModel


@pytest.fixture
def harmful(harmful_model: str) -> HarmfulPerplexity:
    return HarmfulPerplexity(path=harmful_model)


def perplexity(scorer: HarmfulPerplexity, text: str) -> float:
    value = scorer.compute(TextView(text))["harmful.perplexity"]
    assert isinstance(value, float)
    return value


def test_perplexity_counts_the_end_of_the_sentence(harmful: HarmfulPerplexity) -> None:
    assert perplexity(harmful, "bad word") == pytest.approx(10 ** ((0.1 + 0.2 + 0.3) / 3))


def test_a_document_is_one_sentence(harmful: HarmfulPerplexity) -> None:
    assert perplexity(harmful, "bad\nword") == perplexity(harmful, " bad \t word ")


def test_harmful_text_has_the_lower_perplexity(harmful: HarmfulPerplexity) -> None:
    assert perplexity(harmful, "bad word") < perplexity(harmful, "quite another text")


def test_a_text_without_tokens_has_no_perplexity(harmful: HarmfulPerplexity) -> None:
    assert harmful.compute(TextView(" \n")) == {"harmful.perplexity": None}


def test_what_is_no_kenlm_model_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "model.binary"
    path.write_text("nothing of the kind")
    for model, told in ((path, "is no n-gram model"), (tmp_path / "missing", "can't be read")):
        with pytest.raises(ValueError, match=told):
            HarmfulPerplexity(path=str(model)).load()


def test_quality_is_the_probability_of_the_positive_class(quality_model: str) -> None:
    model = QualityClassifier(models=[QualityModel(path=quality_model)])
    classifier = pickle.loads(pickle.dumps(model))
    classifier.load()

    def score(text: str) -> float:
        value = classifier.compute(TextView(text))["quality.score"]
        assert value is not None
        assert 0 <= value <= 1
        return float(value)

    good, poor = score("the lemma follows\nfrom the theorem"), score("buy cheap here now")
    assert good > 0.9 > 0.1 > poor
    flipped = QualityClassifier(
        models=[QualityModel(path=quality_model, label="__label__negative")]
    )
    assert flipped.compute(TextView("buy cheap here now"))["quality.score"] == pytest.approx(
        1 - poor, abs=1e-3
    )
    assert classifier.compute(TextView("\n")) == {"quality.score": None}
    assert not math.isnan(good)


def test_a_label_that_the_model_does_not_know_is_refused(quality_model: str) -> None:
    with pytest.raises(ValueError, match=r"no label __label__hq; the model knows __label__"):
        QualityModel(path=quality_model, label="__label__hq").load()
