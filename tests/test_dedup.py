import random
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import apache_beam as beam
import pyarrow.parquet as pq
import pytest

from pipelines.dedup import FindClusters, cluster_of, earlier_files
from pipelines.matching import Matching
from pipelines.recipe import Dedup
from pipelines.runners import new_pipeline, pipeline_options
from tests.scored_corpus import Document, prose, write_scored

Place = tuple[int, int, int, bool, str | None]


def clusters_of(
    output: Path,
    files: dict[str, list[Document]],
    *,
    workers: int = 1,
    earlier: Sequence[str] = (),
    dumps: Mapping[str, int] = {},
    **settings: Any,
) -> dict[str, Place]:
    """Run the stage and return (cluster, size, rank, keep, reason) by document."""
    scored = [replace(file, dump=dumps.get(file.name, 0)) for file in write_scored(output, files)]
    dedup = Dedup(**{"partitions": 4, **settings})
    by_dump = dedup.scope == "dump"
    find = FindClusters(
        output=str(output),
        matching=Matching.of(dedup, documents=sum(map(len, files.values()))),
        fingerprint="f",
        earlier=earlier_files(
            earlier,
            first_number=len(scored),
            groups=sorted({file.dump for file in scored}) if by_dump else [0],
        ),
        by_dump=by_dump,
    )

    def open_pipeline() -> beam.Pipeline:
        options = pipeline_options(runner="local", workers=workers, flags=[], total_bytes=0)
        return new_pipeline(options)

    find.find_components(scored, open_pipeline)
    with open_pipeline() as pipeline:
        _ = pipeline | beam.Create(scored) | find
    found = {}
    for file in scored:
        ids = pq.read_table(file.path(str(output)))["id"].to_pylist()
        table = pq.read_table(file.path(str(output), "clusters")).to_pydict()
        assert table["document"] == ids
        for row, document in enumerate(ids):
            found[document] = tuple(
                table[name][row] for name in ("cluster", "size", "rank", "keep", "reason")
            )
    return found


def edited(text: str, end: str) -> str:
    return f"{text} {end}"


A, B = prose(1), prose(2)
PLANTED = [
    Document(name="a", text=A, quality=0.2, tokens=900),
    Document(name="a-better", text=edited(A, "more"), quality=0.9, tokens=10),
    Document(name="a-unscored", text=edited(A, "less"), quality=None, tokens=5_000),
    Document(name="b", text=B, quality=None, tokens=50),
    Document(name="b-longer", text=edited(B, "and more"), quality=None, tokens=51),
    Document(name="alone", text=prose(3)),
    Document(name="empty", text=""),
    Document(name="empty too", text=""),
]


def expected(documents: list[Document]) -> dict[str, tuple[int, int, int, bool, str | None]]:
    ids = {document.name: document.id for document in documents}

    def member(keeper: str, size: int, rank: int) -> tuple[int, int, int, bool, str | None]:
        reason = None if rank == 0 else "near_duplicate"
        return cluster_of(ids[keeper]), size, rank, rank == 0, reason

    return {
        ids["a"]: member("a-better", 3, 1),
        ids["a-better"]: member("a-better", 3, 0),
        ids["a-unscored"]: member("a-better", 3, 2),
        ids["b"]: member("b-longer", 2, 1),
        ids["b-longer"]: member("b-longer", 2, 0),
        ids["alone"]: member("alone", 1, 0),
        ids["empty"]: member("empty", 1, 0),
        ids["empty too"]: member("empty too", 1, 0),
    }


def test_the_best_document_of_each_cluster_is_kept(tmp_path: Path) -> None:
    assert clusters_of(tmp_path, {"one": PLANTED}) == expected(PLANTED)


@pytest.mark.parametrize(("seed", "files", "partitions"), [(1, 1, 1), (2, 3, 7), (3, 8, 2)])
def test_the_result_does_not_depend_on_files_order_or_partitions(
    tmp_path: Path, seed: int, files: int, partitions: int
) -> None:
    shuffled = PLANTED.copy()
    random.Random(seed).shuffle(shuffled)
    dealt = {f"part{number}": shuffled[number::files] for number in range(files)}
    assert clusters_of(tmp_path, dealt, partitions=partitions) == expected(PLANTED)


def test_the_result_is_the_same_with_worker_processes(tmp_path: Path) -> None:
    dealt = {f"part{number}": PLANTED[number::3] for number in range(3)}
    assert clusters_of(tmp_path, dealt, workers=2) == expected(PLANTED)


def test_a_corpus_without_duplicates_or_documents_has_only_keepers(tmp_path: Path) -> None:
    alone = [Document(name=f"d{number}", text=prose(number)) for number in range(20)]
    found = clusters_of(tmp_path, {"some": alone, "none": []})
    assert found == {document.id: (cluster_of(document.id), 1, 0, True, None) for document in alone}
