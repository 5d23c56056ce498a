"""The published labelled texts that the shipped models are trained and evaluated on.

Each function reads one source from a folder of real data (``DATA`` of the Makefile) and yields its
texts in the order of the files. Nothing of them comes along with thresher.
"""

import csv
import gzip
import html
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from models.labelled_text import LabelledText

_ADDRESS = re.compile(r"https?://\S+|www\.\S+")
_MENTION = re.compile(r"@\w+:?")
_RETWEET = re.compile(r"\bRT\b")


def harmful_english(data: Path) -> list[LabelledText]:
    """Return the English texts with a label for harm: four sources, by sentence or comment."""
    return [
        *_davidson(data / "toxic/davidson_tweets_en/labeled_data.csv.gz"),
        *_paradetox(data / "toxic/paradetox_en/paradetox.tsv.gz"),
        *_stormfront(data / "toxic/stormfront_en/stormfront_sentences.tsv.gz"),
        *_wikipedia_comments(data / "toxic/conversationai/toxicity_nonfuzzed_testset.csv.gz"),
    ]


def general_english(data: Path) -> list[LabelledText]:
    """Return general English sentences: Wikipedia, news and European web pages (Leipzig).

    Leipzig keeps no documents: two sentences in a row, as long as a post of Stormfront, count as
    one.
    """
    return [
        LabelledText(text=sentence, positive=False, source=name, document=str(number // 2))
        for name in ("eng_wikipedia_2016", "eng_news-typical_2016", "eng-eu_web_2015")
        for number, sentence in enumerate(
            _leipzig(data / f"quality/leipzig_10k/{name}_10K-sentences.txt.gz")
        )
    ]


def _davidson(path: Path) -> Iterator[LabelledText]:
    for row in _table(path):
        text = _RETWEET.sub(" ", _MENTION.sub(" ", html.unescape(row["tweet"])))
        yield LabelledText(
            text=_ADDRESS.sub(" ", text).strip("! \"'\n"),
            positive=row["class"] in ("0", "1"),
            source="davidson",
        )


def _paradetox(path: Path) -> Iterator[LabelledText]:
    for row in _table(path, delimiter="\t", quoting=csv.QUOTE_NONE):
        yield LabelledText(text=row["toxic"], positive=True, source="paradetox")
        if row["neutral1"]:
            yield LabelledText(text=row["neutral1"], positive=False, source="paradetox")


def _stormfront(path: Path) -> Iterator[LabelledText]:
    for row in _table(path, delimiter="\t", quoting=csv.QUOTE_NONE):
        if row["label"] in ("hate", "noHate"):
            yield LabelledText(
                text=row["text"],
                positive=row["label"] == "hate",
                source="stormfront",
                document=row["file_id"].rpartition("_")[0],
            )


def _wikipedia_comments(path: Path) -> Iterator[LabelledText]:
    for row in _table(path):
        yield LabelledText(
            text=row["comment"].strip(),
            positive=row["toxic"] == "True",
            source="wikipedia_comments",
        )


def _table(
    path: Path, *, delimiter: str = ",", quoting: Literal[0, 3] = csv.QUOTE_MINIMAL
) -> Iterator[dict[str, str]]:
    with gzip.open(path, "rt", encoding="utf-8-sig", newline="") as file:
        yield from csv.DictReader(file, delimiter=delimiter, quoting=quoting)


def _leipzig(path: Path) -> Iterator[str]:
    with gzip.open(path, "rt", encoding="utf-8") as file:
        for line in file:
            yield line.rstrip("\n").partition("\t")[2]
