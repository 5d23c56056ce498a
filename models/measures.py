"""How good a score is: ROC-AUC, the sweep of thresholds, calibration."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.stats import rankdata

Labels = npt.NDArray[np.bool_]
Scores = npt.NDArray[np.float64]


def roc_auc(labels: Labels, scores: Scores) -> float:
    """Return the chance that a positive scores above a negative, a tie counting half.

    Raises:
        ValueError: there is but one class.

    >>> roc_auc(np.array([False, True, True]), np.array([0.1, 0.1, 0.9]))
    0.75
    """
    positives = int(labels.sum())
    negatives = len(labels) - positives
    if not positives or not negatives:
        raise ValueError("the texts to evaluate on have one class only")
    ranks = rankdata(scores)
    above = float(ranks[labels].sum()) - positives * (positives + 1) / 2
    return above / (positives * negatives)


@dataclass(frozen=True, slots=True, kw_only=True)
class AtThreshold:
    """What calling everything from a threshold up positive gets right.

    Attributes:
        threshold: A score at or above it is called positive.
        precision: Share of what is called positive that is; 0 where nothing is called so.
        recall: Share of the positives that are called so.
        f1: The harmonic mean of the two.
        macro_f1: The mean of F1 of the positive and of the negative class.
        accuracy: Share of texts whose class is told.
        flagged: Share of texts that are called positive.
    """

    threshold: float
    precision: float
    recall: float
    f1: float
    macro_f1: float
    accuracy: float
    flagged: float


def at_threshold(labels: Labels, scores: Scores, threshold: float) -> AtThreshold:
    """Return what one threshold gets right."""
    called = scores >= threshold
    hit = int((called & labels).sum())
    missed, false = int(labels.sum()) - hit, int(called.sum()) - hit
    passed = len(labels) - hit - missed - false

    def harmonic(right: int) -> float:
        return 2 * right / (2 * right + missed + false) if right else 0.0

    return AtThreshold(
        threshold=float(threshold),
        precision=hit / (hit + false) if hit else 0.0,
        recall=hit / (hit + missed) if hit else 0.0,
        f1=harmonic(hit),
        macro_f1=(harmonic(hit) + harmonic(passed)) / 2,
        accuracy=(hit + passed) / len(labels),
        flagged=(hit + false) / len(labels),
    )


def sweep(labels: Labels, scores: Scores, candidates: int = 100) -> list[AtThreshold]:
    """Return what each of the candidate thresholds gets right, from the lowest up.

    The candidates are quantiles of the scores, so they are dense where texts are.
    """
    roc_auc(labels, scores)
    thresholds = np.unique(np.quantile(scores, np.linspace(0, 1, candidates), method="nearest"))
    return [at_threshold(labels, scores, threshold) for threshold in thresholds]


def best(swept: Sequence[AtThreshold]) -> AtThreshold:
    """Return the candidate with the highest macro-F1, the lowest threshold of equals."""
    return max(swept, key=lambda result: (result.macro_f1, -result.threshold))


def calibration_error(labels: Labels, probabilities: Scores, bins: int = 10) -> float:
    """Return the mean distance of probability and frequency over equal bins of probability.

    (Expected calibration error; Guo et al. 2017, arXiv 1706.04599.)

    >>> round(calibration_error(np.array([False, True]), np.array([0.1, 0.9])), 3)
    0.1
    """
    place = np.minimum((probabilities * bins).astype(int), bins - 1)
    error = 0.0
    for number in np.unique(place):
        here = place == number
        gap = abs(float(labels[here].mean()) - float(probabilities[here].mean()))
        error += gap * float(here.mean())
    return error
