"""How often pairs of documents meet by their bands, beside what the S-curve says.

    python -m benchmarks.dedup_curve BOOKS docs/s-curve.svg

Pairs are real text and an edited copy, their Jaccard similarity that of their 5-grams. One
signature a document serves all settings of bands.
"""

import argparse
from dataclasses import dataclass
from pathlib import Path
from random import Random

import numpy as np
import numpy.typing as npt

from benchmarks.edited_documents import EditedDocuments
from filters.minhash import MinHashSignature, band_hashes, exact_jaccard, shingle_hashes
from filters.text_view import TextView

_SETTINGS = {(14, 8): "#1f6feb", (9, 12): "#bf3989", (37, 3): "#1a7f37"}
_PAIRS = 300
_WORDS = 400
_WIDTH, _HEIGHT, _MARGIN = 640, 400, 48


@dataclass(frozen=True)
class Pairs:
    """Pairs of documents: the similarity of each, and the signatures of either side."""

    jaccard: npt.NDArray[np.float64]
    first: npt.NDArray[np.uint64]
    second: npt.NDArray[np.uint64]


def edited_pairs(words: list[str]) -> Pairs:
    """Make pairs over all similarities by replacing more and more words."""
    random = Random(1)  # noqa: S311
    family = MinHashSignature()
    jaccard, signatures = [], []
    for changed in (1, 2, 3, 5, 8, 12, 17, 23, 30, 40, 55, 75, 110, 150):
        for _ in range(_PAIRS):
            start = random.randrange(len(words) - _WORDS)
            text = words[start : start + _WORDS]
            copy = text.copy()
            for place in random.sample(range(_WORDS), changed):
                copy[place] = random.choice(words)
            hashes = [TextView(" ".join(side)).word_hashes for side in (text, copy)]
            sets = [np.unique(shingle_hashes(side, family.shingle)) for side in hashes]
            jaccard.append(exact_jaccard(*sets))
            signatures.append([family.signature(side) for side in hashes])
    both = np.array(signatures)
    return Pairs(jaccard=np.array(jaccard), first=both[:, 0], second=both[:, 1])


def met(pairs: Pairs, *, bands: int, rows: int) -> npt.NDArray[np.bool_]:
    """Tell which pairs share a band."""
    first, second = (
        band_hashes(side, bands=bands, rows=rows) for side in (pairs.first, pairs.second)
    )
    found: npt.NDArray[np.bool_] = (first == second).any(axis=1)
    return found


def curve(similarity: npt.NDArray[np.float64], *, bands: int, rows: int) -> npt.NDArray[np.float64]:
    """Return the probability that a pair shares a band."""
    found: npt.NDArray[np.float64] = 1 - (1 - similarity**rows) ** bands
    return found


def main() -> None:
    """Measure, draw, and print how far the observations are from the curves."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("books", type=Path)
    parser.add_argument("plot", type=Path)
    arguments = parser.parse_args()
    pairs = edited_pairs(EditedDocuments.of(arguments.books).words)
    drawn = []
    for place, ((bands, rows), color) in enumerate(_SETTINGS.items()):
        drawn.append(_legend(f"{bands} bands of {rows} rows", color, place))
        drawn.append(_curve(bands, rows, color))
        found = met(pairs, bands=bands, rows=rows)
        worst = 0.0
        for low in np.arange(0, 1, 0.05):
            inside = (pairs.jaccard >= low) & (pairs.jaccard < low + 0.05)
            if inside.sum() < 30:
                continue
            chances = curve(pairs.jaccard[inside], bands=bands, rows=rows)
            error = np.sqrt((chances * (1 - chances)).sum()) / inside.sum()
            share = found[inside].mean()
            worst = max(worst, abs(share - chances.mean()) / max(error, 1 / inside.sum()))
            drawn.append(_point(pairs.jaccard[inside].mean(), share, error, color))
        print(f"{bands} x {rows}: {len(found)} pairs, at most {worst:.1f} standard errors off")
    arguments.plot.write_text(_page("".join(drawn)), encoding="utf-8")


def _x(similarity: float) -> float:
    return round(_MARGIN + similarity * (_WIDTH - 2 * _MARGIN), 1)


def _y(share: float) -> float:
    return round(_HEIGHT - _MARGIN - share * (_HEIGHT - 2 * _MARGIN), 1)


def _curve(bands: int, rows: int, color: str) -> str:
    at = np.linspace(0, 1, 101)
    points = zip(at, curve(at, bands=bands, rows=rows), strict=True)
    path = " ".join(f"{_x(similarity)},{_y(share)}" for similarity, share in points)
    return f'<polyline points="{path}" fill="none" stroke="{color}" stroke-width="1.5"/>\n'


def _point(similarity: float, share: float, error: float, color: str) -> str:
    x = _x(similarity)
    low, high = _y(max(share - 2 * error, 0)), _y(min(share + 2 * error, 1))
    return (
        f'<line x1="{x}" x2="{x}" y1="{low}" y2="{high}" stroke="{color}"/>'
        f'<circle cx="{x}" cy="{_y(share)}" r="3" fill="{color}"/>\n'
    )


def _legend(text: str, color: str, place: int) -> str:
    y = _MARGIN + 18 * (place + 1)
    return f'<text x="{_MARGIN + 12}" y="{y}" fill="{color}">{text}</text>\n'


def _page(drawn: str) -> str:
    left, right, top, bottom = _x(0), _x(1), _y(1), _y(0)
    ticks = "".join(
        f'<text x="{_x(at)}" y="{bottom + 16}" text-anchor="middle">{at:g}</text>'
        f'<text x="{left - 6}" y="{_y(at) + 4}" text-anchor="end">{at:g}</text>\n'
        for at in (0, 0.2, 0.4, 0.6, 0.8, 1)
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}"'
        ' font-family="sans-serif" font-size="12">\n'
        f'<rect width="{_WIDTH}" height="{_HEIGHT}" fill="#fff"/>\n'
        f'<path d="M{left} {top}V{bottom}H{right}" fill="none" stroke="#555"/>\n{ticks}'
        f'<text x="{_x(0.5)}" y="{_HEIGHT - 10}" text-anchor="middle">Jaccard similarity of'
        " 5-grams</text>\n"
        f'<text x="{left}" y="{top - 12}">share of pairs that share a band (bars: two standard'
        f" errors; lines: 1 − (1 − sʳ)ᵇ)</text>\n{drawn}</svg>\n"
    )


if __name__ == "__main__":
    main()
