import contextlib
import os
import pickle
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from filters.decoding import UndecodableText
from filters.extraction import Extracted, ExtractionError, ExtractorName, extract_text
from pipelines.sandbox import (
    ExtractionCrash,
    ExtractionSandbox,
    ExtractionTimeout,
    PageTooLarge,
    SandboxStartError,
)

REPOSITORY = Path(__file__).parent.parent
PAGE = "<html><head><title>Größe</title></head><body><p>Ein Satz über die Größe.</p></body></html>"
EXTRACTED = Extracted(text="Ein Satz über die Größe.", title="Größe")

# Elements this deep take resiliparse minutes.
HANGING_PAGE = b"<div>" * 100_000 + b"x"


@pytest.fixture(scope="module")
def sandbox() -> Iterator[ExtractionSandbox]:
    with ExtractionSandbox(timeout_seconds=60) as started:
        yield started


def pid_of(sandbox: ExtractionSandbox) -> int:
    assert sandbox._child is not None
    return sandbox._child._process.pid


def wait_until(condition: Callable[[], bool], *, seconds: float = 20.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.01)


def is_running(pid: int) -> bool:
    """Whether a process runs; one that ended and that nobody has waited for does not."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


@pytest.mark.parametrize("extractor", ["resiliparse", "trafilatura"])
def test_a_page_comes_out_as_without_a_sandbox(extractor: ExtractorName) -> None:
    html = PAGE.replace("</p>", "</p><ul><li>one</li></ul><p>A second paragraph of it.</p>" * 50)
    with ExtractionSandbox(extractor=extractor, timeout_seconds=60) as sandbox:
        assert sandbox.extract(html.encode(), charset=None) == extract_text(
            html, extractor=extractor
        )


def test_comments_are_passed_on() -> None:
    html = b"<body><article><p>A text.</p></article><div class=comments><p>Nice.</p></div></body>"
    with ExtractionSandbox(comments=True, timeout_seconds=60) as sandbox:
        assert sandbox.extract(html, charset=None).text == "A text.\n\nNice."


@pytest.mark.parametrize(
    ("content", "charset"),
    [
        (PAGE.encode(), None),
        (PAGE.encode("cp1252"), "ISO-8859-1"),
        (PAGE.encode("utf-16"), None),
        (PAGE.encode("cp1252"), "no such charset \ud800" * 100),
    ],
)
def test_pages_are_decoded(sandbox: ExtractionSandbox, content: bytes, charset: str | None) -> None:
    assert sandbox.extract(content, charset=charset) == EXTRACTED


def test_one_child_serves_all_pages(sandbox: ExtractionSandbox) -> None:
    sandbox.extract(PAGE.encode(), charset=None)
    first = pid_of(sandbox)
    with pytest.raises(UndecodableText, match="characters are damaged"):
        sandbox.extract(b"\0" * 1000, charset=None)
    with pytest.raises(PageTooLarge):
        sandbox.extract(b"a" * 10_000_001, charset=None)
    assert sandbox.extract(PAGE.encode(), charset=None) == EXTRACTED
    assert pid_of(sandbox) == first


def test_faults_of_the_extractor_come_through() -> None:
    with (
        ExtractionSandbox(extractor="trafilatura", timeout_seconds=60) as sandbox,
        pytest.raises(ExtractionError, match=r"^trafilatura failed: ValueError: there is no HTML"),
    ):
        sandbox.extract(b"no markup at all", charset=None)


def test_a_page_that_hangs_is_given_up_and_the_next_is_extracted() -> None:
    with ExtractionSandbox(timeout_seconds=1.0) as sandbox:
        sandbox.extract(PAGE.encode(), charset=None)
        hung = pid_of(sandbox)
        start = time.monotonic()
        with pytest.raises(ExtractionTimeout, match=r"^no text after timeout_seconds=1$"):
            sandbox.extract(HANGING_PAGE, charset=None)
        assert 1.0 <= time.monotonic() - start < 10
        assert not is_running(hung)
        assert sandbox.extract(PAGE.encode(), charset=None) == EXTRACTED


def test_the_time_of_starting_is_not_the_pages() -> None:
    # An interpreter starts in more than ten milliseconds; a page like this takes one.
    with ExtractionSandbox(timeout_seconds=5) as patient:
        patient.extract(PAGE.encode(), charset=None)
    with ExtractionSandbox(extractor="trafilatura", timeout_seconds=0.2) as hasty:
        assert hasty.extract(PAGE.encode(), charset=None) == EXTRACTED


def test_a_child_killed_in_the_middle_of_a_page_is_a_crash_of_that_page() -> None:
    with ExtractionSandbox(timeout_seconds=60) as sandbox:
        sandbox.extract(PAGE.encode(), charset=None)
        killer = threading.Timer(0.3, os.kill, (pid_of(sandbox), 9))
        killer.start()
        with pytest.raises(ExtractionCrash, match=r"^the extraction process died of SIGKILL$"):
            sandbox.extract(HANGING_PAGE, charset=None)
        killer.join()
        assert sandbox.extract(PAGE.encode(), charset=None) == EXTRACTED


def test_a_child_killed_between_pages_is_no_fault_of_the_next() -> None:
    with ExtractionSandbox(timeout_seconds=60) as sandbox:
        sandbox.extract(PAGE.encode(), charset=None)
        killed = pid_of(sandbox)
        os.kill(killed, 9)
        wait_until(lambda: not is_running(killed))
        assert sandbox.extract(PAGE.encode(), charset=None) == EXTRACTED
        assert pid_of(sandbox) != killed


def test_memory_is_bounded_and_a_crash_says_why() -> None:
    # To hold it as bytes and as text takes twice its size, whatever the parser does.
    page = b"<p>" + b"a" * 200_000_000
    with ExtractionSandbox(
        extractor="trafilatura",
        timeout_seconds=60,
        max_html_bytes=len(page),
        max_memory_bytes=400 << 20,
    ) as sandbox:
        with pytest.raises(ExtractionCrash, match=r"process exited with 1: MemoryError$"):
            sandbox.extract(page, charset=None)
        assert sandbox.extract(PAGE.encode(), charset=None) == EXTRACTED


def test_too_little_memory_to_start_is_told_with_the_remedy() -> None:
    sandbox = ExtractionSandbox(extractor="trafilatura", max_memory_bytes=20 << 20)
    with pytest.raises(SandboxStartError, match=r"may need more than max_memory_bytes=20971520$"):
        sandbox.extract(PAGE.encode(), charset=None)


def test_a_python_that_is_not_there_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/no/such/python")
    with pytest.raises(SandboxStartError, match="can't be started"):
        ExtractionSandbox().extract(PAGE.encode(), charset=None)


@pytest.mark.parametrize("size", [50_000_000, 10_000_001])
def test_pages_above_the_size_are_refused_without_a_child(size: int) -> None:
    sandbox = ExtractionSandbox()
    with pytest.raises(
        PageTooLarge, match=rf"has {size} bytes, more than max_html_bytes=10000000$"
    ):
        sandbox.extract(b"a" * size, charset=None)
    assert sandbox._child is None


def test_pages_larger_than_every_pipe_go_through_both_ways(sandbox: ExtractionSandbox) -> None:
    word = "ä" * 4_000_000
    extracted = sandbox.extract(f"<title>t</title><p>{word}".encode(), charset="utf-8")
    assert extracted == Extracted(text=word, title="t")


@pytest.mark.parametrize("extractor", ["resiliparse", "trafilatura"])
@pytest.mark.parametrize("tag", ["<div>", "<b>", "<table><tr><td>", "<ul><li>x", "<svg>"])
def test_nesting_without_end_ends(extractor: ExtractorName, tag: str) -> None:
    page = b"<html><body>" + tag.encode() * 100_000
    with ExtractionSandbox(extractor=extractor, timeout_seconds=2) as sandbox:
        with contextlib.suppress(ExtractionError):
            sandbox.extract(page, charset=None)
        sandbox.timeout_seconds = 60
        assert sandbox.extract(PAGE.encode(), charset=None) == EXTRACTED


@given(
    content=st.binary(max_size=2000)
    | st.lists(
        st.sampled_from(["<p>", "<!--", "<svg>", "&#xD800;", "<title>", "\0", "é", "<a b='", "<"])
    ).map(lambda parts: "".join(parts).encode()),
    charset=st.none() | st.text(),
)
def test_hostile_pages_raise_nothing_but_what_is_declared(
    sandbox: ExtractionSandbox, content: bytes, charset: str | None
) -> None:
    with contextlib.suppress(UndecodableText, ExtractionError):
        extracted = sandbox.extract(content, charset=charset)
        assert "\0" not in extracted.text + extracted.title


def test_it_pickles_without_its_child() -> None:
    with ExtractionSandbox(timeout_seconds=60, max_html_bytes=1000) as sandbox:
        assert sandbox.extract(PAGE.encode(), charset=None) == EXTRACTED
        with pickle.loads(pickle.dumps(sandbox)) as copy:
            assert copy.extract(PAGE.encode(), charset=None) == EXTRACTED
            assert copy.max_html_bytes == 1000
            assert pid_of(copy) != pid_of(sandbox)


def test_closing_ends_the_child_and_another_page_starts_one() -> None:
    sandbox = ExtractionSandbox(timeout_seconds=60)
    sandbox.close()
    sandbox.extract(PAGE.encode(), charset=None)
    pid = pid_of(sandbox)
    sandbox.close()
    assert not is_running(pid)
    assert sandbox.extract(PAGE.encode(), charset=None) == EXTRACTED
    sandbox.close()


@pytest.mark.parametrize("last_page", ["b'<p>a'", "b'<div>' * 100_000"], ids=["idle", "busy"])
def test_the_child_ends_when_its_parent_is_killed(last_page: str) -> None:
    program = f"""
