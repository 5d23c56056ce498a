"""The report's funnel, alike for the page and the terminal, and how a rule is told."""

from collections.abc import Mapping, Sequence
from typing import Any

from pipelines.report_format import figure


def funnel(report: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the steps from what was read to what the rules keep, with what is lost between.

    Args:
        report: What :func:`pipelines.report.load` returned.

    Returns:
        For each step its ``label``; ``documents``, ``tokens`` and ``bytes`` as ``estimate`` and
        ``error`` (tokens and bytes are None where nobody counted them); the ``losses`` before it
        with ``reason``, ``documents`` and whether it is an ``error``; and what is ``missing``
        because it does not add up.
    """
    totals, steps = report["totals"], []
    if report["read"]:
        steps.append(_step("Read", report["read"]["in"]))
    losses = _losses(report["read"] or {})
    missing = 0
    if report["read"]:
        lost = sum(loss["documents"] for loss in losses)
        missing = report["read"]["in"] - totals["documents"] - lost
    scored = _step("Scored", *(totals[name] for name in ("documents", "tokens", "bytes")))
    steps.append({**scored, "losses": losses, "missing": missing})
    if copies := report["duplicates"]:
        left = [totals[name] - copies[name] for name in ("documents", "tokens", "bytes")]
        steps.append(_step("After duplicates", *left))
    if report["estimate"]:
        steps.append({**_step("Kept", 0), **report["estimate"]["kept"]})
    return steps


def _step(label: str, documents: int, tokens: int | None = None, size: int | None = None) -> Any:
    return {
        "label": label,
        "documents": _exact(documents),
        "tokens": None if tokens is None else _exact(tokens),
        "bytes": None if size is None else _exact(size),
        "losses": [],
        "missing": 0,
    }


def _exact(number: int) -> dict[str, float]:
    return {"estimate": number, "error": 0}


def _losses(counters: Mapping[str, Any]) -> Sequence[dict[str, Any]]:
    return [
        {"documents": lost, "reason": reason, "error": kind == "errors"}
        for kind in ("gated", "errors")
        for reason, lost in sorted(
            counters.get(kind, {}).items(), key=lambda item: (-item[1], item[0])
        )
    ]


def bounds_of(rule: Mapping[str, Any]) -> str:
    """Return the bounds of a rule for all languages.

    >>> bounds_of({"min": 0.5, "max": None})
    '≥ 0.5'
    """
    least, most = rule["min"], rule["max"]
    if least is None and most is None:
        return "by language" if rule["languages"] else "any value"
    if most is None:
        return f"≥ {figure(least)}"
    if least is None:
        return f"≤ {figure(most)}"
    return f"{figure(least)} – {figure(most)}"
