"""A plot of what each threshold of a score gets right, as SVG."""

from collections.abc import Iterator, Sequence
from html import escape
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from models.harmful_evaluation import Evaluated

_WIDTH, _HEIGHT = 200, 130
_LEFT, _TOP, _GAP = 40, 56, 40
_LINES = {"macro_f1": "#1f6feb", "precision": "#bf3989", "recall": "#1a7f37"}
_NAMES = {"macro_f1": "macro-F1", "precision": "precision of harm", "recall": "recall of harm"}


def draw_sweeps(results: "Sequence[Evaluated]") -> str:
    """Return a page with a panel for each swept score, a row for each protocol, source and unit.

    Each panel has the share of the validation texts below the candidate threshold from left to
    right, and macro-F1, precision and recall of the harmful class from 0 to 1. A vertical line
    stands at the threshold with the highest macro-F1, with its value.
    """
    swept = [result for result in results if result.swept]
    rows = list(dict.fromkeys(_row(result) for result in swept))
    columns = list(dict.fromkeys(result.score for result in swept))
    drawn = list(_legend())
    for result in swept:
        x = _LEFT + columns.index(result.score) * (_WIDTH + _GAP)
        y = _TOP + rows.index(_row(result)) * (_HEIGHT + _GAP)
        panel = "".join(_panel(result))
        drawn.append(f'<g transform="translate({x} {y})">{panel}</g>\n')
    width = _LEFT + len(columns) * (_WIDTH + _GAP)
    height = _TOP + len(rows) * (_HEIGHT + _GAP)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}"'
        ' font-family="sans-serif" font-size="10">\n'
        f'<rect width="{width}" height="{height}" fill="#fff"/>\n{"".join(drawn)}</svg>\n'
    )


def _row(result: "Evaluated") -> tuple[str, str, str]:
    return result.protocol.partition(":")[0], result.source, result.unit


def _legend() -> Iterator[str]:
    for place, (name, color) in enumerate(_LINES.items()):
        x = _LEFT + place * 120
        yield f'<text x="{x}" y="16" fill="{color}">{_NAMES[name]}</text>\n'
    yield (
        f'<text x="{_LEFT}" y="30">of 100 thresholds, by the share of the validation texts'
        " below</text>\n"
    )


def _panel(result: "Evaluated") -> Iterator[str]:
    # It brings SciPy, which no other command needs.
    from models.measures import best

    protocol, source, unit = _row(result)
    title = escape(f"{result.score}: {protocol}, {source}, {unit}")
    yield f'<text x="0" y="-6">{title}</text>'
    yield f'<path d="M0 0V{_HEIGHT}H{_WIDTH}" fill="none" stroke="#555"/>'
    for share in (0.0, 0.5, 1.0):
        yield f'<text x="-4" y="{_y(share) + 3}" text-anchor="end">{share:g}</text>'
        yield f'<text x="{_x(share)}" y="{_HEIGHT + 12}" text-anchor="middle">{share:g}</text>'
    chosen = best(result.swept)
    x = _x(1 - chosen.flagged)
    yield f'<path d="M{x} 0V{_HEIGHT}" stroke="#999" stroke-dasharray="3 2"/>'
    yield f'<text x="{x}" y="{_HEIGHT - 4}" fill="#555">{chosen.threshold:.3g}</text>'
    for name, color in _LINES.items():
        points = " ".join(f"{_x(1 - at.flagged)},{_y(getattr(at, name))}" for at in result.swept)
        yield f'<polyline points="{points}" fill="none" stroke="{color}"/>'


def _x(share: float) -> float:
    return round(share * _WIDTH, 1)


def _y(share: float) -> float:
    return round((1 - share) * _HEIGHT, 1)
