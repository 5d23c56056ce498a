import json
import math
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from datatrove.data import Document
from datatrove.pipeline.filters import GopherQualityFilter, GopherRepetitionFilter
from datatrove.pipeline.filters import gopher_quality_filter as quality_module
from datatrove.pipeline.filters import gopher_repetition_filter as repetition_module
from hypothesis import given
from hypothesis import strategies as st

from filters.gopher import DUPLICATE_NGRAMS, TOP_NGRAMS, GopherQuality, GopherRepetition
from filters.signals import SignalValue
from filters.text_view import TextView


def _our_words(text: str, language: str = "") -> list[str]:
    return TextView(text).words


@pytest.fixture(autouse=True, scope="module")
def _datatrove_splits_words_as_we_do() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(quality_module, "split_into_words", _our_words)
        patch.setattr(repetition_module, "split_into_words", _our_words)
        yield


# Datatrove compares n-grams with their words run together: no row of these can be read as another.
# Each is one token, and a symbol to both sides or to neither.
ENTRIES = ["The", "be", "of", "River", "Quay", "x_ray", "3", ",", "…", "...", "#", "-", "!"]
LINES = st.lists(st.sampled_from(ENTRIES), min_size=1, max_size=12).map(" ".join)
PARAGRAPHS = st.lists(LINES, min_size=1, max_size=6).map("\n".join)
DOCUMENTS = st.lists(PARAGRAPHS, min_size=1, max_size=5).map("\n\n".join)

QUALITY_OFF = {
    "min_doc_words": None,
    "max_doc_words": None,
    "min_avg_word_length": None,
    "max_avg_word_length": None,
    "max_symbol_word_ratio": None,
    "max_bullet_lines_ratio": None,
    "max_ellipsis_lines_ratio": None,
    "max_non_alpha_words_ratio": None,
    "min_stop_words": None,
}
REPETITION_OFF = {
    "dup_line_frac": None,
    "dup_para_frac": None,
    "dup_line_char_frac": None,
    "dup_para_char_frac": None,
    "top_n_grams": (),
    "dup_n_grams": (),
}


def _assert_datatrove_has_maximum(keeps: Callable[[float], bool], text_figure: float) -> None:
    """Datatrove keeps the text up to a bound of exactly the figure and drops it below that.

    Its filters give no figures, and take a bound of 0 for no bound.
    """
    smallest = 5e-324
    assert keeps(text_figure or smallest)
    if text_figure > smallest:
        assert not keeps(math.nextafter(text_figure, 0))


def _quality_keeps(text: str, **bounds: float) -> bool:
    rule = GopherQualityFilter(**(QUALITY_OFF | bounds))
    return rule.filter(Document(text=text, id="0")) is True


def _repetition_keeps(text: str, **bounds: float | tuple[tuple[int, float], ...]) -> bool:
    rule = GopherRepetitionFilter(**(REPETITION_OFF | bounds))
    return rule.filter(Document(text=text, id="0")) is True


def _number(value: SignalValue) -> float:
    assert isinstance(value, int | float)
    return value


def _assert_quality_equals_datatrove(text: str) -> None:
    values = GopherQuality().compute(TextView(text))
    if values["gopher.word_count"]:
        for name, minimum, maximum in (
            ("gopher.word_count", "min_doc_words", "max_doc_words"),
            ("gopher.mean_word_length", "min_avg_word_length", "max_avg_word_length"),
        ):
            figure = _number(values[name])
            assert _quality_keeps(text, **{minimum: figure, maximum: figure})
    symbols = max(
        _number(values["gopher.hash_word_ratio"]), _number(values["gopher.ellipsis_word_ratio"])
    )
    _assert_datatrove_has_maximum(
        lambda bound: _quality_keeps(text, max_symbol_word_ratio=bound), symbols
    )
    alphabetic = _number(values["gopher.alphabetic_word_ratio"])
    assert _quality_keeps(text, max_non_alpha_words_ratio=alphabetic)
    assert not _quality_keeps(text, max_non_alpha_words_ratio=math.nextafter(alphabetic, 2))
    stop_words = _number(values["gopher.stop_word_count"])
    assert _quality_keeps(text, min_stop_words=stop_words)
    assert not _quality_keeps(text, min_stop_words=stop_words + 1)


