"""Asking a classifier by words gives what fastText says of whole texts."""

import random
from pathlib import Path

import numpy as np
import pytest

from models.classifier import Classifier, ClassifierSettings, train_classifier

WORDS = ["idiot", "garden", "harbour", "moron", "été", "北京", "a", "unseen-word", "…"]


@pytest.fixture(scope="module", params=[True, False], ids=["quantised", "whole"])
def classifier(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> str:
    chosen = random.Random(1)
    texts = [(" ".join(chosen.choices(WORDS[:-2], k=6)), chosen.random() < 0.5) for _ in range(400)]
    path = tmp_path_factory.mktemp("classifier") / "classifier.bin"
    settings = ClassifierSettings(
        smallest_subword=3, largest_subword=5, buckets=500, epochs=3, quantise=request.param
    )
    train_classifier(texts, path, settings)
    return str(path)


def test_runs_of_words(classifier: str) -> None:
    model = Classifier(classifier)
    chosen = random.Random(2)
    for length in (1, 3, 4, 5, 23):
        words = chosen.choices(WORDS, k=length)
        whole, runs = model.run_logits(words, 4)
        shares = [model.probability(" ".join(words[at : at + 4])) for at in range(0, length, 4)]
        assert whole == pytest.approx(_logit(model.probability(" ".join(words))), abs=1e-3)
        assert runs == pytest.approx([_logit(share) for share in shares], abs=1e-3)


def _logit(probability: float) -> float:
    # fastText adds 0.00001 to every probability.
    share = probability - 1e-5
    return float(np.log(share / (1 - share)))


def test_log_odds_are_limited(classifier: str) -> None:
    model = Classifier(classifier)
    totals, vectors = model._evidence
    totals["certainly"], vectors["certainly"] = 1e6, 1
    whole, runs = model.run_logits(["certainly"], 4)
    assert (whole, runs.tolist()) == (12.0, [12.0])


def test_rows_of_words_are_refused(tmp_path: Path) -> None:
    texts = [("a b c", True), ("d e f", False)] * 20
    path = tmp_path / "rows.bin"
    train_classifier(
        texts, path, ClassifierSettings(word_ngrams=2, min_count=1, buckets=100, quantise=False)
    )
    with pytest.raises(ValueError, match="rows of words"):
        Classifier(str(path)).run_logits(["a"], 4)
