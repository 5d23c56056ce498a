"""Reads a recipe file: overrides of the command line, and a fault told with its line and remedy."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pydantic
import yaml

from pipelines.errors import UserError, nearest
from pipelines.input_entry import GutenbergInput, JsonlInput, ParquetInput, WarcInput
from pipelines.recipe import Recipe
from pipelines.recipe_rules import RuleEntry, Rules


class Predicted(pydantic.BaseModel):
    """What the report said that a file of thresholds keeps, each figure with its error."""

    model_config = pydantic.ConfigDict(extra="forbid")

    documents: float
    documents_error: float
    tokens: float
    tokens_error: float


class Thresholds(pydantic.BaseModel):
    """A file of thresholds, as the report's page writes it: all rules in force, and no set."""

    model_config = pydantic.ConfigDict(extra="forbid")

    rules: Rules
    predicted: Predicted | None = None


def load(path: str, overrides: Sequence[str] = (), thresholds: str | None = None) -> Recipe:
    """Read and check a recipe.

    Args:
        path: The YAML file.
        overrides: ``key=value`` pairs of the command line; the key is dotted
            (``rules.gopher.word_count.min``), the value YAML.
        thresholds: A file of thresholds whose rules take the place of the recipe's.

    Raises:
        UserError: the file is missing, is no YAML, has a wrong key or value: with the line, the
            reason and the nearest valid name.
    """
    node, content = _read(path, "recipe", "`ls configs/` shows those that come along")
    if not isinstance(content, dict):
        raise UserError(f"{path}: a recipe is a mapping of keys; see configs/quickstart.yaml")
    if thresholds is not None:
        load_thresholds(thresholds)
        content["rules"] = _read(thresholds, "file of thresholds", "")[1]["rules"]
    for override in overrides:
        _apply(content, override)
    try:
        recipe = Recipe.model_validate(content)
    except pydantic.ValidationError as error:
        raise UserError(_explain(path, node, error)) from None
    return recipe


def load_thresholds(path: str) -> Thresholds:
    """Read and check a file of thresholds.

    Raises:
        UserError: the file is missing, is no YAML, has a wrong key or value.
    """
    remedy = "the button of report.html downloads one"
    node, content = _read(path, "file of thresholds", remedy)
    if not isinstance(content, dict):
        raise UserError(f"{path}: a file of thresholds is a mapping with `rules`; {remedy}")
    try:
        return Thresholds.model_validate(content)
    except pydantic.ValidationError as error:
        raise UserError(_explain(path, node, error)) from None


def _read(path: str, kind: str, remedy: str) -> tuple[yaml.Node | None, Any]:
    try:
        text = Path(path).read_text(encoding="utf-8")
    except FileNotFoundError:
        raise UserError(f"{path}: no such {kind}; {remedy}") from None
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"{path}: the {kind} can't be read: {error}") from None
    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
        content = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise UserError(f"{path}: not YAML: {' '.join(str(error).split())}") from None
    if twice := _repeated_key(node):
        raise UserError(
            f"{path}:{twice.start_mark.line + 1}: the key `{twice.value}` is there twice"
        )
    return node, content


def _repeated_key(node: yaml.Node | None) -> yaml.ScalarNode | None:
    """Return the first key that a mapping has twice: YAML would let the last one win."""
    children: list[yaml.Node] = []
    if isinstance(node, yaml.MappingNode):
        seen = set()
        for key, value in node.value:
            if isinstance(key, yaml.ScalarNode):
                if key.value in seen:
                    return key
                seen.add(key.value)
            children.append(value)
    elif isinstance(node, yaml.SequenceNode):
        children = node.value
    return next(filter(None, map(_repeated_key, children)), None)