import os, threading
from pipelines.sandbox import ExtractionSandbox
sandbox = ExtractionSandbox(timeout_seconds=1)
sandbox.extract(b"<p>a", charset=None)
print(sandbox._child._process.pid, flush=True)
threading.Timer(0.5, os.kill, (os.getpid(), 9)).start()
sandbox.extract({last_page}, charset=None)
"""
    parent = subprocess.run(
        [sys.executable, "-c", program], stdout=subprocess.PIPE, cwd=REPOSITORY, check=False
    )
    assert parent.returncode == -9
    wait_until(lambda: not is_running(int(parent.stdout)))


def test_the_folder_of_the_run_is_not_searched_for_code(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("pipelines", "filters", "struct", "resiliparse"):
        (tmp_path / f"{name}.py").write_text("raise SystemExit('the wrong module')")
    monkeypatch.chdir(tmp_path)
    with ExtractionSandbox(timeout_seconds=60) as sandbox:
        assert sandbox.extract(PAGE.encode(), charset=None) == EXTRACTED


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"extractor": "justext"}, "extractor is 'justext', and can be"),
        ({"timeout_seconds": 0}, "timeout_seconds is 0, and must be above 0"),
        ({"timeout_seconds": float("nan")}, "timeout_seconds is nan"),
        ({"max_html_bytes": 0}, "max_html_bytes is 0"),
        ({"max_html_bytes": 1 << 32}, "max_html_bytes is 4294967296"),
        ({"max_memory_bytes": 0}, "max_memory_bytes is 0"),
    ],
)
def test_parameters_are_checked_when_it_is_made(parameters: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        ExtractionSandbox(**parameters)
