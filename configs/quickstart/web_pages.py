"""Reads the sample's page sources and renders them as HTML.

A source file holds several pages. Each begins with a line ``@@ URL``, goes on with ``key: value``
lines up to the first empty line, and then has its body in paragraphs: ``## `` begins a heading,
``- `` lists, ``> `` a quotation, ``% Name: `` a reader's comment.
"""

import html
import itertools
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from string import Template
from urllib.parse import urlsplit

import yaml
from bad_pages import GENERATORS

_RIGHT_TO_LEFT = frozenset({"ar"})
_DEFAULTS = {"kind": "article", "lang": "en", "layout": "blog", "author": "admin"}
_DEFAULT_DATE = "2023-01-01"


@dataclass(frozen=True, kw_only=True)
class Page:
    """One page as its source describes it.

    Attributes:
        url: Where the sample pretends that it was found.
        fields: The ``key: value`` lines, with defaults filled in.
        body: Everything below them.
        cluster: The name that a page shares with its near-duplicates, empty if it has none.
        replacements: Pairs of old and new text that make a near-duplicate of a copied body.
    """

    url: str
    fields: dict[str, str]
    body: str
    cluster: str = ""
    replacements: tuple[tuple[str, str], ...] = field(default=())

    @property
    def site(self) -> str:
        """The site's name, made from its host."""
        host = urlsplit(self.url).hostname or ""
        name = host.removeprefix("www.").removesuffix(".example")
        return name.replace("-", " ").replace(".", " ").title()

    @property
    def date(self) -> str:
        """The day of publication, ``YYYY-MM-DD``."""
        return self.fields.get("date", _DEFAULT_DATE)

    @property
    def charset(self) -> str:
        """The character set that its bytes are in."""
        return self.fields.get("charset", "utf-8")

    @property
    def declaration(self) -> str:
        """Where the character set is declared: ``header``, ``meta``, ``both`` or ``none``."""
        return self.fields.get("declare", "both")

    @property
    def paragraphs(self) -> list[str]:
        """The blocks of the body between empty lines, without readers' comments."""
        blocks = (block.strip() for block in self.body.split("\n\n"))
        return [block for block in blocks if block and not block.startswith("% ")]

    @property
    def comments(self) -> list[tuple[str, str]]:
        """Name and text of each reader's comment."""
        lines = (line for line in self.body.splitlines() if line.startswith("% "))
        pairs = (line.removeprefix("% ").split(": ", 1) for line in lines)
        return [(name, text) for name, text in pairs]


def _parse(source: str) -> Page:
    head, _, body = source.partition("\n\n")
    url, *lines = head.splitlines()
    fields: dict[str, str] = {}
    replacements = []
    for line in lines:
        key, _, value = line.partition(": ")
        if key == "replace":
            old, _, new = value.partition(" => ")
            replacements.append((old, new))
        else:
            fields[key] = value
    return Page(url=url.strip(), fields=fields, body=body.strip(), replacements=tuple(replacements))


def _copy(page: Page, original: Page) -> Page:
    """Make the body of a near-duplicate from its original's."""
    body = original.body
    for old, new in page.replacements:
        if old not in body:
            raise ValueError(f"{page.url}: the text to replace is not in the original: {old}")
        body = body.replace(old, new)
    inherited = {key: value for key, value in original.fields.items() if key != "wet"}
    return replace(page, fields=inherited | page.fields, body=f"{body}\n\n{page.body}")


def read_pages(folder: Path) -> list[Page]:
    """Read every ``*.txt`` of ``folder``, and fill in the pages that are copies of others.

    Raises:
        ValueError: A copy names an original that is not there, or replaces a sentence that the
            original does not contain.
    """
    pages: dict[str, Page] = {}
    for path in sorted(folder.glob("*.txt")):
        text = "\n" + path.read_text(encoding="utf-8")
        for source in text.split("\n@@ ")[1:]:
            page = _parse(source)
            pages[page.url] = page
    originals = {page.fields["copy-of"] for page in pages.values() if "copy-of" in page.fields}
    if missing := originals - pages.keys():
        raise ValueError(f"copies of pages that are not there: {', '.join(sorted(missing))}")
    clusters = {url: url.rsplit("/", 1)[-1] for url in originals}
    complete = []
    for page in pages.values():
        original = page.fields.get("copy-of", page.url)
        whole = page if original == page.url else _copy(page, pages[original])
        fields = _DEFAULTS | whole.fields
        complete.append(replace(whole, fields=fields, cluster=clusters.get(original, "")))
    return complete


