"""The report page: whole for any corpus, small, and what the crawl wrote is in it as data only."""

import base64
import json
import zlib
from html.parser import HTMLParser
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.report_examples import MOST_EXAMPLES, shown_rows
from pipelines.report_figures import Figures
from pipelines.report_format import visible
from pipelines.report_page import MODULES, render, script
from pipelines.report_rows import funnel, parts
from pipelines.report_sketch import Sketch
from pipelines.report_steps import LEFT_OUT as STEPS_LEFT_OUT
from pipelines.report_suggestions import published, valley
from pipelines.report_text import render_text
from tests.test_report_figures import RULES, Row, add, scored_row

HOSTILE = (
    "</script><script>alert(1)</script><!--<img src=https://evil.example/x onerror=alert(2)>"
    "\"><svg onload='alert(3)'>{{ 7*7 }}{% raw %}{0}\u2028\u202egpj.exe\x00\x1b[31m&amp;]]>"
)
READ = {"in": 16}
LEFT_OUT: list[Row] = [
    *[{"reason": "empty"}] * 6,
    *[{"reason": "http_status.404"}] * 3,
    {"reason": "decode.UnicodeDecodeError", "error": True},
    {"reason": "language.de", "extracted": True, "bytes": 90, "language": "de"},
    {"reason": "score.ValueError", "extracted": True, "error": True},
]


