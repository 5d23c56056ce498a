"""The features of a page's blocks."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from filters.block_features import FEATURES, block_features
from filters.page_blocks import Block, BlockKind

texts = st.text(min_size=1).map(lambda text: f"x{text}".strip())
blocks = st.builds(
    lambda text, kind, share, depth: Block(text, kind, int(share * len(text)), depth, "", False),
    texts,
    st.sampled_from(BlockKind),
    st.floats(0, 1),
    st.integers(0, 9),
)


def block(text: str, kind: BlockKind = BlockKind.PARAGRAPH, linked: int = 0) -> Block:
    return Block(text, kind, linked, 0, "", False)


def column(name: str, page: list[Block]) -> list[float]:
    found = block_features(page, title="Tea time", word_weights={"share": -1.5, "^share": -0.5})
    values: list[float] = found[:, FEATURES.index(name)].tolist()
    return values


PAGE = [
    block("Tea time", BlockKind.HEADING),
    block("It is said, and often, that tea is best when the water is hot. We tried it. It is."),
    block("Share this", linked=10),
]


def test_blocks_are_described_by_themselves_their_place_and_their_neighbours() -> None:
    assert column("characters", PAGE) == [8, 82, 10]
    assert column("link_share", PAGE) == [0, 0, 1]
    assert column("commas", PAGE) == [0, 2, 0]
    assert column("lexical", PAGE) == [0, 0, -2]
    assert column("title_words", PAGE)[0] > 0.3
    assert column("prose", PAGE) == [0, 1, 0]
    assert column("since_prose", PAGE) == [50, 0, 1]
    assert column("until_prose", PAGE) == [1, 0, 50]
    assert column("characters-1", PAGE) == [0, 8, 82]
    assert column("characters+2", PAGE) == [10, 0, 0]
    assert column("page_characters", PAGE) == [100, 100, 100]


def test_a_page_without_blocks_has_no_rows() -> None:
    assert block_features([], title="", word_weights={}).shape == (0, len(FEATURES))


@given(st.lists(blocks, min_size=1, max_size=20), st.text())
def test_every_feature_of_every_block_is_a_number(page: list[Block], title: str) -> None:
    found = block_features(page, title=title, word_weights={"x": 1.0})
    assert found.shape == (len(page), len(FEATURES))
    assert found.dtype == np.float32
    assert np.isfinite(found).all()


@given(st.lists(blocks, min_size=13, max_size=20))
def test_what_is_far_away_changes_only_what_is_said_of_the_page(page: list[Block]) -> None:
    whole_page = [name for name in FEATURES if name.startswith(("page_", "prose_", "share_"))]
    place = ["position", "from_start", "from_end", "since_prose", "until_prose", "since_heading"]
    near = [i for i, name in enumerate(FEATURES) if name not in (*whole_page, *place)]
    before = block_features(page, title="", word_weights={"x": 1.0})
    changed = [*page[:-1], block("Another end, share this!")]
    after = block_features(changed, title="", word_weights={"x": 1.0})
    np.testing.assert_allclose(before[:-6, near], after[:-6, near], rtol=1e-4, atol=1e-2)
