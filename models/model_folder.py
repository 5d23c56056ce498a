"""Trained models as folders: the files of a model, and ``model.json``, which says what they are."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

DESCRIPTION = "model.json"
_SHIPPED = Path(__file__).parent / "data"

Kind = Literal["harmful", "quality", "reference"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelFolder:
    """What ``model.json`` says.

    Attributes:
        path: The folder.
        kind: What its model scores.
        languages: Codes of the languages that it is for; empty for any.
        values: Numbers that scoring needs beside the files: weights, buckets, the threshold.
    """

    path: Path
    kind: str
    languages: tuple[str, ...]
    values: dict[str, Any]

    def file(self, name: str) -> str:
        """Return the path of one of its files."""
        return str(self.path / name)

    def number(self, name: str) -> float:
        """Return one of its numbers.

        Raises:
            ValueError: it is not there or no number.
        """
        value = self.values.get(name)
        if not isinstance(value, int | float):
            raise ValueError(f"{DESCRIPTION} has no number `{name}`")  # noqa: TRY004
        return float(value)


def shipped() -> list[str]:
    """Return the names of the models that come along."""
    return sorted(path.parent.name for path in _SHIPPED.glob(f"*/{DESCRIPTION}"))


def resolve(name: str) -> str:
    """Return the folder of a model that comes along, or ``name`` itself as a path."""
    return str(_SHIPPED / name) if name in shipped() else name


def is_folder(path: str) -> bool:
    """Tell whether a path names a model that comes along or a folder on this machine."""
    return path in shipped() or Path(path).is_dir()


def read(path: str, kind: Kind) -> ModelFolder:
    """Read the description of a trained model.

    Raises:
        ValueError: the folder is missing or holds another kind of model.
    """
    try:
        content = json.loads(Path(path, DESCRIPTION).read_text(encoding="utf-8"))
        found, languages = content.pop("kind"), content.pop("languages")
    except (OSError, ValueError, KeyError, AttributeError) as error:
        raise ValueError(f"no folder of a trained model: {DESCRIPTION}: {error}") from None
    if found != kind:
        raise ValueError(f"a model of kind `{found}`, and not `{kind}`")
    return ModelFolder(path=Path(path), kind=found, languages=tuple(languages), values=content)


def write(folder: Path, *, kind: Kind, languages: tuple[str, ...], values: dict[str, Any]) -> None:
    """Write ``model.json``."""
    content = {"kind": kind, "languages": list(languages), **values}
    text = json.dumps(content, indent=2, ensure_ascii=False)
    (folder / DESCRIPTION).write_text(text + "\n", encoding="utf-8")
