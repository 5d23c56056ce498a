import pytest
from hypothesis import given
from hypothesis import strategies as st

from filters.scripts import main_script


@pytest.mark.parametrize(
    ("text", "script"),
    [
        ("Der Himmel", "Latn"),
        ("Паром уходит (ferry)", "Cyrl"),
        ("渡轮九点出发", "Hani"),
        ("フェリーは九時に出発します。", "Hira"),
        ("한국어", "Hang"),
        ("العربية", "Arab"),
        ("हिन्दी", "Deva"),
        ("1984 – 2024: ★★★ 😀", None),
        ("", None),
        ("\ud800", None),
    ],
)
def test_the_script_of_most_letters(text: str, script: str | None) -> None:
    assert main_script(text) == script


@given(st.text(), st.text(alphabet=st.characters(categories=["P", "Nd", "Zs"]), max_size=20))
def test_punctuation_and_repetition_say_nothing_of_the_script(text: str, marks: str) -> None:
    latin = f"{text} and so on " * 2
    assert main_script(latin + latin) == main_script(latin)
    if marks.isascii():
        assert main_script(text + marks) == main_script(text)
