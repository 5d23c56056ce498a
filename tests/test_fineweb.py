import math
from collections.abc import Iterator

import pytest
from datatrove.data import Document
from datatrove.pipeline.filters import FineWebQualityFilter, fineweb_quality_filter
from hypothesis import given
from hypothesis import strategies as st

from filters.fineweb import FineWebQuality
from filters.text_view import TextView

OFF = {
    "line_punct_thr": 0.0,
    "short_line_thr": math.inf,
    "char_duplicates_ratio": math.inf,
    "new_line_ratio": math.inf,
}
BOUNDS = {
    "fineweb.short_line_ratio": "short_line_thr",
    "fineweb.duplicate_line_character_ratio": "char_duplicates_ratio",
    "fineweb.newline_word_ratio": "new_line_ratio",
}
ENDS = ["", ".", "!", "؟", "。", "।", "...", ",", '"', "։"]
LINES = st.tuples(st.sampled_from(["A", "Ab cd", "x" * 29, "y" * 30, "z z"]), st.sampled_from(ENDS))


@pytest.fixture(autouse=True, scope="module")
def _datatrove_splits_words_as_we_do() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            fineweb_quality_filter, "split_into_words", lambda text, language: TextView(text).words
        )
        yield


def _keeps(text: str, **bounds: float) -> bool:
    return FineWebQualityFilter(**(OFF | bounds)).filter(Document(text=text, id="0")) is True


@given(st.lists(LINES.map("".join), min_size=1).map("\n".join), st.sampled_from(["", "\n\n"]))
def test_every_figure_equals_datatrove(text: str, after: str) -> None:
    text += after
    values = FineWebQuality().compute(TextView(text))
    for name, bound in BOUNDS.items():
        figure = values[name]
        assert isinstance(figure, float)
        assert _keeps(text, **{bound: figure})
        assert not _keeps(text, **{bound: math.nextafter(figure, -1)})
    punctuated = values["fineweb.line_punctuation_ratio"]
    assert isinstance(punctuated, float)
    assert _keeps(text, line_punct_thr=punctuated)
    assert not _keeps(text, line_punct_thr=math.nextafter(punctuated, 2))


def test_whole_result() -> None:
    text = "Menu\n\nMenu\nOne longer line with more than thirty characters.\n"
    assert FineWebQuality().compute(TextView(text)) == {
        "fineweb.line_punctuation_ratio": 1 / 3,
        "fineweb.short_line_ratio": 2 / 3,
        "fineweb.duplicate_line_character_ratio": 4 / 57,
        "fineweb.newline_word_ratio": 4 / 11,
    }


@pytest.mark.parametrize("text", ["", "\n\n", " \t \n", "\x1c"])
def test_no_lines_have_no_figures(text: str) -> None:
    assert FineWebQuality().compute(TextView(text)) == dict.fromkeys(
        ["fineweb.line_punctuation_ratio", *BOUNDS]
    )


def test_white_space_after_a_line_hides_no_full_stop() -> None:
    """Datatrove looks at the white space and finds no full stop."""
    text = "It rained. \nIt snowed.\t"
    assert not _keeps(text, line_punct_thr=0.01)
    assert FineWebQuality().compute(TextView(text))["fineweb.line_punctuation_ratio"] == 1.0
