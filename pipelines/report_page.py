"""The score report as one HTML page that needs nothing else, and as text for a terminal.

What a crawl wrote (text, URLs, file names) is hostile: the template escapes every value, control
characters are made visible, and the page's content security policy lets no script run but its own
and nothing load.
"""

import base64
import hashlib
import json
import re
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

from pipelines.report_plot import plot
from pipelines.report_sample import EXCERPT_CHARACTERS

_STAGES = {"score": "Scored", "dedup": "After duplicates", "select": "Kept"}
_HARMFUL = "harmful"

_EXAMPLES = 2
_TEXT_VALUES = 10
_TEXT_WIDTH = 60
_UNITS = ("", "k", "M", "G", "T")
_NEXT_UNIT = 999.5
_LEAST_PERCENT = 0.01

# Controls other than tab and newline, what reorders the text around it, what hides text.
_CONTROL = re.compile(
    "[\\x00-\\x08\\x0b-\\x1f\\x7f-\\x9f\\u2028\\u2029\\u202a-\\u202e\\u2066-\\u2069"
    "\\u200b\\u2060-\\u2064\\ufeff\\U000e0000-\\U000e007f]"
)
_CONTROL_PICTURES = 0x2400


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
    }
    script = _template("report.js")
    signals = report["signals"]
    languages = next((s for s in signals if s["name"] == "language.code" and s["count"]), None)
    return environment.get_template("report.html").render(
        title=title,
        report=report,
        selection=selection,
        families=_families(report),
        steps=funnel(report, selection),
        rules=rule_rows(report, selection),
        languages=languages,
        excerpt_characters=EXCERPT_CHARACTERS,
        style=Markup(_template("report.css")),  # noqa: S704 - ours, no data in it
        script=Markup(script),  # noqa: S704 - ours, no data in it
        script_hash=base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
        curves=_curves(report),
    )


def render_text(report: Mapping[str, Any], selection: Mapping[str, Any] | None = None) -> str:
    """Return the main tables of the report as aligned text, at most 100 columns wide."""
    output = StringIO()
    console = Console(file=output, width=100, color_system=None, markup=False, highlight=False)
    steps = funnel(report, selection)
    run = _table("Run", "", "documents", "tokens")
    for step in steps:
        tokens = "" if step["tokens"] is None else count(step["tokens"])
        for loss in step["losses"]:
            run.add_row(Text(f"  - {visible(loss['reason'])}"), count(loss["documents"]), "")
        run.add_row(step["label"], count(step["documents"]), tokens)
    console.print(run)
    if report["rules"]:
        rules = _table("Rules, each on its own", "rule", "set", "removes", "documents", "tokens")
        for row in rule_rows(report, selection):
            rules.add_row(
                Text(visible(f"{row['signal']} {row['bounds']}")),
                Text(visible(row["set"] or "")),
                count(row["documents"]),
                share(row["share"]),
                share(row["token_share"]),
            )
        console.print(rules)
    numbers = _table("Signals", "signal", "null", "p5", "median", "p95", "mean")
    for signal in report["signals"]:
        if quantiles := signal.get("quantiles"):
            middle = [figure(quantiles[name]) for name in ("p5", "p50", "p95")]
            nulls = count(signal["nulls"])
            numbers.add_row(visible(signal["name"]), nulls, *middle, figure(signal["mean"]))
    console.print(numbers)
    for signal in report["signals"]:
        if signal["type"] == "string" and signal["count"]:
            console.print(_value_table(signal["name"], signal))
    console.print(_value_table("Sources", report["sources"]))
    return "\n".join(line.rstrip() for line in output.getvalue().splitlines()).strip() + "\n"


def funnel(report: Mapping[str, Any], selection: Mapping[str, Any] | None) -> list[dict[str, Any]]:
    """Return the steps of the run: documents and tokens that are left, and what was lost before.

    Tokens are None where the run did not count them; ``missing`` is what does not add up.
    """
    totals, duplicates = report["totals"], report["duplicates"]
    if selection is None:
        steps = [_step("Scored", totals["documents"], totals["tokens"])]
        if duplicates:
            removed = {"documents": duplicates["documents"], "reason": "duplicate", "error": False}
            left = [totals[name] - duplicates[name] for name in ("documents", "tokens")]
            steps.append(_step("After duplicates", *left, losses=[removed]))
        return _with_shares(steps)
    counts = selection["counts"]
    steps = [_step("Read", counts["score"]["in"], None)]
    for name, label in _STAGES.items():
        if name not in counts:
            continue
        stage = counts[name]
        losses = [
            {"documents": lost, "reason": reason, "error": kind == "errors"}
            for kind in ("gated", "errors")
            for reason, lost in sorted(stage[kind].items(), key=lambda item: (-item[1], item[0]))
        ]
        missing = stage["in"] - stage["out"] - sum(loss["documents"] for loss in losses)
        tokens = _tokens_left(name, stage["out"], report, selection)
        steps.append(_step(label, stage["out"], tokens, losses=losses, missing=missing))
    return _with_shares(steps)


