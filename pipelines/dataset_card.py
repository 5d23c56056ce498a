"""The card of a corpus: ``README.md`` in the form that the Hugging Face hub and `datasets` read."""

from collections.abc import Mapping
from typing import Any

import yaml

from pipelines import storage
from pipelines.recipe import Recipe

_ABOUT = {
    "documents": "Every document carries its signals.",
    "sequences": "Every sequence is of one document, whose signals are in `documents/` under"
    " its id: `document` and `offset` tell which of its tokens they are.",
    "windows": "Every window is of whole chapters and carries the signals of its document.",
}


def write(recipe: Recipe, selection: Mapping[str, Any]) -> None:
    """Write the card of the corpus beside it, so that ``load_dataset(output)`` finds the shards."""
    storage.write_text(storage.join(recipe.output, "README.md"), card(recipe, selection))


def card(recipe: Recipe, selection: Mapping[str, Any]) -> str:
    """Return the card: where the shards are, what is in them, how they were made.

    Args:
        recipe: The recipe of the run.
        selection: What `select` did, as :func:`pipelines.summary.selection_of` tells it.
    """
    buckets, unit = selection["buckets"], selection["unit"]
    configurations: list[dict[str, Any]] = [
        # Sequences of two lengths are of two types: no data set holds both.
        *(
            [{"config_name": "default", "data_files": "corpus/*/*.parquet", "default": True}]
            if unit != "sequences"
            else []
        ),
        *(
            {
                "config_name": f"bucket_{bucket['bucket']}",
                "data_files": f"corpus/bucket={bucket['bucket']}/*.parquet",
            }
            for bucket in buckets
        ),
    ]
    front_matter: dict[str, Any] = {
        "pretty_name": recipe.name,
        "language": [code for code in selection["languages"] if code != "unknown"],
        "tags": ["thresher"],
    }
    if buckets:
        front_matter["configs"] = configurations
    documents = sum(bucket["documents"] for bucket in buckets)
    tokens = sum(bucket["tokens"] for bucket in buckets)
    stages = [
        (
            stage,
            counts["in"],
            counts["out"],
            sum(counts["gated"].values()),
            sum(counts["errors"].values()),
        )
        for stage, counts in selection["counts"].items()
    ]
    rules = [
        (f"`{rule['signal']}`", _bound(rule["min"]), _bound(rule["max"]), rule["set"])
        for rule in selection["thresholds"]
    ]
    sections = [
        f"---\n{yaml.safe_dump(front_matter, sort_keys=False)}---",
        f"# {recipe.name}",
        f"{documents:,} {unit}, {tokens:,} tokens, in buckets by length in tokens. {_ABOUT[unit]}"
        " Made by thresher; `manifests/` has the recipe, the"
        " versions, the models and the checksum of each file.",
        _table(("bucket", unit, "tokens"), [tuple(bucket.values()) for bucket in buckets]),
        "## How it was made",
        _table(("stage", "in", "out", "gated", "errors"), stages),
        "Rules, bounds inclusive:" if rules else "No rules.",
        _table(("signal", "min", "max", "from"), rules) if rules else "",
        "## Languages",
        _table(("language", "documents"), list(selection["languages"].items())),
    ]
    return "\n\n".join(section for section in sections if section) + "\n"


def _bound(bound: float | None) -> str:
    return "" if bound is None else f"{bound:g}"


def _table(head: tuple[str, ...], rows: list[tuple[Any, ...]]) -> str:
    def line(cells: tuple[Any, ...]) -> str:
        told = (f"{cell:,}" if isinstance(cell, int) else str(cell) for cell in cells)
        return f"| {' | '.join(told)} |"

    return "\n".join([line(head), line(tuple("---" for _ in head)), *map(line, rows)])
