"""The report page: whole for any corpus, and text from the crawl stays text."""

import json
from html.parser import HTMLParser
from itertools import pairwise
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.report_figures import Figures
from pipelines.report_format import visible
from pipelines.report_page import render, render_text
from pipelines.report_rows import funnel, language_rows, rule_rows
from tests.test_report_figures import RULES, SCORED, Row, add, report, scored_row

HOSTILE = (
    "</script><script>alert(1)</script><!--<img src=https://evil.example/x onerror=alert(2)>"
    "\"><svg onload='alert(3)'>{{ 7*7 }}{% raw %}\u2028\u202egpj.exe\x00\x1b[31m&amp;]]>"
)
SELECTION: dict[str, Any] = {
    "thresholds": RULES,
    "counts": {
        "score": {
            "in": 14,
            "out": 4,
            "gated": {"empty": 6, "http_status.404": 3},
            "errors": {"decode.UnicodeDecodeError": 1},
        },
        "dedup": {"in": 4, "out": 3, "gated": {"near_duplicate": 1}, "errors": {}},
        "select": {
            "in": 4,
            "out": 1,
            "gated": {"rules": 2, "near_duplicate": 1},
            "errors": {},
        },
    },
    "rules": [
        {"rule": "gopher.word_count", "failed": 2, "only": 1},
        {"rule": "language.score", "failed": 1, "only": 0},
    ],
    "buckets": [{"bucket": 64, "documents": 1, "tokens": 64}],
    "languages": {"en": 1},
}


class Page(HTMLParser):
    """The elements, attributes and text of a page."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, tuple[str, ...]]] = []
        self.links: list[tuple[str, str]] = []
        self.texts: list[str] = []
        self.scripts: list[str] = []
        self.comments: list[str] = []
        self._open = ""
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._open = tag
        self.elements.append((tag, tuple(sorted(name for name, _ in attrs))))
        self.links += [(name, value or "") for name, value in attrs if name in {"src", "href"}]

    def handle_endtag(self, tag: str) -> None:
        self._open = ""

    def handle_data(self, data: str) -> None:
        (self.scripts if self._open == "script" else self.texts).append(data)

    def handle_comment(self, data: str) -> None:
        self.comments.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.texts).split())


def rows(text: str) -> list[Row]:
    """Four documents with ``text`` in every place that a crawl or a file name fills."""
    common: Row = {"source": text, "url": text, "text": text}
    return [
        scored_row("a", gopher__word_count=10, language__code=text, language__score=0.9)
        | {"length.tokens": 12}
        | common,
        scored_row("b", gopher__word_count=70, language__code=text, size=2)
        | {"length.tokens": 64}
        | common,
        scored_row("c", gopher__word_count=50, language__score=0.5, size=2, keep=False)
        | {"length.tokens": 64}
        | common,
        scored_row("d", gopher__word_count=2000) | {"length.tokens": 0} | common,
    ]


def with_reasons(text: str) -> dict[str, Any]:
    counts = {**SELECTION["counts"]}
    counts["score"] = {**counts["score"], "gated": {text: 9}, "errors": {text: 1}}
    return {**SELECTION, "counts": counts, "languages": {text: 1}}


def harmless(text: str) -> str:
    """A text of the same length without a letter of markup."""
    return "x" * len(text)


def elements_of(text: str, *, selected: bool) -> list[tuple[str, tuple[str, ...]]]:
    selection = with_reasons(text) if selected else None
    page = Page(render(report(rows(text)), selection, title=text))
    assert page.comments == []
    assert [link for link in page.links if not link[1].startswith("#")] == []
    return page.elements


@pytest.mark.parametrize("selected", [False, True])
def test_hostile_text_makes_no_element(selected: bool) -> None:
    assert elements_of(HOSTILE, selected=selected) == elements_of(
        harmless(HOSTILE), selected=selected
    )


@settings(max_examples=25, deadline=None)
@given(
    st.text(
        st.sampled_from("<>&\"'`=/!-{}%#[]\\ \n\x00\x1b\u2028\u202e")
        | st.characters(codec="utf-8"),
        min_size=1,
        max_size=40,
    )
)
def test_no_text_makes_an_element(text: str) -> None:
    assert elements_of(text, selected=True) == elements_of(harmless(text), selected=True)


def test_hostile_text_is_shown_as_it_is() -> None:
    page = Page(render(report(rows(HOSTILE)), None, title="Report"))
    assert visible(HOSTILE) in page.text
    assert not set("\x00\x1b\u2028\u202e") & set(page.text)


def test_declarations_are_data_too() -> None:
    """A signal of a stranger's model may have any name and meaning."""
    field = pa.field(
        "evil." + HOSTILE,
        pa.float64(),
        metadata=dict.fromkeys((b"unit", b"meaning", b"source"), HOSTILE.encode()),
    )
    schema = pa.schema([*SCORED, field])
    figures = Figures()
    values = [{"id": "a", "source": "s", "url": "", "text": "", field.name: 1.0}]
    figures.add(pa.RecordBatch.from_pylist(values, schema=schema))
    page = Page(render(figures.finish([{"signal": field.name, "min": 2}]), None, title="Report"))
    assert {tag for tag, _ in page.elements} & {"img", "iframe", "object", "link"} == set()
    assert [name for tag, names in page.elements for name in names if name.startswith("on")] == []
    curves, script = page.scripts
    assert field.name in json.loads(curves)
    assert not set("<>&") & set(curves)
    assert "alert" not in script


