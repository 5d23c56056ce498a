"""An entry of a recipe's ``edits``: an edit of the text by its name, with its parameters."""

from typing import Any, Self

from pydantic import model_validator

from filters.edits import Edit
from filters.registry import EDITS
from pipelines.errors import nearest
from pipelines.named_entry import NamedEntry


class EditEntry(NamedEntry):
    """An edit as a recipe names it: ``whitespace``, ``{unicode: {form: NFKC}}``."""

    kind = "an edit"

    @model_validator(mode="after")
    def _known(self) -> Self:
        if self.name not in EDITS:
            raise ValueError(f"no edit `{self.name}`{nearest(self.name, list(EDITS))}")
        self.edit()
        return self

    def edit(self) -> Edit:
        """Make the edit.

        Raises:
            ValueError: a parameter is unknown, missing or of another type, or the edit refuses
                its value.
        """
        # Mypy sees the constructor of a protocol, which takes nothing.
        make: Any = EDITS[self.name]
        edit: Edit = self.made(make)
        return edit
