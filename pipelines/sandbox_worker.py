"""The process behind :mod:`pipelines.sandbox`: pages in on one pipe, text out on another.

It imports nothing but the decoder and the extractor, so that it starts in hundredths of a second.

A request is its header, then the declared charset, then the page; a reply is its header, then a
first and a second text: title and main text, or the message of the error and nothing. At the start
one empty reply says that the extractor is loaded. The process ends when its standard input does.
"""

import argparse
import contextlib
import logging
import os
import signal
import struct
import sys
from enum import IntEnum
from pathlib import Path
from typing import BinaryIO

from filters.decoding import UndecodableText, decode
from filters.extraction import ExtractionError, ExtractorName, extract_text

REQUEST_HEADER = struct.Struct("!II")
"""Bytes of the declared charset's label (none: an empty label), bytes of the page."""

REPLY_HEADER = struct.Struct("!BII")
"""Outcome, bytes of the first text, bytes of the second."""

PIPE_BYTES = 1 << 20
"""The largest pipe buffer that Linux gives a user: most pages go through in one piece."""

_ORPHAN_SECONDS = 2.0
"""How long after the timeout a page may still hold a process whose parent did not end it.

Only a parent that is gone gets that late, so the figure need only be longer than a parent can be
delayed on a busy machine.
"""


class Outcome(IntEnum):
    """What came of a page."""

    EXTRACTED = 0
    UNDECODABLE = 1
    NOT_EXTRACTED = 2


def main(arguments: list[str]) -> None:
    """Serve pages until standard input ends."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--extractor", required=True)
    parser.add_argument("--comments", action="store_true")
    parser.add_argument("--timeout-seconds", type=float, required=True)
    parser.add_argument("--max-memory-bytes", type=int, required=True)
    options = parser.parse_args(arguments)

    requests = os.fdopen(os.dup(sys.stdin.fileno()), "rb", buffering=PIPE_BYTES)
    # What a library prints must not get between the replies.
    replies = os.fdopen(os.dup(sys.stdout.fileno()), "wb", buffering=PIPE_BYTES)
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    logging.disable(logging.CRITICAL)

    _offer_to_out_of_memory_killer()
    _bound_memory(options.max_memory_bytes)
    extract_text("<html><body><p>warm-up</p></body></html>", extractor=options.extractor)
    _reply(replies, Outcome.EXTRACTED, "", "")
    while header := requests.read(REQUEST_HEADER.size):
        # The default action of the alarm ends the process, native code or not.
        signal.setitimer(signal.ITIMER_REAL, options.timeout_seconds + _ORPHAN_SECONDS)
        label_size, page_size = REQUEST_HEADER.unpack(header)
        declared = requests.read(label_size).decode() or None
        content = requests.read(page_size)
        _reply(replies, *_answer(content, declared, options.extractor, options.comments))
        signal.setitimer(signal.ITIMER_REAL, 0)


def _answer(
    content: bytes, declared: str | None, extractor: ExtractorName, comments: bool
) -> tuple[Outcome, str, str]:
    try:
        html = decode(content, declared=declared, html=True).text
        extracted = extract_text(html, extractor=extractor, comments=comments)
    except UndecodableText as error:
        return Outcome.UNDECODABLE, str(error), ""
    except ExtractionError as error:
        return Outcome.NOT_EXTRACTED, str(error), ""
    return Outcome.EXTRACTED, extracted.title, extracted.text


def _reply(replies: BinaryIO, outcome: Outcome, first: str, second: str) -> None:
    texts = first.encode("utf-8", "backslashreplace"), second.encode()
    replies.write(REPLY_HEADER.pack(outcome, *map(len, texts)))
    replies.writelines(texts)
    replies.flush()


def _offer_to_out_of_memory_killer() -> None:
    """Ask Linux to end this process rather than its parent when memory runs out."""
    with contextlib.suppress(OSError):  # not Linux, or /proc is hidden
        Path("/proc/self/oom_score_adj").write_text("1000")


def _bound_memory(max_memory_bytes: int) -> None:
    if sys.platform != "linux":  # elsewhere the kernel refuses or ignores a bound on address space
        return
    import resource

    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    bound = max_memory_bytes if hard == resource.RLIM_INFINITY else min(max_memory_bytes, hard)
    resource.setrlimit(resource.RLIMIT_AS, (bound, bound))
    # A crash is expected here and told to the parent: no core file of two gigabytes.
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


if __name__ == "__main__":
    main(sys.argv[1:])