def test_the_page_loads_nothing() -> None:
    html = render(report(rows("text")), SELECTION, title="Report")
    assert "http://" not in html
    assert "https://" not in html
    assert "url(" not in html
    assert "@import" not in html
    assert "default-src 'none'" in html


def test_funnel_before_and_after_select() -> None:
    found = report(rows("text"))
    before = [(step["label"], step["documents"], step["tokens"]) for step in funnel(found, None)]
    assert before == [("Scored", 4, 140), ("After duplicates", 3, 76)]
    steps = funnel(found, SELECTION)
    assert [(step["label"], step["documents"], step["tokens"]) for step in steps] == [
        ("Read", 14, None),
        ("Scored", 4, 140),
        ("Kept", 1, 64),
    ]
    assert [
        [(loss["reason"], loss["documents"], loss["error"]) for loss in step["losses"]]
        for step in steps
    ] == [
        [],
        [
            ("empty", 6, False),
            ("http_status.404", 3, False),
            ("decode.UnicodeDecodeError", 1, True),
        ],
        [("rules", 2, False), ("near_duplicate", 1, False)],
    ]
    assert [step["missing"] for step in steps] == [0, 0, 0]


def test_a_loss_without_a_reason_is_told() -> None:
    selection = with_reasons("empty")
    selection["counts"]["score"]["gated"] = {"empty": 7}
    found = report(rows("text"))
    assert funnel(found, selection)[1]["missing"] == 2
    assert "2 not accounted for" in Page(render(found, selection, title="Report")).text


def test_rules_and_examples_are_shown() -> None:
    text = Page(render(report(rows("An excerpt.")), None, title="My corpus")).text
    assert "removes 50 % of documents" in text
    assert "Removed by min 50 10 An excerpt." in text
    assert "Kept by min 50 50 An excerpt." in text
    assert "Removed by max 1,000 2,000 An excerpt." in text
    assert "Of 4 sampled documents, 3 (75 %) fail at least one of the 2 rules" in text


def test_harmful_texts_are_blurred_and_no_others() -> None:
    schema = pa.schema([*SCORED, ("harmful.perplexity", pa.float64())])
    values = [
        {"id": f"{place}", "source": "s", "url": "", "text": "Words.", "harmful.perplexity": 9.0}
        | {"gopher.word_count": 5}
        for place in range(2)
    ]
    figures = Figures()
    figures.add(pa.RecordBatch.from_pylist(values, schema=schema))
    html = render(figures.finish([{"signal": "gopher.word_count", "min": 9}]), None, title="Report")
    gopher, harmful = html.split('id="harmful.perplexity"')
    assert 'class="excerpt"' in gopher
    assert 'class="excerpt blurred"' not in gopher
    assert 'class="excerpt blurred"' in harmful
    assert 'class="excerpt"' not in harmful


def test_headings_tables_and_drawings_are_named() -> None:
    html = render(report(rows("text")), SELECTION, title="Report")
    page = Page(html)
    tags = [tag for tag, _ in page.elements]
    levels = [int(tag[1]) for tag in tags if tag in {"h1", "h2", "h3", "h4", "h5"}]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))
    assert tags.count("table") == tags.count("caption") > 0
    drawings = [names for tag, names in page.elements if tag == "svg"]
    assert drawings
    assert all({"aria-label", "role"} <= set(names) for names in drawings)
    fields = [names for tag, names in page.elements if tag == "input" and "id" not in names]
    assert all("aria-label" in names for names in fields)


