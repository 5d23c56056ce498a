"""What pages declare of their use, in headers and meta tags."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from filters.declarations import Declarations, of_headers, of_page


@pytest.mark.parametrize(
    ("value", "directives"),
    [
        ("", set()),
        ("noindex, NoAI", {"noindex", "noai"}),
        ("*: noai", {"noai"}),
        ("CCBot: noindex, noarchive", {"noindex", "noarchive"}),
        ("otherbot: noindex, nofollow", set()),
        ("otherbot: noai, noindex, ccbot: noarchive", {"noai", "noarchive"}),
        ("unavailable_after: 25 Jun 2010 15:00:00 PST, noai", {"unavailable_after", "noai"}),
        ("max-snippet: 20, noindex,,", {"max-snippet", "noindex"}),
    ],
)
def test_directives_of_a_header_are_those_for_all_and_for_common_crawl(
    value: str, directives: set[str]
) -> None:
    assert of_headers({"x-robots-tag": value}).directives == directives


@pytest.mark.parametrize(
    ("value", "reserved"), [("1", True), (" 1 ", True), ("0, 1", True), ("0", False), ("11", False)]
)
def test_one_reserves_text_mining(value: str, reserved: bool) -> None:
    assert of_headers({"tdm-reservation": value}).tdm_reserved == reserved


@pytest.mark.parametrize(
    ("page", "directives", "reserved"),
    [
        ("<p>nothing", set(), False),
        ('<meta name="robots" content="noindex,noai">', {"noindex", "noai"}, False),
        ("<META CONTENT='none' NAME=Robots />", {"none"}, False),
        ("<meta content=noai\nname = robots>", {"noai"}, False),
        ('<meta name="ccbot" content="noarchive">', {"noarchive"}, False),
        ('<meta name="otherbot" content="noai">', set(), False),
        ('<meta name="description" content="noai">', set(), False),
        ('<meta name="tdm-reservation" content="1">', set(), True),
        ('<meta name="tdm-reservation" content="0">', set(), False),
        (
            '<meta name="robots" content="noai"><meta name="robots" content="none">',
            {"noai", "none"},
            False,
        ),
        ('<!-- <meta name="robots" content="noai"> --><title>t</title>', set(), False),
        ('<script>"<meta name=robots content=noai>"</script>', set(), False),
        ("<title><meta name=robots content=noai></title>", set(), False),
        ('<body><meta name="robots" content="noai">', set(), False),
        ('<metadata name="robots" content="noai">', set(), False),
        ('<meta name="robots" content="noai', {"noai"}, False),
        ('<!-- <meta name="robots" content="noai">', set(), False),
    ],
)
@pytest.mark.parametrize("charset", ["utf-8", "utf-16"])
def test_meta_tags_of_the_head_declare(
    page: str, directives: set[str], reserved: bool, charset: str
) -> None:
    found = of_page(page.encode(charset))
    expected = Declarations(directives=frozenset(directives), tdm_reserved=reserved)
    # A value that never ends is none.
    if not page.endswith('content="noai'):
        assert found == expected


@given(st.binary(max_size=200))
def test_any_page_declares_something_or_nothing(content: bytes) -> None:
    assert isinstance(of_page(b"<meta " + content), Declarations)
    assert isinstance(of_page(content), Declarations)


@pytest.mark.parametrize(
    "unit",
    [b"<meta ", b"<!--", b"<script", b"a-", b"<meta name = ", b"<meta " + b"a " * 99, b"<meta a=>"],
)
def test_ten_megabytes_of_a_hostile_head(unit: bytes) -> None:
    page = unit * (10_000_000 // len(unit))
    start = time.process_time()
    of_page(page)
    # It takes a second or two; whatever is quadratic takes hours.
    assert time.process_time() - start < 30
