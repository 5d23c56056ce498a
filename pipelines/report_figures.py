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

from pipelines.report_sample import Sample, examples, overlap
from pipelines.report_sketch import LARGEST, Floats, Integers, Sketch, ValueCounts

QUANTILES = {"p1": 0.01, "p5": 0.05, "p25": 0.25, "p50": 0.5, "p75": 0.75, "p95": 0.95, "p99": 0.99}
"""The quantiles of every numeric signal, by their name in the report."""

TOP_VALUES = 50
"""Values of a text signal, languages and source files that the report lists one by one."""

CLUSTER_SIZES = (1, 2, 3, 6, 11, 101, 1001)
"""The least size in each class of cluster sizes."""

_CURVE_POINTS = 100
_WIDEST_LENGTH = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class _Declaration:
    """What the scored file's schema says of a signal, and where it stands there."""

    type: str
    unit: str
    meaning: str
    source: str
    position: int


@dataclass(slots=True)
class _Number:
    """A numeric signal so far; the sum is that of its batches, exact in any order of them."""

    declaration: _Declaration
    sum: Fraction = Fraction(0)
    sketch: Sketch = field(default_factory=Sketch)


@dataclass(slots=True)
class _Text:
    """A text signal so far."""

    declaration: _Declaration
    values: ValueCounts = field(default_factory=ValueCounts)


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
    {'documents': 1, 'characters': 4, 'tokens': 2}
    """

    documents: int = 0
    characters: int = 0
    tokens: int = 0
    numbers: dict[str, _Number] = field(default_factory=dict)
    texts: dict[str, _Text] = field(default_factory=dict)
    sources: ValueCounts = field(default_factory=ValueCounts)
    lengths: Integers = field(default_factory=lambda: np.zeros((_WIDEST_LENGTH, 2), np.int64))
    cluster_sizes: Integers = field(
        default_factory=lambda: np.zeros((len(CLUSTER_SIZES), 4), np.int64)
    )
    removed: ValueCounts = field(default_factory=ValueCounts)
    sample: Sample = field(default_factory=Sample)

    def as_json(self) -> dict[str, Any]:
        """Return the whole summary as plain values, from which :meth:`from_json` makes it again."""
        content: dict[str, Any] = TypeAdapter(Figures).dump_python(self, mode="json")
        return content

    @classmethod
    def from_json(cls, content: Any) -> "Figures":
        """Return the summary that :meth:`as_json` gave.

        Raises:
            ValueError: the content is none of a summary.
        """
        return TypeAdapter(cls).validate_python(content)

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
        self.documents += batch.num_rows
        self.characters += int(characters.sum())
        self.tokens += int(tokens.sum())
        self.sources.add(batch["source"], characters, tokens)
        for position, column in enumerate(batch.schema):
            self._add_signal(column, position, batch[column.name], characters, tokens)
        if "length.tokens" in batch.schema.names:
            counted = batch["length.tokens"].is_valid().to_numpy(zero_copy_only=False)
            self._add_lengths(tokens[counted])
        if clusters is not None:
            self._add_clusters(clusters, characters, tokens)
        self.sample.add(batch, clusters)

    def merge(self, other: "Figures") -> None:
        """Add every document of ``other``.

        Raises:
            ValueError: If a signal has another type in ``other``.
        """
        self.documents += other.documents
        self.characters += other.characters
        self.tokens += other.tokens
        self.lengths += other.lengths
        self.cluster_sizes += other.cluster_sizes
        self.sources.merge(other.sources)
        self.removed.merge(other.removed)
        self.sample.merge(other.sample)
        for name, number in other.numbers.items():
            ours = self._number(name, number.declaration)
            ours.sum += number.sum
            ours.sketch.merge(number.sketch)
        for name, text in other.texts.items():
            self._text(name, text.declaration).values.merge(text.values)

    def finish(self, rules: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        """Return the report of all documents added, ready for JSON.

        Args:
            rules: ``signal`` with ``min`` or ``max`` or both, inclusive, and the ``set`` it is of.

        Raises:
            ValueError: If a rule has no bound, or none of the numeric signals is its signal.
        """
        for rule in rules:
            self._check(rule)
        sample = [row for _, _, row in self.sample.rows]
        clustered = bool(self.cluster_sizes.any())
        return {
            "version": 1,
            "totals": {
                "documents": self.documents,
                "characters": self.characters,
                "tokens": self.tokens,
            },
            "signals": self._signals(),
            "sources": self.sources.top(TOP_VALUES),
            "lengths": self._length_classes(),
            "duplicates": self._duplicates() if clustered else None,
            "rules": [self._effect(rule, sample) for rule in rules],
            "overlap": overlap(rules, sample),
            "sample": sample,
        }

    def _add_signal(
        self,
        column: pa.Field,
        position: int,
        values: pa.Array,
        characters: Integers,
        tokens: Integers,
    ) -> None:
        if "." not in column.name or pa.types.is_binary(column.type):
            return
        declaration = _declaration(column, position)
        if pa.types.is_string(column.type) or pa.types.is_large_string(column.type):
            self._text(column.name, declaration).values.add(values, characters, tokens)
            return
        number = self._number(column.name, declaration)
        present = values.is_valid().to_numpy(zero_copy_only=False)
        floats = values.cast(pa.float64(), safe=False).to_numpy(zero_copy_only=False)
        present &= np.abs(floats) <= LARGEST
        number.sketch.add(floats[present], tokens[present])
        whole = pa.types.is_integer(column.type)
        sum_here = (pc.sum(values).as_py() or 0) if whole else math.fsum(floats[present])
        number.sum += Fraction(sum_here)

    def _number(self, name: str, declaration: _Declaration) -> _Number:
        ours = self.numbers.setdefault(name, _Number(declaration))
        if name in self.texts or ours.declaration.type != declaration.type:
            raise ValueError(f"{name} has more than one type: score all files with one recipe")
        return ours

    def _text(self, name: str, declaration: _Declaration) -> _Text:
        if name in self.numbers:
            raise ValueError(f"{name} has more than one type: score all files with one recipe")
        return self.texts.setdefault(name, _Text(declaration))

    def _add_lengths(self, tokens: Integers) -> None:
        # frexp gives 0 for 0 and k for 2^(k-1) to 2^k - 1.
        classes = np.frexp(tokens.astype(np.float64))[1]
        np.add.at(self.lengths, classes, np.column_stack([np.ones_like(tokens), tokens]))

    def _add_clusters(
        self, clusters: pa.RecordBatch, characters: Integers, tokens: Integers
    ) -> None:
        classes = np.searchsorted(CLUSTER_SIZES, _filled(clusters["size"]), side="right") - 1
        removed = ~clusters["keep"].to_numpy(zero_copy_only=False).astype(np.bool_)
        counts = np.column_stack([np.ones_like(tokens), tokens, removed, removed * tokens])
        np.add.at(self.cluster_sizes, classes, counts)
        self.removed.add(clusters["reason"], characters, tokens)

    def _check(self, rule: Mapping[str, Any]) -> None:
        name = rule["signal"]
        if name not in self.numbers and self.documents:
            near = difflib.get_close_matches(name, self.numbers, n=1)
            hint = f"; did you mean {near[0]}?" if near else ""
            raise ValueError(f"rule on {name}: no such numeric signal in scored/{hint}")
        if rule.get("min") is None and rule.get("max") is None:
            raise ValueError(f"rule on {name}: give min, max or both")

    def _signals(self) -> list[dict[str, Any]]:
        every: list[tuple[str, _Number | _Text]] = [*self.numbers.items(), *self.texts.items()]
        every.sort(key=lambda item: (item[1].declaration.position, item[0]))
        return [
            self._describe(name, signal.declaration)
            | (_text_figures(signal) if isinstance(signal, _Text) else _number_figures(signal))
            | {"nulls": self.documents - _count(signal)}
            for name, signal in every
        ]

    def _describe(self, name: str, declaration: _Declaration) -> dict[str, Any]:
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
        totals = self.cluster_sizes.sum(axis=0)
        return {
            "documents": int(totals[2]),
            "tokens": int(totals[3]),
            "sizes": [
                {"from": least, "to": end} | dict(zip(names, counts.tolist(), strict=True))
                for least, end, counts in zip(CLUSTER_SIZES, ends, self.cluster_sizes, strict=True)
            ],
            "reasons": self.removed.top(TOP_VALUES),
        }

    def _effect(self, rule: Mapping[str, Any], sample: list[dict[str, Any]]) -> dict[str, Any]:
        """Return what one rule would remove on its own, with sampled documents near its bounds."""
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
        bounds = {"min": least, "max": most}
        return {
            "signal": rule["signal"],
            "set": rule.get("set"),
            "min": least,
            "max": most,
            "below": {"documents": round(below[0]), "tokens": round(below[1])},
            "above": {"documents": round(above[0]), "tokens": round(above[1])},
            "margin": int(margin),
            "examples": [
                {"bound": bound} | examples(rule["signal"], bound, value, sample)
                for bound, value in bounds.items()
                if value is not None
            ],
        }


def _whole_numbers(batch: pa.RecordBatch, name: str) -> Integers:
    """Return a column as integers with 0 for null, all 0 if the batch has no such column."""
    if name not in batch.schema.names:
        return np.zeros(batch.num_rows, np.int64)
    return _filled(batch[name])


def _filled(column: pa.Array) -> Integers:
    filled: Integers = pc.fill_null(column, 0).to_numpy(zero_copy_only=False).astype(np.int64)
    return filled


def _declaration(column: pa.Field, position: int) -> _Declaration:
    told = {key.decode(): value.decode() for key, value in (column.metadata or {}).items()}
    return _Declaration(
        type=str(column.type),
        unit=told.get("unit", ""),
        meaning=told.get("meaning", ""),
        source=told.get("source", ""),
        position=position,
    )


def _count(signal: _Number | _Text) -> int:
    if isinstance(signal, _Number):
        return int(signal.sketch.documents.sum())
    return signal.values.other[0] + sum(counts[0] for counts in signal.values.counts.values())


def _text_figures(text: _Text) -> dict[str, Any]:
    return {"count": _count(text)} | text.values.top(TOP_VALUES)


def _number_figures(number: _Number) -> dict[str, Any]:
    """Return what describes a distribution; all but the count is None where there is no value."""
    sketch = number.sketch
    names = ("min", "max", "mean", "quantiles", "histogram", "curve")
    if not len(sketch.low):
        return {"count": 0} | dict.fromkeys(names)
    integer = number.declaration.type != "double"
    exact = int if integer else float
    count = _count(number)
    quantiles = sketch.quantiles(np.array(list(QUANTILES.values())))
    histogram = sketch.histogram(integer=integer)
    return {
        "count": count,
        "min": exact(sketch.low[0]),
        "max": exact(sketch.high[-1]),
        "mean": float(number.sum / count),
        "quantiles": dict(zip(QUANTILES, map(exact, quantiles), strict=True)),
        "histogram": histogram,
        "curve": _curve(sketch, np.array(histogram["edges"])),
    }


def _curve(sketch: Sketch, edges: Floats) -> dict[str, list[float]]:
    """Return the share of documents and of tokens below up to 100 values.

    Half of the values are spread over the axis, so that small shares in a long tail are told
    apart, and half over the documents, so that close values in the bulk are.
    """
    half = _CURVE_POINTS // 2
    spread = edges[np.linspace(0, len(edges) - 1, min(half, len(edges))).astype(np.int64)]
    ranked = sketch.quantiles(np.linspace(0, 1, half))
    values = np.unique(np.concatenate([spread, ranked]))
    documents, tokens, _ = sketch.below(values)
    return {
        "values": values.tolist(),
        "documents": _rounded_shares(documents, sketch.documents.sum()),
        "tokens": _rounded_shares(tokens, sketch.tokens.sum()),
    }


def _rounded_shares(part: Floats, whole: int) -> list[float]:
    return [round(float(share), 6) for share in part / max(whole, 1)]
