from typing import Any

import numpy as np
import numpy.typing as npt

from filters.compiled import Compiled


def _multiplied(values: npt.NDArray[np.int64], factor: int) -> int:
    total = 0
    for value in values:
        total += value * factor
    return total


def test_it_computes_what_the_function_does() -> None:
    compiled = Compiled(_multiplied)
    assert compiled(np.arange(4), 2) == 12
    assert compiled(np.arange(4), factor=3) == 18


def test_it_compiles_where_machine_code_cannot_be_kept() -> None:
    # A function without a file has no place beside it.
    names: dict[str, Any] = {}
    exec("def added(one, other):\n    return one + other", names)
    assert Compiled(names["added"])(1, 2) == 3
