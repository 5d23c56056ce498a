"""Layouts of documents in training sequences: the packings of the field beside decomposition.

Only lengths are needed, so whole corpora are compared in seconds.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from filters.decomposition import Decomposition

Integers = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """Which tokens of which document lie in which sequence.

    Attributes:
        sizes: How many tokens each sequence has, padding included.
        sequence: For each stretch of tokens the sequence it lies in.
        document: For each stretch the document it is from, an index into the lengths.
        start: For each stretch where it begins in its document.
        length: For each stretch how many tokens it has.
    """

    sizes: Integers
    sequence: Integers
    document: Integers
    start: Integers
    length: Integers


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """What a layout makes of a corpus.

    Attributes:
        sequences: How many there are.
        tokens: Tokens of documents in them.
        kept: Share of the corpus's tokens that are in a sequence.
        padding: Share of the sequences' places that hold no token.
        mixed: Share of the sequences that have tokens of two documents or more.
        truncated: Share of the documents that do not lie whole in one sequence, of those that
            have a token in any.
        context: Mean number of tokens that a token sees before it, of its own document or not.
        own_context: Mean number of those that are of its own document.
        attention: Pairs of positions that causal attention compares, padding included: what its
            FLOPs are proportional to.
    """

    sequences: int
    tokens: int
    kept: float
    padding: float
    mixed: float
    truncated: float
    context: float
    own_context: float
    attention: int


def concatenate_and_chunk(lengths: Sequence[int] | Integers, *, context: int) -> Layout:
    """Write all documents one after another and cut every ``context`` tokens.

    The last, incomplete sequence is left out, as trainers do.

    >>> concatenate_and_chunk([3, 5], context=4).document.tolist()
    [0, 1, 1]
    """
    of_document = np.asarray(lengths, np.int64)
    ends = np.cumsum(of_document)
    total = int(ends[-1]) // context * context if len(ends) else 0
    cuts = np.arange(0, total + 1, context)
    borders = np.unique(np.concatenate([cuts, ends[ends < total]]))
    first, last = borders[:-1], borders[1:]
    document = np.searchsorted(ends, first, side="right")
    return Layout(
        sizes=np.full(total // context, context, np.int64),
        sequence=first // context,
        document=document,
        start=first - (ends - of_document)[document],
        length=last - first,
    )


def best_fit(lengths: Sequence[int] | Integers, *, context: int) -> Layout:
    """Pack documents by best-fit decreasing ("Fewer Truncations", arXiv 2404.10830).

    Documents are cut into stretches of ``context`` tokens and a rest; the longest stretch goes
    first, each into the fullest sequence that still has room for it. What stays free is padding.

    >>> best_fit([3, 2, 2, 1], context=4).sequence.tolist()
    [0, 1, 1, 0]
    """
    of_document = np.asarray(lengths, np.int64)
    pieces = -(-of_document // context)
    document = np.repeat(np.arange(len(of_document)), pieces)
    number = np.arange(len(document)) - np.repeat(np.cumsum(pieces) - pieces, pieces)
    start = number * context
    length = np.minimum(of_document[document] - start, context)
    order = np.argsort(-length, kind="stable")
    sequence = np.empty(len(order), np.int64)
    with_room: list[list[int]] = [[] for _ in range(context + 1)]
    # Bit r is set where a sequence has room for exactly r more: the fullest one that will do is
    # the lowest set bit from a length on, whatever the number of sequences.
    rooms = 0
    sequences = 0
    for place, wanted in zip(order.tolist(), length[order].tolist(), strict=True):
        candidates = rooms >> wanted
        if candidates:
            room = wanted + (candidates & -candidates).bit_length() - 1
            chosen = with_room[room].pop()
            if not with_room[room]:
                rooms ^= 1 << room
        else:
            room, chosen = context, sequences
            sequences += 1
        sequence[place] = chosen
        if left := room - wanted:
            with_room[left].append(chosen)
            rooms |= 1 << left
    return Layout(
        sizes=np.full(sequences, context, np.int64),
        sequence=sequence,
        document=document,
        start=start,
        length=length,
    )


def decomposed(
    lengths: Sequence[int] | Integers, *, by: Decomposition, documents: Sequence[str] | None = None
) -> Layout:
    """Cut each document into sequences of its own.

    Args:
        lengths: Tokens of each document.
        by: How.
        documents: Their ids; their numbers if not given.
    """
    of_document = np.asarray(lengths, np.int64)
    ids = list(map(str, range(len(of_document)))) if documents is None else documents
    cuts = [by.cut(tokens, name) for tokens, name in zip(of_document.tolist(), ids, strict=True)]
    none = np.empty(0, np.int64)
    sizes = np.concatenate([none, *(buckets for buckets, _ in cuts)]) + by.target_token
    return Layout(
        sizes=sizes,
        sequence=np.arange(len(sizes)),
        document=np.repeat(np.arange(len(cuts)), [len(starts) for _, starts in cuts]),
        start=np.concatenate([none, *(starts for _, starts in cuts)]),
        length=sizes,
    )


def figures(layout: Layout, lengths: Sequence[int] | Integers) -> Figures:
    """Measure a layout of documents of the given lengths."""
    of_document = np.asarray(lengths, np.int64)
    tokens = int(layout.length.sum())
    places = int(layout.sizes.sum())
    in_sequence = np.bincount(layout.sequence, minlength=len(layout.sizes))
    pieces = np.bincount(layout.document, minlength=len(of_document))
    laid = np.bincount(layout.document, layout.length, minlength=len(of_document))
    present = laid > 0
    truncated = present & ((pieces > 1) | (laid < of_document))
    filled = np.bincount(layout.sequence, layout.length, minlength=len(layout.sizes))
    return Figures(
        sequences=len(layout.sizes),
        tokens=tokens,
        kept=_share(tokens, int(of_document.sum())),
        padding=_share(places - tokens, places),
        mixed=_share(int((in_sequence > 1).sum()), len(layout.sizes)),
        truncated=_share(int(truncated.sum()), int(present.sum())),
        context=_share(float((filled * (filled - 1)).sum()) / 2, tokens),
        own_context=_share(float((layout.length * (layout.length - 1)).sum()) / 2, tokens),
        attention=int((layout.sizes * (layout.sizes + 1)).sum()) // 2,
    )


def _share(part: float, whole: float) -> float:
    return part / whole if whole else 0.0
