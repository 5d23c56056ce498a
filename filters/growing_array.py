"""An array that grows at its end."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

_FIRST_SIZE = 1 << 16


class GrowingArray:
    """An array that grows at its end, each value at a constant cost.

    Attributes:
        values: The values, and behind them room for more.
        size: How many values there are.

    Args:
        kind: The type of its values.
    """

    def __init__(self, kind: npt.DTypeLike) -> None:
        self.values: npt.NDArray[Any] = np.zeros(_FIRST_SIZE, kind)
        self.size = 0

    def extend(self, values: Sequence[int] | npt.NDArray[Any]) -> None:
        """Put values at the end."""
        end = self.size + len(values)
        self.reserve(end)
        self.values[self.size : end] = np.asarray(values, self.values.dtype)
        self.size = end

    def reserve(self, size: int) -> None:
        """Make room for so many values in all."""
        if size > self.values.size:
            grown = np.zeros(2 * size, self.values.dtype)
            grown[: self.values.size] = self.values
            self.values = grown
