"""The joint sample of a score report: whole rows, to show and to tell how rules overlap."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import xxhash

SAMPLE_ROWS = 200
"""Documents in the joint sample."""

EXCERPT_CHARACTERS = 300
"""Characters of each sampled document's text."""

_EXAMPLES = 2


@dataclass(slots=True)
class Sample:
    """The rows whose id has the least hash: the same rows in whatever order they come.

    Attributes:
        rows: Hash, id, and what the report shows of the document.
    """

    rows: list[tuple[int, str, dict[str, Any]]] = field(default_factory=list)

    def add(self, batch: pa.RecordBatch, clusters: pa.RecordBatch | None) -> None:
        """Add the rows of ``scored/`` with the same rows of ``clusters/``, if there are any."""
        ids = batch["id"].to_pylist()
        hashes = np.array([xxhash.xxh3_64_intdigest(name.encode()) for name in ids], np.uint64)
        picked = np.argsort(hashes, kind="stable")[:SAMPLE_ROWS]
        if len(self.rows) == SAMPLE_ROWS:
            picked = picked[hashes[picked] <= self.rows[-1][0]]
        taken = batch.take(pa.array(picked))
        kept = clusters["keep"].take(pa.array(picked)).to_pylist() if clusters else None
        for place, row in enumerate(_rows(taken)):
            row["duplicate"] = kept is not None and not kept[place]
            self.rows.append((int(hashes[picked[place]]), row["id"], row))
        self._cut()

    def merge(self, other: "Sample") -> None:
        """Add every row that ``other`` was given."""
        self.rows += other.rows
        self._cut()

    def _cut(self) -> None:
        self.rows.sort(key=lambda entry: entry[:2])
        del self.rows[SAMPLE_ROWS:]


def _rows(batch: pa.RecordBatch) -> list[dict[str, Any]]:
    """Return the sampled rows with all that the report shows of a document."""
    names = [
        column.name
        for column in batch.schema
        if "." in column.name and not pa.types.is_binary(column.type)
    ]
    signals = batch.select(names).to_pylist()
    excerpts = pc.utf8_slice_codeunits(batch["text"], 0, EXCERPT_CHARACTERS).to_pylist()
    places = batch.select(["id", "source", "url"]).to_pylist()
    return [
        place
        | {"text": excerpt}
        | {"signals": {name: _finite(value) for name, value in values.items()}}
        for place, excerpt, values in zip(places, excerpts, signals, strict=True)
    ]


def _finite(value: Any) -> Any:
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _fails(rule: Mapping[str, Any], row: Mapping[str, Any]) -> bool:
    value = row["signals"].get(rule["signal"])
    if value is None:
        return False
    least, most = rule.get("min"), rule.get("max")
    return (least is not None and value < least) or (most is not None and value > most)


def overlap(
    rules: Sequence[Mapping[str, Any]], sample: Sequence[Mapping[str, Any]]
) -> dict[str, Any]:
    """Count on the sample which rules remove the same documents.

    Returns:
        ``sample`` documents, those that fail ``any`` rule, ``only`` one given rule, and ``both``
        of two rules (a matrix in the order of the rules; its diagonal is one rule's failures).
    """
    failed = np.array([[_fails(rule, row) for row in sample] for rule in rules], np.int64)
    failed = failed.reshape(len(rules), len(sample))
    times = failed.sum(axis=0)
    return {
        "sample": len(sample),
        "any": int((times > 0).sum()),
        "only": (failed * (times == 1)).sum(axis=1).tolist(),
        "both": (failed @ failed.T).tolist(),
    }


def examples(
    name: str, bound: str, value: float, sample: Sequence[Mapping[str, Any]]
) -> dict[str, list[int]]:
    """Return the sampled rows that are nearest to a bound on its two sides, nearest first.

    Args:
        name: The rule's signal.
        bound: ``min`` or ``max``.
        value: The bound.
        sample: The sampled documents.

    Returns:
        Places in the sample: ``outside``, which the bound removes, and ``inside``.
    """
    present = [
        (abs(row["signals"][name] - value), place)
        for place, row in enumerate(sample)
        if row["signals"].get(name) is not None
    ]
    sides: dict[str, list[int]] = {"outside": [], "inside": []}
    for _, place in sorted(present):
        side = "outside" if _fails({"signal": name, bound: value}, sample[place]) else "inside"
        if len(sides[side]) < _EXAMPLES:
            sides[side].append(place)
    return sides
