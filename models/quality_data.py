"""The texts that the shipped quality models are trained and evaluated on, in passages.

Positives are edited: encyclopedia, news, books, speeches. Negatives are ordinary or poor: pages of
real crawls with their menus and offers, chat, messages, comments. Each function reads a folder of
real data (``DATA`` of the Makefile), source by source.
"""

import csv
import gzip
import html
import json
import re
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from fastwarc.warc import ArchiveIterator, WarcRecordType

from filters.decoding import UndecodableText, decode
from filters.extraction import ExtractionError, extract_text
from filters.gutenberg import strip_boilerplate
from models.labelled_text import LabelledText
from models.language import LanguageIdentifier
from models.published_data import general_english, harmful_english

# Characters of a passage: a few paragraphs, as a short page has.
_PASSAGE = {"en": 1_200, "zh": 400}
_PASSAGES_A_BOOK = 30
_PASSAGES_A_SOURCE = 2_000


def quality_english(data: Path) -> list[LabelledText]:
    """Return English passages with a label for quality."""
    corpora = data / "quality/nltk_corpora"
    leipzig = [text for text in general_english(data) if "wikipedia" in text.source]
    positives = {
        "leipzig_wikipedia": [text.text for text in leipzig],
        "wikitext": _wikitext(data / "quality/wikitext2/valid.txt"),
        "xquad_en": _contexts(data / "quality/xquad_wikipedia/xquad_contexts.jsonl", "en"),
        "gutenberg_en": _books(sorted(data.glob("gutenberg/top100_2025/**/*.txt.gz"))),
        "abc_news": _zipped(corpora / "abc.zip", r"\.txt$"),
        "speeches": [
            *_zipped(corpora / "inaugural.zip", r"\.txt$"),
            *_zipped(corpora / "state_union.zip", r"\.txt$"),
        ],
        "news_articles": _news(data / "html_gold/scrapinghub_aeb/ground-truth.json"),
    }
    tweets = (text.text for text in harmful_english(data) if text.source == "davidson")
    folder = data / "warc/chatnoir_copycat_commoncrawl"
    negatives = {
        "crawl_2008": _pages(folder / "small-sample-1213893279526_0.from-arc.warc.gz"),
        "crawl_2010": _pages(folder / "small-sample-1262850551027_8.from-arc.warc.gz"),
        "web_chat": _zipped(corpora / "nps_chat.zip", r"posts\.xml$"),
        "web_text": _zipped(corpora / "webtext.zip", r"(firefox|overheard|singles|wine)\.txt$"),
        "messages": _messages(data / "toxic/sms_spam_en/spam.csv.gz"),
        "tweets": tweets,
    }
    return _labelled(positives, negatives, language="en")


def quality_chinese(data: Path) -> list[LabelledText]:
    """Return Chinese passages with a label for quality."""
    sentences = data / "langid/lingua_sentences/zh.txt.gz"
    positives = {
        "cmrc_wikipedia": _contexts(data / "quality/cmrc2018_wikipedia_zh/cmrc2018_contexts.jsonl"),
        "xquad_zh": _contexts(data / "quality/xquad_wikipedia/xquad_contexts.jsonl", "zh"),
        "classic_novels": _books(sorted(data.glob("zh/four_classics/*.txt.gz")), encoding="utf-8"),
        "news_sentences": gzip.decompress(sentences.read_bytes()).decode().splitlines(),
    }
    web = data / "quality/chinesewebtext"
    with gzip.open(data / "toxic/coldataset_zh/train.csv.gz", "rt", encoding="utf-8-sig") as file:
        comments = [row["TEXT"] for row in csv.DictReader(file)]
    negatives = {
        "web_crawl": _jsonl(web / "2021-43/cleared1.jsonl", "raw_content"),
        "dirty_web": _jsonl(web / "fasttext/data/dirty.jsonl", "text"),
        "comments": comments,
    }
    return _labelled(positives, negatives, language="zh")


