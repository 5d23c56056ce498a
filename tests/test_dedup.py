import random
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import apache_beam as beam
import pyarrow.parquet as pq
import pytest

from filters.minhash import SIGNATURE
from pipelines.dedup import FindClusters, cluster_of, earlier_files
from pipelines.matching import MatchedFile, Matching, key_blocks
from pipelines.recipe import Dedup
from pipelines.runners import new_pipeline, pipeline_options
from tests.scored_corpus import SCHEMA, Document, prose, write_scored

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


MATCHING = Matching.of(Dedup(), documents=0)
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


def test_rounds_on_the_runner_give_what_one_process_gives(tmp_path: Path) -> None:
    dealt = {f"part{number}": PLANTED[number::3] for number in range(3)}
    assert clusters_of(tmp_path, dealt, components="rounds") == expected(PLANTED)


def test_rounds_on_the_runner_join_a_chain_of_documents(tmp_path: Path) -> None:
    """Each document is like the next alone, so that the graph is a line of 40."""
    words = prose(5, 1_800).split()
    chain = [
        Document(name=f"d{number:02}", text=" ".join(words[40 * number :][:220]))
        for number in range(40)
    ]
    dealt = {f"part{number}": chain[number::3] for number in range(3)}
    settings: dict[str, Any] = {"bands": 56, "rows": 2}
    one = clusters_of(tmp_path / "one", dealt, **settings)
    assert {place[1] for place in one.values()} == {40}
    rounds = clusters_of(tmp_path / "two", dealt, components="rounds", **settings)
    assert rounds == one


def test_a_corpus_without_duplicates_or_documents_has_only_keepers(tmp_path: Path) -> None:
    alone = [Document(name=f"d{number}", text=prose(number)) for number in range(20)]
    found = clusters_of(tmp_path, {"some": alone, "none": []})
    assert found == {document.id: (cluster_of(document.id), 1, 0, True, None) for document in alone}


def only(found: Mapping[str, Place], document: Document) -> tuple[int, bool, str | None]:
    """Return the size of a document's cluster, whether it is kept, and why not."""
    _, size, _, keep, reason = found[document.id]
    return size, keep, reason


def test_copies_by_address_are_found_where_the_recipe_wants_it(tmp_path: Path) -> None:
    first = Document(
        name="1", text=prose(1), tokens=9, url="https://www.example.com/news/?utm_id=1"
    )
    second = Document(name="2", text=prose(2), tokens=8, url="http://example.com/news#top")
    other = Document(name="3", text=prose(3), tokens=7, url="http://example.com/news?page=2")
    files = {"one": [first, second, other]}
    found = clusters_of(tmp_path / "url", files, exact=["url"], near=False)
    assert [only(found, document) for document in files["one"]] == [
        (2, True, None),
        (2, False, "same_url"),
        (1, True, None),
    ]
    found = clusters_of(tmp_path / "text", files)
    assert {place[1] for place in found.values()} == {1}


def test_copies_of_a_text_are_found_without_signatures(tmp_path: Path) -> None:
    first = Document(name="1", text="Short: one, two!", tokens=9)
    second = Document(name="2", text="short ONE\ntwo", tokens=8)
    near = Document(name="3", text="short one two three", tokens=7)
    files = {"one": [second, near], "two": [first]}
    found = clusters_of(tmp_path, files, exact=["text"], near=False)
    assert [only(found, document) for document in (first, second, near)] == [
        (2, True, None),
        (2, False, "same_text"),
        (1, True, None),
    ]


def shifted(name: str, words: Sequence[str], at: int, **columns: Any) -> Document:
    """Return a document of 100 of the words, from one place on."""
    return Document(name=name, text=" ".join(words[at : at + 100]), **columns)


@pytest.mark.parametrize("verify", ["estimated", "exact"])
def test_pairs_that_are_too_unlike_are_parted(tmp_path: Path, verify: str) -> None:
    words = prose(7, 400).split()
    # Shingles in common with the first: 86 of 106 (0.81), and 36 of 156 (0.23).
    documents = [
        shifted("first", words, 0, tokens=9),
        shifted("like it", words, 10, tokens=8),
        shifted("unlike", words, 60, tokens=7),
        shifted("like the third", words, 62, tokens=6),
    ]
    files = {"one": documents[:2], "two": documents[2:]}
    # Bands of one row: whoever has a value in common is a candidate.
    loose: dict[str, Any] = {"bands": 112, "rows": 1}
    found = clusters_of(tmp_path / "loose", files, **loose)
    assert {place[1] for place in found.values()} == {4}
    strict = clusters_of(tmp_path / "strict", files, verify=verify, min_similarity=0.6, **loose)
    assert [only(strict, document) for document in documents] == [
        (2, True, None),
        (2, False, "near_duplicate"),
        (2, True, None),
        (2, False, "near_duplicate"),
    ]
    table = pq.read_table(tmp_path / "strict/clusters/one.parquet")
    keeper, member = table["similarity"].to_pylist()
    assert keeper == 1
    error = 0 if verify == "exact" else 4 * (0.81 * 0.19 / 112) ** 0.5
    assert member == pytest.approx(86 / 106, abs=error + 1e-6)


