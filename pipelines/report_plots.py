"""The report's plots as files for a paper, SVG and PNG: each signal's histogram, and the funnel."""

from collections.abc import Mapping, Sequence
from io import BytesIO
from itertools import pairwise
from typing import Any

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from pipelines import storage
from pipelines.report_format import estimate, figure, visible
from pipelines.report_rows import funnel

FORMS = ("svg", "png")
"""The forms in which each plot is written."""

_INK, _BARS, _ACCENT, _REMOVED = "#211e17", "#c9b08d", "#96500a", "#efeae0"
_INCHES = (5.0, 2.6)
_STYLE: dict[Any, Any] = {
    "axes.edgecolor": _INK,
    "axes.spines.top": False,
    "font.size": 9,
    # Names are shown as they are: a dollar begins no formula.
    "text.parse_math": False,
    # Text stays text, so that a paper's own fonts and a search find it.
    "svg.fonttype": "none",
    # The same report gives the same bytes.
    "svg.hashsalt": "thresher",
    "savefig.dpi": 300,
}


def write_plots(report: Mapping[str, Any], folder: str) -> list[str]:
    """Write the plots of a report: ``funnel`` and one named as each numeric signal.

    Args:
        report: What :func:`pipelines.report.load` returned.
        folder: Where to; any storage that outputs may lie in.

    Returns:
        The paths of the files.
    """
    rules = {rule["signal"]: rule for rule in report["rules"]}
    with matplotlib.rc_context(_STYLE):
        written = _write(draw_funnel(funnel(report)), "funnel", folder)
        for signal in report["signals"]:
            if signal.get("histogram"):
                drawn = draw_histogram(signal, rules.get(signal["name"]))
                written += _write(drawn, signal["name"], folder)
    return written


def _write(drawn: Figure, name: str, folder: str) -> list[str]:
    paths = []
    for form in FORMS:
        content = BytesIO()
        # A date in the file would make every run's another one.
        undated = {"Date": None} if form == "svg" else {}
        drawn.savefig(content, format=form, metadata=undated)
        path = storage.join(folder, f"{name}.{form}")
        with storage.whole_file(path) as (file, _):
            file.write(content.getvalue())
        paths.append(path)
    return paths


def draw_histogram(signal: Mapping[str, Any], rule: Mapping[str, Any] | None) -> Figure:
    """Draw documents by value, the share of them below it, and what a rule removes.

    Args:
        signal: A numeric signal of the report.
        rule: The rule on it, or None.
    """
    drawn = Figure(figsize=_INCHES, layout="constrained")
    axes = drawn.add_subplot()
    histogram = signal["histogram"]
    edges = histogram["edges"]
    widths = [high - low for low, high in pairwise(edges)]
    bars: dict[str, Any] = {"align": "edge", "color": _BARS, "edgecolor": "white", "linewidth": 0.3}
    axes.bar(edges[:-1], histogram["documents"], widths, **bars)
    if histogram["scale"] == "log":
        # Zero has a place of its own before the least value.
        axes.set_xscale("symlog", linthresh=edges[0], linscale=0.2)
        axes.xaxis.set_major_formatter(lambda value, _: figure(value))
        if histogram["zero"]:
            axes.bar([0], [histogram["zero"]["documents"]], edges[0] / 2, **bars)
    axes.set_xlim(0 if histogram["zero"] else edges[0], edges[-1])
    unit = f" ({signal['unit']})" if signal["unit"] else ""
    axes.set_xlabel(visible(f"{signal['name']}{unit}"))
    axes.set_ylabel("documents")
    axes.yaxis.set_major_formatter("{x:,.0f}")
    below = axes.twinx()
    below.plot(signal["curve"]["values"], signal["curve"]["documents"], color=_INK, linewidth=0.9)
    below.set_ylim(0, 1)
    below.set_ylabel("share below")
    if rule:
        _draw_bounds(axes, rule)
    return drawn


def _draw_bounds(axes: Axes, rule: Mapping[str, Any]) -> None:
    low, high = axes.get_xlim()
    for end, sign, outside in (("min", "≥", "right"), ("max", "≤", "left")):
        bound = rule[end]
        if bound is None:
            continue
        removed = (low, min(bound, high)) if end == "min" else (max(bound, low), high)
        if removed[0] < removed[1]:
            axes.axvspan(*removed, color=_REMOVED, zorder=0)
        told, aligned = f"{sign} {figure(bound)}", outside
        if low <= bound <= high:
            axes.axvline(bound, color=_ACCENT, linewidth=1.4)
        else:
            # A bound that no document is near is named at the end that it lies beyond.
            told = f"{told} →" if bound > high else f"← {told}"
            aligned = "right" if bound > high else "left"
        axes.annotate(
            told,
            (min(max(bound, low), high), 1),
            (0, 3),
            xycoords=("data", "axes fraction"),
            textcoords="offset points",
            ha=aligned,
            color=_ACCENT,
            annotation_clip=False,
        )
    axes.set_xlim(low, high)


def draw_funnel(steps: Sequence[Mapping[str, Any]]) -> Figure:
    """Draw the documents that each step leaves, with the error at 95 % where they are estimated.

    Args:
        steps: What :func:`pipelines.report_rows.funnel` returned.
    """
    drawn = Figure(figsize=(_INCHES[0], 0.6 + 0.35 * len(steps)), layout="constrained")
    axes = drawn.add_subplot()
    axes.spines["right"].set_visible(False)
    documents = [step["documents"]["estimate"] for step in steps]
    errors = [step["documents"]["error"] for step in steps]
    bars = axes.barh(
        [step["label"] for step in steps], documents, xerr=errors, color=_BARS, ecolor=_INK
    )
    axes.bar_label(bars, [estimate(step["documents"]) for step in steps], padding=4)
    axes.invert_yaxis()
    axes.set_xlim(0, 1.25 * max(*documents, 1))
    axes.xaxis.set_major_formatter("{x:,.0f}")
    axes.set_xlabel("documents")
    return drawn
