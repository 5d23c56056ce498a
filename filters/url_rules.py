"""Rules on a page's address: blocklists and banned words, as signals.

They are those of RefinedWeb (Penedo et al. 2023, arXiv 2306.01116, section 3.1 and appendix G.1)
as datatrove has them: the list of adult sites of the University of Toulouse (UT1) and three lists
of words come from its package. UT1's other categories, and lists of one's own, go beside them.
"""

import importlib.util
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from filters import url_lists
from filters.bounds import Bounds
from filters.signals import Signal, SignalValue
from filters.text_view import TextView
from filters.url_lists import Address, ListFile, UrlList

_UT1 = "UT1 blacklists of the University of Toulouse, as in RefinedWeb, arXiv 2306.01116, G.1.1"
_WORDS = "RefinedWeb, arXiv 2306.01116, appendix G.1.2, with datatrove's lists"
_OWN = "The recipe's own list"
# Its name has the version of datatrove that the list came with.
_SHIPPED_UT1 = "url_filterblacklists*.tar.gz"
_NOT_WORD = re.compile(r"[^a-zA-Z0-9]+")


def _assets() -> Path:
    """Return the folder of datatrove's lists, without importing the package."""
    spec = importlib.util.find_spec("datatrove")
    if spec is None or not spec.submodule_search_locations:
        raise ModuleNotFoundError("datatrove, which brings the lists of URLs, is not installed")
    return Path(spec.submodule_search_locations[0], "assets")


