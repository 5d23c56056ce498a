import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.measures import AtThreshold, at_threshold, best, calibration_error, roc_auc, sweep

LABELS = np.array([False, False, True, True])
SCORES = np.array([0.1, 0.6, 0.4, 0.9])


@given(
    st.lists(st.tuples(st.booleans(), st.integers(0, 5)), min_size=2).filter(
        lambda rows: len({label for label, _ in rows}) == 2
    )
)
def test_auc_is_the_share_of_pairs_in_order(rows: list[tuple[bool, int]]) -> None:
    good = [score for label, score in rows if label]
    other = [score for label, score in rows if not label]
    wins = [1.0 if a > b else 0.5 if a == b else 0.0 for a in good for b in other]
    labels, scores = zip(*rows, strict=True)
    found = roc_auc(np.array(labels), np.array(scores, dtype=float))
    assert math.isclose(found, sum(wins) / len(wins), abs_tol=1e-9)


def test_one_class_has_no_auc() -> None:
    with pytest.raises(ValueError, match="one class only"):
        roc_auc(np.array([True, True]), np.array([0.1, 0.2]))


def test_what_a_threshold_gets_right() -> None:
    assert at_threshold(LABELS, SCORES, 0.4) == AtThreshold(
        threshold=0.4,
        precision=2 / 3,
        recall=1.0,
        f1=0.8,
        macro_f1=(0.8 + 2 / 3) / 2,
        accuracy=0.75,
        flagged=0.75,
    )
    nothing = at_threshold(LABELS, SCORES, 2.0)
    assert (nothing.precision, nothing.recall, nothing.f1, nothing.flagged) == (0, 0, 0, 0)


def test_the_sweep_goes_up_and_its_best_is_the_best_of_all_scores() -> None:
    generator = np.random.default_rng(3)
    labels = generator.random(500) < 0.3
    scores = generator.normal(labels * 1.5)
    swept = sweep(labels, scores)
    assert len(swept) == 100
    assert [at.threshold for at in swept] == sorted(at.threshold for at in swept)
    assert best(swept).macro_f1 == max(at.macro_f1 for at in swept)
    assert best(swept).macro_f1 > 0.7


def test_probabilities_that_are_frequencies_are_calibrated() -> None:
    generator = np.random.default_rng(4)
    shares = generator.random(20_000)
    labels = generator.random(20_000) < shares
    assert calibration_error(labels, shares) < 0.02
    assert calibration_error(labels, 1 - shares) > 0.4
