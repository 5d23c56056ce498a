"""One document a million times: its band buckets cost a million steps each, not their square."""

from pathlib import Path

import apache_beam as beam
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from filters.clustering import components, similar_edges
from filters.minhash import SIGNATURE
from pipelines.dedup import FindClusters, ScoredFile, cluster_of
from pipelines.matching import Block, MatchedFile, Matching, edges_of_partition, key_blocks
from pipelines.recipe import Dedup
from pipelines.runners import new_pipeline, pipeline_options

MILLION = 1_000_000
FILES = 4
BATCH = 50_000
TWO_BANDS = Dedup(exact=[], permutations=2, bands=2, rows=1, prefer=[], partitions=4)


def copies(output: Path, *, documents: int) -> list[ScoredFile]:
    """Write the ids and signatures of copies of one document, as `score` does."""
    signature = np.array([7, 9], "<u8").tobytes()
    files = []
    for number in range(FILES):
        rows = range(documents * number // FILES, documents * (number + 1) // FILES)
        table = pa.table(
            {
                "id": [f"{row:032x}" for row in rows],
                SIGNATURE: pa.array([signature] * len(rows), pa.binary()),
            }
        )
        file = ScoredFile(number=number, name=f"part{number}", checksum="", bytes=0)
        Path(file.path(str(output))).parent.mkdir(exist_ok=True)
        pq.write_table(table, file.path(str(output)))
        files.append(file)
    return files


def test_a_bucket_of_a_million_is_a_star_of_as_many_edges() -> None:
    blocks = [
        Block(
            number=number,
            first_row=first,
            rows=np.arange(BATCH, dtype=np.uint16),
            hashes=np.full(BATCH, 5, np.uint64),
        )
        for number in range(FILES)
        for first in range(0, MILLION // FILES, BATCH)
    ]
    [edges] = edges_of_partition((0, blocks))
    assert edges.shape == (MILLION - 1, 2)
    documents, roots = components(edges)
    assert len(documents) == MILLION
    assert not roots.any()


@pytest.mark.parametrize(("alike", "stars"), [(True, 1), (False, 4)])
def test_a_bucket_is_verified_by_a_few_comparisons_a_document(alike: bool, stars: int) -> None:
    count = MILLION // 10
    compared = 0

    def similarity(
        first: npt.NDArray[np.int64], second: npt.NDArray[np.int64]
    ) -> npt.NDArray[np.float64]:
        nonlocal compared
        compared += len(first)
        return np.full(len(first), float(alike))

    # The same bucket in three bands is compared once.
    hashes = np.repeat(np.array([1, 2, 3], np.uint64), count)
    members = np.tile(np.arange(count), 3)
    edges = similar_edges(hashes, members, similarity=similarity, least=0.5)
    assert len(edges) == (count - 1 if alike else 0)
    assert compared == sum(count - star for star in range(1, stars + 1))


def test_a_million_copies_are_one_cluster(tmp_path: Path) -> None:
    files = copies(tmp_path, documents=MILLION)
    matching = Matching.of(TWO_BANDS, documents=MILLION, in_memory=True)
    find = FindClusters(output=str(tmp_path), matching=matching, fingerprint="f")
    options = pipeline_options(runner="local", workers=1, flags=[], total_bytes=0)
    with new_pipeline(options) as pipeline:
        _ = pipeline | beam.Create(files) | find
    found = pa.concat_tables(
        pq.read_table(
            file.path(str(tmp_path), "clusters"), columns=["cluster", "size", "rank", "keep"]
        )
        for file in files
    )
    assert found["cluster"].unique().to_pylist() == [cluster_of("0" * 32)]
    assert found["size"].unique().to_pylist() == [MILLION]
    assert np.array_equal(found["rank"].to_numpy(), np.arange(MILLION))
    assert found["keep"].to_pylist().count(True) == 1


def test_copies_leave_each_file_as_one_edge_each_and_band(tmp_path: Path) -> None:
    """What crosses the network for a giant bucket grows with its documents alone."""
    sent = {}
    for documents in (20_000, 40_000):
        output = tmp_path / str(documents)
        output.mkdir()
        matching = Matching.of(TWO_BANDS, documents=documents)
        by_partition: dict[int, list[Block]] = {}
        for file in copies(output, documents=documents):
            matched = MatchedFile(number=file.number, path=file.path(str(output)))
            for partition, block in key_blocks(matched, matching=matching):
                by_partition.setdefault(partition, []).append(block)
        keys = sum(len(block.hashes) for blocks in by_partition.values() for block in blocks)
        edges = sum(
            len(edges) for group in by_partition.items() for edges in edges_of_partition(group)
        )
        sent[documents] = (keys, edges)
    # The two buckets are in one partition, where one edge says what both say, or in two.
    of_bands = sent[20_000][1] // 19_999
    assert of_bands in (1, 2)
    assert sent == {n: (2 * n, of_bands * (n - 1)) for n in (20_000, 40_000)}