class Page(HTMLParser):
    """The elements and the contents of the scripts of a page."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, tuple[tuple[str, str | None], ...]]] = []
        self.scripts: dict[str | None, str] = {}
        self.comments: list[str] = []
        self._open: str | None = None
        self._in_script = False
        self.feed(html)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        named = [pair for pair in attributes if pair[0] != "content"]
        self.elements.append((tag, tuple(named)))
        self._in_script = tag == "script"
        self._open = dict(attributes).get("id")

    def handle_data(self, data: str) -> None:
        if self._in_script:
            self.scripts[self._open] = data

    def handle_endtag(self, tag: str) -> None:
        self._in_script = False

    def handle_comment(self, data: str) -> None:
        self.comments.append(data)


def whole(
    figures: Figures, rules: list[Row] = RULES, *, read: Row | None = READ, name: str = "Report"
) -> dict[str, Any]:
    content = figures.finish(rules)
    for signal in content["signals"]:
        signal["suggestions"] = {"published": [], "valley": None}
    return {"name": name, "read": read, "selection": None, **content}


def rows(text: str) -> list[Row]:
    common: Row = {"source": f"{text}.warc.gz", "url": f"https://e.com/{text}", "text": text}
    return [
        scored_row("a", gopher__word_count=10, language__code=text)
        | {"length.tokens": 12}
        | common,
        scored_row("b", gopher__word_count=50, language__code="en", language__score=0.9)
        | {"length.tokens": 64}
        | common,
        scored_row("c", gopher__word_count=50, language__score=0.5, size=2, keep=False)
        | {"length.tokens": 64}
        | common,
        scored_row("d", gopher__word_count=2000) | {"length.tokens": 0} | common,
    ]


def figures_of(text: str) -> Figures:
    figures = Figures()
    add(figures, rows(text))
    common: Row = {"source": f"{text}.warc.gz", "error": False, "extracted": False}
    left_out = [common | row for row in LEFT_OUT]
    figures.steps.add_left_out(pa.RecordBatch.from_pylist(left_out, STEPS_LEFT_OUT))
    return figures


def page_of(text: str) -> Page:
    figures = figures_of(text)
    return Page(render(whole(figures, name=text), figures.sample))


def unpacked(base64_text: str) -> bytes:
    return zlib.decompress(base64.b64decode(base64_text))


def test_hostile_text_makes_no_element() -> None:
    page = page_of(HOSTILE)
    assert page.elements == page_of("x").elements
    assert page.comments == []
    assert set("<>&") & set(page.scripts["report-data"]) == set()
    told = json.loads(page.scripts["report-data"])
    assert told["name"] == visible(HOSTILE)
    assert set(told["columns"]["languages"]) == {"unknown", "en", "de", visible(HOSTILE)}
    examples = json.loads(unpacked(page.scripts["examples-data"]))
    assert set(examples["texts"]) == {visible(HOSTILE)}


@settings(max_examples=25)
@given(
    st.text(
        st.sampled_from("<>&\"'`=/!-{}%#[]\\ \n\x00\x1b\u2028\u202e")
        | st.characters(codec="utf-8"),
        min_size=1,
        max_size=40,
    )
)
def test_no_text_makes_an_element(text: str) -> None:
    page = page_of(text)
    assert page.elements == page_of("x").elements
    assert json.loads(page.scripts["report-data"])["name"] == visible(text)


def test_the_page_loads_nothing_and_runs_its_own_scripts_only() -> None:
    figures = Figures()
    add(figures, rows("text"))
    html = render(whole(figures), figures.sample)
    assert "default-src 'none'" in html
    assert [tag for tag, _ in Page(html).elements if tag in ("link", "img", "iframe")] == []
    sources = [name for _, attributes in Page(html).elements for name, _ in attributes]
    assert {"src", "href"} & set(sources) == {"href"}
    assert html.count("'sha256-") == 3


def test_modules_are_joined_without_imports() -> None:
    joined = script()
    assert "import {" not in joined
    assert "\nexport " not in joined
    assert joined.count("start();\n") == 1
    assert len(set(MODULES)) == len(MODULES)


def test_the_columns_are_the_sample() -> None:
    figures = Figures()
    add(figures, rows("text"))
    page = Page(render(whole(figures), figures.sample))
    head = json.loads(page.scripts["report-data"])["columns"]
    planes = np.frombuffer(unpacked(page.scripts["columns-data"]), np.uint8)
    columns = planes.reshape(len(head["integers"]) + len(head["floats"]), 4, head["rows"])
    values = np.ascontiguousarray(columns.transpose(0, 2, 1)).view("<u4")[:, :, 0]
    table = figures.sample.table()
    assert table is not None
    by_name = dict(zip(head["integers"] + head["floats"], values, strict=True))
    assert by_name["tokens"].tolist() == table["tokens"].to_pylist()
    score = by_name["language.score"].view("<f4")
    assert np.array_equal(score, table["language.score"].to_numpy(), equal_nan=True)


def test_a_page_of_120_signals_and_many_documents_is_small() -> None:
    generator = np.random.default_rng(0)
    count = 30_000
    names = [f"family{place // 10}.signal_{place}" for place in range(120)]
    columns: dict[str, Any] = {
        "id": [f"{place:032x}" for place in range(count)],
        "source": ["s"] * count,
        "url": ["https://example.org/" + "&" * 200] * count,
        "text": [" ".join(map(str, generator.integers(0, 10**6, 60))) for _ in range(count)],
        "length.tokens": generator.integers(1, 10_000, count),
    } | {name: generator.lognormal(3, 2, count) for name in names}
    figures = Figures()
    figures.add(pa.RecordBatch.from_pydict(columns))
    figures.sample.fit(1_750_000)
    report = whole(figures, [{"signal": name, "min": 2.0, "max": 500.0} for name in names])
    assert report["sample"]["rows"] > 3500
    assert len(render(report, figures.sample).encode()) < 4_700_000
    assert len(json.dumps(report)) < 5_000_000


def test_documents_on_both_sides_of_every_bound_are_shown() -> None:
    figures = Figures()
    add(figures, [scored_row(f"{place}", gopher__word_count=place) for place in range(5000)])
    table = figures.sample.table()
    assert table is not None
    shown = shown_rows(table, [{"signal": "gopher.word_count", "min": 1234, "max": None}])
    values = table["gopher.word_count"].to_numpy()[shown]
    assert len(shown) == MOST_EXAMPLES
    assert {1231, 1232, 1233, 1234, 1235, 1236} <= set(values.astype(int).tolist())


@pytest.mark.parametrize("documents", [[], [scored_row("a")]], ids=["none", "one without values"])
def test_small_corpora(documents: list[Row]) -> None:
    figures = Figures()
    if documents:
        add(figures, documents)
    report = whole(figures, read=None)
    told = json.loads(Page(render(report, figures.sample)).scripts["report-data"])
    assert told["totals"]["documents"] == len(documents)
    lines = [line.split() for line in render_text(report).splitlines()]
    assert ["Past", "the", "gates", f"{len(documents)}", "0", "0.0"] in lines


def test_the_funnel() -> None:
    counts = {"out": 1, "gated": {"rules": 1, "exact_text": 1, "quality.score.pareto": 1}}
    selection = {
        "counts": {"select": counts},
        "buckets": [{"tokens": 60}, {"tokens": 4}],
        "unit": "documents",
        "sample": {"signal": "quality.score", "policy": "pareto"},
    }
    steps = funnel(whole(figures_of("text")) | {"selection": selection})
    told = [
        (
            step["label"],
            *(step[of] and step[of]["estimate"] for of in ("documents", "tokens", "bytes")),
        )
        for step in steps
    ]
    assert told == [
        ("Read", 16, None, None),
        ("Extracted", 6, None, 106),
        ("Past the gates", 4, 140, 16),
        ("Deduplicated", 3, 76, 12),
        ("Kept by the rules", 1, 64, 4),
        ("Kept by select", 1, 64, None),
    ]
    losses = [
        [(loss["reason"], loss["documents"], loss["error"]) for loss in step["losses"]]
        for step in steps
    ]
    assert losses == [
        [],
        [
            ("empty", 6, False),
            ("http_status.404", 3, False),
            ("decode.UnicodeDecodeError", 1, True),
        ],
        [("language.de", 1, False), ("score.ValueError", 1, True)],
        [],
        [],
        [("sample: quality.score.pareto", 1, False)],
    ]
    assert [step["missing"] for step in steps] == [0] * 6


def test_the_funnel_of_each_language_and_source() -> None:
    report = whole(figures_of("text"))
    names = ("read", "extracted", "scored", "deduplicated")

    def told(of: str) -> dict[str, list[int | None]]:
        return {
            row["value"]: [
                *(row[name] and row[name]["documents"] for name in names),
                row["kept"]["documents"]["estimate"],
            ]
            for row in parts(report, of)
        }

    assert told("sources") == {"text.warc.gz": [16, 6, 4, 3, 1]}
    # Nobody knows the language of what was left out before it was identified.
    assert told("languages") == {
        "unknown": [None, 2, 2, 1, 0],
        "de": [None, 1, 0, 0, 0],
        "en": [None, 1, 1, 1, 1],
        "text": [None, 1, 1, 1, 0],
    }


def test_a_loss_without_a_reason_is_told() -> None:
    report = whole(figures_of("text"), read={"in": 18})
    assert funnel(report)[1]["missing"] == 2
    assert "not accounted for" in render_text(report)


def test_text_for_a_terminal() -> None:
    text = render_text(whole(figures_of("text\x1b[31m[bold]")))
    lines = [" ".join(line.split()) for line in text.splitlines()]
    assert "Read 16" in lines
    assert "error: decode.UnicodeDecodeError −1" in lines
    assert "Kept by the rules 1 64 0.0" in lines
    assert "gopher.word_count 50 – 1,000 2 50 % 2" in lines
    assert "gopher.word_count 0 10 50 2,000" in lines
    assert "…t␛[31m[bold].warc.gz 16 6 4 3 1 64" in lines
    assert "de 1 0 0 0 0" in lines
    assert "\x1b" not in text
    assert max(map(len, text.splitlines())) <= 80


def test_the_same_documents_make_the_same_page() -> None:
    first, again = Figures(), Figures()
    add(first, rows("text"))
    add(again, rows("text")[::-1])
    assert render(whole(first), first.sample) == render(whole(again), again.sample)


def test_the_valley_lies_between_two_modes() -> None:
    generator = np.random.default_rng(0)
    two = np.concatenate([generator.normal(6, 0.4, 4000), generator.normal(9, 0.5, 6000)])
    one = generator.normal(6, 0.4, 9000)
    found = []
    for values in (np.exp(two), np.exp(one), np.exp(two[::200])):
        sketch = Sketch()
        sketch.add(values, np.ones(len(values), np.int64))
        found.append(valley(sketch))
    assert found[0] is not None
    assert 7 < np.log(found[0]) < 7.8
    assert found[1:] == [None, None]


def test_published_thresholds_are_told_once_with_all_their_sets() -> None:
    for options in published().values():
        bounds = [(option["min"], option["max"]) for option in options]
        assert len(set(bounds)) == len(bounds)
    assert published()["gopher.word_count"][0]["sets"] == ["gopher_quality", "gopher"]
