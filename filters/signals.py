"""What a signal is, and what a family of signals promises.

A signal is a named figure about a document. Its one declaration feeds the Parquet schema, the
list that ``thresher signals`` prints, and the labels of the report.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, Protocol, runtime_checkable

from filters.bounds import Bounds
from filters.text_view import TextView

SignalType = Literal["int64", "float64", "bool", "string", "binary"]
SignalValue = int | float | bool | str | bytes | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Signal:
    """One figure about a document.

    Attributes:
        name: ``family.name``, the name of its column in ``scored/``.
        type: The Arrow type of that column. Every signal may be null: null means that the figure
            does not exist for this document (the mean word length of no words), never zero.
        unit: What one of it is: ``words``, ``ratio``, ``probability``, ``characters``.
        meaning: One sentence for a person who picks a threshold.
        source: The paper (with its table or section) or the project that it comes from.
        threshold: The bounds that the source keeps documents within, or None if it gives none.
    """

    name: str
    type: SignalType
    unit: str
    meaning: str
    source: str
    threshold: Bounds | None = None


@runtime_checkable
class SignalFamily(Protocol):
    """Signals that are computed together from one document.

    Implementations take keyword-only parameters, validate them when made, and are cheap to
    pickle: whatever is heavy (a model) loads at the first document.
    """

    @property
    def signals(self) -> tuple[Signal, ...]:
        """The signals that :meth:`compute` returns, in the order of their columns."""
        ...

    def compute(self, view: TextView) -> Mapping[str, SignalValue]:
        """Return a value, or None, for each declared signal and for nothing else."""
        ...


@runtime_checkable
class ReadsFiles(Protocol):
    """A family with parameters that name files or folders of the user's, such as word lists.

    A pipeline checks that they are there before it starts, takes their content for a part of the
    settings, and gives the family local copies of remote ones.
    """

    @property
    def files(self) -> Mapping[str, str]:
        """The paths that the user has given, by the parameter's name."""
        ...

    def load(self) -> None:
        """Read them now, at the latest it is done at the first document.

        Raises:
            ValueError: What a file holds can't be used: with its path and the remedy.
        """
        ...
