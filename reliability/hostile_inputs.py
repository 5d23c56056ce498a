"""Makes hostile inputs of every kind that a crawl or a careless copy may hold.

Each case writes its files into a folder and says which good records around the hostile ones must
come out. Nothing is kept in the repository: the bytes are made when they are needed.
"""

from collections.abc import Iterator
from pathlib import Path

# Each registers its cases.
from reliability import hostile_archives, hostile_bombs, hostile_files, hostile_pages  # noqa: F401
from reliability.hostile_case import CASES, Case, Expected, Scale

__all__ = ["CASES", "make"]


def make(folder: Path, scale: Scale) -> Iterator[tuple[Case, Path, Expected]]:
    """Make every case in a folder of its own."""
    for case in CASES:
        below = folder / case.name
        below.mkdir(parents=True)
        yield case, below, case.make(below, scale)
