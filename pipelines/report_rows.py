"""The report's tables, alike for the page and the terminal: the run, the rules, the languages."""

from collections.abc import Mapping, Sequence
from typing import Any

from pipelines.report_format import count, figure

_STAGES = {"score": "Scored", "select": "Kept"}


def funnel(report: Mapping[str, Any], selection: Mapping[str, Any] | None) -> list[dict[str, Any]]:
    """Return the steps of the run: documents and tokens that are left, and what was lost before.

    Tokens are None where the run did not count them; ``missing`` is what does not add up. After
    `select` near-duplicates are among its losses: it seeks them among what passes the rules.
    """
    totals, duplicates = report["totals"], report["duplicates"]
    if selection is None:
        steps = [_step("Scored", totals["documents"], totals["tokens"])]
        if duplicates:
            lost = {"documents": duplicates["documents"], "reason": "near_duplicate"}
            left = [totals[name] - duplicates[name] for name in ("documents", "tokens")]
            steps.append(_step("After duplicates", *left, losses=[{**lost, "error": False}]))
        return _with_shares(steps)
    counts = selection["counts"]
    tokens = {"select": sum(int(bucket["tokens"]) for bucket in selection["buckets"])}
    if counts["score"]["out"] == totals["documents"]:
        tokens["score"] = totals["tokens"]
    steps = [_step("Read", counts["score"]["in"], None)]
    for name, label in _STAGES.items():
        stage = counts[name]
        losses = [
            {"documents": lost, "reason": reason, "error": kind == "errors"}
            for kind in ("gated", "errors")
            for reason, lost in sorted(stage[kind].items(), key=lambda item: (-item[1], item[0]))
        ]
        accounted = stage["out"] + sum(loss["documents"] for loss in losses)
        missing = steps[-1]["documents"] - accounted
        steps.append(_step(label, stage["out"], tokens.get(name), losses=losses, missing=missing))
    return _with_shares(steps)


def rule_rows(
    report: Mapping[str, Any], selection: Mapping[str, Any] | None
) -> list[dict[str, Any]]:
    """Return for each rule what it removes, alone and (after ``select``) only it.

    After ``select`` the documents are those that it counted. Where they are others than the
    figures tell, the rule has further bounds for single languages or missing values: it is
    ``special``, and what it removes in tokens is unknown (None).
    """
    overlap, totals = report["overlap"], report["totals"]
    selected = {row["rule"]: row for row in selection["rules"]} if selection else {}
    rows = []
    for place, rule in enumerate(report["rules"]):
        documents = rule["below"]["documents"] + rule["above"]["documents"]
        tokens = rule["below"]["tokens"] + rule["above"]["tokens"]
        counted = selected.get(rule["signal"], {"failed": 0, "only": 0}) if selection else None
        special = counted is not None and abs(counted["failed"] - documents) > rule["margin"]
        rows.append(
            {
                **rule,
                "bounds": _bounds(rule),
                "special": special,
                "documents": counted["failed"] if counted else documents,
                "token_share": None if special else tokens / max(totals["tokens"], 1),
                "margin_share": 0.0 if counted else rule["margin"] / max(totals["documents"], 1),
                "shared_with": _shared_with(place, report["rules"], overlap),
                "sample_failed": overlap["both"][place][place],
                "sample_only": overlap["only"][place],
                "only": counted["only"] if counted else None,
            }
        )
    bounded = {rule["signal"] for rule in report["rules"]}
    rows += [_special_row(row) for name, row in selected.items() if name not in bounded]
    return [{**row, "share": row["documents"] / max(totals["documents"], 1)} for row in rows]


def language_rows(
    report: Mapping[str, Any], selection: Mapping[str, Any] | None
) -> dict[str, Any] | None:
    """Return the table of languages, after ``select`` with the documents ``kept`` of each."""
    totals = report["totals"]
    signal = next((s for s in report["signals"] if s["name"] == "language.code"), None)
    if signal is None or not signal["count"]:
        return None
    rows = [*signal["values"]]
    if signal["nulls"]:
        known = signal["other"]["tokens"] + sum(row["tokens"] for row in rows)
        unknown = {"documents": signal["nulls"], "tokens": totals["tokens"] - known}
        rows.append({"value": "unknown", **unknown})
    kept = dict(selection["languages"]) if selection else {}
    rows = [{**row, "kept": kept.pop(row["value"], 0)} for row in rows]
    return {**signal, "values": rows, "other": {**signal["other"], "kept": sum(kept.values())}}


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
        "digits": max([len(count(loss["documents"])) for loss in losses], default=1),
    }


def _with_shares(steps: list[dict[str, Any]]) -> list[dict[str, Any]]:
    first = max(steps[0]["documents"], 1)
    return [{**step, "share": step["documents"] / first} for step in steps]


def _special_row(counted: Mapping[str, Any]) -> dict[str, Any]:
    """Return the row of a rule of which only ``select`` knows: it has no bounds for all."""
    return {
        "signal": counted["rule"],
        "set": None,
        "min": None,
        "max": None,
        "margin": 0,
        "examples": [],
        "bounds": "by language",
        "special": True,
        "documents": counted["failed"],
        "token_share": None,
        "margin_share": 0.0,
        "only": counted["only"],
    }


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
