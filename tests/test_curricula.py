from collections import Counter
from typing import get_args

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import chisquare

from training.curricula import Curriculum, Name, odds

D8_TO_D13 = [2**k for k in range(8, 14)]


def test_odds_of_the_paper() -> None:
    assert {name: list(odds(name, D8_TO_D13).values()) for name in get_args(Name)} == {
        "uniform": [1, 1, 1, 1, 1, 1],
        "grow-linear": [6, 5, 4, 3, 2, 1],
        "grow-p2": [32, 16, 8, 4, 2, 1],
    }


@given(
    st.dictionaries(st.sampled_from(D8_TO_D13), st.integers(0, 40)),
    st.sampled_from(get_args(Name)),
    st.integers(1, 9),
    st.integers(0, 3),
)
def test_every_batch_comes_once_an_epoch_and_every_cycle_has_its_part(
    batches: dict[int, int], name: Name, cycles: int, epoch: int
) -> None:
    curriculum = Curriculum(name=name, cycles=cycles)
    order = curriculum.order(batches, seed=1, epoch=epoch).tolist()
    assert Counter(order) == Counter({b: n for b, n in batches.items() if n})
    ends = np.cumsum(
        [
            sum(n * (c + 1) // cycles - n * c // cycles for n in batches.values())
            for c in range(cycles)
        ]
    )
    first = Counter(order[: ends[0]])
    assert first == Counter({b: n // cycles for b, n in batches.items() if n // cycles})


@pytest.mark.parametrize("name", get_args(Name))
def test_buckets_are_drawn_with_their_odds_while_none_is_empty(name: Name) -> None:
    curriculum = Curriculum(name=name, cycles=1)
    batches = dict.fromkeys(D8_TO_D13, 1_000)
    drawn: Counter[int] = Counter()
    for seed in range(40):
        # Of 1,000 batches none is used up by 500 draws.
        drawn.update(curriculum.order(batches, seed=seed, epoch=0)[:500].tolist())
    weights = odds(name, D8_TO_D13)
    expected = [20_000 * weight / sum(weights.values()) for weight in weights.values()]
    assert chisquare([drawn[bucket] for bucket in D8_TO_D13], expected).pvalue > 0.001


def test_an_empty_bucket_leaves_the_odds_of_the_others() -> None:
    curriculum = Curriculum(name="grow-p2", cycles=1)
    drawn: Counter[int] = Counter()
    for seed in range(2_000):
        order = curriculum.order({256: 1, 512: 50, 1024: 50}, seed=seed, epoch=0).tolist()
        after = order.index(256) + 1
        drawn.update(order[after : after + 5])
    total = drawn.total()
    assert chisquare([drawn[512], drawn[1024]], [total * 2 / 3, total / 3]).pvalue > 0.001


def test_epochs_and_seeds_have_orders_of_their_own() -> None:
    batches = dict.fromkeys(D8_TO_D13, 20)
    orders = {
        tuple(Curriculum().order(batches, seed=seed, epoch=epoch).tolist())
        for seed in range(2)
        for epoch in range(2)
    }
    assert len(orders) == 4


def test_mistakes_are_told() -> None:
    with pytest.raises(ValueError, match="1 cycle or more"):
        Curriculum(cycles=0)
    with pytest.raises(ValueError, match="bucket 256 must be above 0"):
        Curriculum(custom_odds={256: 0})