def _assert_line_marks_equal_datatrove(text: str) -> None:
    values = GopherQuality().compute(TextView(text))
    _assert_datatrove_has_maximum(
        lambda bound: _quality_keeps(text, max_bullet_lines_ratio=bound),
        _number(values["gopher.bullet_line_ratio"]),
    )
    _assert_datatrove_has_maximum(
        lambda bound: _quality_keeps(text, max_ellipsis_lines_ratio=bound),
        _number(values["gopher.ellipsis_line_ratio"]),
    )


LINE_BOUNDS = {
    "gopher.duplicate_line_ratio": "dup_line_frac",
    "gopher.duplicate_paragraph_ratio": "dup_para_frac",
    "gopher.duplicate_line_character_ratio": "dup_line_char_frac",
    "gopher.duplicate_paragraph_character_ratio": "dup_para_char_frac",
}
NGRAM_BOUNDS = {
    **{f"gopher.top_{n}gram_character_ratio": ("top_n_grams", n) for n in TOP_NGRAMS},
    **{f"gopher.duplicate_{n}gram_character_ratio": ("dup_n_grams", n) for n in DUPLICATE_NGRAMS},
}


def _assert_repetition_equals_datatrove(text: str) -> None:
    values = GopherRepetition().compute(TextView(text))
    assert [*LINE_BOUNDS, *NGRAM_BOUNDS] == list(values)
    for name, value in values.items():

        def keeps(bound: float, name: str = name) -> bool:
            if name in LINE_BOUNDS:
                return _repetition_keeps(text, **{LINE_BOUNDS[name]: bound})
            setting, n = NGRAM_BOUNDS[name]
            return _repetition_keeps(text, **{setting: ((n, bound),)})

        _assert_datatrove_has_maximum(keeps, 0.0 if value is None else _number(value))


@given(DOCUMENTS)
def test_quality_equals_datatrove(text: str) -> None:
    _assert_quality_equals_datatrove(text)


@given(
    st.lists(st.tuples(st.sampled_from(["•", "-", "", "…"]), LINES).map("".join), min_size=1).map(
        "\n".join
    )
)
def test_line_marks_equal_datatrove_where_no_line_is_blank(text: str) -> None:
    _assert_line_marks_equal_datatrove(text)


@given(DOCUMENTS)
def test_repetition_equals_datatrove(text: str) -> None:
    _assert_repetition_equals_datatrove(text)


@given(st.lists(st.sampled_from(["Aa", "Bb"]), min_size=1, max_size=60).map(" ".join))
def test_highly_repetitive_text_equals_datatrove(text: str) -> None:
    _assert_repetition_equals_datatrove(text)


@pytest.mark.real_data
def test_real_pages_equal_datatrove(real_data: Path) -> None:
    path = real_data / "quality" / "xquad_wikipedia" / "xquad_contexts.jsonl"
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    texts = [
        text
        for row in rows[::40]
        for text in row.values()
        if isinstance(text, str) and len(text) > 200
    ]
    assert len(texts) > 20
    for number, text in enumerate(texts):
        tidy = "\n".join(TextView(text).lines)
        _assert_repetition_equals_datatrove(tidy)
        # Two paragraphs in a row, with the first again, for more than a trace of repetition.
        _assert_repetition_equals_datatrove("\n\n".join([tidy, texts[number - 1].strip(), tidy]))


@pytest.mark.real_data
def test_real_books_equal_datatrove(real_data: Path) -> None:
    text = (real_data / "quality" / "wikitext2" / "test.txt").read_text(encoding="utf-8")
    tidy = "\n".join(TextView(text[:60_000]).lines)
    _assert_repetition_equals_datatrove(tidy)
    _assert_line_marks_equal_datatrove(tidy)
    # Bullets, money signs and emoji are words to datatrove, whose list of symbols lacks them.
    ascii_only = tidy.encode("ascii", "ignore").decode().replace("$", "").replace("&", "")
    _assert_quality_equals_datatrove(ascii_only)


def test_quality_whole_result() -> None:
    text = "- The cat sat to be with #me...\n\n• 12 € of sand…\nend"
    assert GopherQuality().compute(TextView(text)) == {
        "gopher.word_count": 11,
        "gopher.mean_word_length": 30 / 11,
        "gopher.hash_word_ratio": 1 / 17,
        "gopher.ellipsis_word_ratio": 2 / 17,
        "gopher.bullet_line_ratio": 2 / 3,
        "gopher.ellipsis_line_ratio": 2 / 3,
        "gopher.alphabetic_word_ratio": 10 / 17,
        "gopher.stop_word_count": 4,
    }


