import pytest

from filters.bounds import Bounds
from filters.rule_sets import RULE_SETS
from filters.rules import Rule
from pipelines.recipe_rules import Rules


def test_a_set_alone_is_its_rules() -> None:
    rules = Rules.model_validate({"use": ["gopher_quality"]}).thresholds()
    assert {rule.signal: rule.bounds for rule in rules} == RULE_SETS["gopher_quality"].bounds
    assert {rule.origin for rule in rules} == {"gopher_quality"}


def test_entries_change_and_lift_the_rules_of_a_set() -> None:
    entries = {"gopher.word_count": {"min": 10}, "gopher.stop_word_count": None}
    given = Rules.model_validate({"use": ["gopher_quality"], **entries})
    rules = {rule.signal: rule for rule in given.thresholds()}
    assert rules["gopher.word_count"] == Rule(
        signal="gopher.word_count", bounds=Bounds(min=10, max=100_000), origin="recipe"
    )
    assert "gopher.stop_word_count" not in rules
    assert rules["gopher.mean_word_length"].bounds == Bounds(min=3, max=10)


@pytest.mark.parametrize(
    "entry",
    [{"max": 3.5}, {"languages": {"de": {"min": 1}, "zh": None}}, {"min": 1, "keep_null": False}],
)
def test_rules_are_written_down_as_they_were_given(entry: dict[str, object]) -> None:
    given = {"use": ["c4"], "language.score": entry, "gopher.word_count": None}
    assert Rules.model_validate(given).model_dump(mode="json") == given
