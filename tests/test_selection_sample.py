import math
import random
from collections import Counter
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from filters.bounds import Bounds
from filters.rules import Rule
from filters.selection_policies import AtLeast, Pareto
from pipelines.recipe import Buckets, Sample
from pipelines.selection_sample import Sampler
from tests.scored_corpus import Document, prose
from tests.test_select import corpus, rejected, selected

RULES = [Rule(signal="gopher.word_count", bounds=Bounds(min=50))]


def documents() -> list[Document]:
    """Documents with ties that pass, better copies of ten of them, and ten that fail the rule."""
    generator = random.Random(3)
    passing = [
        Document(name=f"d{n}", text=prose(n), quality=generator.randrange(36) / 40)
        for n in range(50)
    ]
    copies = [
        Document(name=f"copy{n}", text=f"{prose(n)} x", quality=0.9 + n / 1_000) for n in range(10)
    ]
    failing = [
        Document(name=f"short{n}", text=prose(100 + n), quality=1.0, words=3) for n in range(10)
    ]
    return [*passing, *copies, *failing]


def kept(output: Path) -> list[str]:
    return sorted(name for names in corpus(output).values() for name in names)


def sampled(
    output: Path, files: dict[str, list[Document]], *, rules: list[Rule] = RULES, **settings: Any
) -> list[Any]:
    sample = Sample.model_validate({"signal": "quality.score", **settings})
    return selected(output, files, rules=rules, sample=sample)


def standing() -> list[Document]:
    """Those that pass and stand for their clusters."""
    copied = {f"d{n}" for n in range(10)}
    of_all = [*documents(), *RARE]
    return [d for d in of_all if d.words >= 50 and d.name not in copied]


# A quality that many share is one place in the ranking; these have one that nobody shares.
RARE = [Document(name=f"rare{n}", text=prose(200 + n), quality=0.5 + n / 7_000) for n in range(5)]


@pytest.mark.parametrize(("share", "files"), [(0.05, 1), (0.3, 4), (1.0, 2)])
def test_a_top_share_is_that_of_a_sort_over_what_stands_for_its_cluster_and_passes(
    tmp_path: Path, share: float, files: int
) -> None:
    of_all = [*documents(), *RARE]
    random.Random(files).shuffle(of_all)
    dealt = {f"part{number}": of_all[number::files] for number in range(files)}
    records = sampled(tmp_path, dealt, policy="top_share", share=share)
    qualities = sorted((d.quality or 0.0 for d in standing()), reverse=True)
    least = qualities[math.ceil(share * len(qualities)) - 1]
    expected = sorted(d.name for d in standing() if (d.quality or 0.0) >= least)
    assert kept(tmp_path) == expected
    left_out = {d.name for d in standing()} - set(expected)
    reasons = rejected(tmp_path)
    assert {name for name, why in reasons.items() if why == ["quality.score.top_share"]} == left_out
    gated: Counter[str] = sum((record.counters.gated for record in records), Counter())
    assert gated == +Counter(
        {"rules": 10, "near_duplicate": 10, "quality.score.top_share": len(left_out)}
    )
    assert all(record.counters.balanced for record in records)
    assert {record.figures["sample"]["least"] for record in records} == {least}


@pytest.mark.parametrize(
    "settings",
    [
        {"policy": "pareto", "alpha": 2, "seed": 5},
        {"policy": "proportional", "seed": 5},
        {"policy": "proportional", "share": 0.2, "seed": 5},
    ],
    ids=["pareto", "proportional", "share"],
)
def test_a_draw_is_the_same_however_documents_are_filed_and_no_copy_draws_twice(
    tmp_path: Path, settings: dict[str, Any]
) -> None:
    of_all = documents()
    results = []
    for files in (1, 3):
        output = tmp_path / str(files)
        dealt = {f"part{number}": of_all[number::files] for number in range(files)}
        sampled(output, dealt, **settings)
        results.append(kept(output))
        reasons = rejected(output)
        # What the sample leaves out stands for its cluster: the copies of it stay duplicates.
        copies = {
            name: why for name, why in reasons.items() if name in {f"d{n}" for n in range(10)}
        }
        assert copies == {f"d{n}": ["near_duplicate"] for n in range(10)}
    assert results[0] == results[1]
    other = tmp_path / "other seed"
    sampled(other, {"one": of_all}, **{**settings, "seed": 6})
    assert 0 < len(results[0]) < 50
    assert kept(other) != results[0]


def test_a_missing_score_is_kept_or_left_out_as_the_recipe_says(tmp_path: Path) -> None:
    files = {
        "one": [
            Document(name="no score", text=prose(1), quality=None),
            Document(name="good", text=prose(2), quality=0.9),
            Document(name="bad", text=prose(3), quality=0.1),
        ]
    }
    for keep_null, expected in ((True, ["good", "no score"]), (False, ["good"])):
        output = tmp_path / str(keep_null)
        # A missing score is no part of what the share is of.
        sampled(output, files, policy="top_share", share=0.5, keep_null=keep_null)
        assert kept(output) == expected


def test_a_corpus_without_scores_has_a_share_too(tmp_path: Path) -> None:
    files = {"one": [Document(name="a", text=prose(1), quality=None)], "none": []}
    sampled(tmp_path, files, policy="top_share", share=0.5)
    assert kept(tmp_path) == ["a"]


def test_a_global_shuffle_deals_what_the_sample_keeps(tmp_path: Path) -> None:
    files = {"one": documents()}
    plain, shuffled = tmp_path / "plain", tmp_path / "shuffled"
    sample = Sample(signal="quality.score", policy="top_share", share=0.2)
    selected(plain, files, rules=RULES, sample=sample)
    buckets = Buckets(smallest=256, largest=1024, shuffle_seed=1)
    selected(shuffled, files, rules=RULES, sample=sample, buckets=buckets)
    assert kept(shuffled) == kept(plain)
    assert len(kept(plain)) < 50


def test_the_manifest_tells_the_policy_of_this_corpus() -> None:
    sample = Sample(signal="a.b", policy="pareto", seed=3)
    assert Sampler(sample=sample, policy=Pareto(alpha=9.0)).as_json() == {
        "signal": "a.b",
        "policy": "pareto",
        "alpha": 9.0,
        "seed": 3,
        "keep_null": True,
    }


def test_a_whole_number_is_a_score_too() -> None:
    sampler = Sampler(
        sample=Sample(signal="n", policy="top_share", share=0.5), policy=AtLeast(least=2.0)
    )
    batch = pa.RecordBatch.from_pydict(
        {"id": ["a", "b", "c"], "n": pa.array([1, 2, None], pa.int64())}
    )
    assert sampler.keeps(batch).tolist() == [False, True, True]