@dataclass(frozen=True, kw_only=True)
class UrlRules:
    """Whether a page's address is on a list, and how many banned words it holds.

    A page is on a list if its host is, or a domain that the host lies in, or the page itself
    (scheme and fragment never count, the query and ``www.`` only where the entry has them). Words
    are the runs of ASCII letters and digits of the address, in any case. Every value is null for
    a document without an address, and those of lists for an address without a host.

    Args:
        ut1: A folder with UT1's layout, ``<category>/domains`` and ``<category>/urls``, plain or
            with ``.gz``. By default datatrove's copy, which holds ``adult`` alone.
        categories: The categories of UT1; each makes a signal.
        domains: A file of further domains, one a line.
        urls: A file of further pages, one a line.
        banned_words: A file of words of which one is too much, instead of datatrove's.
        soft_banned_words: A file of words of which two are too much, instead of datatrove's.
        banned_subwords: A file of what must not even stand inside a word, or across words, instead
            of datatrove's.

    Raises:
        ValueError: A category is no name of a folder, comes twice, or is not in datatrove's copy.

    >>> values = UrlRules().compute(TextView("", url="https://example.com/free-sex-videos"))
    >>> values["url.ut1_adult"], values["url.soft_banned_word_count"]
    (False, 1)
    """

    ut1: str | None = None
    categories: tuple[str, ...] = ("adult",)
    domains: str | None = None
    urls: str | None = None
    banned_words: str | None = None
    soft_banned_words: str | None = None
    banned_subwords: str | None = None

    def __post_init__(self) -> None:
        for category in self.categories:
            if not re.fullmatch("[a-z0-9_-]+", category):
                raise ValueError(f"`{category}` is no category of UT1, such as adult or gambling")
            if self.ut1 is None and category != "adult":
                raise ValueError(
                    f"datatrove's copy of UT1 has no `{category}`; give UT1's folder as `ut1`"
                )
        if len(set(map(_column, self.categories))) < len(self.categories):
            raise ValueError("a category is there twice")

    def __getstate__(self) -> dict[str, object]:
        return {name: getattr(self, name) for name in self.__dataclass_fields__}

    @cached_property
    def signals(self) -> tuple[Signal, ...]:
        """The signals that :meth:`compute` returns, of own lists only where they are given."""
        return (
            *(
                _list_signal(f"url.{_column(category)}", f"the UT1 list {category}", _UT1)
                for category in self.categories
            ),
            *(
                _list_signal(f"url.blocked_{kind}", f"the recipe's list of {kind}s", _OWN)
                for kind, path in (("domain", self.domains), ("page", self.urls))
                if path is not None
            ),
            Signal(
                name="url.banned_word_count",
                type="int64",
                unit="words",
                meaning="Distinct words of the address of which one is too much.",
                source=_WORDS,
                threshold=Bounds(max=0),
            ),
            Signal(
                name="url.soft_banned_word_count",
                type="int64",
                unit="words",
                meaning="Distinct words of the address of which two are too much.",
                source=_WORDS,
                threshold=Bounds(max=1),
            ),
            Signal(
                name="url.banned_subword_count",
                type="int64",
                unit="strings",
                meaning="Distinct banned strings in the address, read without what is no letter"
                " or digit.",
                source=_WORDS,
                threshold=Bounds(max=0),
            ),
        )

    @property
    def files(self) -> Mapping[str, str]:
        """The files and the folder that the parameters name."""
        named = ("ut1", "domains", "urls", "banned_words", "soft_banned_words", "banned_subwords")
        return {name: path for name in named if (path := getattr(self, name)) is not None}

    def load(self) -> None:
        """Read all lists now.

        Raises:
            ValueError: A category has no folder in UT1's, or a file is no list.
        """
        self._lists, self._words  # noqa: B018

    @cached_property
    def _lists(self) -> dict[str, UrlList]:
        lists = {f"url.{_column(c)}": url_lists.load(self._ut1_files(c)) for c in self.categories}
        if self.domains is not None:
            file = ListFile(path=Path(self.domains), kind="domains")
            lists["url.blocked_domain"] = url_lists.load([file])
        if self.urls is not None:
            file = ListFile(path=Path(self.urls), kind="urls")
            lists["url.blocked_page"] = url_lists.load([file])
        return lists

    def _ut1_files(self, category: str) -> list[ListFile]:
        if self.ut1 is None:
            [shipped] = _assets().glob(_SHIPPED_UT1)
            return [
                ListFile(path=shipped, kind="domains", member="domains"),
                ListFile(path=shipped, kind="urls", member="urls"),
            ]
        files = [
            ListFile(path=path, kind=kind)
            for kind in ("domains", "urls")
            for suffix in ("", ".gz")
            if (path := Path(self.ut1, category, kind + suffix)).is_file()
        ]
        if not files:
            there = sorted(entry.parent.name for entry in Path(self.ut1).glob("*/domains*"))
            raise ValueError(
                f"{self.ut1}: no {category}/domains and no {category}/urls;"
                f" there are: {', '.join(there) or 'no categories'}"
            )
        return files

    @cached_property
    def _words(self) -> tuple[frozenset[str], frozenset[str], frozenset[str]]:
        """The hard, the soft and the inner words."""
        return (
            _words(self.banned_words, "banned_words.txt"),
            _words(self.soft_banned_words, "soft_banned_words.txt"),
            _words(self.banned_subwords, "banned_subwords.txt"),
        )

    def broken(self, url: str) -> list[str]:
        """Return the signals whose published thresholds an address is beyond.

        >>> UrlRules().broken("https://example.com/sexy-babes-and-naked-chicks")
        ['url.soft_banned_word_count']
        """
        values = self.compute(TextView("", url=url))
        return [
            signal.name
            for signal in self.signals
            if isinstance(value := values[signal.name], int)
            and signal.threshold is not None
            and value not in signal.threshold
        ]

    def compute(self, view: TextView) -> Mapping[str, SignalValue]:
        """Look the address up in the lists and its words in the lists of words."""
        values: dict[str, SignalValue] = dict.fromkeys(signal.name for signal in self.signals)
        if view.url is None:
            return values
        address = Address.of(view.url)
        if address.host:
            values |= {name: entries.covers(address) for name, entries in self._lists.items()}
        hard, soft, inner = self._words
        words = {word.lower() for word in _NOT_WORD.split(view.url)}
        squeezed = _normalised(view.url)
        values["url.banned_word_count"] = len(hard & words)
        values["url.soft_banned_word_count"] = len(soft & words)
        values["url.banned_subword_count"] = sum(word in squeezed for word in inner)
        return values


def _column(category: str) -> str:
    return f"ut1_{category.replace('-', '_')}"


def _list_signal(name: str, of: str, source: str) -> Signal:
    return Signal(
        name=name,
        type="bool",
        unit="yes or no",
        meaning=f"Whether {of} has the page, its host or a domain above it.",
        source=source,
        threshold=Bounds(max=0),
    )


def _words(path: str | None, shipped: str) -> frozenset[str]:
    file = _assets() / shipped if path is None else Path(path)
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
    except UnicodeDecodeError:
        raise ValueError(f"{file}: not UTF-8 text; save the list as UTF-8") from None
    words = frozenset(_normalised(line) for line in lines if not line.startswith("#")) - {""}
    if not words:
        raise ValueError(f"{file}: no line of it holds a word of letters and digits")
    return words


def _normalised(text: str) -> str:
    return _NOT_WORD.sub("", text).lower()
