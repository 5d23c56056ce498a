import gzip
import itertools
import pickle
import tarfile
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from datatrove.data import Document
from datatrove.pipeline.filters import URLFilter
from hypothesis import given
from hypothesis import strategies as st
from tldextract import TLDExtract
from warcio.archiveiterator import ArchiveIterator

from filters.text_view import TextView
from filters.url_rules import UrlRules, _assets

PUBLIC_SUFFIXES = TLDExtract(suffix_list_urls=(), cache_dir=None)
WORD_LISTS = ("banned_words", "soft_banned_words", "banned_subwords")


def values(rules: UrlRules, url: str | None) -> dict[str, Any]:
    return dict(rules.compute(TextView("any text", url=url)))


def written(folder: Path, **lists: list[str]) -> dict[str, Any]:
    """Write each list to a file; return the files' paths by name."""
    for name, lines in lists.items():
        (folder / name).write_text("".join(f"{line}\n" for line in lines))
    return {name: str(folder / name) for name in lists}


def datatrove_filter(*, domains: list[str], urls: list[str], **words: Any) -> URLFilter:
    """Datatrove's filter with these lists, by default with the words that it brings."""
    for name in WORD_LISTS:
        words.setdefault(name, (_assets() / f"{name}.txt").read_text().splitlines())
    made = URLFilter(use_integrated_lists=False, extra_domains=domains, extra_urls=urls, **words)
    # Its own would ask the network for the newest list of public suffixes.
    made.tldextractor = PUBLIC_SUFFIXES
    return made


def datatrove_keeps(of: URLFilter, url: str) -> bool:
    return of.filter(Document(text="", id="", metadata={"url": url})) is True


DOMAINS = ["bad-site.com", "worse.co.uk", "blog.fine.org", "192.0.2.1"]
PAGES = ["https://fine.org/one/two", "https://fine.org/list?id=7"]
HOSTS = [
    "bad-site.com",
    "www.bad-site.com",
    "notbad-site.com",
    "bad-site.com.au",
    "worse.co.uk",
    "sub.worse.co.uk",
    "co.uk",
    "fine.org",
    "blog.fine.org",
    "www.example.com",
    "sexy-girls.example.net",
    "essex-press.co.uk",
]
WORDS = ["sex", "xxx", "babes", "naked", "news", "one", "two", "list", "18abused", "girls", "hot"]
PATHS = st.lists(
    st.tuples(st.sampled_from(["/", "-", "_", ".", "", "%20"]), st.sampled_from(WORDS)), max_size=6
).map(lambda parts: "/" + "".join(itertools.chain.from_iterable(parts)).lstrip("/"))
QUERIES = st.sampled_from(["", "?id=7", "?q=naked+babes"])
URLS = st.one_of(
    st.builds("https://{}{}{}".format, st.sampled_from(HOSTS), PATHS, QUERIES),
    st.sampled_from(PAGES),
)


@pytest.fixture(scope="module")
def with_lists(tmp_path_factory: pytest.TempPathFactory) -> UrlRules:
    folder = tmp_path_factory.mktemp("lists")
    return UrlRules(categories=(), **written(folder, domains=DOMAINS, urls=PAGES))


@pytest.fixture(scope="module")
def reference() -> URLFilter:
    return datatrove_filter(domains=DOMAINS, urls=PAGES)


@given(url=URLS)
def test_decisions_are_those_of_datatrove(
    with_lists: UrlRules, reference: URLFilter, url: str
) -> None:
    assert (not with_lists.broken(url)) == datatrove_keeps(reference, url)


@given(
    lists=st.fixed_dictionaries(
        {name: st.lists(st.text("ab1-# ", min_size=1, max_size=4)) for name in WORD_LISTS}
    ),
    url=st.text("abAB1-/.? é", min_size=1, max_size=30).map("https://".__add__),
)
def test_decisions_on_any_words_are_those_of_datatrove_for_an_address_in_lower_case(
    lists: dict[str, list[str]], url: str
) -> None:
    # A line that holds no word would ban every address there.
    lists = {
        name: [word for word in words if any(map(str.isalnum, word))] or ["zz"]
        for name, words in lists.items()
    }
    lists = {name: [*words, "zzz"] for name, words in lists.items()}
    expected = datatrove_keeps(datatrove_filter(domains=[], urls=[], **lists), url.lower())
    with TemporaryDirectory() as folder:
        rules = UrlRules(categories=(), **written(Path(folder), **lists))
        assert (not rules.broken(url.lower())) == expected


@pytest.mark.parametrize(
    ("url", "broken", "why"),
    [
        ("https://example.com/XXX", "url.banned_word_count", "an address is written in any case"),
        ("https://WWW.Bad-Site.com/", "url.blocked_domain", "hosts have no case"),
        ("https://a.blog.fine.org/", "url.blocked_domain", "each domain above a host counts"),
        ("http://fine.org/one/two#top", "url.blocked_page", "a page is one page by any scheme"),
        ("https://192.0.2.1/", "url.blocked_domain", "an address of numbers is a host"),
    ],
)
def test_what_datatrove_misses_is_found(
    with_lists: UrlRules, reference: URLFilter, url: str, broken: str, why: str
) -> None:
    assert datatrove_keeps(reference, url), why
    assert with_lists.broken(url) == [broken], why


