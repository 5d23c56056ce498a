"""`thresher evaluate --labels`: rules against documents that a person marked."""

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from filters.bounds import Bounds
from filters.rules import Rule
from pipelines.cli import main
from pipelines.errors import UserError
from pipelines.label_evaluation import Label, Share, evaluate, read_labels
from tests.small_run import run

RULES = [
    Rule(signal="a.length", bounds=Bounds(min=10, max=100)),
    Rule(signal="a.score", bounds=Bounds(max=0.5)),
]


def labels(**kinds: str) -> dict[str, Label]:
    return {
        name: Label.model_validate({"id": name, "label": kind, "signal": "a.length"})
        for name, kind in kinds.items()
    }


def share(count: int, of: int) -> dict[str, Any]:
    found = Share.out_of(count, of)
    return {
        "share": round(count / of, 3) if of else None,
        "low": found.low,
        "high": found.high,
        "count": count,
        "of": of,
    }


def test_each_end_of_each_rule_and_all_together_are_compared_with_the_labels() -> None:
    rows = pa.table(
        {
            "id": ["w", "x", "y", "z"],
            "language.code": ["en"] * 4,
            "a.length": [5, 50, 5, 500],
            "a.score": [0.1, 0.9, None, 0.2],
        }
    )
    found = evaluate(rows, labels(w="bad", x="bad", y="good", z="good"), RULES)
    assert [of.as_json() for of in found["all"]] == [
        {
            "rule": name,
            "bound": bound,
            "precision": share(*precision),
            "recall": share(*recall),
            "good_lost": share(*lost),
            "kept_good": share(*kept),
        }
        for name, bound, precision, recall, lost, kept in (
            ("all rules", None, (2, 4), (2, 2), (2, 2), (0, 0)),
            ("a.length.min", 10, (1, 2), (1, 2), (1, 2), (1, 2)),
            ("a.length.max", 100, (0, 1), (0, 2), (1, 2), (1, 3)),
            ("a.score.max", 0.5, (1, 1), (1, 2), (0, 2), (2, 3)),
        )
    ]
    assert [of.rule for of in found["beside"]] == ["a.length.min", "a.length.max"]


@given(st.integers(1, 200).flatmap(lambda of: st.tuples(st.integers(0, of), st.just(of))))
def test_an_interval_is_wilsons(case: tuple[int, int]) -> None:
    count, of = case
    found = Share.out_of(count, of)
    z, p = 1.959963985, count / of
    middle = (p + z * z / (2 * of)) / (1 + z * z / of)
    half = z / (1 + z * z / of) * (p * (1 - p) / of + z * z / (4 * of * of)) ** 0.5
    assert found.low == pytest.approx(max(0.0, middle - half), abs=6e-4)
    assert found.high == pytest.approx(min(1.0, middle + half), abs=6e-4)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "no label there"),
        ("no JSON\n", "l.jsonl:1: the line: Invalid JSON"),
        ('{"id": "a", "label": "fine"}\n', "l.jsonl:1: label: Input should be 'good' or 'bad'"),
        ('{"id": "", "label": "bad"}\n', "l.jsonl:1: id: "),
        (
            '{"id": "a", "label": "bad"}\n\n{"id": "a", "label": "good"}\n',
            "l.jsonl:3: a is good here and bad in line 1; keep one of them",
        ),
    ],
)
def test_labels_that_say_nothing_or_two_things_are_refused(
    tmp_path: Path, content: str, message: str
) -> None:
    path = tmp_path / "l.jsonl"
    path.write_text(content)
    with pytest.raises(UserError) as caught:
        read_labels(path)
    assert message in str(caught.value)


def test_the_command_tests_the_rules_of_the_run_or_of_a_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output = run(tmp_path)
    rows = [
        row
        for path in sorted((output / "scored").iterdir())
        for row in pq.read_table(path, columns=["id", "record_id"]).to_pylist()
    ]
    marked = [
        {"id": row["id"], "label": "good" if row["record_id"] == "good 7" else "bad"}
        for row in rows
        if row["record_id"] in ("short", "good 0", "good 7")
    ]
    path = tmp_path / "labels.jsonl"
    path.write_text("".join(json.dumps(of) + "\n" for of in [*marked, {"id": "x", "label": "bad"}]))
    capsys.readouterr()
    words = ["evaluate", "--labels", str(path), str(output)]
    assert main([*words, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["labels"], found["unknown"]) == ({"bad": 2, "good": 1}, 1)
    of_run = {of["rule"]: (of["precision"]["count"], of["recall"]["of"]) for of in found["all"]}
    assert of_run == {"all rules": (1, 2), "gopher.word_count.min": (1, 2)}
    thresholds = tmp_path / "thresholds.yaml"
    thresholds.write_text("rules:\n  gopher.word_count: {min: 100}\n")
    assert main([*words, "--thresholds", str(thresholds)]) == 0
    printed = capsys.readouterr().out
    assert "2 bad, 1 good\n1 labelled documents are not among the scores\n" in printed
    assert "1.00 (0.34 to 1.00; 2 of 2)" in printed
    thresholds.write_text("rules:\n  gofer.word_count: {min: 100}\n")
    assert main([*words, "--thresholds", str(thresholds)]) == 2
    assert "the scores have no `gofer.word_count`" in capsys.readouterr().err
    path.write_text('{"id": "x", "label": "bad"}\n')
    assert main(words) == 2
    assert "are the labels of another output?" in capsys.readouterr().err
