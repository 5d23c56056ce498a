"""The report in a real browser: thresholds move, the file that it gives selects what it said."""

import json
import math
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.dataset as ds
import pyarrow.parquet as pq
import pytest
import yaml
from axe_playwright_python.sync_playwright import Axe
from PIL import Image
from playwright.sync_api import Browser, Page, expect

from pipelines.report_estimate import Estimator
from pipelines.report_sample import Sample
from tests.report_corpus import DOCUMENTS, SMALLEST, Run, Scheme, Visit, opened_browser, run, visit
from tests.report_screenshots import take_all

pytestmark = pytest.mark.browser

SIGNAL = "gopher.word_count"


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Run:
    with pytest.MonkeyPatch.context() as patch:
        # So few that the page has to estimate.
        patch.setattr("pipelines.report_sample.MOST_ROWS", 250)
        return run(tmp_path_factory.mktemp("report"))


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with opened_browser() as opened:
        yield opened


@pytest.fixture
def visited(browser: Browser, finished: Run) -> Iterator[Visit]:
    with visit(browser, finished.output) as opened:
        yield opened
        assert opened.messages == []


@pytest.fixture
def page(visited: Visit) -> Page:
    return visited.page


def report_of(finished: Run) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((finished.output / "report.json").read_text())
    return content


def estimator_of(finished: Run) -> Estimator:
    stored = json.loads((finished.output / "report" / "figures.json").read_text())["sample"]
    table = pq.read_table(finished.output / "report" / "sample.parquet")
    return Estimator(
        Sample(counts=np.array(stored["counts"], np.int64), limit=stored["limit"]), table
    )


def drag(page: Page, label: str, by: float) -> None:
    handle = page.get_by_role("slider", name=label)
    box = handle.bounding_box()
    assert box is not None
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    for step in range(1, 6):
        page.mouse.move(x + by * step / 5, y)
    page.mouse.up()


