"""An entry of a recipe's ``signals``: a family by its name, with parameters if it has any."""

from collections.abc import Mapping, Sequence
from typing import Any, Self

from pydantic import model_validator

from filters.registry import FAMILIES
from filters.signals import ReadsFiles, SignalFamily
from pipelines import storage
from pipelines.errors import UserError, nearest
from pipelines.named_entry import NamedEntry

ALL = "all"


class FamilyEntry(NamedEntry):
    """A family of signals as a recipe names it: ``gopher_quality``, ``{length: {unit: words}}``.

    The parameters are those of the family's class, checked by its annotations and then by the
    class itself. The name ``all`` stands for every family that the recipe does not name, with its
    defaults; a recipe resolves it (:func:`resolved`).
    """

    kind = "a family"

    @model_validator(mode="after")
    def _known(self) -> Self:
        if self.name == ALL:
            if self.parameters:
                raise ValueError("`all` has no parameters; name the family that they are for")
            return self
        if self.name not in FAMILIES:
            raise ValueError(f"no signal family `{self.name}`{nearest(self.name, list(FAMILIES))}")
        if self.name == "minhash" and self.parameters:
            raise ValueError("the parameters of `minhash` are those of the section `dedup`")
        self.family()
        return self

    def family(self) -> SignalFamily:
        """Make the family.

        Raises:
            ValueError: a parameter is unknown, missing or of another type, or the family refuses
                its value.
        """
        # Mypy sees the constructor of a protocol, which takes nothing.
        make: Any = FAMILIES[self.name]
        family: SignalFamily = self.made(make)
        return family

    def with_local_files(self) -> Self:
        """Return the entry with copies on this machine for the files of remote stores."""
        copies = {name: storage.local_copy(path) for name, path in self._files.items()}
        return self.model_copy(update={"parameters": {**self.parameters, **copies}})

    def load_files(self) -> dict[str, str]:
        """Read the files that the parameters name; return a SHA-256 of each by its path.

        The hash of a folder is of the names and contents of all files below it.

        Raises:
            UserError: a file is missing, or what it holds can't be used.
        """
        for name, path in self._files.items():
            if not storage.match(path):
                raise UserError(f"{path}: no such file or folder (signals.{self.name}.{name})")
        family = self.with_local_files().family()
        if self._files and isinstance(family, ReadsFiles):
            try:
                family.load()
            except ValueError as error:
                raise UserError(f"{error} (signals.{self.name})") from None
        return {path: storage.sha256(path) for path in self._files.values()}

    @property
    def _files(self) -> Mapping[str, str]:
        family = self.family()
        return family.files if isinstance(family, ReadsFiles) else {}


def resolved(entries: Sequence[FamilyEntry]) -> list[FamilyEntry]:
    """Put every family that is not named, with its defaults, for the entry ``all``.

    Raises:
        ValueError: a family is there twice.
    """
    named = {entry.name: entry for entry in entries}
    for name in named:
        if (count := sum(entry.name == name for entry in entries)) > 1:
            raise ValueError(f"the family `{name}` is there {count} times")
    if ALL not in named:
        return list(entries)
    return [named.get(name) or FamilyEntry.model_validate(name) for name in sorted(FAMILIES)]
