"""The plan of a recipe in words, as ``thresher check`` prints it."""

from collections.abc import Sequence

from rich.table import Table

from filters.rules import Rule
from pipelines.document_scorer import DocumentScorer, all_families
from pipelines.plan import Shard
from pipelines.recipe import Buckets, Dedup, Recipe


def plan_lines(recipe: Recipe, shards: Sequence[Shard]) -> list[str]:
    """Return what each part of a recipe will do, a line a part."""
    files = sum(len(shard.files) for shard in shards)
    size = sum(shard.bytes for shard in shards)
    signals = len(DocumentScorer(recipe).signals)
    edits = ", ".join(entry.name for entry in recipe.edits) or "none"
    steps = ", ".join(entry.name for entry in recipe.steps) or "none"
    dedup = "none" if recipe.dedup is None else _told_dedup(recipe.dedup)
    return [
        f"recipe:  {recipe.name}, valid",
        f"input:   {files:,} files, {size / 1e6:,.1f} MB, in {len(shards):,} shards",
        f"edits:   {edits}",
        f"steps:   {steps}",
        f"score:   {recipe.extract.extractor}, {signals} signals of"
        f" {len(all_families(recipe))} families",
        f"dedup:   {dedup}",
        f"select:  {len(recipe.rules.thresholds())} rules, {_told_buckets(recipe.buckets)}",
        f"output:  {recipe.output}",
        f"runner:  {recipe.runner.name}",
    ]


def rules_table(rules: Sequence[Rule]) -> Table:
    """Return a table of rules with their bounds and the sets that they are from."""
    table = Table("rule", title="rules", title_justify="left")
    for column in ("min", "max", "from"):
        table.add_column(column, justify="right" if column != "from" else "left")
    for rule in rules:
        ends = (rule.bounds.min, rule.bounds.max) if rule.bounds else (None, None)
        told = ("" if end is None else f"{end:g}" for end in ends)
        table.add_row(rule.signal, *told, rule.origin)
    return table


def _told_buckets(buckets: Buckets) -> str:
    if buckets.chapter_windows is not None:
        return f"windows of chapters in {len(buckets.chapter_windows)} bands"
    lengths = f"{buckets.smallest:,} to {buckets.largest:,} tokens"
    return f"{buckets.unit} of {lengths}" if buckets.decompose else f"buckets of {lengths}"


def _told_dedup(dedup: Dedup) -> str:
    steps = [f"exact by {name}" for name in dedup.exact]
    if dedup.near:
        bands, rows = dedup.bands_and_rows()
        steps.append(
            f"MinHash, word {dedup.shingle}-grams, {bands} bands of {rows} rows"
            f" (half of the pairs at similarity {(1 - 0.5 ** (1 / bands)) ** (1 / rows):.2f})"
        )
    if dedup.verify:
        steps.append(f"pairs of {dedup.verify} similarity {dedup.least_similarity():.2f} or more")
    if dedup.scope == "dump":
        steps.append("each input by itself")
    if dedup.against:
        steps.append(f"against {', '.join(dedup.against)}")
    return "; ".join([*steps, f"keeps the best by {', '.join(dedup.prefer) or 'id'}"])
