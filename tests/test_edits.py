"""What every edit promises, for every edit of the registry."""

import pickle
import re
import time
from dataclasses import is_dataclass

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from filters.edits import ORIGINAL_LENGTH, Edit, Edited, signals_of
from filters.registry import EDITS, FAMILIES
from tests.test_family_conformance import TEXTS

edit_of_registry = pytest.mark.parametrize("edit", [make() for make in EDITS.values()], ids=EDITS)


def assert_kept_promises(edit: Edit, text: str) -> Edited:
    edited = edit.apply(text)
    assert list(edited.counts) == [signal.name for signal in edit.signals]
    for count in edited.counts.values():
        assert type(count) is int
        assert count >= 0
    # Whatever changes is counted, and what is counted has changed.
    assert (edited.text != text) == any(edited.counts.values())
    return edited


@edit_of_registry
def test_an_edit_goes_by_its_name_and_takes_its_parameters_as_a_dataclass(edit: Edit) -> None:
    assert isinstance(edit, Edit)
    assert EDITS[edit.name] is type(edit)
    assert is_dataclass(edit)


@edit_of_registry
def test_counts_are_declared_in_full(edit: Edit) -> None:
    assert edit.signals
    for signal in edit.signals:
        assert re.fullmatch(r"[a-z0-9_]+\.[a-z0-9_]+_count", signal.name)
        assert signal.type == "int64"
        assert signal.unit
        assert signal.source
        assert re.fullmatch(r"\S.*\.", signal.meaning), "one sentence with its full stop"


def test_names_are_unique_over_edits_and_families() -> None:
    names = [signal.name for make in EDITS.values() for signal in make().signals]
    names += [signal.name for make in FAMILIES.values() for signal in make().signals]
    names.append(ORIGINAL_LENGTH.name)
    assert len(names) == len(set(names))


def test_an_edit_that_is_there_twice_is_declared_once() -> None:
    once = signals_of([make() for make in EDITS.values()])
    twice = signals_of([make() for make in [*EDITS.values(), *EDITS.values()]])
    assert twice == once
    assert once[0] == ORIGINAL_LENGTH


@edit_of_registry
@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS.keys())
def test_any_text_is_edited_and_a_second_time_is_left_alone(edit: Edit, text: str) -> None:
    edited = assert_kept_promises(edit, text)
    again = assert_kept_promises(edit, edited.text)
    assert again.text == edited.text
    assert not any(again.counts.values())


@edit_of_registry
@settings(max_examples=60)
@given(text=st.text(st.characters(), max_size=120))
def test_arbitrary_text_is_edited(edit: Edit, text: str) -> None:
    assert_kept_promises(edit, text)


@edit_of_registry
@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS.keys())
def test_a_pickled_edit_does_the_same(edit: Edit, text: str) -> None:
    before = edit.apply(text)
    assert pickle.loads(pickle.dumps(edit)).apply(text) == before


@edit_of_registry
@pytest.mark.parametrize(
    "unit", ["word ", "1 ", "@", "a@b.", "\u0315\u0300", " \t", "&amp;", "字", "Ã©", "1.1.1.1 "]
)
def test_two_megabytes_on_one_line(edit: Edit, unit: str) -> None:
    text = "a" + unit * (2_000_000 // len(unit.encode())) + "z"
    start = time.process_time()
    assert_kept_promises(edit, text)
    # It takes a few seconds at most; whatever is quadratic takes hours.
    assert time.process_time() - start < 60
