"""An entry of a recipe's list of parts: a part by its name, with parameters if it has any."""

import inspect
from collections.abc import Callable, Mapping
from typing import Any, ClassVar, TypeVar

import pydantic
from pydantic import Field, model_serializer, model_validator

from pipelines.errors import nearest

Part = TypeVar("Part")


class NamedEntry(pydantic.BaseModel):
    """A part as a recipe names it: ``whitespace``, or ``{unicode: {form: NFKC}}``."""

    model_config = pydantic.ConfigDict(extra="forbid", frozen=True)

    kind: ClassVar[str]
    """What the entry is the name of, with its article."""

    name: str
    parameters: dict[str, Any] = Field(default_factory=dict)

    @model_validator(mode="before")
    @classmethod
    def _name_or_mapping(cls, data: Any) -> Any:
        if isinstance(data, str):
            return {"name": data}
        if isinstance(data, Mapping) and len(data) == 1:
            [(name, parameters)] = data.items()
            if isinstance(name, str) and isinstance(parameters, Mapping | None):
                return {"name": name, "parameters": dict(parameters or {})}
        raise ValueError(f"an entry is the name of {cls.kind}, or {{name: {{parameter: value}}}}")

    @model_serializer
    def _as_written(self) -> str | dict[str, Any]:
        return {self.name: self.parameters} if self.parameters else self.name

    def made(self, make: Callable[..., Part]) -> Part:
        """Make the part with the entry's parameters, which are those of ``make``.

        They are checked by its annotations and then by ``make`` itself.

        Raises:
            ValueError: a parameter is unknown, missing or of another type, or its value is refused.
        """
        model = _parameters_of(make)
        try:
            values = model.model_validate(self.parameters)
        except pydantic.ValidationError as error:
            raise ValueError(self._explain(error, list(model.model_fields))) from None
        given = {name: getattr(values, name) for name in self.parameters}
        try:
            return make(**given)
        except ValueError as error:
            raise ValueError(f"`{self.name}`: {error}") from None

    def _explain(self, error: pydantic.ValidationError, known: list[str]) -> str:
        fault = error.errors()[0]
        parameter = ".".join(map(str, fault["loc"]))
        if fault["type"] == "extra_forbidden":
            remedy = nearest(parameter, known) if known else "; it has none"
            return f"`{self.name}` has no parameter `{parameter}`{remedy}"
        if fault["type"] == "missing":
            return f"`{self.name}` needs the parameter `{parameter}`"
        message = fault["msg"].removeprefix("Value error, ")
        return f"`{self.name}.{parameter}`: {message[:1].lower()}{message[1:]}"


def _parameters_of(make: Callable[..., Any]) -> type[pydantic.BaseModel]:
    """Return a model of the keyword parameters of ``make``."""
    fields: dict[str, Any] = {
        parameter.name: (
            parameter.annotation,
            ... if parameter.default is inspect.Parameter.empty else parameter.default,
        )
        for parameter in inspect.signature(make).parameters.values()
        if parameter.kind is inspect.Parameter.KEYWORD_ONLY
    }
    return pydantic.create_model(
        "Parameters", __config__=pydantic.ConfigDict(extra="forbid"), **fields
    )
