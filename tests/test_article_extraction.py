"""The choice of an article's blocks."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from resiliparse.parse.html import HTMLTree

from filters.article_extraction import (
    SHIPPED_MODEL,
    BlockModel,
    extract_article,
    read_model,
    shipped_model,
    tree_blocks,
    written,
)
from filters.block_features import FEATURES, block_features
from filters.extraction import extract_text
from filters.page_blocks import Block, BlockKind

STORY = [
    "The river rose by two metres in the night, and by morning the lower street was under water.",
    "“We carried what we could upstairs,” said the baker, who has lived there for thirty years.",
    "The town council met at noon. It will pay for pumps, and asks that nobody cross the bridge.",
    "No one was hurt, the fire brigade said, though two cars and a boat were lost to the flood.",
    "The water works have asked the people of the lower town to boil what they drink until Friday.",
    "It is the third flood in ten years, and the highest since 1954, the weather service said.",
    "Schools stay closed until the end of the week; the market moves to the square by the station.",
    "“We will build the wall now,” the mayor said. “We have talked about it for long enough.”",
]
BEFORE = """<h1>River floods the lower street</h1><div>By Anna Miller</div><div>March 3, 2019</div>
<p><a href="/s1">Share this on Facebook</a> <a href="/s2">Tweet</a></p>"""
AFTER = """<h3>Related articles</h3><p><a href="/r">Ten bridges that you must see</a></p>
<p><a href="/r2">How to keep a cellar dry</a></p><div>Sign up for our newsletter</div>
<p>All rights reserved. This material may not be published, broadcast or rewritten.</p>"""
COMMENT = "I was there that night and I have never seen the water so high in all my years."
PAGE = (
    "<html><head><title>River floods the lower street - The Daily</title></head><body><article>"
    + BEFORE
    + "".join(f"<p>{paragraph}</p>" for paragraph in STORY)
    + AFTER
    + f'</article><div class="comments"><p>{COMMENT}</p></div></body></html>'
)


FURNITURE = {
    "River floods the lower street",
    "By Anna Miller",
    "March 3, 2019",
    "Share this on Facebook Tweet",
    "Ten bridges that you must see",
    "How to keep a cellar dry",
    "Sign up for our newsletter",
    "All rights reserved. This material may not be published, broadcast or rewritten.",
}


def test_the_story_stays_and_the_furniture_goes() -> None:
    assert set(extract_text(PAGE, extractor="resiliparse").text.split("\n")) > FURNITURE
    text, title = extract_article(PAGE, comments=False, model=shipped_model())
    lines = text.split("\n")
    assert [line for line in lines if line in STORY] == STORY
    assert FURNITURE.isdisjoint(lines)
    assert COMMENT not in lines
    assert title == "River floods the lower street - The Daily"


def test_comments_are_added_on_request_and_change_nothing_else() -> None:
    without, _ = extract_article(PAGE, comments=False, model=shipped_model())
    text, _ = extract_article(PAGE, comments=True, model=shipped_model())
    assert text == f"{without}\n\n{COMMENT}"


def test_a_page_that_is_no_article_stays_as_it_is() -> None:
    links = "".join(f'<li><a href="/{n}">Chapter {n} of the book</a></li>' for n in range(9))
    page = f"<body><main><h1>Contents</h1><div>Nine chapters</div><ul>{links}</ul></main></body>"
    blocks = tree_blocks(HTMLTree.parse(page))
    assert blocks
    none = replace(shipped_model(), least=1e9)
    assert none.choose(blocks, title="") == [True] * len(blocks)
    assert extract_article(page, comments=False, model=none)[0] == written(blocks)


def answer(model: BlockModel, row: Any) -> float:
    """Walk down each tree by itself."""
    total = 0.0
    for tree in range(model.feature.shape[1]):
        node = 0
        for _ in range(3):
            right = row[model.feature[node, tree]] > model.threshold[node, tree]
            node = 2 * node + 1 + int(right)
        total += float(model.value[node - 7, tree])
    return total


@given(
    st.lists(
        st.builds(
            lambda text, kind: Block(f"x{text}".strip(), kind, 0, 0, "", False),
            st.text("abc .,", max_size=300),
            st.sampled_from(BlockKind),
        ),
        min_size=1,
        max_size=6,
    )
)
def test_the_trees_answer_as_one_walked_down_them(blocks: list[Block]) -> None:
    model = shipped_model()
    rows = block_features(blocks, title="", word_weights=model.word_weights)
    expected = [answer(model, row) for row in rows]
    np.testing.assert_allclose(model.log_odds(blocks, title=""), expected, rtol=1e-4, atol=1e-4)


def test_a_page_of_very_many_blocks_is_scored_in_parts_alike() -> None:
    blocks = [
        Block(f"{n} words, and more.", BlockKind.PARAGRAPH, 0, 0, "", True) for n in range(3000)
    ]
    model = shipped_model()
    rows = block_features(blocks, title="", word_weights=model.word_weights)
    found = model.log_odds(blocks, title="")
    assert len(found) == 3000
    for index in (0, 1023, 1024, 2048, 2999):
        assert found[index] == pytest.approx(answer(model, rows[index]), abs=1e-3)


@pytest.mark.parametrize(
    ("html", "most"),
    [
        ("<div>" * 2_000 + "deep", 10),
        ("<ul><li>" * 300 + "deep", 2_000),
        ("<p><a href='/x'>" * 20_000 + "link", 10),
        ("<p>" + "word " * 200_000, 1_100_000),
    ],
    ids=["deep", "lists", "links", "long"],
)
def test_hostile_pages_come_to_an_end_and_to_no_more_text_than_they_hold(
    html: str, most: int
) -> None:
    text, _ = extract_article(html, comments=False, model=shipped_model())
    assert len(text) <= most


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"features": ["length"]}, "trained on other features; train it again"),
        ({"trees": None}, "no model of blocks"),
        ({"trees": {"feature": [[0]], "threshold": [[0]], "value": [[0]]}}, "trees are not whole"),
    ],
    ids=["features", "none", "parts"],
)
def test_a_file_that_is_no_model_is_refused(
    tmp_path: Path, change: dict[str, Any], message: str
) -> None:
    content = json.loads(SHIPPED_MODEL.read_text(encoding="utf-8")) | change
    path = tmp_path / "model.json"
    path.write_text(json.dumps(content), encoding="utf-8")
    with pytest.raises(ValueError, match=message):
        read_model(path)


def test_the_shipped_model_asks_for_the_features_that_there_are() -> None:
    model = shipped_model()
    assert model.feature.max() < len(FEATURES)
    assert model.feature.shape == model.threshold.shape == (7, model.value.shape[1])
