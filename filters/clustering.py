"""From shared hashes to clusters, in arrays: the arithmetic of deduplication, without Beam.

Every function is linear or sorts once: a document that stands there a million times costs a
million steps and not their square.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

Indices = npt.NDArray[np.uint64]
Edges = npt.NDArray[np.uint64]
Similarity = Callable[[npt.NDArray[np.int64], npt.NDArray[np.int64]], npt.NDArray[np.float64]]

_STARS = 4
"""How many stars may form in one run of equal hashes while similarities are verified."""


def no_edges() -> Edges:
    """Return a graph without edges."""
    return np.empty((0, 2), dtype=np.uint64)


def run_starts(values: npt.NDArray[np.generic]) -> npt.NDArray[np.int64]:
    """Return where each run of equal values of a sorted array begins."""
    if not len(values):
        return np.empty(0, dtype=np.int64)
    return np.flatnonzero(np.concatenate(([True], values[1:] != values[:-1])))


def candidate_edges(hashes: Indices, documents: Indices) -> Edges:
    """Link documents that share a hash.

    Each run of equal hashes becomes a star around its smallest document, so a run of n documents
    costs n - 1 edges and not n (n - 1) / 2.

    Args:
        hashes: A hash each, shape (n,), uint64.
        documents: The document that each hash belongs to, shape (n,), uint64.

    Returns:
        Distinct pairs (smaller, larger), shape (m, 2), sorted.

    >>> hashes = np.array([7, 9, 7, 9, 1], dtype=np.uint64)
    >>> candidate_edges(hashes, np.arange(5, dtype=np.uint64)).tolist()
    [[0, 2], [1, 3]]
    """
    if not len(hashes):
        return no_edges()
    order = np.argsort(hashes)
    ordered = hashes[order]
    starts = run_starts(ordered)
    lengths = np.diff(np.append(starts, len(ordered)))
    # Most hashes stand alone: what follows is for the others.
    shared = order[np.repeat(lengths > 1, lengths)]
    lengths = lengths[lengths > 1]
    if not len(lengths):
        return no_edges()
    members = documents[shared]
    starts = np.cumsum(lengths) - lengths
    centers = np.repeat(np.minimum.reduceat(members, starts), lengths)
    apart = centers != members
    return distinct(np.stack((centers[apart], members[apart]), axis=1))


def distinct(edges: Edges) -> Edges:
    """Return the distinct rows of ``edges``, sorted."""
    if not len(edges):
        return edges
    edges = edges[np.lexsort((edges[:, 1], edges[:, 0]))]
    new = np.concatenate(([True], (edges[1:] != edges[:-1]).any(axis=1)))
    result: Edges = edges[new]
    return result


def components(edges: Edges) -> tuple[Indices, Indices]:
    """Find the connected components of the graph of ``edges``.

    Returns:
        The documents that have an edge, sorted, and for each the smallest document of its
        component.

    >>> documents, roots = components(np.array([[1, 4], [4, 9], [2, 3]], dtype=np.uint64))
    >>> documents.tolist(), roots.tolist()
    ([1, 2, 3, 4, 9], [1, 2, 2, 1, 1])
    """
    if not len(edges):
        empty = np.empty(0, dtype=np.uint64)
        return empty, empty.copy()
    documents, positions = np.unique(edges.ravel(), return_inverse=True)
    left, right = positions.reshape(-1, 2).T
    count = len(documents)
    graph = coo_array((np.ones(len(left), dtype=bool), (left, right)), shape=(count, count))
    _, labels = connected_components(graph, directed=False)
    smallest = np.full(labels.max() + 1, count, dtype=np.int64)
    np.minimum.at(smallest, labels, np.arange(count))
    return documents, documents[smallest[labels]]


def spanning_stars(edges: Edges) -> Edges:
    """Return the fewest edges that join what ``edges`` join: a star for each component.

    >>> spanning_stars(np.array([[1, 4], [4, 9], [1, 9], [2, 3]], dtype=np.uint64)).tolist()
    [[2, 3], [1, 4], [1, 9]]
    """
    documents, roots = components(edges)
    leaves = documents != roots
    return np.stack((roots[leaves], documents[leaves]), axis=1)


def both_ways(edges: Edges) -> Edges:
    """Return each edge as (document, neighbour) of both its ends, as :func:`large_star` wants."""
    return np.concatenate((edges, edges[:, ::-1]))


def large_star(neighbours: Edges) -> Edges:
    """Link each larger neighbour of a document to the smallest of the document and its neighbours.

    With :func:`small_star` in turn, until nothing changes, every component becomes a star around
    its smallest document (Kiveris et al. 2014, "Connected Components in MapReduce and Beyond").
    Either step needs the neighbours of one document at a time, so a graph of any size can be dealt
    out by document.

    Args:
        neighbours: Rows (document, neighbour), shape (n, 2). All rows of a document, and of both
            ends of each edge.

    Returns:
        Distinct edges (smaller, larger).
    """
    if not len(neighbours):
        return no_edges()
    neighbours = neighbours[np.argsort(neighbours[:, 0])]
    smallest = _smallest_around(neighbours)
    larger = neighbours[:, 1] > neighbours[:, 0]
    return distinct(np.stack((smallest[larger], neighbours[larger, 1]), axis=1))


def small_star(neighbours: Edges) -> Edges:
    """Link a document and its smaller neighbours to the smallest of them.

    Args:
        neighbours: Rows (document, smaller neighbour), shape (n, 2). All rows of a document.

    Returns:
        Distinct edges (smaller, larger).
    """
    if not len(neighbours):
        return no_edges()
    neighbours = neighbours[np.argsort(neighbours[:, 0])]
    smallest = _smallest_around(neighbours)
    edges = np.concatenate(
        (
            np.stack((smallest, neighbours[:, 0]), axis=1),
            np.stack((smallest, neighbours[:, 1]), axis=1),
        )
    )
    return distinct(edges[edges[:, 0] != edges[:, 1]])


def _smallest_around(neighbours: Edges) -> Indices:
    """Return for each row the smallest of its document and that document's neighbours."""
    starts = run_starts(neighbours[:, 0])
    lengths = np.diff(np.append(starts, len(neighbours)))
    smallest = np.minimum(np.minimum.reduceat(neighbours[:, 1], starts), neighbours[starts, 0])
    return np.repeat(smallest, lengths)


