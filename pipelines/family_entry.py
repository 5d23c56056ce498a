"""An entry of a recipe's ``signals``: a family by its name, with parameters if it has any."""

import inspect
from collections.abc import Mapping
from typing import Any, Self

import pydantic
from pydantic import Field, model_serializer, model_validator

from filters.registry import FAMILIES
from filters.signals import ReadsFiles, SignalFamily
from pipelines import storage
from pipelines.errors import UserError, nearest


class FamilyEntry(pydantic.BaseModel):
    """A family of signals as a recipe names it: ``gopher_quality``, ``{length: {unit: words}}``.

    The parameters are those of the family's class, checked by its annotations and then by the
    class itself.
    """

    model_config = pydantic.ConfigDict(extra="forbid", frozen=True)

    name: str
    parameters: dict[str, Any] = Field(default_factory=dict)

    @model_validator(mode="before")
    @classmethod
    def _name_or_mapping(cls, data: Any) -> Any:
        if isinstance(data, str):
            return {"name": data}
        if isinstance(data, Mapping) and len(data) == 1:
            [(name, parameters)] = data.items()
            if isinstance(name, str) and isinstance(parameters, Mapping):
                return {"name": name, "parameters": dict(parameters)}
        raise ValueError("an entry is the name of a family, or {name: {parameter: value}}")

    @model_validator(mode="after")
    def _known(self) -> Self:
        if self.name not in FAMILIES:
            raise ValueError(f"no signal family `{self.name}`{nearest(self.name, list(FAMILIES))}")
        if self.name == "minhash" and self.parameters:
            raise ValueError("the parameters of `minhash` are those of the section `dedup`")
        self.family()
        return self

    @model_serializer
    def _as_written(self) -> str | dict[str, Any]:
        return {self.name: self.parameters} if self.parameters else self.name

    def family(self) -> SignalFamily:
        """Make the family.

        Raises:
            ValueError: a parameter is unknown, missing or of another type, or the family refuses
                its value.
        """
        make = FAMILIES[self.name]
        # Mypy sees the constructor of a protocol, which takes nothing.
        make_with: Any = make
        try:
            values = _parameters_of(make).model_validate(self.parameters)
        except pydantic.ValidationError as error:
            raise ValueError(self._explain(error)) from None
        given = {name: getattr(values, name) for name in self.parameters}
        try:
            family: SignalFamily = make_with(**given)
        except ValueError as error:
            raise ValueError(f"`{self.name}`: {error}") from None
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

    def _explain(self, error: pydantic.ValidationError) -> str:
        fault = error.errors()[0]
        parameter = ".".join(map(str, fault["loc"]))
        if fault["type"] == "extra_forbidden":
            known = list(_parameters_of(FAMILIES[self.name]).model_fields)
            remedy = nearest(parameter, known) if known else "; it has none"
            return f"`{self.name}` has no parameter `{parameter}`{remedy}"
        if fault["type"] == "missing":
            return f"`{self.name}` needs the parameter `{parameter}`"
        message = fault["msg"].removeprefix("Value error, ")
        return f"`{self.name}.{parameter}`: {message[:1].lower()}{message[1:]}"


def _parameters_of(family: type[SignalFamily]) -> type[pydantic.BaseModel]:
    """Return a model of the keyword parameters that a family's class takes."""
    fields: dict[str, Any] = {
        parameter.name: (
            parameter.annotation,
            ... if parameter.default is inspect.Parameter.empty else parameter.default,
        )
        for parameter in inspect.signature(family).parameters.values()
        if parameter.kind is inspect.Parameter.KEYWORD_ONLY
    }
    return pydantic.create_model(
        family.__name__, __config__=pydantic.ConfigDict(extra="forbid"), **fields
    )
