import argparse
import gzip
import io
import json
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from datatrove.pipeline.filters import c4_filters
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from filters.banned_words import BannedWords
from filters.text_view import TextView
from pipelines import fetch, fetch_progress, http_client
from pipelines.download import Outcome
from pipelines.errors import UserError
from pipelines.fetch_catalogues import SAFE_PATH
from tests.file_server import Fault, FileServer, serving

CRAWL = "CC-MAIN-2024-51"
FOLDER = f"crawl-data/{CRAWL}"
WARCS = [f"{FOLDER}/segments/1.{n}/warc/CC-MAIN-0000{n}.warc.gz" for n in range(4)]
WET = f"{FOLDER}/segments/1.0/wet/CC-MAIN-00000.warc.wet.gz"
CONTENT = {path: random.Random(path).randbytes(50_000 + len(path)) for path in [*WARCS, WET]}
FEEDS = "cache/epub/feeds"
BOOKS = {
    "cache/epub/11/pg11.txt": b"Alice",
    "files/84/84-0.txt": "Frankenstein\u2019s".encode(),
    "files/85/85-8.txt": "Björn".encode("latin-1"),
    "files/86/86.txt": b"A Connecticut Yankee",
    f"{FEEDS}/pg_catalog.csv.gz": gzip.compress(b"Text#,Type"),
    f"{FEEDS}/rdf-files.tar.bz2": b"records",
    f"{FEEDS}/txt-files.tar.zip": b"all the books",
}


@pytest.fixture
def server(tmp_path: Path) -> Iterator[FileServer]:
    with serving(tmp_path / "served") as server:
        for path, content in {**CONTENT, **BOOKS}.items():
            server.put(path, content)
        put_list(server, "warc", WARCS)
        put_list(server, "wet", [WET])
        crawls = ["CC-MAIN-2025-05", CRAWL, "CC-MAIN-2024-46", "CC-MAIN-2013-20"]
        server.put("collinfo.json", json.dumps([{"id": name} for name in crawls]).encode())
        yield server


def put_list(server: FileServer, kind: str, paths: list[str]) -> None:
    lines = "".join(f"{path}\n" for path in paths)
    server.put(f"{FOLDER}/{kind}.paths.gz", gzip.compress(lines.encode()))


@pytest.fixture
def into(tmp_path: Path) -> Path:
    return tmp_path / "new" / "into"


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_client, "FIRST_BACKOFF_SECONDS", 0.001)


def parse(*arguments: object) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    fetch.add_parser(parser.add_subparsers())
    return parser.parse_args(["fetch", *map(str, arguments)])


def run(*arguments: object) -> int:
    parsed = parse(*arguments)
    code = parsed.run(parsed)
    assert isinstance(code, int)
    return code


def common_crawl(server: FileServer, *arguments: object, crawl: str = CRAWL) -> int:
    return run("commoncrawl", crawl, "--base-url", server.url, *arguments)


def gutenberg(server: FileServer, *arguments: object) -> int:
    return run("gutenberg", "--base-url", f"{server.url}/", "--delay", "0", *arguments)


def files(folder: Path) -> dict[str, bytes]:
    return {
        file.relative_to(folder).as_posix(): file.read_bytes()
        for file in folder.rglob("*")
        if file.is_file() and file.name != ".thresher-fetch"
    }


def below_crawl_data(*paths: str) -> dict[str, bytes]:
    return {path.removeprefix("crawl-data/"): CONTENT[path] for path in paths}


def table(fetched: tuple[int, int], here: tuple[int, int], failed: tuple[int, int]) -> str:
    rows = zip(("fetched", "already here", "failed"), (fetched, here, failed), strict=True)
    lines = (f"{name:<14}{count:>7}{length:>16,}\n" for name, (count, length) in rows)
    return f"{'':<14}{'files':>7}{'bytes':>16}\n" + "".join(lines)


def lengths(*paths: str) -> int:
    return sum(len({**CONTENT, **BOOKS}[path]) for path in paths)


