"""Figures of the score report: the same whatever the batches and merges, and right."""

import json
import pickle
import zlib
from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.report_figures import Figures
from pipelines.report_sketch import BINS, Sketch, ValueCounts

WORDS = pa.field(
    "gopher.word_count",
    pa.int64(),
    metadata={b"unit": b"words", b"meaning": b"Words.", b"source": b"Gopher"},
)
SCORED = pa.schema(
    [
        ("id", pa.string()),
        ("source", pa.string()),
        ("url", pa.string()),
        ("date", pa.timestamp("us", "UTC")),
        ("text", pa.string()),
        ("metadata", pa.map_(pa.string(), pa.string())),
        WORDS,
        ("language.code", pa.string()),
        ("language.score", pa.float64()),
        ("length.tokens", pa.int64()),
        ("length.characters", pa.int64()),
        ("c4.lorem_ipsum", pa.bool_()),
        ("minhash.signature", pa.binary()),
    ]
)
CLUSTERS = pa.schema(
    [
        ("document", pa.string()),
        ("cluster", pa.int64()),
        ("size", pa.int32()),
        ("rank", pa.int32()),
        ("keep", pa.bool_()),
        ("reason", pa.string()),
    ]
)
RULES = [
    {"signal": "gopher.word_count", "min": 50, "max": 1000, "set": "gopher"},
    {"signal": "language.score", "min": 0.65, "set": "fineweb"},
]

Row = dict[str, Any]


def scored_row(name: str, **values: Any) -> Row:
    return {"id": name, "source": "a.warc.gz", "text": "Some text.", "size": 1, "keep": True} | {
        key.replace("__", "."): value for key, value in values.items()
    }


def add(figures: Figures, rows: Sequence[Row]) -> None:
    scored = pa.RecordBatch.from_pylist(
        [{name: row.get(name) for name in SCORED.names} for row in rows], schema=SCORED
    )
    clusters = pa.RecordBatch.from_pylist(
        [
            {"document": row["id"], "cluster": row.get("cluster", zlib.crc32(row["id"].encode()))}
            | {"size": row["size"], "rank": 0 if row["keep"] else 1}
            | {"keep": row["keep"], "reason": None if row["keep"] else "near_duplicate"}
            for row in rows
        ],
        schema=CLUSTERS,
    )
    figures.add(scored, clusters)


def report(rows: Sequence[Row], rules: Sequence[Row] = RULES) -> dict[str, Any]:
    figures = Figures()
    add(figures, rows)
    return figures.finish(rules)


def signal(figures: dict[str, Any], name: str) -> dict[str, Any]:
    found: dict[str, Any] = next(each for each in figures["signals"] if each["name"] == name)
    return found


counts = st.none() | st.integers(0, 10**6)
scores = st.none() | st.floats(allow_nan=True, allow_infinity=True)
row_values = st.fixed_dictionaries(
    {
        "source": st.sampled_from(["a.warc.gz", "b.warc.gz"]),
        "url": st.none() | st.text(max_size=5),
        "text": st.text(max_size=5),
        "gopher.word_count": counts,
        "language.code": st.none() | st.sampled_from(["en", "de"]),
        "language.score": scores,
        "length.tokens": counts,
        "length.characters": counts,
        "c4.lorem_ipsum": st.none() | st.booleans(),
        "size": st.integers(1, 2000),
        "keep": st.booleans(),
    }
)


def without_means(figures: dict[str, Any]) -> tuple[str, list[float]]:
    """The report but its means, and each mean as a share of the signal's greatest magnitude."""
    found = [(each, each.pop("mean", None)) for each in figures["signals"]]
    means = [
        mean / (max(abs(each["min"]), abs(each["max"])) or 1)
        for each, mean in found
        if mean is not None
    ]
    return json.dumps(figures, allow_nan=False), means


