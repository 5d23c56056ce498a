"""`thresher verify`: every kind of file is corrupted, and the first lie is named."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import xxhash
from hypothesis import given
from hypothesis import strategies as st

from pipelines.audit.discrepancy import DiscrepancyError
from pipelines.audit.ledger import Entries, first_uneven
from pipelines.audit.stages import audit
from pipelines.cli import main
from tests.small_run import run

SEQUENCES = ["--set", "buckets={smallest: 32, largest: 64, decompose: {shortest_remainder: 16}}"]
WINDOWS = ["--set", "buckets.chapter_windows={200: [20, 2000]}"]


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return run(tmp_path_factory.mktemp("whole"))


@pytest.fixture(scope="module")
def sequences(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return run(tmp_path_factory.mktemp("sequences"), *SEQUENCES)


@pytest.fixture
def output(whole: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(whole, tmp_path / "out"))


def one(output: Path, pattern: str) -> Path:
    return max(output.glob(pattern), key=lambda path: path.stat().st_size)


def edit_json(path: Path, change: Callable[[Any], Any]) -> None:
    content = json.loads(path.read_text())
    change(content)
    path.write_text(json.dumps(content))


def record_again(output: Path, path: Path, rows: int) -> None:
    """Make the manifests say of a file what it is now, as a thorough liar would."""
    content = path.read_bytes()
    told = {"rows": rows, "bytes": len(content), "checksum": xxhash.xxh3_128_hexdigest(content)}
    name = str(path.relative_to(output))

    def change(content: Any) -> None:
        for shard in content.get("shards", [content]):
            for file in shard.get("files", []):
                if file["path"] == name:
                    file.update(told)

    for manifest in (output / "manifests").rglob("*.json"):
        edit_json(manifest, change)


def rewrite(output: Path, path: Path, change: Callable[[pa.Table], pa.Table]) -> None:
    """Change the rows of a Parquet file, and what the manifests say of it with them."""
    table = change(pq.ParquetFile(path).read())
    pq.write_table(table, path)
    record_again(output, path, table.num_rows)


def with_value(table: pa.Table, name: str, row: int, value: object) -> pa.Table:
    values = table[name].to_pylist()
    values[row] = value
    field = table.schema.field(name)
    return table.set_column(table.schema.get_field_index(name), field, pa.array(values, field.type))


def lie(output: Path) -> tuple[str, str, str, str]:
    """The first lie: file, what, expected, found."""
    with pytest.raises(DiscrepancyError) as caught:
        audit(str(output), threads=2)
    error = caught.value
    path = error.path.removeprefix(f"{output}/")
    return path, error.what, error.expected, error.found.replace(f"{output}/", "")


@pytest.mark.parametrize(
    "settings",
    [
        SEQUENCES,
        [*SEQUENCES, "--set", "buckets.decompose.target_token=true"],
        WINDOWS,
        ["--set", "buckets.shuffle_seed=1", "--set", "buckets.shard_bytes=1000"],
        ["--set", "dedup.exact=[url, text]", "--set", "dedup.verify=estimated"],
        ["--set", "dedup=null"],
        ["--set", "signals=[all]"],
    ],
    ids=["sequences", "targets", "windows", "shuffled", "verified pairs", "no dedup", "all"],
)
def test_an_output_as_it_was_written_is_verified(tmp_path: Path, settings: list[str]) -> None:
    stages = audit(str(run(tmp_path, *settings)), threads=2)
    assert {stage.stage: stage.counters.read for stage in stages if stage.stage != "dedup"} == {
        "score": 14,
        "passages": 12,
        "report": 12,
        "select": 12,
    }


def test_a_corpus_without_what_an_earlier_one_has_is_verified(whole: Path, tmp_path: Path) -> None:
    output = run(tmp_path, "--set", f"dedup.against=[{whole}/index]")
    [select] = [s for s in audit(str(output), threads=2) if s.stage == "select"]
    assert select.counters.as_json() == {
        "in": 12,
        "out": 0,
        "gated": {"in_earlier_corpus": 11, "rules": 1},
        "errors": {},
    }


@pytest.mark.parametrize(
    "pattern",
    [
        *("scored/*", "gated/*", "errors/score/*", "clusters/*", "passages/*", "report/*"),
        *("corpus/*/*", "rejected/*", "index/*", "documents/*"),
    ],
)
def test_a_flipped_bit_a_cut_and_a_missing_file_are_found_in_every_folder(
    sequences: Path, tmp_path: Path, pattern: str
) -> None:
    for number, damage in enumerate((flip, cut, remove)):
        output = Path(shutil.copytree(sequences, tmp_path / str(number)))
        path = one(output, pattern)
        size = path.stat().st_size
        damage(path)
        name, what, expected, found = lie(output)
        assert name == str(path.relative_to(output))
        assert (what, expected, found) == {
            flip: ("checksum", recorded(sequences, name)["checksum"], found),
            cut: ("bytes", str(size), str(size // 2)),
            remove: ("file", f"one of {size:,} bytes", "none"),
        }[damage]


def remove(path: Path) -> None:
    path.unlink()


def recorded(output: Path, name: str) -> dict[str, Any]:
    [file] = [
        file
        for manifest in (output / "manifests").glob("*.json")
        for shard in json.loads(manifest.read_text()).get("shards", [])
        for file in shard["files"]
        if file["path"] == name
    ]
    return dict(file)


def flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def test_a_flipped_bit_in_a_read_column_is_found_without_checksums(output: Path) -> None:
    path = one(output, "clusters/*")
    content = bytearray(path.read_bytes())
    content[100] ^= 1
    path.write_bytes(content)
    with pytest.raises(DiscrepancyError, match="CRC"):
        audit(str(output), threads=1, checksums=False)


@pytest.mark.parametrize(
    "folder", ["scored", "gated", "errors/score", "clusters", "corpus/bucket=512", "index"]
)
def test_a_file_that_no_record_names_is_found(output: Path, folder: str) -> None:
    (output / folder / "more.parquet").write_bytes(b"PAR1")
    name, what, expected, found = lie(output)
    assert (name, what, found) == (f"{folder}/more.parquet", "file", "one of 4 bytes")
    assert "does not name it" in expected


@pytest.mark.parametrize("stage", ["score", "dedup", "passages", "report", "select"])
def test_counts_of_a_manifest_that_its_records_do_not_bear_out_are_found(
    output: Path, stage: str
) -> None:
    path = output / "manifests" / f"{stage}.json"
    edit_json(path, lambda content: content["counters"].update({"in": 99}))
    name, what, _, found = lie(output)
    assert (name, what, found) == (f"manifests/{stage}.json", "counters in", "99")


def test_counts_that_do_not_add_up_are_found(output: Path) -> None:
    for path in ("score.json", f"score/{one(output, 'manifests/score/*').name}"):
        edit_json(
            output / "manifests" / path, lambda content: content["counters"].update({"in": 99})
        )
    name, what, expected, _ = lie(output)
    assert (what, expected) == ("in = out + gated + errors", "99 in")
    assert name.startswith("manifests/score/")


def test_a_record_that_is_gone_foreign_or_broken_is_found(whole: Path, tmp_path: Path) -> None:
    def gone(record: Path) -> None:
        record.unlink()

    def foreign(record: Path) -> None:
        edit_json(record, lambda content: content.update(name="other"))
        record.rename(record.with_name("other.json"))

    def broken(record: Path) -> None:
        record.write_text("{")

    for damage, told in (
        (gone, ("record", "a shard's record", "none")),
        (foreign, ("record", "none", "a shard that is not in the manifest")),
        (broken, ("content", "JSON", "JSONDecodeError: Expecting property name enclosed")),
    ):
        output = Path(shutil.copytree(whole, tmp_path / damage.__name__))
        damage(max((output / "manifests" / "dedup").iterdir()))
        _, what, expected, found = lie(output)
        if damage is not foreign:
            assert (what, expected) == told[:2]
        assert found.startswith(told[2][:20]) or damage is foreign


def test_a_manifest_that_is_gone_or_of_another_recipe_is_found(output: Path) -> None:
    path = output / "manifests" / "select.json"
    edit_json(path, lambda content: content["recipe"].update(name="other"))
    assert lie(output)[:2] == ("manifests/select.json", "recipe")
    path.unlink()
    assert lie(output)[:3] == ("manifests/select.json", "manifest of `select`", "a finished stage")


def test_a_selection_of_other_scores_is_found(output: Path) -> None:
    path = output / "manifests" / "select.json"
    edit_json(path, lambda content: content["made_of"].update(score="other"))
    name, what, _, found = lie(output)
    assert (name, found) == ("manifests/select.json", "other")
    assert what == "`score` that it was made of (else run `thresher select` again)"


def test_rows_that_are_gone_are_found_though_the_manifests_hide_it(output: Path) -> None:
    path = one(output, "scored/*")
    rows = pq.read_metadata(path).num_rows
    rewrite(output, path, lambda table: table.slice(1))
    name, what, expected, found = lie(output)
    assert name == str(path.relative_to(output))
    assert (what, expected, found) == ("rows (documents out)", str(rows), str(rows - 1))


@pytest.mark.parametrize(
    ("pattern", "change", "told"),
    [
        (
            "scored/*",
            lambda table: table.drop_columns(["length.tokens"]),
            ("expected length.tokens: int64", "found length."),
        ),
        (
            "corpus/*/*",
            lambda table: table.append_column("more", pa.array([1] * len(table))),
            ("expected none", "found more: int64"),
        ),
        (
            "rejected/*",
            lambda table: table.set_column(
                0,
                pa.field("id", pa.large_string(), nullable=False),
                table["id"].cast("large_string"),
            ),
            ("expected id: string not null", "found id: large_string not null"),
        ),
        (
            "clusters/*",
            lambda table: table.rename_columns(["id", *table.column_names[1:]]),
            ("expected document: string not null", "found id: string not null"),
        ),
    ],
    ids=["dropped", "added", "type", "renamed"],
)
def test_another_schema_is_found(
    output: Path,
    pattern: str,
    change: Callable[[pa.Table], pa.Table],
    told: tuple[str, str],
) -> None:
    path = one(output, pattern)
    rewrite(output, path, change)
    with pytest.raises(DiscrepancyError) as caught:
        audit(str(output), threads=2)
    assert caught.value.path == str(path)
    for part in told:
        assert part in str(caught.value)


def swapped(output: Path, source: str, target: str) -> str:
    """Put the id of a row of one file into another file of equal rows; return the id."""
    document = str(pq.ParquetFile(one(output, source)).read()["id"][0])
    rewrite(output, one(output, target), lambda table: with_value(table, "id", 0, document))
    return document


def test_a_document_in_both_corpus_and_rejected_is_named(output: Path) -> None:
    path = one(output, "rejected/*")
    document = swapped(output, "corpus/*/*", "rejected/*")
    before = [str(p.relative_to(output)) for p in output.glob("corpus/*/*")]
    # The document that it took the place of is lost: either is named, by the order of ids.
    lost = set(ids(output, "scored")) - set(ids(output, "corpus")) - set(ids(output, "rejected"))
    [missing] = lost
    _, what, expected, found = lie(output)
    assert expected == "scored once, and kept or rejected once"
    assert what == f"document {min(document, missing)}"
    if what == f"document {document}":
        assert str(path.relative_to(output)) in found
        assert any(corpus in found for corpus in before)


def ids(output: Path, folder: str) -> list[str]:
    return [
        name
        for path in sorted((output / folder).rglob("*.parquet"))
        for name in pq.ParquetFile(path).read(columns=["id"])["id"].to_pylist()
    ]


@pytest.mark.parametrize(
    ("pattern", "column", "value", "told"),
    [
        ("gated/*", "reason", "other", "gated by reason other"),
        ("clusters/*", "document", "0" * 32, "row "),
        ("clusters/*", "rank", 9, "cluster "),
        ("clusters/*", "reason", "same_url", "duplicates by reason near_duplicate"),
        ("clusters/*", "size", 9, "cluster "),
        ("clusters/*", "cluster", 7, "cluster "),
        ("passages/*", "id", "0" * 32, "document"),
        ("passages/*", "removed.passages", 99, "removed passages"),
        ("rejected/*", "reasons", ["in_earlier_corpus"], "rejected by reason "),
        ("corpus/*/*", "length.tokens", 2, "row 0, document "),
        ("corpus/*/*", "gopher.word_count", 2, "row 0, document "),
        ("index/*", "id", "0" * 32, "document " + "0" * 32),
        ("corpus/*/*", "id", "not an id", "content"),
    ],
)
def test_a_changed_value_is_found_though_the_manifests_hide_it(
    output: Path, pattern: str, column: str, value: object, told: str
) -> None:
    path = one(output, pattern)
    row = 0
    if pattern == "clusters/*":
        path, row = duplicate(output)
    rewrite(output, path, lambda table: with_value(table, column, row, value))
    name, what, _, _ = lie(output)
    assert what.startswith(told)
    # Of a cluster the first of its files is named.
    assert name.partition("/")[0] == path.relative_to(output).parts[0]


def duplicate(output: Path) -> tuple[Path, int]:
    """The file and the row of a near-duplicate."""
    return next(
        (path, row)
        for path in sorted((output / "clusters").iterdir())
        for row, reason in enumerate(pq.read_table(path)["reason"].to_pylist())
        if reason == "near_duplicate"
    )


@pytest.mark.parametrize(
    ("column", "value", "told"),
    [("cluster", 7, "cluster"), ("keep", False, "keep"), ("reason", "same_text", "reason")],
)
def test_a_keeper_that_is_none_is_found_though_the_manifests_hide_it(
    output: Path, column: str, value: object, told: str
) -> None:
    path = one(output, "clusters/*")
    row = pq.read_table(path)["keep"].to_pylist().index(True)
    rewrite(output, path, lambda table: with_value(table, column, row, value))
    assert lie(output)[:2] == (str(path.relative_to(output)), f"row {row}, {told}")


def test_an_id_that_is_there_twice_is_found_though_the_manifests_hide_it(output: Path) -> None:
    path = one(output, "scored/*")
    rewrite(output, path, lambda table: with_value(table, "id", 0, str(table["id"][1])))
    rows = pq.read_metadata(path).num_rows
    assert lie(output)[1:] == ("distinct ids", str(rows), str(rows - 1))


def test_a_changed_error_is_found_though_the_manifests_hide_it(output: Path) -> None:
    path = one(output, "errors/score/*")
    path.write_text(path.read_text().replace('"step": "read"', '"step": "other"'))
    record_again(output, path, rows=1)
    name, what, _, found = lie(output)
    assert name == str(path.relative_to(output))
    assert what.startswith("errors by reason other.")
    assert found == "1"


def test_a_sequence_of_another_document_is_found(sequences: Path, tmp_path: Path) -> None:
    output = Path(shutil.copytree(sequences, tmp_path / "out"))
    assert audit(str(output), threads=1)
    path = one(output, "corpus/*/*")
    rewrite(output, path, lambda table: with_value(table, "document", 0, "0" * 32))
    assert lie(output)[1:3] == (
        "document " + "0" * 32,
        "as many rows of the corpus as documents/ says",
    )


def test_the_command_says_it_in_a_line_with_exit_code_1(
    output: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    capsys.readouterr()
    assert main(["verify", f"{output}/", "--threads", "1"]) == 0
    assert "are as the manifests say" in capsys.readouterr().out
    path = one(output, "index/*")
    path.unlink()
    assert main(["verify", str(output)]) == 1
    size = recorded(output, str(path.relative_to(output)))["bytes"]
    assert capsys.readouterr().err == (
        f"thresher: {path}: file: expected one of {size:,} bytes, found none\n"
    )
    assert main(["verify", str(output), "--json"]) == 1
    assert json.loads(capsys.readouterr().out) == {
        "verified": False,
        "path": str(path),
        "what": "file",
        "expected": f"one of {size:,} bytes",
        "found": "none",
    }


def test_no_output_is_the_users_mistake(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["verify", str(tmp_path)]) == 2
    assert "no output of a run there; first: thresher run RECIPE" in capsys.readouterr().err


@given(
    st.lists(st.integers(0, 2**128 - 1), max_size=30),
    st.integers(0, 2**128 - 1),
    st.sampled_from([None, 1, -1]),
)
def test_the_ledger_names_the_one_id_that_is_not_on_both_sides(
    numbers: list[int], odd: int, weight: int | None
) -> None:
    def entries(path: str, of: list[int], weight: int) -> Entries:
        halves = np.array([divmod(n, 1 << 64) for n in of], np.uint64).reshape(-1, 2)
        weights = np.full(len(of), weight, np.int64)
        return Entries(path=path, read=lambda: iter([(halves, weights)]))

    files = [entries("owed", numbers, 1), entries("found", numbers[::-1], -1)]
    if weight is None:
        assert first_uneven(files, threads=1) is None
        return
    uneven = first_uneven([*files, entries("odd", [odd], weight)], threads=2)
    assert uneven is not None
    assert uneven.document == f"{odd:032x}"
    assert uneven.counts["odd"] == weight
