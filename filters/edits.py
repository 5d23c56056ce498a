"""What an edit of a document's text is: a change that is recorded, never silent."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from filters.signals import Signal


@dataclass(frozen=True, slots=True)
class Edited:
    """A text after an edit, and what the edit did to it.

    Attributes:
        text: The text as the edit leaves it.
        counts: How much was changed, by the name of each signal that the edit declares; 0 where
            nothing was.
    """

    text: str
    counts: Mapping[str, int]


@runtime_checkable
class Edit(Protocol):
    """A change of a document's text before anything about it is measured.

    Implementations take keyword-only parameters, validate them when made, and are cheap to
    pickle, as the families of signals are. A text that needs no change costs next to nothing and
    comes back as it is. No text makes an edit fail.
    """

    @property
    def name(self) -> str:
        """What a recipe's list of edits calls it."""
        ...

    @property
    def signals(self) -> tuple[Signal, ...]:
        """The counts that :meth:`apply` returns: signals of whole numbers, never null."""
        ...

    def apply(self, text: str) -> Edited:
        """Return the edited text with a count for each declared signal and for nothing else."""
        ...


ORIGINAL_LENGTH = Signal(
    name="edits.original_length",
    type="int64",
    unit="characters",
    meaning="Unicode code points of the text before its edits and steps.",
    source="thresher",
)
"""What ``length.characters`` would be without the edits."""


def signals_of(edits: Iterable[Edit]) -> list[Signal]:
    """Return what is counted of edits in a row: the counts of one that is there twice add up."""
    counts = [signal for edit in edits for signal in edit.signals]
    return list({signal.name: signal for signal in (ORIGINAL_LENGTH, *counts)}.values())
