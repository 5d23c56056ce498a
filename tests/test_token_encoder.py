import base64
import gzip
from pathlib import Path

import numpy as np
import pytest
import sentencepiece
from hypothesis import given
from hypothesis import strategies as st
from tiktoken_ext import openai_public
from tokenizers import Tokenizer, models, pre_tokenizers

from models.token_encoder import _TIKTOKEN, TokenEncoder, _parts, load_encoder
from models.tokens import DEFAULT

SHIPPED = load_encoder(str(DEFAULT))
ORACLE = Tokenizer.from_file(str(DEFAULT))
ORACLE.encode_special_tokens = True


@given(st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=200))
def test_ids_are_those_of_encoding_the_text(text: str) -> None:
    assert SHIPPED.encode(text).tolist() == ORACLE.encode(text, add_special_tokens=False).ids


@given(st.text(alphabet="ab' \n\r\t²\x1c.1", max_size=80))
def test_long_texts_are_encoded_in_parts_without_a_difference(text: str) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("models.token_encoder._PART_CHARACTERS", 5)
        patch.setattr("models.token_encoder._LONGEST_PART", 90)
        assert SHIPPED.encode(text).tolist() == ORACLE.encode(text, add_special_tokens=False).ids


@given(st.text(alphabet="ab'\u00b2 .1", min_size=20, max_size=80))
def test_a_long_line_is_parted_at_its_spaces_without_a_difference(text: str) -> None:
    line = f"{text} then words of one line"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("models.token_encoder._PART_CHARACTERS", 5)
        # Long enough that there is a space to part at, wherever it begins.
        patch.setattr("models.token_encoder._LONGEST_PART", 100)
        assert SHIPPED.encode(line).tolist() == ORACLE.encode(line, add_special_tokens=False).ids


@pytest.mark.parametrize("character", ["\N{GRINNING FACE}", "a", "1", "\n", "\u00b2"])
def test_a_text_without_a_place_to_part_is_encoded_in_bounded_parts(
    character: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("models.token_encoder._PART_CHARACTERS", 50)
    monkeypatch.setattr("models.token_encoder._LONGEST_PART", 100)
    text = character * 1_001
    assert max(map(len, _parts(text))) <= 100
    ids = SHIPPED.encode(text)
    assert ORACLE.decode(ids.tolist()) == text
    assert SHIPPED.count(text) == ids.size


def test_pieces_are_forgotten_when_they_are_too_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("models.token_encoder._REMEMBERED_PIECES", 3)
    encoder = load_encoder(str(DEFAULT))
    for text in ("one two three", "three four five six", "one six seven"):
        assert encoder.encode(text).tolist() == ORACLE.encode(text, add_special_tokens=False).ids


@pytest.fixture(scope="module")
def sentencepiece_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("sentencepiece") / "small.model"
    lines = ["the whale and the sea", "call me ishmael", "a ship at sea"] * 20
    with path.open("wb") as file:
        sentencepiece.SentencePieceTrainer.train(
            sentence_iterator=iter(lines),
            model_writer=file,
            vocab_size=40,
            minloglevel=2,
            hard_vocab_limit=False,
        )
    return path


@pytest.fixture(scope="module")
def tiktoken_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Ranks of single bytes and one pair, under the name of an encoding that says how to cut."""
    path = tmp_path_factory.mktemp("tiktoken") / "cl100k_base.tiktoken.gz"
    tokens = [*(bytes([value]) for value in range(256)), b"th"]
    lines = [
        base64.b64encode(token) + b" " + str(rank).encode() for rank, token in enumerate(tokens)
    ]
    path.write_bytes(gzip.compress(b"\n".join(lines)))
    return path


@pytest.fixture(scope="module")
def plain_tokenizer(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tokenizer that does not cut as GPT-2 does, so that its pieces can't be remembered."""
    tokenizer = Tokenizer(models.WordLevel({"the": 0, "whale": 1, "[UNK]": 2}, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    path = tmp_path_factory.mktemp("plain") / "tokenizer.json"
    path.write_text(tokenizer.to_str())
    return path


@pytest.fixture(params=["sentencepiece_model", "tiktoken_file", "plain_tokenizer"])
def other(request: pytest.FixtureRequest) -> TokenEncoder:
    return load_encoder(str(request.getfixturevalue(request.param)))


@pytest.mark.parametrize(
    "text", ["", "the whale\n\nthe sea 12345 è", "<|endoftext|></s>", "\ud800"]
)
def test_every_kind_counts_what_it_encodes(other: TokenEncoder, text: str) -> None:
    ids = other.encode(text)
    assert ids.dtype == np.uint32
    assert other.count(text) == len(ids)
    assert all(number < other.vocabulary for number in ids.tolist())
    special = {other.special_token(None), other.special_token("<|endoftext|>")} - {None}
    assert not special & set(ids.tolist())


def test_end_of_text_of_every_kind(
    sentencepiece_model: Path, tiktoken_file: Path, plain_tokenizer: Path
) -> None:
    assert SHIPPED.special_token(None) == ORACLE.token_to_id("<|endoftext|>")
    assert load_encoder(str(sentencepiece_model)).special_token(None) == 2
    assert load_encoder(str(sentencepiece_model)).special_token("whale") is None
    assert load_encoder(str(tiktoken_file)).special_token(None) == 100_257
    assert load_encoder(str(plain_tokenizer)).special_token(None) is None


def test_tiktoken_merges_by_rank_within_the_pieces_of_its_split(tiktoken_file: Path) -> None:
    encoder = load_encoder(str(tiktoken_file))
    assert encoder.encode("the t h").tolist() == [256, 101, 32, 116, 32, 104]


@pytest.mark.parametrize("name", _TIKTOKEN)
def test_the_splits_are_those_of_tiktoken(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The library says them in functions that download the ranks, so they stand here again."""
    monkeypatch.setattr(openai_public, "load_tiktoken_bpe", lambda *_, **__: {})
    told = getattr(openai_public, name)()
    assert _TIKTOKEN[name] == (told["pat_str"], told["special_tokens"]["<|endoftext|>"])


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("tokenizer.json", "{}", "not a tokenizer file"),
        ("tokenizer.model", "no model", "not a tokenizer file"),
        ("mine.tiktoken", "YQ== 0", "not a known encoding of tiktoken: mine"),
        ("cl100k_base.tiktoken", "no ranks here", "not a tokenizer file"),
    ],
)
def test_other_files_are_refused(tmp_path: Path, name: str, content: str, message: str) -> None:
    (tmp_path / name).write_text(content)
    with pytest.raises(ValueError, match=message):
        load_encoder(str(tmp_path / name))


@pytest.mark.real_data
def test_published_vocabularies(real_data: Path) -> None:
    tokenizers = real_data / "models"
    cl100k = load_encoder(str(tokenizers / "tiktoken_ranks/cl100k_base.tiktoken.gz"))
    o200k = load_encoder(str(tokenizers / "tiktoken_ranks/o200k_base.tiktoken.gz"))
    mistral = load_encoder(str(tokenizers / "mistral_sentencepiece/tokenizer.model.v1"))
    # The first two are the examples of tiktoken's own tests and README.
    assert cl100k.encode("hello world").tolist() == [15339, 1917]
    assert o200k.encode("hello world").tolist() == [24912, 2375]
    assert [e.special_token(None) for e in (cl100k, o200k, mistral)] == [100_257, 199_999, 2]
    assert mistral.vocabulary == 32_000
    assert mistral.encode("Hello world").tolist() == [22557, 1526]
