"""The plot of thresholds: a panel a score, three lines in each, a mark at the chosen one."""

from xml.etree import ElementTree

import numpy as np

from models.harmful_evaluation import PAPER, SAME, Evaluated
from models.measures import AtThreshold, sweep
from pipelines.sweep_plot import draw_sweeps

SVG = "{http://www.w3.org/2000/svg}"


def evaluated(protocol: str, score: str, swept: list[AtThreshold]) -> Evaluated:
    return Evaluated(
        protocol=protocol,
        source="a<b",
        unit="sentence",
        score=score,
        auc=0.5,
        chosen=AtThreshold(
            threshold=0, precision=0, recall=0, f1=0, macro_f1=0, accuracy=0, flagged=0
        ),
        swept=tuple(swept),
    )


def test_a_panel_a_score() -> None:
    labels = np.array([False, False, True, True])
    swept = sweep(labels, np.array([0.1, 0.2, 0.3, 0.4]))
    results = [
        evaluated(protocol, score, swept) for protocol in (PAPER, SAME) for score in ("x", "y")
    ]
    root = ElementTree.fromstring(draw_sweeps([*results, evaluated(PAPER, "not swept", [])]))
    panels = root.findall(f"{SVG}g")
    assert [panel.get("transform") for panel in panels] == [
        *("translate(40 56)", "translate(280 56)", "translate(40 226)", "translate(280 226)"),
    ]
    told = [text.text for text in panels[0].findall(f"{SVG}text")]
    assert told[0] == "x: paper, a<b, sentence"
    assert told[-1] == "0.3"
    # Everything is flagged at the lowest threshold, the last positive alone at the highest.
    macro_f1, precision, recall = (
        line.get("points") for line in panels[0].findall(f"{SVG}polyline")
    )
    assert recall == "0.0,0.0 50.0,0.0 100.0,0.0 150.0,65.0"
    assert precision == "0.0,65.0 50.0,43.3 100.0,0.0 150.0,0.0"
    assert macro_f1 == "0.0,86.7 50.0,34.7 100.0,0.0 150.0,34.7"
    marks = panels[0].findall(f"{SVG}path")
    assert marks[1].get("d") == "M100.0 0V130"
