import pytest
from datatrove.data import Document
from datatrove.pipeline.filters import C4QualityFilter, c4_filters
from hypothesis import given
from hypothesis import strategies as st

from filters.c4 import C4Quality
from filters.text_view import TextView


def _sentences(text: str) -> int:
    count = C4Quality().compute(TextView(text))["c4.sentence_count"]
    assert isinstance(count, int)
    return count


@pytest.mark.parametrize(
    ("line", "sentences"),
    [
        ("One came home. Two did not.", 2),
        ("no stop at all", 1),
        ("He asked “why not?” Nobody knew.", 2),
        ("It went on... and on", 2),
        ("Version 3.14 of example.com is out.", 1),
        ('Really?! Yes (of course.) And "so."', 3),
        ("第一句 在 这里。第二句！「第三句。」", 3),
        ("The end of it.", 1),
        ("too short.", 0),
    ],
)
def test_sentences_of_a_line(line: str, sentences: int) -> None:
    assert _sentences(line) == sentences


def test_whole_result() -> None:
    text = (
        "Home\n\nPlease enable JavaScript now.\nWe use cookies here. Read our privacy policy.\n"
        "It was the best of times. It was the worst...\n"
        'A {curly} "Lorem Ipsum" line with LOREM IPSUM'
    )
    assert C4Quality().compute(TextView(text)) == {
        "c4.sentence_count": 3,
        "c4.terminal_punctuation_line_ratio": 2 / 5,
        "c4.few_word_line_ratio": 1 / 5,
        "c4.longest_word_length": 10,
        "c4.javascript_line_count": 1,
        "c4.policy_line_count": 1,
        "c4.lorem_ipsum_count": 2,
        "c4.curly_bracket_count": 1,
    }


def test_figures_that_do_not_exist_are_null() -> None:
    assert C4Quality().compute(TextView("\n \n")) == {
        "c4.sentence_count": 0,
        "c4.terminal_punctuation_line_ratio": None,
        "c4.few_word_line_ratio": None,
        "c4.longest_word_length": None,
        "c4.javascript_line_count": 0,
        "c4.policy_line_count": 0,
        "c4.lorem_ipsum_count": 0,
        "c4.curly_bracket_count": 0,
    }


def test_a_line_with_a_word_of_more_than_1000_characters_has_no_sentences() -> None:
    text = f"Three short words.\nThen {'x' * 1000} came.\nThen {'y' * 1001} came."
    values = C4Quality().compute(TextView(text))
    assert (values["c4.sentence_count"], values["c4.longest_word_length"]) == (2, 1001)


PIECES = ["Rain", "fell", "on", "Monday.", "Why?", "javascript", "use", "cookies", "x" * 1001]
LINES = st.lists(st.sampled_from(PIECES), max_size=7).map(" ".join)


@given(st.lists(LINES, min_size=1, max_size=8).map("\n".join))
def test_sentences_are_those_of_the_lines_that_datatrove_keeps(text: str) -> None:
    """With our sentences of each line, datatrove draws the line at exactly our count."""

    def split(line: str, language: str) -> list[str]:
        return [line] * _sentences(line)

    def kept(least: int) -> object:
        rule = C4QualityFilter(filter_no_terminal_punct=False, min_num_sentences=least)
        return rule.filter(Document(text=text, id="0"))

    count = _sentences(text)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(c4_filters, "split_into_sentences", split)
        assert kept(count) is True
        assert kept(count + 1) == (False, "too_few_sentences")


@given(st.lists(st.text(alphabet="ab.?!\"' …\u2009", max_size=20), max_size=8).map("\n".join))
def test_terminal_punctuation_lines_are_those_that_datatrove_keeps(text: str) -> None:
    lines = TextView(text).lines
    ratio = C4Quality().compute(TextView(text))["c4.terminal_punctuation_line_ratio"]
    rule = C4QualityFilter(min_num_sentences=-1, min_words_per_line=0)
    document = Document(text="\n".join(lines), id="0")
    rule.filter(document)
    assert ratio == (len(TextView(document.text).lines) / len(lines) if lines else None)


@given(st.text(alphabet="ab .?!…。\"')\n", max_size=80))
def test_sentences_add_up_over_lines(text: str) -> None:
    assert _sentences(text) == sum(map(_sentences, text.split("\n")))