def similar_edges(
    hashes: Indices,
    members: npt.NDArray[np.int64],
    *,
    similarity: Similarity,
    least: float,
) -> Edges:
    """Link members that share a hash and are similar enough.

    In each run of equal hashes every member is compared to the smallest one: a run of n costs n - 1
    comparisons. Whoever is too unlike it forms a run with the others that are, up to four times.

    Args:
        hashes: A hash each, shape (n,).
        members: The member that each hash belongs to, shape (n,). Where the smaller member is the
            better one, the result does not depend on how members were found.
        similarity: Takes two arrays of members and returns how similar each pair is.
        least: The similarity from which two members are linked.

    Returns:
        Distinct pairs (smaller, larger), shape (m, 2).
    """
    found = [no_edges()]
    for _ in range(_STARS):
        order = np.lexsort((members, hashes))
        hashes, members = hashes[order], members[order]
        starts = run_starts(hashes)
        lengths = np.diff(np.append(starts, len(hashes)))
        centers = np.repeat(members[starts], lengths)
        apart = centers != members
        hashes, members, centers = hashes[apart], members[apart], centers[apart]
        if not len(members):
            break
        pairs, pair_of = np.unique(
            np.stack((centers, members), axis=1), axis=0, return_inverse=True
        )
        alike = similarity(pairs[:, 0], pairs[:, 1]) >= least
        found.append(pairs[alike].astype(np.uint64))
        unlike = ~alike[pair_of.reshape(-1)]
        hashes, members = hashes[unlike], members[unlike]
    return distinct(np.concatenate(found))


@dataclass(frozen=True, slots=True, kw_only=True)
class Ranks:
    """The place of each document in its cluster.

    Attributes:
        rank: 0 for the keeper, then 1, 2, …; shape (n,).
        size: Documents in its cluster; shape (n,).
        keeper: Position in the input of its cluster's keeper; shape (n,).
    """

    rank: npt.NDArray[np.int32]
    size: npt.NDArray[np.int32]
    keeper: npt.NDArray[np.int64]


def best_first(
    priorities: npt.NDArray[np.float64], ids: npt.NDArray[np.uint64]
) -> npt.NDArray[np.int64]:
    """Return the positions of documents from the best to the worst.

    Args:
        priorities: What is better, most important first, higher is better, shape (n, p); NaN is
            worse than any number.
        ids: Document ids as two numbers, which decide where all priorities are equal, shape (n, 2):
            so the order depends on the documents alone and not on files or workers.
    """
    worst_first = np.where(np.isnan(priorities), -np.inf, priorities)
    return np.lexsort([ids[:, 1], ids[:, 0], *(-worst_first.T[::-1])])


def rank_in_clusters(clusters: Indices, standings: npt.NDArray[np.int64]) -> Ranks:
    """Order the documents of each cluster from best to worst.

    Args:
        clusters: The cluster of each document, shape (n,).
        standings: The place of each document among all, 0 for the best, shape (n,).

    >>> ranks = rank_in_clusters(np.array([5, 5, 8], dtype=np.uint64), np.array([2, 0, 1]))
    >>> ranks.rank.tolist(), ranks.size.tolist(), ranks.keeper.tolist()
    ([1, 0, 0], [2, 2, 1], [1, 1, 2])
    """
    order = np.lexsort((standings, clusters))
    starts = run_starts(clusters[order])
    lengths = np.diff(np.append(starts, len(order)))
    rank = np.empty(len(order), dtype=np.int32)
    size = np.empty(len(order), dtype=np.int32)
    keeper = np.empty(len(order), dtype=np.int64)
    rank[order] = np.arange(len(order)) - np.repeat(starts, lengths)
    size[order] = np.repeat(lengths, lengths)
    keeper[order] = np.repeat(order[starts], lengths)
    return Ranks(rank=rank, size=size, keeper=keeper)