def _apply(content: dict[str, Any], override: str) -> None:
    key, separator, value = override.partition("=")
    if not separator or not key:
        raise UserError(f"--set {override}: write key=value, such as --set output=out/mine")
    try:
        parsed = yaml.safe_load(value)
    except yaml.YAMLError:
        raise UserError(f"--set {override}: the value is not YAML") from None
    at: Any = content
    keys = _keys(content, key.split("."))
    for step in keys[:-1]:
        if isinstance(at, list):
            at = at[_index(at, step, override)]
        else:
            if not isinstance(at.get(step), dict | list):
                at[step] = {}
            at = at[step]
    if isinstance(at, list):
        at[_index(at, keys[-1], override)] = parsed
    else:
        at[keys[-1]] = parsed


def _index(items: list[Any], step: str, override: str) -> int:
    if not step.isdecimal() or int(step) >= len(items):
        raise UserError(f"--set {override}: `{step}` is no entry of a list of {len(items)}")
    return int(step)


def _keys(content: dict[str, Any], parts: list[str]) -> list[str]:
    """Join the parts of a dotted key that are one key: signal names hold a point themselves."""
    if parts[0] == "rules" and len(parts) > 2:
        return ["rules", f"{parts[1]}.{parts[2]}", *parts[3:]]
    return parts


def _explain(path: str, node: yaml.Node | None, error: pydantic.ValidationError) -> str:
    """Put the first fault into one line, with its line in the file and the nearest valid name."""
    fault = error.errors()[0]
    # pydantic names the member of a union (`warc`) and our split of `rules`: no keys of the file.
    location = [
        step
        for place, step in enumerate(fault["loc"])
        if not (place == 2 and fault["loc"][0] == "input")
        and not (place == 1 and fault["loc"][0] == "rules" and step == "entries")
    ]
    line = _line(node, location)
    where = f"{path}:{line}" if line else path
    key = ".".join(str(step) for step in location) or "recipe"
    rest = len(error.errors()) - 1
    more = f" (and {rest} more)" if rest else ""
    if fault["type"] == "extra_forbidden":
        known = _known_keys(fault["loc"])
        return f"{where}: unknown key `{key}`{nearest(str(location[-1]), known)}{more}"
    if fault["type"] == "missing":
        return f"{where}: the key `{key}` is missing{more}"
    message = fault["msg"].removeprefix("Value error, ")
    return f"{where}: `{key}`: {message[:1].lower()}{message[1:]}{more}"


def _known_keys(location: tuple[int | str, ...]) -> list[str]:
    model: Any = Recipe
    for step in location[:-1]:
        if step in ("warc", "gutenberg", "jsonl", "parquet"):
            model = {
                "warc": WarcInput,
                "gutenberg": GutenbergInput,
                "jsonl": JsonlInput,
                "parquet": ParquetInput,
            }[str(step)]
            continue
        if isinstance(model, type) and issubclass(model, pydantic.BaseModel):
            model = _model_of(model, str(step))
        if location[0] == "rules" and "." in str(step):
            model = RuleEntry
    if isinstance(model, type) and issubclass(model, pydantic.BaseModel):
        return list(model.model_fields)
    return []


def _model_of(model: type[pydantic.BaseModel], field: str) -> Any:
    if field not in model.model_fields:
        return model
    annotation: Any = model.model_fields[field].annotation
    for candidate in [annotation, *getattr(annotation, "__args__", ())]:
        if isinstance(candidate, type) and issubclass(candidate, pydantic.BaseModel):
            return candidate
    return None


def _line(node: yaml.Node | None, location: Sequence[int | str]) -> int | None:
    """Return the line, from 1, of the deepest part of ``location`` that stands in the file."""
    line = None
    for step in location:
        if isinstance(node, yaml.MappingNode):
            for key, value in node.value:
                if key.value == str(step):
                    line, node = key.start_mark.line + 1, value
                    break
            else:
                break
        elif isinstance(node, yaml.SequenceNode) and isinstance(step, int):
            if step >= len(node.value):
                break
            node = node.value[step]
            line = node.start_mark.line + 1
        else:
            break
    return line
