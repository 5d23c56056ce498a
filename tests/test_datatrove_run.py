"""A run whose steps are datatrove's, against datatrove's own pipeline over the same texts."""

import json
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import pyarrow.dataset as ds
import pytest
from datatrove.data import Document
from datatrove.pipeline.filters import C4QualityFilter, GopherQualityFilter, RegexFilter
from datatrove.pipeline.formatters import PIIFormatter, SymbolLinesFormatter

from benchmarks.score_cost import extract, read
from pipelines.cli import main

RECIPE = """\
name: steps
input: [{format: jsonl, paths: [documents.jsonl]}]
output: out
gates: {keep_text: true}
steps:
  - datatrove.SymbolLinesFormatter
  - datatrove.GopherQualityFilter: {min_doc_words: 30, min_stop_words: 1}
  - datatrove.C4QualityFilter: {filter_no_terminal_punct: false, min_num_sentences: 3}
  - datatrove.RegexFilter: {regex_exp: "[Pp]rices?"}
  - datatrove.PIIFormatter: {email_replacement: "a@example.com"}
rules: {use: []}
dedup: null
"""


class Excluded:
    """What datatrove's filters take as the writer of what they drop."""

    def __init__(self, step: str) -> None:
        self.step = step
        self.reasons: dict[str, str] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        pass

    def write(self, document: Document, rank: int) -> None:
        reason = document.metadata.get("filter_reason")
        self.reasons[document.id] = f"datatrove.{self.step}" + (f".{reason}" if reason else "")


def texts() -> Iterator[str]:
    sample = Path("configs/quickstart/sample/pages.warc.gz")
    for number, text in enumerate(filter(None, map(extract, read([sample])))):
        bracket = "A line with a { of some code." if number % 5 == 0 else ""
        yield f"{text}\n***\nMail jo{number}@gmx.net\n{bracket}"


@pytest.fixture(scope="module")
def documents() -> dict[str, str]:
    return {f"d{number}": text.strip() for number, text in enumerate(texts())}


@pytest.fixture
def folder(documents: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    lines = [json.dumps({"id": name, "text": text}) for name, text in documents.items()]
    (tmp_path / "documents.jsonl").write_text("\n".join(lines) + "\n")
    (tmp_path / "recipe.yaml").write_text(RECIPE)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def rows(path: Path) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = ds.dataset(path, format="parquet").to_table().to_pylist()
    return found


def test_a_run_keeps_and_drops_what_datatrove_does(folder: Path, documents: dict[str, str]) -> None:
    assert main(["score", "recipe.yaml", "--workers", "1"]) == 0
    excluded = [Excluded(f"{name}Filter") for name in ("GopherQuality", "C4Quality", "Regex")]
    pipeline: Any = (Document(text=text, id=name) for name, text in documents.items())
    for step in (
        SymbolLinesFormatter(),
        GopherQualityFilter(min_doc_words=30, min_stop_words=1, exclusion_writer=excluded[0]),
        C4QualityFilter(
            filter_no_terminal_punct=False, min_num_sentences=3, exclusion_writer=excluded[1]
        ),
        RegexFilter("[Pp]rices?", exclusion_writer=excluded[2]),
        PIIFormatter(email_replacement="a@example.com"),
    ):
        pipeline = step.run(pipeline)
    kept = {document.id: document.text.strip() for document in pipeline}
    reasons: dict[str, str] = {}
    for writer in excluded:
        assert writer.reasons, f"{writer.step} is to drop something of the sample"
        reasons |= writer.reasons
    assert {row["record_id"]: row["text"] for row in rows(folder / "out/scored")} == kept
    gated = rows(folder / "out/gated")
    assert {row["record_id"]: row["reason"] for row in gated} == reasons
    # The text is kept as it came to the step that dropped it.
    lines = SymbolLinesFormatter()
    for row in gated:
        if "GopherQualityFilter" in row["reason"]:
            assert row["text"] == lines.format(documents[row["record_id"]])
    score = json.loads((folder / "out/manifests/score.json").read_text())["counters"]
    assert score["in"] == len(documents) == score["out"] + sum(score["gated"].values())


def test_worker_processes_take_the_same_steps(folder: Path) -> None:
    light = "steps=[{datatrove.SamplerFilter: {rate: 0.5}}, datatrove.PIIFormatter]"
    for workers in ("1", "2"):
        words = ["--workers", workers, "--set", f"output=out{workers}", "--set", light]
        assert main(["score", "recipe.yaml", *words]) == 0
    for part in ("scored", "gated"):
        assert rows(folder / "out1" / part) == rows(folder / "out2" / part) != []


def test_a_changed_step_scores_again_and_the_same_does_not(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["score", "recipe.yaml", "--set"]
    assert main([*words, "steps=[datatrove.SymbolLinesFormatter]"]) == 0
    capsys.readouterr()
    assert main([*words, "steps=[datatrove.SymbolLinesFormatter]"]) == 0
    assert "nothing to do" in capsys.readouterr().out
    assert main(["select", "recipe.yaml"]) == 2
    assert "scored with other settings" in capsys.readouterr().err
    assert main([*words, 'steps=[{datatrove.RegexFilter: {regex_exp: "e"}}]']) == 0
    assert rows(folder / "out/scored") == []


def test_check_refuses_a_step_that_does_not_work_here(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["check", "recipe.yaml", "--set"]
    assert main([*words, "steps=[tests.datatrove_filters.NeedsMoreLater]"]) == 2
    assert capsys.readouterr().err == (
        "thresher: steps.0: `tests.datatrove_filters.NeedsMoreLater`: needs the package"
        " `no_such_module`, which is not installed; `pip install no_such_module`\n"
    )
    assert main([*words, "edits=[ftfy, pii]", "--set", "steps=[datatrove.PIIFormatter]"]) == 0
    assert "edits:   ftfy, pii\nsteps:   datatrove.PIIFormatter\n" in capsys.readouterr().out


def test_a_rule_on_an_edit_that_the_recipe_lacks_names_the_edit(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rule = ["--set", "rules={pii.email_count: {max: 3}}"]
    assert main(["check", "recipe.yaml", *rule]) == 2
    assert capsys.readouterr().err == (
        "thresher: rules: no step computes `pii.email_count`; add `pii` to `edits`\n"
    )
    assert main(["score", "recipe.yaml", *rule, "--set", "edits=[pii]", "--set", "steps=[]"]) == 0
    assert {row["pii.email_count"] for row in rows(folder / "out/scored")} == {1}


def test_the_list_of_signals_holds_the_counts_of_the_edits(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["signals"]) == 0
    everything = capsys.readouterr().out
    assert main(["signals", "recipe.yaml", "--set", "edits=[unicode]"]) == 0
    of_recipe = capsys.readouterr().out
    for name in ("edits.original_length", "pii.email_count", "ftfy.changed_character_count"):
        assert f" {name} " in everything
    assert " unicode.changed_character_count " in of_recipe
    assert " pii.email_count " not in of_recipe
