"""Where the bars, ticks and threshold lines of a histogram go, in shares of its width and height.

The page draws bars in an SVG that stretches with its card, and text over it in HTML, so that
letters keep their size on any screen.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pipelines.report_sketch import round_step

_ZERO_BAR = 0.035
_AXIS_AFTER_ZERO = 0.065
_TICKS = 5
_LABEL_WIDTH = 0.2
_WIDE = 0.03
_GAP = 2.5
_SPIKE = 3.0
_BARS_FOR_SPIKES = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class Axis:
    """The horizontal scale of a histogram.

    Attributes:
        scale: ``linear`` or ``log``.
        low: The value at ``start``.
        high: The value at 1.
        start: Where the scale starts: past 0 if zero has a bar of its own.
    """

    scale: str
    low: float
    high: float
    start: float

    def position(self, value: float) -> float:
        """Return where a value stands, from 0 to 1; a value outside goes to the nearer end.

        >>> Axis(scale="log", low=1, high=100, start=0).position(10)
        0.5
        """
        if self.scale == "log":
            if value <= 0:
                return 0.0
            share = math.log(value / self.low) / math.log(self.high / self.low)
        else:
            share = (value - self.low) / (self.high - self.low)
        place = self.start + share * (1 - self.start)
        return min(max(place, 0.0 if share < 0 else self.start), 1.0)

    def ticks(self) -> list[float]:
        """Return up to seven round values on the axis."""
        if self.scale == "log":
            return self._decades()
        step = round_step((self.high - self.low) / _TICKS)
        first = math.ceil(self.low / step)
        return [step * place for place in range(first, math.floor(self.high / step) + 1)]

    def _decades(self) -> list[float]:
        first, last = math.ceil(math.log10(self.low)), math.floor(math.log10(self.high))
        if last - first >= 2:
            every = math.ceil((last - first) / _TICKS)
            return [10.0**power for power in range(first, last + 1, every)]
        fine = [times * 10.0**power for power in range(first - 1, last + 1) for times in (1, 2, 5)]
        return [value for value in fine if self.low <= value <= self.high]


def plot(signal: Mapping[str, Any], rules: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Lay out the histogram of a numeric signal with the bounds of its rules.

    Args:
        signal: One of the report's signals, with at least one value.
        rules: The report's rules on this signal.

    Returns:
        ``axis``; ``bars``, an SVG path in a box of 1000 by 100; ``spikes``, the bars that are cut
        off with their share of documents; ``ticks`` and ``lines`` with their ``x``; ``rows`` of
        line labels; ``shaded`` parts of the width, which some rule removes; documents ``outside``
        the axis.
    """
    histogram = signal["histogram"]
    edges = histogram["edges"]
    zero = histogram["zero"]
    axis = Axis(
        scale=histogram["scale"],
        low=edges[0],
        high=edges[-1],
        start=_AXIS_AFTER_ZERO if zero else 0.0,
    )
    bars = [
        (axis.position(left), axis.position(right), documents)
        for left, right, documents in zip(edges, edges[1:], histogram["documents"], strict=False)
        if documents
    ]
    if zero:
        bars.insert(0, (0.0, _ZERO_BAR, zero["documents"]))
    path, spikes = _draw(bars, signal["count"])
    lines, rows = _lines(axis, signal, rules)
    return {
        "axis": axis,
        "bars": path,
        "spikes": spikes,
        "ticks": _ticks(axis, signal, has_zero_bar=bool(zero)),
        "lines": lines,
        "rows": rows,
        "shaded": _shaded(lines),
        "outside": histogram["below"]["documents"] + histogram["above"]["documents"],
    }


def _ticks(axis: Axis, signal: Mapping[str, Any], *, has_zero_bar: bool) -> list[dict[str, float]]:
    edges = signal["histogram"]["edges"]
    # Where each whole number has a bar, its tick stands under the middle of the bar.
    one_each = signal["type"] != "double" and axis.scale == "linear" and edges[1] - edges[0] == 1
    values = [value for value in axis.ticks() if not one_each or value.is_integer()]
    middle = 0.5 if one_each else 0.0
    ticks = [
        {"value": value, "x": axis.position(value + middle)}
        for value in values
        if value + middle <= axis.high
    ]
    return [{"value": 0.0, "x": _ZERO_BAR / 2}, *ticks] if has_zero_bar else ticks


def _draw(bars: list[tuple[float, float, int]], count: int) -> tuple[str, list[dict[str, float]]]:
    """Draw bars whose area is their documents; cut off the few that would flatten all others."""
    heights = [documents / max(right - left, 1e-4) for left, right, documents in bars]
    ranked = sorted(heights, reverse=True)
    top = ranked[0] if ranked else 1.0
    if len(ranked) >= _BARS_FOR_SPIKES and top > _SPIKE * ranked[2]:
        top = 1.5 * ranked[2]
    path = "".join(
        f"M{1000 * left:.1f} 100V{100 - 100 * min(height / top, 1):.1f}"
        f"H{1000 * right - (_GAP if right - left > _WIDE else 0):.1f}V100Z"
        for (left, right, _), height in zip(bars, heights, strict=True)
    )
    spikes = [
        {"x": (left + right) / 2, "share": documents / count}
        for (left, right, documents), height in zip(bars, heights, strict=True)
        if height > top
    ]
    return path, spikes


def _lines(
    axis: Axis, signal: Mapping[str, Any], rules: Sequence[Mapping[str, Any]]
) -> tuple[list[dict[str, Any]], int]:
    """Place each distinct bound, with its label on the first row where it hides no other."""
    bounds = {(rule[bound], bound) for rule in rules for bound in ("min", "max")}
    lines: list[dict[str, Any]] = []
    row_ends: list[float] = []
    whole = signal["type"] != "double"
    for value, bound in sorted((value, bound) for value, bound in bounds if value is not None):
        # The bar of a whole number reaches to the next one, and a maximum keeps its own bar.
        x = axis.position(value + 1 if whole and bound == "max" else value)
        row = next((row for row, end in enumerate(row_ends) if end <= x), len(row_ends))
        row_ends[row : row + 1] = [x + _LABEL_WIDTH]
        off = not (axis.low <= value <= axis.high or (value == 0 and axis.start > 0))
        lines.append({"x": x, "value": value, "bound": bound, "row": row, "off": off})
    return lines, len(row_ends)


def _shaded(lines: Sequence[Mapping[str, Any]]) -> list[tuple[float, float]]:
    least = max((line["x"] for line in lines if line["bound"] == "min"), default=0.0)
    most = min((line["x"] for line in lines if line["bound"] == "max"), default=1.0)
    return [part for part in ((0.0, least), (max(most, least), 1.0)) if part[1] > part[0]]
