"""The joint sample: bounded, the same however the documents come, and fair in every stratum."""

from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.dedup import EARLIER
from pipelines.report_sample import COUNTS, EXCERPT_CHARACTERS, MOST_VALUES, Sample
from pipelines.report_strata import BEST, SPREAD, STRATA, is_held, room, stratum_names
from pipelines.schema import CLUSTERS

Row = dict[str, Any]
TYPES = pa.schema(
    [
        pa.field("id", pa.string()),
        pa.field("source", pa.string()),
        pa.field("url", pa.string()),
        pa.field("text", pa.string()),
        pa.field("language.code", pa.string()),
        pa.field("length.tokens", pa.int64()),
        pa.field("quality.score", pa.float64()),
    ]
)


def documents(tokens: list[int], sizes: list[int]) -> list[Row]:
    """Documents without duplicates, and one cluster of each size; the first of it is the best."""
    rows: list[Row] = [
        {"id": f"alone {place}", "length.tokens": length, "cluster": place, "size": 1, "rank": 0}
        for place, length in enumerate(tokens)
    ]
    for cluster, size in enumerate(sizes):
        rows += [
            {"id": f"copy {cluster}/{rank}", "length.tokens": 10 * rank + 1, "cluster": -cluster}
            | {"size": size, "rank": rank}
            for rank in range(size)
        ]
    return [
        {"source": "s", "url": None, "text": "é" * 301, "quality.score": 0.5} | row for row in rows
    ]


def sampled(parts: list[list[Row]]) -> Sample:
    whole = Sample()
    for rows in parts:
        part = Sample()
        if rows:
            batch = pa.RecordBatch.from_pylist(rows, TYPES)
            clusters = pa.RecordBatch.from_pylist(
                [
                    row
                    | {"document": row["id"], "keep": row["rank"] == 0}
                    | {"reason": row.get("reason")}
                    for row in rows
                ],
                CLUSTERS,
            )
            tokens = batch["length.tokens"].to_numpy()
            part.add(batch, clusters, tokens=tokens, sizes_in_bytes=2 * tokens)
        whole.merge(part)
    return whole


def ids(sample: Sample) -> list[str]:
    table = sample.table()
    return [] if table is None else table["id"].to_pylist()


@settings(max_examples=50)
@given(
    st.lists(st.integers(0, 40_000), max_size=60),
    st.lists(st.integers(2, 24), max_size=8),
    st.data(),
)
def test_order_and_merges_do_not_matter(
    tokens: list[int], sizes: list[int], data: st.DataObject
) -> None:
    rows = documents(tokens, sizes)
    limit = data.draw(st.integers(10, 60))
    shuffled = data.draw(st.permutations(rows))
    cuts = sorted(data.draw(st.lists(st.integers(0, len(rows)), max_size=4)))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("pipelines.report_sample.MOST_ROWS", limit)
        expected = sampled([rows])
        parts = [
            shuffled[start:end] for start, end in zip([0, *cuts], [*cuts, len(rows)], strict=True)
        ]
        found = sampled(parts)
        assert ids(found) == ids(expected)
        assert (found.counts == expected.counts).all()
        assert len(ids(expected)) <= limit


def test_a_small_corpus_is_sampled_whole_but_for_the_rest_of_large_clusters() -> None:
    rows = documents([0, 63, 64, 5000], [2, 12, 40])
    found = sampled([rows])
    some = {0, 1, 2, 3, 4, 5, 6, 7, 10, 14, 18, 22, 26, 30, 34, 38}
    assert sorted(ids(found)) == sorted(
        row["id"] for row in rows if row["size"] < 40 or row["rank"] in some
    )
    told = dict(zip(stratum_names(), found.counts.tolist(), strict=True))
    columns = COUNTS.index("documents"), COUNTS.index("units"), COUNTS.index("tokens")
    assert {name: [of[at] for at in columns] for name, of in told.items() if of[0]} == {
        "0 – 63 tokens": [2, 2, 63],
        "64 – 255 tokens": [1, 1, 64],
        "4,096 – 16,383 tokens": [1, 1, 5000],
        "2 copies": [2, 1, 1],
        "11 copies and more": [52, 2, 2],
    }


