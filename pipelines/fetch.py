"""``thresher fetch``: bring dumps of Common Crawl and Project Gutenberg into a local folder.

Lists of banned words come on the same way.

The command line is here; :mod:`pipelines.fetch_catalogues` knows what files there are and where,
and :mod:`pipelines.download` moves the bytes.
"""

import argparse
import importlib.metadata
import os
import re
import sys
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import get_args

from rich.filesize import decimal

from pipelines.download import Download, Downloader, Outcome, Status
from pipelines.errors import UserError
from pipelines.fetch_catalogues import (
    COMMON_CRAWL,
    FEEDS,
    GUTENBERG,
    WORD_LIST_LANGUAGES,
    WORD_LISTS,
    Crawl,
    book,
    feed,
    word_list,
)
from pipelines.fetch_progress import progress
from pipelines.http_client import Client, DownloadError, Pace, StoppedError

# https://www.gutenberg.org/policy/robot_access.html: its own example waits two seconds.
GUTENBERG_DELAY_SECONDS = 2.0
# From this many on, the weekly archive or a mirror is the kinder way.
MANY_BOOKS = 100
COPY_COMMANDS = {
    "gs": "gcloud storage cp -r FOLDER {into}",
    "s3": "aws s3 cp --recursive FOLDER {into}",
}


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add ``fetch`` to the commands.

    The parsed arguments hold ``run``, a function of them that returns the exit code (0, 1 if a
    file failed, 130 if interrupted) and raises UserError for the user's mistakes.
    """
    parser = subparsers.add_parser(
        "fetch",
        help="bring dumps of Common Crawl or Project Gutenberg, or word lists, into a local folder",
        description="Bring dumps into a local folder. A run that was cut goes on where it was.",
    )
    sources = parser.add_subparsers(dest="source", required=True, metavar="SOURCE")
    _add_common_crawl(sources)
    _add_gutenberg(sources)
    _add_word_lists(sources)


def _add_common_crawl(sources: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = sources.add_parser("commoncrawl", help="archives of a crawl: WARC or WET files")
    parser.add_argument("crawl", help="CC-MAIN-2024-51, or CC-NEWS/2024/12 for a month of news")
    parser.add_argument(
        "--kind", choices=("warc", "wet"), default="warc", help="pages, or their bare text"
    )
    which = parser.add_mutually_exclusive_group()
    which.add_argument(
        "--first", type=_count, default=1, metavar="N", help="the first N of the list (1)"
    )
    which.add_argument(
        "--paths", type=Path, metavar="FILE", help="those that FILE lists, one path a line"
    )
    parser.add_argument(
        "--list", action="store_true", help="print paths and sizes, download nothing"
    )
    _add_common_options(parser, base_url=COMMON_CRAWL, workers=2, delay=0.0)
    parser.set_defaults(run=_run, plan=_common_crawl_downloads)


def _add_gutenberg(sources: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = sources.add_parser("gutenberg", help="books as plain text, and the catalogue")
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--ids", type=_count, nargs="+", metavar="ID", help="books by number")
    which.add_argument("--ids-file", type=Path, metavar="FILE", help="books by number, one a line")
    parser.add_argument(
        "--weekly", action="store_true", help="the archive of all books, about 10 GB"
    )
    parser.add_argument("--catalogue", action="store_true", help="the catalogue, pg_catalog.csv.gz")
    parser.add_argument("--rdf", action="store_true", help="the full records, rdf-files.tar.bz2")
    _add_common_options(parser, base_url=GUTENBERG, workers=1, delay=GUTENBERG_DELAY_SECONDS)
    parser.set_defaults(run=_run, plan=_gutenberg_downloads, list=False)


def _add_word_lists(sources: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    told = "LDNOOBW's banned words of 28 languages (CC-BY-4.0), a file for each"
    parser = sources.add_parser("word-lists", help=told, description=told)
    _add_common_options(parser, base_url=WORD_LISTS, workers=2, delay=0.0)
    parser.set_defaults(run=_run, plan=_word_list_downloads, list=False)


def _add_common_options(
    parser: argparse.ArgumentParser, *, base_url: str, workers: int, delay: float
) -> None:
    parser.add_argument("--into", metavar="FOLDER", help="local folder, made if it is not there")
    parser.add_argument(
        "--base-url", default=base_url, metavar="URL", help=f"another mirror ({base_url})"
    )
    parser.add_argument(
        "--workers", type=_count, default=workers, help=f"files at a time ({workers})"
    )
    parser.add_argument(
        "--delay", type=_seconds, default=delay, help=f"seconds from request to request ({delay})"
    )
    parser.add_argument(
        "--limit-rate", type=_rate, metavar="RATE", help="bytes a second in all: 500k, 2M"
    )
    parser.add_argument(
        "--retries", type=_whole, default=5, help="repetitions that get no further (5)"
    )
    parser.add_argument(
        "--timeout", type=_timeout, default=60.0, help="seconds without a byte (60)"
    )
    parser.add_argument("--user-agent", default=_user_agent(), help="what the client calls itself")
    parser.add_argument("--dry-run", action="store_true", help="print what would be fetched")


def _count(text: str) -> int:
    if not text.isascii() or not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from 1 on")
    return int(text)


def _whole(text: str) -> int:
    return 0 if text == "0" else _count(text)


def _seconds(text: str) -> float:
    if not re.fullmatch(r"\d+(\.\d+)?|\.\d+", text, re.ASCII):
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of seconds")
    return float(text)


def _timeout(text: str) -> float:
    if not (seconds := _seconds(text)):
        raise argparse.ArgumentTypeError("no answer comes in 0 seconds")
    return seconds


def _rate(text: str) -> float:
    """Read bytes a second: ``_rate("2M")`` is 2e6."""
    found = re.fullmatch(r"(\d+(?:\.\d+)?)([kKmMgG]?)", text, re.ASCII)
    if not found or float(found[1]) <= 0:
        raise argparse.ArgumentTypeError(f"{text!r} is not a rate such as 500k or 2M")
    return float(found[1]) * {"": 1.0, "k": 1e3, "m": 1e6, "g": 1e9}[found[2].lower()]


def _user_agent() -> str:
    try:
        version = importlib.metadata.version("thresher")
    except importlib.metadata.PackageNotFoundError:
        version = "unknown"
    return f"thresher/{version} (builds text corpora; runs by hand)"


def _run(arguments: argparse.Namespace) -> int:
    _check_options(arguments)
    stop = threading.Event()

    def sleep(seconds: float) -> None:
        if stop.wait(seconds):
            raise StoppedError

    outcomes: list[Outcome] = []
    shown = progress()
    client = Client(
        user_agent=arguments.user_agent,
        timeout=arguments.timeout,
        retries=arguments.retries,
        pace=Pace(delay=arguments.delay, limit_rate=arguments.limit_rate, sleep=sleep),
        sleep=sleep,
        listener=shown,
    )
    try:
        downloads: list[Download] = arguments.plan(arguments, client)
        if arguments.list:
            return _print_sizes(downloads, client)
        if arguments.dry_run:
            return _print_plan(downloads)
        folder = _made_folder(arguments.into)
        downloader = Downloader(client=client, folder=folder, workers=arguments.workers, stop=stop)
        with shown.of(len(downloads)):
            downloader.run(downloads, report=_both(outcomes.append, shown.outcome))
    except DownloadError as error:
        print(f"thresher fetch: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        fetched = sum(outcome.status == "fetched" for outcome in outcomes)
        print(
            f"interrupted: {fetched} fetched; the same command goes on where this one stopped",
            file=sys.stderr,
        )
        return 130
    _print_table(outcomes)
    return int(any(outcome.status == "failed" for outcome in outcomes))


def _both(
    first: Callable[[Outcome], None], second: Callable[[Outcome], None]
) -> Callable[[Outcome], None]:
    def call(outcome: Outcome) -> None:
        first(outcome)
        second(outcome)

    return call


def _check_options(arguments: argparse.Namespace) -> None:
    """Refuse what can't work before anything is asked for."""
    arguments.base_url = arguments.base_url.rstrip("/")
    if not re.fullmatch(r"https?://[^/?#]+(/[^?#]*)?", arguments.base_url):
        raise UserError(f"--base-url {arguments.base_url}: not an http:// or https:// address")
    if not (arguments.user_agent.isascii() and arguments.user_agent.isprintable()):
        raise UserError(f"--user-agent {arguments.user_agent!r}: a header holds plain ASCII only")
    if arguments.into is None:
        if not arguments.list and not arguments.dry_run:
            raise UserError("--into FOLDER is missing: where are the files to go?")
        return
    scheme, separator, _ = arguments.into.partition("://")
    if separator:
        command = COPY_COMMANDS.get(scheme, "your storage's own tool")
        raise UserError(
            f"--into {arguments.into}: fetch writes to a local folder only; "
            f"fetch to one and copy it with: {command.format(into=arguments.into)}"
        )


