"""What a run says at its end: what came in, what was removed and why, what to do next."""

from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from pipelines.dedup import DUPLICATES
from pipelines.manifest import StageRecords
from pipelines.recipe import Recipe
from pipelines.report import thresholds
from pipelines.stages import Outcome

_MOST_REASONS = 12
_BUCKET = {"documents": "up to tokens", "sequences": "tokens each", "windows": "band"}


def selection_of(recipe: Recipe) -> dict[str, Any] | None:
    """Return what `select` did with the present scores and clusters, or None before that."""
    manifest = StageRecords(recipe.output, "select").manifest()
    if manifest is None:
        return None
    for stage, made_of in manifest["made_of"].items():
        present = StageRecords(recipe.output, stage).manifest() or {}
        if present.get("fingerprint") != made_of:
            return None
    counts = {}
    for stage in ("score", "dedup", "select"):
        of_stage = StageRecords(recipe.output, stage).manifest()
        if of_stage is not None:
            counts[stage] = of_stage["counters"]
    figures = manifest["figures"]
    made_with = Recipe.model_validate(manifest["recipe"])
    return {
        "thresholds": thresholds(made_with),
        "counts": counts,
        "rules": _by_signal(figures["failed"], figures["only"]),
        "buckets": [
            {
                "bucket": int(bucket),
                "documents": documents,
                "tokens": figures["bucket_tokens"][bucket],
            }
            for bucket, documents in sorted(
                figures["bucket_documents"].items(), key=lambda item: int(item[0])
            )
        ],
        "sample": manifest["sample"],
        "unit": made_with.buckets.unit,
        "dropped": figures["dropped"],
        "languages": dict(sorted(figures["languages"].items(), key=lambda item: -item[1])),
    }


def _by_signal(failed: Mapping[str, int], only: Mapping[str, int]) -> list[dict[str, Any]]:
    """Put the reasons below and above a rule's bounds together, the strictest rule first."""
    rules: dict[str, dict[str, Any]] = {}
    for reason, count in failed.items():
        signal = reason.rpartition(".")[0]
        row = rules.setdefault(signal, {"rule": signal, "failed": 0, "only": 0})
        row["failed"] += count
        row["only"] += only.get(reason, 0)
    return sorted(rules.values(), key=lambda row: (-row["failed"], row["rule"]))


def print_summary(console: Console, recipe: Recipe, outcomes: Sequence[Outcome]) -> None:
    """Print the tables of a run and what to look at next."""
    stages = Table(title="Documents", title_justify="left")
    for column in ("stage", "in", "out", "gated", "errors"):
        stages.add_column(column, justify="left" if column == "stage" else "right")
    stages.add_column("")
    for outcome in outcomes:
        counters = outcome.counters
        numbers = (
            counters.read,
            counters.written,
            counters.gated.total(),
            counters.errors.total(),
        )
        note = "" if outcome.made_now else "up to date"
        stages.add_row(outcome.stage, *(f"{number:,}" for number in numbers), note)
    console.print(stages)
    for outcome in outcomes:
        for kind, reasons in (
            ("gated", outcome.counters.gated),
            ("errors", outcome.counters.errors),
        ):
            if reasons and (outcome.stage, kind) != ("select", "gated"):
                console.print(_reasons(f"{outcome.stage}: {kind} by reason", reasons.most_common()))
    selection = selection_of(recipe)
    if selection and any(outcome.stage == "select" for outcome in outcomes):
        _print_selection(console, selection)


def _bounds(rule: Mapping[str, Any]) -> str:
    low, high = rule.get("min"), rule.get("max")
    if low is None and high is None:
        return "by language"
    if high is None:
        return f"≥ {low:,g}"
    return f"≤ {high:,g}" if low is None else f"{low:,g} to {high:,g}"


def _reasons(title: str, counts: Sequence[tuple[str, int]]) -> Table:
    table = Table(title=title, title_justify="left")
    table.add_column("reason", overflow="fold")
    table.add_column("documents", justify="right")
    for reason, count in counts[:_MOST_REASONS]:
        table.add_row(Text(reason), f"{count:,}")
    rest = counts[_MOST_REASONS:]
    if rest:
        table.add_row(f"{len(rest)} more reasons", f"{sum(count for _, count in rest):,}")
    return table


def _found(sample: Mapping[str, Any]) -> str:
    """Say what a share came to."""
    if "least" in sample:
        return f", those with {sample['signal']} below {sample['least']:.6g}"
    if "share" in sample:
        return f"; kept with a probability of {sample['factor']:.6g} × {sample['signal']}"
    return ""


def _print_selection(console: Console, selection: Mapping[str, Any]) -> None:
    bounds = {rule["signal"]: rule for rule in selection["thresholds"]}
    rules = Table(title="select: documents that fail each rule", title_justify="left")
    rules.add_column("rule", overflow="fold")
    for column in ("bound", "failed", "only this rule"):
        rules.add_column(column, justify="right")
    for rule in selection["rules"]:
        told = _bounds(bounds.get(rule["rule"], {}))
        rules.add_row(rule["rule"], told, f"{rule['failed']:,}", f"{rule['only']:,}")
    if selection["rules"]:
        console.print(rules)
    gated = selection["counts"]["select"]["gated"]
    duplicates = sum(gated.get(reason, 0) for reason in DUPLICATES)
    if duplicates:
        console.print(f"duplicates of a better document: {duplicates:,}", highlight=False)
    if sample := selection["sample"]:
        left_out = gated.get(f"{sample['signal']}.{sample['policy']}", 0)
        console.print(f"left out by the sample: {left_out:,}{_found(sample)}", highlight=False)
    if not selection["buckets"]:
        console.print("no document was kept: see the rules above, and what score gated")
        return
    whole = selection["unit"] == "documents"
    buckets = Table(
        _BUCKET[selection["unit"]], title="corpus: length buckets", title_justify="left"
    )
    for column in (selection["unit"], "tokens"):
        buckets.add_column(column, justify="right")
    for bucket in selection["buckets"]:
        bound = bucket["bucket"]
        # The open bucket is named by its lower bound, which is no power of two.
        name = f"{bound:,}" if bound.bit_count() == 1 else "more"
        buckets.add_row(name, f"{bucket['documents']:,}", f"{bucket['tokens']:,}")
    console.print(buckets)
    if selection["unit"] == "sequences":
        console.print(
            f"dropped: {selection['dropped']['tokens']:,} tokens, too few to fill a sequence;"
            f" {selection['dropped']['documents']:,} documents gave none",
            highlight=False,
        )
    elif not whole:
        console.print(f"documents without a window: {selection['dropped']['documents']:,}")
