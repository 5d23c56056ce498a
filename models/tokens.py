"""Token lengths under the shipped byte-level BPE or any other tokenizer file."""

import argparse
import gzip
from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property
from pathlib import Path

from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

from filters.signals import Signal, SignalValue
from filters.text_view import TextView
from models.token_encoder import TokenEncoder, load_encoder

DEFAULT = Path(__file__).parent / "data" / "tokenizer.json"
VOCABULARY = 24_576
END_OF_TEXT = "<|endoftext|>"


class TokenLength:
    """The length of a document in tokens, which decides its length bucket.

    Args:
        tokenizer: Path of a tokenizer file as :func:`models.token_encoder.load_encoder` takes it;
            the shipped byte-level BPE by default.

    >>> dict(TokenLength().compute(TextView("Call me Ishmael.")))
    {'length.tokens': 8}
    """

    signals = (
        Signal(
            name="length.tokens",
            type="int64",
            unit="tokens",
            meaning="Tokens of the text under the recipe's tokenizer, without special tokens.",
            source="The recipe's `tokenizer`",
        ),
    )

    def __init__(self, *, tokenizer: str = str(DEFAULT)) -> None:
        self.tokenizer = tokenizer

    def __getstate__(self) -> dict[str, str]:
        return {"tokenizer": self.tokenizer}

    @cached_property
    def _encoder(self) -> TokenEncoder:
        return load_encoder(self.tokenizer)

    def load(self) -> None:
        """Load the tokenizer now.

        Raises:
            ValueError: the file is no tokenizer.
        """
        self._encoder  # noqa: B018

    def compute(self, view: TextView) -> Mapping[str, SignalValue]:
        """Return the number of tokens; 0 for an empty text."""
        return {"length.tokens": self._encoder.count(view.text)}


def train(texts: Iterable[str], *, vocabulary: int = VOCABULARY) -> Tokenizer:
    """Train a byte-level BPE: the same texts in the same order give the same tokenizer."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.train_from_iterator(
        texts,
        trainers.BpeTrainer(
            vocab_size=vocabulary,
            initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
            special_tokens=[END_OF_TEXT],
            show_progress=False,
        ),
    )
    return tokenizer


def training_texts(data: Path) -> Iterator[str]:
    """Yield the texts that the shipped tokenizer is trained on: books and sentences."""
    for pattern in (
        "gutenberg/*/**/*.txt.gz",
        "langid/lingua_sentences/*.txt.gz",
        "zh/four_classics/*.txt.gz",
    ):
        for path in sorted(data.glob(pattern)):
            yield gzip.decompress(path.read_bytes()).decode()
    yield (data / "quality/wikitext2/valid.txt").read_text(encoding="utf-8")


def main() -> None:
    """Train the shipped tokenizer from a folder of real data and write it where it is loaded."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("--into", type=Path, default=DEFAULT)
    arguments = parser.parse_args()
    tokenizer = train(training_texts(arguments.data))
    arguments.into.write_text(tokenizer.to_str(pretty=False) + "\n", encoding="utf-8")
    print(f"{arguments.into}: {tokenizer.get_vocab_size()} tokens")


if __name__ == "__main__":
    main()
