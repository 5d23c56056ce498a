"""The report in a real browser: quiet, readable at any width, and nothing of the crawl runs."""

import json
import random
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from pipelines.cli import main
from tests.conftest import chromium

pytestmark = pytest.mark.browser

FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
HOSTILE = (
    "<script>window.ran = 1</script></script><img src=x onerror='window.ran = 2'>"
    '"><svg onload="window.ran = 3"></style></textarea><!--'
    "\u202egpj.exe\u2066\x00\x1b[31m\u200b&lt;b&gt;"
)
# No file name holds a "/"; this one looks like it.
FILE_NAME = "a<∕script><img src=x onerror=alert(1)>\u202e\x1b.jsonl"
WORDS = ["the", "river", "and", "a", "small", "boat", "that", "people", "have", "seen", "with"]
SMALLEST = 40


@dataclass
class Visit:
    """An open page with all that the browser said of it."""

    page: Page
    requests: list[str] = field(default_factory=list)
    messages: list[str] = field(default_factory=list)


@pytest.fixture(scope="module")
def output(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The output of a run over hostile documents, and of another `select` after it."""
    folder = tmp_path_factory.mktemp("report")
    (folder / "input").mkdir()
    generator = random.Random(1)
    with (folder / "input" / FILE_NAME).open("w", encoding="utf-8") as file:
        for number in range(60):
            prose = " ".join(generator.choices(WORDS, k=10 + 3 * number))
            document = {
                "text": f"{HOSTILE}\n{prose}.",
                "id": f"{number} {HOSTILE}",
                "url": f"https://example.com/{number}?{HOSTILE}{'long' * 40}",
            }
            file.write(json.dumps(document) + "\n")
    recipe = folder / "recipe.yaml"
    rules = f"{{gopher.word_count: {{min: {SMALLEST}}}, length.tokens: {{max: 100000}}}}"
    recipe.write_text(
        f"name: hostile\ninput: [{{format: jsonl, paths: [{folder}/input]}}]\n"
        f"output: {folder}/out\nrules: {rules}\n"
    )
    assert main(["run", str(recipe), "--workers", "1"]) == 0
    stricter = f"rules.gopher.word_count.min={2 * SMALLEST}"
    assert main(["select", str(recipe), "--workers", "1", "--set", stricter]) == 0
    return folder / "out"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=chromium(), args=FLAGS)
        yield opened
        opened.close()


def visit(
    browser: Browser,
    output: Path,
    *,
    width: int = 1280,
    scheme: Literal["light", "dark"] = "light",
) -> Visit:
    page = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)
    visited = Visit(page)
    page.on("request", lambda request: visited.requests.append(request.url))
    page.on("console", lambda message: visited.messages.append(message.text))
    page.on("pageerror", lambda error: visited.messages.append(str(error)))
    page.on("dialog", lambda dialog: visited.messages.append(dialog.message))
    page.goto((output / "report.html").as_uri())
    page.evaluate("document.querySelectorAll('details').forEach(details => details.open = true)")
    return visited


@pytest.fixture
def page(browser: Browser, output: Path) -> Iterator[Page]:
    opened = visit(browser, output).page
    yield opened
    opened.close()


def luminance(color: str) -> float:
    """Relative luminance of a CSS `rgb()` colour (WCAG 2.2)."""
    parts = [int(part) / 255 for part in re.findall(r"\d+", color)[:3]]
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390, 320])
def test_page_is_quiet_and_fits(
    browser: Browser, output: Path, width: int, scheme: Literal["light", "dark"]
) -> None:
    visited = visit(browser, output, width=width, scheme=scheme)
    page = visited.page
    page.mouse.wheel(0, 20_000)
    assert page.evaluate("document.documentElement.scrollWidth") == width
    ink, ground = page.evaluate(
        "(({color, backgroundColor}) => [color, backgroundColor])(getComputedStyle(document.body))"
    )
    dark, light = sorted([luminance(ink), luminance(ground)])
    assert (light + 0.05) / (dark + 0.05) > 7
    assert (luminance(ground) < luminance(ink)) == (scheme == "dark")
    assert visited.requests == [(output / "report.html").as_uri()]
    assert visited.messages == []
    page.close()


def test_nothing_of_the_documents_is_an_element_or_runs(page: Page) -> None:
    assert page.locator("img, iframe, object, embed, link, textarea, template").count() == 0
    assert page.locator("script").count() == 2
    assert page.locator("style").count() == 1
    assert page.evaluate("window.ran") is None
    handlers = "[...document.querySelectorAll('*')].flatMap(e => e.getAttributeNames())"
    names = set(page.evaluate(handlers))
    assert [name for name in names if name.startswith("on")] == []
    shown = page.locator(".excerpt").first.text_content()
    assert shown is not None
    assert shown.startswith("<script>window.ran = 1</script></script><img src=x onerror=")
    assert "⟨U+202E⟩gpj.exe⟨U+2066⟩" in shown
    assert "onerror=alert(1)>⟨U+202E⟩␛.jsonl" in page.locator("#composition").inner_text()
    text = page.evaluate("document.documentElement.textContent")
    assert re.search("[\x00-\x08\x0e-\x1f\u200b\u202a-\u202e\u2066-\u2069]", text) is None


def test_the_filter_narrows_the_signals(page: Page) -> None:
    cards = page.locator(".card:visible")
    everything = cards.count()
    page.get_by_label("Filter").fill("WORD count")
    found = [card.get_attribute("id") or "" for card in cards.all()]
    assert "gopher.word_count" in found
    assert 0 < len(found) < everything
    assert page.get_by_role("status").filter(has_text=f"{len(found)} of {everything}").count() == 1
    assert page.locator(".family:visible").count() == len({name.split(".")[0] for name in found})
    page.get_by_label("Filter").fill("no such signal")
    assert cards.count() == 0
    page.get_by_label("Filter").fill("")
    assert cards.count() == everything


def test_the_knob_tries_thresholds_by_keyboard(page: Page) -> None:
    slider = page.get_by_label("Threshold to try on gopher.word_count")
    output = page.locator("[id='gopher.word_count'] output")
    shares = []
    slider.focus()
    for key in ("End", "Home", "PageUp", "PageUp", "PageUp", "ArrowRight"):
        slider.press(key)
        told = re.fullmatch(
            r"Below [\d,]+: ([\d.]+) % of documents, ([\d.]+) % of tokens", output.inner_text()
        )
        assert told is not None
        assert slider.get_attribute("aria-valuetext") == output.inner_text()
        shares.append(float(told[1]))
    assert shares[0] == 100
    assert shares[1] == 0
    assert shares[1:] == sorted(shares[1:])
    assert 0 < shares[-1] < 100


@pytest.mark.parametrize("part", [0.1, 0.5, 1.0])
def test_the_knob_stands_below_its_line(page: Page, part: float) -> None:
    card = page.locator("[id='gopher.word_count']")
    plot, slider = card.locator(".plot"), card.locator("input[type=range]")
    slider.scroll_into_view_if_needed()
    around, knob = plot.bounding_box(), slider.bounding_box()
    assert around is not None
    assert knob is not None
    x = around["x"] + part * around["width"]
    page.mouse.click(x, knob["y"] + knob["height"] / 2)
    line = card.locator(".cursor").bounding_box()
    assert line is not None
    assert line["x"] == pytest.approx(x, abs=2)


def test_the_page_shows_the_last_selection(page: Page, output: Path) -> None:
    """Also where `select` ran again with another threshold, after the report was made."""
    counters = json.loads((output / "manifests" / "select.json").read_text())["counters"]
    kept = page.locator(".funnel > li").last.locator(".amount strong").inner_text()
    assert int(kept.replace(",", "")) == counters["out"]
    assert 0 < counters["out"] < counters["in"] == 60
    row = page.locator(".rules tr", has_text="gopher.word_count")
    cells = row.locator("td").all_inner_texts()
    assert cells[0] == f"≥ {2 * SMALLEST}"
    assert int(cells[1]) == counters["gated"]["rules"]
