"""An entry of a recipe's ``steps``: a filter or formatter of datatrove, with its parameters."""

from typing import Self

from pydantic import model_validator

from filters.datatrove_step import DatatroveStep, UnknownName
from pipelines.errors import nearest
from pipelines.named_entry import NamedEntry


class StepEntry(NamedEntry):
    """A step as a recipe names it: ``{datatrove.GopherQualityFilter: {min_doc_words: 30}}``."""

    kind = "a step"

    @model_validator(mode="after")
    def _known(self) -> Self:
        try:
            self.step().check()
        except UnknownName as error:
            remedy = nearest(error.name, error.known) or "; it has none"
            if error.name in self.parameters:
                raise ValueError(f"`{self.name}` has {error}{remedy}") from None
            raise ValueError(f"{error}{remedy}") from None
        except ValueError as error:
            raise ValueError(f"`{self.name}`: {error}") from None
        return self

    def step(self) -> DatatroveStep:
        """Make the step; nothing heavy loads."""
        return DatatroveStep(name=self.name, parameters=self.parameters)
