"""Lines of a document that nearly repeat an earlier one."""

from collections import Counter, defaultdict
from collections.abc import Sequence

from rapidfuzz import process
from rapidfuzz.distance import Indel

LEAST_SIMILARITY = 0.95
"""Levenshtein ratio from which a line is a near-duplicate (mOSCAR, arXiv 2406.08707)."""

# Two lines with a ratio of 0.95 that are not equal have 21 characters or more together.
_SHORTEST = 10
_LONGEST = 1_000
_END = 8
_COMPARED = 16


def near_duplicates(lines: Sequence[str]) -> list[int]:
    """Find the lines that are nearly, but not exactly, an earlier line that is kept.

    The similarity of two lines is their Levenshtein ratio: 1 - (insertions + deletions) / (sum of
    the lengths), where a replaced character is a deletion and an insertion.

    To compare each line with every other would be quadratic. A line is compared with the latest 16
    kept lines that begin with the same 8 characters, and the latest 16 that end with the same 8:
    what differs at both ends is missed, and what stands far back in a long row of lines that are
    alike at one end. Lines of more than 1,000 characters are not compared. So the work grows with
    the number of lines, and with the length of a line up to that bound.

    Args:
        lines: The lines in their order.

    Returns:
        The places of near-duplicates, ascending. A line that stood there before to the letter is
        none.

    >>> near_duplicates([f"It rained all day on Monday, {day} May." for day in (3, 4)])
    [1]
    """
    found = []
    first_places: dict[str, int] = {}
    for place, line in enumerate(lines):
        if _SHORTEST <= len(line) <= _LONGEST:
            first_places.setdefault(line, place)
    beginnings = Counter([line[:_END] for line in first_places])
    ends = Counter([line[-_END:] for line in first_places])
    if len(beginnings) == len(ends) == len(first_places):
        return []
    by_beginning: defaultdict[str, list[str]] = defaultdict(list)
    by_end: defaultdict[str, list[str]] = defaultdict(list)
    for line, place in first_places.items():
        beginning, end = line[:_END], line[-_END:]
        if beginnings[beginning] == 1 == ends[end]:
            continue
        begin_alike, end_alike = by_beginning[beginning], by_end[end]
        alike = begin_alike[-_COMPARED:] + end_alike[-_COMPARED:]
        if alike and process.extractOne(
            line, alike, scorer=Indel.normalized_similarity, score_cutoff=LEAST_SIMILARITY
        ):
            found.append(place)
        else:
            begin_alike.append(line)
            end_alike.append(line)
    return found