@pytest.mark.parametrize(("seed", "files", "partitions"), [(1, 1, 1), (2, 3, 7), (3, 5, 2)])
@pytest.mark.parametrize("components", ["one_process", "rounds"])
def test_verified_clusters_do_not_depend_on_files_order_or_partitions(
    tmp_path: Path, seed: int, files: int, partitions: int, components: str
) -> None:
    settings: dict[str, Any] = {
        "bands": 56,
        "rows": 2,
        "verify": "estimated",
        "min_similarity": 0.5,
        "exact": ["url", "text"],
    }
    words = prose(8, 600).split()
    places = [random.Random(number).randrange(500) for number in range(20)]
    documents = [shifted(f"d{number}", words, at) for number, at in enumerate(places)]
    documents += [shifted(f"copy{number}", words, at) for number, at in enumerate(places[:5])]
    once = clusters_of(tmp_path / "once", {"all": documents}, **settings)
    assert 1 < len({place[0] for place in once.values()}) < 20
    shuffled = documents.copy()
    random.Random(seed).shuffle(shuffled)
    dealt = {f"part{number}": shuffled[number::files] for number in range(files)}
    again = clusters_of(
        tmp_path / "again", dealt, partitions=partitions, components=components, **settings
    )
    assert again == once


def test_other_bands_need_no_other_signatures(tmp_path: Path) -> None:
    words = prose(9, 200).split()
    pair = [shifted("a", words, 0), shifted("b", words, 30)]  # 66 of 126 shingles: 0.52
    for bands, rows, size in ((4, 28, 1), (37, 3, 2)):
        found = clusters_of(tmp_path / f"{size}", {"one": pair}, bands=bands, rows=rows)
        assert {place[1] for place in found.values()} == {size}


def test_what_an_earlier_corpus_has_is_left_out(tmp_path: Path) -> None:
    earlier = [Document(name="old", text=A, quality=0.1), Document(name="else", text=prose(9))]
    write_scored(tmp_path / "earlier", {"old": earlier})
    better = Document(name="new", text=edited(A, "more"), quality=0.9)
    copy = Document(name="copy", text=A, quality=0.5)
    fresh = [Document(name="b1", text=B, tokens=9), Document(name="b2", text=edited(B, "x"))]
    found = clusters_of(
        tmp_path / "now",
        {"one": [better, *fresh], "two": [copy]},
        earlier=[str(tmp_path / "earlier/scored/old.parquet")],
    )
    assert [only(found, document) for document in (better, copy, *fresh)] == [
        (3, False, "in_earlier_corpus"),
        (3, False, "in_earlier_corpus"),
        (2, False, "near_duplicate"),
        (2, True, None),
    ]
    assert found[better.id][0] == cluster_of(earlier[0].id)


def test_dumps_by_themselves_keep_a_copy_each_but_for_what_is_earlier(tmp_path: Path) -> None:
    write_scored(tmp_path / "earlier", {"old": [Document(name="old", text=B)]})
    texts = {"2023": 1, "2024": 2}
    files = {
        dump: [
            Document(name=f"a {dump}", text=A, tokens=9),
            Document(name=f"a again {dump}", text=edited(A, "x"), tokens=8),
            Document(name=f"b {dump}", text=B),
        ]
        for dump in texts
    }
    found = clusters_of(
        tmp_path / "now",
        files,
        earlier=[str(tmp_path / "earlier/scored/old.parquet")],
        scope="dump",
        dumps=texts,
    )
    for documents in files.values():
        assert [only(found, document) for document in documents] == [
            (2, True, None),
            (2, False, "near_duplicate"),
            (2, False, "in_earlier_corpus"),
        ]


def test_a_document_that_stands_there_thousands_of_times_costs_as_many_steps(
    tmp_path: Path,
) -> None:
    copies = [Document(name=f"d{number}", text=A) for number in range(3_000)]
    found = clusters_of(
        tmp_path, {"one": copies[:1_000], "two": copies[1_000:]}, verify="estimated"
    )
    best = min(document.id for document in copies)
    assert {place[:2] for place in found.values()} == {(cluster_of(best), 3_000)}
    assert [id_ for id_, place in found.items() if place[3]] == [best]


@pytest.mark.parametrize("damage", ["cut", "a byte"])
def test_a_damaged_file_is_named(tmp_path: Path, damage: str) -> None:
    files = {"good": [PLANTED[0]], "bad": [Document(name=str(n), text=prose(n)) for n in range(9)]}
    write_scored(tmp_path, files)
    path = tmp_path / "scored/bad.parquet"
    content = bytearray(path.read_bytes())
    if damage == "cut":
        content = content[: len(content) // 2]
    else:
        column = pq.ParquetFile(path).metadata.row_group(0).column(SCHEMA.names.index(SIGNATURE))
        content[column.data_page_offset + 900] ^= 1
    path.write_bytes(content)
    with pytest.raises(OSError, match="damaged") as raised:
        list(key_blocks(MatchedFile(number=0, path=str(path)), matching=MATCHING))
    assert str(path) in str(raised.value)
    assert "then thresher score RECIPE" in str(raised.value)
