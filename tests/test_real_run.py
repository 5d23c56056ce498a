"""The recipes over all real archives and books: nothing crashes and everything is accounted for."""

import json
from collections import Counter
from pathlib import Path

import duckdb
import polars
import pyarrow.dataset as ds
import pytest
from datasets import load_dataset

from pipelines.cli import main
from pipelines.counters import Counters

INPUTS = {
    "commoncrawl": ["warc/**.warc*", "warc/**.arc*", "warc/**.wacz"],
    "gutenberg": ["gutenberg", "dedup/pg_editions/books"],
    "evalweb-zh": ["warc/built_from_gold_html/**.warc.gz"],
    "moscar": ["warc/built_from_gold_html/**.warc.gz"],
}
# Candidates, scored documents and errors; a change of a reader shows here.
EXPECTED = {
    "commoncrawl": (1_569, 567, 57),
    "gutenberg": (300, 245, 0),
    "evalweb-zh": (200, 3, 0),
    "moscar": (200, 188, 0),
}


def expect_readable(output: Path, cache: Path) -> None:
    """Expect that whatever people read a corpus with finds the rows that the manifest tells of."""
    manifest = json.loads((output / "manifests/select.json").read_text())
    expected = {int(name): rows for name, rows in manifest["figures"]["bucket_documents"].items()}
    query = f"SELECT bucket, count(*) FROM '{output}/corpus/**/*.parquet' GROUP BY 1"
    assert dict(duckdb.execute(query).fetchall()) == expected
    for bucket, rows in expected.items():
        frame = polars.scan_parquet(output / f"corpus/bucket={bucket}/*.parquet")
        assert frame.select(polars.len()).collect().item() == rows
        loaded = load_dataset(str(output), f"bucket_{bucket}", cache_dir=str(cache), split="train")
        assert loaded.num_rows == rows


@pytest.mark.real_data
@pytest.mark.parametrize("recipe", INPUTS)
def test_a_recipe_over_the_real_data(recipe: str, real_data: Path, tmp_path: Path) -> None:
    paths = json.dumps([str(real_data / pattern) for pattern in INPUTS[recipe]])
    settings = ["--set", f"output={tmp_path}", "--set", f"input.0.paths={paths}"]
    assert main(["run", f"configs/{recipe}.yaml", *settings]) == 0
    counters = {}
    for stage in ("score", "dedup", "report", "select"):
        manifest = json.loads((tmp_path / "manifests" / f"{stage}.json").read_text())
        counters[stage] = Counters.from_json(manifest["counters"])
        assert counters[stage].balanced
    score = counters["score"]
    assert (score.read, score.written, score.errors.total()) == EXPECTED[recipe]
    assert counters["dedup"].read == counters["select"].read == score.written
    for folder, expected in (
        ("scored", score.written),
        ("gated", score.gated.total()),
        ("clusters", score.written),
        ("corpus", counters["select"].written),
        ("rejected", counters["select"].gated.total()),
    ):
        assert ds.dataset(tmp_path / folder).count_rows() == expected
    lines = [
        line
        for path in (tmp_path / "errors/score").glob("*.jsonl")
        for line in path.read_text().splitlines()
    ]
    assert len(lines) == score.errors.total()
    if recipe == "gutenberg":
        expect_readable(tmp_path, tmp_path / "cache")


@pytest.mark.real_data
def test_sequences_of_real_pages_and_books(
    real_data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    inputs = ("warc/built_from_gold_html/*.wet.gz", "gutenberg/c-w_raw_vs_clean/raw-texts")
    settings = [f"output={tmp_path}"]
    settings += [f'input.{n}.paths=["{real_data / name}"]' for n, name in enumerate(inputs)]
    overrides = [word for setting in settings for word in ("--set", setting)]
    assert main(["run", "configs/decompose.yaml", *overrides]) == 0
    expect_readable(tmp_path, tmp_path / "cache")
    found = duckdb.execute(
        "SELECT max(length(s.input_ids)), sum(length(s.input_ids)) = max(d.tokens)"
        f" FROM '{tmp_path}/corpus/**/*.parquet' s JOIN ("
        'SELECT id, "length.tokens" + 1 - dropped_tokens AS tokens'
        f" FROM '{tmp_path}/documents/*.parquet') d ON d.id = s.document GROUP BY s.document"
    ).fetchall()
    assert all(whole for _, whole in found)
    assert {longest for longest, _ in found} >= {256, 512, 1024, 8192}
    capsys.readouterr()
    assert main(["plan-curriculum", str(tmp_path / "corpus"), "--tokens-per-step", "2^14"]) == 0
    assert "all of its own document" in capsys.readouterr().out


@pytest.mark.real_data
def test_novels_give_windows_of_whole_chapters(real_data: Path, tmp_path: Path) -> None:
    books = [f"gutenberg/gutenbergbooks_{n}/{n}-0.txt" for n in (23950, 23962)]
    paths = json.dumps([str(real_data / book) for book in books])
    settings = ["--set", f"output={tmp_path}", "--set", f"input.0.paths={paths}"]
    assert main(["run", "configs/novels.yaml", *settings]) == 0
    rows = ds.dataset(tmp_path / "corpus", partitioning="hive").to_table().to_pylist()
    bands = {
        16384: (12_000, 18_000),
        32768: (26_000, 34_000),
        65536: (54_000, 66_000),
        131072: (112_000, 130_000),
    }
    counted = Counter((row["record_id"], row["bucket"]) for row in rows)
    assert set(counted) == {(f"PG{n}", band) for n in (23950, 23962) for band in bands}
    for row in rows:
        shortest, longest = bands[row["bucket"]]
        assert shortest <= row["window.tokens"] <= longest
        assert row["text"].lstrip().startswith("第")
        # Chapters of three or four thousand tokens and more.
        assert 1 <= row["window.chapters"] <= row["window.tokens"] / 2_000
