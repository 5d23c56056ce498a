"""Harmful content: n-gram perplexity, two models against each other, a classifier, their sum."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from operator import itemgetter
from typing import Any

import kenlm
import numpy as np

from filters.signals import Signal, SignalValue
from filters.text_view import TextView
from models import model_folder
from models.classifier import Classifier
from models.labelled_text import model_text
from models.model_folder import ModelFolder
from models.model_headers import check_ngrams

HARMFUL, REFERENCE, CLASSIFIER = "harmful.binary", "reference.binary", "classifier.bin"
COMBINED = ("classifier", "run_classifier", "telling_ratio")
"""The parts that the score adds up, each with a weight of its own in `model.json`."""

# A text is harmful if a part of it is: words of a run that the classifier judges alone, and the
# share of the tokens whose log-ratios count. Both are measures that do not grow with the text.
_RUN = 4
_TELLING_SHARE = 4

# Of KenLM's scores of a token: logarithm, length of the n-gram, whether it is unknown.
_LOGARITHM = itemgetter(0)

_PERPLEXITY = Signal(
    name="harmful.perplexity",
    type="float64",
    unit="perplexity a token",
    meaning="Perplexity under a model of harmful text: the lower, the more likely harmful.",
    source="Jansen et al. 2022, Perplexed by Quality (arXiv 2212.10440)",
)


def load_ngrams(path: str) -> Any:
    """Load a KenLM model, memory-mapped.

    Raises:
        ValueError: the file is missing or is no KenLM model.
    """
    check_ngrams(path)
    try:
        return kenlm.Model(path)
    except (OSError, RuntimeError) as error:
        raise ValueError(f"not a KenLM model: {error}") from None


class HarmfulPerplexity:
    """Perplexity of a document under an n-gram model that was trained on harmful text only.

    The document is one sentence of whitespace-separated tokens, as in OSCAR's ``harmful_pp``
    (Ungoliant): ``10 ** (-log10 p(text) / (tokens + 1))``, the end of the sentence counted.

    Args:
        path: A KenLM model, binary or ARPA.
    """

    signals: tuple[Signal, ...] = (_PERPLEXITY,)

    def __init__(self, *, path: str) -> None:
        self.path = path

    def __getstate__(self) -> dict[str, str]:
        return {"path": self.path}

    @cached_property
    def _loaded(self) -> Any:
        return load_ngrams(self.path)

    def load(self) -> None:
        """Load the model now.

        Raises:
            ValueError: the file is missing or is no KenLM model.
        """
        self._loaded  # noqa: B018

    def compute(self, view: TextView) -> Mapping[str, SignalValue]:
        """Return the perplexity; null for a text without a token."""
        tokens = view.text.encode("utf-8", "replace").decode().split()
        if not tokens:
            return {"harmful.perplexity": None}
        logarithm = self._loaded.score(" ".join(tokens), bos=True, eos=True)
        return {"harmful.perplexity": 10.0 ** (-logarithm / (len(tokens) + 1))}


@dataclass(frozen=True, slots=True, kw_only=True)
class HarmfulParts:
    """The scores of a text, before they are added up.

    Attributes:
        log_probability: Log10 probability a token under the model of harmful text.
        log_ratio: Log10 of how much more likely a token is there than in the reference model.
        telling_ratio: The same, of the quarter of the tokens where it is highest.
        classifier: Log-odds of the classifier.
        run_classifier: Logarithm of the mean of its odds over runs of four words.
    """

    log_probability: float
    log_ratio: float
    telling_ratio: float
    classifier: float
    run_classifier: float


class HarmfulContent:
    """Harmful content by the models of one folder, as ``thresher train harmful`` writes it.

    A document is one sentence of its words in lower case. The score is a logistic regression on
    the classifier's log-odds, the mean of its odds over runs of four words and the n-gram models'
    likelihood ratio of the most telling quarter of the tokens; its weights were fitted on texts of
    sources that the models had not seen.

    Args:
        path: The folder, or the name of a model that comes along (``en-harmful``).
    """

    signals: tuple[Signal, ...] = (
        _PERPLEXITY,
        Signal(
            name="harmful.log_ratio",
            type="float64",
            unit="log10 a token",
            meaning="How much more likely harmful text has the words than ordinary text; above 0"
            " is more like harmful text.",
            source="docs/models.md; Moore and Lewis 2010 (cross-entropy difference)",
        ),
        Signal(
            name="harmful.classifier",
            type="float64",
            unit="probability",
            meaning="Probability of harm by a fastText classifier, before the scores are combined.",
            source="fastText (arXiv 1607.01759); docs/models.md",
        ),
        Signal(
            name="harmful.score",
            type="float64",
            unit="probability",
            meaning="Probability of harm by all models together; classes are taken as equally"
            " frequent.",
            source="docs/models.md",
        ),
    )

    def __init__(self, *, path: str) -> None:
        self.path = path

    def __getstate__(self) -> dict[str, str]:
        return {"path": self.path}

    @cached_property
    def _folder(self) -> ModelFolder:
        return model_folder.read(model_folder.resolve(self.path), "harmful")

    @cached_property
    def _harmful(self) -> Any:
        return load_ngrams(self._folder.file(HARMFUL))

    @cached_property
    def _reference(self) -> Any:
        return load_ngrams(self._folder.file(REFERENCE))

    @cached_property
    def _classifier(self) -> Classifier:
        return Classifier(self._folder.file(CLASSIFIER))

    @cached_property
    def _weights(self) -> tuple[float, ...]:
        names = (*(f"{name}_weight" for name in COMBINED), "intercept")
        return tuple(map(self._folder.number, names))

    @property
    def threshold(self) -> float:
        """The score from which on macro-F1 was highest on sources that were left out."""
        return self._folder.number("threshold")

    def load(self) -> None:
        """Load the models now.

        Raises:
            ValueError: a file is missing or of another kind.
        """
        self._weights  # noqa: B018
        self._harmful  # noqa: B018
        self._reference  # noqa: B018
        self._classifier.load()

    def parts(self, text: str) -> HarmfulParts | None:
        """Return the scores of a text of words between spaces; None if it has no word."""
        if not text:
            return None
        harmful, reference = (
            np.array(list(map(_LOGARITHM, model.full_scores(text))))
            for model in (self._harmful, self._reference)
        )
        ratios = harmful - reference
        telling = max(1, len(ratios) // _TELLING_SHARE)
        whole, runs = self._classifier.run_logits(text.split(" "), _RUN)
        return HarmfulParts(
            log_probability=float(harmful.mean()),
            log_ratio=float(ratios.mean()),
            telling_ratio=float(np.partition(ratios, -telling)[-telling:].mean()),
            classifier=whole,
            run_classifier=math.log(float(np.exp(runs).mean())),
        )

    def combined(self, parts: HarmfulParts) -> float:
        """Return the probability of harm."""
        *weights, intercept = self._weights
        values = (getattr(parts, name) for name in COMBINED)
        products = (weight * value for weight, value in zip(weights, values, strict=True))
        return _probability(intercept + sum(products))

    def compute(self, view: TextView) -> Mapping[str, SignalValue]:
        """Return the signals; nulls for a text without a word or in another language."""
        of_language = not self._folder.languages or view.language in self._folder.languages
        parts = self.parts(model_text(view)) if of_language else None
        if parts is None:
            return {signal.name: None for signal in self.signals}
        return {
            "harmful.perplexity": 10.0**-parts.log_probability,
            "harmful.log_ratio": parts.log_ratio,
            "harmful.classifier": _probability(parts.classifier),
            "harmful.score": self.combined(parts),
        }


def _probability(logit: float) -> float:
    # Past ±40 the exponential says nothing more, and past 700 it overflows.
    return 1.0 / (1.0 + math.exp(-max(-40.0, min(40.0, logit))))
