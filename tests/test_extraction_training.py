"""Training the choice of an article's blocks, on pages made up here."""

import json
import random
from pathlib import Path
from typing import Any

import lightgbm
import numpy as np
import pytest

from filters.block_features import block_features
from models import extraction_training
from models.extraction_gold import (
    ExtractionAccuracy,
    GoldPage,
    extraction_accuracy,
    read_gold,
)
from models.extraction_training import cross_validate, label, train_blocks

NOUNS = ["river", "bridge", "baker", "street", "council", "winter", "market", "garden"]
VERBS = ["rose over", "stood by", "went to", "asked for", "looked at", "paid for"]
FURNITURE = ["Share this", "Read more stories", "Subscribe to our newsletter", "Leave a comment"]


def page(number: int) -> GoldPage:
    chance = random.Random(number)
    story = [
        " ".join(
            f"The {chance.choice(NOUNS)}{number} {chance.choice(VERBS)} the"
            f" {chance.choice(NOUNS)}{number} that day,"
            for _ in range(3)
        )
        + " and that was all."
        for _ in range(6)
    ]
    furniture = [f'<p><a href="/{n}">{text}</a> now</p>' for n, text in enumerate(FURNITURE)]
    html = f"<title>Day {number}</title><article>{''.join(f'<p>{p}</p>' for p in story)}"
    return GoldPage(
        source="newspaper3k",
        name=f"site{chr(97 + number % 20)}{number}",
        html=html + "".join(chance.sample(furniture, 3)) + "</article>",
        text="\n\n".join(story),
    )


@pytest.fixture(scope="module")
def pages() -> list[extraction_training.LabelledPage]:
    return [label(page(number)) for number in range(40)]


def test_blocks_are_labelled_by_the_gold(pages: list[extraction_training.LabelledPage]) -> None:
    first = pages[0]
    assert first.labels.tolist() == [True] * 6 + [False] * 3
    assert first.title == "Day 0"
    assert first.weights[0] > 3 * first.weights[-1]
    assert [text for text, good in first.texts if good] == [b.text for b in first.blocks[:6]]


def test_short_blocks_are_the_gold_s_only_as_lines_or_three_words_in_a_row() -> None:
    html = (
        "<article><h2>Tea</h2><p>Tea is a drink that many like.</p><p>a drink that</p><p>many</p>"
    )
    gold = GoldPage(source="s", name="n", html=html, text="Tea\nTea is a drink that many like.")
    assert label(gold).labels.tolist() == [True, True, True, False]


def test_the_same_pages_give_the_same_bytes_and_the_choice_is_learnt(
    pages: list[extraction_training.LabelledPage], tmp_path: Path
) -> None:
    model = train_blocks(pages, tmp_path / "one.json")
    train_blocks(pages, tmp_path / "two.json")
    assert (tmp_path / "one.json").read_bytes() == (tmp_path / "two.json").read_bytes()
    for unseen in map(label, map(page, range(40, 50))):
        chosen = model.choose(unseen.blocks, title=unseen.title)
        assert chosen == unseen.labels.tolist()
    found = {source: after.f1 for source, _, after in cross_validate(pages, tmp_path / "part.json")}
    assert found == {"newspaper3k": 1.0, "all": 1.0}


def test_the_written_trees_answer_as_lightgbm_s(
    pages: list[extraction_training.LabelledPage], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    boosters = []
    train = lightgbm.train

    def keep(*arguments: Any) -> Any:
        boosters.append(train(*arguments))
        return boosters[-1]

    monkeypatch.setattr(lightgbm, "train", keep)
    model = train_blocks(pages, tmp_path / "model.json")
    blocks = [block for labelled in pages for block in labelled.blocks]
    rows = block_features(blocks, title="", word_weights=model.word_weights)
    expected: Any = boosters[0].predict(rows, raw_score=True)
    found: Any = model.log_odds(blocks, title="")
    np.testing.assert_allclose(found, expected, atol=1e-3)


def test_too_few_sites_are_told(
    pages: list[extraction_training.LabelledPage], tmp_path: Path
) -> None:
    with pytest.raises(ValueError, match="1 sites; at least 4 are needed"):
        train_blocks(pages[:1], tmp_path / "model.json")


def test_pages_of_the_benchmark_and_pages_without_sound_gold_are_left_out(tmp_path: Path) -> None:
    benchmark = tmp_path / "html_gold" / "scrapinghub_aeb"
    (benchmark / "html").mkdir(parents=True)
    (benchmark / "html" / "0.html").write_text(page(0).html)
    truth = {"0": {"articleBody": page(0).text, "url": ""}}
    (benchmark / "ground-truth.json").write_text(json.dumps(truth))
    for source, texts in (("newspaper3k", "text"), ("newspaper4k", "txt")):
        for kind in ("html", texts):
            (tmp_path / "html_gold" / source / kind).mkdir(parents=True)
    for source in ("mozilla_readability", "python_goose"):
        (tmp_path / "html_gold" / source).mkdir()
    folder = tmp_path / "html_gold" / "newspaper3k"
    short, elsewhere = "The river rose over the bridge.", "Of quite another thing it tells. " * 20
    golds = {0: page(0).text, 1: page(1).text, 2: short, 3: elsewhere}
    for number, gold in golds.items():
        (folder / "html" / f"s{number}.html").write_text(page(number).html)
        (folder / "text" / f"s{number}.txt").write_text(gold)
    assert [p.page.name for p in extraction_training.read_training_pages(tmp_path)] == ["s1"]
    assert [p.name for p in read_gold(tmp_path, "newspaper3k")] == ["s0", "s1", "s2", "s3"]


def test_a_missing_set_is_told_by_its_folder(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"no such gold set.*newspaper3k"):
        read_gold(tmp_path, "newspaper3k")


def test_accuracy_is_measured_as_the_benchmark_does() -> None:
    pairs = [("a b c d e", "a b c d"), ("a b c d", ""), ("", "x"), ("p q", "p q")]
    accuracy = extraction_accuracy(pairs)
    assert accuracy == ExtractionAccuracy(precision=2 / 3, recall=1 / 2)
    assert extraction_accuracy([("", "")]).f1 == 0.0
