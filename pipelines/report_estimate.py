"""What a set of rules keeps, estimated from the joint sample, with the sampling error.

The page's script computes the same figures at each move of a threshold (``estimate.js``); a test
compares the two.

A unit is a document without duplicates, or a cluster, whose place goes to its best document that
passes. Of a stratum with ``N`` units of which ``n`` are sampled and ``k`` give a document, the
estimate is ``N·k/n`` documents. For tokens it is the ratio estimate: the tokens of the stratum's
best documents, which are known, times what the sampled units give for what their best documents
have. The error is 1.96 standard errors of a stratified sample without replacement, from the
residuals of the ratio (Cochran, Sampling Techniques, 3rd ed., sections 5.3 and 6.10). Where no or
all units of a stratum are kept, so that there are no residuals, they are taken for those of one
unit in ``n + 2``. A stratum that is sampled whole has no error.

Of a cluster of more than 16 documents the sample holds 16, so that a document which passes may be
unseen. What is kept in all has a wider error for that; what is kept of a part, and what a rule
alone removes, has not.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from filters.length import buckets_for
from filters.rules import LANGUAGE
from pipelines.report_sample import COUNTS, Sample, places
from pipelines.report_steps import UNKNOWN
from pipelines.report_strata import BEST, STRATA

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]
RuleSettings = Mapping[str, Any]

DEVIATIONS = 1.96
"""Standard errors in the stated error: an estimate is within it 95 times of 100."""


@dataclass(frozen=True, slots=True)
class Estimator:
    """The sample as arrays, from which figures are estimated.

    Attributes:
        sample: The sample.
        table: Its rows.
    """

    sample: Sample
    table: pa.Table

    def failures(self, rule: RuleSettings) -> Mask:
        """Tell which rows a rule drops; it drops no null unless it says so.

        Args:
            rule: ``signal``, ``min`` and ``max`` (a number or None), ``languages`` (bounds by
                language code, or None where the rule is lifted) and ``keep_null``.
        """
        values = self._numbers(rule["signal"])
        failed = _outside(values, rule)
        if rule.get("languages"):
            codes = np.array(self.table[LANGUAGE].to_pylist(), object)
            for language, bounds in rule["languages"].items():
                failed = np.where(codes == language, _outside(values, bounds), failed)
        if not rule.get("keep_null", True):
            failed |= np.isnan(values)
        return failed

    def estimate(
        self,
        rules: Sequence[RuleSettings],
        *,
        smallest: int,
        largest: int,
        languages: Sequence[str] = (),
        sources: Sequence[str] = (),
    ) -> dict[str, Any]:
        """Return all that the report says of the rules together.

        Args:
            rules: The rules.
            smallest: The least length bucket.
            largest: The greatest with an upper bound.
            languages: The languages to tell of; the last one is for all that are not named.
            sources: The same of source files.

        Returns:
            ``kept`` documents, tokens and bytes; for each rule what it ``removes`` on its own and
            what would be kept but for it (``only``), for each pair the share of one's documents
            that the other removes too (``overlap``), ``buckets`` with what is scored and kept of
            each, ``languages`` and ``sources`` with what is kept. An estimate is ``estimate`` and
            ``error``.
        """
        table, units = self.table, _Units.of(self.table, self.sample.counts)
        failed = np.array([self.failures(rule) for rule in rules], np.bool_)
        failed = failed.reshape(len(rules), table.num_rows)
        times = failed.sum(axis=0)
        kept, row = units.first_row(times == 0)
        only = [units.first_row((times == 1) & of_rule)[0] & ~kept for of_rule in failed]
        weights = units.document_weights(self.sample.counts)
        both = (failed * weights) @ failed.T.astype(np.float64)
        sizes = np.maximum(both.diagonal(), 1e-12)
        tokens = table["tokens"].to_numpy()
        bucket_of = buckets_for(tokens, smallest=smallest, largest=largest)
        buckets, place = np.unique(bucket_of, return_inverse=True)
        scored = np.bincount(place, weights, len(buckets))
        return {
            "kept": units.with_unseen(units.totals(kept, row), kept, row),
            "rules": [
                {
                    "removes": units.of_documents(of_rule, weights),
                    "only": units.documents(gained),
                }
                for of_rule, gained in zip(failed, only, strict=True)
            ],
            "overlap": (both / sizes[:, None]).round(6).tolist(),
            "any": units.of_documents(times > 0, weights),
            "languages": units.parts(
                languages, places(table[LANGUAGE].fill_null(UNKNOWN), languages), kept, row
            ),
            "buckets": [
                {**part, "documents": round(float(of_part), 3)}
                for part, of_part in zip(
                    units.parts(buckets.tolist(), place, kept, row), scored, strict=True
                )
            ],
            "sources": units.parts(sources, places(table["source"], sources), kept, row),
        }

    def _numbers(self, signal: str) -> npt.NDArray[np.float32]:
        if signal not in self.table.column_names:
            return np.full(self.table.num_rows, np.nan, np.float32)
        values: npt.NDArray[np.float32] = self.table[signal].to_numpy().astype(np.float32)
        return values


def _outside(values: npt.NDArray[np.float32], bounds: Mapping[str, Any] | None) -> Mask:
    outside = np.zeros(len(values), np.bool_)
    if bounds is None:
        return outside
    # The sample holds float32: a bound is rounded as its values are, so that equal stays equal.
    if bounds.get("min") is not None:
        outside |= values < np.float32(bounds["min"])
    if bounds.get("max") is not None:
        outside |= values > np.float32(bounds["max"])
    return outside


@dataclass(frozen=True, slots=True, kw_only=True)
class _Units:
    """The sampled units, in the order of their rows."""

    start: Integers
    of_row: Integers
    stratum: Integers
    blocked: Mask
    size: Integers
    documents_each: Floats
    tokens: Floats
    bytes: Floats
    row_stratum: Integers
    population: Integers
    sampled: Integers
    sizes: Mapping[str, Floats]

    @classmethod
    def of(cls, table: pa.Table, counts: Integers) -> "_Units":
        hashes = table["hash"].to_numpy()
        row_stratum = table["stratum"].to_numpy().astype(np.int64)
        changes = (hashes[1:] != hashes[:-1]) | (row_stratum[1:] != row_stratum[:-1])
        start = np.flatnonzero(np.concatenate([np.ones(min(len(hashes), 1), np.bool_), changes]))
        lengths = np.diff(np.append(start, len(hashes)))
        stratum = row_stratum[start]
        return cls(
            start=start,
            of_row=np.repeat(np.arange(len(start)), lengths),
            stratum=stratum,
            blocked=table["earlier"].to_numpy(),
            size=table["size"].to_numpy().astype(np.int64)[start],
            documents_each=_documents_each(table, start, lengths),
            tokens=table["tokens"].to_numpy().astype(np.float64),
            bytes=table["bytes"].to_numpy().astype(np.float64),
            row_stratum=row_stratum,
            population=counts[:, COUNTS.index("units")],
            sampled=np.bincount(stratum, minlength=STRATA),
            sizes={name: counts[:, COUNTS.index(name)].astype(np.float64) for name in COUNTS},
        )

    def first_row(self, passed: Mask) -> tuple[Mask, Integers]:
        """Return the units with a row that passed and is not of an earlier corpus, and the row."""
        rows = np.where(passed & ~self.blocked, np.arange(len(passed)), len(passed))
        if not len(self.start):
            return np.zeros(0, np.bool_), rows
        first = np.minimum.reduceat(rows, self.start)
        return first < len(passed), first

    def documents(self, taken: Mask) -> dict[str, float]:
        """Return the number of units that are taken, each giving one document."""
        ones = np.ones(len(self.start))
        return self._ratio(taken.astype(np.float64), ones, self.population.astype(np.float64))

    def with_unseen(
        self, figures: dict[str, dict[str, float]], kept: Mask, row: Integers
    ) -> dict[str, dict[str, float]]:
        """Return what units give, their error widened by what members that are not held might give.

        Each doubling of the members that are looked at is taken to find, for as many places that
        stood empty, a document that passes as the last doubling did: that from the best of a
        cluster to all that are held.
        """
        held = np.bincount(self.of_row, minlength=len(self.start))
        is_found = kept & (self.size > held) & (row - self.start >= BEST)
        doublings = np.where(is_found, np.log2(self.size / held), 0.0)
        tokens = np.zeros(len(self.start))
        tokens[kept] = self.tokens[row[kept]]
        scale = (self.population / np.maximum(self.sampled, 1))[self.stratum]
        for name, each in (("documents", doublings), ("tokens", doublings * tokens)):
            error = figures[name]["error"] + float((scale * each).sum())
            figures[name]["error"] = round(error, 3)
        return figures

    def totals(self, kept: Mask, row: Integers) -> dict[str, dict[str, float]]:
        """Return the documents, tokens and bytes that the kept units give."""
        figures = {"documents": self.documents(kept)}
        for name, values in (("tokens", self.tokens), ("bytes", self.bytes)):
            given = np.zeros(len(kept))
            given[kept] = values[row[kept]]
            figures[name] = self._ratio(given, values[self.start], self.sizes[name])
        return figures

    def _ratio(self, given: Floats, size: Floats, whole: Floats) -> dict[str, float]:
        """Return a total: what units give for their sizes, times the known sizes of all units."""
        part, sampled, square, mixed, given_square = (
            np.bincount(self.stratum, values, STRATA)
            for values in (given, size, size**2, given * size, given**2)
        )
        ratio = part / np.maximum(sampled, 1e-12)
        residuals = given_square - 2 * ratio * mixed + ratio**2 * square
        count = np.maximum(self.sampled, 1)
        spread = np.maximum(residuals, square * _least(count)) / count
        population = self.population.astype(np.float64)
        variance = population**2 * self._unsampled() / count * spread
        return _figure((whole * ratio).sum(), variance.sum())

    def document_weights(self, counts: Integers) -> Floats:
        """Return how many documents each row stands for; those of a stratum add up to its own."""
        each = self.documents_each
        whole = np.bincount(self.row_stratum, each, STRATA)
        scale = counts[:, COUNTS.index("documents")] / np.maximum(whole, 1e-12)
        weights: Floats = each * scale[self.row_stratum]
        return weights

    def of_documents(self, taken: Mask, weights: Floats) -> dict[str, float]:
        """Return the number of documents, copies among them, of which some rows are taken.

        The unit of the sample is the cluster, so the variance is that between clusters.
        """
        of_unit = np.bincount(self.of_row, weights * taken, len(self.start))
        size = np.bincount(self.of_row, weights, len(self.start))
        count = np.maximum(self.sampled, 1)
        part = np.bincount(self.stratum, of_unit, STRATA)
        whole = np.maximum(np.bincount(self.stratum, size, STRATA), 1e-12)
        share = (part / whole)[self.stratum]
        residuals = np.bincount(self.stratum, (of_unit - share * size) ** 2, STRATA)
        square = np.bincount(self.stratum, size**2, STRATA)
        spread = np.maximum(residuals, square * _least(count)) / count
        variance = count * self._unsampled() * spread
        return _figure(part.sum(), variance.sum())

    def parts(
        self, names: Sequence[Any], place: Integers, kept: Mask, row: Integers
    ) -> list[dict[str, Any]]:
        """Return what is kept of each value.

        Args:
            names: The values.
            place: The place of each row's value among them.
            kept: Which units give a document.
            row: The row that it is.
        """
        of_kept = np.full(len(kept), -1)
        of_kept[kept] = place[row[kept]]
        return [
            {"value": name, "kept": self.totals(of_kept == number, row)}
            for number, name in enumerate(names)
        ]

    def _unsampled(self) -> Floats:
        return 1 - self.sampled / np.maximum(self.population, 1)


def _documents_each(table: pa.Table, start: Integers, lengths: Integers) -> Floats:
    """Return how many documents of its cluster each row is held for: the best for themselves."""
    best = np.minimum(lengths, BEST)
    others = (table["size"].to_numpy()[start] - best) / np.maximum(lengths - best, 1)
    place = np.arange(table.num_rows) - np.repeat(start, lengths)
    each: Floats = np.where(place < BEST, 1.0, np.repeat(others, lengths))
    return each


def _least(count: Integers) -> Floats:
    """Return the least variance of a share among some units."""
    share = 1 / (count + 2)
    return np.asarray(share * (1 - share), np.float64)


def _figure(estimate: float, variance: float) -> dict[str, float]:
    error = DEVIATIONS * float(np.sqrt(max(variance, 0.0)))
    return {"estimate": round(float(estimate), 3), "error": round(error, 3)}