def _labelled(
    positives: Mapping[str, Iterable[str]], negatives: Mapping[str, Iterable[str]], *, language: str
) -> list[LabelledText]:
    return [
        LabelledText(text=passage, positive=positive, source=source)
        for sources, positive in ((positives, True), (negatives, False))
        for source, texts in sources.items()
        for passage in _spread(list(_passages(texts, _PASSAGE[language])))
    ]


def _passages(texts: Iterable[str], size: int) -> Iterator[str]:
    """Join lines to passages of about ``size`` characters; cut what is longer at line ends."""
    lines: list[str] = []
    length = 0
    for text in texts:
        for line in text.split("\n"):
            lines.append(line)
            length += len(line)
            if length >= size:
                yield "\n".join(lines).strip()
                lines, length = [], 0
    # What is left over is a short text of the same kind.
    if length >= size / 4:
        yield "\n".join(lines).strip()


def _spread(passages: list[str]) -> list[str]:
    step = -(-len(passages) // _PASSAGES_A_SOURCE) or 1
    return passages[::step]


def _wikitext(path: Path) -> Iterator[str]:
    text = path.read_text(encoding="utf-8")
    # The corpus parts its marks by spaces and marks hyphens: no page is written like that.
    text = re.sub(r" @([-,.])@ ", r"\1", text).replace("<unk>", "")
    text = re.sub(r" ([,.;:!?)%])", r"\1", text).replace("( ", "(").replace(" 's", "'s")
    for line in text.splitlines():
        if len(line) > 100:
            yield line.replace(' " ', ' "').strip()


def _contexts(path: Path, language: str | None = None) -> Iterator[str]:
    with path.open(encoding="utf-8") as file:
        for row in map(json.loads, file):
            if language is None or row["lang"] == language:
                yield row["text"]


def _jsonl(path: Path, column: str) -> Iterator[str]:
    with path.open(encoding="utf-8") as file:
        for line in file:
            yield json.loads(line)[column]


def _books(paths: list[Path], *, encoding: str = "utf-8") -> Iterator[str]:
    for path in paths:
        body = strip_boilerplate(gzip.decompress(path.read_bytes()).decode(encoding)).body
        paragraphs = [" ".join(part.split()) for part in re.split(r"\n\s*\n", body)]
        long = [paragraph for paragraph in paragraphs if len(paragraph) > 200] or paragraphs
        step = max(1, len(long) // (_PASSAGES_A_BOOK * 3))
        yield from long[::step]


def _zipped(path: Path, pattern: str) -> Iterator[str]:
    with zipfile.ZipFile(path) as archive:
        for name in sorted(archive.namelist()):
            if not re.search(pattern, name):
                continue
            text = archive.read(name).decode("latin-1")
            if path.stem == "nps_chat":
                posts = re.findall(r"<Post [^>]*>([^<]*)", text)
                text = "\n".join(html.unescape(post).strip() for post in posts)
            yield text


def _news(path: Path) -> Iterator[str]:
    for article in json.loads(path.read_text(encoding="utf-8")).values():
        yield article["articleBody"]


def _messages(path: Path) -> Iterator[str]:
    with gzip.open(path, "rt", encoding="latin-1", newline="") as file:
        for row in csv.reader(file):
            yield row[1]


def _pages(path: Path) -> Iterator[str]:
    """Yield the text of an archive's English pages, menus and all."""
    identifier = LanguageIdentifier()
    with path.open("rb") as file:
        for record in ArchiveIterator(file, record_types=WarcRecordType.response, parse_http=True):
            kind = (record.http_content_type or "").lower()
            if "html" not in kind:
                continue
            try:
                page = decode(record.reader.read(), declared=record.http_charset, html=True).text
                text = extract_text(page, extractor="resiliparse").text
            except (UndecodableText, ExtractionError):
                continue
            if len(text) >= 200 and identifier.identify(text)[0] == "en":
                yield text