def rule_rows(
    report: Mapping[str, Any], selection: Mapping[str, Any] | None
) -> list[dict[str, Any]]:
    """Return for each rule what it removes, alone and (after ``select``) only it."""
    selected = {row["rule"]: row for row in selection["rules"]} if selection else {}
    overlap, totals = report["overlap"], report["totals"]
    rows = []
    for place, rule in enumerate(report["rules"]):
        documents = rule["below"]["documents"] + rule["above"]["documents"]
        tokens = rule["below"]["tokens"] + rule["above"]["tokens"]
        rows.append(
            {
                **rule,
                "bounds": _bounds(rule),
                "documents": documents,
                "share": documents / max(totals["documents"], 1),
                "token_share": tokens / max(totals["tokens"], 1),
                "margin_share": rule["margin"] / max(totals["documents"], 1),
                "shared_with": _shared_with(place, report["rules"], overlap),
                "sample_failed": overlap["both"][place][place],
                "sample_only": overlap["only"][place],
                "selected": selected.get(rule["signal"]),
            }
        )
    return rows


def visible(text: str) -> str:
    r"""Return text with control characters, and those that reorder or hide text, made visible.

    >>> visible("a\x00b\u202ec")
    'a␀b⟨U+202E⟩c'
    """

    def picture(match: re.Match[str]) -> str:
        code = ord(match.group())
        return chr(_CONTROL_PICTURES + code) if code < ord(" ") else f"⟨U+{code:04X}⟩"

    return _CONTROL.sub(picture, text)


def count(number: float) -> str:
    """Return a whole number with its thousands apart.

    >>> count(1234567)
    '1,234,567'
    """
    return f"{number:,.0f}"


def short_count(number: float) -> str:
    """Return a number in three digits.

    >>> [short_count(number) for number in (950, 12_345, 999_999)]
    ['950', '12.3k', '1M']
    """
    for unit in _UNITS:
        if abs(number) < _NEXT_UNIT:
            return f"{number:.3g}{unit}"
        number /= 1000
    return f"{number:,.0f}P"


def share(part: float) -> str:
    """Return a share as a percentage.

    >>> [share(part) for part in (0, 0.00001, 0.01234, 0.505, 1)]
    ['0 %', '<0.01 %', '1.23 %', '50.5 %', '100 %']
    """
    percent = 100 * part
    if 0 < percent < _LEAST_PERCENT:
        return f"<{_LEAST_PERCENT} %"
    return f"{percent:.{2 if percent < 10 else 1}f}".rstrip("0").rstrip(".") + " %"


def figure(value: float) -> str:
    """Return a signal's value in four digits, or all digits of a whole number.

    >>> [figure(value) for value in (12345, 0.98765, 1234.5, 5e-7)]
    ['12,345', '0.9877', '1,234', '5e-07']
    """
    return count(value) if isinstance(value, int) or abs(value) >= 1000 else f"{value:.4g}"


def tick(value: float) -> str:
    """Return a value for the axis, as short as can be.

    >>> [tick(value) for value in (0.30000000000000004, 2_000_000, -0.5)]
    ['0.3', '2M', '-0.5']
    """
    return short_count(value) if abs(value) >= 1 else f"{value:.3g}"


def _step(
    label: str,
    documents: int,
    tokens: int | None,
    *,
    losses: Sequence[Mapping[str, Any]] = (),
    missing: int = 0,
) -> dict[str, Any]:
    return {
        "label": label,
        "documents": documents,
        "tokens": tokens,
        "losses": losses,
        "missing": missing,
    }


def _with_shares(steps: list[dict[str, Any]]) -> list[dict[str, Any]]:
    first = max(steps[0]["documents"], 1)
    return [{**step, "share": step["documents"] / first} for step in steps]


def _tokens_left(
    stage: str, documents: int, report: Mapping[str, Any], selection: Mapping[str, Any]
) -> int | None:
    """Return the tokens after a stage, if they are known for exactly its documents."""
    totals, duplicates = report["totals"], report["duplicates"]
    if stage == "select":
        return sum(int(bucket["tokens"]) for bucket in selection["buckets"])
    if documents == totals["documents"]:
        return int(totals["tokens"])
    if duplicates and documents == totals["documents"] - duplicates["documents"]:
        return int(totals["tokens"] - duplicates["tokens"])
    return None


def _shared_with(
    place: int, rules: Sequence[Mapping[str, Any]], overlap: Mapping[str, Any]
) -> dict[str, Any] | None:
    """Return the other signal's rule that removes most of the sampled documents of this one."""
    row = overlap["both"][place]
    others = [
        (row[other], -other)
        for other, rule in enumerate(rules)
        if rule["signal"] != rules[place]["signal"]
    ]
    most, other = max(others, default=(0, 0))
    if not most:
        return None
    return {"signal": rules[-other]["signal"], "share": most / row[place]}


def _bounds(rule: Mapping[str, Any]) -> str:
    least, most = rule["min"], rule["max"]
    if most is None:
        return f"≥ {figure(least)}"
    if least is None:
        return f"≤ {figure(most)}"
    return f"{figure(least)} – {figure(most)}"


def _families(report: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Group the signals by family with all that their cards show, in the order of the columns."""
    rows = rule_rows(report, None)
    families: dict[str, list[dict[str, Any]]] = {}
    for signal in report["signals"]:
        rules = [row for row in rows if row["signal"] == signal["name"]]
        card = {
            **signal,
            "rules": rules,
            "plot": plot(signal, rules) if signal.get("histogram") else None,
            "examples": _examples(signal, rules, report["sample"]),
        }
        families.setdefault(signal["family"], []).append(card)
    return [
        {"name": name, "signals": signals, "blurred": name == _HARMFUL}
        for name, signals in families.items()
    ]


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


def _table(title: str, *columns: str) -> Table:
    table = Table(title=title, box=box.SIMPLE_HEAD, title_justify="left", title_style="")
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
