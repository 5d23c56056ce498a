import io
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from warcio.archiveiterator import ArchiveIterator
from warcio.exceptions import ArchiveLoadFailed

from pipelines.readers.records import FailedRecord, GatedRecord, ReaderItem, Record
from pipelines.readers.warc import CANDIDATES, WarcReader

pytestmark = pytest.mark.real_data

# Folder, archives, and what leaves the reader. Failures are files that hold no archive or are cut,
# in the collections that were made for that.
TOTALS = [
    # folder, archives, records, gated, failed
    ("allenai_dolma", 2, 37, 4, 0),
    ("anserini_samples", 5, 5, 0, 0),
    ("built_from_gold_html", 2, 231, 11, 0),
    ("cc_net_wet", 1, 3, 0, 0),
    ("chatnoir_copycat_commoncrawl", 6, 626, 46, 0),
    ("chatnoir_resiliparse", 7, 48, 0, 1),
    ("commoncrawl_whirlwind", 6, 4, 0, 0),
    ("iipc_jwarc", 2, 1, 0, 0),
    ("iipc_webarchive_commons", 10, 17, 34, 6),
    ("n0tan3rd_nodewarc", 3, 3, 55, 0),
    ("oduwsdl_ipwb", 26, 119, 28, 1),
    ("richardlehane_jhove", 79, 45, 15, 45),
    ("toimik_commoncrawl", 13, 0, 3, 9),
    ("warcdb", 5, 7, 120, 0),
    ("webrecorder_cdxj", 7, 3, 10, 0),
    ("webrecorder_warcio", 16, 12, 10, 0),
    ("webrecorder_warciojs", 10, 6, 9, 0),
]

# What warcio makes of files that it reads to their end, and we otherwise.
COUNTS = {
    # folder and file: (warcio, ours without failures)
    "chatnoir_resiliparse/clipped.warc.gz": (1, 0),  # cut in its only record: a failure here
    "oduwsdl_ipwb/redirect.warc": (1, 0),  # cut by 9 bytes: a failure here
    "invalid/invalid-warcheaderversion-22.warc": (1, 0),  # a header without end: a failure here
    "invalid/invalid-warcheaderversion-23.warc": (1, 0),
    "invalid/invalid-warcheaderversion-26.warc": (1, 0),
    "valid/valid-warcfile-upper-lower-case.warc": (2, 4),  # warcio minds the case of types
}

# Contents of which warcio drops the first lines: it takes them for HTTP headers where there are
# none, or for the size of a chunk where the body is not chunked. Ours are the stored bytes.
LONGER_CONTENTS = {
    "hello-world.arc": 1,
    "small-sample-1262850551027_8.from-arc.warc.gz": 5,
    "snapshot-wayback-topic-02.warc.gz": 128,
    "topic-1--20201003083220753-00000.warc.gz": 232,
}


def archives(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.rglob("*")):
        named = any(part in path.name for part in (".warc", ".arc", ".wacz"))
        if path.is_file() and (named or (path.suffix == ".gz" and ".json" not in path.name)):
            yield path


def read(path: Path) -> list[ReaderItem]:
    with path.open("rb") as file:
        return list(WarcReader().read(file, path.name))


@pytest.mark.parametrize(
    ("folder", "files", "records", "gated", "failed"), TOTALS, ids=[row[0] for row in TOTALS]
)
def test_totals(
    real_data: Path, folder: str, files: int, records: int, gated: int, failed: int
) -> None:
    paths = list(archives(real_data / "warc" / folder))
    counts = Counter(type(item) for path in paths for item in read(path))
    assert (len(paths), counts[Record], counts[GatedRecord], counts[FailedRecord]) == (
        files,
        records,
        gated,
        failed,
    )


def test_the_table_of_totals_names_every_folder(real_data: Path) -> None:
    folders = {path.name for path in (real_data / "warc").iterdir() if path.is_dir()}
    assert folders == {row[0] for row in TOTALS}


def read_with_warcio(path: Path) -> list[tuple[str, str, bytes]] | None:
    """Record id, address and payload of every candidate; None if warcio gives the file up."""
    candidates = []
    try:
        for record in ArchiveIterator(io.BytesIO(path.read_bytes())):
            if record.rec_type not in CANDIDATES:
                continue
            stream = record.content_stream()
            payload = b""
            while piece := stream.read(1 << 16):
                payload += piece
            headers = record.rec_headers
            identity = (headers.get_header("WARC-Record-ID") or "").strip("<> ")
            url = headers.get_header("WARC-Target-URI") or headers.get_header("uri") or ""
            candidates.append((identity, url, payload))
    except (ArchiveLoadFailed, AttributeError):
        return None
    return candidates


@pytest.mark.parametrize("folder", [row[0] for row in TOTALS])
def test_what_warcio_can_read_is_read_alike(real_data: Path, folder: str) -> None:
    compared = 0
    for path in archives(real_data / "warc" / folder):
        theirs = read_with_warcio(path)
        if theirs is None:
            continue
        name = f"{path.parent.name}/{path.name}"
        ours = [item for item in read(path) if not isinstance(item, FailedRecord)]
        assert (len(theirs), len(ours)) == COUNTS.get(name, (len(ours), len(ours))), name
        if name in COUNTS:
            continue
        longer = 0
        for (identity, url, payload), item in zip(theirs, ours, strict=True):
            assert identity in ("", item.place.record_id), path.name
            assert url.replace(" ", "%20") == (item.place.url or "").replace(" ", "%20"), path.name
            if isinstance(item, Record):
                assert isinstance(item.content, bytes)
                assert item.content.endswith(payload), (path.name, url)
                longer += len(item.content) > len(payload)
        assert longer == LONGER_CONTENTS.get(path.name, 0), path.name
        compared += 1
    assert compared or folder in ("anserini_samples", "cc_net_wet")


@pytest.mark.parametrize(
    ("name", "count"), [("small-sample-1213893279526_0", 145), ("small-sample-1262850551027_8", 8)]
)
def test_arc_files_give_what_their_clean_repacks_give(
    real_data: Path, name: str, count: int
) -> None:
    folder = real_data / "warc" / "chatnoir_copycat_commoncrawl"
    arc, repacked = (
        [
            (item.place.url, item.content if isinstance(item, Record) else reason(item))
            for item in read(folder / f"{name}{suffix}")
        ]
        for suffix in (".arc", ".from-arc.warc.gz")
    )
    assert len(arc) == count
    assert arc == repacked


def reason(item: ReaderItem) -> str:
    assert isinstance(item, GatedRecord)
    return item.reason


def test_each_place_leads_back_to_its_record(real_data: Path) -> None:
    for path in archives(real_data / "warc"):
        stored = path.read_bytes()
        for item in [item for item in read(path) if item.place.record_id][-1:]:
            rest = WarcReader().read(io.BytesIO(stored[item.place.offset :]), path.name)
            assert item.place.record_id in {other.place.record_id for other in rest}, path.name
