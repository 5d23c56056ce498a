"""Selection policies: which documents a sample keeps, by a score and a draw of each one's own.

A rule drops all below a threshold. A sample keeps some of them, so that a corpus is not only what a
classifier likes best. Every document draws by its own id, so it meets the same fate in every rerun,
in whatever order and beside whatever other documents.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import ROUND_CEILING, Decimal

import numpy as np
import numpy.typing as npt
import xxhash

Floats = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]

ALPHA = 9.0
"""The shape of GPT-3's Pareto distribution (Brown et al. 2020, arXiv 2005.14165, appendix A)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AtLeast:
    """Keep the scores from a threshold up: a top share, once its threshold is known.

    Attributes:
        least: The threshold.
    """

    least: float

    def keeps(self, scores: Floats, draws: Floats) -> Mask:
        """Tell which documents have the threshold or more.

        Args:
            scores: A score each.
            draws: Not looked at.
        """
        del draws
        return np.asarray(scores >= self.least)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pareto:
    """Keep a document if a Pareto-distributed number is above 1 - score, as GPT-3 did.

    The numbers are those of NumPy's ``pareto`` (Lomax, from 0 up), so a score s is kept with the
    probability (2 - s)^-alpha: with 9 all of score 1, 42 % of 0.9, 3 % of 0.5, 0.2 % of 0.

    Attributes:
        alpha: The shape of the distribution, above 0; the larger, the fewer low scores are kept.

    Raises:
        ValueError: alpha is not above 0.

    >>> Pareto().keeps(np.array([1.0, 0.5, 0.5]), np.array([0.0, 0.5, 0.99])).tolist()
    [True, False, True]
    """

    alpha: float = ALPHA

    def __post_init__(self) -> None:
        if not self.alpha > 0:
            raise ValueError(f"alpha must be above 0, not {self.alpha:g}")

    def keeps(self, scores: Floats, draws: Floats) -> Mask:
        """Tell which documents draw a number above 1 - score.

        Args:
            scores: A score each.
            draws: A number in [0, 1) each, of :func:`draws`.
        """
        drawn = (1 - draws) ** (-1 / self.alpha) - 1
        # A score of 1 is always kept, also by a draw of exactly 0.
        return np.asarray((drawn > 1 - scores) | (scores >= 1))


@dataclass(frozen=True, slots=True, kw_only=True)
class Proportional:
    """Keep a document with a probability proportional to its score.

    PaLM (Chowdhery et al. 2022, arXiv 2204.02311, section 3) sampled web pages so.

    Attributes:
        factor: The probability at a score of 1; above it and from 1 / factor up, all are kept.
            1 takes the score for the probability.

    >>> Proportional().keeps(np.array([0.2, 0.2, 0.0]), np.array([0.1, 0.3, 0.0])).tolist()
    [True, False, False]
    """

    factor: float = 1.0

    def keeps(self, scores: Floats, draws: Floats) -> Mask:
        """Tell which documents draw a number below their probability.

        Args:
            scores: A score each.
            draws: A number in [0, 1) each, of :func:`draws`.
        """
        return np.asarray(draws < self.factor * scores)


SelectionPolicy = AtLeast | Pareto | Proportional


def draws(ids: Iterable[str], *, seed: int) -> Floats:
    """Return a number in [0, 1) for each document, uniform over documents.

    Args:
        ids: The ids of the documents.
        seed: Another seed gives other numbers.
    """
    hashes = [xxhash.xxh3_64_intdigest(of.encode(), seed) for of in ids]
    # 53 bits are what a float holds.
    return np.asarray((np.array(hashes, np.uint64) >> np.uint64(11)) * 2.0**-53, np.float64)


def kept_of(documents: int, *, share: float) -> int:
    """Return the fewest documents that are at least a share of all.

    >>> kept_of(30, share=0.1), kept_of(31, share=0.1)
    (3, 4)
    """
    # As a decimal 0.1 is a tenth; as a float it is more, and of 30 would be 4.
    wanted = (Decimal(repr(share)) * documents).to_integral_value(rounding=ROUND_CEILING)
    return min(int(wanted), documents)


def greatest(values: Floats, counts: npt.NDArray[np.int64], *, place: int) -> float:
    """Return the value at a place from the greatest down.

    Args:
        values: Distinct values, ascending.
        counts: How often there is each.
        place: From 1, for the greatest, to the sum of ``counts``.

    >>> greatest(np.array([0.1, 0.5, 0.9]), np.array([7, 2, 1]), place=2)
    0.5
    """
    from_top = np.cumsum(counts[::-1])
    return float(values[::-1][np.searchsorted(from_top, place)])


def proportional_factor(values: Floats, counts: npt.NDArray[np.int64], *, share: float) -> float:
    """Return the factor by which :class:`Proportional` keeps a share of documents, on average.

    Args:
        values: Scores, ascending; nothing is drawn of those that are 0 or less.
        counts: How many documents have each.
        share: Of all documents, above 0. Where fewer than that have a score above 0, the factor
            keeps all that do.

    >>> proportional_factor(np.array([0.25, 0.75]), np.array([1, 1]), share=0.25)
    0.5
    >>> proportional_factor(np.array([0.25, 0.75]), np.array([1, 1]), share=0.75)
    2.0
    """
    wanted = share * counts.sum()
    scored = values > 0
    values, counts = values[scored][::-1], counts[scored][::-1]
    if not len(values):
        return 0.0
    # The first so many values have a probability of 1, the rest share what is wanted beyond them.
    saturated = np.concatenate(([0], np.cumsum(counts)[:-1]))
    rest = np.cumsum((values * counts)[::-1])[::-1]
    below_one = (wanted - saturated) * values <= rest
    if not below_one.any():
        return float(1 / values[-1])
    at = np.argmax(below_one)
    return float((wanted - saturated[at]) / rest[at])
