"""Token lengths under a byte-level BPE or any other Hugging Face tokenizer file."""

import argparse
import gzip
import json
import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from functools import cache, cached_property
from pathlib import Path

from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

from filters.signals import Signal, SignalValue
from filters.text_view import TextView

DEFAULT = Path(__file__).parent / "data" / "tokenizer.json"
VOCABULARY = 24_576
END_OF_TEXT = "<|endoftext|>"


class TokenLength:
    """The length of a document in tokens, which decides its length bucket.

    Args:
        tokenizer: Path of a Hugging Face ``tokenizer.json``; the shipped byte-level BPE by default.

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
    def _loaded(self) -> Tokenizer:
        loaded = Tokenizer.from_file(self.tokenizer)
        loaded.no_truncation()
        loaded.no_padding()
        # The text is a crawl's: `<|endoftext|>` in it is characters and no special token.
        loaded.encode_special_tokens = True
        return loaded

    @cached_property
    def _pieces(self) -> "_PieceLengths | None":
        return _PieceLengths(self._loaded) if _splits_as_gpt2(self._loaded) else None

    def load(self) -> None:
        """Load the tokenizer now.

        Raises:
            ValueError: the file is no tokenizer.
        """
        try:
            self._loaded  # noqa: B018
        except Exception as error:  # noqa: BLE001 - tokenizers raises no narrower one
            raise ValueError(f"not a tokenizer file: {error}") from None

    def compute(self, view: TextView) -> Mapping[str, SignalValue]:
        """Return the number of tokens; 0 for an empty text."""
        if self._pieces is None:
            tokens = sum(_encoded_length(self._loaded, part) for part in _parts(view.text))
        else:
            tokens = sum(map(self._pieces.count, _parts(view.text)))
        return {"length.tokens": tokens}


def _encoded_length(tokenizer: Tokenizer, text: str) -> int:
    readable = text.encode("utf-8", "replace").decode()
    [encoding] = tokenizer.encode_batch_fast([readable], add_special_tokens=False)
    return len(encoding)


def _parts(text: str) -> Iterator[str]:
    """Cut a long text before line ends, where the tokenizers of language models cut it too.

    An encoding takes some 160 bytes a character, so a book as a whole would take gigabytes.
    """
    start = 0
    while len(text) - start > _PART_CHARACTERS:
        line_end = _LINE_END.search(text, start + _PART_CHARACTERS)
        if line_end is None:
            break
        yield text[start : line_end.start()]
        start = line_end.start()
    yield text[start:]


_PART_CHARACTERS = 100_000
_LINE_END = re.compile(r"(?<=\S)\n")


class _PieceLengths:
    """Counts tokens piece by piece: a text has few distinct pieces, and the next text has the same.

    A byte-level BPE never merges across the pieces that it cuts a text into, so the lengths of the
    pieces add up to the length of the text: exact, at a third of the cost of encoding it.
    """

    def __init__(self, tokenizer: Tokenizer) -> None:
        self._tokenizer = tokenizer
        self._lengths: dict[str, int] = {}

    def count(self, text: str) -> int:
        """Return the number of tokens of ``text``."""
        if _split_otherwise().search(text):
            return _encoded_length(self._tokenizer, text)
        pieces = _GPT2_PIECE.findall(text)
        lengths = self._lengths
        unknown = [piece for piece in set(pieces) if piece not in lengths]
        if unknown:
            if len(lengths) + len(unknown) > _REMEMBERED_PIECES:
                lengths.clear()
                unknown = list(set(pieces))
            encodings = self._tokenizer.encode_batch_fast(unknown, add_special_tokens=False)
            lengths.update(zip(unknown, map(len, encodings), strict=True))
        return sum(map(lengths.__getitem__, pieces))


_REMEMBERED_PIECES = 500_000

# GPT-2's pieces in the standard library's terms, which are three times as fast as Unicode
# properties; the characters that the two see otherwise are those of `_split_otherwise`.
_GPT2_PIECE = re.compile(r"'(?:[stmd]|re|ve|ll)| ?[^\W\d_]+| ?\d+| ?(?:[^\s\w]|_)+|\s+(?!\S)|\s+")


@cache
def _split_otherwise() -> re.Pattern[str]:
    """Match a character that ``re`` may class otherwise than the tokenizer.

    These are numbers that are no digits, separators that only Python calls white space, and what
    this Python's Unicode does not know yet or what is rare enough not to be looked at.
    """
    differing = [
        re.escape(chr(code))
        for code in range(0x10000)
        if unicodedata.category(chr(code)) in ("No", "Nl", "Cn", "Cs")
    ]
    return re.compile(f"[\x1c-\x1f\U00010000-\U0010ffff{''.join(differing)}]")


def _splits_as_gpt2(tokenizer: Tokenizer) -> bool:
    content = json.loads(tokenizer.to_str())
    pieces = content["pre_tokenizer"] or {}
    return (
        content["normalizer"] is None
        and pieces.get("type") == "ByteLevel"
        and pieces.get("use_regex") is True
        and pieces.get("add_prefix_space") is False
        and content["model"]["type"] == "BPE"
        and not any(not token["special"] for token in content["added_tokens"])
    )


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
