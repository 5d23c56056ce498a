"""The recipe's sample of what passes the rules: its policy, made ready by the scores of the corpus.

A share needs to know how scores are distributed over the documents that stand for their clusters
and pass the rules. That is found without holding the scores: a mergeable sketch of at most 2,048
bins says which bin holds the threshold, a second look counts the distinct scores in this bin alone.
Both are the same in whatever order documents come, so the threshold is exact and the same on every
runner.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import apache_beam as beam
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from filters.rules import LANGUAGE, Rule, evaluate
from filters.selection_policies import (
    ALPHA,
    AtLeast,
    Floats,
    Mask,
    Pareto,
    Proportional,
    SelectionPolicy,
    draws,
    greatest,
    kept_of,
    proportional_factor,
)
from pipelines import storage
from pipelines.cluster_winners import StandIns
from pipelines.recipe import Sample
from pipelines.report_sketch import LARGEST, Sketch

_Counted = tuple[Floats, npt.NDArray[np.int64]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sampler:
    """A sample whose policy is ready.

    Attributes:
        sample: The recipe's section.
        policy: What it comes to for this corpus.
    """

    sample: Sample
    policy: SelectionPolicy

    @property
    def reason(self) -> str:
        """Why a document is left out."""
        return f"{self.sample.signal}.{self.sample.policy}"

    def keeps(self, batch: pa.RecordBatch) -> Mask:
        """Tell which rows are kept, by their columns ``id`` and the sample's signal."""
        scores = batch[self.sample.signal].cast(pa.float64())
        drawn = draws(batch["id"].to_pylist(), seed=self.sample.seed)
        kept = self.policy.keeps(pc.fill_null(scores, 0.0).to_numpy(), drawn)
        null = pc.is_null(scores).to_numpy(zero_copy_only=False)
        return np.asarray(np.where(null, self.sample.keep_null, kept), np.bool_)

    def as_json(self) -> dict[str, Any]:
        """Return what the manifest tells of it."""
        return {**self.sample.model_dump(mode="json", exclude_none=True), **asdict(self.policy)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidates:
    """Where the documents are that a sample is taken of.

    Attributes:
        output: The run's output folder.
        rules: The rules in force.
        with_clusters: Whether `dedup` has run.
        sample: The recipe's section.
    """

    output: str
    rules: Sequence[Rule]
    with_clusters: bool
    sample: Sample

    def scores(self, joined: tuple[str, dict[str, Any]]) -> Iterator[Floats]:
        """Yield the scores of a group's documents that pass the rules and stand for a cluster."""
        [group] = joined[1]["group"]
        winners = list(joined[1].get("winners", ()))
        signals = (LANGUAGE, self.sample.signal, *(rule.signal for rule in self.rules))
        for file in group.files:
            stands = (
                StandIns.read(file, self.output, winners).stands if self.with_clusters else None
            )
            first_row = 0
            with storage.open_stored(file.path(self.output)) as stored:
                batches = pq.ParquetFile(stored).iter_batches(columns=list(dict.fromkeys(signals)))
                for batch in batches:
                    kept = evaluate(self.rules, batch).passed
                    if stands is not None:
                        kept &= stands[first_row : first_row + batch.num_rows]
                    first_row += batch.num_rows
                    scores = batch[self.sample.signal].filter(pa.array(kept)).drop_null()
                    # As the sketch has them, so that both looks see the same numbers.
                    numbers = scores.cast(pa.float64()).to_numpy()
                    yield np.clip(numbers, -LARGEST, LARGEST)


class MakeSampler(beam.PTransform[Any, Any]):
    """Give the one :class:`Sampler` of the corpus, of its groups with their winners.

    Args:
        candidates: The documents that the sample is of.
    """

    def __init__(self, candidates: Candidates) -> None:
        super().__init__()
        self._candidates = candidates

    def expand(self, joined: Any) -> Any:
        """Build the graph: nothing is read where the policy needs no distribution."""
        candidates, sample = self._candidates, self._candidates.sample
        if sample.share is None:
            policy = (
                Pareto(alpha=sample.alpha or ALPHA) if sample.policy == "pareto" else Proportional()
            )
            sampler = Sampler(sample=sample, policy=policy)
            return joined.pipeline | beam.Create([sampler], reshuffle=False)
        sketch = (
            joined
            | "Sketch scores" >> beam.Map(_sketch, candidates=candidates)
            | "All scores" >> beam.CombineGlobally(_merged)
        )
        if sample.policy == "proportional":
            return sketch | "Factor" >> beam.Map(_proportional, sample=sample)
        place = sketch | "Threshold's bin" >> beam.Map(_Place.of, share=sample.share)
        return (
            joined
            | "Scores in the bin"
            >> beam.Map(_distinct, candidates=candidates, place=beam.pvalue.AsSingleton(place))
            | "All in the bin" >> beam.CombineGlobally(_counted)
            | "Threshold" >> beam.Map(_top, sample=sample, place=beam.pvalue.AsSingleton(place))
        )


def _sketch(joined: tuple[str, dict[str, Any]], *, candidates: Candidates) -> Sketch:
    sketch = Sketch()
    for scores in candidates.scores(joined):
        sketch.add(scores, np.zeros(len(scores), np.int64))
    return sketch


def _merged(sketches: Iterable[Sketch]) -> Sketch:
    total = Sketch()
    for sketch in sketches:
        total.merge(sketch)
    return total


def _proportional(sketch: Sketch, *, sample: Sample) -> Sampler:
    assert sample.share is not None  # noqa: S101
    factor = proportional_factor(
        (sketch.low + sketch.high) / 2, sketch.documents, share=sample.share
    )
    return Sampler(sample=sample, policy=Proportional(factor=factor))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Place:
    """Where a top share ends: so many documents down from the top of one bin."""

    low: float
    high: float
    place: int

    @classmethod
    def of(cls, sketch: Sketch, *, share: float) -> "_Place":
        wanted = kept_of(int(sketch.documents.sum()), share=share)
        if not wanted:
            return cls(low=0.0, high=0.0, place=0)
        from_top = np.cumsum(sketch.documents[::-1])
        bin_from_top = int(np.searchsorted(from_top, wanted))
        at = len(from_top) - 1 - bin_from_top
        above = int(from_top[bin_from_top] - sketch.documents[at])
        return cls(low=float(sketch.low[at]), high=float(sketch.high[at]), place=wanted - above)


def _distinct(
    joined: tuple[str, dict[str, Any]], *, candidates: Candidates, place: _Place
) -> _Counted:
    if place.low == place.high:
        return _counted([])
    inside = []
    for scores in candidates.scores(joined):
        of_bin = scores[(scores >= place.low) & (scores <= place.high)]
        inside.append((of_bin, np.ones(len(of_bin), np.int64)))
    return _counted(inside)


def _counted(parts: Iterable[_Counted]) -> _Counted:
    held = [(np.empty(0), np.empty(0, np.int64)), *parts]
    values, places = np.unique(np.concatenate([of for of, _ in held]), return_inverse=True)
    counts = np.bincount(places, weights=np.concatenate([of for _, of in held]))
    return values, counts.astype(np.int64)


def _top(found: _Counted, *, sample: Sample, place: _Place) -> Sampler:
    values, counts = found
    least = greatest(values, counts, place=place.place) if len(values) else place.low
    return Sampler(sample=sample, policy=AtLeast(least=least))
