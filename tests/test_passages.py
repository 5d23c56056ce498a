import random
from pathlib import Path
from typing import Any

import apache_beam as beam
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rapidfuzz.distance import Indel

from filters.passages import (
    Unit,
    cut,
    near_duplicate_paragraphs,
    normalized_passage,
    passages,
)
from pipelines.manifest import StageRecords
from pipelines.passages import RemovePassages, totals
from pipelines.recipe import Passages
from pipelines.runners import new_pipeline, pipeline_options
from tests.scored_corpus import Document, prose, write_scored

TEXT = st.text("ab 1.\n!東。😀", max_size=80)
UNITS: list[Unit] = ["line", "paragraph", "sentences"]


@pytest.mark.parametrize("unit", UNITS)
@given(text=TEXT)
def test_passages_are_in_their_order_and_hold_words(unit: Unit, text: str) -> None:
    found = passages(text, unit=unit, sentences=2)
    spans = list(zip(found.starts.tolist(), found.ends.tolist(), strict=True))
    assert spans == sorted(spans)
    assert all(normalized_passage(text[start:end]) for start, end in spans)
    if unit == "line":
        assert [text[start:end] for start, end in spans] == [
            line for line in text.split("\n") if normalized_passage(line)
        ]


def test_units() -> None:
    text = "One 😀. Two!\nThree?\n\nFour. Five."
    told = {
        unit: [text[s:e] for s, e in zip(found.starts, found.ends, strict=True)]
        for unit in UNITS
        for found in [passages(text, unit=unit, sentences=3)]
    }
    assert told == {
        "line": ["One 😀. Two!", "Three?", "Four. Five."],
        "paragraph": ["One 😀. Two!\nThree?", "Four. Five."],
        "sentences": [
            "One 😀. Two!\nThree?\n",
            "Two!\nThree?\n\nFour. ",
            "Three?\n\nFour. Five.",
        ],
    }
    assert passages("Short. Text.", unit="sentences").hashes.size == 0
    assert passages("Menu\nA long line", unit="line", shortest=5).starts.tolist() == [5]


def test_case_punctuation_and_digits_do_not_part_copies() -> None:
    hashes = passages("Page 12 of 30\nPAGE 31 - of: 45\nPage 1 of 30", unit="line").hashes
    assert hashes[0] == hashes[1] != hashes[2]


@given(text=TEXT, spans=st.lists(st.tuples(st.integers(0, 80), st.integers(0, 80)), max_size=5))
def test_cutting_takes_each_character_once(text: str, spans: list[tuple[int, int]]) -> None:
    inside = [(min(s, len(text)), min(max(s, e), len(text))) for s, e in spans]
    covered = {place for start, end in inside for place in range(start, end)}
    kept, removed = cut(text, inside)
    assert removed == len(covered)
    if covered:
        left = [character for place, character in enumerate(text) if place not in covered]
        assert "".join(kept.split()) == "".join("".join(left).split())
    else:
        assert kept == text


def test_near_duplicate_paragraphs_are_those_of_comparing_all_pairs() -> None:
    generator = random.Random(1)
    originals = [prose(number, 30) for number in range(30)]
    paragraphs = []
    for original in originals:
        paragraphs.append(original)
        edited = list(original)
        for _ in range(generator.choice([2, 3, 60])):
            edited[generator.randrange(len(edited))] = "x"
        paragraphs.append("".join(edited))
    generator.shuffle(paragraphs)
    text = "\n\n".join(paragraphs)
    found = [text[start:end] for start, end in near_duplicate_paragraphs(text)]
    expected = [
        paragraph
        for place, paragraph in enumerate(paragraphs)
        if any(Indel.normalized_similarity(paragraph, one) >= 0.95 for one in paragraphs[:place])
    ]
    assert 10 < len(expected) < 30
    assert found == expected


def test_no_paragraphs_are_no_duplicates() -> None:
    assert near_duplicate_paragraphs("") == near_duplicate_paragraphs("\n \n\n .") == []


def cleaned(output: Path, files: dict[str, list[Document]], **settings: Any) -> dict[str, Any]:
    """Run the stage; return the text and what was removed by document, and the totals."""
    scored = write_scored(output, files)
    options = pipeline_options(runner="local", workers=1, flags=[], total_bytes=0)
    with new_pipeline(options) as pipeline:
        step = RemovePassages(output=str(output), settings=Passages(**settings), fingerprint="f")
        _ = pipeline | beam.Create(scored) | step
    found: dict[str, Any] = {}
    for file in scored:
        for row in pq.read_table(file.path(str(output), "passages")).to_pylist():
            counts = [row[f"removed.{name}"] for name in ("passages", "characters")]
            found[row["record_id"]] = (row["text"], *counts)
    shards = StageRecords(str(output), "passages").all_shards()
    found["total"] = totals(shards)["removed"]
    for shard in shards:
        assert shard.counters.balanced
    return found


MENU = "Home | News"
PAGES = [
    Document(name="good", text=f"{MENU}\nThe first story.", quality=0.9),
    Document(name="bad", text=f"{MENU}\nThe second story.\nhome news", quality=0.1),
    Document(name="only menu", text=MENU, quality=0.2),
]


def test_a_line_stays_in_the_best_document_alone(tmp_path: Path) -> None:
    assert cleaned(tmp_path, {"one": PAGES}) == {
        "good": (f"{MENU}\nThe first story.", 0, 0),
        "bad": ("The second story.", 2, 20),
        "total": {"passages": 3, "characters": 31, "near_paragraphs": 0, "near_characters": 0},
    }


def test_every_copy_goes_where_none_is_to_stay(tmp_path: Path) -> None:
    found = cleaned(tmp_path, {"one": PAGES}, keep="none")
    assert found["good"] == ("The first story.", 1, 11)
    assert found["total"]["passages"] == 4


@pytest.mark.parametrize(("seed", "files", "partitions"), [(1, 1, 1), (2, 3, 5)])
def test_what_goes_does_not_depend_on_files_order_or_partitions(
    tmp_path: Path, seed: int, files: int, partitions: int
) -> None:
    sentences = [f"{prose(number, 6).upper()}." for number in range(12)]
    documents = [
        Document(name=f"d{n}", text=" ".join(random.Random(n).sample(sentences[:4], 4)))
        for n in range(8)
    ]
    documents += [Document(name=f"e{n}", text=" ".join(sentences[n : n + 5])) for n in range(7)]
    settings: dict[str, Any] = {"unit": "sentences", "sentences": 2, "prefer": []}
    once = cleaned(tmp_path / "once", {"all": documents}, **settings)
    assert once["total"]["passages"] > 5
    shuffled = documents.copy()
    random.Random(seed).shuffle(shuffled)
    dealt = {f"part{number}": shuffled[number::files] for number in range(files)}
    again = cleaned(tmp_path / "again", dealt, partitions=partitions, **settings)
    assert again == once


def test_near_duplicate_paragraphs_of_one_document_go(tmp_path: Path) -> None:
    paragraph = prose(1, 20)
    text = f"{paragraph}\n\n{prose(2, 20)}\n\n{paragraph}x"
    found = cleaned(tmp_path, {"one": [Document(name="a", text=text)]}, near_paragraphs=0.95)
    assert found["a"][0] == f"{paragraph}\n\n{prose(2, 20)}"
    assert found["total"]["near_paragraphs"] == 1
