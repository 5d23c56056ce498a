"""A document on its way from its record to its row of ``scored/``."""

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from filters.declarations import Declarations
from filters.decoding import storable
from filters.signals import SignalValue
from pipelines.readers.records import Record


@dataclass(slots=True)
class Draft:
    """A document whose text edits and steps may still change.

    Attributes:
        record: The record that it is made of.
        identifier: Its id.
        text: Its text as the last edit or step left it.
        metadata: What the source and the steps know of it.
        declared: What it says of its use, if that is known.
        counts: What the edits counted, by signal.
        language: The signals of its language; empty until that is identified.
        step: What it is going through, for the record of an error.
    """

    record: Record
    identifier: str
    text: str
    metadata: dict[str, Any]
    declared: Declarations | None = None
    counts: Counter[str] = field(default_factory=Counter)
    language: Mapping[str, SignalValue] = field(default_factory=dict)
    step: str = "score"

    @property
    def language_code(self) -> str | None:
        """The code of its language, once that is identified."""
        code = self.language["language.code"]
        return code if isinstance(code, str) else None

    def known(self) -> dict[str, Any]:
        """Return what datatrove's steps look for in the metadata of a document."""
        place, date = self.record.place, self.record.date
        known = {
            **self.metadata,
            "file_path": place.source,
            "url": place.url,
            "date": date and date.isoformat(),
            "language": self.language_code,
            "language_score": self.language["language.score"],
        }
        return {name: value for name, value in known.items() if value is not None}

    def row(self, signals: Mapping[str, SignalValue]) -> dict[str, Any]:
        """Return its row with these signals.

        Raises:
            TypeError: a step has left something in the metadata that JSON has no form for.
        """
        place = self.record.place
        metadata = json.dumps(self.metadata, ensure_ascii=False, sort_keys=True, default=_plain)
        return {
            "id": self.identifier,
            "source": storable(place.source),
            "record_id": storable(place.record_id),
            "url": None if place.url is None else storable(place.url),
            "date": self.record.date,
            "text": self.text,
            "metadata": storable(metadata),
            **signals,
        }


def _plain(value: object) -> Any:
    """Return a NumPy number, as a classifier may leave it in the metadata, as one of Python."""
    if isinstance(value, np.generic):
        return value.item()
    raise TypeError(f"the metadata holds a {type(value).__name__}, which is no JSON")
