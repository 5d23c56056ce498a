"""Measures what the densest texts cost: seconds and memory of all signals and edits, a character.

    python -m reliability.dense_texts --characters 500000 2000000

Nothing stops the scoring of a text but its end, so its size must bound its time: no text may cost
more a character when it is longer. Each text is scored in a process of its own.
"""

import argparse
import multiprocessing
import random
import resource
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass

from rich.console import Console
from rich.table import Table

from filters.decoding import storable
from filters.registry import EDITS, FAMILIES
from filters.text_view import TextView
from models.language import LanguageIdentifier
from models.tokens import TokenLength

MAX_GROWTH = 2.0
"""How much more a character of a longer text may cost: four times were quadratic."""

_REPEATED = {
    "one letter": "a",
    "words of a letter": "a b ",
    "lines of a letter": "a\n",
    "blanks": " ",
    "blank lines": " \n",
    "paragraphs": "word one\n\n",
    "sentences": "A. b? c! ",
    "digits": "1",
    "numbers without end": "1,1.",
    "abbreviations": "A.",
    "apostrophes": "a'",
    "addresses of mail": "a@b.co ",
    "mail without end": "a.b@c.d.",
    "internet addresses": "1.1.1.1.",
    "URLs": "http://a.b/",
    "telephone numbers": "+49 30 1234567 ",
    "plus signs": "+1 ",
    "account numbers": "DE89370400440532013000",
    "card numbers": "4111 1111 1111 1111 ",
    "brackets": "([{",
    "points": ".",
    "dashes": "- ",
    "tags": "<a",
    "entities": "&amp;",
    "escapes": "\x1b[",
    "mojibake": "Ã©â€™",
    "Chinese": "汉字",
    "Thai": "กขค",
    "Khmer": "ក្រ",
    "emoji": "😀",
    "Hangul in parts": "\u1100\u1161\u11a8",
    "joiners": "\u200d",
    "capitals with two lower ones": "\u0130 ",
    "ligatures of 18 letters": "\ufdfa",
    "marks": "\u0301",
}


def dense_texts(characters: int) -> Iterator[tuple[str, str]]:
    """Yield texts of so many characters, each by a name of what makes it costly."""
    source = random.Random(1)
    for name, part in _REPEATED.items():
        text = (part * (characters // len(part) + 1))[: characters - 2]
        yield name, f"x{text}x"
    words = (f"{source.getrandbits(40):x}" for _ in range(characters // 11))
    yield "words that are never twice", " ".join(words)
    yield "characters at random", "".join(map(chr, source.choices(range(32, 0x3000), k=characters)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """What a text came to.

    Attributes:
        seconds: CPU time.
        peak_bytes: What the process held at its peak beyond what it held before.
        slowest: The signal family or edit that took the most of the time.
    """

    seconds: float
    peak_bytes: int
    slowest: str


def cost_of(text: str) -> Cost:
    """Compute every signal and every edit of a text in a process of its own."""
    with multiprocessing.get_context("forkserver").Pool(1) as pool:
        return pool.apply(_cost_here, (text,))


def _cost_here(text: str) -> Cost:
    works = {name: family().compute for name, family in FAMILIES.items()}
    works |= {"tokens": TokenLength().compute, "language": LanguageIdentifier(lines=True).compute}
    edits = {name: edit().apply for name, edit in EDITS.items()}
    for work in works.values():
        work(TextView("What is loaded and compiled once is no cost of a text.", language="en"))
    view = TextView(storable(text).strip(), language="en", url="https://a.example/b")
    # The peak so far may be that of what was loaded, above what is held now.
    before, started = _peak(), time.process_time()
    seconds: dict[str, float] = {}
    for name, work in works.items():
        began = time.process_time()
        work(view)
        seconds[name] = time.process_time() - began
    for name, edit in edits.items():
        began = time.process_time()
        edit(text)
        seconds[name] = time.process_time() - began
    return Cost(
        seconds=time.process_time() - started,
        peak_bytes=_peak() - before,
        slowest=max(seconds, key=seconds.__getitem__),
    )


def _peak() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def main() -> int:
    """Measure; print a table; the exit code says whether a text's cost grew beyond its size."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--characters", type=int, nargs=2, default=[500_000, 2_000_000])
    options = parser.parse_args()
    shorter, longer = sorted(options.characters)
    table = Table(title=f"texts of {longer:,} characters")
    for column in ("text", "s a million", "growth", "bytes a character", "slowest"):
        table.add_column(column, justify="left" if column in ("text", "slowest") else "right")
    grown = 0
    pairs = zip(dense_texts(shorter), dense_texts(longer), strict=True)
    for (name, short), (_, long) in pairs:
        first, second = cost_of(short), cost_of(long)
        growth = (second.seconds / len(long)) / (first.seconds / len(short))
        grown += growth > MAX_GROWTH
        row = (
            *(name, f"{second.seconds / len(long) * 1e6:.1f}", f"{growth:.1f}"),
            *(f"{second.peak_bytes / len(long):.0f}", second.slowest),
        )
        table.add_row(*row)
        print(*row, sep="; ", flush=True)
    Console(width=110).print(table)
    print(f"texts whose cost grew beyond their size: {grown}")
    return min(grown, 1)


if __name__ == "__main__":
    sys.exit(main())
