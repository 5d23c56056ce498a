"""Training and evaluating models of good text: pieces by SentencePiece, n-grams by KenLM."""

import io
import itertools
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import sentencepiece

from filters.text_view import TextView
from models import model_folder
from models.labelled_text import LabelledText
from models.measures import roc_auc
from models.ngram import NgramSettings, train_ngram
from models.reference import NGRAMS, PIECES, ReferenceModel, load_pieces, normalised_lines

# cc_net's Makefile: at most so many pieces, from the first million texts.
VOCABULARY = 65_536
_MOST_LINES = 1_000_000
_COVERAGE = 0.9995
# Bytes past which SentencePiece skips a line; its own default leaves out long paragraphs.
_LONGEST_LINE = 65_536

REFERENCE_NGRAMS = NgramSettings(order=5, quantise_bits=8)
"""cc_net's order, unpruned; a quantised trie, which is a fraction of cc_net's hash table."""


def train_reference(
    texts: Iterable[str],
    into: Path,
    *,
    languages: tuple[str, ...] = (),
    vocabulary: int = VOCABULARY,
    ngrams: NgramSettings = REFERENCE_NGRAMS,
) -> ReferenceModel:
    """Train pieces and n-grams on good text, write the folder.

    The same texts in the same order give the same bytes.

    Args:
        texts: Good texts.
        into: The folder to write; it need not exist.
        languages: The languages of the model.
        vocabulary: The most pieces; less text gives fewer.
        ngrams: How the n-gram model is estimated and stored.

    Raises:
        ValueError: there is no text, or too little of it.
        NoTrainerError: KenLM's programs are not there.
    """
    into.mkdir(parents=True, exist_ok=True)
    lines = [line for text in texts for line in normalised_lines(TextView(text))]
    if not lines:
        raise ValueError("no text to train on")
    (into / PIECES).write_bytes(_trained_pieces(lines, vocabulary))
    pieces = load_pieces(str(into / PIECES))
    train_ngram(
        (" ".join(pieces.encode(line, out_type=str)) for line in lines), into / NGRAMS, ngrams
    )
    model_folder.write(into, kind="reference", languages=languages, values={})
    return ReferenceModel(path=str(into))


def _trained_pieces(lines: Sequence[str], vocabulary: int) -> bytes:
    model = io.BytesIO()
    try:
        sentencepiece.SentencePieceTrainer.train(
            sentence_iterator=itertools.islice(lines, _MOST_LINES),
            model_writer=model,
            model_type="unigram",
            vocab_size=vocabulary,
            hard_vocab_limit=False,
            character_coverage=_COVERAGE,
            max_sentence_length=_LONGEST_LINE,
            # Several threads add up in an order that no run repeats.
            num_threads=1,
            minloglevel=2,
        )
    except RuntimeError as error:
        raise ValueError(f"SentencePiece: {' '.join(str(error).split())[:300]}") from None
    return model.getvalue()


@dataclass(frozen=True, slots=True, kw_only=True)
class ReferenceEvaluated:
    """What a model tells of a source of good text that it was not trained on.

    Attributes:
        source: The source.
        texts: How many of its texts have a perplexity.
        median: Their median perplexity.
        other_median: That of the ordinary texts.
        auc: The chance that a text of the source has a lower perplexity than an ordinary one.
    """

    source: str
    texts: int
    median: float
    other_median: float
    auc: float


def evaluate_reference(
    texts: Sequence[LabelledText],
    *,
    vocabulary: int = VOCABULARY,
    ngrams: NgramSettings = REFERENCE_NGRAMS,
) -> Iterator[ReferenceEvaluated]:
    """Leave out each source of good text in turn; test it against all ordinary texts.

    No ordinary text is trained on: the model knows good text only.

    Args:
        texts: Texts with a label, the positive class being good.
        vocabulary: The most pieces.
        ngrams: How the n-gram model is estimated and stored.

    Raises:
        ValueError: there is one class only, or one source of good text.
    """
    ordinary = [text for text in texts if not text.positive]
    sources = sorted({text.source for text in texts if text.positive})
    if not ordinary or len(sources) < 2:
        raise ValueError("leaving sources out takes two sources of good text, and ordinary text")
    for source in sources:
        rest = [text.text for text in texts if text.positive and text.source != source]
        held = [text for text in texts if text.positive and text.source == source]
        with TemporaryDirectory() as folder:
            model = train_reference(rest, Path(folder), vocabulary=vocabulary, ngrams=ngrams)
            good, other = _perplexities(model, held), _perplexities(model, ordinary)
        labels = np.repeat([True, False], [len(good), len(other)])
        yield ReferenceEvaluated(
            source=source,
            texts=len(good),
            median=float(np.median(good)),
            other_median=float(np.median(other)),
            auc=roc_auc(labels, -np.array([*good, *other])),
        )


def _perplexities(model: ReferenceModel, texts: Iterable[LabelledText]) -> list[float]:
    found = (model.perplexity(TextView(text.text)) for text in texts)
    return [perplexity for perplexity in found if perplexity is not None]
