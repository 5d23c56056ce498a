"""One signal of the score report: what it is and how it is distributed."""

from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

import numpy as np
import pyarrow as pa

from pipelines.report_sketch import Floats, Sketch, ValueCounts

QUANTILES = {"p1": 0.01, "p5": 0.05, "p25": 0.25, "p50": 0.5, "p75": 0.75, "p95": 0.95, "p99": 0.99}
"""The quantiles of every numeric signal, by their name in the report."""

TOP_VALUES = 50
"""Values of a text signal, reasons and source files that the report lists one by one."""

_CURVE_POINTS = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Declaration:
    """What the scored file's schema says of a signal, and where it stands there."""

    type: str
    unit: str
    meaning: str
    source: str
    position: int

    @classmethod
    def of(cls, column: pa.Field, position: int) -> "Declaration":
        """Return what a column of the schema says."""
        told = {key.decode(): value.decode() for key, value in (column.metadata or {}).items()}
        return cls(
            type=str(column.type),
            unit=told.get("unit", ""),
            meaning=told.get("meaning", ""),
            source=told.get("source", ""),
            position=position,
        )


@dataclass(slots=True)
class Number:
    """A numeric signal so far; the sum is that of its batches, exact in any order of them."""

    declaration: Declaration
    sum: Fraction = Fraction(0)
    sketch: Sketch = field(default_factory=Sketch)

    @property
    def count(self) -> int:
        """Documents with a value."""
        return int(self.sketch.documents.sum())

    def figures(self) -> dict[str, Any]:
        """Return what describes the distribution; all but the count is None without a value."""
        sketch = self.sketch
        names = ("min", "max", "mean", "quantiles", "histogram", "curve")
        if not len(sketch.low):
            return {"count": 0} | dict.fromkeys(names)
        integer = self.declaration.type != "double"
        exact = int if integer else float
        quantiles = sketch.quantiles(np.array(list(QUANTILES.values())))
        histogram = sketch.histogram(integer=integer)
        return {
            "count": self.count,
            "min": exact(sketch.low[0]),
            "max": exact(sketch.high[-1]),
            "mean": float(self.sum / self.count),
            "quantiles": dict(zip(QUANTILES, map(exact, quantiles), strict=True)),
            "histogram": histogram,
            "curve": _curve(sketch, np.array(histogram["edges"])),
        }


@dataclass(slots=True)
class Text:
    """A text signal so far."""

    declaration: Declaration
    values: ValueCounts = field(
        default_factory=lambda: ValueCounts(("documents", "characters", "tokens"))
    )

    @property
    def count(self) -> int:
        """Documents with a value."""
        return self.values.other[0] + sum(counts[0] for counts in self.values.counts.values())

    def figures(self) -> dict[str, Any]:
        """Return the most frequent values."""
        return {"count": self.count} | self.values.top(TOP_VALUES)


def _curve(sketch: Sketch, edges: Floats) -> dict[str, list[float]]:
    """Return the share of documents and of tokens below up to 100 values.

    Half of the values are spread over the axis, so that small shares in a long tail are told
    apart, and half over the documents, so that close values in the bulk are.
    """
    half = _CURVE_POINTS // 2
    spread = edges[np.linspace(0, len(edges) - 1, min(half, len(edges))).astype(np.int64)]
    ranked = sketch.quantiles(np.linspace(0, 1, half))
    values = np.unique(np.concatenate([spread, ranked]))
    documents, tokens, _ = sketch.below(values)
    return {
        "values": values.tolist(),
        "documents": _rounded_shares(documents, sketch.documents.sum()),
        "tokens": _rounded_shares(tokens, sketch.tokens.sum()),
    }


def _rounded_shares(part: Floats, whole: int) -> list[float]:
    return [round(float(share), 6) for share in part / max(whole, 1)]
