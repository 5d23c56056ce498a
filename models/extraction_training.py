"""Training the classifier of a page's blocks that `extract.extractor: blocks` uses.

Blocks of gold pages are labelled by whether their words stand in the gold. A logistic regression
over words makes each block's lexical score: it learns from all blocks of a page, for there is more
furniture outside of what resiliparse takes for the main content than in it. Gradient-boosted trees
of depth three decide from all features. The lexical scores that the trees learn from are those of
words learnt on other sites, so that they are as unsure in training as they are on a new page.
"""

import argparse
import json
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import numpy.typing as npt
from resiliparse.extract.html2text import extract_plain_text
from resiliparse.parse.html import HTMLTree

from filters.article_extraction import (
    SHIPPED_MODEL,
    TREE_DEPTH,
    BlockModel,
    read_model,
    tree_blocks,
    written,
)
from filters.block_features import FEATURES, block_features, block_words
from filters.page_blocks import Block
from models.extraction_gold import (
    BENCHMARK,
    TRAINING_SETS,
    ExtractionAccuracy,
    GoldPage,
    extraction_accuracy,
    read_gold,
    shingles,
)

Array = npt.NDArray[np.float64]
Labels = npt.NDArray[np.bool_]

# Chosen by cross-validation over the sites of the training sets; the benchmark had no part in it.
TREES = 150
LEAST_PROBABILITY = 0.5
WORD_REGULARISATION = 0.3
LEAST_BLOCKS_OF_A_WORD = 3
BOOSTING: dict[str, Any] = {
    "objective": "binary",
    "max_depth": TREE_DEPTH,
    "num_leaves": 2**TREE_DEPTH,
    "learning_rate": 0.05,
    "min_data_in_leaf": 30,
    "bagging_fraction": 0.7,
    "bagging_freq": 1,
    "feature_fraction": 0.4,
    "lambda_l2": 5.0,
    "seed": 0,
    "num_threads": 1,
    "deterministic": True,
    "force_row_wise": True,
    "verbose": -1,
    # Few pages are too few to learn it from: words of furniture and links never speak for a block.
    "monotone_constraints": [{"link_share": -1, "lexical": 1}.get(name, 0) for name in FEATURES],
}

# Gold that is too short, that the page doesn't hold, or that is but an excerpt of the article
# would teach the wrong thing: such pages are left out of training.
LEAST_GOLD_CHARACTERS = 250
LEAST_GOLD_IN_PAGE = 0.85
LEAST_AGREEMENT = 0.5
MOST_OF_BENCHMARK = 0.1

