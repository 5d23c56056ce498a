"""The report's funnel, alike for the page and the terminal, and how a rule is told."""

from collections.abc import Mapping
from typing import Any

from pipelines.report_format import figure


def funnel(report: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the steps from what was read to what is kept, with what is lost between.

    Args:
        report: What :func:`pipelines.report.load` returned.

    Returns:
        For each step its ``name`` and ``label``; ``documents``, ``tokens`` and ``bytes`` as
        ``estimate`` and ``error`` (tokens and bytes are None where nobody counted them); the
        ``losses`` before it with ``reason``, ``documents`` and whether it is an ``error``; and what
        is ``missing`` because it does not add up.
    """
    counted, losses = report["steps"], report["losses"]
    read = report["read"]["in"] if report["read"] else counted["read"]["documents"]
    steps = [
        _step("read", "Read", {"documents": read}),
        {
            **_step("extracted", "Extracted", counted["extracted"]),
            "losses": losses["extracted"],
            "missing": read - counted["read"]["documents"],
        },
        {**_step("scored", "Past the gates", counted["scored"]), "losses": losses["scored"]},
    ]
    if counted["deduplicated"]:
        steps.append(_step("deduplicated", "Deduplicated", counted["deduplicated"]))
    if report["estimate"]:
        rules = {"name": "rules", "label": "Kept by the rules", "losses": [], "missing": 0}
        steps.append({**rules, **report["estimate"]["kept"]})
    if report["selection"]:
        steps.append(_kept(report["selection"]))
    return steps


def _kept(selection: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the last `select` kept, after the recipe's sample if it takes one."""
    counters = selection["counts"]["select"]
    kept = {"documents": counters["out"]}
    if selection["unit"] == "documents":
        kept["tokens"] = sum(bucket["tokens"] for bucket in selection["buckets"])
    step = _step("kept", "Kept by select", kept)
    if sample := selection["sample"]:
        reason = f"{sample['signal']}.{sample['policy']}"
        lost = counters["gated"].get(reason, 0)
        step["losses"] = [{"reason": f"sample: {reason}", "documents": lost, "error": False}]
    return step


def _step(name: str, label: str, counts: Mapping[str, int]) -> dict[str, Any]:
    return {
        "name": name,
        "label": label,
        **{
            measure: {"estimate": counts[measure], "error": 0} if measure in counts else None
            for measure in ("documents", "tokens", "bytes")
        },
        "losses": [],
        "missing": 0,
    }


def parts(report: Mapping[str, Any], of: str) -> list[dict[str, Any]]:
    """Return what each step leaves of each source file or language, with what the rules keep.

    Args:
        report: What :func:`pipelines.report.load` returned.
        of: ``sources`` or ``languages``.
    """
    rows: list[dict[str, Any]] = report[of]["rows"]
    if not report["estimate"]:
        return [{**row, "kept": None} for row in rows]
    return [
        {**row, "kept": part["kept"]}
        for row, part in zip(rows, report["estimate"][of], strict=True)
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
