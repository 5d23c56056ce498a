"""The blocks of a page: its text as resiliparse finds it, cut at headings, paragraphs, list items.

resiliparse can write what it extracts as reduced markup, in which headings, paragraphs, lists,
preformatted text and links are still told apart. Reading that back costs less than a second walk
over the page's tree from Python would.
"""

import html
import re
from enum import IntEnum
from typing import NamedTuple

_TAG = re.compile(r"</?[a-z][^>]*>")  # resiliparse escapes every < and > that is no tag's
_SPACES = re.compile(" {2,}")
_INDENT = "  "
_DEEPEST_INDENT = 20  # lists nested without end must not make the text longer than the page


class BlockKind(IntEnum):
    """What a block is in the page."""

    PLAIN = 0
    PARAGRAPH = 1
    LIST_ITEM = 2
    HEADING = 3
    PREFORMATTED = 4


class Block(NamedTuple):
    """One line of a page's text.

    Attributes:
        text: The line, without markup and without the blanks around it.
        kind: What it is.
        linked: Characters of it that are links.
        depth: How many lists it stands in.
        lead: What is written before the text: indentation and bullet or number.
        apart: Whether an empty line goes before it.
    """

    text: str
    kind: BlockKind
    linked: int
    depth: int
    lead: str
    apart: bool


def read_blocks(markup: str) -> list[Block]:
    r"""Return the blocks of resiliparse's minimal HTML, in the order of the page.

    One pass over the lines, linear in the markup.

    Args:
        markup: What ``extract_plain_text`` writes with ``preserve_formatting="minimal_html"`` and
            ``links=True``.

    >>> markup = '<h2>Tea</h2><ul><li>from <a href="/x">Assam</a> &amp; Ceylon</li></ul>'
    >>> found = read_blocks(markup.replace("><", ">\n<"))
    >>> [(block.lead + block.text, block.kind.name, block.linked) for block in found]
    [('Tea', 'HEADING', 0), ('  • from Assam & Ceylon', 'LIST_ITEM', 5)]
    """
    blocks: list[Block] = []
    counts: list[int] = []  # of each open list: items so far, or -1 where they have no numbers
    bullet = ""
    kind = BlockKind.PLAIN
    preformatted = apart = in_link = False
    for line in markup.split("\n"):
        text = line.strip()
        if not text:
            apart = True
            continue
        linked = 0
        as_written = preformatted
        if "<" in text:
            if in_link or "<a " in text or "</a>" in text:
                linked, in_link = _linked(text, in_link)
            tags = _TAG.findall(text)
            for tag in tags:
                if tag == "<p>":
                    kind, apart = BlockKind.PARAGRAPH, True
                elif tag == "<li>":
                    kind, bullet = BlockKind.LIST_ITEM, "• "
                    if counts and counts[-1] >= 0:
                        counts[-1] += 1
                        bullet = f"{counts[-1]}. "
                elif tag in ("<ul>", "<ol>"):
                    counts.append(0 if tag == "<ol>" else -1)
                elif tag in ("</ul>", "</ol>"):
                    if counts:
                        counts.pop()
                elif tag == "<pre>":
                    preformatted = as_written = True
                elif tag == "</pre>":
                    preformatted = False
                elif tag.startswith("<h"):
                    kind, apart = BlockKind.HEADING, True
            ended = text.endswith(("</p>", "</li>", ">")) and not text.endswith(("<br>", "</a>"))
            source = _TAG.sub("", line if as_written else text)
            text = source.strip()
            if not text:
                if ended and tags[-1] == "</li>":
                    kind, bullet = BlockKind.PLAIN, ""
                continue
        else:
            ended, source = False, line
            if in_link:
                linked = len(text)
        if as_written:
            lead = source[: len(source) - len(source.lstrip())]
        elif bullet:
            lead = _INDENT * min(max(1, len(counts)), _DEEPEST_INDENT) + bullet
        else:
            lead = _INDENT * min(len(counts) + 1, _DEEPEST_INDENT) if counts else ""
        if "&" in text:
            text = html.unescape(text)
        if "  " in text and not as_written:
            text = _SPACES.sub(" ", text)
        shown = BlockKind.PREFORMATTED if as_written else kind
        blocks.append(Block(text, shown, min(linked, len(text)), len(counts), lead, apart))
        bullet = ""
        apart = False
        if ended:
            kind = BlockKind.PLAIN
    return blocks


def _linked(text: str, in_link: bool) -> tuple[int, bool]:
    """Return how many characters of a line are links, and whether a link stays open at its end."""
    *closed, rest = text.split("</a>")
    linked = 0
    for piece in closed:
        _, opened, after = piece.rpartition("<a ")
        linked += len(_TAG.sub("", after.partition(">")[2] if opened else piece))
    _, opened, after = rest.rpartition("<a ")
    if opened:
        return linked + len(_TAG.sub("", after.partition(">")[2])), True
    if in_link and not closed:
        return linked + len(_TAG.sub("", rest)), True
    return linked, False
