from pathlib import Path

import pytest

from pipelines.plan import Shard
from pipelines.plan_text import plan_lines
from pipelines.recipe_file import load
from pipelines.storage import StoredFile

RECIPE = "name: small\ninput: [{format: jsonl, paths: [a.jsonl]}]\noutput: out/small\n"
SHARDS = [
    Shard(name="a", input=0, files=(StoredFile(path="a", size=1_500_000, modified=0.0),)),
    Shard(name="b", input=0, files=(StoredFile(path="b", size=500_000, modified=0.0),) * 2),
]


def lines(tmp_path: Path, *overrides: str) -> dict[str, str]:
    path = tmp_path / "recipe.yaml"
    path.write_text(RECIPE)
    told = plan_lines(load(str(path), overrides), SHARDS)
    return {name: rest.strip() for name, _, rest in (line.partition(":") for line in told)}


def test_the_plan_of_a_recipe_of_defaults(tmp_path: Path) -> None:
    told = lines(tmp_path)
    assert told.pop("score").startswith("resiliparse, ")
    assert told == {
        "recipe": "small, valid",
        "input": "3 files, 2.5 MB, in 2 shards",
        "edits": "none",
        "steps": "none",
        "dedup": "exact by text; MinHash, word 5-grams, 14 bands of 8 rows (half of the pairs at"
        " similarity 0.68); keeps the best by quality.score, length.tokens",
        "select": "0 rules, buckets of 256 to 65,536 tokens",
        "output": "out/small",
        "runner": "local",
    }


@pytest.mark.parametrize(
    ("override", "part", "expected"),
    [
        ("buckets.decompose={}", "select", "0 rules, sequences of 256 to 65,536 tokens"),
        ("buckets.chapter_windows={100: [90, 110]}", "select", "windows of chapters in 1 bands"),
        ("dedup=null", "dedup", "none"),
        (
            "dedup={near: false, exact: [url], scope: dump, prefer: [], against: [old/index]}",
            "dedup",
            "exact by url; each input by itself; against old/index; keeps the best by id",
        ),
        ("dedup={verify: exact, min_similarity: 0.8}", "dedup", "exact similarity 0.80 or more"),
        ("edits=[whitespace]", "edits", "whitespace"),
    ],
)
def test_what_a_recipe_asks_for_is_told(
    tmp_path: Path, override: str, part: str, expected: str
) -> None:
    assert expected in lines(tmp_path, override)[part]
