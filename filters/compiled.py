"""Loops over arrays as machine code."""

import functools
from collections.abc import Callable
from typing import Generic, ParamSpec, TypeVar

_Parameters = ParamSpec("_Parameters")
_Result = TypeVar("_Result", covariant=True)


class Compiled(Generic[_Parameters, _Result]):
    """A function of arrays and numbers that numba compiles at its first call.

    Numba keeps the machine code on disk, beside the module or in the user's cache folder
    (``NUMBA_CACHE_DIR`` names another), and the next process loads it from there. It is imported at
    the first call as well: who computes no signals does not wait for it.

    >>> import numpy as np
    >>> @Compiled
    ... def total(values):
    ...     total = 0
    ...     for value in values:
    ...         total += value
    ...     return total
    >>> total(np.array([1, 2, 3]))
    6
    """

    def __init__(self, function: Callable[_Parameters, _Result]) -> None:
        self._function = function
        functools.update_wrapper(self, function)

    @functools.cached_property
    def _machine_code(self) -> Callable[_Parameters, _Result]:
        import numba

        try:
            compiled: Callable[_Parameters, _Result] = numba.njit(cache=True)(self._function)
        except RuntimeError:
            # There is no folder to write to: each process compiles for itself.
            compiled = numba.njit()(self._function)
        return compiled

    def __call__(self, *args: _Parameters.args, **kwargs: _Parameters.kwargs) -> _Result:
        """Call the machine code."""
        return self._machine_code(*args, **kwargs)
