"""What tells an article's blocks from the furniture around them: the features of a page's blocks.

Each block is described by itself (length, links, punctuation, its words), by where it stands, and
by the blocks around it, as in boilerpipe (Kohlschütter et al. 2010, Boilerplate Detection using
Shallow Text Features) and Web2Text (Vogels et al. 2018).
"""

import re
from collections.abc import Mapping, Sequence
from itertools import repeat

import numpy as np
import numpy.typing as npt

from filters.page_blocks import Block, BlockKind

Matrix = npt.NDArray[np.float32]
Column = npt.NDArray[np.float32]

READ_CHARACTERS = 160
"""How much of a block its words are read from: the furniture's words stand at the start."""

_WORD = re.compile(r"[^\W\d_]+|\d+|[|»©@:…]")
_COUNTED_WORDS = 12
_NOTHING = repeat(0.0)
_FAR = 50.0
_NEAR = 2
_REACH = 5

_ENDS = {".": 4, "!": 4, "?": 4, "…": 4, "。": 4, "！": 4, "？": 4, "؟": 4, "।": 4, "։": 4}
_ENDS |= {
    '"': 3,
    "”": 3,
    "'": 3,
    "’": 3,
    "»": 3,
    "」": 3,
    "』": 3,
    "）": 2,
    ")": 2,
    ":": 1,
    "：": 1,
}

_OWN = (
    "kind", "depth", "characters", "words", "bytes_a_character", "characters_a_word",
    "link_share", "capitals", "end", "commas", "sentences", "title_words", "quotes", "lexical",
)  # fmt: skip
_AROUND = ("kind", "characters", "link_share", "capitals", "commas", "lexical")
_PLACE = (
    "position", "from_start", "from_end", "share_before", "since_prose", "until_prose",
    "prose_before", "prose_after", "prose", "near_characters", "far_characters", "near_links",
    "far_links", "near_prose", "far_prose", "near_lexical", "far_lexical", "since_heading",
    "page_characters", "page_blocks", "page_prose", "page_links", "page_paragraphs",
)  # fmt: skip

FEATURES: tuple[str, ...] = (
    *_OWN,
    *_PLACE,
    *(f"{name}{step:+d}" for step in (-2, -1, 1, 2) for name in _AROUND),
)
"""The names of the features, in the order of the matrix's columns."""


def block_words(text: str) -> list[str]:
    """Return the words of a block that its lexical score is made from.

    The first and the last word and the first two together count again: furniture begins and ends
    alike ("Read more", "Share this", "All rights reserved").

    >>> block_words("Share this: 12")
    ['share', 'this', ':', '12', '^share', '12$', 'share this']
    """
    words = _WORD.findall(text[:READ_CHARACTERS].lower())
    if words:
        words += ("^" + words[0], words[-1] + "$", " ".join(words[:2]))
    return words


def block_features(
    blocks: Sequence[Block], *, title: str, word_weights: Mapping[str, float]
) -> Matrix:
    """Return a row of features for each block of a page.

    Args:
        blocks: The blocks, in the order of the page.
        title: The page's title, whose words a headline repeats.
        word_weights: What each word says for (above 0) or against a block.

    Returns:
        Shape (blocks, ``len(FEATURES)``). Linear in the page's text.
    """
    if not blocks:
        return np.zeros((0, len(FEATURES)), np.float32)
    weight_of = word_weights.get
    title_words = frozenset(_WORD.findall(title.lower()))
    rows = []
    for text, kind, linked, depth, _, _ in blocks:
        length = len(text)
        words = text.split()
        seen = block_words(text)
        commas, sentences = text.count(","), text.count(". ") + text.count("? ")
        size = 1.0
        if not text.isascii():
            commas += text.count("，") + text.count("、") + text.count("،")
            sentences += text.count("。") + text.count("？") + text.count("؟")
            size = len(text.encode("utf-8", "replace")) / length
        counted = min(len(words), _COUNTED_WORDS)
        rows.append(
            (
                kind,
                depth,
                length,
                len(words),
                size,
                length / len(words),
                linked / length,
                sum([word[0].isupper() for word in words[:_COUNTED_WORDS]]) / counted,
                _ENDS.get(text[-1], 0),
                commas,
                sentences,
                len(title_words.intersection(seen)) / (len(seen) + 1),
                '"' in text or "“" in text,
                sum(map(weight_of, seen, _NOTHING)),
            )
        )
    own = np.array(rows, np.float32)
    columns = dict(zip(_OWN, own.T, strict=True))
    place = _place(columns)
    count = len(blocks)
    around = own[:, [_OWN.index(name) for name in _AROUND]]
    padded = np.zeros((count + 2 * _NEAR, len(_AROUND)), np.float32)
    padded[_NEAR : _NEAR + count] = around
    neighbours = [padded[_NEAR + step : _NEAR + step + count] for step in (-2, -1, 1, 2)]
    return np.concatenate([own, place, *neighbours], axis=1)


def _place(own: Mapping[str, Column]) -> Matrix:
    """Return the features of where blocks stand, and of what is around them."""
    count = len(own["kind"])
    index = np.arange(count, dtype=np.float32)
    lengths, links = own["characters"], own["link_share"] * own["characters"]
    # Prose: a line's worth of text, little of it links, that has sentences in it.
    prose = (
        (lengths * own["bytes_a_character"] > 80)
        & (own["link_share"] < 0.3)
        & ((own["end"] >= 3) | (own["sentences"] > 0))
    )
    prose_lengths = np.where(prose, lengths, np.float32(0))
    before = np.cumsum(lengths)
    prose_before = np.cumsum(prose_lengths)
    total, prose_total = before[-1], prose_before[-1]
    last_prose = np.maximum.accumulate(np.where(prose, index, -_FAR))
    next_prose = np.minimum.accumulate(np.where(prose, index, count + _FAR)[::-1])[::-1]
    headings = own["kind"] == BlockKind.HEADING
    last_heading = np.maximum.accumulate(np.where(headings, index, -_FAR))
    summed = np.stack([lengths, links, prose.astype(np.float32), own["lexical"]])
    near, far = _window_sums(summed, _NEAR), _window_sums(summed, _REACH)
    page = np.empty((5, count), np.float32)
    page[0], page[1] = total, count
    page[2], page[3] = prose_total / total, links.sum() / total
    page[4] = (own["kind"] == BlockKind.PARAGRAPH).mean()
    return np.stack(
        [
            index / count,
            index,
            count - 1 - index,
            before / total,
            np.minimum(index - last_prose, _FAR),
            np.minimum(next_prose - index, _FAR),
            prose_before - prose_lengths,
            prose_total - prose_before,
            prose,
            near[0],
            far[0],
            near[1] / (near[0] + 1),
            far[1] / (far[0] + 1),
            near[2],
            far[2],
            near[3],
            far[3],
            np.minimum(index - last_heading, _FAR),
            *page,
        ],
        axis=1,
        dtype=np.float32,
        casting="unsafe",
    )


def _window_sums(values: Matrix, reach: int) -> Matrix:
    """Return for each column the sum of it and of ``reach`` columns on either side."""
    width = values.shape[1]
    padded = np.zeros((len(values), width + 2 * reach + 1))
    padded[:, reach + 1 : reach + 1 + width] = values
    sums = padded.cumsum(axis=1)
    around: Matrix = (sums[:, 2 * reach + 1 :] - sums[:, : -2 * reach - 1]).astype(np.float32)
    return around
