from pathlib import Path

import pytest

from pipelines.cli import main
from pipelines.errors import UserError
from pipelines.recipe import Recipe
from pipelines.recipe_file import load

SMALL = """\
name: small
input:
  - format: jsonl
    paths: [a.jsonl]
output: out/small
rules:
  use: [gopher_quality]
  gopher.word_count: {min: 10}
  gopher.stop_word_count: null
"""


def written(folder: Path, text: str) -> str:
    path = folder / "recipe.yaml"
    path.write_text(text)
    return str(path)


@pytest.mark.parametrize("path", sorted(Path("configs").glob("*.yaml")), ids=lambda path: path.stem)
def test_the_recipes_that_come_along_are_valid_and_survive_a_round_trip(path: Path) -> None:
    recipe = load(str(path))
    assert Recipe.model_validate(recipe.model_dump(mode="json")) == recipe
    assert recipe.name == path.stem


def test_overrides_reach_sections_lists_and_dotted_signal_names(tmp_path: Path) -> None:
    recipe = load(
        written(tmp_path, SMALL),
        [
            "output=elsewhere",
            "gates.languages=[en, de]",
            "input.0.paths=[b.jsonl, c.jsonl]",
            "rules.gopher.word_count.min=100",
            "rules.language.score.min=0.7",
            "dedup=null",
        ],
    )
    assert recipe.output == "elsewhere"
    assert recipe.gates.languages == ["en", "de"]
    assert recipe.input[0].paths == ["b.jsonl", "c.jsonl"]
    assert recipe.rules.entries["gopher.word_count"].min == 100  # type: ignore[union-attr]
    assert recipe.rules.entries["language.score"].min == 0.7  # type: ignore[union-attr]
    assert recipe.dedup is None


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("output:", "outptu:"), "recipe.yaml: the key `output` is missing (and 1 more)"),
        (
            ("output: out/small", "output: o\ndedpu: {}"),
            "recipe.yaml:6: unknown key `dedpu`; did you mean `dedup`?",
        ),
        (
            ("output: out/small", "output: o\ndedup: {band: 3}"),
            "recipe.yaml:6: unknown key `dedup.band`; did you mean `bands`?",
        ),
        (
            ("format: jsonl", "format: jsonl\n    txt: body"),
            "recipe.yaml:4: unknown key `input.0.txt`; did you mean `text`?",
        ),
        (
            ("format: jsonl", "format: json"),
            "recipe.yaml:3: `input.0`: input tag 'json' found using 'format' does not match any"
            " of the expected tags: 'warc', 'gutenberg', 'jsonl', 'parquet'",
        ),
        (
            ("{min: 10}", "{min: 10, max: 5}"),
            "recipe.yaml:8: `rules.gopher.word_count`: min 10 is above max 5",
        ),
        (
            ("{min: 10}", "{least: 10}"),
            "recipe.yaml:8: unknown key `rules.gopher.word_count.least`; there are: keep_null,"
            " languages, max, min",
        ),
        (
            ("[gopher_quality]", "[gofer]"),
            "recipe.yaml:7: `rules.use`: no rule set `gofer`; did you mean `gopher`?",
        ),
        (
            ("output: out/small", "output: o\nsignals: [gopher_qualty]"),
            "recipe.yaml:6: `signals.0`: no signal family `gopher_qualty`; did you mean"
            " `gopher_quality`?",
        ),
        (
            ("output: out/small", "output: o\nsignals:\n  - c4\n  - length: {unit: words}"),
            "recipe.yaml:8: `signals.1`: `length` has no parameter `unit`; it has none",
        ),
        (
            ("output: out/small", "output: o\nsignals: [c4, length, c4]"),
            "recipe.yaml:6: `signals`: the family `c4` is there 2 times",
        ),
        (
            ("output: out/small", "output: o\nedits: [ftfy, pi]"),
            "recipe.yaml:6: `edits.1`: no edit `pi`; did you mean `pii`?",
        ),
        (
            ("output: out/small", "output: o\nedits:\n  - pii: {kind: [email]}"),
            "recipe.yaml:7: `edits.0`: `pii` has no parameter `kind`; did you mean `kinds`?",
        ),
        (
            ("output: out/small", "output: o\nedits:\n  - ftfy\n  - unicode: {form: NFD}"),
            "recipe.yaml:8: `edits.1`: `unicode.form`: input should be 'NFC' or 'NFKC'",
        ),
        (
            ("output: out/small", "output: o\nedits:\n  - pii: {phone_regions: [UK]}"),
            "recipe.yaml:7: `edits.0`: `pii`: phone_regions: no country `UK` in ISO 3166",
        ),
        (
            ("output: out/small", "output: o\nsteps:\n  - datatrove.GopherQualtyFilter"),
            "recipe.yaml:7: `steps.0`: `datatrove` has no filter or formatter `GopherQualtyFilter`;"
            " did you mean `datatrove.GopherQualityFilter`?",
        ),
        (
            ("output: out/small", "output: o\nsteps:\n  - datatrove.PIIFormatter: {emails: no}"),
            "recipe.yaml:7: `steps.0`: `datatrove.PIIFormatter` has no parameter `emails`; did you"
            " mean `remove_emails`?",
        ),
        (
            ("output: out/small", "output: o\nsteps:\n  - datatrove.RegexFilter"),
            "recipe.yaml:7: `steps.0`: `datatrove.RegexFilter`: missing a required argument:"
            " 'regex_exp'",
        ),
        (
            ("output: out/small", "output: o\nsteps: [{datatrove.PIIFormatter: all}]"),
            "recipe.yaml:6: `steps.0`: an entry is the name of a step, or {name: {parameter:"
            " value}}",
        ),
        (
            ("output: out/small", "output: o\nname: twice"),
            "recipe.yaml:6: the key `name` is there twice",
        ),
        (
            ("output: out/small", "output: o\nbuckets: {smallest: 300}"),
            "recipe.yaml:6: `buckets.smallest`: 300 is no power of two",
        ),
        (
            ("output: out/small", "output: o\nsample: {signal: a.b, policy: top_share}"),
            "recipe.yaml:6: `sample`: `policy: top_share` needs `share`, such as 0.1 for the best"
            " tenth",
        ),
        (
            ("output: out/small", "output: o\nsample: {signal: a.b, policy: pareto, share: 0.1}"),
            "recipe.yaml:6: `sample`: `policy: pareto` takes `alpha` and no `share`",
        ),
        (
            (
                "output: out/small",
                "output: o\nsample: {signal: a.b, policy: proportional, alpha: 3}",
            ),
            "recipe.yaml:6: `sample`: `alpha` is for `policy: pareto`, not for proportional",
        ),
    ],
)
def test_a_wrong_recipe_is_told_in_one_line_with_the_place_and_the_remedy(
    tmp_path: Path, change: tuple[str, str], message: str
) -> None:
    assert change[0] in SMALL
    path = written(tmp_path, SMALL.replace(*change))
    with pytest.raises(UserError) as caught:
        load(path)
    assert str(caught.value) == f"{tmp_path}/{message}"


