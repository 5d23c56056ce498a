"""How many documents each step of a run leaves: in all, of each source file and of each language.

A record is read; a text is extracted from it; it is scored if no gate leaves it out and nothing
fails; it is deduplicated if it is the best copy of its cluster. The language of a text is known
once it is extracted and identified, so of a language the records read are not known, and its
extracted texts are those that were scored or that a gate left out behind the identification. The
tokens of a document are known once it is scored.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from filters.rules import LANGUAGE
from pipelines.report_signals import TOP_VALUES
from pipelines.report_sketch import Integers, Mask, ValueCounts

OF_SOURCES = (
    *("read.documents", "extracted.documents", "extracted.bytes"),
    *("scored.documents", "scored.tokens", "scored.bytes"),
    *("deduplicated.documents", "deduplicated.tokens", "deduplicated.bytes"),
)
"""What is summed up of a source file: a step and a measure of what it leaves."""

OF_LANGUAGES = OF_SOURCES[1:]
"""What is summed up of a language."""

OTHERS = "all others"
"""The name of the row that holds what no row of its own is for."""

UNKNOWN = "unknown"
"""The language of a text that the model could not tell."""

LEFT_OUT = pa.schema(
    [
        pa.field("source", pa.string()),
        pa.field("reason", pa.string()),
        pa.field("error", pa.bool_()),
        pa.field("extracted", pa.bool_()),
        pa.field("bytes", pa.int64()),
        pa.field("language", pa.string()),
    ]
)
"""Records of which no document was scored: why, and what was known of them by then."""

_MOST_LANGUAGES = 200
_LOSSES = ("extracted.gated", "extracted.errors", "scored.gated", "scored.errors")


def _no_losses() -> dict[str, ValueCounts]:
    return {name: ValueCounts(("documents",)) for name in _LOSSES}


@dataclass(slots=True)
class StepCounts:
    """The documents that each step leaves, to which batches and other counts are added.

    Attributes:
        sources: The sums of each source file.
        languages: The sums of each language.
        losses: By the step that they do not reach and ``gated`` or ``errors``: records by reason.
    """

    sources: ValueCounts = field(default_factory=lambda: ValueCounts(OF_SOURCES))
    languages: ValueCounts = field(default_factory=lambda: ValueCounts(OF_LANGUAGES))
    losses: dict[str, ValueCounts] = field(default_factory=_no_losses)

    def add_scored(
        self, batch: pa.RecordBatch, *, keep: Mask, tokens: Integers, sizes_in_bytes: Integers
    ) -> None:
        """Add rows of ``scored/``.

        Args:
            batch: The rows.
            keep: Which are the best of their cluster.
            tokens: Their lengths.
            sizes_in_bytes: The same in bytes of UTF-8.
        """
        every = np.ones(batch.num_rows, np.int64)
        sums = {
            "read.documents": every,
            "extracted.documents": every,
            "extracted.bytes": sizes_in_bytes,
            "scored.documents": every,
            "scored.tokens": tokens,
            "scored.bytes": sizes_in_bytes,
            "deduplicated.documents": every * keep,
            "deduplicated.tokens": tokens * keep,
            "deduplicated.bytes": sizes_in_bytes * keep,
        }
        self.sources.add(batch["source"], sums)
        languages = batch[LANGUAGE] if LANGUAGE in batch.schema.names else pa.nulls(batch.num_rows)
        self.languages.add(
            pc.fill_null(languages.cast(pa.string()), UNKNOWN),
            {name: sums[name] for name in OF_LANGUAGES},
        )

    def add_left_out(self, records: pa.RecordBatch | pa.Table) -> None:
        """Add records of the schema :data:`LEFT_OUT`."""
        extracted, error = (
            np.asarray(records[name].to_numpy(zero_copy_only=False), np.bool_)
            for name in ("extracted", "error")
        )
        sums = {
            "read.documents": np.ones(records.num_rows, np.int64),
            "extracted.documents": extracted,
            "extracted.bytes": pc.fill_null(records["bytes"], 0).to_numpy(zero_copy_only=False),
        }
        self.sources.add(records["source"], sums)
        self.languages.add(
            records["language"], {name: sums[name] for name in OF_LANGUAGES if name in sums}
        )
        for name, counts in self.losses.items():
            step, _, kind = name.partition(".")
            here = (extracted == (step == "scored")) & (error == (kind == "errors"))
            counts.add(
                records["reason"].filter(pa.array(here)),
                {"documents": np.ones(here.sum(), np.int64)},
            )

    def merge(self, other: "StepCounts") -> None:
        """Add every document of ``other``."""
        self.sources.merge(other.sources)
        self.languages.merge(other.languages)
        for name, counts in other.losses.items():
            self.losses[name].merge(counts)

    def figures(self, *, deduplicated: bool) -> dict[str, Any]:
        """Return ``steps``, ``losses``, ``sources`` and ``languages`` of the report.

        Args:
            deduplicated: Whether duplicates were sought; else that step is None.
        """
        return {
            "steps": _nested(self.sources.total(), deduplicated=deduplicated),
            "losses": {step: self._losses_before(step) for step in ("extracted", "scored")},
            "sources": _rows(self.sources, most=TOP_VALUES, deduplicated=deduplicated),
            "languages": _rows(self.languages, most=_MOST_LANGUAGES, deduplicated=deduplicated),
        }

    def _losses_before(self, step: str) -> list[dict[str, Any]]:
        losses = []
        for kind in ("gated", "errors"):
            found = self.losses[f"{step}.{kind}"].top(TOP_VALUES)
            others = {"value": OTHERS, **found["other"]}
            losses += [
                {
                    "reason": row["value"],
                    "documents": row["documents"],
                    "error": kind == "errors",
                }
                for row in [*found["values"], others]
                if row["documents"]
            ]
        return losses


def _rows(counts: ValueCounts, *, most: int, deduplicated: bool) -> dict[str, Any]:
    found = counts.top(most)
    others = [{"value": OTHERS, **found["other"]}] if any(found["other"].values()) else []
    return {
        "rows": [
            {"value": row.pop("value"), **_nested(row, deduplicated=deduplicated)}
            for row in [*found["values"], *others]
        ],
        "distinct": found["distinct"],
    }


def _nested(sums: Mapping[str, int], *, deduplicated: bool) -> dict[str, dict[str, int] | None]:
    """Return the measures of each step by the step's name."""
    steps: dict[str, Any] = {"read": None}
    for name, amount in sums.items():
        step, _, measure = name.partition(".")
        steps[step] = (steps.get(step) or {}) | {measure: amount}
    return steps if deduplicated else steps | {"deduplicated": None}
