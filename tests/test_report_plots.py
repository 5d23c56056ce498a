"""The report's plots as files: each signal's histogram with its threshold, and the funnel."""

import json
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest
from matplotlib.patches import Rectangle

from pipelines.cli import main
from pipelines.report_figures import Figures
from pipelines.report_plots import draw_funnel, draw_histogram, write_plots
from pipelines.report_rows import funnel
from tests.test_report_figures import Row, add, scored_row, signal
from tests.test_report_page import figures_of, whole

SVG = "{http://www.w3.org/2000/svg}"


def texts(path: Path) -> list[str]:
    return ["".join(of.itertext()) for of in ElementTree.parse(path).iter(f"{SVG}text")]


def test_each_numeric_signal_and_the_funnel_in_both_forms(tmp_path: Path) -> None:
    report = whole(figures_of("text"))
    names = {"funnel", *(of["name"] for of in report["signals"] if of.get("histogram"))}
    paths = write_plots(report, str(tmp_path / "plots"))
    assert sorted(Path(path).name for path in paths) == sorted(
        f"{name}.{form}" for name in names for form in ("png", "svg")
    )
    for path in (tmp_path / "plots").glob("*.png"):
        assert path.read_bytes().startswith(b"\x89PNG")
    told = texts(tmp_path / "plots" / "gopher.word_count.svg")
    assert {"gopher.word_count (words)", "documents", "share below", "≥ 50", "≤ 1,000"} <= set(told)
    told = texts(tmp_path / "plots" / "funnel.svg")
    assert {"Read", "16", "Extracted", "6", "Kept by the rules"} <= set(told)


def test_the_same_report_gives_the_same_bytes(tmp_path: Path) -> None:
    report = whole(figures_of("text"))
    for folder in ("first", "again"):
        write_plots(report, str(tmp_path / folder))
    for path in (tmp_path / "first").iterdir():
        assert path.read_bytes() == (tmp_path / "again" / path.name).read_bytes()


def histogram_of(values: list[float], rule: Row) -> tuple[dict[str, Any], Any]:
    figures = Figures()
    add(figures, [scored_row(f"{n}", language__score=value) for n, value in enumerate(values)])
    described = signal(figures.finish([]), "language.score")
    whole_rule: Row = {"min": None, "max": None}
    return described, draw_histogram(described, whole_rule | rule)


def test_bars_are_the_histogram_and_lines_the_thresholds() -> None:
    values = np.random.default_rng(0).normal(5, 1, 500)
    described, drawn = histogram_of([*values.tolist()], {"min": 4.0, "max": 99.0})
    axes, below = drawn.axes
    heights = [bar.get_height() for bar in axes.containers[0]]
    assert heights == described["histogram"]["documents"]
    [line] = [of.get_xdata()[0] for of in axes.lines]
    assert line == 4.0
    # A bound beyond all documents has no line, and is told where it would be.
    assert [of.get_text() for of in axes.texts] == ["≥ 4", "≤ 99 →"]
    assert below.lines[0].get_ydata().tolist() == described["curve"]["documents"]


def test_a_long_tail_has_its_zeros_beside_it() -> None:
    values = np.random.default_rng(0).lognormal(6, 1.5, 500).tolist()
    described, drawn = histogram_of([*values, *[0.0] * 70], {})
    axes = drawn.axes[0]
    assert described["histogram"]["scale"] == "log"
    assert axes.get_xscale() == "symlog"
    assert [bar.get_height() for bar in axes.containers[1]] == [70]
    assert axes.get_xlim()[0] == 0


def test_a_dollar_begins_no_formula(tmp_path: Path) -> None:
    report = whole(figures_of("text"))
    signal(report, "gopher.word_count")["unit"] = "$\\frac{$"
    write_plots(report, str(tmp_path))
    assert "gopher.word_count ($\\frac{$)" in texts(tmp_path / "gopher.word_count.svg")


def test_an_estimate_has_its_error() -> None:
    steps = funnel(whole(figures_of("text")))
    steps[-1] = {**steps[-1], "documents": {"estimate": 12, "error": 3.2}}
    drawn = draw_funnel(steps)
    assert [of.get_text() for of in drawn.axes[0].texts][-1] == "12 ± 4"
    bars = [of for of in drawn.axes[0].patches if isinstance(of, Rectangle)]
    widths = [of.get_width() for of in bars]
    assert widths == [step["documents"]["estimate"] for step in steps]


def test_a_folder_that_can_not_be_written_is_told_before_any_work(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("")
    recipe = tmp_path / "recipe.yaml"
    content = {"name": "x", "input": [{"format": "jsonl", "paths": ["-"]}], "output": str(tmp_path)}
    recipe.write_text(json.dumps(content))
    assert main(["report", str(recipe), "--plots", str(tmp_path / "file" / "plots")]) == 2
    told = capsys.readouterr().err
    assert told.count("\n") == 1
    assert "(--plots): can't be written" in told
