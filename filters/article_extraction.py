"""An article's text, chosen block by block by a small learned classifier.

resiliparse finds the main part of a page quickly and nearly whole, with some of the furniture
around an article left in: related articles, captions, author boxes, share bars, notes on
comments. Here its text is cut into blocks (:mod:`filters.page_blocks`), each is described by some
sixty numbers (:mod:`filters.block_features`), and gradient-boosted trees of depth three say which
blocks are the article's. The trees are evaluated in NumPy; `thresher train extraction` makes them.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from resiliparse.extract.html2text import extract_plain_text
from resiliparse.parse.html import HTMLTree

from filters.block_features import FEATURES, block_features
from filters.page_blocks import Block, read_blocks

SHIPPED_MODEL = Path(__file__).parent / "data" / "article_blocks.json"

TREE_DEPTH = 3
"""Every tree asks this many questions of a block: enough for the gold sets, quick to evaluate."""

LEAST_SHARE = 0.4
"""A page of which less than this share of the characters would stay is no article: it stays whole.

Chosen on the training sets, where it keeps pages from being emptied.
"""

_INNER = 2**TREE_DEPTH - 1
_LEAVES = 2**TREE_DEPTH
_ROWS_AT_ONCE = 1024  # bounds the memory that a huge page's blocks take


@dataclass(frozen=True, slots=True, kw_only=True)
class BlockModel:
    """A trained classifier of blocks.

    Attributes:
        word_weights: What each word says for (above 0) or against a block.
        feature: Shape (7, trees): the column that each inner node asks about, level by level.
        threshold: Shape (7, trees): above it goes right.
        value: Shape (8, trees): what a leaf adds to the log-odds.
        least: The log-odds from which a block belongs to the article.
    """

    word_weights: dict[str, float]
    feature: npt.NDArray[np.intp]
    threshold: npt.NDArray[np.float32]
    value: npt.NDArray[np.float32]
    least: float

    def log_odds(self, blocks: Sequence[Block], *, title: str) -> npt.NDArray[np.float32]:
        """Return for each block the log-odds that it belongs to the article."""
        features = block_features(blocks, title=title, word_weights=self.word_weights)
        starts = range(0, len(features), _ROWS_AT_ONCE)
        parts = [self._sum(features[start : start + _ROWS_AT_ONCE]) for start in starts]
        return np.concatenate(parts) if parts else np.zeros(0, np.float32)

    def choose(self, blocks: Sequence[Block], *, title: str) -> list[bool]:
        """Return for each block whether it stays: the article's, or all if there is no article."""
        chosen: list[bool] = (self.log_odds(blocks, title=title) >= self.least).tolist()
        total = sum(len(block.text) for block in blocks)
        kept = sum(len(block.text) for block, keep in zip(blocks, chosen, strict=True) if keep)
        return chosen if kept >= LEAST_SHARE * total else [True] * len(blocks)

    def _sum(self, features: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        trees = self.feature.shape[1]
        asked = features.take(self.feature.ravel(), axis=1)
        right = (asked > self.threshold.ravel()).reshape(len(features), _INNER, trees)
        first = right[:, 0]
        second = np.where(first, right[:, 2], right[:, 1])
        third = np.where(
            first,
            np.where(second, right[:, 6], right[:, 5]),
            np.where(second, right[:, 4], right[:, 3]),
        )
        leaf = first * 4 + second * 2 + third  # whole numbers, for each block and tree
        flat = (leaf * trees + np.arange(trees)).astype(np.intp)
        summed: npt.NDArray[np.float32] = self.value.ravel().take(flat).sum(axis=1)
        return summed


def read_model(path: Path) -> BlockModel:
    """Read a model that `thresher train extraction` wrote.

    Raises:
        OSError: The file can't be read.
        ValueError: It is no such model, or was trained on other features than this version's.
    """
    try:
        content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        names, words = content["features"], content["words"]
        trees, least = content["trees"], float(content["least"])
        feature = np.array(trees["feature"], np.intp)
        threshold = np.array(trees["threshold"], np.float32)
        value = np.array(trees["value"], np.float32)
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError(f"{path}: no model of blocks: {error!r}") from None
    if tuple(names) != FEATURES:
        raise ValueError(f"{path}: trained on other features; train it again")
    count = value.shape[-1]
    if (feature.shape, threshold.shape, value.shape) != (
        (_INNER, count),
        (_INNER, count),
        (_LEAVES, count),
    ) or not ((feature >= 0) & (feature < len(FEATURES))).all():
        raise ValueError(f"{path}: no model of blocks: its trees are not whole")
    return BlockModel(
        word_weights=words, feature=feature, threshold=threshold, value=value, least=least
    )


@cache
def shipped_model() -> BlockModel:
    """Return the model that comes along; read once a process."""
    return read_model(SHIPPED_MODEL)


def tree_blocks(
    tree: HTMLTree, *, main_content: bool = True, comments: bool = False
) -> list[Block]:
    """Return the blocks of what resiliparse takes for a page's main content, or of all its text."""
    markup = extract_plain_text(
        tree,
        preserve_formatting="minimal_html",
        main_content=main_content,
        list_bullets=True,
        alt_texts=False,
        links=True,
        form_fields=False,
        noscript=False,
        comments=comments,
        post_meta=False,
    )
    return read_blocks(markup)


def extract_article(html: str, *, comments: bool, model: BlockModel) -> tuple[str, str]:
    """Return the text of a page's article, and the page's title.

    Args:
        html: The page.
        comments: Whether readers' comments are text too; they are kept as resiliparse finds them.
        model: Which blocks belong to an article.
    """
    tree = HTMLTree.parse(html)
    title = tree.title or ""
    blocks = tree_blocks(tree)
    chosen = model.choose(blocks, title=title)
    kept = [block for block, keep in zip(blocks, chosen, strict=True) if keep]
    if comments:
        kept = _with_comments(tree_blocks(tree, comments=True), blocks, chosen)
    return written(kept), title


def _with_comments(
    everything: Sequence[Block], scored: Sequence[Block], chosen: Sequence[bool]
) -> list[Block]:
    """Return the chosen blocks and, in their places, the blocks that only comments bring in."""
    kept = []
    position = 0
    for block in everything:
        if position < len(scored) and block.text == scored[position].text:
            if chosen[position]:
                kept.append(block)
            position += 1
        else:
            kept.append(block)
    return kept


def written(blocks: Sequence[Block]) -> str:
    r"""Return the text of blocks: a line each, an empty line where one stood before a block.

    >>> written(read_blocks("<h2>Tea</h2>\n\n<p>From Assam.</p>"))
    'Tea\n\nFrom Assam.'
    """
    lines: list[str] = []
    for block in blocks:
        if block.apart and lines:
            lines.append("")
        lines.append(block.lead + block.text)
    return "\n".join(lines)
