"""The main text of a web page.

Two extractors of other projects, set up for text that a language model is to read, and one of
ours, which chooses among what resiliparse finds (:mod:`filters.article_extraction`). What each
gets right and costs on gold pages: `python -m benchmarks.extraction`, and docs/extraction.md.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, get_args

from resiliparse.extract.html2text import extract_plain_text
from resiliparse.parse.html import HTMLTree

from filters.decoding import storable

ExtractorName = Literal["resiliparse", "blocks", "trafilatura"]


class ExtractionError(Exception):
    """A page that the extractor can't make text of."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Extracted:
    """What was found in a page.

    Attributes:
        text: The main text: paragraphs and list items on lines of their own, no trailing blanks,
            at most one empty line in a row; empty if the page has none.
        title: The ``<title>`` on one line; empty if there is none.
    """

    text: str
    title: str


def extract_text(
    html: str, *, extractor: ExtractorName = "resiliparse", comments: bool = False
) -> Extracted:
    """Extract the main text and the title of a page.

    The parsers underneath are native code: a hostile page can hold or end the process, so pages
    from outside belong in ``pipelines.sandbox``.

    Args:
        html: The page.
        extractor: Who extracts.
        comments: Whether readers' comments count as main text.

    Raises:
        ExtractionError: The extractor raised; the message is one line.
        ValueError: There is no such extractor.

    >>> extract_text("<title>A  b</title><nav>Home</nav><article><p>Dear reader.</p></article>")
    Extracted(text='Dear reader.', title='A b')
    """
    if extractor not in _EXTRACTORS:
        raise ValueError(f"extractor is {extractor!r}, and can be {get_args(ExtractorName)}")
    try:
        text, title = _EXTRACTORS[extractor](html, comments)
    except MemoryError:
        raise
    except Exception as error:  # a foreign parser on hostile text may raise anything
        reason = " ".join(f"{type(error).__name__}: {error}".split())
        raise ExtractionError(f"{extractor} failed: {reason}") from error
    return Extracted(text=tidy(storable(text)), title=" ".join(storable(title).split()))


def tidy(text: str) -> str:
    r"""Return the text without trailing blanks and with at most one empty line in a row.

    Indentation stays: it has a meaning in preformatted text.

    >>> tidy("\n a \n\n\n b\t")
    ' a\n\n b'
    """
    lines: list[str] = []
    for line in text.split("\n"):
        stripped = line.rstrip()
        if stripped or (lines and lines[-1]):
            lines.append(stripped)
    return "\n".join(lines).rstrip("\n")


def _with_resiliparse(html: str, comments: bool) -> tuple[str, str]:
    tree = HTMLTree.parse(html)
    # On the benchmark, leaving out comments is worth 0.011 of F1 and leaving out post_meta 0.007;
    # noscript repeats what scripts show, and forms and alternative texts are no prose.
    text = extract_plain_text(
        tree,
        preserve_formatting=True,
        main_content=True,
        list_bullets=True,
        alt_texts=False,
        links=False,
        form_fields=False,
        noscript=False,
        comments=comments,
        post_meta=False,
    )
    return text, tree.title or ""


def _with_blocks(html: str, comments: bool) -> tuple[str, str]:
    # Loaded at the first page: NumPy takes a tenth of a second, and resiliparse alone needs none.
    from filters.article_extraction import extract_article, shipped_model

    return extract_article(html, comments=comments, model=shipped_model())


def _with_trafilatura(html: str, comments: bool) -> tuple[str, str]:
    # Loaded at the first page: it takes a third of a second, and most runs don't use it.
    import trafilatura

    tree = trafilatura.load_html(html)
    if tree is None:
        raise ValueError("there is no HTML in it that lxml can parse")
    title = tree.findtext(".//title") or ""
    # Without the second opinions that fast leaves out: 0.002 better in F1, and a third faster.
    text = trafilatura.extract(
        tree,
        fast=True,
        favor_precision=False,
        include_comments=comments,
        include_tables=True,
        deduplicate=False,
    )
    return text or "", title


_EXTRACTORS: dict[str, Callable[[str, bool], tuple[str, str]]] = {
    "resiliparse": _with_resiliparse,
    "blocks": _with_blocks,
    "trafilatura": _with_trafilatura,
}
