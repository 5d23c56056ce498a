import csv
import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import webdataset

from pipelines.cli import main
from pipelines.export import write_levels, write_web_dataset
from tests.decomposed_corpus import write_sequences


def write_books(corpus: Path) -> list[Path]:
    """Two shards of books, one number twice."""
    books = [
        (
            "a1",
            "PG11",
            "Alice was beginning. Alice!",
            "en",
            {"authors": "Carroll, Lewis, 1832-1898"},
        ),
        ("b2", "PG24264", "紅樓夢", "zh", {"title": "紅樓夢", "downloads": "7"}),
        ("c3", "PG84#2", "Part two.", "en", {"rights": "Public domain in the USA."}),
        ("d4", "PG11", "Alice again", "en", {}),
    ]
    paths = []
    for number, part in enumerate((books[:2], books[2:])):
        path = corpus / f"bucket=256/part-{number}.parquet"
        path.parent.mkdir(parents=True, exist_ok=True)
        columns = zip(*part, strict=True)
        names = ("id", "record_id", "text", "language.code", "metadata")
        table = dict(zip(names, map(list, columns), strict=True))
        table["metadata"] = [json.dumps(facts) for facts in table["metadata"]]
        pq.write_table(pa.table(table), path)
        paths.append(path)
    return paths


def test_levels_of_the_standardized_gutenberg_corpus(tmp_path: Path) -> None:
    assert write_levels(write_books(tmp_path / "corpus"), tmp_path / "spgc") == 4
    into = tmp_path / "spgc"
    names = ["PG11-a1", "PG11-d4", "PG24264", "PG84-2"]
    for level in ("text", "tokens", "counts"):
        found = sorted(path.name for path in (into / level).iterdir())
        assert found == [f"{name}_{level}.txt" for name in names]
    assert (into / "text/PG11-a1_text.txt").read_text() == "Alice was beginning. Alice!"
    assert (into / "tokens/PG11-a1_tokens.txt").read_text() == "alice\nwas\nbeginning\nalice\n"
    assert (into / "counts/PG11-a1_counts.txt").read_text() == "alice\t2\nbeginning\t1\nwas\t1\n"
    with (into / "metadata.csv").open(newline="") as file:
        rows = {row["id"]: row for row in csv.DictReader(file)}
    assert list(rows) == ["PG11-a1", "PG24264", "PG84-2", "PG11-d4"]
    assert rows["PG24264"] == {
        "id": "PG24264",
        "title": "紅樓夢",
        "author": "",
        "authoryearofbirth": "",
        "authoryearofdeath": "",
        "language": "zh",
        "downloads": "7",
        "subjects": "",
        "bookshelves": "",
        "rights": "",
        "type": "",
    }
    assert rows["PG11-a1"]["authoryearofdeath"] == "1898"
    assert rows["PG84-2"]["rights"] == "Public domain in the USA."


def test_hostile_names_and_cells_lose_nothing_and_lead_nowhere(tmp_path: Path) -> None:
    names = ["../../up", "/root", "..", "a/b", "a?b", "-1"]
    facts = json.dumps({"title": "=HYPERLINK(1)", "author": "@SUM(1)"})
    shard = tmp_path / "corpus/bucket=256/part.parquet"
    shard.parent.mkdir(parents=True)
    table = {
        "id": [f"{number:032}" for number in range(len(names))],
        "record_id": names,
        "text": [f"Text of {name}." for name in names],
        "metadata": [facts] * len(names),
    }
    pq.write_table(pa.table(table), shard)
    into = tmp_path / "into/spgc"
    assert write_levels([shard], into) == len(names)
    texts = {path.read_text() for path in (into / "text").iterdir()}
    assert texts == {f"Text of {name}." for name in names}
    written = {path for path in tmp_path.rglob("*") if path.is_file()} - {shard}
    assert all(into in path.parents for path in written)
    with (into / "metadata.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert {(row["title"], row["author"]) for row in rows} == {("'=HYPERLINK(1)", "'@SUM(1)")}
    assert all(row["id"][0] not in "=+-@" for row in rows)


def test_sequences_as_a_web_dataset(tmp_path: Path) -> None:
    write_sequences(tmp_path / "corpus", {256: 30, 512: 3})
    shards = sorted((tmp_path / "corpus").rglob("*.parquet"))
    assert write_web_dataset(shards, tmp_path / "tar", shard_bytes=5_000) == 33
    tars = sorted((tmp_path / "tar/bucket=256").glob("*.tar"))
    assert len(tars) > 1
    urls = [str(path) for path in tars]
    samples = list(webdataset.WebDataset(urls, shardshuffle=False).decode())
    assert [sample["json"] for sample in samples] == [
        {"document": f"256-{number}", "offset": number} for number in range(30)
    ]
    for number, sample in enumerate(samples):
        assert sample["input_ids.npy"].dtype == np.uint16
        assert sample["input_ids.npy"].tolist() == [number] * 256


def test_documents_as_a_web_dataset(tmp_path: Path) -> None:
    shards = write_books(tmp_path / "corpus")
    write_web_dataset(shards, tmp_path / "tar", shard_bytes=10**6)
    [tar] = (tmp_path / "tar").rglob("*.tar")
    samples = list(webdataset.WebDataset(str(tar), shardshuffle=False).decode())
    assert [sample["txt"] for sample in samples][1] == "紅樓夢"
    assert samples[0]["json"]["record_id"] == "PG11"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["nowhere", "--into", "new"], "nowhere: no corpus there; first: thresher run RECIPE"),
        (["run", "--into", "run"], "run (--into): is not empty; choose a new folder"),
        (["run", "--into", "new"], "holds no documents; export a corpus of whole documents"),
        (["run", "--into", "new", "--shard-bytes", "0"], "--shard-bytes must be 1 or more"),
    ],
)
def test_mistakes_are_told_in_a_line(
    words: list[str],
    message: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    write_sequences(Path("run/corpus"), {256: 2})
    assert main(["export", *words, "--format", "spgc"]) == 2
    assert message in capsys.readouterr().err
