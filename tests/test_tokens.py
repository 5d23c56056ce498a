import pickle
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import Tokenizer

from filters.text_view import TextView
from models.tokens import DEFAULT, TokenLength, train

SHIPPED = TokenLength()
ORACLE = Tokenizer.from_file(str(DEFAULT))
ORACLE.encode_special_tokens = True


def tokens(text: str, counter: TokenLength = SHIPPED) -> int:
    value = counter.compute(TextView(text))["length.tokens"]
    assert isinstance(value, int)
    return value


@given(st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=200))
def test_the_count_is_that_of_encoding_the_text(text: str) -> None:
    assert tokens(text) == len(ORACLE.encode(text, add_special_tokens=False).ids)


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "It's the dogs' bowls; they'll we've I'm he'd don't",
        "x² ½ Ⅷ ① ৴ 3.14 १२३",
        "a\x1cb\x1d\x1e c\x1f",
        "naïve café e\u0301 한국어 中文字符 ไทย עברית العربية",
        "end <|endoftext|> of text",
        "tabs\t\tand  spaces   \n\n\n\nlines\r\n",
        "a" * 10_000,
        "\ud800 lone",
    ],
)
def test_the_count_of_awkward_texts_is_that_of_encoding_them(text: str) -> None:
    readable = text.encode("utf-8", "replace").decode()
    assert tokens(text) == len(ORACLE.encode(readable, add_special_tokens=False).ids)


@given(st.text(alphabet="ab' \n\r\t²\x1c.1", max_size=80))
def test_long_texts_are_counted_in_parts_without_a_difference(text: str) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("models.token_encoder._PART_CHARACTERS", 5)
        assert tokens(text) == len(ORACLE.encode(text, add_special_tokens=False).ids)


@pytest.mark.real_data
def test_the_count_of_real_texts_is_that_of_encoding_them(real_data: Path) -> None:
    paths = sorted((real_data / "html_gold/newspaper4k").rglob("*.txt"))
    texts = [path.read_text(encoding="utf-8", errors="replace") for path in paths]
    assert len(texts) > 20
    expected = ORACLE.encode_batch_fast(texts, add_special_tokens=False)
    assert [tokens(text) for text in texts] == [len(encoding) for encoding in expected]


def test_any_tokenizer_file_will_do(tmp_path: Path) -> None:
    trained = train(["the whale the sea the ship"] * 50, vocabulary=280)
    lowercasing = trained
    path = tmp_path / "tokenizer.json"
    path.write_text(lowercasing.to_str())
    counter = pickle.loads(pickle.dumps(TokenLength(tokenizer=str(path))))
    assert tokens("the whale", counter) == len(trained.encode("the whale").ids)
    path.write_text("{}")
    with pytest.raises(ValueError, match="not a tokenizer file"):
        TokenLength(tokenizer=str(path)).load()
