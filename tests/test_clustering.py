from random import Random

import networkx
import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from filters.clustering import (
    Edges,
    best_first,
    both_ways,
    candidate_edges,
    components,
    distinct,
    large_star,
    rank_in_clusters,
    similar_edges,
    small_star,
    spanning_stars,
)

Rank = tuple[int, int, bytes]

pairs = st.lists(st.tuples(st.integers(0, 30), st.integers(0, 30)), max_size=60)


def as_edges(values: list[tuple[int, int]]) -> Edges:
    return np.array(values, dtype=np.uint64).reshape(-1, 2)


@given(pairs)
def test_components_are_those_of_networkx(values: list[tuple[int, int]]) -> None:
    edges = [(a, b) for a, b in values if a != b]
    documents, roots = components(as_edges(edges))
    expected = {
        node: min(component)
        for component in networkx.connected_components(networkx.Graph(edges))
        for node in component
    }
    assert dict(zip(documents.tolist(), roots.tolist(), strict=True)) == expected


@pytest.mark.parametrize("shape", ["chain", "star", "pairs"])
def test_components_of_large_shapes(shape: str) -> None:
    count = 20_000
    nodes = np.arange(count, dtype=np.uint64)
    edges = {
        "chain": np.stack((nodes[:-1], nodes[1:]), axis=1),
        "star": np.stack((np.zeros(count - 1, dtype=np.uint64), nodes[1:]), axis=1),
        "pairs": nodes.reshape(-1, 2),
    }[shape]
    documents, roots = components(edges)
    expected = nodes // 2 * 2 if shape == "pairs" else np.zeros(count)
    assert documents.tolist() == nodes.tolist()
    assert roots.tolist() == expected.tolist()


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 40)), max_size=80))
def test_candidate_edges_link_exactly_the_documents_that_share_a_hash(
    entries: list[tuple[int, int]],
) -> None:
    hashes = np.array([value for value, _ in entries], dtype=np.uint64)
    documents = np.array([document for _, document in entries], dtype=np.uint64)
    edges = candidate_edges(hashes, documents)
    assert (edges[:, 0] < edges[:, 1]).all()
    assert edges.tolist() == distinct(edges).tolist()
    ours: networkx.Graph[int] = networkx.Graph(map(tuple, edges.tolist()))
    expected: networkx.Graph[int] = networkx.Graph()
    for hash_, document in entries:
        for other_hash, other in entries:
            if hash_ == other_hash and document != other:
                expected.add_edge(document, other)
    assert {frozenset(c) for c in networkx.connected_components(ours)} == {
        frozenset(c) for c in networkx.connected_components(expected)
    }


@given(
    st.lists(
        st.tuples(st.integers(0, 4), st.sampled_from([0.1, 0.5, float("nan")]), st.integers(1, 3)),
        max_size=30,
    ),
    st.randoms(use_true_random=False),
)
def test_ranks_do_not_depend_on_the_order_of_documents(
    rows: list[tuple[int, float, int]], random: Random
) -> None:
    named = [(*row, f"id{number:03}".encode()) for number, row in enumerate(rows)]
    shuffled = named.copy()
    random.shuffle(shuffled)

    def ranks(documents: list[tuple[int, float, int, bytes]]) -> dict[bytes, Rank]:
        order = best_first(
            np.array([row[1:3] for row in documents], dtype=np.float64).reshape(-1, 2),
            np.array([[7, int(row[3][2:])] for row in documents], dtype=np.uint64),
        )
        standings = np.empty(len(order), dtype=np.int64)
        standings[order] = np.arange(len(order))
        clusters = np.array([row[0] for row in documents], dtype=np.uint64)
        result = rank_in_clusters(clusters, standings)
        return {
            row[3]: (int(rank), int(size), documents[keeper][3])
            for row, rank, size, keeper in zip(
                documents, result.rank, result.size, result.keeper, strict=True
            )
        }

    if not rows:
        return
    assert ranks(named) == ranks(shuffled)
    worst = -1.0
    for cluster in {row[0] for row in named}:
        members = [row for row in named if row[0] == cluster]
        best = min(
            members,
            key=lambda row: (-(row[1] if row[1] == row[1] else worst), -row[2], row[3]),
        )
        assert all(ranks(named)[row[3]][1:] == (len(members), best[3]) for row in members)
        assert sorted(ranks(named)[row[3]][0] for row in members) == list(range(len(members)))


def by_rounds(edges: Edges) -> tuple[dict[int, int], int]:
    """Alternate large and small stars until nothing changes; return roots and rounds."""
    rounds = 0
    while True:
        rounds += 1
        stars = small_star(large_star(both_ways(edges))[:, ::-1])
        if stars.tolist() == edges.tolist():
            break
        edges = stars
    roots = {leaf: root for root, leaf in edges.tolist()}
    return roots | {root: root for root in roots.values()}, rounds


def in_one_process(edges: Edges) -> dict[int, int]:
    documents, roots = components(edges)
    return dict(zip(documents.tolist(), roots.tolist(), strict=True))


@given(pairs)
def test_rounds_of_stars_find_the_components_of_one_process(values: list[tuple[int, int]]) -> None:
    edges = distinct(as_edges([(min(pair), max(pair)) for pair in values if pair[0] != pair[1]]))
    assert by_rounds(edges)[0] == in_one_process(edges)


@pytest.mark.parametrize("shape", ["chain", "star", "shuffled chain", "random"])
def test_rounds_of_stars_are_few(shape: str) -> None:
    count = 3_000
    generator = np.random.default_rng(1)
    nodes = np.arange(count, dtype=np.uint64)
    if shape == "star":
        ends = np.full(count - 1, 7, dtype=np.uint64), np.delete(nodes, 7)
    elif shape == "random":
        ends = generator.choice(nodes, count), generator.choice(nodes, count)
    else:
        nodes = generator.permutation(nodes) if shape == "shuffled chain" else nodes
        ends = nodes[:-1], nodes[1:]
    edges = np.stack(ends, axis=1)
    edges = distinct(np.sort(edges[edges[:, 0] != edges[:, 1]], axis=1))
    roots, rounds = by_rounds(edges)
    assert roots == in_one_process(edges)
    # The paper bounds rounds by the square of the logarithm of the nodes, here 133.
    assert rounds <= 15


def test_spanning_stars_join_what_edges_join_by_the_fewest() -> None:
    edges = distinct(np.random.default_rng(2).integers(0, 300, (400, 2)).astype(np.uint64))
    edges = edges[edges[:, 0] < edges[:, 1]]
    stars = spanning_stars(edges)
    assert in_one_process(stars) == in_one_process(edges)
    found = in_one_process(edges)
    assert len(stars) == len(found) - len(set(found.values()))


def test_a_run_of_many_is_compared_to_its_best_alone() -> None:
    compared = []

    def similarity(
        first: npt.NDArray[np.int64], second: npt.NDArray[np.int64]
    ) -> npt.NDArray[np.float64]:
        compared.append(len(first))
        return np.where(first % 2 == second % 2, 1.0, 0.0)

    members = np.arange(1_000)
    edges = similar_edges(np.zeros(1_000, np.uint64), members, similarity=similarity, least=0.5)
    assert compared == [999, 499]
    documents, roots = components(edges)
    assert documents.tolist() == members.tolist()
    assert roots.tolist() == (members % 2).tolist()
