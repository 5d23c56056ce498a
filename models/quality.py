"""Quality score by a fastText classifier of good against ordinary text."""

import re
from collections.abc import Mapping, Sequence
from functools import cached_property

from filters.signals import Signal, SignalValue
from filters.text_view import TextView
from models import model_folder
from models.classifier import POSITIVE, Classifier
from models.labelled_text import model_text

CLASSIFIER = "classifier.bin"
_WHITESPACE = re.compile(r"\s+")


class QualityModel:
    """One classifier of quality, with the languages that it is for.

    Args:
        path: A fastText supervised model, which sees the text as it is in one line, or a folder
            of ``thresher train quality`` or the name of a model that comes along (``en-quality``),
            which see its words in lower case.
        label: The label of good text.
    """

    def __init__(self, *, path: str, label: str = POSITIVE) -> None:
        self.path = path
        self.label = label

    def __getstate__(self) -> dict[str, str]:
        return {"path": self.path, "label": self.label}

    @cached_property
    def _folder(self) -> model_folder.ModelFolder | None:
        path = model_folder.resolve(self.path)
        return model_folder.read(path, "quality") if model_folder.is_folder(self.path) else None

    @cached_property
    def _classifier(self) -> Classifier:
        path = self.path if self._folder is None else self._folder.file(CLASSIFIER)
        return Classifier(path, self.label)

    def load(self) -> None:
        """Load the model now.

        Raises:
            ValueError: a file is missing, of another kind or does not know the label.
        """
        self._classifier.load()

    def is_for(self, language: str | None) -> bool:
        """Tell whether the model is for texts in a language."""
        folder = self._folder
        return folder is None or not folder.languages or language in folder.languages

    def score(self, view: TextView) -> float | None:
        """Return the probability of good text; None for a text without a visible character."""
        if self._folder is None:
            text = _WHITESPACE.sub(" ", view.text).strip().encode("utf-8", "replace").decode()
        else:
            text = model_text(view)
        return self._classifier.probability(text) if text else None


class QualityClassifier:
    """Probability that a document is like good text.

    Args:
        models: The classifiers; the first that is for the document's language scores it.
    """

    signals = (
        Signal(
            name="quality.score",
            type="float64",
            unit="probability",
            meaning="Probability that the text is like the good text the model was trained on.",
            source="GPT-3 (arXiv 2005.14165, appendix A); EvalWeb (arXiv 2311.01149)",
        ),
    )

    def __init__(self, *, models: Sequence[QualityModel]) -> None:
        self.models = tuple(models)

    def load(self) -> None:
        """Load the models now.

        Raises:
            ValueError: a file is missing, of another kind or does not know its label.
        """
        for model in self.models:
            model.load()

    def compute(self, view: TextView) -> Mapping[str, SignalValue]:
        """Return the probability; null without a visible character or a model of the language."""
        model = next((model for model in self.models if model.is_for(view.language)), None)
        return {"quality.score": None if model is None else model.score(view)}
