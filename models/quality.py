"""Quality score by a fastText classifier of good against ordinary text."""

import re
from collections.abc import Mapping
from functools import cached_property
from typing import Any

import fasttext

from filters.signals import Signal, SignalValue
from filters.text_view import TextView

_WHITESPACE = re.compile(r"\s+")


class QualityClassifier:
    """Probability that a document is of the positive class of a supervised fastText model.

    Args:
        path: A fastText supervised model.
        label: The label of good text in that model.
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

    def __init__(self, *, path: str, label: str = "__label__positive") -> None:
        self.path = path
        self.label = label

    def __getstate__(self) -> dict[str, str]:
        return {"path": self.path, "label": self.label}

    @cached_property
    def _loaded(self) -> Any:
        return fasttext.load_model(self.path)

    def load(self) -> None:
        """Load the model now.

        Raises:
            ValueError: the file is missing, is no fastText model or does not know the label.
        """
        known = self._loaded.get_labels()
        if self.label not in known:
            raise ValueError(f"no label {self.label}; the model knows {', '.join(known[:20])}")

    def compute(self, view: TextView) -> Mapping[str, SignalValue]:
        """Return the probability in [0, 1]; null for a text without a visible character."""
        text = _WHITESPACE.sub(" ", view.text).strip()
        if not text:
            return {"quality.score": None}
        labels, probabilities = self._loaded.predict(text.encode("utf-8", "replace").decode(), k=-1)
        scores = dict(zip(labels, probabilities, strict=True))
        return {"quality.score": min(1.0, max(0.0, float(scores.get(self.label, 0.0))))}