@settings(max_examples=60, deadline=None)
@given(st.lists(row_values, min_size=1, max_size=40), st.data())
def test_batches_merges_and_order_do_not_matter(values: list[Row], data: st.DataObject) -> None:
    rows = [{"id": f"document {place}"} | row for place, row in enumerate(values)]
    shuffled = data.draw(st.permutations(rows))
    cuts = sorted(data.draw(st.lists(st.integers(0, len(rows)), max_size=4)))
    parts = []
    for start, end in zip([0, *cuts], [*cuts, len(rows)], strict=True):
        part = Figures()
        if end > start or data.draw(st.booleans()):
            add(part, shuffled[start:end])
        parts.append(pickle.loads(pickle.dumps(part)))
    while len(parts) > 1:
        taken = parts.pop(data.draw(st.integers(0, len(parts) - 1)))
        parts[data.draw(st.integers(0, len(parts) - 1))].merge(taken)
    expected, expected_means = without_means(report(rows))
    found, means = without_means(parts[0].finish(RULES))
    assert found == expected
    # The sum of floats may round on its way.
    assert means == pytest.approx(expected_means, abs=1e-12)


finite = st.floats(-1e300, 1e300).filter(lambda value: value == 0 or abs(value) > 1e-300)


@settings(max_examples=100, deadline=None)
@given(st.lists(finite, min_size=1, max_size=200), st.floats(-1e300, 1e300))
def test_a_sketch_of_few_values_is_exact(values: list[float], threshold: float) -> None:
    array = np.array(values)
    tokens = np.arange(len(values))
    sketch = Sketch()
    sketch.add(array, tokens)
    for bound in (threshold, values[0]):
        below = sketch.below(np.array([bound]))
        assert below[0] == (array < bound).sum()
        assert below[1] == tokens[array < bound].sum()
        assert below[2] == 0
        assert sketch.below(np.array([bound]), including=True)[0] == (array <= bound).sum()
    shares = np.array([0.0, 0.25, 0.5, 1.0])
    assert (sketch.quantiles(shares) == np.quantile(array, shares, method="inverted_cdf")).all()
    for whole in (False, True):
        kept = np.rint(array) if whole else array
        drawn = Sketch()
        drawn.add(kept, tokens)
        histogram = drawn.histogram(integer=whole)
        parts = [histogram["below"], histogram["above"], histogram["zero"] or {"documents": 0}]
        counted = sum(histogram["documents"]) + sum(part["documents"] for part in parts)
        assert counted == len(values)
        assert np.isfinite(histogram["edges"]).all()
        assert (np.diff(histogram["edges"]) > 0).all()


def test_a_full_sketch_errs_by_no_more_than_it_says() -> None:
    generator = np.random.default_rng(1)
    values = np.concatenate([generator.lognormal(6, 1.3, 30_000), generator.beta(9, 1, 30_000)])
    tokens = generator.integers(1, 1000, len(values))
    forwards, backwards = Sketch(), Sketch()
    for start in range(0, len(values), 7000):
        forwards.add(values[start : start + 7000], tokens[start : start + 7000])
    for start in reversed(range(0, len(values), 11_000)):
        backwards.add(values[start : start + 11_000], tokens[start : start + 11_000])
    for name in ("low", "high", "documents", "tokens"):
        assert (getattr(forwards, name) == getattr(backwards, name)).all()
    assert BINS / 2 < len(forwards.low) <= BINS
    thresholds = np.quantile(values, np.linspace(0.0005, 0.9995, 50)) * 1.0001
    documents, counted_tokens, margins = forwards.below(thresholds)
    true_documents = (values[:, None] < thresholds).sum(axis=0)
    true_tokens = ((values[:, None] < thresholds) * tokens[:, None]).sum(axis=0)
    assert (np.abs(documents - true_documents) <= margins).all()
    assert (np.abs(counted_tokens - true_tokens) <= 1000 * margins).all()
    assert (margins <= 0.02 * len(values)).all()
    shares = np.linspace(0.01, 0.99, 99)
    quantiles = np.quantile(values, shares, method="inverted_cdf")
    assert forwards.quantiles(shares) == pytest.approx(
        quantiles, rel=2.0 ** (forwards.dropped_bits - 52)
    )


