"""The pages that the comparison with peers is made of."""

import gzip
import json
from pathlib import Path

import pytest

from benchmarks.edited_pages import EditedPages, url_of, write_archive, write_texts
from filters.extraction import extract_text
from pipelines.readers.records import Record
from pipelines.readers.warc import WarcReader

_PARAGRAPH = "<p>" + " ".join(f"{word}{end}" for word in ("river", "house") for end in "abcdefgh")
_ORIGINALS = [
    f"<html><head><script>var kept = 'words here';</script></head><body>{_PARAGRAPH * 3}</body>",
    "<html><body><p>One short page of a few plain words stands here alone.</p></body>",
]


@pytest.fixture
def pages() -> EditedPages:
    return EditedPages(_ORIGINALS)


def test_a_page_depends_on_its_number_alone(pages: EditedPages) -> None:
    assert [pages.page(number) for number in range(30)] == [
        EditedPages(_ORIGINALS).page(number) for number in reversed(range(30))
    ][::-1]


def test_words_change_and_markup_stays(pages: EditedPages) -> None:
    page = pages.page(0)
    assert page != _ORIGINALS[0]
    assert page.startswith(_ORIGINALS[0].partition("<p>")[0])
    assert page.count("<p>") == 3
    before, after = (extract_text(html).text.split() for html in (_ORIGINALS[0], page))
    changed = sum(old != new for old, new in zip(before, after, strict=True))
    assert 0 < changed <= len(before) / 4 + 1


def test_some_pages_are_copies(pages: EditedPages) -> None:
    made = [pages.page(number) for number in range(200)]
    assert 2 <= len(made) - len(set(made)) <= 40


def test_the_archive_and_the_texts_hold_the_same_pages(pages: EditedPages, tmp_path: Path) -> None:
    made = [pages.page(number) for number in range(8)]
    write_archive(tmp_path / "pages.warc.gz", iter(made))
    write_texts(tmp_path / "documents.jsonl.gz", iter(made))
    with (tmp_path / "pages.warc.gz").open("rb") as file:
        records = [item for item in WarcReader().read(file, "pages") if isinstance(item, Record)]
    assert [(record.place.url, record.content) for record in records] == [
        (url_of(number), page.encode()) for number, page in enumerate(made)
    ]
    rows = map(
        json.loads, gzip.decompress((tmp_path / "documents.jsonl.gz").read_bytes()).splitlines()
    )
    assert list(rows) == [
        {"id": url_of(number), "url": url_of(number), "text": extract_text(page).text}
        for number, page in enumerate(made)
    ]
