"""What every signal family promises, for every family of the registry."""

import math
import pickle
import re
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from filters.registry import FAMILIES
from filters.signals import SignalFamily, SignalType, SignalValue
from filters.text_view import TextView

TYPES: dict[SignalType, type] = {
    "int64": int,
    "float64": float,
    "bool": bool,
    "string": str,
    "binary": bytes,
}
TEXTS = {
    "empty": "",
    "one letter": "a",
    "one mark": ".",
    "one combining mark": "\u0301",
    "a newline": "\n",
    "newlines": "\n\r\n\n\n",
    "white space": " \t\u00a0\u3000\n \u2028",
    "separators": "\x1c\x1d\x1e\x1f",
    "emoji": "😀👍🏽👩‍👩‍👧‍👦\n❤️🏳️‍🌈",
    "right to left": "השועל החום המהיר.\nهل قفز الثعلب؟ نعم.",
    "Chinese": "人人生而自由,在尊严和权利上一律平等。\n他们赋有理性和良心。",
    "Japanese": "すべての人間は、生まれながらにして自由である。コーヒー",
    "Thai": "มนุษย์ทั้งหลายเกิดมามีอิสระ",
    "Hindi": "सभी मनुष्यों को गौरव और अधिकारों के मामले में जन्मजात स्वतन्त्रता प्राप्त है।",
    "lone surrogates": "\ud800\udfff a\udc80b\n\ud800",
    "NUL": "\x00\x00 a\x00b\n\x00",
    "capital sharp s and dotted I": "STRAẞE İSTANBUL",
    "page": "Home\nNews\n\nIt {rained}. It rained all day.\nWe use cookies...\n\nHome\nNews",
}

family_of_registry = pytest.mark.parametrize("family", [make() for make in FAMILIES.values()])


def _assert_kept_promises(family: SignalFamily, values: object) -> None:
    assert isinstance(values, dict)
    assert list(values) == [signal.name for signal in family.signals]
    for signal in family.signals:
        value: SignalValue = values[signal.name]
        assert value is None or type(value) is TYPES[signal.type], signal.name
        assert not isinstance(value, float) or math.isfinite(value), signal.name


def test_names_are_unique_over_all_families() -> None:
    names = [signal.name for make in FAMILIES.values() for signal in make().signals]
    assert len(names) == len(set(names))


@family_of_registry
def test_signals_are_declared_in_full(family: SignalFamily) -> None:
    assert isinstance(family, SignalFamily)
    assert family.signals
    for signal in family.signals:
        assert re.fullmatch(r"[a-z][a-z0-9_]*\.[a-z0-9_]+", signal.name)
        assert signal.type in TYPES
        assert signal.unit
        assert signal.source
        assert re.fullmatch(r"\S.*\.", signal.meaning), "one sentence with its full stop"


@family_of_registry
@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS.keys())
def test_any_text_gets_every_declared_signal(family: SignalFamily, text: str) -> None:
    _assert_kept_promises(family, family.compute(TextView(text)))


@family_of_registry
@settings(max_examples=40)
@given(text=st.text(st.characters(), max_size=120))
def test_arbitrary_text_gets_every_declared_signal(family: SignalFamily, text: str) -> None:
    _assert_kept_promises(family, family.compute(TextView(text)))


@family_of_registry
@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS.keys())
def test_a_pickled_family_computes_the_same(family: SignalFamily, text: str) -> None:
    before = family.compute(TextView(text))
    assert pickle.loads(pickle.dumps(family)).compute(TextView(text)) == before


@family_of_registry
def test_a_family_keeps_nothing_of_a_document(family: SignalFamily) -> None:
    alone = [family.compute(TextView(text)) for text in TEXTS.values()]
    shared = [TextView(text) for text in TEXTS.values()]
    for other in FAMILIES.values():
        for view in shared:
            other().compute(view)
    assert [family.compute(view) for view in shared] == alone


@pytest.mark.parametrize("unit", ["word ", "x", ".", "the same. ", "字", "{\u0301", '!"'])
def test_ten_megabytes_on_one_line(unit: str) -> None:
    view = TextView(unit * (10_000_000 // len(unit.encode())) + "z")
    start = time.process_time()
    for make in FAMILIES.values():
        family = make()
        _assert_kept_promises(family, family.compute(view))
    # It takes seconds; whatever is quadratic takes days.
    assert time.process_time() - start < 60