@pytest.mark.real_data
def test_decisions_on_real_addresses_are_those_of_datatrove(
    with_lists: UrlRules, reference: URLFilter, real_data: Path
) -> None:
    urls = set()
    for path in sorted((real_data / "warc/chatnoir_copycat_commoncrawl").glob("*.warc.gz")):
        with path.open("rb") as file:
            for record in ArchiveIterator(file):
                urls.add(record.rec_headers.get_header("WARC-Target-URI") or "")
    urls = {url.lower() for url in urls if url.startswith("http")}
    assert len(urls) > 300
    kept = {url for url in urls if datatrove_keeps(reference, url)}
    assert {url for url in urls if not with_lists.broken(url)} == kept
    assert 0 < len(urls - kept) < 20


def test_the_list_that_comes_along_holds_every_entry_and_no_more() -> None:
    rules = UrlRules()
    with tarfile.open(_assets() / "url_filterblacklistsv0_3_0.tar.gz") as archive:
        domains, pages = (
            archive.extractfile(name).read().decode().split()  # type: ignore[union-attr]
            for name in ("domains", "urls")
        )
    assert len(domains) > 4_500_000
    listed = set(itertools.islice(domains, 0, None, 9_973))
    for domain in listed:
        assert values(rules, f"http://www.{domain}/x")["url.ut1_adult"] is True
    for page in pages[::997]:
        assert values(rules, f"https://{page}")["url.ut1_adult"] is True
    for domain in listed:
        assert values(rules, f"https://{domain}.thresher.example/")["url.ut1_adult"] is False


def test_a_folder_of_ut1_gives_a_signal_a_category(tmp_path: Path) -> None:
    for category, name, content in (
        ("adult", "domains.gz", gzip.compress(b"adult.example\n")),
        ("adult", "urls", b"fine.example/adult\n"),
        ("social-networks", "domains", b"friends.example\n"),
    ):
        (tmp_path / category).mkdir(exist_ok=True)
        (tmp_path / category / name).write_bytes(content)
    rules = UrlRules(ut1=str(tmp_path), categories=("adult", "social-networks"))
    rules.load()
    found = [
        [name for name, value in values(rules, url).items() if value]
        for url in (
            "https://www.adult.example/",
            "https://fine.example/adult/",
            "https://friends.example/",
            "https://fine.example/",
        )
    ]
    assert found == [["url.ut1_adult"], ["url.ut1_adult"], ["url.ut1_social_networks"], []]


def test_values_of_a_page_that_breaks_every_rule(tmp_path: Path) -> None:
    lists = written(tmp_path, domains=["bad.org"], urls=["https://bad.org/hot-naked-babes/xxx"])
    rules = UrlRules(domains=lists["domains"], urls=lists["urls"])
    url = "https://bad.org/hot-naked-babes/xxx?p=deepthroat"
    assert values(rules, url) == {
        "url.ut1_adult": False,
        "url.blocked_domain": True,
        "url.blocked_page": True,
        "url.banned_word_count": 2,
        "url.soft_banned_word_count": 2,
        "url.banned_subword_count": 1,
    }


def test_without_an_address_or_a_host_there_is_nothing_to_say() -> None:
    rules = UrlRules()
    assert set(values(rules, None).values()) == {None}
    assert "_lists" not in vars(rules), "a document without an address costs no list"
    assert values(rules, "https:///nude") == {
        "url.ut1_adult": None,
        "url.banned_word_count": 0,
        "url.soft_banned_word_count": 1,
        "url.banned_subword_count": 0,
    }


def test_a_loaded_family_is_as_small_to_send_as_a_new_one() -> None:
    rules = UrlRules()
    new = pickle.dumps(rules)
    rules.load()
    assert pickle.dumps(rules) == new
    assert len(new) < 1_000
    assert pickle.loads(new) == rules


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"categories": ("gambling",)}, "datatrove's copy of UT1 has no `gambling`; give UT1's"),
        ({"categories": ("../x",)}, "`../x` is no category of UT1"),
        ({"ut1": "x", "categories": ("a-b", "a_b")}, "a category is there twice"),
    ],
)
def test_categories_that_are_none_are_refused(parameters: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        UrlRules(**parameters)


def test_what_is_wrong_with_a_list_is_told_when_it_is_loaded(tmp_path: Path) -> None:
    (tmp_path / "gambling").mkdir()
    (tmp_path / "gambling/domains").write_text("a.org\n")
    with pytest.raises(ValueError, match=r"no adult/domains and no .*; there are: gambling$"):
        UrlRules(ut1=str(tmp_path)).load()
    lists = written(tmp_path, banned_words=["# none", "---"])
    with pytest.raises(ValueError, match="banned_words: no line of it holds a word"):
        UrlRules(categories=(), **lists).load()
    (tmp_path / "banned_words").write_bytes(b"\xff")
    with pytest.raises(ValueError, match="banned_words: not UTF-8 text"):
        UrlRules(categories=(), **lists).load()
