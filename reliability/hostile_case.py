"""What a hostile input is: how it is made, how large, and what must come of it."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

MEGABYTE = 1 << 20

MAX_MEMORY_BYTES = 2 << 30
"""No process of a run may hold more, unless the case says how much."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scale:
    """How large the cases are that can have any size."""

    bomb_bytes: int = 1 << 30
    line_bytes: int = 50_000_000
    dense_bytes: int = 19_900_000
    tiny_records: int = 1_000_000
    depth: int = 100_000
    damaged_files: int = 150
    archive_records: int = 120


LONG = Scale()
SHORT = Scale(
    bomb_bytes=1 << 26,
    line_bytes=2_000_000,
    dense_bytes=500_000,
    tiny_records=5_000,
    depth=100_000,
    damaged_files=12,
    archive_records=12,
)


@dataclass(slots=True)
class Expected:
    """What must come of a case.

    Attributes:
        documents: Addresses, or ids where the format has no addresses, that must be scored; each
            with how often.
        at_least_left_out: How many records at least must be told of in errors/ and gated/.
    """

    documents: dict[str, int] = field(default_factory=dict)
    at_least_left_out: int = 0

    def add(self, name: str) -> None:
        """Expect a document."""
        self.documents[name] = self.documents.get(name, 0) + 1


Format = Literal["warc", "gutenberg", "jsonl", "parquet"]
Make = Callable[[Path, Scale], Expected]


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A kind of hostile input.

    Attributes:
        name: Its name.
        format: The format of the recipe's input that it is read as.
        make: Writes its files below a folder.
        max_memory_bytes: No process of a run over it may hold more.
    """

    name: str
    format: Format
    make: Make
    max_memory_bytes: int


CASES: list[Case] = []


def case(kind: Format, *, max_memory_bytes: int = MAX_MEMORY_BYTES) -> Callable[[Make], Make]:
    """Register what makes a case, under its name."""

    def register(make: Make) -> Make:
        name = make.__name__.removeprefix("_")
        CASES.append(Case(name=name, format=kind, make=make, max_memory_bytes=max_memory_bytes))
        return make

    return register
