import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from filters.refinedweb import RefinedWebLines
from filters.signals import SignalValue
from filters.text_view import TextView

KINDS = ("uppercase", "numeric", "counter", "one_word", "navigation")


def _compute(text: str, **parameters: tuple[str, ...]) -> dict[str, SignalValue]:
    return dict(RefinedWebLines(**parameters).compute(TextView(text)))


@pytest.mark.parametrize(
    ("line", "kinds"),
    [
        ("It rained all day.", ()),
        ("BREAKING NEWS today", ("uppercase",)),
        ("ABab", ("one_word",)),
        ("ABCab", ("uppercase", "one_word")),
        ("2024", ("numeric", "one_word")),
        ("20 24", ()),
        ("3 likes", ("counter",)),
        ("» 1,234.5k Views «", ("counter",)),
        ("1 comment", ("counter",)),
        ("3 likes it", ()),
        ("likes 3", ()),
        ("Home", ("one_word",)),
        ("—", ("one_word",)),
        ("https://example.com/a-b", ("one_word",)),
        ("news/sport", ("one_word",)),
        ("第一章", ("one_word",)),
        ("他们赋有理性和良心。", ()),
        ("Sign-in or register", ("navigation",)),
        ("Please sign-in here", ()),
        ("Weather for the week Read more...", ("navigation",)),
        ("Weather for the week READ MORE…", ("navigation",)),
        ("Read more about it", ()),
        ("You have 3 items in cart now", ("navigation",)),
        ("One two three four five six seven items in cart", ("navigation",)),
        ("One two three four five six seven eight items in cart", ()),
    ],
)
def test_the_kinds_of_a_line(line: str, kinds: tuple[str, ...]) -> None:
    values = _compute(line)
    assert {kind for kind in KINDS if values[f"refinedweb.{kind}_line_ratio"]} == set(kinds)
    assert values["refinedweb.flagged_line_ratio"] == float(bool(kinds))


def test_whole_result() -> None:
    text = (
        "HOME PAGE\n\n12\n3 likes\nIt rained. It rained all day, said the man who had no hat.\n"
        "The man went home in the rain read more..."
    )
    assert _compute(text) == {
        "refinedweb.uppercase_line_ratio": 1 / 5,
        "refinedweb.numeric_line_ratio": 1 / 5,
        "refinedweb.counter_line_ratio": 1 / 5,
        "refinedweb.one_word_line_ratio": 1 / 5,
        "refinedweb.navigation_line_ratio": 1 / 5,
        "refinedweb.flagged_line_ratio": 4 / 5,
        "refinedweb.flagged_word_ratio": 14 / 27,
        "dclm.word_removal_ratio": 7 / 27,
    }


def test_figures_that_do_not_exist_are_null() -> None:
    assert set(_compute("\n \n").values()) == {None}
    symbols = _compute("* * *")
    assert symbols["refinedweb.flagged_word_ratio"] is None
    assert symbols["dclm.word_removal_ratio"] is None
    assert symbols["refinedweb.flagged_line_ratio"] == 0.0


def test_a_line_that_goes_whole_is_not_edited_too() -> None:
    values = _compute("SIGN-IN\nSIGN-IN HERE\nIt rained all day")
    assert values["refinedweb.navigation_line_ratio"] == 2 / 3
    assert values["dclm.word_removal_ratio"] == 5 / 9


def test_another_language_has_phrases_of_its_own() -> None:
    text = "Kirjaudu sisään tai luo tili\nSign-in or register"
    values = _compute(text, at_start=("kirjaudu sisään",), at_end=(), anywhere=())
    assert values["refinedweb.navigation_line_ratio"] == 1 / 2
    assert values["dclm.word_removal_ratio"] == 2 / 9


def test_an_empty_phrase_is_refused() -> None:
    with pytest.raises(ValueError, match="anywhere: a phrase can't be empty"):
        RefinedWebLines(anywhere=("cart", ""))


def test_a_phrase_is_no_pattern() -> None:
    """In DCLM the dots of "Read more..." are any three characters, and "..." alone is not."""
    assert _compute("All about it, read more")["refinedweb.navigation_line_ratio"] == 0.0
    assert _compute("All about it, read more now")["refinedweb.navigation_line_ratio"] == 0.0


def _dclm(text: str) -> str:
    """DCLM's modifiers, one after the other over all lines, as its configuration orders them."""
    counted = (
        "like share comment retweet repost quote bookmark upvote downvote download view follower"
    )
    nouns = "|".join(f"{noun}s?" for noun in counted.split())
    lines = [
        line
        for line in text.split("\n")
        if sum(map(str.isupper, line)) <= 0.5 * len(line)
        and not line.isdigit()
        and not re.search(rf"^\W*\d(?:,|\.|\d)*[kmb]?\s+(?:{nouns})\W*$", line.lower())
        and len(line.split()) >= 2
    ]
    for phrase in (r"\s?items in cart", r"\s?read more\.\.\.$", r"^sign-in\s?"):
        lines = [
            re.sub(phrase, "", line, flags=re.IGNORECASE) if len(line.split()) <= 10 else line
            for line in lines
        ]
    return "\n".join(lines)


PIECES = [
    "It rained all day",
    "sign-in",
    "Sign-in",
    "items in cart",
    "read more...",
    "NEWS",
    "AAaa",
    "12",
    "3,000",
    "likes",
    "view",
    "»",
]
LINES = st.lists(st.sampled_from(PIECES), min_size=1, max_size=4).map(" ".join)


@given(st.lists(LINES, min_size=1, max_size=6).map("\n".join))
def test_the_words_that_go_are_those_that_dclm_takes_out(text: str) -> None:
    before, after = (len(TextView(each).non_symbol_words) for each in (text, _dclm(text)))
    removed = _compute(text)["dclm.word_removal_ratio"]
    assert removed == ((before - after) / before if before else None)


@given(st.lists(LINES, max_size=6).map("\n".join))
def test_what_goes_is_no_more_than_what_is_flagged(text: str) -> None:
    values = _compute(text)
    flagged, removed = values["refinedweb.flagged_word_ratio"], values["dclm.word_removal_ratio"]
    if flagged is not None:
        assert isinstance(flagged, float)
        assert isinstance(removed, float)
        assert 0 <= removed <= flagged <= 1
