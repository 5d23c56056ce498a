import gzip
import logging
import threading
from pathlib import Path
from tempfile import TemporaryDirectory

import platformdirs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from filters import url_lists
from filters.url_lists import Address, ListFile, UrlList

LABEL = st.text("ab1-", min_size=1, max_size=3)
HOST = st.lists(LABEL, min_size=1, max_size=4).map(".".join)


def covers(entries: UrlList, url: str) -> bool:
    return entries.covers(Address.of(url))


@given(st.lists(HOST, max_size=8), HOST)
def test_a_domain_covers_itself_and_all_hosts_below_it(domains: list[str], host: str) -> None:
    covered = any(host == domain or host.endswith(f".{domain}") for domain in domains)
    assert covers(UrlList.of(domains=domains), f"https://{host}/path?x=1") == covered


@pytest.mark.parametrize(
    ("url", "covered"),
    [
        ("https://example.com", True),
        ("HTTP://me:word@WWW.Example.COM.:8080/a?b#c", True),
        ("example.com/a", True),
        ("//example.com/a", True),
        ("https://notexample.com/", False),
        ("https://example.com.au/", False),
        ("https://b.org/?u=https://example.com/", False),
        ("https://münchen.de/", True),
        ("https://xn--mnchen-3ya.de/", True),
        ("https://192.168.0.1:80/", True),
        ("https://[2001:DB8::1]:443/x", True),
        ("https://example.com\\@b.org/", False),
        ("urn:uuid:8a2f", False),
        ("https://[broken/", False),
        ("", False),
        ("https://\ud800.example.com/", True),
    ],
)
def test_hosts_are_compared_without_case_port_user_and_spelling(url: str, covered: bool) -> None:
    domains = ["Example.com.", "# a.org", "", " MÜNCHEN.de ", "192.168.0.1", "[2001:db8::1]"]
    assert covers(UrlList.of(domains=domains), url) == covered


@pytest.mark.parametrize(
    ("url", "covered"),
    [
        ("https://tumblr.com/one", True),
        ("http://www.tumblr.com/one/?page=2#top", True),
        ("https://tumblr.com/One", False),
        ("https://tumblr.com/one/two", False),
        ("https://a.tumblr.com/one", False),
        ("https://b.org/list?id=7", True),
        ("https://b.org/list?id=8", False),
        ("https://c.org", True),
        ("https://c.org/other", False),
    ],
)
def test_pages_are_compared_without_scheme_and_with_the_query_that_the_entry_has(
    url: str, covered: bool
) -> None:
    pages = ["tumblr.com/one", "https://b.org/list?id=7", "# x.org/", "http://c.org/#top"]
    assert covers(UrlList.of(pages=pages), url) == covered


@given(st.lists(HOST | st.sampled_from(["# no", "", ".a.b", "a.b.", "x.org/a", "é.fr"])))
def test_a_file_gives_what_its_lines_give(
    lines: list[str],
) -> None:
    lines = [*lines, "last.org"]
    content = "\r\n".join(lines).encode()
    expected = UrlList.of(domains=lines)
    with TemporaryDirectory() as folder:
        plain, packed = Path(folder, "domains"), Path(folder, "domains.gz")
        plain.write_bytes(content)
        packed.write_bytes(gzip.compress(content))
        loaded = [url_lists.load([ListFile(path=path, kind="domains")]) for path in (plain, packed)]
    for entries in loaded:
        assert len(entries) == len(expected)
        for host in ("a.b", "x.org", "1.a.b", "xn--9ca.fr", "a", "no"):
            assert covers(entries, f"//{host}/") == covers(expected, f"//{host}/")


def long_list(folder: Path) -> ListFile:
    """A list that is long enough to be kept, and known to no other test."""
    path = folder / "domains"
    path.write_text("".join(f"host{i}.{folder.name}.example\n" for i in range(60_000)))
    return ListFile(path=path, kind="domains")


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(platformdirs, "user_cache_dir", lambda name: str(tmp_path / "cache" / name))
    monkeypatch.setattr(url_lists, "_LOADED", {})
    return tmp_path / "cache/thresher/url-lists"


def test_a_long_list_is_made_once_and_then_mapped_from_the_cache(
    tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = long_list(tmp_path)
    made = url_lists.load([file])
    [kept] = cache.iterdir()
    assert kept.stat().st_size < 60_000 * 8 + 200
    monkeypatch.setattr(url_lists, "_LOADED", {})
    monkeypatch.setattr(ListFile, "hashes", lambda _: pytest.fail("the list was read again"))
    mapped = url_lists.load([file])
    for entries in (made, mapped):
        assert len(entries) == 60_000
        assert covers(entries, f"https://www.host59999.{tmp_path.name}.example/")
        assert not covers(entries, f"https://host60000.{tmp_path.name}.example/")


def test_a_damaged_cache_is_made_again(
    tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = long_list(tmp_path)
    url_lists.load([file])
    [kept] = cache.iterdir()
    whole = kept.read_bytes()
    for damaged in (b"", whole[:1000], b"x" * 1000):
        kept.write_bytes(damaged)
        monkeypatch.setattr(url_lists, "_LOADED", {})
        assert len(url_lists.load([file])) == 60_000
        assert [path.read_bytes() for path in cache.iterdir()] == [whole]


def test_without_a_writable_cache_the_list_is_there_and_a_warning_too(
    tmp_path: Path, cache: Path, caplog: pytest.LogCaptureFixture
) -> None:
    cache.parent.parent.mkdir()
    cache.parent.write_text("a file where the folder should be")
    with caplog.at_level(logging.WARNING):
        assert len(url_lists.load([long_list(tmp_path)])) == 60_000
    assert "each process makes the list anew" in caplog.text


def test_threads_share_one_list(tmp_path: Path, cache: Path) -> None:
    file = long_list(tmp_path)
    loaded: list[UrlList] = []
    threads = [
        threading.Thread(target=lambda: loaded.append(url_lists.load([file]))) for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(loaded) == 4
    assert all(entries is loaded[0] for entries in loaded)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("domains", b"\xff\xfe\n", "not UTF-8 text; save the list as UTF-8"),
        ("domains.gz", b"a.org\n", "fetch the list again"),
        ("domains.gz", gzip.compress(b"a.org\n" * 9)[:-9], "fetch the list again"),
    ],
)
def test_what_is_no_list_is_told_with_its_path(
    tmp_path: Path, name: str, content: bytes, message: str
) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(ValueError, match=rf"{name}: .*{message}$"):
        url_lists.load([ListFile(path=path, kind="domains")])
