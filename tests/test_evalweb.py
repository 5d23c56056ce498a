import json
import pickle
import re
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from filters.evalweb import EvalWeb
from filters.length import Length
from filters.rule_sets import RULE_SETS
from filters.signals import SignalValue
from filters.text_view import TextView

CHINESE = "今天下雨了，明天也下雨。"


def _value(text: str, name: str, family: EvalWeb | None = None) -> SignalValue:
    return (family or EvalWeb()).compute(TextView(text))[f"evalweb.{name}"]


def _duplicate_13grams(text: str) -> float | None:
    """The released code's figure, with the last 13-gram that it misses."""
    text = re.sub("[ \n\t]", "", text.strip().lower())
    ngrams = [text[start : start + 13] for start in range(len(text) - 12)]
    counts = Counter(ngrams)
    return sum(counts[ngram] > 1 for ngram in ngrams) / len(ngrams) if ngrams else None


@given(st.text("天天地 A\n\tﬀİ\ud800", max_size=80).map(lambda text: "字" + text + text[:40]))
def test_duplicate_13grams_are_those_of_a_plain_count(text: str) -> None:
    assert _value(text, "duplicate_13gram_ratio") == _duplicate_13grams(text)


def test_the_last_13gram_counts_too() -> None:
    """The released code takes len(text) - 13 n-grams of a text that has one more."""
    thirteen = "一二三四五六七八九十百千万"
    released = [(thirteen * 2)[start : start + 13] for start in range(13)]
    assert len(set(released)) == 13, "there, no 13-gram is found twice"
    assert _value(thirteen * 2, "duplicate_13gram_ratio") == 2 / 14
    assert _value(thirteen, "duplicate_13gram_ratio") == 0.0


def test_whole_result() -> None:
    text = f"{CHINESE}網\n\n赌场 casino"
    assert EvalWeb().compute(TextView(text)) == {
        "evalweb.mean_line_length": 24 / 3,
        "evalweb.chinese_character_ratio": 13 / 24,
        "evalweb.traditional_character_ratio": 1 / 24,
        "evalweb.sensitive_words_per_line": 0.0,
        "evalweb.duplicate_13gram_ratio": 0.0,
    }


def test_a_text_without_chinese_has_no_traditional_characters_to_speak_of() -> None:
    assert EvalWeb().compute(TextView("It rained all day.\nÀ demain. かな")) == {
        "evalweb.mean_line_length": 31 / 2,
        "evalweb.chinese_character_ratio": 0.0,
        "evalweb.traditional_character_ratio": None,
        "evalweb.sensitive_words_per_line": 0.0,
        "evalweb.duplicate_13gram_ratio": None,
    }


def test_an_empty_text_has_no_figures() -> None:
    assert set(EvalWeb().compute(TextView("")).values()) == {None}


@pytest.mark.parametrize(
    ("text", "changed"),
    [
        (CHINESE, 0),
        ("皇后在着名的沈阳", 0),
        ("後天下雨", 1),
        ("妳好", 1),
        ("「你好」", 2),
        ("他說：「後天下雨。」", 4),
        # A word of another length in mainland China: what the two have not in common has changed.
        ("電腦的記憶體", 5),
        ("下雨\ud800\n後天", 1),
    ],
)
def test_traditional_characters_are_those_that_conversion_changes(text: str, changed: int) -> None:
    assert _value(text, "traditional_character_ratio") == changed / len(text)


@given(st.text("雨下後說記憶體內存行動電話「」。 a\n", max_size=40))
def test_the_share_of_traditional_characters_is_a_share(text: str) -> None:
    share = _value("雨" + text, "traditional_character_ratio")
    assert isinstance(share, float)
    assert 0 <= share <= 1


def test_distinct_sensitive_words_count_for_each_line(tmp_path: Path) -> None:
    path = tmp_path / "words.txt"
    path.write_text("天气\t下雨\n天气\t雨\ncasino\n", encoding="utf-8")
    family = EvalWeb(sensitive_words=str(path))
    assert family.files == {"sensitive_words": str(path)}
    assert _value("下雨，下雨\n\nCasino\n", "sensitive_words_per_line", family) == 2 / 4
    assert _value("the casino", "sensitive_words_per_line", family) == 1.0


def test_the_list_that_comes_along_knows_spam() -> None:
    assert EvalWeb().files == {}
    spam = "澳门新葡京真人赌场，注册送礼金\n代开发票，办证"
    assert _value(spam, "sensitive_words_per_line") == 5 / 2


def test_a_list_that_is_missing_is_told_when_it_is_loaded(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"missing\.txt: can't be read"):
        EvalWeb(sensitive_words=str(tmp_path / "missing.txt")).load()
    with pytest.raises(ValueError, match="leave it out for the default"):
        EvalWeb(sensitive_words="")


def test_a_family_that_has_read_its_words_is_small_to_pickle() -> None:
    family = EvalWeb()
    family.load()
    assert len(pickle.dumps(family)) < 200
    assert pickle.loads(pickle.dumps(family)) == family


@pytest.mark.real_data
def test_rules_over_the_sample_of_chinesewebtext(real_data: Path) -> None:
    """100 pages as EvalWeb reads them: five have corner brackets or 妳, one 部分, two repeat."""
    path = real_data / "quality" / "chinesewebtext" / "2021-43" / "cleared1.jsonl"
    failed: Counter[str] = Counter()
    for line in path.read_text(encoding="utf-8").splitlines():
        view = TextView(json.loads(line)["raw_content"])
        values = {**Length().compute(view), **EvalWeb().compute(view)}
        for signal, bounds in RULE_SETS["evalweb_zh"].items():
            value = values[signal]
            assert isinstance(value, int | float)
            failed[signal] += value not in bounds
    assert +failed == {
        "length.characters": 1,
        "evalweb.traditional_character_ratio": 6,
        "evalweb.duplicate_13gram_ratio": 2,
    }
