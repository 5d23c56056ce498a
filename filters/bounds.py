"""Bounds of a signal: what a rule keeps."""

import math
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """The values of a signal that a rule keeps, both ends included.

    Attributes:
        min: The least value kept, or None for no lower bound.
        max: The greatest value kept, or None for no upper bound.

    Raises:
        ValueError: If there is no bound at all, one is not a number, or min is above max.

    >>> 0.3 in Bounds(max=0.3), 0.31 in Bounds(max=0.3)
    (True, False)
    """

    min: float | None = None
    max: float | None = None

    def __post_init__(self) -> None:
        if self.min is None and self.max is None:
            raise ValueError("a rule needs min, max or both")
        for bound in (self.min, self.max):
            if bound is not None and math.isnan(bound):
                raise ValueError("a bound must be a number, not NaN")
        if self.min is not None and self.max is not None and self.min > self.max:
            raise ValueError(f"min {self.min} is above max {self.max}: nothing would be kept")

    def __contains__(self, value: float) -> bool:
        """Say whether a document with this value is kept."""
        return (self.min is None or value >= self.min) and (self.max is None or value <= self.max)
