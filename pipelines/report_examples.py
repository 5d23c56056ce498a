"""Which sampled documents a report shows: some on either side of any threshold."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from pipelines.report_sample import signals_of

MOST_EXAMPLES = 2_000
"""Documents whose text the page holds."""

_NEAR_A_BOUND = 4
_RANKS = 15


def shown_rows(table: pa.Table, bounds: Sequence[Mapping[str, Any]]) -> npt.NDArray[np.int64]:
    """Return the rows of a sample that the page shows, ascending.

    Args:
        table: The sample.
        bounds: ``signal``, ``min`` and ``max`` of the rules and of the published thresholds: the
            documents nearest to them on both sides come first, then those at even ranks of every
            signal, then others by their hash, until there are ``MOST_EXAMPLES``.
    """
    wanted: list[npt.NDArray[np.int64]] = []
    ordered = {name: _ordered(table, name) for name in signals_of(table)}
    for bound in bounds:
        order, values = ordered.get(bound["signal"], (np.empty(0, np.int64), np.empty(0)))
        for side, value in (("left", bound["min"]), ("right", bound["max"])):
            if value is not None:
                place = int(np.searchsorted(values, np.float32(value), side=side))  # type: ignore[call-overload]
                wanted.append(order[max(0, place - _NEAR_A_BOUND) : place + _NEAR_A_BOUND])
    for order, _ in ordered.values():
        if len(order):
            wanted.append(order[np.linspace(0, len(order) - 1, _RANKS).astype(np.int64)])
    wanted.append(np.argsort(table["hash"].to_numpy(), kind="stable"))
    every = np.concatenate(wanted)
    first_places = np.unique(every, return_index=True)[1]
    rows: npt.NDArray[np.int64] = np.sort(every[np.sort(first_places)][:MOST_EXAMPLES])
    return rows


def _ordered(table: pa.Table, name: str) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float32]]:
    values = table[name].to_numpy().astype(np.float32)
    present = np.flatnonzero(~np.isnan(values))
    order = present[np.argsort(values[present], kind="stable")]
    return order, values[order]
