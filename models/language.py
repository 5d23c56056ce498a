"""Language identification by a fastText model (lid.176 by default)."""

import re
from collections.abc import Iterable, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

import fasttext

from filters.scripts import main_script
from filters.signals import Signal, SignalValue
from filters.text_view import TextView
from models.language_lines import LEAST_SCORE, LineLanguage, line_signals
from models.language_lines import SIGNALS as LINE_SIGNALS
from models.model_headers import check_fasttext

SHIPPED = {"lid.176": Path(__file__).parent / "data" / "lid.176.ftz"}
_WHITESPACE = re.compile(r"\s+")
_MODEL = "fastText lid.176 (arXiv 1612.03651), or the recipe's model"
_PLACES = ("", "second_", "third_")


def _signals() -> Iterable[Signal]:
    for place, which in zip(_PLACES, ("", "second ", "third "), strict=True):
        yield Signal(
            name=f"language.{place}code",
            type="string",
            unit="language code",
            meaning=f"The {which}most likely language, as the model names it (ISO 639-1 or 639-3).",
            source=_MODEL,
        )
        yield Signal(
            name=f"language.{place}score",
            type="float64",
            unit="probability",
            meaning="The model's probability of that language.",
            source=_MODEL,
        )
    yield Signal(
        name="language.script",
        type="string",
        unit="script code",
        meaning="The script of most letters of what the model sees (ISO 15924).",
        source="Unicode Standard Annex 24, script property",
    )


class LanguageIdentifier:
    """The most likely languages of a document, and its script.

    Args:
        model: ``lid.176`` for the shipped model, or the path of any fastText model whose labels are
            ``__label__<code>``.
        max_characters: How much of a longer text the model sees, half from its start and half from
            its middle. On 1,008 real pages and books 1,000 characters change two labels against the
            whole text, at an eighth of the cost; taken from the start alone they change four, all
            of books, and doubt (score < 0.65) fifteen books more, because a book opens with its
            title page.
        lines: Whether each line is identified too, of the whole text and as in OSCAR. On real
            pages that takes four times as long as the rest, and half as long as extraction.

    >>> signals = LanguageIdentifier().compute(TextView("Der Himmel ist heute sehr blau."))
    >>> signals["language.code"], signals["language.script"]
    ('de', 'Latn')
    """

    def __init__(
        self, *, model: str = "lid.176", max_characters: int = 1_000, lines: bool = False
    ) -> None:
        if max_characters < 1:
            raise ValueError(f"max_characters is {max_characters}; it needs at least 1")
        self.model = model
        self.max_characters = max_characters
        self.lines = lines

    def __getstate__(self) -> dict[str, Any]:
        return {
            "model": self.model,
            "max_characters": self.max_characters,
            "lines": self.lines,
        }

    @property
    def signals(self) -> tuple[Signal, ...]:
        """The signals; those of lines where lines are identified."""
        return (*_signals(), *(LINE_SIGNALS if self.lines else ()))

    @property
    def path(self) -> str:
        """The path of the model file."""
        return str(SHIPPED.get(self.model, self.model))

    @cached_property
    def _loaded(self) -> Any:
        check_fasttext(self.path)
        return fasttext.load_model(self.path)

    def load(self) -> None:
        """Load the model now.

        Raises:
            ValueError: the file is missing or is no fastText model.
        """
        self._loaded  # noqa: B018

    def _sample(self, text: str) -> str:
        if len(text) <= self.max_characters:
            return text
        half, middle = self.max_characters // 2, len(text) // 2
        return f"{text[:half]} {text[middle : middle + self.max_characters - half]}"

    def languages(self) -> list[str]:
        """Return the codes of the languages that the model knows."""
        return [label.removeprefix("__label__") for label in self._loaded.get_labels()]

    def identify(self, text: str) -> tuple[str | None, float | None]:
        """Return the most likely language and its probability; None without a visible character."""
        found = self._predict(self._sample(text), 1)
        return found[0] if found else (None, None)

    def _predict(self, text: str, count: int) -> list[tuple[str, float]]:
        """Return the most likely languages of a text with their probabilities, the likeliest first.

        Fewer than ``count`` where the model knows no more, none without a visible character.
        """
        line = _WHITESPACE.sub(" ", text).strip()
        if not line:
            return []
        # fastText refuses what is not UTF-8. The binding's own `predict` makes NumPy arrays: on
        # a short line, a third of the cost.
        line = line.encode("utf-8", "replace").decode()
        found = self._loaded.f.predict(line + "\n", count, 0.0, "strict")
        return [(label.removeprefix("__label__"), min(1.0, score)) for score, label in found]

    def compute(self, view: TextView) -> Mapping[str, SignalValue]:
        """Return the languages and the script; nulls for a text without a visible character."""
        sample = self._sample(view.text)
        found = self._predict(sample, len(_PLACES))
        values: dict[str, SignalValue] = {}
        for number, place in enumerate(_PLACES):
            code, score = found[number] if number < len(found) else (None, None)
            values[f"language.{place}code"] = code
            values[f"language.{place}score"] = score
        values["language.script"] = main_script(sample)
        if self.lines:
            values |= line_signals([self._line(line) for line in view.lines])
        return values

    def _line(self, line: str) -> LineLanguage:
        found = self._predict(line, 1)
        code = found[0][0] if found and found[0][1] >= LEAST_SCORE else None
        return LineLanguage(code, len(line.encode("utf-8", "surrogatepass")))
