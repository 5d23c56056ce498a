"""A recipe's ``rules``: named rule sets, and bounds of single signals."""

from collections.abc import Mapping
from typing import Any

import pydantic
from pydantic import Field, field_validator, model_serializer, model_validator

from filters.bounds import Bounds
from filters.rule_sets import RULE_SETS
from filters.rules import Rule
from pipelines.errors import nearest


class RuleEntry(pydantic.BaseModel, extra="forbid", frozen=True):
    """Bounds of one signal in the recipe's `rules`."""

    min: float | None = Field(None, allow_inf_nan=False)
    max: float | None = Field(None, allow_inf_nan=False)
    keep_null: bool = True
    languages: dict[str, "RuleEntry | None"] = {}

    def bounds(self, of_set: Bounds | None = None) -> Bounds | None:
        """Return the bounds, or None where there is neither a minimum nor a maximum.

        Args:
            of_set: The bounds of a rule set; what the recipe does not name of them stays.
        """
        low = self.min if "min" in self.model_fields_set or of_set is None else of_set.min
        high = self.max if "max" in self.model_fields_set or of_set is None else of_set.max
        return None if low is None and high is None else Bounds(min=low, max=high)

    @model_validator(mode="after")
    def _says_something(self) -> "RuleEntry":
        if not self.model_fields_set:
            raise ValueError("a rule needs `min`, `max`, `languages` or `keep_null`")
        if self.min is not None and self.max is not None and self.min > self.max:
            raise ValueError(f"min {self.min:g} is above max {self.max:g}")
        return self


class Rules(pydantic.BaseModel, extra="forbid", frozen=True):
    """Named rule sets, then single rules that add to them, change them or (null) lift them."""

    use: list[str] = []
    entries: dict[str, RuleEntry | None] = {}

    @field_validator("use")
    @classmethod
    def _known_sets(cls, names: list[str]) -> list[str]:
        for name in names:
            if name not in RULE_SETS:
                raise ValueError(f"no rule set `{name}`{nearest(name, list(RULE_SETS))}")
        return names

    @model_validator(mode="before")
    @classmethod
    def _split(cls, data: Any) -> Any:
        if not isinstance(data, Mapping):
            raise ValueError("`rules` is a mapping of signal names to {min, max}")  # noqa: TRY004
        entries = {key: value for key, value in data.items() if key != "use"}
        return {"use": data.get("use", []), "entries": entries}

    @model_serializer
    def _together(self) -> dict[str, Any]:
        entries = {
            signal: None if entry is None else entry.model_dump(mode="json", exclude_unset=True)
            for signal, entry in self.entries.items()
        }
        return {"use": self.use, **entries}

    def thresholds(self) -> list[Rule]:
        """Return the rules in force, in the order of the sets and then of the recipe."""
        rules: dict[str, Rule] = {}
        for name in self.use:
            for signal, bounds in RULE_SETS[name].bounds.items():
                rules[signal] = Rule(signal=signal, bounds=bounds, origin=name)
        for signal, entry in self.entries.items():
            if entry is None:
                rules.pop(signal, None)
                continue
            of_set = rules.get(signal)
            rules[signal] = Rule(
                signal=signal,
                bounds=entry.bounds(of_set.bounds if of_set else None),
                languages={
                    language: None if of is None else of.bounds()
                    for language, of in entry.languages.items()
                },
                keep_null=entry.keep_null,
            )
        return list(rules.values())
