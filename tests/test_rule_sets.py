import copy
import math
import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from filters.bounds import Bounds
from filters.registry import FAMILIES
from filters.rule_sets import RULE_SETS

NUMBERS = st.floats(allow_nan=False)


@given(NUMBERS, NUMBERS, NUMBERS)
def test_bounds_include_both_ends(one: float, other: float, value: float) -> None:
    least, greatest = sorted((one, other))
    bounds = Bounds(min=least, max=greatest)
    assert least in bounds
    assert greatest in bounds
    assert (value in bounds) == (value in Bounds(min=least) and value in Bounds(max=greatest))
    assert math.nextafter(greatest, math.inf) not in bounds or greatest == math.inf


@pytest.mark.parametrize(
    ("least", "greatest", "message"),
    [
        (None, None, "min, max or both"),
        (2, 1, "min 2 is above max 1"),
        (math.nan, None, "NaN"),
        (0, math.nan, "NaN"),
    ],
)
def test_bounds_that_say_nothing_are_refused(
    least: float | None, greatest: float | None, message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        Bounds(min=least, max=greatest)


def test_published_rules_are_over_signals_that_are_computed() -> None:
    computed = {signal.name for family in FAMILIES.values() for signal in family().signals}
    assert {signal for rules in RULE_SETS.values() for signal in rules} <= computed


def test_gopher_is_its_two_halves() -> None:
    assert RULE_SETS["gopher"] == {**RULE_SETS["gopher_quality"], **RULE_SETS["gopher_repetition"]}
    assert len(RULE_SETS["gopher_repetition"]) == 13


def test_thresholds_are_those_of_the_papers() -> None:
    """Read off the papers' tables once more, as (min, max) in the order of the signals."""
    read = {
        name: [(bounds.min, bounds.max) for bounds in rules.values()]
        for name, rules in RULE_SETS.items()
        if name != "gopher"
    }
    below = [0.3, 0.3, 0.2, 0.2, 0.2, 0.18, 0.16, 0.15, 0.14, 0.13, 0.12, 0.11, 0.1]
    assert read == {
        "gopher_quality": [
            (50, 100_000),
            (3, 10),
            (None, 0.1),
            (None, 0.1),
            (None, 0.9),
            (None, 0.3),
            (0.8, None),
            (2, None),
        ],
        "gopher_repetition": [(None, bound) for bound in below],
        "fineweb": [(0.12, None), (None, 0.67), (None, 0.01), (None, 0.3)],
        "c4": [(5, None), (None, 0), (None, 0)],
        "refinedweb": [(None, 0.05)],
        "dclm": [(None, 0.05)],
        "nemo_curator": [(None, 0.25), (None, 0.15), (None, 0.1), (None, 0.2), (None, 0.25)],
        "evalweb_zh": [(201, None), (10, None), (0.3, None), (None, 0), (None, 0.5), (None, 0.5)],
        "pangu": [(150, None), (0.6, None), (None, 0)],
        "moscar": [(3, None), (101, None), (None, 0)],
        "oscar": [(5, None), *[(None, 0.5)] * 4, (0.6, None)],
        "c4_banned_words": [(None, 0)],
        "moscar_banned_words": [(None, 1)],
        "refinedweb_url": [(None, 0), (None, 0), (None, 1), (None, 0)],
    }


@pytest.mark.parametrize("name", RULE_SETS)
def test_rule_sets_are_named_sources_and_can_be_sent_to_workers(name: str) -> None:
    rules = RULE_SETS[name]
    assert "arXiv" in rules.source
    assert pickle.loads(pickle.dumps(rules)) == rules == copy.deepcopy(rules)
