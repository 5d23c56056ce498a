"""The score report as one HTML page that needs nothing else.

What a crawl wrote (text, URLs, file names) is hostile. It is in the page as data only: packed, or
as JSON that no value can leave; the page's script shows it as text and makes no element of it. The
content security policy lets no script run but the page's own, by their hashes, and nothing load.
"""

import base64
import hashlib
import json
import re
from collections.abc import Mapping
from functools import cache
from html import escape
from importlib.resources import files
from typing import Any

from pipelines.report_format import visible
from pipelines.report_pack import packed_columns, packed_examples
from pipelines.report_rows import funnel
from pipelines.report_sample import Sample

LIBRARIES = ("d3.min.js", "plot.umd.min.js")
"""The chart library (Observable Plot, which needs D3), as its authors publish it."""

MODULES = (
    "format",
    "axis",
    "sample",
    "estimate",
    "thresholds",
    "state",
    "elements",
    "chart",
    "handles",
    "examples",
    "suggestions",
    "card",
    "summary",
    "rules",
    "tables",
    "scatter",
    "labels",
    "compare",
    "main",
)
"""The page's own modules, each after those that it imports."""

_IMPORT = re.compile(r"^import \{[^}]*\} from \"\./[a-z]+\.js\";\n", re.MULTILINE)
_EXPORT = re.compile(r"^export (?=const|function|class|async)", re.MULTILINE)


def render(report: Mapping[str, Any], sample: Sample) -> str:
    """Return the report as a self-contained HTML page.

    Args:
        report: What :func:`pipelines.report.load` returned.
        sample: The sample of the same figures.
    """
    told = {**report, "funnel": funnel(report)}
    columns, examples = "", ""
    table = sample.table()
    if table is not None:
        named = {
            of: [row["value"] for row in report[of]["rows"]] for of in ("languages", "sources")
        }
        told["columns"], columns = packed_columns(table, sample.counts, **named)
        examples = packed_examples(table, _thresholds(report))
    scripts = [*(_file(f"charts/{name}") for name in LIBRARIES), script()]
    hashes = " ".join(f"'sha256-{_sha256(text)}'" for text in scripts)
    return _file("report.html").format_map(
        {
            "title": escape(visible(report["name"])),
            "policy": "default-src 'none'; style-src 'unsafe-inline'; img-src blob: data:;"
            f" script-src {hashes}; base-uri 'none'; form-action 'none'",
            "style": _file("report.css"),
            "report": _json(_visible(told)),
            "columns": columns,
            "examples": examples,
            "libraries": "".join(f"<script>{text}</script>\n" for text in scripts[:-1]),
            "script": scripts[-1],
        }
    )


@cache
def script() -> str:
    """Return the page's modules as one: each is a file that a browser can import by itself."""
    parts = []
    for name in MODULES:
        text = _IMPORT.sub("", _file(f"page/{name}.js"))
        parts.append(_EXPORT.sub("", text))
    return "".join(parts)


def _thresholds(report: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the thresholds that need documents beside them: the rules', then the published."""
    bounds = [*report["rules"]]
    for signal in report["signals"]:
        bounds += [
            {"signal": signal["name"], "min": of_set["min"], "max": of_set["max"]}
            for of_set in signal["suggestions"]["published"]
        ]
    return bounds


def _visible(value: Any) -> Any:
    if isinstance(value, str):
        return visible(value)
    if isinstance(value, Mapping):
        return {visible(str(key)): _visible(of) for key, of in value.items()}
    return [_visible(of) for of in value] if isinstance(value, list) else value


def _json(content: Any) -> str:
    """Return JSON that no value in it can leave, whatever the HTML around it."""
    text = json.dumps(content, allow_nan=False, separators=(",", ":"))
    for character in "<>&":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return text


def _sha256(text: str) -> str:
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


@cache
def _file(name: str) -> str:
    return (files("pipelines") / "templates" / name).read_text("utf-8")
