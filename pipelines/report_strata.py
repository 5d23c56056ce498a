"""The strata of a report's sample: how documents are parted, and how many rows each part may hold.

Documents without duplicates are parted by length, because a few long ones hold most tokens and a
plain sample would err on them. Duplicates are sampled by whole clusters, because a cluster has one
place in the corpus: which of its members takes it depends on the rules.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

Integers = npt.NDArray[np.int64]

LENGTHS = (0, 64, 256, 1_024, 4_096, 16_384)
"""The least length in tokens in each stratum of documents without duplicates."""

SIZES = (2, 3, 11)
"""The least size of the cluster in each stratum of clusters."""

BEST = 8
"""The best members of a sampled cluster that the sample holds: they are the first for its place."""

SPREAD = 8
"""Further members that it holds, at even distances in the order of the others."""

STRATA = len(LENGTHS) + len(SIZES)

_WEIGHTS = (1, 2, 4, 4, 2, 2, 1, 1, 1)


def stratum_of(tokens: Integers, sizes: Integers) -> npt.NDArray[np.int8]:
    """Return the stratum of each document.

    Args:
        tokens: Its length.
        sizes: The size of its cluster, 1 for a document without duplicates.

    >>> stratum_of(np.array([63, 64, 9]), np.array([1, 1, 12])).tolist()
    [0, 1, 8]
    """
    alone = np.searchsorted(LENGTHS, tokens, side="right") - 1
    shared = len(LENGTHS) + np.searchsorted(SIZES, sizes, side="right") - 1
    return np.where(sizes > 1, shared, alone).astype(np.int8)


def is_held(rank: Integers, sizes: Integers) -> npt.NDArray[np.bool_]:
    """Tell which members of a sampled cluster the sample holds.

    The best alone would say that a cluster has no document that passes where a lesser one does,
    and that its many copies are as the best are.

    Args:
        rank: The place of each document in its cluster, from 0 for the best.
        sizes: The size of its cluster.

    >>> np.flatnonzero(is_held(np.arange(40), np.full(40, 40))).tolist()
    [0, 1, 2, 3, 4, 5, 6, 7, 10, 14, 18, 22, 26, 30, 34, 38]
    """
    others = np.maximum(sizes - BEST, 1)
    held = np.minimum(others, SPREAD)
    place = rank - BEST
    # Of each of so many equal parts of the others the middle one; `part` is the first whose middle
    # is not before this member.
    part = -((others - 2 * held * place) // (2 * others))
    middle = (2 * part + 1) * others // (2 * held)
    found: npt.NDArray[np.bool_] = (place < 0) | ((part < held) & (middle == place))
    return found


def stratum_names() -> list[str]:
    """Return what each stratum holds, for a person."""
    names = []
    for unit, least in (("tokens", LENGTHS), ("copies", SIZES)):
        for first, following in zip(least, [*least[1:], None], strict=True):
            if following is None:
                names.append(f"{first:,} {unit} and more")
            else:
                last = following - 1
                names.append(
                    f"{first:,} {unit}" if first == last else f"{first:,} – {last:,} {unit}"
                )
    return names


def room(seen: Sequence[int] | Integers, limit: int) -> Integers:
    """Share ``limit`` rows out over the strata.

    Strata get rows by fixed weights, the lengths of most documents more than the others; what a
    small one leaves goes to the rest. More rows seen never raise the room of a stratum, so a
    sample of parts of the documents holds all that a sample of all of them will.

    Args:
        seen: Rows of each stratum so far.
        limit: Rows of the whole sample.

    >>> room([10, 0, 100, 1000, 0, 0, 0, 0, 0], 90).tolist()
    [10, 0, 40, 40, 0, 0, 0, 0, 0]
    """
    rows = np.asarray(seen, np.int64)
    if rows.sum() <= limit:
        return rows
    weights = np.asarray(_WEIGHTS, np.float64)
    # Strata fill up in the order of rows a weight: below the level all rows, above it the level.
    filled = np.zeros(len(rows), np.bool_)
    for stratum in np.argsort(rows / weights, kind="stable"):
        level = (limit - rows[filled].sum()) / weights[~filled].sum()
        if rows[stratum] > level * weights[stratum]:
            break
        filled[stratum] = True
    level = (limit - rows[filled].sum()) / weights[~filled].sum()
    return np.where(filled, rows, np.floor(level * weights)).astype(np.int64)
