"""The blocks of a page, read from what resiliparse writes."""

from hypothesis import given
from hypothesis import strategies as st
from resiliparse.extract.html2text import extract_plain_text
from resiliparse.parse.html import HTMLTree

from filters.article_extraction import tree_blocks, written
from filters.page_blocks import Block, BlockKind, read_blocks

PAGE = """<body><main><h2>On <a href="/tea">tea</a></h2>
<p>It comes from <a href="/a?b=1&amp;c=%22">Assam</a> &amp; from Ceylon, 1 &lt; 2.</p>
<ol><li>Warm the pot.</li><li>Wait <a href="/x">four</a> minutes.</li></ol>
<pre>  a  b
c</pre>plain words</main></body>"""


def blocks_of(html: str) -> list[Block]:
    return tree_blocks(HTMLTree.parse(html), main_content=False)


def test_a_page_comes_apart_into_its_blocks() -> None:
    assert blocks_of(PAGE) == [
        Block("On tea", BlockKind.HEADING, 3, 0, "", True),
        Block("It comes from Assam & from Ceylon, 1 < 2.", BlockKind.PARAGRAPH, 5, 0, "", True),
        Block("Warm the pot.", BlockKind.LIST_ITEM, 0, 1, "  1. ", True),
        Block("Wait four minutes.", BlockKind.LIST_ITEM, 4, 1, "  2. ", False),
        Block("a  b", BlockKind.PREFORMATTED, 0, 0, "  ", False),
        Block("c", BlockKind.PREFORMATTED, 0, 0, "", False),
        Block("plain words", BlockKind.PLAIN, 0, 0, "", False),
    ]


def test_a_link_around_several_blocks_covers_them_all() -> None:
    markup = '<h2><a href="/x">Ten teas</h2>\n<p>that you must try</p></a>\n<p>An end.</p>'
    assert [(block.text, block.linked) for block in read_blocks(markup)] == [
        ("Ten teas", 8),
        ("that you must try", 17),
        ("An end.", 0),
    ]


def test_a_bullet_goes_before_the_paragraph_of_its_item_and_an_empty_item_has_none() -> None:
    markup = "<ul>\n  <li>\n\n  <p>One  </p></li>\n  <li></li>\n</ul>\n<p>Two</p>"
    assert written(read_blocks(markup)) == "  • One\n\nTwo"


@given(
    st.lists(
        st.sampled_from(
            [
                "<p>",
                "<ul>",
                "<ol>",
                "<li>",
                "</li>",
                "</ul>",
                "<pre>",
                "</pre>",
                "<h1>",
                "</h1>",
                "<a href='/x'>",
                "</a>",
                "<br>",
                "word ",
                "&lt;p&gt; ",
                "a &amp;amp; b ",
                "\n",
                "</p>",
            ]
        ),
        max_size=30,
    )
)
def test_blocks_hold_every_word_that_resiliparse_finds(parts: list[str]) -> None:
    tree = HTMLTree.parse("<body>" + "".join(parts))
    plain = extract_plain_text(tree, list_bullets=False, alt_texts=False)
    blocks = tree_blocks(tree, main_content=False)
    assert " ".join(block.text for block in blocks).split() == plain.split()
    assert all(block.text and block.linked <= len(block.text) for block in blocks)


def test_lists_without_end_are_not_indented_without_end() -> None:
    markup = "<ul>\n" * 5_000 + "<li>deep</li>\n" * 5_000
    assert max(len(block.lead) for block in read_blocks(markup)) < 50
