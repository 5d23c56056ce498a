"""The order in which training sees length buckets: curricula of Dataset Decomposition.

A step draws one bucket and takes a batch of it. Inside a cycle a bucket is drawn with a probability
proportional to its odds while it has batches left (Algorithm 1 of arXiv 2405.13226).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Literal

import numpy as np
import numpy.typing as npt

Name = Literal["uniform", "grow-linear", "grow-p2"]


def odds(name: Name, buckets: Sequence[int]) -> dict[int, float]:
    """Return the odds of each bucket (table 1 of the paper: D_8 to D_13).

    Args:
        name: ``uniform``: 1 1 1 1 1 1; ``grow-linear``: 6 5 4 3 2 1; ``grow-p2``: 32 16 8 4 2 1:
            short sequences tend to come first.
        buckets: Powers of two, rising. A bucket that is missing between two others keeps its odds.

    >>> odds("grow-p2", [256, 512, 2048])
    {256: 8.0, 512: 4.0, 2048: 1.0}
    """
    if not buckets:
        return {}
    longest = max(buckets).bit_length()
    places = {bucket: longest - bucket.bit_length() for bucket in sorted(buckets)}
    if name == "uniform":
        return dict.fromkeys(places, 1.0)
    if name == "grow-linear":
        return {bucket: 1.0 + place for bucket, place in places.items()}
    return {bucket: 2.0**place for bucket, place in places.items()}


@dataclass(frozen=True, slots=True, kw_only=True)
class Curriculum:
    """A curriculum with its cycles.

    Attributes:
        name: Whose odds it has.
        cycles: How often the growth from short to long repeats in an epoch: each cycle has an
            equal part of every bucket. The paper's best has 8.
        custom_odds: Odds of single buckets that go before those of the name.

    Raises:
        ValueError: There is no cycle, or odds are not above 0.
    """

    name: Name = "grow-p2"
    cycles: int = 8
    custom_odds: Mapping[int, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.cycles < 1:
            raise ValueError(f"a curriculum has 1 cycle or more, not {self.cycles}")
        for bucket, value in self.custom_odds.items():
            if not 0 < value < float("inf"):
                raise ValueError(f"the odds of bucket {bucket} must be above 0, not {value:g}")

    def odds(self, buckets: Sequence[int]) -> dict[int, float]:
        """Return the odds of each bucket."""
        return {
            bucket: self.custom_odds.get(bucket, value)
            for bucket, value in odds(self.name, buckets).items()
        }

    def order(self, batches: Mapping[int, int], *, seed: int, epoch: int) -> npt.NDArray[np.int64]:
        """Return the bucket of each step of an epoch.

        Args:
            batches: How many batches each bucket has.
            seed: The same seed gives the same order.
            epoch: From 0; each has an order of its own.

        Returns:
            Each bucket as often as it has batches.
        """
        generator = np.random.default_rng([seed, epoch])
        weights = self.odds(sorted(batches))
        cuts = {
            bucket: [count * cycle // self.cycles for cycle in range(self.cycles + 1)]
            for bucket, count in sorted(batches.items())
        }
        steps = [np.empty(0, np.int64)]
        for cycle in range(self.cycles):
            times, buckets = [], []
            for bucket, ends in cuts.items():
                first, last = list(pairwise(ends))[cycle]
                # Draws with fixed odds while a bucket is not empty are the arrivals of Poisson
                # processes whose rates are the odds: whoever has most of the sum comes first
                # as often as that says, and an empty bucket leaves the others' odds alone.
                gaps = generator.exponential(size=last - first) / weights[bucket]
                times.append(np.cumsum(gaps))
                buckets.append(np.full(last - first, bucket, np.int64))
            if times:
                steps.append(np.concatenate(buckets)[np.argsort(np.concatenate(times))])
        return np.concatenate(steps)
