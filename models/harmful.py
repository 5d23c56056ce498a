"""Harmful content: n-gram perplexity, two models against each other, a classifier, their sum."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import kenlm

from filters.signals import Signal, SignalValue
from filters.text_view import TextView
from models import model_folder
from models.classifier import Classifier
from models.labelled_text import model_text
from models.model_folder import ModelFolder

HARMFUL, REFERENCE, CLASSIFIER = "harmful.binary", "reference.binary", "classifier.bin"

# Tokens past which more of the same is no more evidence: words are not independent, and a long
# document would drown the classifier, whose log-odds do not grow with length.
EVIDENCE_TOKENS = 100

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
    """The three scores of a text, before they are added up.

    Attributes:
        log_probability: Log10 probability a token under the model of harmful text.
        log_ratio: Log10 of how much more likely a token is there than in the reference model.
        classifier: Log-odds of the classifier.
        tokens: How many there are, the end of the text counted.
    """

    log_probability: float
    log_ratio: float
    classifier: float
    tokens: int

    @property
    def evidence(self) -> float:
        """Log10 of the likelihood ratio of the text, of at most 100 tokens' worth."""
        return self.log_ratio * min(self.tokens, EVIDENCE_TOKENS)


class HarmfulContent:
    """Harmful content by the models of one folder, as ``thresher train harmful`` writes it.

    A document is one sentence of its words in lower case. The score is a logistic regression on
    the classifier's log-odds and the n-gram models' log-likelihood ratio; its weights were fitted
    on texts of sources that the models had not seen.

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
    def _weights(self) -> tuple[float, float, float]:
        names = ("classifier_weight", "evidence_weight", "intercept")
        classifier, evidence, intercept = map(self._folder.number, names)
        return classifier, evidence, intercept

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
        """Return the three scores of a text of words between spaces; None if it has no word."""
        if not text:
            return None
        tokens = text.count(" ") + 2
        harmful = self._harmful.score(text) / tokens
        return HarmfulParts(
            log_probability=harmful,
            log_ratio=harmful - self._reference.score(text) / tokens,
            classifier=self._classifier.logit(text),
            tokens=tokens,
        )

    def combined(self, parts: HarmfulParts) -> float:
        """Return the probability of harm."""
        classifier, evidence, intercept = self._weights
        logit = classifier * parts.classifier + evidence * parts.evidence + intercept
        return _probability(logit)

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
