import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from filters import extraction
from filters.extraction import Extracted, ExtractionError, ExtractorName, extract_text, tidy

EXTRACTORS: list[ExtractorName] = ["resiliparse", "blocks", "trafilatura"]

ARTICLE = """<!DOCTYPE html><html><head>
<title>  A walk\n in &amp; around   the wood </title><script>var hidden = 1;</script></head>
<body><nav><a href="/">Home</a> <a href="/about">About us</a></nav>
<article><h1>A walk in the wood</h1>
<p>On Sunday we went to the wood behind the mill, and found that <b>nobody</b> was there.</p>
<p>It rained for an hour.<br>Then the sun came out over the tall and silent trees again.</p>
<ol><li>Take a coat, for it rains there.</li><li>Take an apple, for it is far.</li></ol>
<img src="a.jpg" alt="a tall tree"><form><input name="q" value="search"></form>
<table><tr><td>Hours</td><td>Four</td></tr></table></article>
<section class="comments"><p>I was there last year and I did not like it at all.</p></section>
<footer>Copyright 2024 The Wood Company</footer></body></html>"""

RESILIPARSE_TEXT = """A walk in the wood

On Sunday we went to the wood behind the mill, and found that nobody was there.

It rained for an hour.
Then the sun came out over the tall and silent trees again.

  1. Take a coat, for it rains there.
  2. Take an apple, for it is far.
Hours\t\tFour"""

TRAFILATURA_TEXT = """A walk in the wood
On Sunday we went to the wood behind the mill, and found that nobody was there.
It rained for an hour.
Then the sun came out over the tall and silent trees again.
- Take a coat, for it rains there.
- Take an apple, for it is far.
| Hours | Four |"""


@pytest.mark.parametrize(
    ("extractor", "text"),
    [("resiliparse", RESILIPARSE_TEXT), ("trafilatura", TRAFILATURA_TEXT)],
)
def test_an_article_comes_out_without_its_page(extractor: ExtractorName, text: str) -> None:
    assert extract_text(ARTICLE, extractor=extractor) == Extracted(
        text=text, title="A walk in & around the wood"
    )


@pytest.mark.parametrize("extractor", EXTRACTORS)
def test_comments_are_text_on_request(extractor: ExtractorName) -> None:
    text = extract_text(ARTICLE, extractor=extractor, comments=True).text
    assert "I was there last year and I did not like it at all." in text


@pytest.mark.parametrize("html", ["", " ", "<title></title>", "<script>let a = 1</script>"])
@pytest.mark.parametrize("extractor", ["resiliparse", "blocks"])
def test_a_page_without_text_gives_no_text(extractor: ExtractorName, html: str) -> None:
    assert extract_text(html, extractor=extractor) == Extracted(text="", title="")


@pytest.mark.parametrize("extractor", EXTRACTORS)
def test_what_utf_8_cannot_hold_is_replaced(extractor: ExtractorName) -> None:
    body = "<p>A sentence with &#xD800; and &#0; in it, long enough to be found by all.</p>"
    html = f"<html><head><title>a&#xDFFF;b</title></head><body>{body}</body></html>"
    extracted = extract_text(html, extractor=extractor)
    assert "\0" not in extracted.text
    assert extracted.text.encode().decode() == extracted.text
    assert extracted.title.encode().decode() == extracted.title


def test_pages_that_are_no_html_are_an_error_of_trafilatura() -> None:
    with pytest.raises(ExtractionError, match=r"^trafilatura failed: ValueError: there is no HTML"):
        extract_text("no markup at all", extractor="trafilatura")


def test_whatever_an_extractor_raises_is_told_in_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(html: str, comments: bool) -> tuple[str, str]:
        raise RecursionError(f"too deep\n  at {len(html)} {comments}")

    monkeypatch.setitem(extraction._EXTRACTORS, "resiliparse", fail)
    with pytest.raises(ExtractionError) as caught:
        extract_text("<p>", extractor="resiliparse", comments=True)
    assert str(caught.value) == "resiliparse failed: RecursionError: too deep at 3 True"


def test_want_of_memory_is_no_fault_of_the_page(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(html: str, comments: bool) -> tuple[str, str]:
        raise MemoryError

    monkeypatch.setitem(extraction._EXTRACTORS, "resiliparse", fail)
    with pytest.raises(MemoryError):
        extract_text("<p>", extractor="resiliparse")


def test_an_unknown_extractor_is_refused() -> None:
    with pytest.raises(ValueError, match=r"extractor is 'justext', and can be \('resiliparse'"):
        extract_text("<p>", extractor="justext")  # type: ignore[arg-type]


@given(st.text(st.sampled_from("ab \t\n\r\u00a0")))
def test_tidy_keeps_words_and_their_order(text: str) -> None:
    tidied = tidy(text)
    lines = tidied.split("\n")
    assert tidied.split() == text.split()
    assert all(line == line.rstrip() for line in lines)
    assert "\n\n\n" not in tidied
    assert tidied == "" or (lines[0] and lines[-1])
    assert tidy(tidied) == tidied


@given(
    st.lists(st.sampled_from(["<p>", "<ul><li>", "</div>", "<!--", "a ", "&#0;", "<a href=", "é"])),
    st.sampled_from(EXTRACTORS),
)
def test_any_markup_is_extracted_or_refused(parts: list[str], extractor: ExtractorName) -> None:
    with contextlib.suppress(ExtractionError):
        extracted = extract_text("<html>" + "".join(parts), extractor=extractor)
        assert extracted.text == tidy(extracted.text)
        assert "\n" not in extracted.title