@pytest.mark.parametrize("text", ["a: [1", "- 1", "\x00", ""])
def test_what_is_no_recipe_is_told_in_one_line(tmp_path: Path, text: str) -> None:
    with pytest.raises(UserError) as caught:
        load(written(tmp_path, text))
    assert "\n" not in str(caught.value)
    assert str(caught.value).startswith(f"{tmp_path}/recipe.yaml: ")


def test_a_missing_recipe_is_told_with_where_to_look() -> None:
    with pytest.raises(UserError, match=r"^nowhere.yaml: no such recipe; `ls configs/`"):
        load("nowhere.yaml")


@pytest.mark.parametrize("override", ["output", "=x", "input.7.paths=[]", "output=[1"])
def test_a_wrong_override_is_told_in_one_line(tmp_path: Path, override: str) -> None:
    with pytest.raises(UserError, match=r"^--set "):
        load(written(tmp_path, SMALL), [override])


@pytest.mark.parametrize(
    ("output", "path"),
    [("./out", "out"), ("out/", "out"), ("a//b/.", "a/b"), ("s3://a/b/", "s3://a/b")],
)
def test_an_output_is_named_as_listings_name_it(tmp_path: Path, output: str, path: str) -> None:
    assert load(written(tmp_path, SMALL), [f"output={output}"]).output == path


def test_files_of_an_output_that_is_named_with_a_point_stay(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("a.jsonl").write_text('{"id": "a", "text": "A ferry."}\n')
    recipe = written(
        tmp_path,
        "name: small\ninput: [{format: jsonl, paths: [a.jsonl]}]\noutput: ./out\n"
        "signals: [length]\n",
    )
    assert main(["score", recipe]) == 0
    assert len(list(Path("out/scored").iterdir())) == 1
