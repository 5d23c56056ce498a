import math
import random
import re
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from filters import text_view
from filters.lexicon import Lexicon
from filters.redpajama import RedPajama
from filters.signals import SignalValue
from filters.stop_words import all_stop_words
from filters.text_view import TextView

TEXTS = st.text(
    st.one_of(st.sampled_from("aAbTHE thenot.!?{}•–½7\n\n  東δΔ"), st.characters()), max_size=150
)
BULLETS = (8226, 8227, 9654, 9664, 9702, 9632, 9633, 9642, 9643, 8211)


def _compute(text: str, language: str | None = "en") -> dict[str, SignalValue]:
    return dict(RedPajama().compute(TextView(text, language=language)))


def _by_definition(text: str) -> dict[str, float | None]:
    """RedPajama-v2's figures as its docstrings define them, one element at a time."""
    view = TextView(text)
    raw, normalised = view.words, [word.lower() for word in view.non_symbol_words]
    shares = [count / len(normalised) for count in Counter(normalised).values()]
    stops = all_stop_words("en") or frozenset()
    lines, words_of_lines = view.lines, [line.split() for line in view.lines]

    def share(things: list[str], is_counted: object) -> float | None:
        assert callable(is_counted)
        return sum(map(bool, map(is_counted, things))) / len(things) if things else None

    def mean(figures: list[float]) -> float | None:
        return math.fsum(figures) / len(figures) if figures else None

    return {
        "redpajama.unigram_entropy": (
            math.fsum(-part * math.log(part) for part in shares) if shares else None
        ),
        "redpajama.unique_word_ratio": len(shares) / len(normalised) if shares else None,
        "redpajama.uppercase_word_ratio": share(raw, str.isupper),
        "redpajama.no_latin_letter_word_ratio": share(
            raw, lambda word: not re.search("[a-zA-Z]", word)
        ),
        "redpajama.sentence_count": len(re.findall(r"\b[^.!?]+[.!?]*", text)),
        "redpajama.stop_word_ratio": share(raw, stops.__contains__),
        "redpajama.javascript_word_count": normalised.count("javascript"),
        "redpajama.lorem_ipsum_ratio": (
            len(re.findall("lorem ipsum", text.lower())) / len(text) if text else None
        ),
        "redpajama.curly_bracket_ratio": share(list(text), "{}".__contains__),
        "redpajama.uppercase_ratio": share(list(text), str.isupper),
        "redpajama.bullet_line_ratio": share(lines, lambda line: ord(line[0]) in BULLETS),
        "redpajama.mean_line_word_count": mean([float(len(words)) for words in words_of_lines]),
        "redpajama.longest_line_word_count": max(map(len, words_of_lines), default=None),
        "redpajama.mean_line_uppercase_ratio": mean(
            [sum(map(str.isupper, line)) / len(line) for line in lines]
        ),
        "redpajama.mean_line_number_ratio": mean(
            [sum(map(str.isnumeric, line)) / len(line) for line in lines]
        ),
    }


@given(TEXTS)
def test_every_figure_is_its_definition_over_our_words(text: str) -> None:
    assert _compute(text) == pytest.approx(_by_definition(text), abs=1e-12)


def test_whole_result() -> None:
    text = "THE Javascript {is} off.\n\n• Lorem ipsum 42!\nThe rain, the rain"
    assert _compute(text) == pytest.approx(
        {
            # Of eleven words, "the" occurs three times and "rain" twice.
            "redpajama.unigram_entropy": math.log(11) - (3 * math.log(3) + 2 * math.log(2)) / 11,
            "redpajama.unique_word_ratio": 8 / 11,
            "redpajama.uppercase_word_ratio": 1 / 17,
            "redpajama.no_latin_letter_word_ratio": 7 / 17,
            "redpajama.sentence_count": 3,
            # is, off, the: "The" is not in lower case.
            "redpajama.stop_word_ratio": 3 / 17,
            "redpajama.javascript_word_count": 1,
            "redpajama.lorem_ipsum_ratio": 1 / 62,
            "redpajama.curly_bracket_ratio": 2 / 62,
            "redpajama.uppercase_ratio": 6 / 62,
            "redpajama.bullet_line_ratio": 1 / 3,
            "redpajama.mean_line_word_count": 4.0,
            "redpajama.longest_line_word_count": 4,
            "redpajama.mean_line_uppercase_ratio": (4 / 24 + 1 / 17 + 1 / 18) / 3,
            "redpajama.mean_line_number_ratio": (2 / 17) / 3,
        }
    )


def test_figures_that_do_not_exist_are_null() -> None:
    counts = {"redpajama.sentence_count": 0, "redpajama.javascript_word_count": 0}
    empty = _compute("")
    assert empty == dict.fromkeys(empty, None) | counts
    symbols = _compute("- - -")
    assert symbols["redpajama.unigram_entropy"] is None
    assert symbols["redpajama.no_latin_letter_word_ratio"] == 1.0


@pytest.mark.parametrize(
    ("language", "ratio"), [("fi", 2 / 3), ("en", 0.0), ("xx", None), (None, None)]
)
def test_stop_words_are_those_of_the_language(language: str | None, ratio: float | None) -> None:
    assert _compute("minä olen talo", language)["redpajama.stop_word_ratio"] == ratio


def test_entropy_is_the_same_whatever_words_were_met_before(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    words = [f"w{number}" for number in range(60)]
    text = " ".join(word for rank, word in enumerate(words, 1) for _ in range(1 + 97 // rank))
    figures = set()
    for seed in range(20):
        met = random.Random(seed).sample(words, len(words))
        held = Lexicon()
        monkeypatch.setattr(text_view, "shared_lexicon", lambda held=held: held)
        assert TextView(" ".join(met)).words == met
        figures.add(_compute(text)["redpajama.unigram_entropy"])
    assert len(figures) == 1
