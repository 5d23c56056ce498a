"""Whether the people behind a page want it left out: a list of theirs, or the page itself says so.

Nobody has agreed on one way to say it. What counts here: a list that the recipe names, the
directives of `X-Robots-Tag` and `<meta name="robots">`, and the TDM Reservation Protocol.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Literal

from filters import url_lists
from filters.bounds import Bounds
from filters.declarations import Declarations
from filters.signals import Signal, SignalValue
from filters.text_view import TextView
from filters.url_lists import Address, ListFile, UrlList

OptOutName = Literal["listed", "noai", "tdm_reserved", "noimageai", "noindex", "noarchive"]

_DEVIANT_ART = "DeviantArt's directives `noai` and `noimageai`, 2022"
_ROBOTS = "Google, Robots meta tag and X-Robots-Tag specifications"
# What `none` says in one word.
_DIRECTIVES: dict[str, tuple[str, ...]] = {
    "noai": ("noai",),
    "noimageai": ("noimageai",),
    "noindex": ("noindex", "none"),
    "noarchive": ("noarchive",),
}


def _signal(name: OptOutName, meaning: str, source: str, *, published: bool = False) -> Signal:
    return Signal(
        name=f"opt_out.{name}",
        type="bool",
        unit="yes or no",
        meaning=meaning,
        source=source,
        threshold=Bounds(max=0) if published else None,
    )


_SIGNALS = (
    _signal(
        "listed",
        "Whether the recipe's opt-out list has the page, its host or a domain above it.",
        "The recipe's own list",
        published=True,
    ),
    _signal(
        "noai",
        "Whether the page's header or meta tag asks not to be used for AI.",
        _DEVIANT_ART,
        published=True,
    ),
    _signal(
        "tdm_reserved",
        "Whether the page's header or meta tag reserves the rights of text and data mining.",
        "TDM Reservation Protocol, W3C Community Group, 2024",
        published=True,
    ),
    _signal(
        "noimageai",
        "Whether the page's header or meta tag asks that its images are not used for AI.",
        _DEVIANT_ART,
    ),
    _signal("noindex", "Whether the page asks to be in no index of a search engine.", _ROBOTS),
    _signal("noarchive", "Whether the page asks not to be shown from a cache.", _ROBOTS),
)


@dataclass(frozen=True, kw_only=True)
class OptOut:
    """Whether a page is on the recipe's opt-out list, and what it declares itself.

    ``listed`` is null without a list or an address. The others are null where neither the HTTP
    headers nor the HTML are known, as in WET files and books.

    Args:
        domains: A file of domains, one a line; each stands for all hosts below it.
        urls: A file of pages, one a line.

    >>> OptOut().compute(TextView("A page.", declared=Declarations(tdm_reserved=True)))[
    ...     "opt_out.tdm_reserved"
    ... ]
    True
    """

    domains: str | None = None
    urls: str | None = None

    def __getstate__(self) -> dict[str, object]:
        return {name: getattr(self, name) for name in self.__dataclass_fields__}

    @property
    def signals(self) -> tuple[Signal, ...]:
        """The signals that :meth:`compute` returns."""
        return _SIGNALS

    @property
    def files(self) -> Mapping[str, str]:
        """The files that the parameters name."""
        named = {"domains": self.domains, "urls": self.urls}
        return {name: path for name, path in named.items() if path is not None}

    def load(self) -> None:
        """Read the lists now.

        Raises:
            ValueError: A file is no list.
        """
        self._lists  # noqa: B018

    @cached_property
    def _lists(self) -> list[UrlList]:
        lists = []
        if self.domains is not None:
            lists.append(url_lists.load([ListFile(path=Path(self.domains), kind="domains")]))
        if self.urls is not None:
            lists.append(url_lists.load([ListFile(path=Path(self.urls), kind="urls")]))
        return lists

    def compute(self, view: TextView) -> Mapping[str, SignalValue]:
        """Look the address up, and read what the page declares."""
        return {
            "opt_out.listed": self._listed(view.url),
            "opt_out.noai": _says(view.declared, "noai"),
            "opt_out.tdm_reserved": None if view.declared is None else view.declared.tdm_reserved,
            **{
                f"opt_out.{name}": _says(view.declared, name)
                for name in ("noimageai", "noindex", "noarchive")
            },
        }

    def _listed(self, url: str | None) -> bool | None:
        if url is None or not self.files:
            return None
        address = Address.of(url)
        return any(of.covers(address) for of in self._lists) if address.host else None


def _says(declared: Declarations | None, name: str) -> bool | None:
    if declared is None:
        return None
    return not declared.directives.isdisjoint(_DIRECTIVES[name])
