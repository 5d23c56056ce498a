from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml

from filters.rules import evaluate
from pipelines.cli import main
from pipelines.recipe_rules import Rules

ENGLISH = [float(value) for value in range(10, 0, -1)]
TABLE = pa.table(
    {
        "reference.perplexity": [*ENGLISH, None, 100.0, 300.0, 200.0, 7.0],
        "language.code": [*["en"] * 11, "de", "de", "de", None],
        "gopher.word_count": pa.array([1] * 15, pa.int64()),
    }
)


@pytest.fixture
def output(tmp_path: Path) -> Path:
    (tmp_path / "scored").mkdir()
    for number, rows in enumerate((TABLE.slice(0, 6), TABLE.slice(6))):
        pq.write_table(rows, tmp_path / "scored" / f"{number}.parquet")
    return tmp_path


def test_the_rules_keep_the_head_and_the_middle(
    output: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["percentiles", str(output)]) == 0
    told = capsys.readouterr().out
    table, *parts = told.split("# the ")
    assert [line.split() for line in table.splitlines() if "│" in line] == [
        ["│", "en", "│", "10", "│", "3", "│", "6", "│"],
        ["│", "de", "│", "3", "│", "100", "│", "200", "│"],
        ["│", "unknown", "│", "1", "│", "7", "│", "7", "│"],
    ]
    head, middle = (
        Rules.model_validate(yaml.safe_load(part.partition("\n")[2])["rules"]) for part in parts
    )
    [batch] = TABLE.to_batches()
    kept = {
        name: {
            language: [
                value
                for value, code, passed in zip(
                    *(column.to_pylist() for column in batch.columns[:2]),
                    evaluate(rules.thresholds(), batch).passed,
                    strict=True,
                )
                if passed and code == language and value is not None
            ]
            for language in ("en", "de")
        }
        for name, rules in (("head", head), ("middle", middle))
    }
    assert kept == {
        "head": {"en": ENGLISH[-3:], "de": [100.0]},
        "middle": {"en": ENGLISH[-6:], "de": [100.0, 200.0]},
    }


def test_any_number_and_percentage(output: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["percentiles", str(output), "--signal", "gopher.word_count", "--at", "99.5"]
    assert main(arguments) == 0
    told = capsys.readouterr().out
    assert "# the 99.5 % of each language with the lowest gopher.word_count" in told
    assert yaml.safe_load(told.partition("# the")[2].partition("\n")[2]) == {
        "rules": {"gopher.word_count": {"languages": {"en": {"max": 1.0}, "de": {"max": 1.0}}}}
    }


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--signal", "reference.perplexty"], "no signal `reference.perplexty`"),
        (["--signal", "language.code"], "`language.code` is a string"),
    ],
)
def test_mistakes_are_told_in_one_line(
    output: Path, arguments: list[str], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["percentiles", str(output), *arguments]) == 2
    error = capsys.readouterr().err
    assert told in error
    assert error.count("\n") == 1


def test_nothing_scored_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["percentiles", str(tmp_path)]) == 2
    assert "no such file; first: thresher score RECIPE" in capsys.readouterr().err


def test_a_signal_without_a_value_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "scored").mkdir()
    empty = pa.table(
        {"reference.perplexity": pa.nulls(2, pa.float64()), "language.code": ["en", None]}
    )
    pq.write_table(empty, tmp_path / "scored" / "0.parquet")
    assert main(["percentiles", str(tmp_path)]) == 2
    assert "no document has a value of `reference.perplexity`" in capsys.readouterr().err


def test_a_percentage_beyond_100_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["percentiles", "out", "--at", "101"])
    assert "101 is no percentage from 0 to 100" in capsys.readouterr().err
