"""What the report says of real archives by a small sample is what `select` then does."""

import json
from pathlib import Path

import pytest

from pipelines.cli import main

ROWS = 120
RULES = {
    "Gopher's quality": {"use": ["gopher_quality"]},
    "C4": {"use": ["c4"]},
    "all of FineWeb's": {"use": ["gopher_repetition", "gopher_quality", "c4", "fineweb"]},
    "many words": {"gopher.word_count": {"min": 300}},
    "very many words": {"gopher.word_count": {"min": 1500}},
    "few signs": {"gopher.alphabetic_word_ratio": {"max": 0.85}},
}


@pytest.mark.real_data
def test_select_keeps_what_a_small_sample_said(
    real_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pipelines.report_sample.MOST_ROWS", ROWS)
    recipe = tmp_path / "recipe.yaml"
    folders = ("built_from_gold_html", "chatnoir_copycat_commoncrawl")
    paths = [f"{real_data}/warc/{folder}/**.warc.gz" for folder in folders]
    content = {
        "name": "real",
        "input": [{"format": "warc", "paths": paths}],
        "output": str(tmp_path / "out"),
        "signals": ["gopher_quality", "gopher_repetition", "c4", "fineweb"],
    }
    recipe.write_text(json.dumps(content))
    for stage in ("score", "dedup"):
        assert main([stage, str(recipe), "--workers", "1"]) == 0
    within = {}
    for name, rules in RULES.items():
        thresholds = tmp_path / "thresholds.yaml"
        thresholds.write_text(json.dumps({"rules": rules}))
        words = [str(recipe), "--workers", "1", "--thresholds", str(thresholds)]
        assert main(["report", *words]) == 0
        report = json.loads((tmp_path / "out" / "report.json").read_text())
        assert main(["select", *words]) == 0
        selected = json.loads((tmp_path / "out" / "manifests" / "select.json").read_text())
        assert report["sample"]["rows"] <= ROWS < report["totals"]["documents"] / 3
        told = report["estimate"]["kept"]
        truths = {
            "documents": selected["counters"]["out"],
            "tokens": sum(selected["figures"]["bucket_tokens"].values()),
        }
        for of, true in truths.items():
            assert told[of]["error"] > 0
            within[name, of] = abs(told[of]["estimate"] - true) <= told[of]["error"]
    # At 95 % one of the twelve may be outside.
    assert sum(within.values()) >= len(within) - 1, within
