"""Any filter or formatter of datatrove as a step over one document.

datatrove's pipelines drop a document at the first filter that it fails and write it elsewhere if
asked to. Here its filters keep their names, parameters and reasons, and what they drop is counted
and listed with everything else. datatrove is imported when a step is first looked at, since that
takes half a second.
"""

import importlib
import importlib.util
import inspect
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from types import ModuleType
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from datatrove.data import Document

_SHIPPED = ("datatrove.pipeline.filters", "datatrove.pipeline.formatters")
_SHORT = "datatrove"
_MISSING = "needs the package `{0}`, which is not installed; `pip install {0}`"

PAGE = """The ferry leaves the old harbour at nine and comes back before the evening tide. In summer
there is a second one at noon, and both of them are full when the weather is good.

Most of the people who live on the island have known the captain for as long as they can remember.
She took over the boat from her father, and she says that she will sail it until she is eighty.
The crossing takes forty minutes. Those who have been there tell you to take a coat with you, to sit
on the left side, and to look out for the seals that rest on the sand bank.

Tickets are sold on board. A day return costs twelve pounds, and children travel free of charge."""
"""A page of plain English that no step has a reason to fail at."""


class UnknownName(ValueError):  # noqa: N818 (named for what it tells)
    """There is no step or parameter of a name.

    Attributes:
        name: The name.
        known: The names that there are.
    """

    def __init__(self, message: str, *, name: str, known: Sequence[str]) -> None:
        super().__init__(message)
        self.name = name
        self.known = tuple(known)


@dataclass(frozen=True, kw_only=True)
class DatatroveStep:
    """A filter or formatter of datatrove, or one of your own that is made like them.

    Cheap to make and to pickle: whatever is heavy loads at the first document.

    Args:
        name: ``datatrove.`` and the class (``datatrove.GopherQualityFilter``), or the full path of
            a class of an installed package (``my_package.filters.NoPoems``) that extends
            datatrove's ``BaseFilter`` or ``BaseFormatter``.
        parameters: Those of the class, but for ``exclusion_writer``.
    """

    name: str
    parameters: Mapping[str, Any] = field(default_factory=dict)

    def __getstate__(self) -> dict[str, Any]:
        return {"name": self.name, "parameters": self.parameters}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)

    def check(self) -> None:
        """Check the name, the parameters and that what the class needs is installed.

        Raises:
            UnknownName: there is no such class, or it has no such parameter.
            ValueError: the class is no filter or formatter, a parameter is missing or is not for
                a recipe, or a package is missing.
        """
        signature = inspect.signature(self._class)
        if "exclusion_writer" in self.parameters:
            raise ValueError(
                "`exclusion_writer` is not for a recipe: what is dropped is listed in gated/, and"
                " `gates: {keep_text: true}` keeps its text there"
            )
        known = [name for name in signature.parameters if name != "exclusion_writer"]
        for name in self.parameters:
            if name not in known:
                raise UnknownName(f"no parameter `{name}`", name=name, known=known)
        try:
            signature.bind(**self.parameters)
        except TypeError as error:
            raise ValueError(str(error)) from None
        for module, package in _requirements(self._class):
            if importlib.util.find_spec(module) is None:
                raise ValueError(_MISSING.format(package))

    def try_out(self) -> None:
        """Make the step and take a page of plain English through it.

        Raises:
            ValueError: the step can't be made, or fails: with the reason in one line.
        """
        document = new_document(
            PAGE,
            identifier="0" * 32,
            metadata={
                "url": "https://www.example.org/ferry",
                "date": "2024-01-01T00:00:00+00:00",
                "language": "en",
                "language_score": 0.99,
            },
        )
        try:
            self.apply(document)
        except ModuleNotFoundError as error:
            raise ValueError(_MISSING.format(error.name)) from None
        except ImportError as error:
            raise ValueError(" ".join(str(error).split())) from None
        except Exception as error:  # noqa: BLE001 - whatever it is, the run would not be better off
            message = " ".join(str(error).split())[:300]
            raise ValueError(f"fails on plain English: {type(error).__name__}: {message}") from None

    def apply(self, document: "Document") -> str | None:
        """Take a document through the step, which may change its text and metadata.

        Returns:
            Why the step drops it: its name, and the reason if the filter gives one
            (``datatrove.GopherQualityFilter.gopher_short_doc``); None if it stays.
        """
        made = self._made
        if not hasattr(made, "filter_batch"):
            document.text = made.format(document.text)
            return None
        if hasattr(made, "uniform"):
            # A filter that draws lots draws for each document anew: so what it keeps depends on
            # neither the order of the documents nor the number of workers.
            seed = (self.parameters.get("seed") or 0, int(document.id, 16))
            made.uniform = np.random.default_rng(seed).uniform
        # Filters may define either; the base class makes one of the other.
        [result] = made.filter_batch([document])
        keeps, reason = result if isinstance(result, tuple) else (result, None)
        if keeps:
            return None
        return f"{self.name}.{reason}" if reason else self.name

    @cached_property
    def _class(self) -> type[Any]:
        module, _, name = self.name.rpartition(".")
        steps = _shipped() if module == _SHORT else _steps_of(_imported(module, self.name))
        if name not in steps:
            raise UnknownName(
                f"`{module}` has no filter or formatter `{name}`",
                name=self.name,
                known=[f"{module}.{known}" for known in steps],
            )
        return steps[name]

    @cached_property
    def _made(self) -> Any:
        # datatrove's own check asks for one distribution of a module (fasttext-numpy2-wheel), and
        # any that has the module serves.
        made = object.__new__(self._class)
        made.__init__(**self.parameters)
        return made


def new_document(text: str, *, identifier: str, metadata: Mapping[str, Any]) -> "Document":
    """Return a document as datatrove's steps take it.

    Args:
        text: Its text.
        identifier: Its id, hexadecimal.
        metadata: What is known of it: datatrove's filters look at ``url``, ``language``,
            ``language_score``.
    """
    from datatrove.data import Document

    return Document(text=text, id=identifier, metadata=dict(metadata))


def _shipped() -> dict[str, type[Any]]:
    found: dict[str, type[Any]] = {}
    for module in _SHIPPED:
        found |= _steps_of(importlib.import_module(module))
    return found


def _steps_of(module: ModuleType) -> dict[str, type[Any]]:
    from datatrove.pipeline.filters.base_filter import BaseFilter
    from datatrove.pipeline.formatters.base import BaseFormatter

    return {
        name: value
        for name, value in vars(module).items()
        if inspect.isclass(value)
        and issubclass(value, BaseFilter | BaseFormatter)
        and not inspect.isabstract(value)
    }


def _imported(module: str, name: str) -> ModuleType:
    if not module:
        raise UnknownName(
            f"no step `{name}`",
            name=f"{_SHORT}.{name}",
            known=[f"{_SHORT}.{known}" for known in _shipped()],
        )
    try:
        return importlib.import_module(module)
    except ImportError as error:
        message = " ".join(str(error).split())
        raise ValueError(
            f"`{module}` can't be imported ({message}); it needs to be installed"
        ) from None


def _requirements(step: type[Any]) -> list[tuple[str, str]]:
    """Return the modules that a class of datatrove needs, each with the package that has it."""
    declared = [
        requirement
        for base in step.__mro__
        for requirement in vars(base).get("_requires_dependencies", [])
    ]
    return [item if isinstance(item, tuple) else (item, item) for item in declared]
