import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from filters.nemo_curator import NemoCurator
from filters.signals import SignalValue
from filters.text_view import TextView


def _compute(text: str, language: str | None = None) -> dict[str, SignalValue]:
    return dict(NemoCurator().compute(TextView(text, language=language)))


@given(st.text(st.characters(max_codepoint=126, min_codepoint=9), min_size=1))
def test_ratios_of_ascii_are_nemo_curators(text: str) -> None:
    """But for control characters, of which it counts the backspace as white space."""
    text = re.sub(r"[^\t\n\r -~]", "", text) or "a"

    def share(pattern: str) -> float:
        return len(re.findall(pattern, text)) / len(text)

    values = _compute(text)
    assert values["nemo.white_space_ratio"] == share(r"[\t\n\r ]")
    assert values["nemo.digit_ratio"] == share("[0-9]")
    assert values["nemo.parenthesis_ratio"] == share(r"[{}\[\]()]")
    assert values["nemo.non_alphanumeric_ratio"] == pytest.approx(
        share(r"[^a-zA-Z0-9\n?!,.]"), abs=1e-12
    )


def test_whole_result() -> None:
    text = "٣ ⟨x⟩\n  see <http://a.org/b?c=d> or “HTTPS://no”　!"
    assert _compute(text) == {
        "nemo.white_space_ratio": 8 / 50,
        "nemo.digit_ratio": 1 / 50,
        "nemo.parenthesis_ratio": 2 / 50,
        "nemo.url_ratio": len("http://a.org/b?c=d") / 50,
        "nemo.non_alphanumeric_ratio": 22 / 50,
    }


def test_an_empty_text_has_no_ratios() -> None:
    assert set(_compute("").values()) == {None}
    assert _compute(" \n")["nemo.white_space_ratio"] == 1.0


@pytest.mark.parametrize(
    ("language", "ratio"), [("en", 0.75), ("eng_Latn", 0.75), (None, 0.75), ("el", None)]
)
def test_the_english_alphabet_is_for_english(language: str | None, ratio: float | None) -> None:
    assert _compute("ναι!", language)["nemo.non_alphanumeric_ratio"] == ratio


def test_an_address_goes_on_behind_the_host() -> None:
    """NeMo Curator's pattern stops at the slash, which makes the longest addresses short."""
    address = "https://example.com/" + "a/" * 40
    assert _compute(address)["nemo.url_ratio"] == 1.0
