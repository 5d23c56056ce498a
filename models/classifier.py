"""A binary fastText classifier of words: training it and asking it."""

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import fasttext
import numpy as np
import numpy.typing as npt

from models.model_headers import check_fasttext

Floats = npt.NDArray[np.float64]

POSITIVE = "__label__positive"
NEGATIVE = "__label__negative"
# Log-odds past which fastText's single precision says nothing.
_LARGEST_LOGIT = 12.0
# Words kept with their evidence: about a hundred bytes each.
_MOST_WORDS = 500_000


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassifierSettings:
    """How a classifier is trained.

    Attributes:
        dimensions: Of a word's vector. Two classes need few.
        epochs: Passes over the texts.
        learning_rate: At the start; it falls to zero.
        word_ngrams: The longest row of words with a vector of its own.
        smallest_subword: Characters of the shortest subword; 0 for none.
        largest_subword: Characters of the longest subword; 0 for none. Subwords let a model know
            a word that it has not met by its parts, and a misspelt one.
        buckets: Vectors that subwords and rows of words share by their hashes.
        min_count: A rarer word has no vector of its own.
        quantise: Store vectors by product quantisation: a sixth of the size, some slower.
    """

    dimensions: int = 8
    epochs: int = 8
    learning_rate: float = 0.3
    word_ngrams: int = 1
    smallest_subword: int = 0
    largest_subword: int = 0
    buckets: int = 100_000
    min_count: int = 2
    quantise: bool = True


def train_classifier(
    texts: Sequence[tuple[str, bool]], into: Path, settings: ClassifierSettings
) -> None:
    """Train on texts of words between spaces with their class and write the model.

    The texts are shuffled by a fixed seed and one thread trains: the same texts in the same order
    give the same bytes.

    Raises:
        ValueError: there is but one class.
    """
    if len({positive for _, positive in texts}) < 2:
        raise ValueError("the training set has one class only; a classifier needs two")
    order = np.random.default_rng(1).permutation(len(texts))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "train.txt")
        with path.open("w", encoding="utf-8") as file:
            for index in order:
                text, positive = texts[index]
                file.write(f"{POSITIVE if positive else NEGATIVE} {text}\n")
        model = fasttext.train_supervised(
            str(path),
            dim=settings.dimensions,
            epoch=settings.epochs,
            lr=settings.learning_rate,
            wordNgrams=settings.word_ngrams,
            minn=settings.smallest_subword,
            maxn=settings.largest_subword,
            bucket=settings.buckets,
            minCount=settings.min_count,
            thread=1,
            seed=1,
            verbose=0,
        )
        if settings.quantise:
            model.quantize(str(path), retrain=False, qnorm=True, thread=1, verbose=0)
        model.save_model(str(into))


class Classifier:
    """A supervised fastText model and the label that it is asked for."""

    def __init__(self, path: str, label: str = POSITIVE) -> None:
        self.path = path
        self.label = label

    @cached_property
    def _model(self) -> Any:
        check_fasttext(self.path)
        return fasttext.load_model(self.path)

    def load(self) -> None:
        """Load the model now.

        Raises:
            ValueError: the file is missing, is no fastText model or does not know the label.
        """
        known = self._model.get_labels()
        if self.label not in known:
            raise ValueError(f"no label {self.label}; the model knows {', '.join(known[:20])}")

    def probability(self, text: str) -> float:
        """Return the probability of the label, in [0, 1], for a text in one line."""
        # The binding's own `predict` makes NumPy arrays: half of what a short text costs.
        found = self._model.f.predict(text + "\n", -1, 0.0, "strict")
        share = next((share for share, label in found if label == self.label), 0.0)
        return min(1.0, max(0.0, float(share)))

    def run_logits(self, words: Sequence[str], run: int) -> tuple[float, Floats]:
        """Return the log-odds of a text, and of each run of so many of its words, within ±12.

        fastText averages the vectors of all words and subwords, and log-odds are linear in the
        average: what a word adds is asked for once, and every run of words is a sum. That is many
        times faster than asking for every run, and also than asking for the text.

        Args:
            words: The words of the text, one or more.
            run: Words of a run; the last may be shorter.

        Raises:
            ValueError: the model has vectors for rows of words, which no sum of words gives, or
                its labels are not those of :func:`train_classifier`.
        """
        totals, vectors = self._evidence
        if len(totals) > _MOST_WORDS:
            totals.clear()
            vectors.clear()
        for word in set(words):
            if word not in totals:
                totals[word], vectors[word] = self._of_word(word)
        sums = np.array([totals[word] for word in words])
        counts = np.array([vectors[word] for word in words])
        end = self._end
        starts = np.arange(0, len(words), run)
        runs = (np.add.reduceat(sums, starts) + end) / (np.add.reduceat(counts, starts) + 1)
        whole = float((sums.sum() + end) / (counts.sum() + 1))
        limited: Floats = np.clip(runs, -_LARGEST_LOGIT, _LARGEST_LOGIT)
        return max(-_LARGEST_LOGIT, min(_LARGEST_LOGIT, whole)), limited

    @cached_property
    def _evidence(self) -> tuple[dict[str, float], dict[str, int]]:
        """What each word that came up adds to the sum of log-odds, and how many vectors it has."""
        settings = self._model.f.getArgs()
        if settings.wordNgrams > 1 or settings.minn == 1:
            raise ValueError("a classifier with rows of words can't be asked word by word")
        # Without subwords both are zero, and the range of lengths would hold one.
        self._shortest, self._longest = max(1, settings.minn), settings.maxn
        return {}, {}

    @cached_property
    def _direction(self) -> Floats:
        """The vector whose product with that of a text is its log-odds."""
        labels = self._model.get_labels()
        positive, other = (labels.index(label) for label in (self.label, NEGATIVE))
        output = np.array(self._model.f.getOutputMatrix(), np.float64)
        direction: Floats = output[positive] - output[other]
        return direction

    @cached_property
    def _end(self) -> float:
        """What the end of a line adds, which is a word to fastText."""
        return self._mean_logit("")

    def _of_word(self, word: str) -> tuple[float, int]:
        """Return what a word adds to the sum of log-odds, and how many vectors it has."""
        # `getSubwords` would make a list of strings, at twice the cost of all the rest.
        known = self._model.f.getWordId(word) >= 0
        marked = len(word) + 2
        lengths = range(self._shortest, self._longest + 1)
        vectors = known + sum(max(0, marked - length + 1) for length in lengths)
        return self._mean_logit(word) * (vectors + 1) - self._end, vectors

    def _mean_logit(self, text: str) -> float:
        # Not `get_word_vector`, which forgets the norms of a quantised model.
        return float(self._model.get_sentence_vector(text) @ self._direction)