@given(st.integers(1, 10**6))
def test_the_best_of_a_cluster_and_some_of_all_others_are_held(size: int) -> None:
    ranks = np.arange(size) if size < 2000 else np.unique(np.geomspace(1, size, 999).astype(int))
    held = ranks[is_held(ranks, np.full(len(ranks), size))]
    assert set(range(min(size, BEST))) <= set(held.tolist()) | set(range(BEST)) - set(ranks)
    if size < 2000:
        assert len(held) == min(size, BEST + SPREAD)
        middles = held[BEST:] - BEST + 0.5
        parts = np.floor(middles * SPREAD / max(size - BEST, 1))
        assert size <= BEST + SPREAD or parts.tolist() == list(range(SPREAD))


def test_a_cluster_is_held_whole_or_not_at_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipelines.report_sample.MOST_ROWS", 50)
    table = sampled([documents([100] * 100, [3] * 100)]).table()
    assert table is not None
    clusters = [name for name in table["id"].to_pylist() if name.startswith("copy")]
    names = {name.split("/")[0] for name in clusters}
    assert len(clusters) == 3 * len(names) > 0


def test_what_an_earlier_corpus_has_stands_for_itself() -> None:
    rows = [row | {"reason": EARLIER, "rank": row["rank"] + 1} for row in documents([], [3])]
    table = sampled([rows]).table()
    assert table is not None
    assert table["earlier"].to_pylist() == [True] * 3
    assert table["size"].to_pylist() == [1] * 3
    assert table["stratum"].to_pylist() == [0] * 3


def test_more_signals_leave_fewer_rows_and_texts_are_cut() -> None:
    names = [f"made.signal_{place}" for place in range(1000)]
    count = 2 * MOST_VALUES // len(names)
    columns: dict[str, Any] = {
        "id": [f"{place}" for place in range(count)],
        "source": ["s"] * count,
        "url": ["u" * 900] * count,
        "text": ["é" * 400] * count,
    } | dict.fromkeys(names, np.ones(count))
    sample = Sample()
    sample.add(
        pa.RecordBatch.from_pydict(columns),
        None,
        tokens=np.full(count, 100),
        sizes_in_bytes=np.full(count, 100),
    )
    table = sample.table()
    assert table is not None
    assert table.num_rows == MOST_VALUES // len(names)
    assert set(table["text"].to_pylist()) == {"é" * EXCERPT_CHARACTERS}
    assert len(table["url"][0].as_py()) == 200


def test_values_that_are_not_finite_are_null() -> None:
    rows = documents([5, 6, 7], [])
    for row, value in zip(rows, (float("nan"), float("inf"), None), strict=True):
        row["quality.score"] = value
    table = sampled([rows]).table()
    assert table is not None
    assert table["quality.score"].null_count == 3


@given(st.lists(st.integers(0, 10**9), min_size=STRATA, max_size=STRATA), st.integers(0, 10**5))
def test_room_is_within_the_limit_and_what_was_seen(seen: list[int], limit: int) -> None:
    shared = room(seen, limit)
    assert (shared <= np.array(seen)).all()
    assert (shared >= 0).all()
    assert min(sum(seen), limit) - STRATA <= shared.sum() <= limit


@given(
    st.lists(st.integers(0, 10**6), min_size=STRATA, max_size=STRATA), st.integers(0, STRATA - 1)
)
def test_more_rows_never_give_another_stratum_more_room(seen: list[int], where: int) -> None:
    more = [*seen]
    more[where] += 1000
    before, after = room(seen, 5000), room(more, 5000)
    # A stratum with room for all its rows may only lose by what others bring.
    assert all(
        later <= earlier
        for place, (earlier, later) in enumerate(zip(before, after, strict=True))
        if place != where
    )
