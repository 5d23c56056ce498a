"""Personal data as an edit: what names or reaches one person becomes a placeholder, and is counted.

Only what can be told by its form is looked for: addresses of mail and network, and numbers whose
checksum or numbering plan tells them from others. Names and postal addresses are not found.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal, get_args

from filters import personal_data
from filters.edits import Edited
from filters.personal_data import Span
from filters.signals import Signal

Kind = Literal["email", "iban", "card", "ip", "phone"]
KINDS: tuple[Kind, ...] = get_args(Kind)
"""The kinds of personal data, the first taking what two of them claim."""

_MEANINGS: Mapping[Kind, tuple[str, str]] = {
    "email": ("Addresses of electronic mail that were replaced.", "RFC 5321, section 4.1.2"),
    "iban": (
        "International bank account numbers with a right checksum that were replaced.",
        "ISO 13616, by python-stdnum",
    ),
    "card": (
        "Payment card numbers of a known issuer with a right checksum that were replaced.",
        "ISO/IEC 7812-1, by python-stdnum",
    ),
    "ip": ("Internet addresses, versions 4 and 6, that were replaced.", "IANA address registries"),
    "phone": (
        "Telephone numbers that are valid in their numbering plan that were replaced.",
        "ITU-T E.164, by phonenumbers",
    ),
}


@dataclass(frozen=True, kw_only=True)
class PersonalData:
    """Replaces mail addresses, internet addresses, phone, card and bank account numbers.

    A page that has none costs a few searches for a sign of one. FineWeb, by its dataset card,
    replaces mail addresses and public internet addresses: ``kinds=("email", "ip")``.

    Args:
        kinds: What is looked for: ``email``, ``iban``, ``card``, ``ip``, ``phone``.
        public_ips_only: Whether private, reserved and documentation addresses stay. They lead to
            nobody.
        phone_regions: Countries (ISO 3166) whose numbers are found as they are written there,
            in groups: ``US`` stands for all of North America. Numbers that begin with ``+`` are
            found in any case.
        placeholders: What stands for each kind; those left out are the kind's name in brackets.

    Raises:
        ValueError: a kind or a region is not known, or no kind is asked for.

    >>> edited = PersonalData().apply("Mail to jo@gmx.net or call +44 20 7946 0958 from 10.0.0.1.")
    >>> edited.text
    'Mail to [EMAIL] or call [PHONE] from 10.0.0.1.'
    >>> edited.counts["pii.email_count"], edited.counts["pii.ip_count"]
    (1, 0)
    """

    kinds: tuple[Kind, ...] = KINDS
    public_ips_only: bool = True
    phone_regions: tuple[str, ...] = ("US",)
    placeholders: Mapping[Kind, str] = field(default_factory=dict)

    name = "pii"

    def __post_init__(self) -> None:
        if not self.kinds:
            raise ValueError("kinds is empty, and nothing would be replaced")
        for kind in (*self.kinds, *self.placeholders):
            if kind not in KINDS:
                raise ValueError(f"no kind `{kind}`; there are: {', '.join(KINDS)}")
        if "phone" in self.kinds and self.phone_regions:
            from phonenumbers import SUPPORTED_REGIONS

            for region in self.phone_regions:
                if region not in SUPPORTED_REGIONS:
                    raise ValueError(f"phone_regions: no country `{region}` in ISO 3166")

    @property
    def signals(self) -> tuple[Signal, ...]:
        """A count for each kind that is looked for."""
        return tuple(
            Signal(
                name=f"pii.{kind}_count",
                type="int64",
                unit="occurrences",
                meaning=_MEANINGS[kind][0],
                source=_MEANINGS[kind][1],
            )
            for kind in self._ordered
        )

    def apply(self, text: str) -> Edited:
        """Replace what is found; what is a placeholder already is left and not counted."""
        counts = dict.fromkeys(self._ordered, 0)
        parts = []
        read_to = 0
        for (start, end), kind in _without_overlaps(self._found(text)):
            placeholder = self._placeholder(kind)
            if text[start:end] != placeholder:
                counts[kind] += 1
                parts += [text[read_to:start], placeholder]
                read_to = end
        parts.append(text[read_to:])
        return Edited(
            "".join(parts), {f"pii.{kind}_count": count for kind, count in counts.items()}
        )

    @property
    def _ordered(self) -> list[Kind]:
        return [kind for kind in KINDS if kind in self.kinds]

    def _placeholder(self, kind: Kind) -> str:
        return self.placeholders.get(kind, f"[{kind.upper()}]")

    def _found(self, text: str) -> Iterator[tuple[Span, Kind]]:
        has_numbers = personal_data.has_numbers(text)
        for kind in self._ordered:
            if has_numbers or kind in ("email", "ip"):
                yield from ((span, kind) for span in self._spans(kind, text))

    def _spans(self, kind: Kind, text: str) -> Iterator[Span]:
        match kind:
            case "email":
                return personal_data.emails(text)
            case "iban":
                return personal_data.ibans(text)
            case "card":
                return personal_data.cards(text)
            case "ip":
                return personal_data.ips(text, public_only=self.public_ips_only)
            case "phone":
                return personal_data.phones(text, regions=self.phone_regions)


def _without_overlaps(found: Iterable[tuple[Span, Kind]]) -> list[tuple[Span, Kind]]:
    """Return what was found by its place; of two that overlap, the kind that comes first."""
    kept: list[tuple[Span, Kind]] = []
    for (start, end), kind in sorted(found):
        if kept and start < kept[-1][0][1]:
            if KINDS.index(kind) > KINDS.index(kept[-1][1]):
                continue
            kept.pop()
        kept.append(((start, end), kind))
    return kept