def test_the_first_archives_of_a_crawl(
    server: FileServer, into: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert common_crawl(server, "--first", 3, "--into", into) == 0
    assert files(into) == below_crawl_data(*WARCS[:3])
    out, err = capsys.readouterr()
    assert out == table((3, lengths(*WARCS[:3])), (0, 0), (0, 0))
    assert sorted(err.splitlines()) == [
        f"fetched: {path.removeprefix('crawl-data/')}, 50.1 kB" for path in WARCS[:3]
    ]
    assert server.requests[0].user_agent.startswith("thresher/0.")  # type: ignore[union-attr]


def test_a_second_run_asks_for_the_list_alone(
    server: FileServer, into: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    common_crawl(server, "--first", 2, "--into", into)
    capsys.readouterr()
    server.requests.clear()
    assert common_crawl(server, "--first", 2, "--into", into) == 0
    assert capsys.readouterr().out == table((0, 0), (2, lengths(*WARCS[:2])), (0, 0))
    assert [request.path for request in server.requests] == [f"/{FOLDER}/warc.paths.gz"]


def test_one_archive_of_bare_text_is_what_is_fetched_unless_more_is_asked_for(
    server: FileServer, into: Path
) -> None:
    assert common_crawl(server, "--kind", "wet", "--into", into) == 0
    assert files(into) == below_crawl_data(WET)


def test_chosen_archives(server: FileServer, into: Path, tmp_path: Path) -> None:
    chosen = tmp_path / "chosen.txt"
    lines = ["# two", WARCS[2], "", f"{server.url}/{WARCS[0]}\t50,000\t50 kB", WARCS[2]]
    chosen.write_text("\n".join(lines))
    assert common_crawl(server, "--paths", chosen, "--workers", 1, "--into", into) == 0
    assert files(into) == below_crawl_data(WARCS[2], WARCS[0])
    assert server.asked() == [WARCS[2], WARCS[0]]


def test_a_list_of_sizes_that_can_be_fed_back(
    server: FileServer, into: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert common_crawl(server, "--first", 2, "--list") == 0
    out = capsys.readouterr().out
    assert out.splitlines() == [
        *(f"{path}\t{len(CONTENT[path])}\t50.1 kB" for path in WARCS[:2]),
        "# 2 files, 100.1 kB",
    ]
    assert server.asked("GET") == [f"{FOLDER}/warc.paths.gz"]
    listed = tmp_path / "listed.txt"
    listed.write_text(out)
    assert common_crawl(server, "--paths", listed, "--into", into) == 0
    assert files(into) == below_crawl_data(*WARCS[:2])


def test_a_dry_run_moves_nothing(
    server: FileServer, into: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert common_crawl(server, "--into", into, "--dry-run") == 0
    assert gutenberg(server, "--ids", 11, "--catalogue", "--dry-run") == 0
    assert capsys.readouterr().out.splitlines() == [
        f"{server.url}/{WARCS[0]} -> {WARCS[0].removeprefix('crawl-data/')}",
        f"{server.url}/{FEEDS}/pg_catalog.csv.gz -> pg_catalog.csv.gz",
        f"{server.url}/cache/epub/11/pg11.txt -> pg11.txt (or 3 others)",
    ]
    assert not into.exists()
    assert server.asked() == [f"{FOLDER}/warc.paths.gz"]


def test_one_failure_is_told_and_the_others_arrive(
    server: FileServer, into: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (server.folder / WARCS[1]).unlink()
    server.fail(WARCS[2], *[Fault(cut_after=20_000)] * 2)
    assert common_crawl(server, "--first", 3, "--retries", 0, "--into", into) == 1
    gone, cut = (path.removeprefix("crawl-data/") for path in WARCS[1:3])
    failed = {
        f"failed: {gone}: 404 Not Found for {server.url}/{WARCS[1]}",
        f"failed: {cut}: connection to {server.url[7:]} was cut (tried 1 times)",
    }
    out = capsys.readouterr().out
    assert out.startswith(table((1, lengths(WARCS[0])), (0, 0), (2, 20_000)))
    assert set(out.splitlines()[4:]) == failed
    assert files(into)[cut + ".part"] == CONTENT[WARCS[2]][:20_000]

    server.put(WARCS[1], CONTENT[WARCS[1]])
    assert common_crawl(server, "--first", 3, "--into", into) == 0
    assert server.ranges(WARCS[2])[1:] == ["bytes=20000-", "bytes=40000-"]
    assert files(into) == below_crawl_data(*WARCS[:3])


def test_a_busy_server_gets_its_pause(
    server: FileServer, into: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    busy = Fault(status=503, headers={"Retry-After": "0"})
    server.fail(f"{FOLDER}/warc.paths.gz", busy)
    server.fail(WARCS[0], busy)
    assert common_crawl(server, "--into", into) == 0
    told = [line for line in capsys.readouterr().err.splitlines() if line.startswith("again")]
    assert len(told) == 2
    assert all("in 0.0 s" in line and "503 Service Unavailable" in line for line in told)


def test_a_list_that_can_not_be_had_is_one_line(
    server: FileServer, into: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    server.fail(f"{FOLDER}/warc.paths.gz", Fault(status=403))
    assert common_crawl(server, "--into", into) == 1
    url = f"{server.url}/{FOLDER}/warc.paths.gz"
    assert capsys.readouterr() == ("", f"thresher fetch: 403 Forbidden for {url}\n")


@pytest.mark.parametrize(
    "content",
    [b"not gzip", gzip.compress(b"a/b")[:-9], gzip.compress(b"")],
    ids=["not gzip", "cut short", "empty"],
)
def test_a_list_that_is_no_list_is_one_line(
    server: FileServer, into: Path, capsys: pytest.CaptureFixture[str], content: bytes
) -> None:
    server.put(f"{FOLDER}/warc.paths.gz", content)
    assert common_crawl(server, "--into", into) == 1
    assert capsys.readouterr().err.count("\n") == 1


EVIL = [
    "/etc/passwd",
    f"{FOLDER}/../../../evil",
    f"{FOLDER}/./evil",
    f"{FOLDER}//evil",
    f"{FOLDER}/.hidden",
    f"{FOLDER}/a\\..\\evil",
    f"{FOLDER}/%2e%2e/evil",
    "crawl-data/CC-MAIN-2013-20/other",
    "evil",
]


@pytest.mark.parametrize("path", EVIL)
def test_a_listed_path_never_leads_out_of_the_folder(
    server: FileServer, into: Path, capsys: pytest.CaptureFixture[str], path: str
) -> None:
    put_list(server, "warc", [path])
    assert common_crawl(server, "--into", into) == 1
    assert capsys.readouterr().err == (
        f"thresher fetch: the server lists {path!r}, which is not of {CRAWL}\n"
    )
    assert not into.exists()


@pytest.mark.parametrize("path", EVIL)
def test_a_chosen_path_never_leads_out_of_the_folder(
    server: FileServer, into: Path, tmp_path: Path, path: str
) -> None:
    chosen = tmp_path / "chosen.txt"
    chosen.write_text(f"{WARCS[0]}\n{path}\n")
    with pytest.raises(UserError) as error:
        common_crawl(server, "--paths", chosen, "--into", into)
    assert str(error.value) == f"{chosen}, line 2: not a path below {FOLDER}/"
    assert server.requests == []


@given(path=st.text(alphabet="a.~/\\%:-_\0 \n", max_size=12))
def test_a_safe_path_stays_below_any_folder(path: str) -> None:
    if SAFE_PATH.fullmatch(path):
        parts = Path("/into", path).parts
        assert parts[:2] == ("/", "into")
        assert "/".join(parts[2:]) == path
        assert not any(part.startswith(".") for part in parts)


@pytest.mark.parametrize(
    ("crawl", "kind", "message"),
    [
        ("CC-MAIN-2024-52", "warc", "no such crawl at {}; the nearest are CC-MAIN-2024-51, "),
        ("2024-51", "warc", "no such crawl at {}; the nearest are CC-MAIN-2024-51, "),
        ("../CC-MAIN-2024-51", "warc", "no such crawl at {}; the nearest are CC-MAIN-2024-51, "),
        ("CC-MAIN-2013-20", "wet", "this crawl has no wet files at {}"),
        ("CC-NEWS/2024/12", "wet", "no wet files; name a month (CC-NEWS/2024/12), --kind warc"),
    ],
)
def test_a_crawl_that_is_not_there(
    server: FileServer, into: Path, crawl: str, kind: str, message: str
) -> None:
    with pytest.raises(UserError) as error:
        common_crawl(server, "--kind", kind, "--into", into, crawl=crawl)
    assert str(error.value).startswith(f"{crawl}: " + message.format(server.url))
    assert not into.exists()


@pytest.mark.parametrize("crawls", [None, b"{", b"[1]", b"[]"])
def test_a_crawl_that_is_not_there_and_no_list_of_crawls(
    server: FileServer, into: Path, crawls: bytes | None
) -> None:
    if crawls is None:
        (server.folder / "collinfo.json").unlink()
    else:
        server.put("collinfo.json", crawls)
    with pytest.raises(UserError) as error:
        common_crawl(server, "--into", into, crawl="CC-MAIN-1999-01")
    assert str(error.value) == (
        f"CC-MAIN-1999-01: no such crawl at {server.url}; the names look like CC-MAIN-2024-51"
    )


def test_a_month_of_news(server: FileServer, into: Path) -> None:
    path = server.folder / "crawl-data/CC-NEWS/2024/12/warc.paths.gz"
    path.parent.mkdir(parents=True)
    path.write_bytes(gzip.compress(b"crawl-data/CC-NEWS/2024/12/CC-NEWS-1.warc.gz\n"))
    server.put("crawl-data/CC-NEWS/2024/12/CC-NEWS-1.warc.gz", b"news")
    assert common_crawl(server, "--into", into, crawl="CC-NEWS/2024/12") == 0
    assert files(into) == {"CC-NEWS/2024/12/CC-NEWS-1.warc.gz": b"news"}


def test_books_under_any_of_their_names(
    server: FileServer, into: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert gutenberg(server, "--ids", 11, 84, 85, 86, 11, "--into", into) == 0
    paths = [path for path in BOOKS if not path.startswith(FEEDS)]
    assert files(into) == {path.rpartition("/")[2]: BOOKS[path] for path in paths}
    assert capsys.readouterr().out == table((4, lengths(*paths)), (0, 0), (0, 0))
    server.requests.clear()
    assert gutenberg(server, "--ids", 11, 84, 85, 86, "--into", into) == 0
    assert server.requests == []


def test_a_book_that_is_not_there_is_named(
    server: FileServer, into: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert gutenberg(server, "--ids", 999999, "--into", into) == 1
    first = f"{server.url}/cache/epub/999999/pg999999.txt"
    assert capsys.readouterr().out == table((0, 0), (0, 0), (1, 0)) + (
        f"failed: book 999999: 404 Not Found for {first} (nor under 3 other names)\n"
    )
    assert server.most_active == 1
    assert files(into) == {}


def test_the_archive_and_the_catalogues(server: FileServer, into: Path) -> None:
    assert gutenberg(server, "--weekly", "--catalogue", "--rdf", "--into", into) == 0
    feeds = {path: content for path, content in BOOKS.items() if path.startswith(FEEDS)}
    assert files(into) == {path.rpartition("/")[2]: body for path, body in feeds.items()}

    server.requests.clear()
    newer = server.put(f"{FEEDS}/pg_catalog.csv.gz", gzip.compress(b"Text#,Kind"))
    assert gutenberg(server, "--weekly", "--catalogue", "--into", into) == 0
    assert server.asked("HEAD") == [
        f"{FEEDS}/{n}" for n in ("pg_catalog.csv.gz", "txt-files.tar.zip")
    ]
    assert server.asked("GET") == [f"{FEEDS}/pg_catalog.csv.gz"]
    assert files(into)["pg_catalog.csv.gz"] == newer


def test_books_from_a_file(server: FileServer, into: Path, tmp_path: Path) -> None:
    ids = tmp_path / "ids.txt"
    ids.write_text("11  # Alice\n\n84\n")
    assert gutenberg(server, "--ids-file", ids, "--into", into) == 0
    assert sorted(files(into)) == ["84-0.txt", "pg11.txt"]


def test_gutenberg_is_asked_gently_unless_told_otherwise() -> None:
    arguments = parse("gutenberg", "--ids", 1)
    assert (arguments.workers, arguments.delay) == (1, 2.0)
    assert arguments.base_url == "https://www.gutenberg.org"
    arguments = parse("commoncrawl", CRAWL)
    assert (arguments.workers, arguments.delay) == (2, 0.0)
    assert arguments.base_url == "https://data.commoncrawl.org"


def test_many_books_of_the_site_for_people_are_warned_of(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert run("gutenberg", "--dry-run", "--ids", *range(1, 101)) == 0
    assert capsys.readouterr().err == (
        "100 books: https://www.gutenberg.org is for people and blocks robots; "
        "better take --weekly, or a mirror by --base-url\n"
    )
    assert run("gutenberg", "--dry-run", "--ids", *range(1, 100)) == 0
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--into", "X"], "no book is named: give --ids, --ids-file, "),
        (["--ids", 1], "--into FOLDER is missing"),
        (
            ["--ids", 1, "--into", "gs://b/x"],
            "--into gs://b/x: fetch writes to a local folder only",
        ),
        (
            ["--ids", 1, "--into", "s3://b/x"],
            "--into s3://b/x: fetch writes to a local folder only",
        ),
        (["--ids", 1, "--into", "X", "--base-url", "ftp://x"], "--base-url ftp://x: not an http"),
        (["--ids", 1, "--into", "X", "--user-agent", "犬"], "--user-agent '犬': a header holds"),
        (["--ids-file", "absent", "--into", "X"], "--ids-file absent: cannot read it (No such"),
        (["--ids", 1, "--into", "FILE"], "--into FILE: cannot make this folder (File exists)"),
        (["--ids", 1, "--into", "FILE/x"], "--into FILE/x: cannot make this folder (Not a dir"),
        (["--ids-file", "FILE", "--into", "X"], "FILE, line 2: 'eleven' is not a whole number"),
        (["--ids-file", "EMPTY", "--into", "X"], "--ids-file EMPTY: no line of it says anything"),
    ],
)
def test_the_users_mistakes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[object], message: str
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("FILE").write_text("11\neleven\n")
    Path("EMPTY").write_text("# none\n")
    with pytest.raises(UserError) as error:
        run("gutenberg", *arguments)
    assert str(error.value).startswith(message)
    assert "\n" not in str(error.value)
    assert not Path("X").exists()


@pytest.mark.parametrize(
    ("scheme", "command"),
    [("gs", "gcloud storage cp -r FOLDER gs://b"), ("s3", "aws s3 cp --recursive FOLDER s3://b")],
)
def test_a_bucket_is_refused_with_the_command_that_copies(scheme: str, command: str) -> None:
    with pytest.raises(UserError, match=command):
        run("gutenberg", "--ids", 1, "--into", f"{scheme}://b")


@pytest.mark.parametrize(
    "arguments",
    [
        ["gutenberg", "--ids", "0"],
        ["gutenberg", "--ids", "-1"],
        ["gutenberg", "--ids", "1", "--ids-file", "x"],
        ["gutenberg", "--ids", "1", "--delay", "-1"],
        ["gutenberg", "--ids", "1", "--delay", "nan"],
        ["gutenberg", "--ids", "1", "--timeout", "0"],
        ["gutenberg", "--ids", "1", "--workers", "0"],
        ["gutenberg", "--ids", "1", "--limit-rate", "fast"],
        ["gutenberg", "--ids", "1", "--limit-rate", "0"],
        ["commoncrawl"],
        ["commoncrawl", CRAWL, "--kind", "arc"],
        [],
    ],
)
def test_options_that_make_no_sense_exit_with_2(arguments: list[str]) -> None:
    with pytest.raises(SystemExit) as exit_:
        parse(*arguments)
    assert exit_.value.code == 2


@pytest.mark.parametrize(
    ("text", "rate"), [("500", 500), ("500k", 5e5), ("2M", 2e6), ("1.5m", 1.5e6), ("1G", 1e9)]
)
def test_rates(text: str, rate: float) -> None:
    assert parse("gutenberg", "--limit-rate", text).limit_rate == rate


PROGRAM = """
import argparse, sys
from pipelines import fetch
parser = argparse.ArgumentParser()
fetch.add_parser(parser.add_subparsers())
arguments = parser.parse_args(sys.argv[1:])
sys.exit(arguments.run(arguments))
"""


def test_an_interrupted_run_keeps_its_part_for_the_next(server: FileServer, into: Path) -> None:
    content = server.put(WARCS[0], random.Random(1).randbytes(300_000))
    server.fail(WARCS[0], Fault(stall_after=200_000))
    options = ["fetch", "commoncrawl", CRAWL, "--base-url", server.url, "--into", str(into)]
    part = into / (WARCS[0].removeprefix("crawl-data/") + ".part")
    with subprocess.Popen(
        [sys.executable, "-c", PROGRAM, *options],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        deadline = time.monotonic() + 60
        while not (part.exists() and part.stat().st_size) and time.monotonic() < deadline:
            time.sleep(0.01)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=20)
    assert process.returncode == 130
    assert out == ""
    assert err == "interrupted: 0 fetched; the same command goes on where this one stopped\n"
    kept = part.stat().st_size
    assert part.read_bytes() == content[:kept]

    assert common_crawl(server, "--into", into) == 0
    assert server.ranges(WARCS[0]) == [None, f"bytes={kept}-"]
    assert files(into) == {WARCS[0].removeprefix("crawl-data/"): content}


def test_lines_come_every_ten_seconds() -> None:
    out = io.StringIO()
    now = [0.0]
    lines = fetch_progress.Lines(Console(file=out, width=40), clock=lambda: now[0])
    with lines.of(3):
        for _ in range(25):
            now[0] += 1
            lines.received("a", have=0, total=None, new=1000)
        lines.outcome(Outcome(name="a" * 60, status="failed", length=5, reason="[404] no"))
    assert out.getvalue().splitlines() == [
        "0 of 3 files, 10.0 kB received, 1.0 kB/s",
        "0 of 3 files, 20.0 kB received, 1.0 kB/s",
        f"failed: {'a' * 60}, 5 bytes, [404] no",
    ]


def test_bars_show_each_file_and_the_run() -> None:
    out = io.StringIO()
    console = Console(file=out, force_terminal=True, width=120, color_system=None)
    bars = fetch_progress.Bars(console)
    with bars.of(2):
        bars.received("folder/one.gz", have=2000, total=4000, new=2000)
        bars.retrying("folder/one.gz", reason="connection cut", seconds=2)
        bars.received("folder/one.gz", have=4000, total=4000, new=2000)
        bars.outcome(Outcome(name="folder/one.gz", status="fetched", length=4000))
        bars.outcome(Outcome(name="two", status="failed", length=0, reason="404"))
    shown = out.getvalue()
    assert "again in 2.0 s: folder/one.gz: connection cut" in shown
    assert "failed: two, 0 bytes, 404" in shown
    assert "one.gz" in shown.replace("folder/one.gz", "")
    assert "2 of 2 files" in shown


def test_word_lists_come_as_the_signals_of_banned_words_read_them(
    server: FileServer, into: Path
) -> None:
    for language in c4_filters._BADWORDS_LANGS:
        server.put(f"lists/{language}", f"word of {language}\n".encode())
    assert run("word-lists", "--base-url", f"{server.url}/lists", "--into", into) == 0
    words = BannedWords(lists=str(into))
    words.load()
    assert list(words.languages) == c4_filters._BADWORDS_LANGS
    assert dict(words.compute(TextView("Word of FR!", language="fr")))["banned_words.count"] == 1
