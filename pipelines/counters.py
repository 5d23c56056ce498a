"""Counts that add up: in = out + gated + errors, for every stage."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any


@dataclass(slots=True)
class Counters:
    """What went into a stage and what became of it, in documents.

    Attributes:
        read: Documents that went in.
        written: Documents that came out.
        gated: Documents left out on purpose, by reason.
        errors: Documents that could not be handled, by ``step.Exception``.
    """

    read: int = 0
    written: int = 0
    gated: Counter[str] = field(default_factory=Counter)
    errors: Counter[str] = field(default_factory=Counter)

    def add(self, other: "Counters") -> None:
        """Add the counts of another part of the same stage."""
        self.read += other.read
        self.written += other.written
        self.gated += other.gated
        self.errors += other.errors

    @property
    def balanced(self) -> bool:
        """Whether in = out + gated + errors."""
        return self.read == self.written + self.gated.total() + self.errors.total()

    @property
    def error_rate(self) -> float:
        """Share of the documents read that ended as errors; 0 if none was read."""
        return self.errors.total() / self.read if self.read else 0.0

    def as_json(self) -> dict[str, Any]:
        """Return plain values with the reasons sorted by name."""
        return {
            "in": self.read,
            "out": self.written,
            "gated": dict(sorted(self.gated.items())),
            "errors": dict(sorted(self.errors.items())),
        }

    @classmethod
    def from_json(cls, content: dict[str, Any]) -> "Counters":
        """Return the counters that :meth:`as_json` gave."""
        return cls(
            read=content["in"],
            written=content["out"],
            gated=Counter(content["gated"]),
            errors=Counter(content["errors"]),
        )
