"""Evaluating the scores of harmful content under three protocols, side by side."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import xxhash
from datasketch import MinHash, MinHashLSH

from models.harmful import HarmfulContent
from models.harmful_training import HarmfulSettings, score_parts, train_harmful
from models.labelled_text import LabelledText, prepared, whole_documents
from models.measures import AtThreshold, Labels, Scores, at_threshold, best, roc_auc, sweep

PAPER = "paper: harmful of the same sources, general text"
SAME = "same sources, both classes"
UNSEEN = "unseen source, both classes"
NAMES = ("perplexity", "log_ratio", "telling_ratio", "classifier", "run_classifier", "score")


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluated:
    """One score under one protocol on one source.

    Attributes:
        protocol: How training and test texts were parted.
        source: The source of the test texts.
        unit: ``sentence`` or ``document``.
        score: One of :data:`NAMES`.
        auc: Area under the ROC curve.
        chosen: What the threshold gets right on the test texts. It was chosen without them: on
            validation texts, or among the training sources.
        swept: The candidates on the validation texts, where there are such.
    """

    protocol: str
    source: str
    unit: str
    score: str
    auc: float
    chosen: AtThreshold
    swept: tuple[AtThreshold, ...] = ()


def evaluate_harmful(
    texts: Sequence[LabelledText],
    general: Sequence[LabelledText],
    settings: HarmfulSettings | None = None,
) -> list[Evaluated]:
    """Train and evaluate under all three protocols.

    Args:
        texts: Labelled texts of words of several sources, as :func:`prepared` gives them.
        general: Texts of words of ordinary kind.
        settings: How to train.
    """
    return [
        *_known_sources(texts, general, settings),
        *unseen_sources(texts, general, settings),
    ]


def without_near_copies(
    texts: Sequence[LabelledText], of: Sequence[LabelledText], *, similarity: float = 0.7
) -> list[LabelledText]:
    """Return the texts that are no near-copies of others.

    Args:
        texts: The texts to choose from.
        of: The texts that they may be copies of.
        similarity: The estimated Jaccard similarity of word 3-grams (of the words, of shorter
            texts) from which on a text is a copy.
    """
    index = MinHashLSH(threshold=similarity, num_perm=64)
    for number, text in enumerate(of):
        index.insert(number, _sketch(text.text))
    return [text for text in texts if not index.query(_sketch(text.text))]


def _sketch(text: str) -> MinHash:
    words = text.split()
    size = min(3, len(words))
    sketch = MinHash(num_perm=64, seed=1)
    shingles = {" ".join(words[i : i + size]) for i in range(len(words) - size + 1)}
    sketch.update_batch([shingle.encode() for shingle in shingles])
    return sketch


def _part(text: LabelledText) -> int:
    # All parts of a document fall on one side.
    return xxhash.xxh3_64_intdigest(f"{text.source}\0{text.document or text.text}".encode()) % 10


def _known_sources(
    texts: Sequence[LabelledText],
    general: Sequence[LabelledText],
    settings: HarmfulSettings | None,
) -> Iterator[Evaluated]:
    """Eight tenths train, one validates, one tests; near-copies of training texts are left out."""
    train, general_train = _tenths(texts, range(8)), _tenths(general, range(8))
    held = {
        place: without_near_copies(
            [*_tenths(texts, [place]), *_tenths(general, [place])], [*train, *general_train]
        )
        for place in (8, 9)
    }
    ordinary = {text.source for text in general}
    with TemporaryDirectory() as folder:
        # The paper's models see no harmless text of the sources of the harmful one.
        harmful = [text for text in train if text.positive]
        model = train_harmful(
            [*harmful, *general_train], general_train, Path(folder), settings=settings
        )
        yield from _validated(
            model, PAPER, "all", held, lambda text: text.positive or text.source in ordinary
        )
    with TemporaryDirectory() as folder:
        model = train_harmful(train, general_train, Path(folder), settings=settings)
        yield from _validated(model, SAME, "all", held, lambda text: text.source not in ordinary)
        for source in sorted({text.source for text in texts}):
            yield from _validated(model, SAME, source, held, lambda text: text.source == source)  # noqa: B023


def _validated(
    model: HarmfulContent,
    protocol: str,
    source: str,
    held: Mapping[int, Sequence[LabelledText]],
    keep: Callable[[LabelledText], bool],
) -> Iterator[Evaluated]:
    for unit, of_unit in (("sentence", list), ("document", _documents)):
        # A document is kept or not as a whole: it is harmful if one of its sentences is.
        of_validation, of_test = (list(filter(keep, of_unit(held[place]))) for place in (8, 9))
        if min(len({text.positive for text in of}) for of in (of_validation, of_test)) < 2:
            continue
        labels, scores = _scores(model, of_validation)
        test_labels, test_scores = _scores(model, of_test)
        for name in NAMES:
            swept = sweep(labels, scores[name])
            yield Evaluated(
                protocol=protocol,
                source=source,
                unit=unit,
                score=name,
                auc=roc_auc(test_labels, test_scores[name]),
                chosen=at_threshold(test_labels, test_scores[name], best(swept).threshold),
                swept=tuple(swept),
            )


def unseen_sources(
    texts: Sequence[LabelledText],
    general: Sequence[LabelledText],
    settings: HarmfulSettings | None = None,
) -> Iterator[Evaluated]:
    """Each source is left out of the training in turn, and tested on."""
    for source in sorted({text.source for text in texts}):
        rest = [text for text in texts if text.source != source]
        held = [text for text in texts if text.source == source]
        held = without_near_copies(held, rest)
        with TemporaryDirectory() as folder:
            model = train_harmful(rest, general, Path(folder), settings=settings)
            # What a threshold for the parts is, the training sources say as they do for the score.
            known_labels, known = _scores(model, rest)
            for unit, test in (("sentence", held), ("document", _documents(held))):
                if len({text.positive for text in test}) < 2:
                    continue
                labels, scores = _scores(model, test)
                for name in NAMES:
                    threshold = (
                        model.threshold
                        if name == "score"
                        else best(sweep(known_labels, known[name])).threshold
                    )
                    yield Evaluated(
                        protocol=UNSEEN,
                        source=source,
                        unit=unit,
                        score=name,
                        auc=roc_auc(labels, scores[name]),
                        chosen=at_threshold(labels, scores[name], threshold),
                    )


def _tenths(texts: Sequence[LabelledText], places: Sequence[int] | range) -> list[LabelledText]:
    return [text for text in texts if _part(text) in places]


def _documents(texts: Sequence[LabelledText]) -> list[LabelledText]:
    return prepared(whole_documents(texts))


def _scores(
    model: HarmfulContent, texts: Sequence[LabelledText]
) -> tuple[Labels, dict[str, Scores]]:
    parts, labels = score_parts(model, texts)
    return labels, {
        "perplexity": np.array([part.log_probability for part in parts]),
        **{name: np.array([getattr(part, name) for part in parts]) for name in NAMES[1:-1]},
        "score": np.array([model.combined(part) for part in parts]),
    }
