"""The numbers of tokens, found by their code points."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from filters.characters import code_points
from filters.compiled import Compiled
from filters.growing_array import GrowingArray

LONGEST_FOUND = 40
"""Tokens of more code points are not found again: what is long seldom comes again."""

_FIRST_SLOTS = 1 << 16
# FNV-1a, with whole code points for its bytes.
_HASH_START = np.uint64(0xCBF29CE484222325)
_HASH_FACTOR = np.uint64(0x100000001B3)


class TokenTable:
    """Numbers for tokens: a dictionary to look into which no string need be made.

    It is a hash table with open addressing, at most half full. Code points are compared, so that
    tokens with equal hashes are kept apart.

    Attributes:
        found_count: How many of its tokens are found again.

    >>> table = TokenTable()
    >>> table.add(["to", "be"])
    >>> table.find(code_points("be to do"), np.array([0, 3, 6]), np.array([2, 5, 8])).tolist()
    [1, 0, -1]
    """

    def __init__(self) -> None:
        # Of each token that is found, the code points; and where they end among those of all.
        self._codes = GrowingArray(np.uint32)
        self._bounds = GrowingArray(np.int64)
        self._bounds.extend([0])
        self.found_count = 0
        # A slot holds 31 bits of a token's hash and its number, or -1.
        self._slots = np.full(_FIRST_SLOTS, -1, np.int64)

    def __len__(self) -> int:
        return self._bounds.size - 1

    def find(
        self,
        codes: npt.NDArray[np.uint32],
        starts: npt.NDArray[np.int64],
        ends: npt.NDArray[np.int64],
    ) -> npt.NDArray[np.int64]:
        """Return the number of each token of a text, or -1.

        Args:
            codes: The text's code points.
            starts: Where each token begins.
            ends: Where each token ends.
        """
        return _find(codes, starts, ends, self._slots, self._codes.values, self._bounds.values)

    def add(self, tokens: Sequence[str]) -> None:
        """Give tokens that are not there yet the next numbers, in their order."""
        first = len(self)
        found = [token if len(token) <= LONGEST_FOUND else "" for token in tokens]
        self.found_count += len(found) - found.count("")
        self._codes.extend(code_points("".join(found)))
        lengths = np.fromiter(map(len, found), np.int64, count=len(found))
        self._bounds.extend(lengths.cumsum() + self._bounds.values[first])
        if 2 * self.found_count > self._slots.size:
            self._slots = np.full(1 << (2 * self.found_count).bit_length(), -1, np.int64)
            first = 0
        _insert(self._slots, self._codes.values, self._bounds.values, first, len(self))


@Compiled
def _find(
    codes: npt.NDArray[np.uint32],
    starts: npt.NDArray[np.int64],
    ends: npt.NDArray[np.int64],
    slots: npt.NDArray[np.int64],
    known_codes: npt.NDArray[np.uint32],
    bounds: npt.NDArray[np.int64],
) -> npt.NDArray[np.int64]:
    # In steps over all tokens, each of which waits for memory many times at once: in one loop the
    # processor would wait for each token by itself.
    count = starts.size
    hashes = np.empty(count, np.uint64)
    for place in range(count):
        mixed = _HASH_START
        if ends[place] - starts[place] <= LONGEST_FOUND:
            for code in codes[starts[place] : ends[place]]:
                mixed = (mixed ^ np.uint64(code)) * _HASH_FACTOR
        hashes[place] = mixed
    last_slot = np.uint64(slots.size - 1)
    entries = np.empty(count, np.int64)
    for place in range(count):
        mixed = hashes[place]
        entries[place] = slots[np.int64((mixed ^ (mixed >> np.uint64(29))) & last_slot)]
    known_starts = np.empty(count, np.int64)
    for place in range(count):
        known_starts[place] = bounds[max(entries[place], 0) & 0xFFFFFFFF]
    numbers = np.empty(count, np.int64)
    for place in range(count):
        start, length = starts[place], ends[place] - starts[place]
        mixed, entry = hashes[place], entries[place]
        tag = np.int64(mixed >> np.uint64(33))
        slot = np.int64((mixed ^ (mixed >> np.uint64(29))) & last_slot)
        known = known_starts[place]
        numbers[place] = -1
        while entry >= 0 and length <= LONGEST_FOUND:
            number = entry & 0xFFFFFFFF
            if entry >> 32 == tag and bounds[number + 1] - known == length:
                same = 0
                while same < length and known_codes[known + same] == codes[start + same]:
                    same += 1
                if same == length:
                    numbers[place] = number
                    break
            slot = (slot + 1) & np.int64(last_slot)
            entry = slots[slot]
            known = bounds[max(entry, 0) & 0xFFFFFFFF]
    return numbers


@Compiled
def _insert(
    slots: npt.NDArray[np.int64],
    known_codes: npt.NDArray[np.uint32],
    bounds: npt.NDArray[np.int64],
    first: int,
    end: int,
) -> None:
    for number in range(first, end):
        if bounds[number] == bounds[number + 1]:
            continue
        mixed = _HASH_START
        for code in known_codes[bounds[number] : bounds[number + 1]]:
            mixed = (mixed ^ np.uint64(code)) * _HASH_FACTOR
        slot = np.int64((mixed ^ (mixed >> np.uint64(29))) & np.uint64(slots.size - 1))
        while slots[slot] >= 0:
            slot = (slot + 1) & (slots.size - 1)
        slots[slot] = (np.int64(mixed >> np.uint64(33)) << 32) | number
