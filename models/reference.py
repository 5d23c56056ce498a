"""Perplexity under an n-gram model of good text, as in cc_net."""

import unicodedata
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

import regex
import sentencepiece

from filters.signals import Signal, SignalValue
from filters.text_view import TextView
from models import model_folder
from models.harmful import load_ngrams

PIECES, NGRAMS = "pieces.model", "good.binary"

_NUMERAL = regex.compile(r"\d")
_ACCENTS = regex.compile(r"\p{Mn}+")
# `UNICODE_PUNCT` and the control characters of cc_net's text_normalizer.py. Its full-width 1
# is no punctuation, and digits are zeros by then.
_ONE_FORM = str.maketrans(
    {
        **dict.fromkeys("„”“«»」「《》", '"'),
        **dict.fromkeys("´’", "'"),
        **dict.fromkeys("，、", ","),
        **dict.fromkeys("∶：", ":"),
        **dict.fromkeys("–━►", "-"),
        "。": ".",
        "？": "?",
        "！": "!",
        "（": "(",
        "）": ")",
        "；": ";",
        "～": "~",
        "％": "%",
        "〈": "<",
        "〉": ">",
        "【": "[",
        "】": "]",
        "—": " - ",
        "．": ". ",
        "…": "...",
        **dict.fromkeys(map(chr, [*range(32), *range(127, 160)]), ""),
    }
)


def normalise(line: str) -> str:
    """Return a line as cc_net's models see it.

    Lower case, without accents and control characters, each digit a zero, punctuation of other
    scripts as its ASCII counterpart (Wenzek et al. 2020, arXiv 1911.00359, `text_normalizer.py`).
    Marks that are vowels, as in Hindi, go with the accents.

    >>> normalise("Café № 42 – „Zum Löwen“")
    'cafe № 00 - "zum lowen"'
    """
    line = line.strip().lower()
    if not line.isascii():
        # Sorting many marks on one letter takes time that grows with their square: those that
        # are there go first, then those that letters part into.
        parted = unicodedata.normalize("NFD", _ACCENTS.sub("", line))
        line = _ACCENTS.sub("", parted)
    return _NUMERAL.sub("0", line).translate(_ONE_FORM)


def normalised_lines(view: TextView) -> list[str]:
    """Return the lines of a text as the models see them, without those of which nothing is left.

    cc_net deletes the line breaks of a document with the control characters, so that the last word
    of a line and the first of the next become one. Here each line is a sentence, which is what
    cc_net's scorer was written for.
    """
    lines = (normalise(line).encode("utf-8", "replace").decode() for line in view.lines)
    return [line for line in lines if line and not line.isspace()]


def load_pieces(path: str) -> sentencepiece.SentencePieceProcessor:
    """Load a SentencePiece model.

    Raises:
        ValueError: the file is missing or is no SentencePiece model.
    """
    try:
        return sentencepiece.SentencePieceProcessor(model_file=path)
    except (OSError, RuntimeError) as error:
        raise ValueError(f"not a SentencePiece model: {error}") from None


class ReferenceModel:
    """An n-gram model of good text over SentencePiece pieces, with the languages that it is for.

    Args:
        path: A folder of ``thresher train reference``.
    """

    def __init__(self, *, path: str) -> None:
        self.path = path

    def __getstate__(self) -> dict[str, str]:
        return {"path": self.path}

    @cached_property
    def _folder(self) -> model_folder.ModelFolder:
        return model_folder.read(model_folder.resolve(self.path), "reference")

    @cached_property
    def _pieces(self) -> sentencepiece.SentencePieceProcessor:
        return load_pieces(self._folder.file(PIECES))

    @cached_property
    def _ngrams(self) -> Any:
        return load_ngrams(self._folder.file(NGRAMS))

    def load(self) -> None:
        """Load the model now.

        Raises:
            ValueError: a file is missing or of another kind.
        """
        self._pieces  # noqa: B018
        self._ngrams  # noqa: B018

    def is_for(self, language: str | None) -> bool:
        """Tell whether the model is for texts in a language."""
        languages = self._folder.languages
        return not languages or language in languages

    def perplexity(self, view: TextView) -> float | None:
        """Return the perplexity a piece, ends of lines counted; None for a text without a piece.

        ``10 ** (-sum(log10 p(line)) / sum(pieces + 1))``, as in cc_net.
        """
        logarithm, length = 0.0, 0
        lines = self._pieces.encode(normalised_lines(view), out_type=str, num_threads=1)
        for pieces in filter(None, lines):
            logarithm += self._ngrams.score(" ".join(pieces))
            length += len(pieces) + 1
        return 10.0 ** (-logarithm / length) if length else None


class ReferencePerplexity:
    """Perplexity of a document under a model of good text of its language.

    Args:
        models: The models; the first that is for the document's language scores it.
    """

    signals = (
        Signal(
            name="reference.perplexity",
            type="float64",
            unit="perplexity a piece",
            meaning="Perplexity under a model of good text: the lower, the more like it.",
            source="cc_net (arXiv 1911.00359); docs/models.md",
        ),
    )

    def __init__(self, *, models: Sequence[ReferenceModel]) -> None:
        self.models = tuple(models)

    def load(self) -> None:
        """Load the models now.

        Raises:
            ValueError: a file is missing or of another kind.
        """
        for model in self.models:
            model.load()

    def compute(self, view: TextView) -> Mapping[str, SignalValue]:
        """Return the perplexity; null without a piece or a model of the language."""
        model = next((model for model in self.models if model.is_for(view.language)), None)
        return {"reference.perplexity": None if model is None else model.perplexity(view)}
