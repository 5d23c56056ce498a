"""Decoding and extraction over real pages, with the quality that was measured as a floor."""

import gzip
import time
from collections import Counter
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
from fastwarc.warc import ArchiveIterator, WarcRecordType

from filters.decoding import UndecodableText, decode
from filters.extraction import Extracted, ExtractionError, ExtractorName, extract_text
from models.extraction_gold import BENCHMARK, extraction_accuracy, read_gold
from pipelines.sandbox import ExtractionSandbox

pytestmark = pytest.mark.real_data


def html_pages(folder: Path) -> dict[str, bytes]:
    pages = {}
    for path in sorted(folder.rglob("*.html*")):
        if "expected" in path.name or path.suffix not in (".html", ".gz"):
            continue
        content = path.read_bytes()
        name = str(path.relative_to(folder))
        pages[name] = gzip.decompress(content) if path.suffix == ".gz" else content
    return pages


@pytest.mark.parametrize(
    ("extractor", "floor"), [("resiliparse", 0.93), ("blocks", 0.945), ("trafilatura", 0.955)]
)
def test_the_main_text_of_news_pages_is_found(
    real_data: Path, extractor: ExtractorName, floor: float
) -> None:
    extract_text("<html><p>warm-up</p></html>", extractor=extractor)
    pairs = []
    seconds = 0.0
    for page in read_gold(real_data, BENCHMARK):
        start = time.process_time()
        found = extract_text(page.html, extractor=extractor).text
        seconds += time.process_time() - start
        pairs.append((page.text, found))
    accuracy = extraction_accuracy(pairs)
    print(
        f"\n{extractor}: P {accuracy.precision:.3f} R {accuracy.recall:.3f} F1 {accuracy.f1:.3f}, "
        f"{1000 * seconds / len(pairs):.2f} ms a page"
    )
    assert len(pairs) == 181
    assert accuracy.f1 >= floor


# Two pages of scripts alone, a feed, and a fragment that has no markup around it.
NO_HTML_TO_TRAFILATURA = [
    "newspaper3k/html/google_meta_refresh.html",
    "newspaper4k/html/google_meta_refresh.html",
    "newspaper4k/html/sample_rss.html",
    "python_goose/test_guardian1.html.gz",
]


@pytest.mark.parametrize(
    ("extractor", "refused"),
    [("resiliparse", []), ("blocks", []), ("trafilatura", NO_HTML_TO_TRAFILATURA)],
)
def test_every_page_comes_through_the_sandbox_as_without_it(
    real_data: Path, extractor: ExtractorName, refused: list[str]
) -> None:
    pages = html_pages(real_data / "html_gold")
    direct = sandboxed = 0.0
    children = set()
    errors = []
    with ExtractionSandbox(extractor=extractor, timeout_seconds=60) as sandbox:
        sandbox.extract(b"<html><p>warm-up</p></html>", charset=None)
        for name, content in pages.items():
            start = time.perf_counter()
            expected = outcome(partial(in_process, content, extractor))
            between = time.perf_counter()
            got = outcome(partial(sandbox.extract, content, charset=None))
            sandboxed += time.perf_counter() - between
            direct += between - start
            assert got == expected, name
            if isinstance(got, str):
                errors.append(name)
            assert sandbox._child is not None
            children.add(sandbox._child)
    print(
        f"\n{extractor}, {len(pages)} pages: {1000 * direct / len(pages):.2f} ms a page "
        f"in process, {1000 * sandboxed / len(pages):.2f} ms sandboxed"
    )
    assert len(pages) > 500
    assert len(children) == 1
    assert errors == refused


def in_process(content: bytes, extractor: ExtractorName) -> Extracted:
    html = decode(content, declared=None, html=True).text
    return extract_text(html, extractor=extractor)


def outcome(extract: Callable[[], Extracted]) -> Extracted | str:
    try:
        return extract()
    except ExtractionError as error:
        return f"{type(error).__name__}: {error}"


def test_pages_of_a_crawl_of_2008_are_decoded_as_they_declare(real_data: Path) -> None:
    folder = real_data / "warc" / "chatnoir_copycat_commoncrawl"
    charsets: Counter[str] = Counter()
    damaged = []
    for path in sorted(folder.glob("small-sample-*.from-arc.warc.gz")):
        with path.open("rb") as stream:
            for record in ArchiveIterator(stream, record_types=WarcRecordType.response):
                if record.http_headers is None or "html" not in (record.http_content_type or ""):
                    continue
                content = record.reader.read()
                try:
                    decoded = decode(content, declared=record.http_charset, html=True)
                except UndecodableText as error:
                    damaged.append(f"{record.headers['WARC-Target-URI']}: {error}")
                    continue
                charsets[decoded.charset] += 1
                if decoded.replacements > 1:
                    damaged.append(f"{record.headers['WARC-Target-URI']}: {decoded.replacements}")
    print(f"\n{charsets}")
    assert damaged == []
    assert charsets["utf-8"] > 50
    assert {"cp1252", "gb18030", "cp932", "euc_jis_2004", "cp1256", "iso8859-15"} <= set(charsets)
