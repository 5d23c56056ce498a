"""A few rounds of what `make crash` does fifty of."""

import random
import resource
from pathlib import Path

import pytest

from reliability.commands import content, run
from reliability.crashes import (
    Bench,
    expect_one_line,
    kill_and_rerun,
    largest_file,
    two_at_once,
)
from tests import small_run


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Bench:
    prepared = Bench(tmp_path_factory.mktemp("crashes"), stages=("score", "select"))
    prepared.prepare(files=4, documents=10, seed=7)
    return prepared


@pytest.mark.parametrize("stage", ["score", "select"])
def test_a_stage_that_was_killed_ends_as_if_it_had_not_been(bench: Bench, stage: str) -> None:
    source = random.Random(stage)
    for _ in range(20):
        if kill_and_rerun(bench, stage, source=source, workers=1):
            break
    assert bench.figures[f"{stage}: kills survived"] >= 1


def test_a_file_that_can_not_grow_is_told_in_one_line(bench: Bench) -> None:
    largest_file(bench, "score", bytes_=4096)


def test_a_page_that_can_not_be_written_is_told_in_one_line(tmp_path: Path) -> None:
    output = small_run.run(tmp_path)
    before = content(output)
    # The page is larger than all that the stage writes before it.
    most = len(before["report.html"]) // 2
    ended = run(
        ["report", str(tmp_path / "recipe.yaml"), "--set", f"output={output}"],
        before=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (most, most)),
    )
    expect_one_line(ended, 1, "File too large", "report.html", "what is finished stays")
    assert content(output) == before


def test_a_second_run_is_refused_and_the_first_goes_on(bench: Bench) -> None:
    two_at_once(bench)


def test_the_comparison_sees_what_is_left_over_differs_or_is_missing(tmp_path: Path) -> None:
    blind = Bench(tmp_path, stages=("score",))
    blind.output.mkdir()
    (tmp_path / "after").mkdir()
    blind.states["score"] = tmp_path / "after"
    (blind.output / "left").write_text("over")
    with pytest.raises(AssertionError, match="left over"):
        blind.expect_state("score", "nothing")
    (tmp_path / "after/left").write_text("other")
    with pytest.raises(AssertionError, match="differing"):
        blind.expect_state("score", "nothing")
    (blind.output / "left").unlink()
    with pytest.raises(AssertionError, match="missing"):
        blind.expect_state("score", "nothing")
