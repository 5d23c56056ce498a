import copy
import gzip
import pickle
from pathlib import Path

import pytest
from datatrove.data import Document
from datatrove.pipeline.filters import C4QualityFilter
from hypothesis import given
from hypothesis import strategies as st

from filters.c4_edit import C4Lines
from filters.edits import Edit
from filters.extraction import extract_text

REASONS = {
    "line-filter-too_long_word": "c4.cut_long_word_line_count",
    "line-filter-no_terminal_punc": "c4.cut_unterminated_line_count",
    "line-filter-too_few_words": "c4.cut_few_word_line_count",
    "line-filter-javascript": "c4.cut_javascript_line_count",
    "line-filter-policy": "c4.cut_policy_line_count",
}
PIECES = [
    *("It rained on Monday.", "all day", "why?", '"so"', "...", "and on", "[1]", "[12].", "[edit]"),
    *("[citation needed]", "[x]", "Javascript", "Cookie Policy", "we use cookies", "x" * 1001),
    *("{", "Lorem ipsum", "\u3000", " ", "ﬁn.", "İ"),
]
BREAKS = ["\n", "\r\n", "\r", "\n\n", "\x0b", "\x1c", "\x85", "\u2028"]
TEXTS = st.lists(
    st.tuples(st.sampled_from(PIECES), st.sampled_from([*BREAKS, " ", " ", "", ""])), max_size=20
).map(lambda parts: "".join(map("".join, parts)))


def _datatrove(text: str, **parameters: bool | int) -> tuple[str, dict[str, int]]:
    rule = C4QualityFilter(
        min_num_sentences=-1, filter_lorem_ipsum=False, filter_curly_bracket=False, **parameters
    )
    document = Document(text=text, id="0")
    assert rule.filter(document) is True
    return document.text, {
        REASONS[name]: int(stat.total) for name, stat in rule.stats.stats.items() if name in REASONS
    }


@given(
    TEXTS, st.booleans(), st.booleans(), st.booleans(), st.booleans(), st.sampled_from([1, 3, 5])
)
def test_the_text_and_the_reasons_are_datatroves(
    text: str, citations: bool, punctuation: bool, javascript: bool, policy: bool, words: int
) -> None:
    edited = C4Lines(
        citations=citations,
        terminal_punctuation=punctuation,
        javascript=javascript,
        policy=policy,
        fewest_words=words,
    ).apply(text)
    expected, counts = _datatrove(
        text,
        remove_citations=citations,
        filter_no_terminal_punct=punctuation,
        filter_javascript=javascript,
        filter_policy=policy,
        min_words_per_line=words,
    )
    assert edited.text == expected
    # datatrove counts blank lines as cut, too.
    blank = sum(not line.strip() for line in text.splitlines())
    reason = "unterminated" if punctuation else "few_word"
    ours = {name: edited.counts[name] for name in REASONS.values()}
    ours[f"c4.cut_{reason}_line_count"] += blank
    assert {name: count for name, count in ours.items() if count} == counts


@pytest.mark.real_data
def test_real_pages_are_left_as_datatrove_leaves_them(real_data: Path) -> None:
    pages = sorted((real_data / "html_gold/scrapinghub_aeb/html").glob("*.html.gz"))
    assert len(pages) > 100
    kept = 0
    for page in pages:
        text = extract_text(gzip.decompress(page.read_bytes()).decode(errors="replace")).text
        edited = C4Lines().apply(text).text
        assert edited == _datatrove(text)[0]
        kept += len(edited)
    assert kept > 100_000


def test_whole_result() -> None:
    text = (
        f"Menu\n\nIt rained all day. \n\t{'x' * 1001} was the word.\nToo short.\r\nIt rained...\n"
        "It rained[1] on Monday.[2]\nPlease enable JavaScript now.\nSee our Privacy Policy here."
    )
    edited = C4Lines().apply(text)
    assert edited.text == "It rained all day.\nIt rained on Monday."
    assert edited.counts == {
        "c4.cut_long_word_line_count": 1,
        "c4.cut_citation_count": 2,
        "c4.cut_unterminated_line_count": 2,
        "c4.cut_few_word_line_count": 1,
        "c4.cut_javascript_line_count": 1,
        "c4.cut_policy_line_count": 1,
        # A blank line, a space, a tab and a carriage return.
        "c4.cut_white_space_count": 4,
    }


def test_rules_can_be_left_out() -> None:
    text = f"Home\nsee [1] {'x' * 1001}"
    everything = C4Lines(
        longest_word=None, citations=False, terminal_punctuation=False, fewest_words=None
    )
    assert everything.apply(text).text == text


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("It rained all day.\nIt rained on Monday.", 0),
        ("It rained all day.\x0bIt rained on Monday.", 1),
        ("\tIt rained all day.\r\n \r\nIt rained on Monday.\n", 6),
        ("", 0),
        (" \n", 2),
    ],
)
def test_white_space_is_counted(text: str, count: int) -> None:
    edited = C4Lines().apply(text)
    assert edited.counts["c4.cut_white_space_count"] == count
    assert edited.text in ("", "It rained all day.\nIt rained on Monday.")


def test_a_second_time_changes_nothing() -> None:
    once = C4Lines().apply("It rained all day.\nMenu\n It rained on Monday. ")
    twice = C4Lines().apply(once.text)
    assert twice.text == once.text
    assert set(twice.counts.values()) == {0}


@pytest.mark.parametrize("parameters", [{"longest_word": 0}, {"fewest_words": -1}])
def test_a_bound_below_one_is_refused(parameters: dict[str, int]) -> None:
    (name,) = parameters
    with pytest.raises(ValueError, match=f"{name} is"):
        C4Lines(**parameters)  # type: ignore[arg-type]


@given(st.text(st.characters()))
def test_no_text_makes_it_fail(text: str) -> None:
    edit = C4Lines()
    assert isinstance(edit, Edit)
    edited = edit.apply(text)
    assert list(edited.counts) == [signal.name for signal in edit.signals]
    assert pickle.loads(pickle.dumps(edit)) == edit == copy.deepcopy(edit)
    assert (edited.text != text) == any(edited.counts.values())
