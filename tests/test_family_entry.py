from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pydantic
import pytest

from filters.registry import FAMILIES
from filters.signals import Signal, SignalValue
from filters.text_view import TextView
from pipelines import storage
from pipelines.errors import UserError
from pipelines.family_entry import FamilyEntry, resolved


@dataclass(frozen=True, kw_only=True)
class Listed:
    """Counts the words of a list, each as often as it stands in the text."""

    words: str
    weight: float = 1.0
    languages: tuple[str, ...] = ("en",)

    signals = (
        Signal(name="listed.count", type="float64", unit="words", meaning="Words.", source="test"),
    )

    def __post_init__(self) -> None:
        if self.weight <= 0:
            raise ValueError(f"weight is {self.weight}; it needs to be above 0")

    @property
    def files(self) -> Mapping[str, str]:
        return {"words": self.words}

    def load(self) -> None:
        if not Path(self.words).read_text():
            raise ValueError(f"{self.words}: the list is empty; put a word on each line")

    def compute(self, view: TextView) -> Mapping[str, SignalValue]:
        return {"listed.count": self.weight}


@pytest.fixture(autouse=True)
def listed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(FAMILIES, "listed", Listed)


def entry(content: Any) -> FamilyEntry:
    return FamilyEntry.model_validate(content)


def test_a_name_or_a_name_with_parameters_makes_the_family() -> None:
    assert entry("c4").family() == FAMILIES["c4"]()
    given = {"listed": {"words": "a.txt", "weight": 2, "languages": ["en", "de"]}}
    assert entry(given).family() == Listed(words="a.txt", weight=2.0, languages=("en", "de"))


def test_a_name_may_stand_with_no_parameters_behind_its_colon() -> None:
    assert entry({"c4": None}) == entry({"c4": {}}) == entry("c4")


@pytest.mark.parametrize("content", ["c4", {"listed": {"words": "a", "languages": ["en"]}}])
def test_an_entry_is_written_as_it_was_read(content: Any) -> None:
    dumped = entry(content).model_dump(mode="json")
    assert dumped == content
    assert entry(dumped) == entry(content)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("lst", "no signal family `lst`"),
        (7, "an entry is the name of a family, or {name: {parameter: value}}"),
        ({"c4": {}, "length": {}}, "an entry is the name of a family"),
        ({"c4": "all"}, "an entry is the name of a family"),
        ({"c4": {"lists": "x"}}, "`c4` has no parameter `lists`; it has none"),
        ({"listed": {"word": "x"}}, "`listed` needs the parameter `words`"),
        ({"listed": {"words": "x", "wight": 1}}, "no parameter `wight`; did you mean `weight`?"),
        ({"listed": {"words": 3}}, "`listed.words`: input should be a valid string"),
        ({"listed": {"words": "x", "languages": [1]}}, "`listed.languages.0`: input should be"),
        ({"listed": {"words": "x", "weight": 0}}, "`listed`: weight is 0.0; it needs to be above"),
        ({"all": {"words": "x"}}, "`all` has no parameters; name the family that they are for"),
        ({"minhash": {"seed": 2}}, "the parameters of `minhash` are those of the section `dedup`"),
    ],
)
def test_a_wrong_entry_is_told_with_the_remedy(content: Any, message: str) -> None:
    with pytest.raises(pydantic.ValidationError) as caught:
        entry(content)
    [fault] = caught.value.errors()
    assert message in fault["msg"]


def test_all_stands_for_the_families_that_are_not_named() -> None:
    given = {"listed": {"words": "a.txt"}}
    entries = resolved([entry("all"), entry(given)])
    assert [of.name for of in entries] == sorted(FAMILIES)
    assert [of.model_dump() for of in entries if of.parameters] == [given]
    assert resolved([entry(given)]) == [entry(given)]


def test_a_list_is_hashed_by_its_content(tmp_path: Path) -> None:
    words = tmp_path / "words.txt"
    words.write_text("one\n")
    first = entry({"listed": {"words": str(words)}}).load_files()
    assert first == {str(words): storage.sha256(str(words))}
    words.write_text("two\n")
    assert entry({"listed": {"words": str(words)}}).load_files() != first
    assert entry("c4").load_files() == {}


def test_a_missing_or_unusable_list_is_told_with_its_key(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"^no/words: no such file or folder \(signals.listed.wor"):
        entry({"listed": {"words": "no/words"}}).load_files()
    empty = tmp_path / "empty.txt"
    empty.touch()
    with pytest.raises(UserError, match=r"put a word on each line \(signals.listed\)$"):
        entry({"listed": {"words": str(empty)}}).load_files()
