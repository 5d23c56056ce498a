"""Makes the pictures of the report in ``docs/``.

Run it from the repository: ``python -m tests.report_screenshots``. It runs the quickstart into a
folder of its own and takes the pictures with headless Chromium.
"""

import tempfile
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser

from pipelines.cli import main as thresher
from tests.report_corpus import Visit, opened_browser, visit

RECIPE = "configs/quickstart.yaml"
SIGNAL, LEAST = "gopher.word_count", 300
_WIDE, _NARROW = 1280, 390
_COLOURS = 128


def main() -> None:
    """Write the pictures."""
    with tempfile.TemporaryDirectory() as folder:
        output = Path(folder) / "quickstart"
        thresher(["run", RECIPE, "--set", f"output={output}"])
        with opened_browser() as browser:
            take_all(browser, output, into=Path("docs"))


def take_all(browser: Browser, output: Path, *, into: Path) -> list[Path]:
    """Take the pictures of a run's report and return their paths.

    Args:
        browser: A browser.
        output: The run's output, with the signal ``SIGNAL``.
        into: The folder of the pictures.
    """
    paths = [into / name for name in ("report.png", "report-dark.png", "report-phone.png")]
    with visit(browser, output, width=_WIDE, height=1400) as visited:
        _take(visited, paths[0])
    with visit(browser, output, width=_WIDE, height=1000, scheme="dark") as visited:
        _open_documents(visited)
        _take(visited, paths[1])
    with visit(browser, output, width=_NARROW, height=1400) as visited:
        _take(visited, paths[2])
    return paths


def _open_documents(visited: Visit) -> None:
    """Show a signal's card with another threshold and the documents beside it."""
    visited.show(SIGNAL)
    card = visited.page.locator(f"[id='signal-{SIGNAL}']")
    card.get_by_label(f"Minimum of {SIGNAL}, as a number").fill(str(LEAST))
    card.get_by_text("Documents beside the threshold").click()
    card.locator("h4").first.wait_for()
    card.evaluate("card => card.scrollIntoView({behavior: 'instant'})")


def _take(visited: Visit, path: Path) -> None:
    visited.settle()
    visited.page.screenshot(path=path, animations="disabled")
    # A third of the bytes, and no difference that one sees.
    with Image.open(path) as picture:
        picture.convert("RGB").quantize(_COLOURS).save(path, optimize=True)


if __name__ == "__main__":
    main()