def test_repetition_whole_result() -> None:
    line = "a bb ccc dddd eeeee"
    text = f"{line}\n{line}\n\n{line}"
    characters = 3 * len(line) + 3
    values = GopherRepetition().compute(TextView(text))
    assert values == {
        "gopher.duplicate_line_ratio": 2 / 3,
        "gopher.duplicate_paragraph_ratio": 0.0,
        "gopher.duplicate_line_character_ratio": 2 * len(line) / characters,
        "gopher.duplicate_paragraph_character_ratio": 0.0,
        "gopher.top_2gram_character_ratio": 3 * len("a bb") / characters,
        "gopher.top_3gram_character_ratio": 3 * len("a bb ccc") / characters,
        "gopher.top_4gram_character_ratio": 3 * len("a bb ccc dddd") / characters,
        "gopher.duplicate_5gram_character_ratio": 30 / characters,
        "gopher.duplicate_6gram_character_ratio": 16 / characters,
        "gopher.duplicate_7gram_character_ratio": 18 / characters,
        "gopher.duplicate_8gram_character_ratio": 21 / characters,
        "gopher.duplicate_9gram_character_ratio": 25 / characters,
        "gopher.duplicate_10gram_character_ratio": 30 / characters,
    }


def test_figures_that_do_not_exist_are_null() -> None:
    assert GopherQuality().compute(TextView(" \n")) == {
        "gopher.word_count": 0,
        "gopher.mean_word_length": None,
        "gopher.hash_word_ratio": None,
        "gopher.ellipsis_word_ratio": None,
        "gopher.bullet_line_ratio": None,
        "gopher.ellipsis_line_ratio": None,
        "gopher.alphabetic_word_ratio": None,
        "gopher.stop_word_count": 0,
    }
    assert set(GopherRepetition().compute(TextView(" \n")).values()) == {None}
    two_words = GopherRepetition().compute(TextView("two words"))
    assert two_words["gopher.top_2gram_character_ratio"] == 1.0
    assert two_words["gopher.top_3gram_character_ratio"] is None
    assert two_words["gopher.duplicate_5gram_character_ratio"] == 0.0


class TestWhereDatatroveIsNotFollowed:
    """Each test shows datatrove's figure first, then ours."""

    def test_blank_lines_at_the_ends_are_duplicates_of_each_other(self) -> None:
        text = "\nAll of it\nis said once\n"
        assert not _repetition_keeps(text, dup_line_frac=0.2)
        ours = GopherRepetition().compute(TextView(text))
        assert ours["gopher.duplicate_line_ratio"] == 0.0

    def test_lines_of_white_space_are_duplicates(self) -> None:
        text = "one\n \ntwo\n \nthree"
        assert not _repetition_keeps(text, dup_line_frac=0.1)
        ours = GopherRepetition().compute(TextView(text))
        assert ours["gopher.duplicate_line_ratio"] == 0.0

    def test_white_space_after_a_line_hides_a_duplicate(self) -> None:
        text = "again\nagain "
        assert _repetition_keeps(text, dup_line_frac=0.1)
        ours = GopherRepetition().compute(TextView(text))
        assert ours["gopher.duplicate_line_ratio"] == 0.5

    def test_blank_lines_hide_that_every_line_is_a_bullet(self) -> None:
        text = "- one\n\n- two\n\n- three"
        assert _quality_keeps(text, max_bullet_lines_ratio=0.9)
        ours = GopherQuality().compute(TextView(text))
        assert ours["gopher.bullet_line_ratio"] == 1.0

    def test_no_words_divide_by_zero(self) -> None:
        with pytest.raises(ZeroDivisionError):
            _quality_keeps("", max_symbol_word_ratio=0.1)
        ours = GopherQuality().compute(TextView(""))
        assert ours["gopher.hash_word_ratio"] is None

    def test_bullets_emoji_and_money_signs_are_words(self) -> None:
        text = "• one € 😀"
        assert _quality_keeps(text, min_doc_words=4)
        assert GopherQuality().compute(TextView(text))["gopher.word_count"] == 1

    def test_different_words_run_together_are_duplicates(self) -> None:
        text = "ab c d e f , a bc d e f"
        assert not _repetition_keeps(text, dup_n_grams=((5, 0.1),))
        ours = GopherRepetition().compute(TextView(text))
        assert ours["gopher.duplicate_5gram_character_ratio"] == 0.0
