from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from pipelines.matching import Matching, deal, fixed_width
from pipelines.recipe import Dedup


@pytest.mark.parametrize(
    ("settings", "documents", "in_memory", "expected"),
    [
        ({}, 10_000, True, (16, 1, True)),
        ({}, 1_000_000, True, (16, 4, True)),
        ({}, 1_000_000, False, (16, 1, True)),
        ({}, 50_000_000, True, (46, 15, True)),
        ({}, 10**9, False, (937, 1, False)),
        ({}, 10**10, False, (9_375, 1, False)),
        ({"components": "one_process"}, 10**9, False, (937, 1, True)),
        ({"components": "rounds", "partitions": 3}, 10, False, (3, 1, False)),
        ({"permutations": 9_000, "bands": 450, "rows": 20}, 10**12, False, (65_536, 1, False)),
    ],
)
def test_the_size_of_the_corpus_decides_parts_and_passes(
    settings: dict[str, Any], documents: int, in_memory: bool, expected: tuple[int, int, bool]
) -> None:
    found = Matching.of(Dedup(**settings), documents=documents, in_memory=in_memory)
    assert (found.partitions, found.passes, found.in_one_process) == expected


@pytest.mark.parametrize("passes", [1, 4, 7, 15])
def test_passes_deal_each_key_once(passes: int) -> None:
    matching = Matching.of(Dedup(), documents=0)
    matching = Matching(
        **{name: getattr(matching, name) for name in matching.__slots__} | {"passes": passes}
    )
    exact: list[int] = []
    bands: list[int] = []
    for number in range(passes):
        of_exact, of_bands = matching.keys_of_pass(number)
        exact += range(1)[of_exact]
        bands += of_bands
    assert (exact, bands) == ([0], list(range(14)))


def test_a_threshold_gives_bands_and_the_least_similarity() -> None:
    assert Dedup(threshold=0.8).bands_and_rows() == (9, 12)
    assert Dedup(threshold=0.8, verify="exact").least_similarity() == 0.8
    assert Dedup(threshold=0.8, verify="exact", min_similarity=0.7).least_similarity() == 0.7
    # FineWeb says 0.72 of its 14 x 8.
    assert Dedup(verify="exact").least_similarity() == pytest.approx(0.72, abs=0.005)
    refined = Dedup(permutations=9_000, bands=450, rows=20)
    assert refined.bands_and_rows() == (450, 20)


def test_values_of_a_slice_with_missing_ones() -> None:
    column = pa.array([b"12345678", None, b"abcdefgh", b"ABCDEFGH"], pa.binary()).slice(1)
    present, values = fixed_width(column, 8)
    assert present.tolist() == [False, True, True]
    assert values.tobytes() == b"abcdefghABCDEFGH"
    with pytest.raises(pa.ArrowInvalid):
        fixed_width(column, 16)


def test_dealing_keeps_order_and_loses_nothing() -> None:
    assert [(key, at.tolist()) for key, at in deal(np.array([3, 1, 3, 1, 2]))] == [
        (1, [1, 3]),
        (2, [4]),
        (3, [0, 2]),
    ]
    assert list(deal(np.array([], dtype=np.int64))) == []
