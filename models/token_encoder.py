"""From text to token ids, under the three kinds of tokenizer files that language models come with.

A Hugging Face ``tokenizer.json``, a SentencePiece model or a tiktoken encoding: each is loaded from
a path, and nothing is ever downloaded.
"""

import base64
import binascii
import gzip
import json
import re
import unicodedata
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Protocol

import numpy as np
import numpy.typing as npt
import sentencepiece
import tiktoken
from tokenizers import Tokenizer

Ids = npt.NDArray[np.uint32]

_END_OF_TEXT = ("<|endoftext|>", "<|end_of_text|>", "</s>", "<eos>")
"""What GPT-NeoX and GPT-2, Llama 3, Llama 2 and Gemma call the token that ends a document."""

_CONTRACTION = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)?"
_LOWER, _UPPER = r"\p{Ll}\p{Lm}\p{Lo}\p{M}", r"\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}"
_GPT2_SPLIT = r"'(?:[sdmt]|ll|ve|re)| ?\p{L}++| ?\p{N}++| ?[^\s\p{L}\p{N}]++|\s++$|\s+(?!\S)|\s"
_CL100K_SPLIT = (
    r"'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}++|\p{N}{1,3}+| ?[^\s\p{L}\p{N}]++[\r\n]*+"
    r"|\s++$|\s*[\r\n]|\s+(?!\S)|\s"
)
_O200K_SPLIT = (
    rf"[^\r\n\p{{L}}\p{{N}}]?[{_UPPER}]*[{_LOWER}]+{_CONTRACTION}"
    rf"|[^\r\n\p{{L}}\p{{N}}]?[{_UPPER}]+[{_LOWER}]*{_CONTRACTION}"
    r"|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
_TIKTOKEN = {
    "r50k_base": (_GPT2_SPLIT, 50_256),
    "p50k_base": (_GPT2_SPLIT, 50_256),
    "cl100k_base": (_CL100K_SPLIT, 100_257),
    "o200k_base": (_O200K_SPLIT, 199_999),
}
"""How each encoding of tiktoken cuts a text, and its id of ``<|endoftext|>``: a file of ranks says
neither. From tiktoken's ``tiktoken_ext/openai_public.py``."""


class TokenEncoder(Protocol):
    """Turns texts into token ids.

    Attributes:
        vocabulary: The number of ids, special tokens included; every id is below it.
    """

    vocabulary: int

    def count(self, text: str) -> int:
        """Return the number of tokens of ``text``, without special tokens."""
        ...

    def encode(self, text: str) -> Ids:
        """Return the ids of ``text``, without special tokens: as many as :meth:`count` says."""
        ...

    def special_token(self, token: str | None) -> int | None:
        """Return the id of a special token, or None if the tokenizer has no such token.

        Args:
            token: The token as text, or None for the token that ends a document.
        """
        ...


def load_encoder(path: str) -> TokenEncoder:
    """Load a tokenizer file.

    Args:
        path: A ``tokenizer.json``, a SentencePiece model, or the ranks of a tiktoken encoding,
            named after it (``cl100k_base.tiktoken``, also with ``.gz``).

    Raises:
        ValueError: The file is no tokenizer.
    """
    if ".tiktoken" in Path(path).name:
        return TiktokenEncoder(path)
    with Path(path).open("rb") as file:
        is_json = file.read(64).lstrip().startswith(b"{")
    return HuggingFaceEncoder(path) if is_json else SentencePieceEncoder(path)


def _readable(text: str) -> str:
    return text.encode("utf-8", "replace").decode()


class HuggingFaceEncoder:
    """Encodes by a ``tokenizer.json``."""

    def __init__(self, path: str) -> None:
        try:
            self._tokenizer = Tokenizer.from_file(path)
        except Exception as error:  # noqa: BLE001 - tokenizers raises no narrower one
            raise ValueError(f"not a tokenizer file: {error}") from None
        self._tokenizer.no_truncation()
        self._tokenizer.no_padding()
        # The text is a crawl's: `<|endoftext|>` in it is characters and no special token.
        self._tokenizer.encode_special_tokens = True
        added = self._tokenizer.get_added_tokens_decoder()
        self._special = {token.content: number for number, token in added.items() if token.special}
        self.vocabulary = 1 + max(self._tokenizer.get_vocab(with_added_tokens=True).values())
        self._pieces = _PieceIds(self._tokenizer) if _splits_as_gpt2(self._tokenizer) else None

    def count(self, text: str) -> int:
        """Return the number of tokens of ``text``."""
        if self._pieces is not None:
            return sum(map(self._pieces.count, _parts(text)))
        return sum(len(_encoded(self._tokenizer, part)) for part in _parts(text))

    def encode(self, text: str) -> Ids:
        """Return the ids of ``text``."""
        of_part = self._pieces.encode if self._pieces is not None else self._encode_part
        return np.frombuffer(b"".join(map(of_part, _parts(text))), np.uint32)

    def _encode_part(self, part: str) -> bytes:
        return _as_bytes(_encoded(self._tokenizer, part))

    def special_token(self, token: str | None) -> int | None:
        """Return the id of a special token."""
        names = _END_OF_TEXT if token is None else (token,)
        return next((self._special[name] for name in names if name in self._special), None)


def _encoded(tokenizer: Tokenizer, text: str) -> list[int]:
    [encoding] = tokenizer.encode_batch_fast([_readable(text)], add_special_tokens=False)
    ids: list[int] = encoding.ids
    return ids


def _as_bytes(ids: list[int]) -> bytes:
    return np.array(ids, np.uint32).tobytes()


def _parts(text: str) -> Iterator[str]:
    """Cut a long text before line ends, where the tokenizers of language models cut it too.

    An encoding takes up to 550 bytes a character, so a book as a whole would take gigabytes. A long
    line is cut before a space. Where there is none either, as in a million equal marks, the text is
    cut all the same: its tokens are then not those that merge best, but they spell it. (A tokenizer
    that marks where words begin marks the cut too, unless that is before a space.)
    """
    start = 0
    while len(text) - start > _PART_CHARACTERS:
        longest = start + _LONGEST_PART
        end = next(
            (
                found.start()
                for place in (_LINE_END, _SPACE)
                if (found := place.search(text, start + _PART_CHARACTERS, longest))
            ),
            longest,
        )
        yield text[start:end]
        start = end
    yield text[start:]


_PART_CHARACTERS = 100_000
_LONGEST_PART = 200_000
_LINE_END = re.compile(r"(?<=\S)\n")
_SPACE = re.compile(r"(?<=\S) (?=\S)")


class _PieceIds:
    """Encodes piece by piece: a text has few distinct pieces, and the next text has the same.

    A byte-level BPE never merges across the pieces that it cuts a text into, so the ids of the
    pieces, one after another, are the ids of the text: exact, at a third of the cost of encoding
    it.
    """

    def __init__(self, tokenizer: Tokenizer) -> None:
        self._tokenizer = tokenizer
        # Ids as the bytes of 32-bit integers: joining them is what an encoding costs.
        self._ids: dict[str, bytes] = {}

    def count(self, text: str) -> int:
        """Return the number of tokens of ``text``."""
        if _split_otherwise().search(text):
            return len(_encoded(self._tokenizer, text))
        return sum(map(len, map(self._ids.__getitem__, self._known_pieces(text)))) // 4

    def encode(self, text: str) -> bytes:
        """Return the ids of ``text`` as the bytes of 32-bit integers."""
        if _split_otherwise().search(text):
            return _as_bytes(_encoded(self._tokenizer, text))
        return b"".join(map(self._ids.__getitem__, self._known_pieces(text)))

    def _known_pieces(self, text: str) -> list[str]:
        """Return the pieces of ``text`` when the ids of all of them are known."""
        pieces: list[str] = _GPT2_PIECE.findall(text)
        ids = self._ids
        unknown = [piece for piece in set(pieces) if piece not in ids]
        if unknown:
            if len(ids) + len(unknown) > _REMEMBERED_PIECES:
                ids.clear()
                unknown = list(set(pieces))
            encodings = self._tokenizer.encode_batch_fast(unknown, add_special_tokens=False)
            lengths = [len(encoding) for encoding in encodings]
            flat = _as_bytes([number for encoding in encodings for number in encoding.ids])
            ends = 4 * np.cumsum(lengths)
            for piece, length, end in zip(unknown, lengths, ends.tolist(), strict=True):
                ids[piece] = flat[end - 4 * length : end]
        return pieces


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


class SentencePieceEncoder:
    """Encodes by a SentencePiece model, as Llama 2, Mistral and CCNet have."""

    def __init__(self, path: str) -> None:
        self._processor = sentencepiece.SentencePieceProcessor()
        try:
            self._processor.LoadFromFile(path)
        except (OSError, RuntimeError) as error:
            raise ValueError(f"not a tokenizer file: {error}") from None
        self.vocabulary: int = self._processor.vocab_size()

    def count(self, text: str) -> int:
        """Return the number of tokens of ``text``."""
        return len(self._processor.encode(_readable(text)))

    def encode(self, text: str) -> Ids:
        """Return the ids of ``text``."""
        return np.array(self._processor.encode(_readable(text)), np.uint32)

    def special_token(self, token: str | None) -> int | None:
        """Return the id of a special token."""
        if token is None:
            end: int = self._processor.eos_id()
            return None if end < 0 else end
        number: int = self._processor.piece_to_id(token)
        return number if self._processor.is_control(number) else None


class TiktokenEncoder:
    """Encodes by the ranks of a tiktoken encoding."""

    def __init__(self, path: str) -> None:
        name = Path(path).name.partition(".tiktoken")[0]
        if name not in _TIKTOKEN:
            raise ValueError(
                f"not a known encoding of tiktoken: {name}; the file's name says how it cuts a"
                f" text, as {', '.join(f'{known}.tiktoken' for known in _TIKTOKEN)} do"
            )
        split, end_of_text = _TIKTOKEN[name]
        self._special = {"<|endoftext|>": end_of_text}
        self._encoding = tiktoken.Encoding(
            name,
            pat_str=split,
            mergeable_ranks=_ranks(path),
            special_tokens=self._special,
        )
        self.vocabulary: int = self._encoding.max_token_value + 1

    def count(self, text: str) -> int:
        """Return the number of tokens of ``text``."""
        return len(self._encoding.encode_ordinary(text))

    def encode(self, text: str) -> Ids:
        """Return the ids of ``text``."""
        return np.array(self._encoding.encode_ordinary(text), np.uint32)

    def special_token(self, token: str | None) -> int | None:
        """Return the id of a special token."""
        return self._special.get(token or "<|endoftext|>")


def _ranks(path: str) -> dict[bytes, int]:
    content = Path(path).read_bytes()
    if content.startswith(b"\x1f\x8b"):
        content = gzip.decompress(content)
    try:
        pairs = (line.split() for line in content.splitlines() if line)
        return {base64.b64decode(token, validate=True): int(rank) for token, rank in pairs}
    except (ValueError, binascii.Error) as error:
        raise ValueError(f"not a tokenizer file: {error}") from None
