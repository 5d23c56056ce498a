"""How long the report's page takes for a move of a handle, on a sample of 50,000 rows.

Run it from the repository: ``python -m benchmarks.report_interaction``. It makes a page of 24
signals with a rule each, opens it in headless Chromium, and drags a handle through 100 places. A
move is timed from the event to the frame that shows its figures, without the wait for the frame.
"""

import json
import shutil
import tempfile
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from playwright.sync_api import sync_playwright

from pipelines.report_figures import Figures
from pipelines.report_page import render

ROWS, SIGNALS, MOVES = 60_000, 24, 100

_MEASURE = """async ([name, moves]) => {
  const handle = document.querySelector(`[id="signal-${name}"] .handle.min`);
  const box = handle.parentElement.getBoundingClientRect();
  const send = (kind, x) => handle.dispatchEvent(new PointerEvent(kind, {
    bubbles: true, cancelable: true, pointerId: 1, button: 0, clientX: x, clientY: box.top + 40,
  }));
  handle.setPointerCapture = () => {};
  send("pointerdown", handle.getBoundingClientRect().left + 12);
  const times = [];
  for (let move = 0; move < moves; move += 1) {
    const start = performance.now();
    send("pointermove", box.left + box.width * (0.1 + (0.8 * move) / moves));
    const worked = performance.now() - start;
    const drawn = await new Promise((done) => requestAnimationFrame((at) => {
      const channel = new MessageChannel();
      channel.port1.onmessage = () => done(performance.now() - at);
      channel.port2.postMessage(0);
    }));
    times.push([worked, drawn]);
  }
  handle.dispatchEvent(new PointerEvent("lostpointercapture"));
  return times;
}"""


def main() -> None:
    """Print the times as JSON."""
    generator = np.random.default_rng(0)
    names = [f"made.signal_{place:02}" for place in range(SIGNALS)]
    columns = {
        "id": [f"{place:032x}" for place in range(ROWS)],
        "source": [f"file-{place % 300:03}.warc.gz" for place in range(ROWS)],
        "url": ["https://example.org/page"] * ROWS,
        "text": ["A text of some words, of which there are many."] * ROWS,
        "language.code": [
            ("en", "de", "fr", "zh", None)[at] for at in generator.integers(0, 5, ROWS)
        ],
        "length.tokens": generator.lognormal(6.5, 1.3, ROWS).astype(np.int64),
    } | {name: generator.lognormal(3, 1, ROWS) for name in names}
    figures = Figures()
    figures.add(pa.RecordBatch.from_pydict(columns))
    rules = [{"signal": name, "min": 3.0, "max": 300.0} for name in names]
    report = {"name": "made", "read": None, "selection": None, **figures.finish(rules)}
    for signal in report["signals"]:
        signal["suggestions"] = {"published": [], "valley": None}
    page_text = render(report, figures.sample)
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        path = Path(folder) / "report.html"
        path.write_text(page_text)
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium") or shutil.which("google-chrome"),
            args=["--headless", "--no-sandbox", "--disable-gpu"],
        )
        page = browser.new_page(viewport={"width": 1280, "height": 1000})
        page.goto(path.as_uri())
        page.locator("html[data-ready]").wait_for()
        ready = page.evaluate("performance.now()")
        card = page.locator(f"[id='signal-{names[5]}']")
        card.scroll_into_view_if_needed()
        card.locator(".handle").first.wait_for()
        times = np.array(page.evaluate(_MEASURE, [names[5], MOVES]))
        browser.close()
    print(
        json.dumps(
            {
                "rows": report["sample"]["rows"],
                "rules": len(rules),
                "page_megabytes": round(len(page_text.encode()) / 1e6, 2),
                "ready_milliseconds": round(ready),
                "handler_milliseconds": _told(times[:, 0]),
                "frame_milliseconds": _told(times[:, 1]),
                "move_milliseconds": _told(times.sum(axis=1)),
            }
        )
    )


def _told(times: npt.NDArray[np.float64]) -> dict[str, float]:
    return {
        name: round(float(np.quantile(times, share)), 1)
        for name, share in (("median", 0.5), ("p95", 0.95), ("slowest", 1.0))
    }


if __name__ == "__main__":
    main()
