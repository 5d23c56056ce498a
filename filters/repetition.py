"""Words in a row that stand in a text more than once."""

import numpy as np
import numpy.typing as npt

from filters.compiled import Compiled


@Compiled
def repeated_ngrams(
    word_ids: npt.NDArray[np.int64],
    vocabulary_size: int,
    word_ends: npt.NDArray[np.int64],
    longest: int,
) -> npt.NDArray[np.int64]:
    """Measure the most frequent n-gram and the duplicates among n-grams, for each n.

    n words in a row can only be repeated where the first n - 1 of them are, so that each round
    looks only at what the round before left over. Ids are compared, not hashes: nothing collides,
    and the products stay in 64 bits up to 3 billion words.

    Args:
        word_ids: For each word which one it is, from 0.
        vocabulary_size: How many ids there are.
        word_ends: Characters before each word, and in all of them, in one sum.
        longest: The largest n, 2 or more.

    Returns:
        For each n from 0 to ``longest`` a row of three: the place of the first word of the most
        frequent n-gram, how often it occurs (in the whole text, occurrences may overlap), and the
        characters in n-grams that were read before, where reading goes on after each of them. With
        equal counts the most frequent n-gram is the first one. Below 2, and where no n words in a
        row come again, a row is 0, 1, 0.
    """
    measured = np.zeros((longest + 1, 3), np.int64)
    measured[:, 1] = 1
    starts = np.arange(word_ids.size)
    ids = word_ids.copy()
    size = word_ids.size
    # Open addressing in a table that is at most half full.
    slots = 16
    while slots < 2 * size:
        slots *= 2
    keys = np.empty(slots, np.int64)
    ids_of_slots = np.empty(slots, np.int64)
    counts = np.empty(size, np.int64)
    first_places = np.empty(size, np.int64)
    is_met = np.empty(size, np.bool_)
    for n in range(2, longest + 1):
        while size and starts[size - 1] + n > word_ids.size:
            size -= 1
        while slots > 16 and slots >= 4 * size:
            slots //= 2
        keys[:slots] = -1
        distinct = 0
        for place in range(size):
            key = ids[place] * vocabulary_size + word_ids[starts[place] + n - 1]
            mixed = np.uint64(key) * np.uint64(0x9E3779B97F4A7C15)
            slot = np.int64((mixed >> np.uint64(32)) & np.uint64(slots - 1))
            while keys[slot] != key and keys[slot] != -1:
                slot = (slot + 1) & (slots - 1)
            if keys[slot] == -1:
                keys[slot] = key
                ids_of_slots[slot] = distinct
                counts[distinct] = 0
                first_places[distinct] = starts[place]
                is_met[distinct] = False
                distinct += 1
            ids[place] = ids_of_slots[slot]
            counts[ids[place]] += 1
        top = 0
        for identity in range(distinct):
            if counts[identity] > counts[top]:
                top = identity
        if not distinct or counts[top] == 1:
            break
        measured[n, 0] = first_places[top]
        measured[n, 1] = counts[top]
        read_to = 0
        kept = 0
        for place in range(size):
            start, identity = starts[place], ids[place]
            if counts[identity] == 1:
                continue
            starts[kept] = start
            ids[kept] = identity
            kept += 1
            if start >= read_to:
                if is_met[identity]:
                    measured[n, 2] += word_ends[start + n] - word_ends[start]
                    read_to = start + n
                else:
                    is_met[identity] = True
        size = kept
    return measured
