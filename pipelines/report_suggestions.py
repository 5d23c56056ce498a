"""Thresholds that a report suggests for a signal; the person decides.

Percentiles and a target share are read from the distribution on the page itself.
"""

from collections.abc import Mapping
from functools import cache
from typing import Any

import numpy as np

from filters.bounds import Bounds
from filters.rule_sets import RULE_SETS
from pipelines.report_sketch import Sketch

_SMOOTHING = np.array([1, 4, 6, 4, 1]) / 16
_DEEP = 0.6
_BARS = 60
_DEVIATIONS = 4
_OUTER = 0.001
_LEAST_SHARE = 0.05
_LEAST_DOCUMENTS = 200


@cache
def published() -> Mapping[str, list[dict[str, Any]]]:
    """Return the bounds of the published rule sets by signal, equal ones told once.

    >>> published()["gopher.word_count"]
    [{'sets': ['gopher_quality', 'gopher'], 'min': 50, 'max': 100000}]
    """
    found: dict[str, dict[Bounds, list[str]]] = {}
    for name, rules in RULE_SETS.items():
        for signal, bounds in rules.items():
            found.setdefault(signal, {}).setdefault(bounds, []).append(name)
    return {
        signal: [
            {"sets": sets, "min": bounds.min, "max": bounds.max}
            for bounds, sets in of_signal.items()
        ]
        for signal, of_signal in found.items()
    }


def valley(sketch: Sketch) -> float | None:
    """Return the least dense value between the two main modes of a distribution.

    The perplexity of a model of harmful text has two modes, and its threshold lies between them
    (Jansen et al. 2022, "Perplexed by Quality", section 4). Positive values that go beyond 1 are
    taken by their logarithm, as perplexities are drawn.

    Returns:
        A value, or None where there are no two modes that each hold a twentieth of the documents
        and stand out: the valley must be at most 0.6 of the lower one, and four standard deviations
        of its count below it.
    """
    documents = sketch.documents
    if documents.sum() < _LEAST_DOCUMENTS:
        return None
    logarithmic = bool(sketch.low[0] > 0 and sketch.high[-1] > 1)
    middles = (sketch.low + sketch.high) / 2
    places = np.log(middles) if logarithmic else middles
    low, high = (
        places[np.searchsorted(np.cumsum(documents), part * documents.sum())]
        for part in (_OUTER, 1 - _OUTER)
    )
    if low == high:
        return None
    counts, ends = np.histogram(places, _BARS, (low, high), weights=documents)
    density = np.convolve(counts, _SMOOTHING, mode="same")
    below = np.cumsum(counts) / counts.sum()
    best: tuple[float, int] | None = None
    for place in range(1, _BARS - 1):
        lower_mode = min(density[:place].max(), density[place + 1 :].max())
        if min(below[place - 1], 1 - below[place]) < _LEAST_SHARE:
            continue
        # Of all places the one that parts the two most clearly.
        depth = lower_mode - density[place]
        clear = depth > _DEVIATIONS * np.sqrt(lower_mode)
        if clear and density[place] <= _DEEP * lower_mode and (best is None or depth > best[0]):
            best = (depth, place)
    if best is None:
        return None
    middle = (ends[best[1]] + ends[best[1] + 1]) / 2
    return float(f"{np.exp(middle) if logarithmic else middle:.4g}")
