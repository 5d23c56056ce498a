import math
from fractions import Fraction
from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from filters.selection_policies import (
    AtLeast,
    Floats,
    Pareto,
    Proportional,
    SelectionPolicy,
    draws,
    greatest,
    kept_of,
    proportional_factor,
)

SCORES = st.lists(st.floats(0, 1), min_size=1, max_size=60)
POLICIES = st.one_of(
    st.builds(AtLeast, least=st.floats(0, 1)),
    st.builds(Pareto, alpha=st.floats(0.1, 20)),
    st.builds(Proportional, factor=st.floats(0, 10)),
)
MANY = draws(map(str, range(100_000)), seed=0)


def ids(count: int) -> list[str]:
    return [f"{number:032x}" for number in range(count)]


@given(SCORES, POLICIES, st.integers(0, 2**64 - 1), st.randoms(use_true_random=False))
def test_a_document_s_fate_depends_on_its_id_and_score_alone(
    scores: list[float], policy: SelectionPolicy, seed: int, generator: Random
) -> None:
    documents = list(zip(ids(len(scores)), scores, strict=True))

    def kept(of: list[tuple[str, float]]) -> set[str]:
        names = [name for name, _ in of]
        mask = policy.keeps(np.array([score for _, score in of]), draws(names, seed=seed))
        return {name for name, keep in zip(names, mask, strict=True) if keep}

    whole = kept(documents)
    assert kept(documents) == whole
    generator.shuffle(documents)
    assert kept(documents) == whole
    half = documents[: len(documents) // 2]
    assert kept(half) == whole & {name for name, _ in half}


@given(st.floats(0, 1), st.floats(0, 1), POLICIES, st.floats(0, 1, exclude_max=True))
def test_of_two_documents_of_one_draw_the_better_one_is_kept_if_either_is(
    one: float, other: float, policy: SelectionPolicy, draw: float
) -> None:
    scores = np.sort([one, other])
    worse, better = policy.keeps(scores, np.array([draw, draw]))
    assert better or not worse


def test_draws_are_uniform_and_seeds_are_independent() -> None:
    assert MANY.min() >= 0
    assert MANY.max() < 1
    assert stats.kstest(MANY, "uniform").pvalue > 0.001
    others = draws(map(str, range(100_000)), seed=1)
    assert abs(np.corrcoef(MANY, others)[0, 1]) < 4 / math.sqrt(100_000)


@pytest.mark.parametrize("alpha", [3.0, 9.0])
@pytest.mark.parametrize("score", [0.0, 0.3, 0.5, 0.8, 0.95, 1.0])
def test_pareto_keeps_as_often_as_numpy_s_pareto(score: float, alpha: float) -> None:
    kept = int(Pareto(alpha=alpha).keeps(np.full(len(MANY), score), MANY).sum())
    expected = (2 - score) ** -alpha
    drawn = np.random.default_rng(1).pareto(alpha, len(MANY))
    of_numpy = int((drawn > 1 - score).sum())
    for found in (kept, of_numpy):
        assert stats.binomtest(found, len(MANY), expected).pvalue > 0.001


@pytest.mark.parametrize("alpha", [0.0, -1.0, math.nan])
def test_a_pareto_distribution_has_a_shape(alpha: float) -> None:
    with pytest.raises(ValueError, match="alpha must be above 0"):
        Pareto(alpha=alpha)


@given(st.integers(0, 10_000), st.fractions(Fraction(1, 1000), 1, max_denominator=1000))
def test_a_share_is_never_fallen_short_of_and_never_exceeded_by_a_whole_document(
    documents: int, share: Fraction
) -> None:
    decimal = float(round(share, 3))
    kept = kept_of(documents, share=decimal)
    assert 0 <= kept - Fraction(str(decimal)) * documents < 1


@given(st.lists(st.sampled_from([0.0, 0.1, 0.3, 0.5, 1.0]), min_size=1), st.data())
def test_the_value_at_a_place_is_that_of_the_sorted_list(
    scores: list[float], data: st.DataObject
) -> None:
    place = data.draw(st.integers(1, len(scores)))
    values, counts = np.unique(scores, return_counts=True)
    assert greatest(values, counts, place=place) == sorted(scores, reverse=True)[place - 1]


@given(
    st.lists(st.floats(-1, 0) | st.floats(1e-6, 5), min_size=1, max_size=40), st.floats(0.001, 1)
)
def test_a_proportional_share_is_met_on_average_or_all_that_score_are_kept(
    scores: list[float], share: float
) -> None:
    values, counts = np.unique(scores, return_counts=True)
    factor = proportional_factor(values, counts, share=share)
    positive = np.maximum(scores, 0)
    expected = float(np.minimum(1, factor * positive).sum())
    wanted = min(share * len(scores), float((positive > 0).sum()))
    assert expected == pytest.approx(wanted)


def mean_kept(policy: SelectionPolicy, scores: Floats) -> float:
    return float(policy.keeps(scores, MANY).mean())


def test_proportional_sampling_keeps_each_score_in_proportion() -> None:
    policy = Proportional(factor=0.5)
    for score in (0.1, 0.4, 1.0):
        kept = mean_kept(policy, np.full(len(MANY), score))
        error = math.sqrt(score / 2 / len(MANY))
        assert kept == pytest.approx(score / 2, abs=4 * error)
