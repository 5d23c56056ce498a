"""The score report as one HTML page that needs nothing else, and as text for a terminal.

What a crawl wrote (text, URLs, file names) is hostile: the template escapes every value, control
characters are made visible, and the page's content security policy lets no script run but its own
and nothing load.
"""

import base64
import hashlib
import json
from collections.abc import Mapping, Sequence
from importlib.resources import files
from io import StringIO
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from pipelines.report_format import (
    bucket_name,
    count,
    figure,
    share,
    short_count,
    tick,
    visible,
)
from pipelines.report_plot import plot
from pipelines.report_rows import funnel, language_rows, rule_rows
from pipelines.report_sample import EXCERPT_CHARACTERS

_HARMFUL = "harmful"

_EXAMPLES = 2
_TEXT_VALUES = 10
_TEXT_WIDTH = 50
_TERMINAL_WIDTH = 80
_LABEL_WIDTH = 0.18


def render(
    report: Mapping[str, Any], selection: Mapping[str, Any] | None = None, *, title: str
) -> str:
    """Return the report as a self-contained HTML page.

    Args:
        report: What :meth:`pipelines.report_figures.Figures.finish` returned.
        selection: ``thresholds``, ``counts``, ``rules``, ``buckets`` and ``languages`` of a
            finished ``select``, or None before it.
        title: The page's heading.
    """
    environment = Environment(
        loader=PackageLoader("pipelines", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_visible_value,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "count": count,
        "short": short_count,
        "share": share,
        "figure": figure,
        "tick": tick,
        "bucket": bucket_name,
    }
    script = _template("report.js")
    return environment.get_template("report.html").render(
        title=title,
        report=report,
        selection=selection,
        families=_families(report, selection),
        steps=funnel(report, selection),
        rules=sorted(rule_rows(report, selection), key=lambda row: -row["documents"]),
        languages=language_rows(report, selection),
        excerpt_characters=EXCERPT_CHARACTERS,
        style=Markup(_template("report.css")),  # noqa: S704 - ours, no data in it
        script=Markup(script),  # noqa: S704 - ours, no data in it
        script_hash=base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
        curves=_curves(report),
    )


def render_text(report: Mapping[str, Any], selection: Mapping[str, Any] | None = None) -> str:
    """Return the main tables of the report as aligned text, at most 80 columns wide."""
    tables = [_run_table(report, selection)]
    if report["rules"] or (selection and selection["rules"]):
        tables.append(_rule_table(report, selection))
    tables.append(_signal_table(report))
    tables += [
        _value_table(signal["name"], signal)
        for signal in report["signals"]
        if signal["type"] == "string" and signal["count"]
    ]
    tables.append(_value_table("Source files", report["sources"]))
    output = StringIO()
    console = Console(
        file=output, width=_TERMINAL_WIDTH, color_system=None, markup=False, highlight=False
    )
    for table in tables:
        console.print(table, "")
    return "\n".join(line.rstrip() for line in output.getvalue().splitlines()).strip() + "\n"


def _families(
    report: Mapping[str, Any], selection: Mapping[str, Any] | None
) -> list[dict[str, Any]]:
    """Group the signals by family with all that their cards show, in the order of the columns."""
    rows = rule_rows(report, selection)
    families: dict[str, list[dict[str, Any]]] = {}
    for signal in report["signals"]:
        rules = [row for row in rows if row["signal"] == signal["name"]]
        card = {
            **signal,
            "rules": rules,
            "plot": _plot(signal, rules) if signal.get("histogram") else None,
            "examples": _examples(signal, rules, report["sample"]),
        }
        families.setdefault(signal["family"], []).append(card)
    return [
        {"name": name, "signals": signals, "blurred": name == _HARMFUL}
        for name, signals in families.items()
    ]


def _plot(signal: Mapping[str, Any], rules: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return the histogram's layout, with one label for bars too close for a label each."""
    layout = plot(signal, rules)
    labels: list[dict[str, Any]] = []
    for spike in layout["spikes"]:
        told = share(spike["share"])
        if labels and spike["x"] - labels[-1]["x"] < _LABEL_WIDTH:
            labels[-1] = {"x": spike["x"], "text": f"{labels[-1]['text']}, {told}"}
        else:
            labels.append({"x": spike["x"], "text": told})
    return {**layout, "spikes": labels}


def _examples(
    signal: Mapping[str, Any],
    rules: Sequence[Mapping[str, Any]],
    sample: Sequence[Mapping[str, Any]],
) -> list[dict[str, Any]]:
    """Return captioned lists of sampled documents: by the bounds, or at the ends without rules."""
    name = signal["name"]
    if rules:
        groups = [
            (f"{'Removed' if side == 'outside' else 'Kept'} by {at['bound']} {figure(bound)}", rows)
            for rule in rules
            for at in rule["examples"]
            if (bound := rule[at["bound"]]) is not None
            for side in ("outside", "inside")
            if (rows := at[side])
        ]
    elif signal["type"] == "string":
        groups = []
    else:
        present = [row["signals"].get(name) for row in sample]
        order = [place for place, value in enumerate(present) if value is not None]
        order.sort(key=lambda place: (present[place], place))
        half = min(_EXAMPLES, len(order) // 2)
        ends = [("Lowest in the sample", order[:half]), ("Highest in the sample", order[-half:])]
        groups = [(caption, rows) for caption, rows in ends if half]
    return [
        {
            "caption": caption,
            "rows": [{**sample[place], "value": sample[place]["signals"][name]} for place in rows],
        }
        for caption, rows in groups
    ]


def _curves(report: Mapping[str, Any]) -> Markup:
    """Return what the page's script reads, as JSON that no value in it can leave."""
    curves = {
        signal["name"]: {
            "curve": signal["curve"],
            "scale": signal["histogram"]["scale"],
            "low": signal["histogram"]["edges"][0],
            "high": signal["histogram"]["edges"][-1],
            "whole": signal["type"] != "double",
        }
        for signal in report["signals"]
        if signal.get("curve")
    }
    escaped = json.dumps(curves, allow_nan=False, separators=(",", ":"))
    for character in "<>&":
        escaped = escaped.replace(character, f"\\u{ord(character):04x}")
    return Markup(escaped)  # noqa: S704 - escaped above


def _visible_value(value: Any) -> Any:
    return visible(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def _template(name: str) -> str:
    return (files("pipelines") / "templates" / name).read_text("utf-8")


def _run_table(report: Mapping[str, Any], selection: Mapping[str, Any] | None) -> Table:
    table = _table("Run", "", "documents", "tokens")
    for step in funnel(report, selection):
        for loss in step["losses"]:
            error = "error: " if loss["error"] else ""
            reason = Text(f"  {error}{visible(loss['reason'])}")
            table.add_row(reason, f"−{count(loss['documents'])}", "")
        if step["missing"]:
            table.add_row("  not accounted for", count(step["missing"]), "")
        tokens = "" if step["tokens"] is None else count(step["tokens"])
        table.add_row(step["label"], count(step["documents"]), tokens)
    return table


def _rule_table(report: Mapping[str, Any], selection: Mapping[str, Any] | None) -> Table:
    rows = sorted(rule_rows(report, selection), key=lambda row: -row["documents"])
    columns = ["rule", "removes", "share", "tokens", *(["only"] if selection else [])]
    table = _table("Rules: what each removes on its own", *columns)
    notes = ["only: documents that no other rule removes"] if selection else []
    if any(row["special"] for row in rows):
        notes.append("*: further bounds for single languages or for missing values")
    table.caption = "\n".join(notes)
    for row in rows:
        star = " *" if row["special"] else ""
        tokens = "–" if row["token_share"] is None else share(row["token_share"])
        cells = [count(row["documents"]), share(row["share"]), tokens]
        if selection:
            cells.append(count(row["only"]))
        table.add_row(Text(visible(f"{row['signal']} {row['bounds']}{star}")), *cells)
    return table


def _signal_table(report: Mapping[str, Any]) -> Table:
    table = _table("Signals", "signal", "null", "p5", "median", "p95")
    for signal in report["signals"]:
        if quantiles := signal.get("quantiles"):
            middle = [figure(quantiles[name]) for name in ("p5", "p50", "p95")]
            table.add_row(Text(visible(signal["name"])), count(signal["nulls"]), *middle)
    return table


def _table(title: str, *columns: str) -> Table:
    table = Table(
        title=title,
        title_justify="left",
        title_style="",
        caption_justify="left",
        caption_style="",
        box=box.SIMPLE_HEAD,
        show_edge=False,
        pad_edge=False,
        padding=(0, 1, 0, 0),
    )
    for place, column in enumerate(columns):
        table.add_column(column, justify="right" if place else "left", overflow="fold")
    return table


def _value_table(title: str, values: Mapping[str, Any]) -> Table:
    table = _table(visible(title), "", "documents", "tokens")
    for row in values["values"][:_TEXT_VALUES]:
        value = visible(row["value"])
        if len(value) > _TEXT_WIDTH:
            value = "…" + value[-_TEXT_WIDTH:]
        table.add_row(Text(value), count(row["documents"]), count(row["tokens"]))
    rest = [*values["values"][_TEXT_VALUES:], values["other"]]
    if documents := sum(row["documents"] for row in rest):
        table.add_row("all others", count(documents), count(sum(row["tokens"] for row in rest)))
    return table