def _made_folder(into: str) -> Path:
    folder = Path(into)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(f"--into {into}: cannot make this folder ({error.strerror})") from error
    if not os.access(folder, os.W_OK | os.X_OK):
        raise UserError(f"--into {into}: no permission to write in this folder")
    return folder


def _words_of_lines(path: Path, *, option: str) -> list[tuple[str, str]]:
    """Return place and first word of each line that says something; ``#`` begins a comment."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "not UTF-8 text"
        raise UserError(f"{option} {path}: cannot read it ({reason})") from error
    lines = [line.partition("#")[0].split() for line in text.splitlines()]
    found = [(f"{path}, line {n}", words[0]) for n, words in enumerate(lines, start=1) if words]
    if not found:
        raise UserError(f"{option} {path}: no line of it says anything")
    return found


def _common_crawl_downloads(arguments: argparse.Namespace, client: Client) -> list[Download]:
    crawl = Crawl(name=arguments.crawl, kind=arguments.kind, base_url=arguments.base_url)
    if arguments.paths:
        return crawl.chosen(_words_of_lines(arguments.paths, option="--paths"), client=client)
    return crawl.first(arguments.first, client=client)


def _gutenberg_downloads(arguments: argparse.Namespace, client: Client) -> list[Download]:
    del client  # books are addressed by number: nothing is looked up first
    ids: list[int] = arguments.ids or []
    if arguments.ids_file:
        ids = []
        for place, word in _words_of_lines(arguments.ids_file, option="--ids-file"):
            try:
                ids.append(_count(word))
            except argparse.ArgumentTypeError as error:
                raise UserError(f"{place}: {error}") from error
    feeds = [name for name in FEEDS if getattr(arguments, name)]
    if not ids and not feeds:
        raise UserError("no book is named: give --ids, --ids-file, --weekly, --catalogue or --rdf")
    if len(ids) >= MANY_BOOKS and arguments.base_url == GUTENBERG:
        print(
            f"{len(ids)} books: {GUTENBERG} is for people and blocks robots; "
            "better take --weekly, or a mirror by --base-url",
            file=sys.stderr,
        )
    return [
        *(feed(name, base_url=arguments.base_url) for name in feeds),
        *(book(number, base_url=arguments.base_url) for number in dict.fromkeys(ids)),
    ]


def _word_list_downloads(arguments: argparse.Namespace, client: Client) -> list[Download]:
    del client  # the version is fixed, and so are its files
    return [word_list(name, base_url=arguments.base_url) for name in WORD_LIST_LANGUAGES]


def _print_sizes(downloads: Sequence[Download], client: Client) -> int:
    """Print path, bytes and size of each, in a form that ``--paths`` reads."""
    total = 0
    for download in downloads:
        length = _served_length(download.candidates[0].url, client)
        total += length or 0
        size = "unknown" if length is None else f"{length}\t{decimal(length)}"
        print(f"crawl-data/{download.name}\t{size}")
    print(f"# {len(downloads)} files, {decimal(total)}")
    return 0


def _served_length(url: str, client: Client) -> int | None:
    return client.retrying(lambda: client.version(url), name=url).length


def _print_plan(downloads: Sequence[Download]) -> int:
    for download in downloads:
        first, *others = download.candidates
        print(f"{first.url} -> {first.path}" + (f" (or {len(others)} others)" if others else ""))
    return 0


def _print_table(outcomes: Sequence[Outcome]) -> None:
    print(f"{'':<14}{'files':>7}{'bytes':>16}")
    for status in get_args(Status):
        lengths = [outcome.length for outcome in outcomes if outcome.status == status]
        print(f"{status:<14}{len(lengths):>7}{sum(lengths):>16,}")
    for outcome in outcomes:
        if outcome.status == "failed":
            print(f"failed: {outcome.name}: {outcome.reason}")