def test_whole_report() -> None:
    rows = [
        scored_row(
            "a", gopher__word_count=10, language__code="en", language__score=0.9, length__tokens=12
        ),
        scored_row("b", gopher__word_count=50, language__code="en", length__tokens=64)
        | {"size": 2, "cluster": 7},
        scored_row("c", gopher__word_count=50, language__score=0.5, length__tokens=64)
        | {"size": 2, "cluster": 7, "keep": False},
        scored_row("d", gopher__word_count=2000, length__tokens=0, length__characters=7),
    ]
    found = report(rows)
    words = signal(found, "gopher.word_count")
    assert found["totals"] == {"documents": 4, "characters": 7, "bytes": 40, "tokens": 140}
    assert [each["name"] for each in found["signals"]] == [
        "gopher.word_count",
        "language.code",
        "language.score",
        "length.tokens",
        "length.characters",
        "c4.lorem_ipsum",
    ]
    assert {key: words[key] for key in ("unit", "meaning", "source", "count", "nulls")} == {
        "unit": "words",
        "meaning": "Words.",
        "source": "Gopher",
        "count": 4,
        "nulls": 0,
    }
    assert [words[key] for key in ("min", "max", "mean")] == [10, 2000, 527.5]
    assert words["quantiles"]["p50"] == 50
    below_50 = words["curve"]["values"].index(50)
    assert words["curve"]["documents"][below_50] == 0.25
    assert words["curve"]["tokens"][below_50] == pytest.approx(12 / 140, abs=1e-6)
    code = signal(found, "language.code")
    assert code["values"] == [{"value": "en", "documents": 2, "characters": 0, "tokens": 76}]
    assert code["nulls"] == 2
    assert signal(found, "c4.lorem_ipsum")["histogram"] is None
    assert found["lengths"] == [
        {"from": 0, "to": 0, "documents": 1, "tokens": 0},
        {"from": 1, "to": 1, "documents": 0, "tokens": 0},
        {"from": 2, "to": 3, "documents": 0, "tokens": 0},
        {"from": 4, "to": 7, "documents": 0, "tokens": 0},
        {"from": 8, "to": 15, "documents": 1, "tokens": 12},
        {"from": 16, "to": 31, "documents": 0, "tokens": 0},
        {"from": 32, "to": 63, "documents": 0, "tokens": 0},
        {"from": 64, "to": 127, "documents": 2, "tokens": 128},
    ]
    assert found["duplicates"]["documents"] == 1
    assert found["duplicates"]["tokens"] == 64
    assert found["duplicates"]["bytes"] == 10
    assert found["duplicates"]["sizes"][1] == {
        "from": 2,
        "to": 2,
        "documents": 2,
        "tokens": 128,
        "removed_documents": 1,
        "removed_tokens": 64,
    }
    assert [value["value"] for value in found["duplicates"]["reasons"]["values"]] == [
        "near_duplicate"
    ]
    by_words, by_score = found["rules"]
    assert by_words["below"] == {"documents": 1, "tokens": 12}
    assert by_words["above"] == {"documents": 1, "tokens": 0}
    assert by_words["margin"] == 0
    assert by_score["below"] == {"documents": 1, "tokens": 64}
    assert found["sample"]["rows"] == 4
    assert [rule["removes"]["estimate"] for rule in found["estimate"]["rules"]] == [2, 1]
    assert found["estimate"]["kept"]["documents"] == {"estimate": 1.0, "error": 0.0}


