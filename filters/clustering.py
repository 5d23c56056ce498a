"""From band hashes to clusters, in arrays: the arithmetic of deduplication, without Beam."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

Indices = npt.NDArray[np.uint64]
Edges = npt.NDArray[np.uint64]


def candidate_edges(hashes: Indices, documents: Indices) -> Edges:
    """Link documents that share a band hash.

    Each run of equal hashes becomes a star around its smallest document, so a run of n documents
    costs n - 1 edges and not n (n - 1) / 2.

    Args:
        hashes: A band hash each, shape (n,), uint64.
        documents: The document that each hash belongs to, shape (n,), uint64.

    Returns:
        Distinct pairs (smaller, larger), shape (m, 2), sorted.

    >>> hashes = np.array([7, 9, 7, 9, 1], dtype=np.uint64)
    >>> candidate_edges(hashes, np.arange(5, dtype=np.uint64)).tolist()
    [[0, 2], [1, 3]]
    """
    if not len(hashes):
        return np.empty((0, 2), dtype=np.uint64)
    order = np.lexsort((documents, hashes))
    hashes, documents = hashes[order], documents[order]
    starts = np.flatnonzero(np.concatenate(([True], hashes[1:] != hashes[:-1])))
    lengths = np.diff(np.append(starts, len(hashes)))
    centers = np.repeat(documents[starts], lengths)
    apart = centers != documents
    return distinct(np.stack((centers[apart], documents[apart]), axis=1))


def distinct(edges: Edges) -> Edges:
    """Return the distinct rows of ``edges``, sorted."""
    if not len(edges):
        return edges
    order = np.lexsort((edges[:, 1], edges[:, 0]))
    edges = edges[order]
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


def rank_in_clusters(
    clusters: Indices, priorities: npt.NDArray[np.float64], ids: npt.NDArray[np.bytes_]
) -> Ranks:
    """Order the documents of each cluster from best to worst.

    Args:
        clusters: The cluster of each document, shape (n,).
        priorities: What is better, most important first, higher is better, shape (n, p); NaN is
            worse than any number.
        ids: Document ids, which decide where all priorities are equal, shape (n,): so the order
            depends on the documents alone and not on files or workers.

    >>> ranks = rank_in_clusters(
    ...     np.array([5, 5, 8], dtype=np.uint64),
    ...     np.array([[0.2], [0.9], [0.1]]),
    ...     np.array([b"a", b"b", b"c"]),
    ... )
    >>> ranks.rank.tolist(), ranks.size.tolist(), ranks.keeper.tolist()
    ([1, 0, 0], [2, 2, 1], [1, 1, 2])
    """
    worst_first = np.where(np.isnan(priorities), -np.inf, priorities)
    keys = [ids, *(-worst_first.T[::-1]), clusters]
    order = np.lexsort(keys)
    ordered = clusters[order]
    starts = np.flatnonzero(np.concatenate(([True], ordered[1:] != ordered[:-1])))
    lengths = np.diff(np.append(starts, len(ordered)))
    rank = np.empty(len(order), dtype=np.int32)
    size = np.empty(len(order), dtype=np.int32)
    keeper = np.empty(len(order), dtype=np.int64)
    rank[order] = np.arange(len(order)) - np.repeat(starts, lengths)
    size[order] = np.repeat(lengths, lengths)
    keeper[order] = np.repeat(order[starts], lengths)
    return Ranks(rank=rank, size=size, keeper=keeper)
