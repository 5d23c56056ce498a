import json
from pathlib import Path

import pytest

from benchmarks import work_count
from benchmarks.work_count import STEPS, above, counted_by, main


def test_only_what_is_more_than_a_twentieth_worse_is_told() -> None:
    counted = {"better": 50, "same": 100, "a little": 105, "worse": 106, "new": 7}
    baseline = dict.fromkeys(("better", "same", "a little", "worse", "gone"), 100)
    assert above(counted, baseline) == [
        "worse: 106 where the baseline has 100 (+6.0%)",
        "new: 7, and the baseline has nothing of it",
    ]


def test_the_baseline_has_every_step() -> None:
    stored = json.loads(Path("benchmarks/work_count.json").read_text())
    kinds = ("instructions", "bytes")
    assert list(stored["counts"]) == [f"{step}, {kind}" for step in STEPS for kind in kinds]


@pytest.fixture
def counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, int]:
    """What is counted of one step; the baseline has 100 of each."""
    counted = {"instructions": 100, "bytes": 100}
    monkeypatch.setattr(work_count, "STEPS", {"read": None})
    monkeypatch.setattr(work_count, "count_instructions", lambda _: counted["instructions"])
    monkeypatch.setattr(work_count, "count_allocated", lambda _: counted["bytes"])
    monkeypatch.setattr(work_count, "_BASELINE", tmp_path / "counts.json")
    content = {"read, instructions": 100, "read, bytes": 100}
    stored = {"counted_by": counted_by(), "counts": content}
    (tmp_path / "counts.json").write_text(json.dumps(stored))
    return counted


def run(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> None:
    monkeypatch.setattr("sys.argv", ["work_count", *arguments])
    main()


@pytest.mark.parametrize("kind", ["instructions", "bytes"])
def test_a_regression_fails_until_the_baseline_is_renewed(
    counts: dict[str, int], kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(monkeypatch)
    counts[kind] = 106
    with pytest.raises(SystemExit, match=rf"^read, {kind}: 106 where the baseline has 100") as end:
        run(monkeypatch)
    assert "make count-work COUNT_OPTIONS=--update" in str(end.value)
    run(monkeypatch, "--update")
    run(monkeypatch)


def test_counts_of_another_python_are_not_compared(
    counts: dict[str, int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stored = json.loads((tmp_path / "counts.json").read_text())
    stored["counted_by"] = "Python 2.7 on vax"
    (tmp_path / "counts.json").write_text(json.dumps(stored))
    with pytest.raises(
        SystemExit, match=r"counts\.json is of Python 2\.7 on vax, and this is Python"
    ):
        run(monkeypatch)
    run(monkeypatch, "--update")
    run(monkeypatch)
