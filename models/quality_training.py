"""Training and evaluating quality classifiers: good text against ordinary text."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import xxhash

from models import model_folder
from models.classifier import Classifier, ClassifierSettings, train_classifier
from models.labelled_text import LabelledText
from models.measures import AtThreshold, at_threshold, calibration_error, roc_auc
from models.quality import CLASSIFIER

QUALITY_SETTINGS = ClassifierSettings(
    dimensions=8, epochs=5, learning_rate=0.2, word_ngrams=2, min_count=3
)
"""Those of the models that come along."""

KNOWN = "(known sources)"


def train_quality(
    texts: Sequence[LabelledText],
    into: Path,
    *,
    languages: tuple[str, ...] = (),
    settings: ClassifierSettings = QUALITY_SETTINGS,
) -> Classifier:
    """Train a classifier with both classes at equal weight, write the folder.

    Args:
        texts: Labelled texts of words, as ``prepared`` gives them.
        into: The folder to write.
        languages: The languages of the model.
        settings: How to train.

    Raises:
        ValueError: there is one class only.
    """
    into.mkdir(parents=True, exist_ok=True)
    train_classifier(balanced(texts), into / CLASSIFIER, settings)
    model_folder.write(into, kind="quality", languages=languages, values={"threshold": 0.5})
    return Classifier(str(into / CLASSIFIER))


def balanced(texts: Sequence[LabelledText]) -> list[tuple[str, bool]]:
    """Return the texts and their classes, those of the rarer class repeated to be as many."""
    classes = [[text.text for text in texts if text.positive is of] for of in (True, False)]
    most = max(map(len, classes))
    return [
        (of_class[number % len(of_class)], positive)
        for positive, of_class in zip((True, False), classes, strict=True)
        if of_class
        for number in range(most)
    ]


@dataclass(frozen=True, slots=True, kw_only=True)
class QualityEvaluated:
    """What a classifier gets right on two sources that it has not seen.

    Attributes:
        positive: The source of good text.
        negative: The source of ordinary text.
        auc: Area under the ROC curve.
        calibration: Mean distance of probability and frequency, in [0, 1].
        chosen: What a threshold of 0.5 gets right.
    """

    positive: str
    negative: str
    auc: float
    calibration: float
    chosen: AtThreshold


def evaluate_quality(
    texts: Sequence[LabelledText], settings: ClassifierSettings = QUALITY_SETTINGS
) -> Iterator[QualityEvaluated]:
    """Leave out each source alone, then every pair of a positive and a negative source.

    Alone, a source is tested against texts of the other class that were left out at random from
    sources that the classifier knows; as a pair, neither side's kind of text was seen.

    Raises:
        ValueError: a class has fewer than two sources.
    """
    sources = {
        of: sorted({text.source for text in texts if text.positive is of}) for of in (True, False)
    }
    if min(map(len, sources.values())) < 2:
        raise ValueError("leaving sources out takes two of each class or more")
    for positive in (True, False):
        for source in sources[positive]:
            held = [
                text
                for text in texts
                if text.source == source or (text.positive is not positive and _left_out(text))
            ]
            names = (source, KNOWN) if positive else (KNOWN, source)
            yield _evaluated(texts, held, names, settings)
    for good in sources[True]:
        for other in sources[False]:
            held = [text for text in texts if text.source in (good, other)]
            yield _evaluated(texts, held, (good, other), settings)


def _left_out(text: LabelledText) -> bool:
    return xxhash.xxh3_64_intdigest(text.text.encode()) % 10 >= 8


def _evaluated(
    texts: Sequence[LabelledText],
    held: Sequence[LabelledText],
    names: tuple[str, str],
    settings: ClassifierSettings,
) -> QualityEvaluated:
    left_out = {id(text) for text in held}
    rest = [text for text in texts if id(text) not in left_out]
    with TemporaryDirectory() as folder:
        classifier = train_quality(rest, Path(folder), settings=settings)
        scores = np.array([classifier.probability(text.text) for text in held])
    labels = np.array([text.positive for text in held])
    return QualityEvaluated(
        positive=names[0],
        negative=names[1],
        auc=roc_auc(labels, scores),
        calibration=calibration_error(labels, scores),
        chosen=at_threshold(labels, scores, 0.5),
    )
