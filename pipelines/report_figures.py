"""The figures of a score report: what a person needs to see to pick a threshold.

:class:`Figures` reads Arrow batches of ``scored/`` with the matching batches of ``clusters/``,
keeps a bounded summary, and merges with the summary of other files. The result is the same whatever
the order of files, the size of batches and the tree of merges, but for the last digits of the mean
of a float signal.
"""

import difflib
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import TypeAdapter

from pipelines.report_estimate import Estimator
from pipelines.report_sample import COUNTS, Sample, StoredSample
from pipelines.report_signals import TOP_VALUES, Declaration, Number, Text
from pipelines.report_sketch import LARGEST, Integers, Mask, Sketch, ValueCounts
from pipelines.report_steps import StepCounts
from pipelines.report_strata import stratum_names

VERSION = 3
"""Of the form of a report and of its figures."""

CLUSTER_SIZES = (1, 2, 3, 6, 11, 101, 1001)
"""The least size in each class of cluster sizes."""

_WIDEST_LENGTH = 64


@dataclass(slots=True)
class Figures:
    """A bounded summary of scored documents, to which batches and other summaries are added.

    It pickles and can be stored as JSON. Its size depends on the number of signals and not on the
    number of documents (about 65 kB a numeric signal at most, and the listed values of text
    signals).

    >>> batch = pa.RecordBatch.from_pylist(
    ...     [{"id": "a", "source": "x.warc.gz", "url": None, "text": "One.", "length.tokens": 2}]
    ... )
    >>> figures = Figures()
    >>> figures.add(batch)
    >>> figures.finish([])["totals"]
    {'documents': 1, 'characters': 4, 'bytes': 4, 'tokens': 2}
    """

    documents: int = 0
    characters: int = 0
    bytes: int = 0
    tokens: int = 0
    numbers: dict[str, Number] = field(default_factory=dict)
    texts: dict[str, Text] = field(default_factory=dict)
    steps: StepCounts = field(default_factory=StepCounts)
    lengths: Integers = field(default_factory=lambda: np.zeros((_WIDEST_LENGTH, 2), np.int64))
    cluster_sizes: Integers = field(
        default_factory=lambda: np.zeros((len(CLUSTER_SIZES), 4), np.int64)
    )
    removed: ValueCounts = field(
        default_factory=lambda: ValueCounts(("documents", "characters", "tokens"))
    )
    sample: StoredSample = field(default_factory=Sample)

    def as_json(self) -> dict[str, Any]:
        """Return all but the rows of the sample as plain values, for :meth:`from_json`."""
        content: dict[str, Any] = TypeAdapter(Figures).dump_python(self, mode="json")
        return content

    @classmethod
    def from_json(cls, content: Any, rows: pa.Table | None) -> "Figures":
        """Return the summary that :meth:`as_json` gave.

        Args:
            content: What it gave.
            rows: The :meth:`~pipelines.report_sample.Sample.table` of its sample.

        Raises:
            ValueError: the content is none of a summary.
        """
        figures = TypeAdapter(cls).validate_python(content)
        figures.sample.hold(rows)
        return figures

    def add(self, batch: pa.RecordBatch, clusters: pa.RecordBatch | None = None) -> None:
        """Add the documents of a batch.

        Args:
            batch: Rows of ``scored/``: ``id``, ``source``, ``url``, ``text`` and signals. A value
                that is not finite counts as null.
            clusters: The same rows of ``clusters/``, or None where duplicates were not sought.

        Raises:
            ValueError: If the rows of the two are not of the same documents, or if a signal
                changes its type from one batch to another.
        """
        if clusters is not None and not clusters["document"].equals(batch["id"]):
            raise ValueError(
                "the rows of clusters/ are not those of scored/: run `thresher dedup` again"
            )
        tokens = _whole_numbers(batch, "length.tokens")
        characters = (
            _whole_numbers(batch, "length.characters")
            if "length.characters" in batch.schema.names
            else _filled(pc.utf8_length(batch["text"]))
        )
        sizes_in_bytes = _filled(pc.binary_length(batch["text"]))
        self.documents += batch.num_rows
        self.characters += int(characters.sum())
        self.bytes += int(sizes_in_bytes.sum())
        self.tokens += int(tokens.sum())
        keep = np.ones(batch.num_rows, np.bool_)
        if clusters is not None:
            keep = clusters["keep"].to_numpy(zero_copy_only=False).astype(np.bool_)
        self.steps.add_scored(batch, keep=keep, tokens=tokens, sizes_in_bytes=sizes_in_bytes)
        sums = {
            "documents": np.ones(batch.num_rows, np.int64),
            "characters": characters,
            "tokens": tokens,
        }
        for position, column in enumerate(batch.schema):
            self._add_signal(column, position, batch[column.name], sums)
        if "length.tokens" in batch.schema.names:
            counted = batch["length.tokens"].is_valid().to_numpy(zero_copy_only=False)
            self._add_lengths(tokens[counted])
        if clusters is not None:
            self._add_clusters(clusters, sums, removed=~keep)
        self.sample.add(batch, clusters, tokens=tokens, sizes_in_bytes=sizes_in_bytes)

    def merge(self, other: "Figures") -> None:
        """Add every document of ``other``.

        Raises:
            ValueError: If a signal has another type in ``other``.
        """
        self.documents += other.documents
        self.characters += other.characters
        self.bytes += other.bytes
        self.tokens += other.tokens
        self.lengths += other.lengths
        self.cluster_sizes += other.cluster_sizes
        self.steps.merge(other.steps)
        self.removed.merge(other.removed)
        self.sample.merge(other.sample)
        for name, number in other.numbers.items():
            ours = self._number(name, number.declaration)
            ours.sum += number.sum
            ours.sketch.merge(number.sketch)
        for name, text in other.texts.items():
            self._text(name, text.declaration).values.merge(text.values)

    def finish(
        self, rules: Sequence[Mapping[str, Any]], *, smallest: int = 256, largest: int = 65_536
    ) -> dict[str, Any]:
        """Return the report of all documents added, ready for JSON.

        Args:
            rules: ``signal`` with inclusive ``min`` and ``max`` (a number or None), ``languages``,
                ``keep_null`` and the ``set`` it is of.
            smallest: The least length bucket of the corpus.
            largest: The greatest with an upper bound.

        Raises:
            ValueError: If none of the numeric signals is the signal of a rule.
        """
        for rule in rules:
            self._check(rule)
        clustered = bool(self.cluster_sizes.any())
        return {
            "version": VERSION,
            "totals": {
                "documents": self.documents,
                "characters": self.characters,
                "bytes": self.bytes,
                "tokens": self.tokens,
            },
            "signals": self._signals(),
            "lengths": self._length_classes(),
            "duplicates": self._duplicates() if clustered else None,
            "rules": [self._effect(rule) for rule in rules],
            "buckets": {"smallest": smallest, "largest": largest},
            **self._parts(rules, smallest=smallest, largest=largest),
        }

    def _parts(
        self, rules: Sequence[Mapping[str, Any]], *, smallest: int, largest: int
    ) -> dict[str, Any]:
        """Return what each step leaves and, by the sample, what the rules do."""
        steps = self.steps.figures(deduplicated=bool(self.cluster_sizes.any()))
        table = self.sample.table()
        if table is None:
            return {**steps, "estimate": None, "sample": None}
        estimator = Estimator(self.sample, table)
        names = {of: [row["value"] for row in steps[of]["rows"]] for of in ("languages", "sources")}
        counts = self.sample.counts
        sampled = np.bincount(table["stratum"].to_numpy(), minlength=len(counts))
        units = counts[:, COUNTS.index("units")]
        return {
            **steps,
            "estimate": estimator.estimate(rules, smallest=smallest, largest=largest, **names),
            "sample": {
                "rows": table.num_rows,
                "strata": [
                    {"name": name, "rows": int(rows)} | dict(zip(COUNTS, of_stratum, strict=True))
                    for name, rows, of_stratum in zip(
                        stratum_names(), sampled, counts.tolist(), strict=True
                    )
                    if of_stratum[0]
                ],
                "units": int(units.sum()),
            },
        }

    def _add_signal(
        self,
        column: pa.Field,
        position: int,
        values: pa.Array,
        sums: Mapping[str, Integers],
    ) -> None:
        if "." not in column.name or pa.types.is_binary(column.type):
            return
        declaration = Declaration.of(column, position)
        if pa.types.is_string(column.type) or pa.types.is_large_string(column.type):
            self._text(column.name, declaration).values.add(values, sums)
            return
        number = self._number(column.name, declaration)
        present = values.is_valid().to_numpy(zero_copy_only=False)
        floats = values.cast(pa.float64(), safe=False).to_numpy(zero_copy_only=False)
        present &= np.abs(floats) <= LARGEST
        number.sketch.add(floats[present], sums["tokens"][present])
        whole = pa.types.is_integer(column.type)
        sum_here = (pc.sum(values).as_py() or 0) if whole else math.fsum(floats[present])
        number.sum += Fraction(sum_here)

    def _number(self, name: str, declaration: Declaration) -> Number:
        ours = self.numbers.setdefault(name, Number(declaration))
        if name in self.texts or ours.declaration.type != declaration.type:
            raise ValueError(f"{name} has more than one type: score all files with one recipe")
        return ours

    def _text(self, name: str, declaration: Declaration) -> Text:
        if name in self.numbers:
            raise ValueError(f"{name} has more than one type: score all files with one recipe")
        return self.texts.setdefault(name, Text(declaration))

    def _add_lengths(self, tokens: Integers) -> None:
        # frexp gives 0 for 0 and k for 2^(k-1) to 2^k - 1.
        classes = np.frexp(tokens.astype(np.float64))[1]
        np.add.at(self.lengths, classes, np.column_stack([np.ones_like(tokens), tokens]))

    def _add_clusters(
        self, clusters: pa.RecordBatch, sums: Mapping[str, Integers], *, removed: Mask
    ) -> None:
        classes = np.searchsorted(CLUSTER_SIZES, _filled(clusters["size"]), side="right") - 1
        documents, tokens = sums["documents"], sums["tokens"]
        counts = np.column_stack([documents, tokens, removed, removed * tokens])
        np.add.at(self.cluster_sizes, classes, counts)
        self.removed.add(clusters["reason"], sums)

    def _check(self, rule: Mapping[str, Any]) -> None:
        name = rule["signal"]
        if name not in self.numbers and self.documents:
            near = difflib.get_close_matches(name, self.numbers, n=1)
            hint = f"; did you mean {near[0]}?" if near else ""
            raise ValueError(f"rule on {name}: no such numeric signal in scored/{hint}")

    def _signals(self) -> list[dict[str, Any]]:
        every: list[tuple[str, Number | Text]] = [*self.numbers.items(), *self.texts.items()]
        every.sort(key=lambda item: (item[1].declaration.position, item[0]))
        return [
            self._describe(name, signal.declaration)
            | signal.figures()
            | {"nulls": self.documents - signal.count}
            for name, signal in every
        ]

    def _describe(self, name: str, declaration: Declaration) -> dict[str, Any]:
        return {
            "name": name,
            "family": name.partition(".")[0],
            "type": declaration.type,
            "unit": declaration.unit,
            "meaning": declaration.meaning,
            "source": declaration.source,
        }

    def _length_classes(self) -> list[dict[str, int]]:
        used = np.flatnonzero(self.lengths[:, 0])
        classes = range(used[0], used[-1] + 1) if len(used) else range(0)
        return [
            {
                "from": 2 ** (k - 1) if k else 0,
                "to": 2**k - 1,
                "documents": int(self.lengths[k, 0]),
                "tokens": int(self.lengths[k, 1]),
            }
            for k in classes
        ]

    def _duplicates(self) -> dict[str, Any]:
        ends = [least - 1 for least in CLUSTER_SIZES[1:]] + [None]
        names = ("documents", "tokens", "removed_documents", "removed_tokens")
        totals, steps = self.cluster_sizes.sum(axis=0), self.steps.sources.total()
        return {
            "documents": int(totals[2]),
            "tokens": int(totals[3]),
            "bytes": steps["scored.bytes"] - steps["deduplicated.bytes"],
            "sizes": [
                {"from": least, "to": end} | dict(zip(names, counts.tolist(), strict=True))
                for least, end, counts in zip(CLUSTER_SIZES, ends, self.cluster_sizes, strict=True)
            ],
            "reasons": self.removed.top(TOP_VALUES),
        }

    def _effect(self, rule: Mapping[str, Any]) -> dict[str, Any]:
        """Return a rule with what its bounds for all languages would remove on their own."""
        sketch = self.numbers[rule["signal"]].sketch if self.documents else Sketch()
        least, most = rule.get("min"), rule.get("max")
        below, above, margin = np.zeros(2), np.zeros(2), 0.0
        if least is not None:
            documents, tokens, off = sketch.below(np.array([least], np.float64))
            below = np.array([documents[0], tokens[0]])
            margin += off[0]
        if most is not None:
            documents, tokens, off = sketch.below(np.array([most], np.float64), including=True)
            total = np.array([sketch.documents.sum(), sketch.tokens.sum()])
            above = total - np.array([documents[0], tokens[0]])
            margin += off[0]
        return {
            "signal": rule["signal"],
            "set": rule.get("set"),
            "min": least,
            "max": most,
            "languages": dict(rule.get("languages") or {}),
            "keep_null": rule.get("keep_null", True),
            "below": {"documents": round(below[0]), "tokens": round(below[1])},
            "above": {"documents": round(above[0]), "tokens": round(above[1])},
            "margin": int(margin),
        }


def _whole_numbers(batch: pa.RecordBatch, name: str) -> Integers:
    """Return a column as integers with 0 for null, all 0 if the batch has no such column."""
    if name not in batch.schema.names:
        return np.zeros(batch.num_rows, np.int64)
    return _filled(batch[name])


def _filled(column: pa.Array) -> Integers:
    filled: Integers = pc.fill_null(column, 0).to_numpy(zero_copy_only=False).astype(np.int64)
    return filled
