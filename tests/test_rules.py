import math

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from filters.bounds import Bounds
from filters.rules import Rule, evaluate

values = st.none() | st.floats(-5, 5)
bound = st.none() | st.sampled_from([-2.0, -1.0, 0.0, 1.0, 2.0])


def batch(rows: list[tuple[float | None, str | None]]) -> pa.RecordBatch:
    return pa.RecordBatch.from_pydict(
        {
            "a.x": pa.array([row[0] for row in rows], pa.float64()),
            "language.code": pa.array([row[1] for row in rows], pa.string()),
        }
    )


@given(
    st.lists(st.tuples(values, st.sampled_from(["en", "zh", None]))), bound, bound, st.booleans()
)
def test_rules_agree_with_plain_comparisons(
    rows: list[tuple[float | None, str | None]],
    low: float | None,
    high: float | None,
    keep_null: bool,
) -> None:
    if (low is None and high is None) or (low is not None and high is not None and low > high):
        return
    rule = Rule(
        signal="a.x",
        bounds=Bounds(min=low, max=high),
        languages={"zh": None},
        keep_null=keep_null,
    )
    verdicts = evaluate([rule], batch(rows))
    expected = []
    for value, language in rows:
        if value is None:
            reasons = [] if keep_null else ["a.x.min"]
        elif language == "zh":
            reasons = []
        else:
            reasons = ["a.x.min"] if value < (-math.inf if low is None else low) else []
            reasons += ["a.x.max"] if value > (math.inf if high is None else high) else []
        expected.append(reasons)
    assert verdicts.reasons == expected
    assert verdicts.passed.tolist() == [not reasons for reasons in expected]


def test_every_failed_rule_is_told_in_the_order_of_the_rules() -> None:
    rows = pa.RecordBatch.from_pydict({"a.x": [1, 9, 5], "a.flag": [True, True, False]})
    rules = [
        Rule(signal="a.flag", bounds=Bounds(max=0)),
        Rule(signal="a.x", bounds=Bounds(min=2, max=6)),
    ]
    verdicts = evaluate(rules, rows)
    assert verdicts.reasons == [["a.flag.max", "a.x.min"], ["a.flag.max", "a.x.max"], []]


@pytest.mark.parametrize(("language", "passes"), [("en", False), ("de", True), (None, False)])
def test_bounds_of_a_language_replace_the_general_ones(language: str | None, passes: bool) -> None:
    rule = Rule(signal="a.x", bounds=Bounds(min=3), languages={"de": Bounds(min=1)})
    assert evaluate([rule], batch([(2.0, language)])).passed.tolist() == [passes]
