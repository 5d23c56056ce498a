"""Rules: bounds on stored signals, evaluated over whole Arrow batches."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from filters.bounds import Bounds

LANGUAGE = "language.code"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """Keep the documents whose signal lies within inclusive bounds.

    Attributes:
        signal: The signal's name, which is its column.
        bounds: The bounds for every language without bounds of its own.
        languages: Bounds by language code; None lifts the rule for that language.
        keep_null: Whether a document without this signal passes. A figure that does not exist is no
            reason to drop a document unless the recipe says so.
        origin: The rule set that it comes from, or ``recipe``.
    """

    signal: str
    bounds: Bounds | None
    languages: Mapping[str, Bounds | None] = field(default_factory=dict)
    keep_null: bool = True
    origin: str = "recipe"


def failures(
    rule: Rule, batch: pa.RecordBatch
) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_]]:
    """Tell which rows of ``batch`` lie below the minimum and above the maximum of ``rule``.

    Returns:
        Two masks with a value a row: below (a null that the rule does not keep counts here) and
        above.
    """
    column = batch.column(rule.signal)
    below, above = _outside(column, rule.bounds)
    if rule.languages:
        codes = batch.column(LANGUAGE)
        for language, bounds in rule.languages.items():
            of_language = _mask(pc.equal(codes, language))
            below_here, above_here = _outside(column, bounds)
            below = np.where(of_language, below_here, below)
            above = np.where(of_language, above_here, above)
    if not rule.keep_null:
        below |= _mask(pc.is_null(column))
    return below, above


def _outside(
    column: pa.Array, bounds: Bounds | None
) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_]]:
    nowhere = np.zeros(len(column), dtype=bool)
    if bounds is None:
        return nowhere, nowhere.copy()
    if pa.types.is_boolean(column.type):
        column = column.cast(pa.int8())
    below = nowhere if bounds.min is None else _mask(pc.less(column, bounds.min))
    above = nowhere if bounds.max is None else _mask(pc.greater(column, bounds.max))
    return below.copy(), above.copy()


def _mask(condition: pa.Array) -> npt.NDArray[np.bool_]:
    return np.asarray(pc.fill_null(condition, False).to_numpy(zero_copy_only=False), dtype=bool)


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdicts:
    """What a set of rules says of the rows of one batch.

    Attributes:
        passed: A mask with a value a row.
        reasons: For each row the reasons it failed, such as ``gopher.word_count.min``, in the order
            of the rules; empty where it passed.
    """

    passed: npt.NDArray[np.bool_]
    reasons: list[list[str]]


def evaluate(rules: Sequence[Rule], batch: pa.RecordBatch) -> Verdicts:
    """Apply every rule to every row: all the reasons of a rejected document, not only the first."""
    passed = np.ones(batch.num_rows, dtype=bool)
    reasons: list[list[str]] = [[] for _ in range(batch.num_rows)]
    for rule in rules:
        for side, failed in zip(("min", "max"), failures(rule, batch), strict=True):
            passed &= ~failed
            for row in np.flatnonzero(failed):
                reasons[row].append(f"{rule.signal}.{side}")
    return Verdicts(passed=passed, reasons=reasons)