def _block(paragraph: str) -> str:
    text = html.escape(paragraph, quote=False)
    if text.startswith("## "):
        return f"<h2>{text[3:]}</h2>"
    if text.startswith("- "):
        items = "".join(f"<li>{line.removeprefix('- ')}</li>" for line in text.splitlines())
        return f"<ul>{items}</ul>"
    if paragraph.startswith("> "):
        return f"<blockquote><p>{html.escape(paragraph[2:], quote=False)}</p></blockquote>"
    return f"<p>{text}</p>"


@dataclass(frozen=True, kw_only=True)
class Renderer:
    """Puts pages into their layouts.

    Attributes:
        folder: Holds ``layouts/*.html`` and ``furniture.yaml``.
        pages: Every page of the sample, to link to one another.
    """

    folder: Path
    pages: list[Page]

    @cached_property
    def _furniture(self) -> dict[str, dict[str, str | list[str]]]:
        text = (self.folder / "furniture.yaml").read_text(encoding="utf-8")
        furniture: dict[str, dict[str, str | list[str]]] = yaml.safe_load(text)
        return furniture

    def payload(self, page: Page) -> bytes:
        """Return the bytes that the page's server would send before any transfer encoding."""
        if page.fields.get("exact") == "yes":
            page = next(other for other in self.pages if other.url == page.fields["copy-of"])
        generate = GENERATORS.get(page.fields.get("generate", ""))
        generated = generate() if generate else None
        if isinstance(generated, bytes):
            return generated
        layout = page.fields["layout"]
        if generated is None and layout == "raw":
            generated = page.body
        body = generated or "\n".join(_block(paragraph) for paragraph in page.paragraphs)
        template = (self.folder / "layouts" / f"{layout}.html").read_text(encoding="utf-8")
        text = Template(template).substitute(self._substitutions(page) | {"body": body})
        return text.encode(page.charset)

    def plain_text(self, page: Page) -> str:
        """Return the page as a line-by-line conversion leaves it: menu, article, footer."""
        words = self._furniture[page.fields["lang"]]
        lines = [page.fields["title"], *words["menu"], *page.paragraphs, str(words["footer"])]
        return "\n".join(line.lstrip("#-> ") for line in lines) + "\n"

    def _substitutions(self, page: Page) -> dict[str, str]:
        words = self._furniture[page.fields["lang"]]
        escaped = {
            key: html.escape(value) for key, value in words.items() if isinstance(value, str)
        }
        menu = "".join(
            f'<li><a href="/{n}">{name}</a></li>' for n, name in enumerate(words["menu"])
        )
        return escaped | {
            "title": html.escape(page.fields["title"]),
            "author": html.escape(page.fields["author"]),
            "lang": page.fields["lang"],
            "dir": "rtl" if page.fields["lang"] in _RIGHT_TO_LEFT else "ltr",
            "charset": self._charset_element(page),
            "site": page.site,
            "url": html.escape(page.url),
            "date": page.date,
            "year": page.date[:4],
            "menu": menu,
            "links": "".join(
                f'<li><a href="{url}">{text}</a></li>' for url, text in self._links(page)
            ),
            "comments": self._comments(page),
        }

    def _links(self, page: Page) -> Iterator[tuple[str, str]]:
        """Yield four other articles of the language, those that follow the page."""
        peers = [
            other
            for other in self.pages
            if other.fields["lang"] == page.fields["lang"] and other.fields["kind"] == "article"
        ]
        start = peers.index(page) + 1 if page in peers else 0
        for other in itertools.islice(itertools.cycle(peers), start, start + min(4, len(peers))):
            yield html.escape(other.url), html.escape(other.fields["title"])

    def _comments(self, page: Page) -> str:
        if not page.comments:
            return ""
        heading = html.escape(str(self._furniture[page.fields["lang"]]["comments"]))
        items = "".join(
            f"<li><b>{html.escape(name)}</b><p>{html.escape(text, quote=False)}</p></li>"
            for name, text in page.comments
        )
        return f'<section id="comments"><h2>{heading}</h2><ol>{items}</ol></section>'

    @staticmethod
    def _charset_element(page: Page) -> str:
        if page.declaration in ("header", "none"):
            return ""
        if page.charset == "utf-8":
            return '<meta charset="utf-8">\n'
        content = f"text/html; charset={page.charset}"
        return f'<meta http-equiv="Content-Type" content="{content}">\n'