def test_two_hundred_rows_of_120_signals_stay_small() -> None:
    generator = np.random.default_rng(0)
    names = [f"family{place // 10}.signal_{place}" for place in range(120)]
    texts = ["<&'\u202e" * 75] * 3000
    columns: dict[str, Any] = {
        "id": [f"{place}" for place in range(3000)],
        "source": ["s"] * 3000,
        "url": ["https://example.org/" + "&" * 200] * 3000,
        "text": texts,
    } | {name: generator.lognormal(3, 2, 3000) for name in names}
    figures = Figures()
    figures.add(pa.RecordBatch.from_pydict(columns))
    found = figures.finish([{"signal": name, "min": 2.0, "max": 500.0} for name in names])
    assert len(found["sample"]) == 200
    assert len(render(found, None, title="Report").encode()) < 5_000_000
    assert len(json.dumps(found)) < 5_000_000


@pytest.mark.parametrize(
    "documents",
    [[], [scored_row("a")], [scored_row("a", gopher__word_count=3, language__score=0.5)]],
    ids=["no document", "no value", "one document"],
)
def test_small_corpora(documents: list[Row]) -> None:
    figures = Figures()
    if documents:
        add(figures, documents)
    found = figures.finish(RULES)
    page = Page(render(found, None, title="Small"))
    assert f"{len(documents)} documents" in page.text
    assert ("No document has a value." in page.text) == bool(documents)
    lines = [line.split() for line in render_text(found).splitlines()]
    assert ["Scored", f"{len(documents)}", "0"] in lines


def test_text_for_a_terminal() -> None:
    text = render_text(report(rows("text\x1b[31m[bold]")), SELECTION)
    lines = [" ".join(line.split()) for line in text.splitlines()]
    assert "Read 14" in lines
    assert "error: decode.UnicodeDecodeError −1" in lines
    assert "near_duplicate −1" in lines
    assert "Kept 1 64" in lines
    assert "gopher.word_count 50 – 1,000 2 50 % 8.57 % 1" in lines
    assert "gopher.word_count 0 10 50 2,000" in lines
    assert "text␛[31m[bold] 4 140" in lines
    assert "\x1b" not in text
    assert max(map(len, text.splitlines())) <= 80


def test_the_same_figures_make_the_same_page() -> None:
    documents = rows("text")
    first = render(report(documents), SELECTION, title="Report")
    again = render(report(documents[::-1]), SELECTION, title="Report")
    assert first == again


def test_a_rule_overlaps_with_rules_on_other_signals() -> None:
    rules = [
        *RULES,
        {"signal": "gopher.word_count", "min": 60},
        {"signal": "length.tokens", "min": 9},
    ]
    found = report(rows("text"), rules)
    assert [row["shared_with"] for row in rule_rows(found, None)] == [
        {"signal": "length.tokens", "share": 0.5},
        {"signal": "gopher.word_count", "share": 1.0},
        {"signal": "language.score", "share": 0.5},
        {"signal": "gopher.word_count", "share": 1.0},
    ]


def test_rules_with_bounds_of_single_languages_show_what_select_counted() -> None:
    """The histograms know no languages: where `select` counted otherwise, its count is shown."""
    rules = [
        {"rule": "gopher.word_count", "failed": 1, "only": 1},
        {"rule": "gopher.stop_word_count", "failed": 3, "only": 2},
    ]
    found = report(rows("text"))
    selection = {**SELECTION, "rules": rules}
    shown = [
        (row["signal"], row["bounds"], row["documents"], row["share"], row["token_share"])
        for row in rule_rows(found, selection)
    ]
    assert shown == [
        ("gopher.word_count", "50 – 1,000", 1, 0.25, None),
        ("language.score", "≥ 0.65", 0, 0.0, None),
        ("gopher.stop_word_count", "by language", 3, 0.75, None),
    ]
    page = Page(render(found, selection, title="Report"))
    assert "gopher.stop_word_count by language * 3 75 % – 2" in page.text
    assert "gopher.stop_word_count by language * 3 75 % – 2" in [
        " ".join(line.split()) for line in render_text(found, selection).splitlines()
    ]


def test_languages_with_what_is_kept_of_them() -> None:
    found = report(rows("de"))
    selection = {**SELECTION, "languages": {"de": 1, "unknown": 1, "fr": 4}}
    table = language_rows(found, selection)
    assert table is not None
    assert table["values"] == [
        {"value": "de", "characters": 0, "documents": 2, "tokens": 76, "kept": 1},
        {"value": "unknown", "documents": 2, "tokens": 64, "kept": 1},
    ]
    assert table["other"]["kept"] == 4


def test_labels_of_neighbouring_bars_do_not_overlap() -> None:
    """Two bars that are cut off side by side share one label."""
    values = [50.0] * 300 + [53.0] * 200 + [float(value) for value in range(100)]
    documents = [
        scored_row(f"{place}", language__score=value) for place, value in enumerate(values)
    ]
    html = render(report(documents, []), None, title="Report")
    assert html.count('<span class="spike') == 1
    assert "50.3 %, 33.7 %" in Page(html).text
