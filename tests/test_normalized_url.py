import pytest
from hypothesis import given
from hypothesis import strategies as st

from filters.normalized_url import normalized_url


@pytest.mark.parametrize(
    "spelling",
    [
        "https://example.com/news?a=1&b=2",
        "http://example.com/news?a=1&b=2",
        "https://www.example.com/news?a=1&b=2",
        "HTTPS://EXAMPLE.com:443/news?a=1&b=2",
        "http://example.com:80/news/?b=2&a=1",
        " https://example.com/news?a=1&b=2#comments ",
        "https://example.com/news?utm_source=feed&a=1&b=2&fbclid=3",
    ],
)
def test_spellings_of_one_page(spelling: str) -> None:
    assert normalized_url(spelling) == "example.com/news?a=1&b=2"


@pytest.mark.parametrize(
    "other",
    [
        "https://example.com/News?a=1&b=2",
        "https://example.com/news?a=1&b=3",
        "https://example.com:8080/news?a=1&b=2",
        "https://example.org/news?a=1&b=2",
        "https://shop.example.com/news?a=1&b=2",
        "https://example.com/#!/news?a=1&b=2",
    ],
)
def test_other_pages(other: str) -> None:
    assert normalized_url(other) != "example.com/news?a=1&b=2"


@pytest.mark.parametrize(
    "url", ["", "no address", "urn:isbn:0451450523", "mailto:a@b.c", "http://", "http://[::1"]
)
def test_what_names_no_page_has_no_address(url: str) -> None:
    assert normalized_url(url) is None


@given(st.one_of(st.text(max_size=40), st.text(max_size=40).map("http://example.com/".__add__)))
def test_an_address_is_its_own_normal_form(url: str) -> None:
    found = normalized_url(url)
    if found is not None:
        assert normalized_url(f"https://{found}") == found
