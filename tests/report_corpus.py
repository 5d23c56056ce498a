"""A finished run over documents that try to get out of the report, and a browser to open it in."""

import json
import random
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from playwright.sync_api import Browser, Page, sync_playwright

from pipelines.cli import main
from tests.conftest import chromium

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
DOCUMENTS = 700
SMALLEST = 40
_WORDS = ["the", "river", "and", "a", "small", "boat", "that", "people", "have", "seen", "with"]

Scheme = Literal["light", "dark"]


@dataclass(frozen=True)
class Run:
    """A recipe whose stages have run, and its output."""

    recipe: Path
    output: Path

    def command(self, name: str, *more: str) -> int:
        """Run another stage of it."""
        return main([name, str(self.recipe), "--workers", "1", *more])


def run(folder: Path) -> Run:
    """Score hostile documents, some of them copies, and select with two rules."""
    (folder / "input").mkdir()
    generator = random.Random(1)
    with (folder / "input" / FILE_NAME).open("w", encoding="utf-8") as file:
        prose = ""
        for number in range(DOCUMENTS):
            # Every ninth is a copy of the one before.
            if number % 9 or not number:
                prose = " ".join(generator.choices(_WORDS, k=int(generator.lognormvariate(4.5, 1))))
            document = {
                "text": f"{HOSTILE}\n{prose}.",
                "id": f"{number} {HOSTILE}",
                "url": f"https://example.com/{number}?{HOSTILE}{'long' * 40}",
            }
            file.write(json.dumps(document) + "\n")
    recipe = folder / "recipe.yaml"
    recipe.write_text(
        f"name: hostile\ninput: [{{format: jsonl, paths: [{folder}/input]}}]\n"
        f"output: {folder}/out\ndedup: {{near: false}}\n"
        "signals: [gopher_quality, redpajama]\nmodels: {harmful: en-harmful}\n"
        f"rules: {{gopher.word_count: {{min: {SMALLEST}}}, length.tokens: {{max: 100000}}}}\n"
    )
    finished = Run(recipe, folder / "out")
    assert finished.command("run") == 0
    return finished


@dataclass
class Visit:
    """An open page with all that the browser said of it."""

    page: Page
    requests: list[str] = field(default_factory=list)
    messages: list[str] = field(default_factory=list)

    def show(self, signal: str) -> None:
        """Bring a signal's card on the screen."""
        card = self.page.locator(f"[id='signal-{signal}']")
        card.scroll_into_view_if_needed()
        card.locator(".handle").first.wait_for()

    def settle(self) -> None:
        """Wait until the page has drawn what was last done."""
        self.page.evaluate("new Promise(done => requestAnimationFrame(() => setTimeout(done)))")

    def kept(self) -> tuple[int, int]:
        """Return the documents that the page says are kept, and the error."""
        self.settle()
        told = self.page.locator("#kept-documents").inner_text().replace(",", "").split(" ± ")
        return int(told[0]), int(told[1]) if len(told) > 1 else 0

    def download(self, button: str) -> str:
        """Click a button and return what the browser downloads."""
        with self.page.expect_download() as waiting:
            self.page.get_by_role("button", name=button).click()
        return Path(waiting.value.path()).read_text()


@contextmanager
def visit(
    browser: Browser,
    output: Path,
    *,
    width: int = 1280,
    height: int = 900,
    scheme: Scheme = "light",
) -> Iterator[Visit]:
    """Open a run's report."""
    page = browser.new_page(viewport={"width": width, "height": height}, color_scheme=scheme)
    visited = Visit(page)
    page.on("request", lambda request: visited.requests.append(request.url))
    page.on("console", lambda message: visited.messages.append(message.text))
    page.on("pageerror", lambda error: visited.messages.append(str(error)))
    page.on("dialog", lambda dialog: visited.messages.append(dialog.message))
    page.goto((output / "report.html").as_uri())
    page.locator("html[data-ready]").wait_for()
    yield visited
    page.close()


@contextmanager
def opened_browser() -> Iterator[Browser]:
    """Open headless Chromium."""
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=chromium(), args=FLAGS)
        yield opened
        opened.close()
