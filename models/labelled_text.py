"""Texts with a label, from any JSONL, CSV, TSV or Parquet file."""

import csv
import gzip
import json
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from filters.text_view import TextView

_UNREADABLE = (
    *(OSError, EOFError, UnicodeDecodeError, json.JSONDecodeError, csv.Error),
    pa.ArrowInvalid,
)


@dataclass(frozen=True, slots=True)
class LabelledText:
    """A text, whether it is of the positive class, and where it comes from.

    An evaluation is honest only across sources, so every text names its own.

    Attributes:
        text: The text.
        positive: Whether it is of the class that the model is to find.
        source: The corpus that it comes from.
        document: The document of that corpus that it is a part of, None if it is one itself.
    """

    text: str
    positive: bool
    source: str
    document: str | None = None


def whole_documents(texts: Iterable[LabelledText]) -> list[LabelledText]:
    """Join the texts of each document; it is of the positive class if one of them is."""
    parts: dict[tuple[str, str], list[LabelledText]] = defaultdict(list)
    for text in texts:
        if text.document is not None:
            parts[text.source, text.document].append(text)
    return [
        LabelledText(
            text="\n".join(part.text for part in of_one),
            positive=any(part.positive for part in of_one),
            source=source,
            document=document,
        )
        for (source, document), of_one in parts.items()
    ]


def model_text(view: TextView) -> str:
    r"""Return what a model of words sees of a text: its words in lower case, between spaces.

    Training and scoring take the same words; those of Chinese, Japanese, Thai and their like are
    found by ICU.

    >>> model_text(TextView("Don't\n panic!  北京大学"))
    "do n't panic ! 北京 大学"
    """
    return " ".join(view.words).lower().encode("utf-8", "replace").decode()


def training_text(text: str) -> str:
    """Return :func:`model_text` of a text that has no view yet."""
    return model_text(TextView(text))


def prepared(texts: Iterable[LabelledText]) -> list[LabelledText]:
    """Return the texts as the models see them, without those that have no word."""
    return [
        LabelledText(words, text.positive, text.source, text.document)
        for text in texts
        if (words := training_text(text.text))
    ]


def read_rows(path: Path) -> Iterator[dict[str, Any]]:
    """Yield the rows of a JSONL, CSV, TSV (all plain or gzip) or Parquet file.

    Raises:
        ValueError: the file's name says none of these, or its content is something else.
    """
    kind = next((suffix for suffix in reversed(path.suffixes) if suffix != ".gz"), "")
    try:
        if kind == ".parquet":
            for batch in pq.ParquetFile(path).iter_batches():
                yield from batch.to_pylist()
        elif kind in (".jsonl", ".json", ".ndjson"):
            with _open(path) as file:
                yield from (json.loads(line) for line in file if line.strip())
        elif kind in (".csv", ".tsv"):
            with _open(path) as file:
                # No field of text is too long.
                csv.field_size_limit(1 << 30)
                yield from csv.DictReader(file, delimiter="," if kind == ".csv" else "\t")
        else:
            raise ValueError("name it .jsonl, .csv, .tsv or .parquet, so that it can be read")
    except _UNREADABLE as error:
        raise ValueError(f"can't be read: {error}") from None


def _open(path: Path) -> Any:
    if path.suffix == ".gz":
        return gzip.open(path, "rt", encoding="utf-8-sig", newline="")
    return path.open(encoding="utf-8-sig", newline="")


def read_labelled(
    path: Path, *, text: str, label: str, positive: Iterable[str], source: str | None
) -> list[LabelledText]:
    """Read the labelled texts of one file.

    Args:
        path: A file that :func:`read_rows` reads.
        text: The column of the text.
        label: The column of the label.
        positive: The labels of the positive class; every other one is of the negative class.
        source: The column that says where a text comes from; by default the name of the file does.

    Raises:
        ValueError: the file can't be read or lacks a column.
    """
    labels = frozenset(positive)
    found = []
    for row in read_rows(path):
        for column in filter(None, (text, label, source)):
            if column not in row:
                raise ValueError(f"no column `{column}`; it has {', '.join(map(str, row))}")
        if row[text]:
            origin = path.name if source is None else str(row[source])
            found.append(LabelledText(str(row[text]), str(row[label]) in labels, origin))
    return found