_RUN = 4
_FOLDS = 8
_LEXICAL_FOLDS = 4
_SMALLEST_WEIGHT = 0.05
_HEAVIEST_BLOCK = 3.0
_SHORTEST_GOLD_WORDS = 100
# Scripts that put no spaces between words count by the character.
_UNSPACED = (
    "\u0e00-\u0e7f\u0e80-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af"
)
_TOKEN = re.compile(rf"[{_UNSPACED}]|[^\W{_UNSPACED}]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelledPage:
    """The blocks of a gold page.

    Attributes:
        page: The page.
        title: Its title.
        blocks: What resiliparse takes for its main content.
        labels: Whether each of them is the article's.
        weights: What each of them counts for: its share of the article's words.
        texts: The texts of all blocks of the page, and whether each is the article's.
    """

    page: GoldPage
    title: str
    blocks: list[Block]
    labels: Labels
    weights: Array
    texts: list[tuple[str, bool]]


def read_training_pages(data: Path) -> list[LabelledPage]:
    """Read and label the gold pages that are fit to train on, none of them of the benchmark.

    Raises:
        OSError: The data lack a set.
    """
    benchmark = [set(shingles(page.text)) for page in read_gold(data, BENCHMARK)]
    pages = (page for source in TRAINING_SETS for page in read_gold(data, source))
    labelled = (label(page) for page in pages if _is_sound(page, benchmark))
    return [page for page in labelled if page.blocks and _agrees(page)]


def _is_sound(page: GoldPage, benchmark: Sequence[set[tuple[str, ...]]]) -> bool:
    if len(page.text) <= LEAST_GOLD_CHARACTERS:
        return False
    gold = set(shingles(page.text))
    if any(len(gold & known) > MOST_OF_BENCHMARK * len(known) for known in benchmark):
        return False
    whole = extract_plain_text(HTMLTree.parse(page.html), alt_texts=False, noscript=True)
    return extraction_accuracy([(page.text, whole)]).recall > LEAST_GOLD_IN_PAGE


def _agrees(page: LabelledPage) -> bool:
    accuracy = extraction_accuracy([(page.page.text, written(page.blocks))])
    return min(accuracy.precision, accuracy.recall) > LEAST_AGREEMENT


def label(page: GoldPage) -> LabelledPage:
    """Label a page's blocks: those are the article's whose runs of words mostly stand in the gold.

    A block of fewer than four words must be a line of the gold, or three words of it in a row.
    """
    tree = HTMLTree.parse(page.html)
    blocks, everything = tree_blocks(tree), tree_blocks(tree, main_content=False)
    gold = _Gold(page.text)
    sizes = np.array([len(_tokens(block.text)) for block in blocks], np.float64)
    return LabelledPage(
        page=page,
        title=tree.title or "",
        blocks=blocks,
        labels=np.array([gold.holds(block.text) for block in blocks], np.bool_),
        weights=np.minimum((sizes + 1) / max(gold.size, _SHORTEST_GOLD_WORDS), _HEAVIEST_BLOCK),
        texts=[(block.text, gold.holds(block.text)) for block in everything],
    )


class _Gold:
    """A gold text, to look blocks up in."""

    def __init__(self, text: str) -> None:
        words = _tokens(text)
        self.size = len(words)
        self._runs = set(_runs(words))
        self._joined = f" {' '.join(words)} "
        self._lines = {" ".join(_tokens(line)) for line in text.split("\n")}

    def holds(self, text: str) -> bool:
        words = _tokens(text)
        if len(words) >= _RUN:
            runs = _runs(words)
            return 2 * sum(run in self._runs for run in runs) >= len(runs)
        line = " ".join(words)
        inside = len(words) == _RUN - 1 and f" {line} " in self._joined
        return bool(words) and (line in self._lines or inside)


def _runs(words: list[str]) -> list[tuple[str, ...]]:
    return [tuple(words[at : at + _RUN]) for at in range(len(words) - _RUN + 1)]


def _tokens(text: str) -> list[str]:
    return _TOKEN.findall(text.lower())


def train_blocks(pages: Sequence[LabelledPage], into: Path) -> BlockModel:
    """Train a classifier of blocks and write it: the same pages give the same bytes.

    Raises:
        ValueError: There are fewer sites than it takes to learn the words of other sites.
    """
    import lightgbm

    features: list[npt.NDArray[np.float32]] = [np.zeros((0, 0), np.float32)] * len(pages)
    for training, rest in _folds(pages, _LEXICAL_FOLDS):
        weights = _word_weights(training)
        for index in rest:
            features[index] = _features(pages[index], weights)
    heaviness = np.concatenate([page.weights for page in pages])
    blocks = lightgbm.Dataset(
        np.concatenate(features),
        np.concatenate([page.labels for page in pages]),
        weight=heaviness / heaviness.mean(),
    )
    booster = lightgbm.train(BOOSTING, blocks, TREES)
    trees = [_complete(tree["tree_structure"]) for tree in booster.dump_model()["tree_info"]]
    feature, threshold, value = (np.array(part).T.tolist() for part in zip(*trees, strict=True))
    content = {
        "features": FEATURES,
        "least": float(np.log(LEAST_PROBABILITY / (1 - LEAST_PROBABILITY))),
        "trees": {"feature": feature, "threshold": threshold, "value": value},
        "words": _word_weights(pages),
    }
    text = json.dumps(content, ensure_ascii=False, separators=(",", ":"))
    into.write_text(text + "\n", encoding="utf-8")
    return read_model(into)


def cross_validate(
    pages: Sequence[LabelledPage], work: Path
) -> Iterator[tuple[str, ExtractionAccuracy, ExtractionAccuracy]]:
    """Yield each set, and all, with the accuracy before and after on sites not trained on.

    Args:
        pages: What to train and test on, eight parts of the sites in turn.
        work: A file for the models of the parts.
    """
    texts: dict[int, tuple[str, str]] = {}
    for training, rest in _folds(pages, _FOLDS):
        model = train_blocks(training, work)
        for index in rest:
            page = pages[index]
            chosen = model.choose(page.blocks, title=page.title)
            kept = [block for block, keep in zip(page.blocks, chosen, strict=True) if keep]
            texts[index] = written(page.blocks), written(kept)
    for source in (*TRAINING_SETS, "all"):
        among = [i for i, page in enumerate(pages) if source in (page.page.source, "all")]
        if among:
            before, after = (
                extraction_accuracy([(pages[i].page.text, texts[i][part]) for i in among])
                for part in (0, 1)
            )
            yield source, before, after


def _folds(
    pages: Sequence[LabelledPage], parts: int
) -> Iterator[tuple[list[LabelledPage], list[int]]]:
    """Yield training pages and the indices of the rest, no site on both sides."""
    sites = {page.page.site: None for page in pages}
    if len(sites) < parts:
        raise ValueError(f"{len(sites)} sites; at least {parts} are needed")
    part_of = {site: number % parts for number, site in enumerate(sites)}
    for part in range(parts):
        rest = [i for i, page in enumerate(pages) if part_of[page.page.site] == part]
        yield [page for page in pages if part_of[page.page.site] != part], rest


def _features(page: LabelledPage, word_weights: dict[str, float]) -> npt.NDArray[np.float32]:
    return block_features(page.blocks, title=page.title, word_weights=word_weights)


def _word_weights(pages: Iterable[LabelledPage]) -> dict[str, float]:
    """Return what each word says for a block, as its log-odds; weak words are left out."""
    from sklearn.feature_extraction.text import CountVectorizer
    from sklearn.linear_model import LogisticRegression

    texts = [text for page in pages for text in page.texts]
    words = CountVectorizer(analyzer=block_words, min_df=LEAST_BLOCKS_OF_A_WORD)
    counts = words.fit_transform([text for text, _ in texts])
    regression = LogisticRegression(C=WORD_REGULARISATION, solver="liblinear", max_iter=500)
    regression.fit(counts, [label for _, label in texts])
    coefficients = dict(zip(words.get_feature_names_out(), regression.coef_[0], strict=True))
    return {
        word: round(float(weight), 2)
        for word, weight in coefficients.items()
        if abs(weight) >= _SMALLEST_WEIGHT
    }


def _complete(root: dict[str, Any]) -> tuple[list[int], list[float], list[float]]:
    """Return features, thresholds and values of a tree, filled up to its full depth."""
    level, features, thresholds = [root], [], []
    for _ in range(TREE_DEPTH):
        below = []
        for node in level:
            leaf = "leaf_value" in node
            features.append(0 if leaf else int(node["split_feature"]))
            thresholds.append(0.0 if leaf else float(f"{node['threshold']:.9g}"))
            below += [node, node] if leaf else [node["left_child"], node["right_child"]]
        level = below
    return features, thresholds, [float(f"{leaf['leaf_value']:.6g}") for leaf in level]


def main() -> None:
    """Train the model that comes along, from the folder of data that holds ``html_gold``."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("data", type=Path, help="the folder that holds html_gold")
    parser.add_argument("--into", type=Path, default=SHIPPED_MODEL, help="the file to write")
    parser.add_argument(
        "--cross-validate",
        action="store_true",
        help="write nothing; say how well sites do that a model was not trained on",
    )
    arguments = parser.parse_args()
    pages = read_training_pages(arguments.data)
    print(f"{len(pages)} pages, {sum(len(page.blocks) for page in pages):,} blocks")
    if not arguments.cross_validate:
        train_blocks(pages, arguments.into)
        print(f"written: {arguments.into}")
        return
    with TemporaryDirectory() as folder:
        for source, before, after in cross_validate(pages, Path(folder) / "part.json"):
            print(
                f"{source}: F1 {before.f1:.4f} before; after: F1 {after.f1:.4f}, "
                f"precision {after.precision:.4f}, recall {after.recall:.4f}",
                flush=True,
            )


if __name__ == "__main__":
    main()
