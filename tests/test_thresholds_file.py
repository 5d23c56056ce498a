"""A file of thresholds takes the place of the recipe's rules, and its mistakes are told."""

from pathlib import Path

import pytest

from filters.bounds import Bounds
from filters.rules import Rule
from pipelines.errors import UserError
from pipelines.recipe_file import Predicted, load, load_thresholds

RECIPE = """
name: small
input: [{format: jsonl, paths: [a.jsonl]}]
output: out
rules: {use: [gopher], quality.score: {min: 0.5}}
"""
THRESHOLDS = """\
# Thresholds chosen in the score report of "small".
predicted: {documents: 92, documents_error: 3, tokens: 4899, tokens_error: 120}
rules:
  gopher.word_count: {"min": 50, "keep_null": false}
  gopher.mean_word_length: {"max": 10, "languages": {"zh": {"min": 1}, "th": null}}
"""


def written(folder: Path, text: str, name: str = "thresholds.yaml") -> str:
    path = folder / name
    path.write_text(text)
    return str(path)


def test_its_rules_are_all_that_is_in_force(tmp_path: Path) -> None:
    recipe = written(tmp_path, RECIPE, "recipe.yaml")
    found = load(recipe, thresholds=written(tmp_path, THRESHOLDS)).rules.thresholds()
    assert found == [
        Rule(signal="gopher.word_count", bounds=Bounds(min=50), keep_null=False),
        Rule(
            signal="gopher.mean_word_length",
            bounds=Bounds(max=10),
            languages={"zh": Bounds(min=1), "th": None},
        ),
    ]


def test_an_override_of_the_command_line_goes_over_it(tmp_path: Path) -> None:
    recipe = written(tmp_path, RECIPE, "recipe.yaml")
    path = written(tmp_path, THRESHOLDS)
    found = load(recipe, ["rules.gopher.word_count.min=9"], path).rules.thresholds()
    assert found[0].bounds == Bounds(min=9)


def test_what_the_report_predicted(tmp_path: Path) -> None:
    predicted = Predicted(documents=92, documents_error=3, tokens=4899, tokens_error=120)
    assert load_thresholds(written(tmp_path, THRESHOLDS)).predicted == predicted
    assert load_thresholds(written(tmp_path, "rules: {}\n")).predicted is None


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (None, "no such file of thresholds; the button of report.html downloads one"),
        ("- a list\n", "a file of thresholds is a mapping with `rules`"),
        ("predicted: null\n", "the key `rules` is missing"),
        ("rules:\n  a.b: {min: 2, max: 1}\n", ":2: `rules.a.b`: min 2 is above max 1"),
        ("rules:\n  a.b: {mim: 2}\n", ":2: unknown key `rules.a.b.mim`; did you mean `min`"),
        ("rules:\n  a.b: {min: 2}\n  a.b: {min: 1}\n", ":3: the key `a.b` is there twice"),
    ],
)
def test_a_mistake_is_told_with_its_line(tmp_path: Path, text: str | None, message: str) -> None:
    path = str(tmp_path / "none.yaml") if text is None else written(tmp_path, text)
    with pytest.raises(UserError) as told:
        load(written(tmp_path, RECIPE, "recipe.yaml"), thresholds=path)
    assert str(told.value).startswith(path)
    assert message in str(told.value)
