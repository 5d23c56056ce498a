"""Training the models of harmful content, and the weights that combine them."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import numpy.typing as npt
import xxhash
from scipy.optimize import minimize

from models import model_folder
from models.classifier import ClassifierSettings, train_classifier
from models.harmful import (
    CLASSIFIER,
    COMBINED,
    HARMFUL,
    REFERENCE,
    HarmfulContent,
    HarmfulParts,
)
from models.labelled_text import LabelledText
from models.measures import best, sweep
from models.ngram import NgramSettings, train_ngram

Floats = npt.NDArray[np.float64]

# Texts of the general corpus among the benign texts of the classifier and the reference model.
_GENERAL_SHARE = 10_000
_FOLDS = 5
# Of squared weights, where a feature has standard deviation 1. Sources are few: among 0.001, 0.01
# and 0.03 it is best for each of the four sources that `en-harmful` is trained on, left out.
_PENALTY = 0.03


@dataclass(frozen=True, slots=True, kw_only=True)
class HarmfulSettings:
    """How the models are trained; the defaults are those of the model that comes along."""

    ngrams: NgramSettings = field(
        default_factory=lambda: NgramSettings(order=3, prune=(0, 0, 1), quantise_bits=8)
    )
    classifier: ClassifierSettings = field(
        default_factory=lambda: ClassifierSettings(smallest_subword=3, largest_subword=5)
    )


def train_harmful(
    texts: Sequence[LabelledText],
    general: Sequence[LabelledText],
    into: Path,
    *,
    languages: tuple[str, ...] = (),
    settings: HarmfulSettings | None = None,
) -> HarmfulContent:
    """Train the models, fit their combination, choose a threshold, write the folder.

    The weights are fitted on sources that the models did not see: each source in turn is left out
    of a training and scored by it. Where fewer than two sources have both classes, fifths of
    the texts are left out.

    Args:
        texts: Labelled texts of words, as :func:`prepared` gives them.
        general: Texts of words, of ordinary kind and of any subject, all taken as benign.
        into: The folder to write; it need not exist.
        languages: The languages of the model.
        settings: How to train.

    Raises:
        ValueError: there is one class only, or too little text.
        NoTrainerError: KenLM's programs are not there.
    """
    settings = settings or HarmfulSettings()
    into.mkdir(parents=True, exist_ok=True)
    _check_classes(texts)
    folds = _folds(texts)
    # The parts of one fold after the other, beside what they are parts of.
    left_out: list[tuple[Floats, npt.NDArray[np.bool_]]] = []
    for fold in sorted(set(folds)):
        rest = [text for text, of in zip(texts, folds, strict=True) if of != fold]
        held = [text for text, of in zip(texts, folds, strict=True) if of == fold]
        if len({text.positive for text in rest}) < 2 or len({text.positive for text in held}) < 2:
            continue
        with TemporaryDirectory() as folder:
            _train_parts(rest, general, Path(folder), settings)
            _describe(Path(folder), (), np.ones(len(COMBINED)), 0.0, 0.5)
            left_out.append(
                (_features(HarmfulContent(path=folder), held), _labels(held)),
            )
    if not left_out:
        raise ValueError("every source has one class only; none can be left out to fit the score")
    weights, intercept = _fit(left_out)
    logits = np.concatenate([features @ weights + intercept for features, _ in left_out])
    swept = sweep(np.concatenate([labels for _, labels in left_out]), 1 / (1 + np.exp(-logits)))
    _train_parts(texts, general, into, settings)
    _describe(into, languages, weights, intercept, best(swept).threshold)
    return HarmfulContent(path=str(into))


def score_parts(
    model: HarmfulContent, texts: Sequence[LabelledText]
) -> tuple[list[HarmfulParts], npt.NDArray[np.bool_]]:
    """Return the parts of each text's score, and the labels."""
    parts = [part for text in texts if (part := model.parts(text.text)) is not None]
    return parts, _labels(texts)


def _check_classes(texts: Sequence[LabelledText]) -> None:
    if len({text.positive for text in texts}) < 2:
        raise ValueError("the training set has one class only; the score needs both")


def _labels(texts: Sequence[LabelledText]) -> npt.NDArray[np.bool_]:
    return np.array([text.positive for text in texts])


def _folds(texts: Sequence[LabelledText]) -> list[str]:
    classes = {(text.source, text.positive) for text in texts}
    both = [source for source, positive in classes if positive and (source, False) in classes]
    if len(both) > 1:
        return [text.source for text in texts]
    return [str(xxhash.xxh3_64_intdigest(text.text.encode()) % _FOLDS) for text in texts]


def _features(model: HarmfulContent, texts: Sequence[LabelledText]) -> Floats:
    parts, _ = score_parts(model, texts)
    return np.array([[getattr(part, name) for name in COMBINED] for part in parts])


def _train_parts(
    texts: Sequence[LabelledText],
    general: Sequence[LabelledText],
    folder: Path,
    settings: HarmfulSettings,
) -> None:
    # As many of each hundred, so that every source of the general corpus is there.
    step = max(1, len(general) // _GENERAL_SHARE)
    some = general[::step]
    harmful = [text.text for text in texts if text.positive]
    benign = [text.text for text in (*texts, *some) if not text.positive]
    train_ngram(harmful, folder / HARMFUL, settings.ngrams)
    train_ngram(benign, folder / REFERENCE, settings.ngrams)
    both = [(text.text, text.positive) for text in (*texts, *some)]
    train_classifier(both, folder / CLASSIFIER, settings.classifier)


def _fit(left_out: Sequence[tuple[Floats, npt.NDArray[np.bool_]]]) -> tuple[Floats, float]:
    """Fit a logistic regression in which each source has an intercept of its own.

    How frequent harm is in a source, and how far its style is from the other sources', is no
    evidence about a text. Sources weigh the same, and so do the two classes of each.
    """
    features = np.vstack([of for of, _ in left_out])
    labels = np.concatenate([of for _, of in left_out])
    source = np.repeat(np.arange(len(left_out)), [len(of) for _, of in left_out])
    weight = np.concatenate(
        [np.where(of, 0.5 / of.sum(), 0.5 / (~of).sum()) for _, of in left_out]
    ) / len(left_out)
    scale = features.std(axis=0) + 1e-9
    scaled = features / scale
    sign = np.where(labels, 1.0, -1.0)
    count = features.shape[1]

    def loss(values: Floats) -> float:
        weights, intercepts = values[:count], values[count:]
        logit = scaled @ weights + intercepts[source]
        entropy = float((weight * np.logaddexp(0.0, -sign * logit)).sum())
        return entropy + _PENALTY * float((weights**2).sum())

    fitted = minimize(loss, np.zeros(count + len(left_out)), method="L-BFGS-B").x
    return fitted[:count] / scale, float(fitted[count:].mean())


def _describe(
    folder: Path, languages: tuple[str, ...], weights: Floats, intercept: float, threshold: float
) -> None:
    values = {
        **{
            f"{name}_weight": float(f"{weight:.6g}")
            for name, weight in zip(COMBINED, weights, strict=True)
        },
        "intercept": float(f"{intercept:.6g}"),
        "threshold": float(f"{threshold:.6g}"),
    }
    model_folder.write(folder, kind="harmful", languages=languages, values=values)
