"""Connected components on the runner, for graphs that no one process holds.

Alternating large-star and small-star rounds (Kiveris et al. 2014, "Connected Components in
MapReduce and Beyond"), each a pipeline of its own over edges that lie in files, until a round
changes nothing. Edges travel in blocks, dealt by document.
"""

import io
import itertools
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager
from typing import Any

import apache_beam as beam
import numpy as np

from filters.clustering import Edges, both_ways, distinct, large_star, small_star
from filters.minhash import mixed
from pipelines import storage
from pipelines.matching import deal, partition_of

OpenPipeline = Callable[[], AbstractContextManager[beam.Pipeline]]

_STATE = "state.json"
# Beam's integers have a sign.
_CHECKSUMS = 2**63


def connect(
    *,
    open_pipeline: OpenPipeline,
    edges: Callable[[beam.Pipeline], Any],
    folder: str,
    partitions: int,
) -> int:
    """Turn a graph into stars around the smallest document of each component.

    Args:
        open_pipeline: Opens a pipeline that runs when its block ends.
        edges: Takes a pipeline and returns the PCollection of blocks of edges in it.
        folder: Where the edges of each round are kept; those of the last one stay there, for
            :func:`read_edges`.
        partitions: Into how many parts documents are dealt.

    Returns:
        How many rounds it took.
    """
    clear(folder)
    state = None
    for number in itertools.count():
        with open_pipeline() as pipeline:
            graph = edges(pipeline) if number == 0 else read_edges(pipeline, folder)
            _ = graph | _Round(
                into=storage.join(folder, f"round-{number:03}"), partitions=partitions
            )
        earlier = storage.join(folder, f"round-{number - 1:03}")
        if number:
            clear(earlier)
        before = state
        state = storage.read_json(storage.join(folder, f"round-{number:03}", _STATE))
        if state == before:
            return number + 1
    raise AssertionError("rounds never end")


def read_edges(pipeline: beam.Pipeline, folder: str) -> Any:
    """Return the PCollection of the blocks of edges below a folder."""
    paths = [file.path for file in storage.match(folder) if file.path.endswith(".npy")]
    return (
        pipeline
        | "Files of edges" >> beam.Create(paths)
        | "Spread edges" >> beam.Reshuffle()
        | "Read edges" >> beam.Map(_read)
    )


def clear(folder: str) -> None:
    """Delete what rounds have left in a folder."""
    for file in storage.match(folder):
        storage.delete(file.path)


class _Round(beam.PTransform[Any, Any]):
    def __init__(self, *, into: str, partitions: int) -> None:
        super().__init__()
        self._into = into
        self._partitions = partitions

    def expand(self, edges: Any) -> Any:
        return (
            edges
            | "To both ends" >> beam.FlatMap(_to_both_ends, partitions=self._partitions)
            | "By document" >> beam.GroupByKey()
            | "Large star" >> beam.FlatMap(_large_star, partitions=self._partitions)
            | "By larger document" >> beam.GroupByKey()
            | "Small star" >> beam.Map(_small_star, into=self._into)
            | "State" >> beam.CombineGlobally(_sum)
            | "Write state" >> beam.Map(_write_state, path=storage.join(self._into, _STATE))
        )


def _dealt(edges: Edges, partitions: int) -> Iterator[tuple[int, Edges]]:
    for partition, at in deal(partition_of(edges[:, 0], partitions)):
        yield partition, edges[at]


def _to_both_ends(edges: Edges, *, partitions: int) -> Iterator[tuple[int, Edges]]:
    yield from _dealt(both_ways(edges), partitions)


def _large_star(
    group: tuple[int, Iterable[Edges]], *, partitions: int
) -> Iterator[tuple[int, Edges]]:
    edges = large_star(np.concatenate(list(group[1])))
    yield from _dealt(edges[:, ::-1], partitions)


def _small_star(group: tuple[int, Iterable[Edges]], *, into: str) -> tuple[int, int]:
    """Write the edges after a round; return the number and the checksum of those before it.

    All rows of a document are here, so no edge is counted in two partitions.
    """
    partition, blocks = group
    neighbours = distinct(np.concatenate(list(blocks)))
    edges = small_star(neighbours)
    with storage.whole_file(storage.join(into, f"{partition:05}.npy")) as (file, _):
        np.save(file, edges)
    hashes = mixed(mixed(neighbours[:, 0]) + neighbours[:, 1])
    return len(neighbours), int(hashes.sum(dtype=np.uint64)) % _CHECKSUMS


def _sum(states: Iterable[tuple[int, int]]) -> tuple[int, int]:
    count = checksum = 0
    for edges, of_edges in states:
        count += edges
        checksum = (checksum + of_edges) % _CHECKSUMS
    return count, checksum


def _write_state(state: tuple[int, int], *, path: str) -> None:
    storage.write_json(path, list(state))


def _read(path: str) -> Edges:
    edges: Edges = np.load(io.BytesIO(storage.read_bytes(path)))
    return edges
