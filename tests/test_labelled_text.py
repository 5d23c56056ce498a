import gzip
import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from models.labelled_text import LabelledText, prepared, read_labelled, read_rows, whole_documents

ROWS = [{"text": 'Bad, "very" bad', "label": "1"}, {"text": "good", "label": "0"}]


def write(path: Path) -> Path:
    if path.suffix == ".parquet":
        pq.write_table(pa.Table.from_pylist(ROWS), path)
    elif ".jsonl" in path.name:
        content = "".join(json.dumps(row) + "\n" for row in ROWS).encode()
        path.write_bytes(gzip.compress(content) if path.suffix == ".gz" else content)
    else:
        mark = "\t" if path.suffix == ".tsv" else ","
        path.write_text(f'text{mark}label\n"Bad, ""very"" bad"{mark}1\ngood{mark}0\n')
    return path


@pytest.mark.parametrize("name", ["a.jsonl", "a.jsonl.gz", "a.csv", "a.tsv", "a.parquet"])
def test_every_format_gives_the_same_texts(tmp_path: Path, name: str) -> None:
    path = write(tmp_path / name)
    assert read_labelled(path, text="text", label="label", positive=["1"], source=None) == [
        LabelledText('Bad, "very" bad', positive=True, source=name),
        LabelledText("good", positive=False, source=name),
    ]


def test_what_can_not_be_read_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.parquet").write_text("no such thing")
    (tmp_path / "a.jsonl").write_text('{"text": ')
    for name in ("a.parquet", "a.jsonl", "missing.csv", "a.docx"):
        with pytest.raises(ValueError, match=r"can't be read|name it \.jsonl"):
            list(read_rows(tmp_path / name))


def test_a_column_that_is_not_there_is_named(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv")
    with pytest.raises(ValueError, match="no column `toxic`; it has text, label"):
        read_labelled(path, text="text", label="toxic", positive=["1"], source=None)


def test_words_of_a_model_and_documents_of_sentences() -> None:
    sentences = [
        LabelledText("Don't  GO!", positive=False, source="s", document="1"),
        LabelledText("我爱北京大学", positive=True, source="s", document="1"),
        LabelledText(" \n", positive=False, source="s"),
    ]
    assert prepared(sentences) == [
        LabelledText("do n't go !", positive=False, source="s", document="1"),
        LabelledText("我 爱 北京 大学", positive=True, source="s", document="1"),
    ]
    assert whole_documents(sentences) == [
        LabelledText("Don't  GO!\n我爱北京大学", positive=True, source="s", document="1")
    ]
