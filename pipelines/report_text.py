"""The score report as text for a terminal."""

from collections.abc import Mapping, Sequence
from io import StringIO
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from pipelines.report_format import bucket_name, count, estimate, figure, share, visible
from pipelines.report_rows import bounds_of, funnel, parts

_TEXT_VALUES = 10
_TEXT_WIDTH = 20
_TERMINAL_WIDTH = 80
_STEPS = {
    "read": "read",
    "extracted": "extracted",
    "scored": "past gates",
    "deduplicated": "dedup.",
}


def render_text(report: Mapping[str, Any]) -> str:
    """Return the main tables of a report as aligned text, at most 80 columns wide.

    Args:
        report: What :func:`pipelines.report.load` returned.
    """
    tables = [_funnel_table(report)]
    estimated = report["estimate"]
    if report["rules"] and estimated:
        tables.append(_rule_table(report))
    tables.append(_signal_table(report))
    if estimated:
        tables.append(_bucket_table(estimated["buckets"]))
    tables.append(_step_table("Languages, from when they are known", parts(report, "languages")))
    tables.append(_step_table("Source files", parts(report, "sources")))
    output = StringIO()
    console = Console(
        file=output, width=_TERMINAL_WIDTH, color_system=None, markup=False, highlight=False
    )
    for table in tables:
        console.print(table, "")
    return "\n".join(line.rstrip() for line in output.getvalue().splitlines()).strip() + "\n"


def _funnel_table(report: Mapping[str, Any]) -> Table:
    table = _table("Run", "", "documents", "tokens", "MB of text")
    for step in funnel(report):
        for loss in step["losses"]:
            error = "error: " if loss["error"] else ""
            reason = Text(f"  {error}{visible(loss['reason'])}")
            table.add_row(reason, f"−{count(loss['documents'])}")
        if step["missing"]:
            table.add_row("  not accounted for", count(step["missing"]))
        cells = [estimate(step["documents"])]
        cells.append("" if step["tokens"] is None else estimate(step["tokens"]))
        cells.append("" if step["bytes"] is None else f"{step['bytes']['estimate'] / 1e6:,.1f}")
        table.add_row(step["label"], *cells)
    sample = report["sample"]
    if sample and sample["rows"] < report["totals"]["documents"]:
        table.caption = f"±: sampling error at 95 %, of {count(sample['rows'])} sampled documents"
    return table


def _rule_table(report: Mapping[str, Any]) -> Table:
    table = _table("Rules: what each removes", "rule", "on its own", "share", "only it")
    documents = max(report["totals"]["documents"], 1)
    rows = list(zip(report["rules"], report["estimate"]["rules"], strict=True))
    for rule, effect in sorted(rows, key=lambda row: -row[1]["removes"]["estimate"]):
        star = " *" if rule["languages"] or not rule["keep_null"] else ""
        removed = effect["removes"]
        name = Text(visible(f"{rule['signal']} {bounds_of(rule)}{star}"))
        part = share(removed["estimate"] / documents)
        table.add_row(name, estimate(removed), part, estimate(effect["only"]))
    notes = ["only it: documents that would be kept but for this rule"]
    if any(rule["languages"] or not rule["keep_null"] for rule in report["rules"]):
        notes.append("*: further bounds for single languages or for missing values")
    table.caption = "\n".join(notes)
    return table


def _signal_table(report: Mapping[str, Any]) -> Table:
    table = _table("Signals", "signal", "null", "p5", "median", "p95")
    for signal in report["signals"]:
        if quantiles := signal.get("quantiles"):
            middle = [figure(quantiles[name]) for name in ("p5", "p50", "p95")]
            table.add_row(Text(visible(signal["name"])), count(signal["nulls"]), *middle)
    return table


def _bucket_table(rows: Sequence[Mapping[str, Any]]) -> Table:
    table = _table("Length in tokens", "", "documents", "kept", "tokens kept")
    for row in rows:
        kept = [estimate(row["kept"][name]) for name in ("documents", "tokens")]
        table.add_row(bucket_name(row["value"]), count(row["documents"]), *kept)
    return table


def _step_table(title: str, rows: Sequence[Mapping[str, Any]]) -> Table:
    """Return the documents that each step leaves, without the steps that nobody counted."""
    steps = {step: heading for step, heading in _STEPS.items() if any(row[step] for row in rows)}
    table = _table(title, "", *steps.values(), "kept", "tokens kept")
    for row in rows[:_TEXT_VALUES]:
        value = visible(row["value"])
        if len(value) > _TEXT_WIDTH:
            value = "…" + value[-_TEXT_WIDTH:]
        kept = row["kept"]
        table.add_row(
            Text(value),
            *(count(row[step]["documents"]) for step in steps),
            *(estimate(kept[name]) if kept else "" for name in ("documents", "tokens")),
        )
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
