"""Harmful-content perplexity: a KenLM model of harmful text; low perplexity means harmful."""

from collections.abc import Mapping
from functools import cached_property
from typing import Any

import kenlm

from filters.signals import Signal, SignalValue
from filters.text_view import TextView


class HarmfulPerplexity:
    """Perplexity of a document under an n-gram model that was trained on harmful text only.

    The document is one sentence of whitespace-separated tokens, as in OSCAR's ``harmful_pp``
    (Ungoliant): ``10 ** (-log10 p(text) / (tokens + 1))``, the end of the sentence counted.

    Args:
        path: A KenLM model, binary or ARPA.
    """

    signals = (
        Signal(
            name="harmful.perplexity",
            type="float64",
            unit="perplexity a token",
            meaning="Perplexity under a model of harmful text: the lower, the more likely harmful.",
            source="Jansen et al. 2022, Perplexed by Quality (arXiv 2212.10440)",
        ),
    )

    def __init__(self, *, path: str) -> None:
        self.path = path

    def __getstate__(self) -> dict[str, str]:
        return {"path": self.path}

    @cached_property
    def _loaded(self) -> Any:
        return kenlm.Model(self.path)

    def load(self) -> None:
        """Load the model now.

        Raises:
            ValueError: the file is missing or is no KenLM model.
        """
        try:
            self._loaded  # noqa: B018
        except (OSError, RuntimeError) as error:
            raise ValueError(f"not a KenLM model: {error}") from None

    def compute(self, view: TextView) -> Mapping[str, SignalValue]:
        """Return the perplexity; null for a text without a token."""
        tokens = view.text.encode("utf-8", "replace").decode().split()
        if not tokens:
            return {"harmful.perplexity": None}
        logarithm = self._loaded.score(" ".join(tokens), bos=True, eos=True)
        return {"harmful.perplexity": 10.0 ** (-logarithm / (len(tokens) + 1))}
