"""`thresher why` and `thresher inspect`: one document, by its id, its URL or its record id."""

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipelines.cli import main
from pipelines.errors import UserError
from pipelines.trace.document import Output
from pipelines.trace.search import Row, Sought, rows_with
from tests.small_run import run


@pytest.fixture(scope="module")
def output(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return run(tmp_path_factory.mktemp("whole"))


def trace(output: Path, wanted: str) -> dict[str, Any]:
    return Output(str(output)).trace(wanted)


def row_at(output: Path, place: dict[str, Any]) -> dict[str, Any]:
    rows = pq.ParquetFile(output / place["file"]).read().to_pylist()
    return dict(rows[place["row"]])


def test_a_kept_document_is_found_where_it_is_said_to_be(output: Path) -> None:
    found = trace(output, "good 5")
    assert (found["outcome"], found["reasons"], found["cluster"]) == ("kept", [], None)
    [place] = found["places"]
    assert row_at(output, place)["id"] == found["id"]
    assert row_at(output, found["scored"])["text"] == found["text"]
    assert trace(output, found["id"]) == found
    assert trace(output, found["id"][:12]) == found
    assert trace(output, "https://example.com/good-5") == found


def test_every_scored_document_is_where_its_trace_says(output: Path) -> None:
    outcomes: dict[str, list[str]] = {}
    for path in sorted((output / "scored").iterdir()):
        for document in pq.read_table(path)["id"].to_pylist():
            found = trace(output, document)
            outcomes.setdefault(found["outcome"], []).append(found["record_id"])
            for place in found["places"]:
                assert row_at(output, place)["id"] == document
    assert {outcome: len(names) for outcome, names in outcomes.items()} == {
        "kept": 8,
        "duplicate": 3,
        "rejected": 1,
    }


def test_a_rejected_document_has_the_side_of_each_rule(output: Path) -> None:
    found = trace(output, "short")
    assert (found["outcome"], found["reasons"]) == ("rejected", ["gopher.word_count.min"])
    [signal] = [of for of in found["signals"] if of["name"] == "gopher.word_count"]
    assert {key: signal[key] for key in ("value", "unit", "published", "rule", "side")} == {
        "value": 12,
        "unit": "words",
        "published": {"min": 50, "max": 100_000},
        "rule": {"min": 50, "max": None, "of": "recipe"},
        "side": "below",
    }
    assert all(of["rule"] is None for of in found["signals"] if of is not signal)


def test_a_duplicate_leads_to_the_copy_that_is_kept(output: Path) -> None:
    names = ("good 1", "copy 1")
    found = {of["outcome"]: of for of in (trace(output, name) for name in names)}
    duplicate, kept = found["duplicate"], found["kept"]
    assert duplicate["reasons"] == ["near_duplicate"]
    assert duplicate["cluster"]["kept"] == {
        "document": kept["id"],
        "url": kept["url"],
        "places": kept["places"],
    }
    assert [of["document"] for of in duplicate["cluster"]["members"]] == [
        kept["id"],
        duplicate["id"],
    ]
    assert duplicate["cluster"]["similarity"] > 0.8
    assert kept["cluster"]["rank"] == 0


def test_what_is_no_document_is_told_by_url_or_record_id(output: Path) -> None:
    gated = trace(output, "https://example.com/gated")
    assert trace(output, "gated") == gated
    assert (gated["outcome"], gated["stage"]) == ("gated", "score")
    assert [(of["reason"], of["offset"]) for of in gated["records"]] == [("short_text", 5)]


def test_an_error_is_told_by_its_record_id(
    output: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    [path] = (output / "errors" / "score").iterdir()
    error = json.loads(path.read_text())
    found = trace(output, error["record_id"])
    assert (found["outcome"], found["records"]) == ("error", [error])


def test_rows_of_a_document_in_sequences_and_windows_are_all_named(tmp_path: Path) -> None:
    settings = "buckets={smallest: 32, largest: 64, decompose: {shortest_remainder: 16}}"
    output = run(tmp_path, "--set", settings, "--set", "buckets.shuffle_seed=1")
    found = trace(output, "good 3")
    assert len(found["places"]) > 3
    assert {row_at(output, place)["document"] for place in found["places"]} == {found["id"]}


def test_before_select_the_rules_are_told_all_the_same(tmp_path: Path) -> None:
    output = run(tmp_path)
    (output / "manifests" / "select.json").unlink()
    found = trace(output, "short")
    assert (found["outcome"], found["reasons"]) == ("scored", ["gopher.word_count.min"])


def test_texts_of_other_documents_are_not_read(
    output: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[tuple[str, ...]] = []
    real = pq.ParquetFile.read_row_group

    def read_row_group(self: Any, group: int, columns: list[str]) -> Any:
        read.append(tuple(columns))
        return real(self, group, columns=columns)

    monkeypatch.setattr(pq.ParquetFile, "read_row_group", read_row_group)
    trace(output, "https://example.com/good-5")
    assert len([columns for columns in read if "text" in columns]) == 1
    assert {columns for columns in read if len(columns) == 1} == {("url",), ("record_id",), ("id",)}


def test_row_groups_that_cannot_hold_the_value_are_not_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = [f"{number:032x}" for number in range(100)]
    path = str(tmp_path / "ids.parquet")
    pq.write_table(pa.table({"id": names}), path, row_group_size=10)
    groups: list[int] = []
    real = pq.ParquetFile.read_row_group

    def read_row_group(self: Any, group: int, columns: list[str]) -> Any:
        groups.append(group)
        return real(self, group, columns=columns)

    monkeypatch.setattr(pq.ParquetFile, "read_row_group", read_row_group)
    assert rows_with([path], [Sought(column="id", value=names[37])]) == [Row(path, 37)]
    prefix = names[32][:-1]
    found = rows_with([path], [Sought(column="id", value=prefix, is_prefix=True)])
    assert [row.number for row in found] == list(range(32, 48))
    assert groups == [3, 3, 4]


def test_who_is_unknown_or_one_of_several_is_the_users_mistake(output: Path) -> None:
    with pytest.raises(UserError, match=r"nobody: no document is so called in .*; give an id"):
        trace(output, "nobody")
    with pytest.raises(UserError, match="no document is so called"):
        trace(output, "0" * 32)
    with pytest.raises(UserError, match="nothing there from `score`"):
        trace(output / "scored", "short")


def test_a_url_of_several_documents_names_their_ids(tmp_path: Path) -> None:
    (tmp_path / "in.jsonl").write_text(
        "".join(
            json.dumps({"id": str(n), "url": "https://a.org/", "text": f"Text {n}."}) + "\n"
            for n in range(7)
        )
    )
    (tmp_path / "r.yaml").write_text(
        f"name: r\ninput: [{{format: jsonl, paths: [{tmp_path}/in.jsonl]}}]\noutput: {tmp_path}/o\n"
        "signals: [length]\n"
    )
    assert main(["score", str(tmp_path / "r.yaml")]) == 0
    with pytest.raises(UserError, match=r"7 documents are so called; give the id of one: \w{32}, "):
        trace(tmp_path / "o", "https://a.org/")


def test_the_commands_print_lines_or_json(output: Path, capsys: pytest.CaptureFixture[str]) -> None:
    capsys.readouterr()
    assert main(["why", f"{output}/", "short"]) == 0
    found = trace(output, "short")
    assert capsys.readouterr().out == (
        f"{found['id']}  https://example.com/short\n"
        f"  from {found['source']}\n"
        "rejected: fails 1 rule\n"
        "  gopher.word_count: 12 words, below 50 (recipe)\n"
    )
    assert main(["why", str(output), "gated"]) == 0
    assert "gated by `score`: short_text\n" in capsys.readouterr().out
    copy = next(name for name in ("good 0", "copy 0") if trace(output, name)["places"])
    assert main(["inspect", str(output), copy]) == 0
    printed = capsys.readouterr().out
    assert "gopher.word_count" in printed
    assert "near_duplicate" in printed
    assert main(["inspect", str(output), "short", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == found
    assert main(["why", str(output), "nobody"]) == 2


def test_control_characters_of_a_document_do_not_reach_the_terminal(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    hostile = {"id": "x", "url": "https://a.org/\x1b[2J[bold]", "text": "A \x1b]0;title\x07 text."}
    (tmp_path / "in.jsonl").write_text(json.dumps(hostile) + "\n")
    (tmp_path / "r.yaml").write_text(
        f"name: r\ninput: [{{format: jsonl, paths: [{tmp_path}/in.jsonl]}}]\noutput: {tmp_path}/o\n"
        "signals: [length]\n"
    )
    assert main(["score", str(tmp_path / "r.yaml")]) == 0
    capsys.readouterr()
    assert main(["inspect", str(tmp_path / "o"), "x"]) == 0
    printed = capsys.readouterr().out
    assert "\x1b" not in printed
    assert "[2J[bold]" in printed
