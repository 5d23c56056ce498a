"""The sample from dumps to training sequences, by the command line, and with what people read."""

import json
import re
from pathlib import Path

import duckdb
import polars
import pyarrow.parquet as pq
import pytest
from datasets import load_dataset

from pipelines.cli import main
from training.reader import SequenceReader


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    output = tmp_path_factory.mktemp("decompose")
    settings = (f"output={output}", "buckets.decompose={}", "buckets.largest=1024")
    overrides = [word for setting in settings for word in ("--set", setting)]
    assert main(["run", "configs/quickstart.yaml", "--workers", "1", *overrides]) == 0
    return output


def test_the_sequences_open_with_what_people_use(finished: Path, tmp_path: Path) -> None:
    figures = json.loads((finished / "manifests/select.json").read_text())["figures"]
    sequences = {int(bucket): count for bucket, count in figures["bucket_documents"].items()}
    assert set(sequences) == {256, 512, 1024}
    query = (
        f"SELECT bucket, count(*), min(len(input_ids)), max(len(input_ids))"
        f" FROM '{finished}/corpus/**/*.parquet' GROUP BY 1 ORDER BY 1"
    )
    expected = [(bucket, count, bucket, bucket) for bucket, count in sorted(sequences.items())]
    assert duckdb.execute(query).fetchall() == expected
    for bucket, count in sequences.items():
        folder = finished / f"corpus/bucket={bucket}"
        frame = polars.read_parquet(folder / "*.parquet")
        assert frame.schema["input_ids"] == polars.Array(polars.UInt16, bucket)
        arrow = pq.ParquetFile(next(folder.iterdir())).read()
        assert frame["input_ids"].to_list() == arrow["input_ids"].to_pylist()
        loaded = load_dataset(
            str(finished), f"bucket_{bucket}", cache_dir=str(tmp_path), split="train"
        )
        assert loaded.num_rows == count
        assert loaded[0]["input_ids"] == frame["input_ids"][0].to_list()


def test_every_sequence_leads_to_its_document_and_signals(finished: Path) -> None:
    query = (
        f'SELECT count(*), count(d.url), min(d."gopher.word_count")'
        f" FROM '{finished}/corpus/**/*.parquet' s LEFT JOIN '{finished}/documents/*.parquet' d"
        f" ON d.id = s.document"
    )
    found = duckdb.execute(query).fetchone()
    assert found is not None
    sequences, with_document, fewest_words = found
    assert sequences == with_document > 50
    assert fewest_words >= 50


def test_the_manifest_names_the_tokenizer_and_what_was_dropped(finished: Path) -> None:
    manifest = json.loads((finished / "manifests/select.json").read_text())
    tokenizer = manifest["tokenizer"]
    assert len(tokenizer.pop("sha256")) == 64
    assert tokenizer.pop("path").endswith("models/data/tokenizer.json")
    assert tokenizer == {
        "smallest": 256,
        "largest": 1024,
        "long_documents": "random",
        "shortest_remainder": None,
        "target_token": False,
        "seed": 0,
        "end_of_text": 0,
        "vocabulary": 24_576,
    }
    kept = manifest["counters"]["out"]
    documents = pq.ParquetDataset(finished / "documents").read()
    assert documents.num_rows == kept == 92
    in_sequences = sum(manifest["figures"]["bucket_tokens"].values())
    tokens = sum(documents["length.tokens"].to_pylist()) + kept
    assert manifest["figures"]["dropped"]["tokens"] == tokens - in_sequences
    assert f"{in_sequences:,} tokens" in (finished / "README.md").read_text()


def test_training_reads_it_and_a_rerun_has_nothing_to_do(
    finished: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    reader = SequenceReader(str(finished / "corpus"), tokens_per_step=1024, drop_last=False)
    figures = json.loads((finished / "manifests/select.json").read_text())["figures"]
    tokens = sum(batch.input_ids.size for batch in reader)
    assert tokens == sum(figures["bucket_tokens"].values())
    settings = (f"output={finished}", "buckets.decompose={}", "buckets.largest=1024")
    overrides = [word for setting in settings for word in ("--set", setting)]
    assert main(["run", "configs/quickstart.yaml", *overrides]) == 0
    assert "nothing to do" in capsys.readouterr().out


def test_the_example_of_the_documentation_reads_it(
    finished: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    page = Path("docs/length-buckets.md").read_text(encoding="utf-8")
    example, *_ = re.findall(r"^```python\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    exec(example.replace("out/sequences", str(finished)), {})
    figures = json.loads((finished / "manifests/select.json").read_text())["figures"]
    steps = sum(tokens // 2**13 for tokens in figures["bucket_tokens"].values())
    assert len(capsys.readouterr().out.splitlines()) == steps > 0
