from collections import Counter

import pytest
import regex
from hypothesis import given
from hypothesis import strategies as st

from filters.moscar import Moscar
from filters.signals import SignalValue
from filters.text_view import TextView

LONG_WORDS = "Notwithstanding considerable precipitation everywhere, everybody " * 2
SENTENCE = "It rained all day long, and nobody went out."
CHARACTERS = st.text("aA1é字न\u0901 .>\ud800😀", min_size=1, max_size=30)
RULES = [
    "few_byte",
    "digit",
    "date",
    "lorem_ipsum",
    "non_alphabetic",
    "curly_bracket",
    "comparison_sign",
    "boilerplate",
    "capital",
    "social",
    "one_character",
]


def _rules_against(line: str) -> set[str]:
    values = Moscar().compute(TextView(f"{line}\n{SENTENCE}"))
    shares = {rule: values[f"moscar.{rule}_line_ratio"] for rule in RULES}
    assert set(shares.values()) <= {0.0, 0.5}
    return {rule for rule, share in shares.items() if share}


@pytest.mark.parametrize(
    ("line", "rules"),
    [
        (SENTENCE, set()),
        ("abcde", set()),
        ("abcd", {"few_byte"}),
        ("über", set()),
        ("дождик", {"few_byte", "one_character"}),
        ("шёл дождь", set()),
        ("今天下雨了", set()),
        ("今天下雨", {"few_byte"}),
        # Half of the characters are Latin, which is not more than half.
        ("pages 12345", {"few_byte", "digit", "non_alphabetic"}),
        ("the pages 12345", {"digit", "non_alphabetic"}),
        ("everything 123", set()),
        (f"{LONG_WORDS}from 3 May 2021 to the 12th of June 2022", set()),
        (f"{LONG_WORDS}from 3 May 2021 to June 12th, 2022", {"date"}),
        (f"{LONG_WORDS}from Dec. 3, 2021 to 12 September 2022", {"date"}),
        (f"{LONG_WORDS}from 3.5.2021 to 12.6.22 or so", {"date"}),
        (f"{LONG_WORDS}from 2021-05-03 to 2022/06/12", {"date"}),
        (f"{LONG_WORDS}from 2021/05 to 1.2.3456.7 or 12/31/98765", set()),
        ("会议从2021年5月3日开始，大家一直讨论到2022年6月12日才正式宣布结束并离开会场", {"date"}),
        ("There is a LOREM IPSUM to be read in here, is there", {"lorem_ipsum", "capital"}),
        ("There is a lorem ipsum to be read in here", {"lorem_ipsum"}),
        ("abcdef -,-,", {"non_alphabetic"}),
        ("सभी मनुष्यों को गौरव और अधिकारों के मामले में", set()),
        ("function of x {", {"curly_bracket"}),
        ("end of function }", {"curly_bracket"}),
        ("home > news > sports", set()),
        ("home > news > sports > results", {"comparison_sign"}),
        ("one > two < three > another < yet another", set()),
        ("Now Follow Us over here", {"boilerplate"}),
        ("All rights reserved © by us", {"boilerplate"}),
        ("Please enable javascript now", {"boilerplate"}),
        ("The Rain It Rains", {"capital"}),
        ("The Rain it rains on", set()),
        ("Share", {"social"}),
        ("newsletter", {"social"}),
        ("a share of the market", set()),
        ("bananarama", {"one_character"}),
        ("bananarama!", {"one_character"}),
        ("bananaramas, oh!", set()),
    ],
)
def test_rules_against_a_line(line: str, rules: set[str]) -> None:
    assert _rules_against(line) == rules


@given(
    st.lists(st.text("aA1é字न\u0901 .>\ud800😀", min_size=1, max_size=30), min_size=1, max_size=8)
)
def test_shares_of_characters_are_those_of_a_plain_count(lines: list[str]) -> None:
    view = TextView("\n".join(lines))
    discarded: Counter[str] = Counter()
    for line in view.lines:
        others = len(regex.findall(r"[^\p{L}\p{M}]", line))
        discarded["non_alphabetic"] += others / len(line) > 0.33
        discarded["digit"] += line.count("1") / len(line) > 0.3
        discarded["capital"] += line.count("A") / len(line) > 0.2
        discarded["one_character"] += max(Counter(line).values()) / len(line) > 0.33
    values = Moscar().compute(view)
    for rule, count in discarded.items():
        assert values[f"moscar.{rule}_line_ratio"] == count / len(view.lines)


def test_whole_result() -> None:
    text = "\n".join(
        [
            "Home",
            "Share",
            f"  {SENTENCE}",
            "",
            SENTENCE,
            SENTENCE.replace("long,", "long"),
            "It snowed in Zürich for a week.",
            "© 2024 {company}",
        ]
    )
    expected: dict[str, SignalValue] = {f"moscar.{rule}_line_ratio": 0.0 for rule in RULES}
    expected |= {
        "moscar.few_byte_line_ratio": 1 / 7,
        "moscar.capital_line_ratio": 1 / 7,
        "moscar.social_line_ratio": 1 / 7,
        "moscar.non_alphabetic_line_ratio": 1 / 7,
        "moscar.boilerplate_line_ratio": 1 / 7,
        "moscar.curly_bracket_line_ratio": 1 / 7,
        "moscar.near_duplicate_line_ratio": 1 / 7,
        "moscar.discarded_line_ratio": 5 / 7,
        "moscar.discarded_line_count": 5,
        "moscar.remaining_character_count": 44 + 31,
        "moscar.remaining_byte_count": 44 + 32,
        "moscar.little_remains": True,
    }
    assert Moscar().compute(TextView(text)) == expected


@pytest.mark.parametrize("text", ["", "\n \n"])
def test_nothing_remains_of_no_lines(text: str) -> None:
    values = dict(Moscar().compute(TextView(text)))
    assert values.pop("moscar.little_remains") is True
    counts = {name for name in values if name.endswith("_count")}
    assert {values.pop(name) for name in counts} == {0}
    assert set(values.values()) == {None}


@pytest.mark.parametrize(
    ("lines", "length", "little"), [(4, 74, True), (4, 75, False), (5, 10, False), (1, 300, False)]
)
def test_little_remains_of_few_lines_with_few_characters(
    lines: int, length: int, little: bool
) -> None:
    kept = [("abcdefghij"[place:] + "klmnopqrst" * 30)[:length] for place in range(lines)]
    values = Moscar().compute(TextView("\n".join(kept)))
    assert values["moscar.remaining_character_count"] == lines * length
    assert values["moscar.little_remains"] is little