def test_size_does_not_grow_with_documents(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipelines.report_sample.MOST_ROWS", 2000)
    generator = np.random.default_rng(0)
    figures, sizes = Figures(), []
    for part in range(3):
        values = generator.lognormal(6, 2, 20_000)
        add(
            figures,
            [
                scored_row(f"{part}/{place}", language__score=value, length__tokens=int(value))
                for place, value in enumerate(values)
            ],
        )
        sizes.append(len(pickle.dumps(figures)))
    assert sizes[2] < 1.1 * sizes[1]


def test_text_values_past_the_limit_are_put_together(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipelines.report_sketch.DISTINCT_VALUES", 4)
    values = ValueCounts(("documents", "characters", "tokens"))
    ones = np.ones(9, np.int64)
    names = pa.array(["a", "a", "a", "b", "b", "c", "d", "e", None])
    values.add(names, {"documents": ones, "characters": ones, "tokens": ones})
    assert values.top(1) == {
        "values": [{"value": "a", "documents": 3, "characters": 3, "tokens": 3}],
        "other": {"documents": 5, "characters": 5, "tokens": 5},
        "distinct": None,
    }


def test_the_axis_suits_the_values() -> None:
    generator = np.random.default_rng(0)
    long_tail = np.where(generator.random(5000) < 0.1, 0, generator.lognormal(6, 1.5, 5000))
    tokens = np.ones(5000, np.int64)
    scales = {}
    for name, values in {
        "count": np.rint(long_tail),
        "ratio": generator.beta(1, 30, 5000),
        "length": generator.normal(5, 1, 5000),
        "log odds": generator.normal(0, 3, 5000),
    }.items():
        sketch = Sketch()
        sketch.add(values, tokens)
        scales[name] = sketch.histogram(integer=name == "count")
    assert {name: histogram["scale"] for name, histogram in scales.items()} == {
        "count": "log",
        "ratio": "linear",
        "length": "linear",
        "log odds": "linear",
    }
    assert scales["count"]["zero"]["documents"] == (np.rint(long_tail) == 0).sum()
    assert scales["length"]["below"]["documents"] <= 10
    edges = np.array(scales["count"]["edges"])
    assert (edges == np.rint(edges)).all()


def test_no_documents() -> None:
    found = Figures().finish(RULES)
    assert found["totals"] == {"documents": 0, "characters": 0, "bytes": 0, "tokens": 0}
    assert (found["signals"], found["sample"], found["lengths"]) == ([], None, [])
    assert found["duplicates"] is None
    assert json.dumps(found, allow_nan=False)


def test_without_clusters_and_without_lengths() -> None:
    figures = Figures()
    figures.add(pa.RecordBatch.from_pylist([{"id": "a", "source": "s", "url": None, "text": "né"}]))
    found = figures.finish([])
    assert found["totals"] == {"documents": 1, "characters": 2, "bytes": 3, "tokens": 0}
    assert found["duplicates"] is None


@pytest.mark.parametrize(
    ("rule", "message"),
    [
        ({"signal": "gopher.word_cuont", "min": 1}, "did you mean gopher.word_count"),
        ({"signal": "language.code", "min": 1}, "no such numeric signal"),
    ],
)
def test_a_wrong_rule_is_refused(rule: Row, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        report([scored_row("a")], [rule])


def test_rows_of_other_documents_are_refused() -> None:
    scored = pa.RecordBatch.from_pylist([scored_row("a")], schema=SCORED)
    clusters = pa.RecordBatch.from_pylist([{"document": "b"}], schema=CLUSTERS)
    with pytest.raises(ValueError, match="thresher dedup"):
        Figures().add(scored, clusters)


def test_a_signal_that_changes_its_type_is_refused() -> None:
    figures = Figures()
    add(figures, [scored_row("a")])
    other = Figures()
    text = pa.RecordBatch.from_pylist(
        [{"id": "a", "source": "s", "url": "", "text": "", "gopher.word_count": "ten"}]
    )
    other.add(text)
    with pytest.raises(ValueError, match=r"gopher\.word_count has more than one type"):
        figures.merge(other)


def test_a_summary_that_is_stored_comes_back_whole() -> None:
    rows = [scored_row(str(n), gopher__word_count=n, language__score=n / 7) for n in range(50)]
    batch = pa.RecordBatch.from_pylist(rows, SCORED)
    figures = Figures()
    figures.add(batch)
    stored = json.loads(json.dumps(figures.as_json()))
    again = Figures.from_json(stored, figures.sample.table())
    assert again.as_json() == figures.as_json()
    assert again.finish([]) == figures.finish([])
    other = Figures()
    other.add(pa.RecordBatch.from_pylist([scored_row("more", gopher__word_count=7)], SCORED))
    again.merge(other)
    figures.merge(other)
    assert again.finish(RULES) == figures.finish(RULES)