def test_a_dragged_threshold_selects_what_the_page_said(
    visited: Visit, page: Page, finished: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = visited.kept()
    visited.show(SIGNAL)
    drag(page, f"Minimum of {SIGNAL}", 90)
    kept, error = visited.kept()
    assert kept < before[0]
    assert error > 0
    field = page.get_by_label(f"Minimum of {SIGNAL}, as a number")
    least = float(field.input_value())
    assert least > SMALLEST
    handle = page.get_by_role("slider", name=f"Minimum of {SIGNAL}")
    assert handle.get_attribute("aria-valuenow") == field.input_value()
    text = visited.download("Download thresholds.yaml")
    assert yaml.safe_load(text)["rules"] == {
        SIGNAL: {"min": least},
        "length.tokens": {"max": 100000},
    }
    thresholds = tmp_path / "thresholds.yaml"
    thresholds.write_text(text)
    capsys.readouterr()
    try:
        assert finished.command("select", "--thresholds", str(thresholds)) == 0
        said = capsys.readouterr().out
        selected = json.loads((finished.output / "manifests" / "select.json").read_text())
    finally:
        assert finished.command("select") == 0
    documents = selected["counters"]["out"]
    assert abs(documents - kept) <= error
    assert f"kept:    {documents} documents; the report predicted {kept} ± {error}" in said


def test_the_page_has_the_figures_of_report_json(visited: Visit, page: Page, finished: Run) -> None:
    estimate = report_of(finished)["estimate"]
    documents = estimate["kept"]["documents"]
    assert visited.kept() == (round(documents["estimate"]), math.ceil(documents["error"]))
    shown = {
        row.locator("a").inner_text(): row.locator("td").all_inner_texts()
        for row in page.locator(".rules tbody tr").all()
    }
    for rule, effect in zip(report_of(finished)["rules"], estimate["rules"], strict=True):
        cells = shown[rule["signal"]]
        for cell, figure in ((cells[1], effect["removes"]), (cells[3], effect["only"])):
            error = f" ± {math.ceil(figure['error'])}" if figure["error"] else ""
            assert cell == f"{figure['estimate']:.0f}{error}"
    buckets = {row["value"]: row for row in estimate["buckets"]}
    for row in page.get_by_role("group", name="By length bucket").locator("tbody tr").all():
        bucket = int(row.locator("th").inner_text().removeprefix("up to ").replace(",", ""))
        told = row.locator("td").all_inner_texts()[1].split(" ± ")[0]
        assert told == f"{buckets[bucket]['kept']['documents']['estimate']:.0f}"


def test_both_languages_of_the_estimator_agree_under_other_rules(
    visited: Visit, page: Page, finished: Run
) -> None:
    changes: dict[str, dict[str, float]] = {
        SIGNAL: {"min": 30, "max": 300},
        "gopher.mean_word_length": {"min": 3.9},
        "redpajama.unique_word_ratio": {"max": 0.7},
    }
    rules: dict[str, dict[str, float]] = {"length.tokens": {"max": 100000}, **changes}
    for signal, bounds in changes.items():
        visited.show(signal)
        for end, value in bounds.items():
            label = {"min": "Minimum", "max": "Maximum"}[end]
            page.get_by_label(f"{label} of {signal}, as a number").fill(str(value))
            page.keyboard.press("Tab")
    told = yaml.safe_load(visited.download("Download thresholds.yaml"))
    assert told["rules"] == rules
    whole: list[dict[str, Any]] = [
        {"signal": signal, "min": None, "max": None, "languages": {}, "keep_null": True, **bounds}
        for signal, bounds in rules.items()
    ]
    kept = estimator_of(finished).estimate(whole, smallest=256, largest=65536)["kept"]
    for name in ("documents", "tokens"):
        assert told["predicted"][name] == pytest.approx(kept[name]["estimate"], abs=0.51)
        assert told["predicted"][f"{name}_error"] == pytest.approx(kept[name]["error"], abs=1)


def test_each_step_is_told_of_the_source_and_of_each_language(page: Page, finished: Run) -> None:
    report = report_of(finished)
    labels = page.locator(".funnel .label").all_inner_texts()
    names = ["Extracted", "Past the gates", "Deduplicated"]
    assert labels == ["Read", *names, "Kept by the rules", "Kept by select"]
    for of, steps in (("By source file", ["Read", *names]), ("By language", names)):
        table = page.get_by_role("group", name=of)
        heads = table.locator("thead th").all_inner_texts()[1:]
        assert heads == [*steps, "Kept", "Share", "Tokens kept"]
        told = [row.locator("td").all_inner_texts() for row in table.locator("tbody tr").all()]
        kind = "sources" if "Read" in steps else "languages"
        counted = [
            [str(row[step]["documents"]) for step in report["steps"] if row[step]]
            for row in report[kind]["rows"]
        ]
        assert [cells[: len(steps)] for cells in told] == counted[: len(told)]
        kept = [row["kept"]["documents"] for row in report["estimate"][kind]]
        assert [int(cells[len(steps)].split(" ± ")[0]) for cells in told] == [
            round(of_row["estimate"]) for of_row in kept[: len(told)]
        ]


def test_the_pictures_of_the_documentation_are_made(
    browser: Browser, finished: Run, tmp_path: Path
) -> None:
    paths = take_all(browser, finished.output, into=tmp_path)
    sizes = {}
    for path in paths:
        with Image.open(path) as picture:
            sizes[path.name] = picture.width
    assert sizes == {"report.png": 1280, "report-dark.png": 1280, "report-phone.png": 390}


def test_handles_move_by_keys_and_steps_are_undone(visited: Visit, page: Page) -> None:
    visited.show(SIGNAL)
    first = visited.kept()
    handle = page.get_by_role("slider", name=f"Minimum of {SIGNAL}")
    seen = []
    for key in ("ArrowRight", "PageUp", "PageUp", "ArrowLeft"):
        handle.press(key)
        visited.settle()
        seen.append(float(handle.get_attribute("aria-valuenow") or 0))
    assert SMALLEST < seen[0] < seen[1] < seen[2] > seen[3]
    handle.press("Home")
    visited.settle()
    assert handle.get_attribute("aria-valuetext") == "no minimum"
    page.get_by_role("button", name="Undo").click()
    # The click may scroll, and a card out of sight is brought up to date when it comes back.
    visited.show(SIGNAL)
    expect(handle).to_have_attribute("aria-valuenow", f"{seen[3]:g}")
    page.get_by_role("button", name="Reset").click()
    assert visited.kept() == first


def test_suggestions_rules_and_search(visited: Visit, page: Page, finished: Run) -> None:
    visited.show(SIGNAL)
    card = page.locator(f"[id='signal-{SIGNAL}']")
    card.get_by_role("button", name="Published threshold: gopher_quality, gopher 50").click()
    expect(card.get_by_label("Maximum").last).to_have_value("100000")
    card.get_by_label("Share of documents").fill("60")
    page.keyboard.press("Tab")
    field = page.get_by_label(f"Minimum of {SIGNAL}, as a number")
    expect(field).not_to_have_value("50")
    least = float(field.input_value())
    words = ds.dataset(finished.output / "scored").to_table(columns=[SIGNAL])[SIGNAL].to_numpy()
    assert (words < least).mean() == pytest.approx(0.4, abs=0.02)
    whole = {"signal": SIGNAL, "min": least, "max": None, "languages": {}, "keep_null": True}
    told = estimator_of(finished).estimate([whole], smallest=256, largest=65536)
    removes = told["rules"][0]["removes"]
    expect(card.locator(".effect")).to_contain_text(
        f"({removes['estimate']:.0f} ± {math.ceil(removes['error'])} documents)"
    )
    switch = page.get_by_label(f"Apply the rule on {SIGNAL}")
    switch.uncheck()
    visited.show(SIGNAL)
    visited.settle()
    assert "no bounds" in card.locator(".effect").inner_text()
    switch.check()
    page.get_by_text("Which rules remove the same documents").click()
    page.get_by_role("group", name="Pairs of rules").wait_for()
    page.get_by_label("Search").fill("WORDS gopher")
    shown = page.locator(".card:visible h3").all_inner_texts()
    assert SIGNAL in shown
    assert all("gopher" in name for name in shown)
    page.get_by_label("Search").fill("no such signal")
    assert page.locator(".card:visible").count() == 0


def test_examples_are_marked_and_the_marks_downloaded(visited: Visit, page: Page) -> None:
    visited.show(SIGNAL)
    card = page.locator(f"[id='signal-{SIGNAL}']")
    card.get_by_text("Documents beside the threshold").click()
    card.locator("h4").first.wait_for()
    captions = card.locator("h4").all_inner_texts()
    assert captions == [f"Removed by the minimum {SMALLEST}", f"Kept by the minimum {SMALLEST}"]
    values = [float(text) for text in card.locator("figcaption > b").all_inner_texts()]
    assert values[:3] == sorted(values[:3], reverse=True)
    assert values[2] < SMALLEST <= values[3]
    card.get_by_role("button", name="good").nth(0).click()
    card.get_by_role("button", name="bad").nth(3).click()
    marks = [json.loads(line) for line in visited.download("Download labels.jsonl").splitlines()]
    assert [(mark["label"], mark["signal"]) for mark in marks] == [
        ("good", SIGNAL),
        ("bad", SIGNAL),
    ]
    assert all(re.fullmatch("[0-9a-f]{32}", mark["id"]) for mark in marks)


def test_harmful_texts_are_blurred_until_asked_for(visited: Visit, page: Page) -> None:
    visited.show("harmful.perplexity")
    card = page.locator("[id='signal-harmful.perplexity']")
    card.get_by_text("Documents beside the threshold").click()
    texts = card.locator("blockquote")
    texts.first.wait_for()
    assert texts.count() == card.locator("blockquote.blurred").count() > 0
    card.get_by_role("button", name="show").first.click()
    assert card.locator("blockquote.blurred").count() == texts.count() - 1
    card.get_by_role("button", name="hide").click()
    assert card.locator("blockquote.blurred").count() == texts.count()


def test_thresholds_to_look_at_go_before_the_last_selection(
    finished: Run, browser: Browser, tmp_path: Path
) -> None:
    thresholds = tmp_path / "thresholds.yaml"
    thresholds.write_text("rules:\n  gopher.word_count: {min: 77}\n")
    assert finished.command("report", "--thresholds", str(thresholds)) == 0
    assert [rule["min"] for rule in report_of(finished)["rules"]] == [77]
    assert finished.command("report") == 0
    assert [rule["min"] for rule in report_of(finished)["rules"]] == [SMALLEST, None]


def test_two_threshold_sets_and_two_reports_are_compared(
    visited: Visit, page: Page, finished: Run, tmp_path: Path
) -> None:
    visited.show(SIGNAL)
    (tmp_path / "loose.yaml").write_text(visited.download("Download thresholds.yaml"))
    chooser = page.locator("#compare-file")
    chooser.set_input_files(tmp_path / "loose.yaml")
    compared = page.locator("#compare")
    compared.get_by_text("The two sets are the same.").wait_for()
    field = page.get_by_label(f"Minimum of {SIGNAL}, as a number")
    field.fill(str(3 * SMALLEST))
    page.keyboard.press("Tab")
    compared.scroll_into_view_if_needed()
    row = compared.locator("tr", has_text=SIGNAL)
    row.wait_for()
    cells = row.locator("td").all_inner_texts()
    assert cells[:2] == [f"≥ {SMALLEST}", f"≥ {3 * SMALLEST}"]
    assert int(cells[2]) > 0
    assert cells[3] == "0"
    (tmp_path / "wrong.yaml").write_text("rules:\n  - a list\n")
    chooser.set_input_files(tmp_path / "wrong.yaml")
    compared.get_by_text("wrong.yaml: line 2 is no rule").wait_for()
    chooser.set_input_files(finished.output / "report.json")
    compared.get_by_text("kept documents, of scored").wait_for()
    (tmp_path / "other.json").write_text('{"version": 0}')
    chooser.set_input_files(tmp_path / "other.json")
    compared.get_by_text("other.json: no report.json of this version").wait_for()


def test_plots_are_saved_and_the_scatter_drawn(visited: Visit, page: Page) -> None:
    visited.show(SIGNAL)
    drawing = visited.download(f"Save the histogram of {SIGNAL} as SVG")
    assert drawing.startswith("<svg")
    assert "var(" not in drawing
    with page.expect_download() as waiting:
        page.get_by_role("button", name=f"Save the histogram of {SIGNAL} as PNG").click()
    assert Path(waiting.value.path()).read_bytes().startswith(b"\x89PNG")
    page.get_by_text("Show the scatter").click()
    page.get_by_label("Signal across").select_option(SIGNAL)
    page.get_by_label("Signal up").select_option("length.tokens")
    assert page.locator(".scatter circle").count() > 100


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
def test_page_is_quiet_fits_and_is_accessible(
    browser: Browser, finished: Run, width: int, scheme: Scheme
) -> None:
    with visit(browser, finished.output, width=width, scheme=scheme) as visited:
        page = visited.page
        visited.show(SIGNAL)
        page.locator(f"[id='signal-{SIGNAL}'] summary").click()
        page.get_by_text("Show the scatter").click()
        page.get_by_text("Which rules remove the same documents").click()
        assert page.evaluate("document.documentElement.scrollWidth") == width
        rows = "[...document.querySelectorAll('.steps tr')].map(row => row.offsetHeight)"
        assert max(page.evaluate(rows)) < 250
        found = Axe().run(page)
        serious = [
            (fault["id"], fault["nodes"][0]["html"][:200])
            for fault in found.response["violations"]
            if fault["impact"] in ("serious", "critical")
        ]
        assert serious == []
        assert visited.requests == [(finished.output / "report.html").as_uri()]
        assert visited.messages == []


def test_nothing_of_the_documents_is_an_element_or_runs(visited: Visit, page: Page) -> None:
    visited.show(SIGNAL)
    page.locator(f"[id='signal-{SIGNAL}'] summary").click()
    assert page.locator("img, iframe, object, embed, link, textarea, template").count() == 0
    assert page.evaluate("window.ran") is None
    handlers = "[...document.querySelectorAll('*')].flatMap(e => e.getAttributeNames())"
    assert [name for name in set(page.evaluate(handlers)) if name.startswith("on")] == []
    shown = page.locator("blockquote").first.text_content()
    assert shown is not None
    assert shown.startswith("<script>window.ran = 1</script></script><img src=x onerror=")
    assert "⟨U+202E⟩gpj.exe⟨U+2066⟩" in shown
    assert "onerror=alert(1)>⟨U+202E⟩␛.jsonl" in page.locator("#composition").inner_text()
    text = page.evaluate("document.title + document.querySelector('main').textContent")
    assert re.search("[\x00-\x08\x0e-\x1f\u200b\u202a-\u202e\u2066-\u2069]", text) is None


def test_the_page_shows_the_last_selection(visited: Visit, page: Page, finished: Run) -> None:
    counters = json.loads((finished.output / "manifests" / "select.json").read_text())["counters"]
    assert counters["in"] == DOCUMENTS
    told = f"The last select kept {counters['out']} documents"
    assert told in page.locator("#run .note").inner_text()
    kept, error = visited.kept()
    assert abs(kept - counters["out"]) <= error
