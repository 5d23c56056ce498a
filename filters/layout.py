"""Where the lines and tokens of a text stand, and what kinds of characters are in each line."""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from filters.characters import WHITE_SPACE
from filters.compiled import Compiled

_Integers = npt.NDArray[np.int64]

_NEWLINE = ord("\n")
_SPACE = int(WHITE_SPACE)
# Each flag of a class is spread to a byte of its own, so that one addition counts all eight.
_SPREAD = np.array(
    [sum((flags >> bit & 1) << 8 * bit for bit in range(8)) for flags in range(256)], np.uint64
)
_MOST_IN_A_BYTE = 255


class Layout(NamedTuple):
    """The lines of a text that are not blank, stripped, and its tokens.

    A *token* is what stands between white space.

    Attributes:
        lengths: Code points in each line.
        token_counts: Tokens in each line.
        class_counts: For each of the eight classes of :mod:`filters.characters`, from the lowest
            flag to the highest, how many characters of each line are of it.
        most_frequent: How often the most frequent character of ASCII stands in each line.
        beyond_ascii: How many characters of each line are beyond ASCII, or its last one.
        ascii_counts: How often each character of ASCII stands in all lines; the last place has
            the sum of ``beyond_ascii``.
        token_starts: Where each token begins in the text.
        token_ends: Where each token ends.
    """

    lengths: _Integers
    token_counts: _Integers
    class_counts: _Integers
    most_frequent: _Integers
    beyond_ascii: _Integers
    ascii_counts: _Integers
    token_starts: _Integers
    token_ends: _Integers


def layout(codes: npt.NDArray[np.uint32], classes: npt.NDArray[np.uint8]) -> Layout:
    r"""Lay out a text.

    Args:
        codes: The text's code points.
        classes: The flags of each code point there is.

    >>> from filters.characters import class_table, code_points
    >>> found = layout(code_points("One, two\n \n  three\n"), class_table())
    >>> found.lengths.tolist(), found.token_counts.tolist(), found.token_starts.tolist()
    ([8, 5], [2, 1], [0, 5, 13])
    """
    return Layout(*_layout(codes, classes, _SPREAD))


@Compiled
def _layout(
    codes: npt.NDArray[np.uint32],
    classes: npt.NDArray[np.uint8],
    spread: npt.NDArray[np.uint64],
) -> tuple[_Integers, ...]:
    size = codes.size
    most_lines = 1
    for code in codes:
        most_lines += code == _NEWLINE
    lengths = np.zeros(most_lines, np.int64)
    token_counts = np.zeros(most_lines, np.int64)
    class_counts = np.zeros((8, most_lines), np.int64)
    most_frequent = np.zeros(most_lines, np.int64)
    beyond_ascii = np.zeros(most_lines, np.int64)
    ascii_counts = np.zeros(128, np.int64)
    of_line = np.zeros(128, np.int64)
    token_starts = np.empty(size // 2 + 1, np.int64)
    token_ends = np.empty(size // 2 + 1, np.int64)
    line = token = place = 0
    while place <= size:
        if place == size or codes[place] == _NEWLINE:
            if token_counts[line]:
                beyond_ascii[line] = of_line[127]
                ascii_counts += of_line
                of_line[:] = 0
                line += 1
            place += 1
            continue
        if classes[codes[place]] & _SPACE:
            place += 1
            continue
        start = place
        while place < size and not classes[codes[place]] & _SPACE:
            place += 1
        # White space counts where a token follows it in the line.
        counted = token_ends[token - 1] if token_counts[line] else start
        lengths[line] += place - counted
        most = most_frequent[line]
        while counted < place:
            end = min(place, counted + _MOST_IN_A_BYTE)
            flags = np.uint64(0)
            for code in codes[counted:end]:
                flags += spread[classes[code]]
                column = min(code, np.uint32(127))
                of_line[column] += 1
                if column != 127 and of_line[column] > most:
                    most = of_line[column]
            for bit in range(8):
                class_counts[bit, line] += np.int64((flags >> np.uint64(8 * bit)) & np.uint64(255))
            counted = end
        most_frequent[line] = most
        token_counts[line] += 1
        token_starts[token] = start
        token_ends[token] = place
        token += 1
    return (
        lengths[:line],
        token_counts[:line],
        class_counts[:, :line],
        most_frequent[:line],
        beyond_ascii[:line],
        ascii_counts,
        token_starts[:token],
        token_ends[:token],
    )
