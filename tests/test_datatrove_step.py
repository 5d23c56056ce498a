import pickle
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from datatrove.data import Document
from datatrove.pipeline import filters as datatrove_filters
from datatrove.pipeline.filters import GopherQualityFilter
from datatrove.pipeline.filters.base_filter import BaseFilter

from filters.datatrove_step import PAGE, DatatroveStep, UnknownName, new_document
from tests.small_models import quality_model

__all__ = ["quality_model"]

OWN = "tests.datatrove_filters"


def step(name: str, **parameters: Any) -> DatatroveStep:
    return DatatroveStep(name=name, parameters=parameters)


def document(text: str = PAGE, identifier: str = "7") -> Document:
    return new_document(text, identifier=identifier, metadata={"language": "en"})


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (PAGE, None),
        ("Too short.", "datatrove.GopherQualityFilter.gopher_short_doc"),
        ("#word " * 80, "datatrove.GopherQualityFilter.gopher_too_many_hashes"),
        ("Fähre und Hafen " * 30, "datatrove.GopherQualityFilter.gopher_enough_stop_words"),
    ],
)
def test_a_filter_drops_with_its_name_and_reason(text: str, reason: str | None) -> None:
    assert step("datatrove.GopherQualityFilter", min_doc_words=30).apply(document(text)) == reason


def test_a_filter_without_reasons_drops_with_its_name() -> None:
    made = step("datatrove.RegexFilter", regex_exp="tide|poem")
    assert made.apply(document()) == "datatrove.RegexFilter"
    assert made.apply(document("Nothing.")) is None


def test_the_text_and_metadata_that_a_step_changes_stay() -> None:
    changed = document("Mail jo@gmx.net.")
    assert step("datatrove.PIIFormatter").apply(changed) is None
    assert changed.text == "Mail email@example.com."
    lines = "The first line is kept here.\nNot this\n" * 5
    cut = document(lines)
    assert step("datatrove.C4QualityFilter").apply(cut) is None
    assert cut.text == "\n".join(["The first line is kept here."] * 5)
    scored = document()
    assert step(f"{OWN}.NoPoems").apply(scored) is None
    assert scored.metadata == {"language": "en", "poem_score": 0.25}


def test_a_filter_of_batches_and_a_formatter_of_ones_own_run() -> None:
    made = step(f"{OWN}.Batched", shortest=20)
    assert made.apply(document("Short.")) == f"{OWN}.Batched.short"
    assert made.apply(document()) is None
    loud = document("hush")
    assert step(f"{OWN}.Shout").apply(loud) is None
    assert loud.text == "HUSH"


def test_a_classifier_of_fasttext_runs_with_the_module_that_is_there(quality_model: str) -> None:
    labels = {"model_url": quality_model, "keep_labels": ["positive", 0.5]}
    made = step("datatrove.FastTextClassifierFilter", **labels)
    made.check()
    scored = document()
    kept = made.apply(scored) is None
    assert kept == (scored.metadata["__label__positive"] >= 0.5)


@pytest.mark.parametrize("seed", [None, 3])
def test_lots_are_drawn_by_document_and_not_by_order(seed: int | None) -> None:
    parameters: dict[str, Any] = {"rate": 0.3} | ({} if seed is None else {"seed": seed})
    made = step("datatrove.SamplerFilter", **parameters)
    identifiers = [f"{number:032x}" for number in range(400)]
    forwards = [made.apply(document("x", of)) is None for of in identifiers]
    again = step("datatrove.SamplerFilter", **parameters)
    backwards = [again.apply(document("x", of)) is None for of in reversed(identifiers)]
    assert forwards == backwards[::-1]
    assert 80 < sum(forwards) < 160


def test_another_seed_draws_other_lots() -> None:
    first, second = (step("datatrove.SamplerFilter", seed=seed) for seed in (1, 2))
    identifiers = [f"{number:032x}" for number in range(64)]
    assert [first.apply(document("x", of)) for of in identifiers] != [
        second.apply(document("x", of)) for of in identifiers
    ]


def test_a_step_pickles_before_and_after_its_first_document() -> None:
    made = step("datatrove.GopherQualityFilter", min_doc_words=30)
    before = pickle.dumps(made)
    made.apply(document())
    assert pickle.dumps(made) == before
    assert pickle.loads(before) == made
    assert pickle.loads(before).apply(document("Short.")) == made.apply(document("Short."))


def shipped() -> list[str]:
    return [
        name
        for name, value in vars(datatrove_filters).items()
        if isinstance(value, type) and issubclass(value, BaseFilter)
    ]


@pytest.mark.parametrize("name", shipped())
def test_every_filter_of_datatrove_is_known(name: str) -> None:
    needs = {
        "FastTextClassifierFilter": {"model_url": "m.bin"},
        "LambdaFilter": {"filter_function": "f"},
        "RegexFilter": {"regex_exp": "x"},
    }
    step(f"datatrove.{name}", **needs.get(name, {})).check()


@pytest.mark.parametrize(
    ("made", "message", "known"),
    [
        (
            step("datatrove.GopherQualtyFilter"),
            "`datatrove` has no filter or formatter `GopherQualtyFilter`",
            "datatrove.GopherQualityFilter",
        ),
        (step("PIIFormatter"), "no step `PIIFormatter`", "datatrove.PIIFormatter"),
        (
            step("datatrove.GopherQualityFilter", min_words=3),
            "no parameter `min_words`",
            "min_doc_words",
        ),
        (step(f"{OWN}.NoPoem"), f"`{OWN}` has no filter or formatter", f"{OWN}.NoPoems"),
    ],
)
def test_an_unknown_name_comes_with_the_known_ones(
    made: DatatroveStep, message: str, known: str
) -> None:
    with pytest.raises(UnknownName, match=message) as caught:
        made.check()
    assert known in caught.value.known


@pytest.mark.parametrize(
    ("made", "message"),
    [
        (step("datatrove.RegexFilter"), "missing a required argument: 'regex_exp'"),
        (step("datatrove.RegexFilter", exclusion_writer="w"), r"`gates: \{keep_text: true\}`"),
        (step("no_such_package.filters.Own"), r"can't be imported \(No module named"),
        (step("json.JSONDecoder"), "`json` has no filter or formatter `JSONDecoder`"),
        (step(f"{OWN}.NeedsMore"), "needs the package `no-such-package`, which is not installed"),
    ],
)
def test_what_can_not_be_a_step_is_told(made: DatatroveStep, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        made.check()


@pytest.mark.parametrize(
    ("made", "message"),
    [
        (step(f"{OWN}.NeedsMoreLater"), "needs the package `no_such_module`, which is not ins"),
        (step(f"{OWN}.NeedsWords"), "^Please install `no_such_module` to use English words"),
        (step("datatrove.RegexFilter", regex_exp="("), "^fails on plain English: error: missing"),
        (
            step("datatrove.GopherQualityFilter", min_doc_words="thirty"),
            "^fails on plain English: TypeError",
        ),
        (
            step("datatrove.GopherQualityFilter", language="xyz_Zzzz"),
            "^fails on plain English: ValueError",
        ),
    ],
)
def test_a_step_that_works_nowhere_is_found_out_on_plain_english(
    made: DatatroveStep, message: str
) -> None:
    made.check()
    with pytest.raises(ValueError, match=message):
        made.try_out()


def test_a_page_that_fails_a_filter_is_no_failure_of_the_filter() -> None:
    step("datatrove.GopherQualityFilter", min_doc_words=5000).try_out()


def test_datatrove_is_not_imported_until_a_step_is_looked_at() -> None:
    code = (
        "import sys; from filters.datatrove_step import DatatroveStep;"
        "DatatroveStep(name='datatrove.PIIFormatter');"
        "sys.exit(any(name.startswith('datatrove') for name in sys.modules))"
    )
    root = Path(__file__).parent.parent
    assert subprocess.run([sys.executable, "-c", code], cwd=root, check=False).returncode == 0


def test_decisions_are_those_of_the_filter_itself() -> None:
    texts = [
        PAGE,
        PAGE[:150],
        "• one\n" * 60,
        "a b c " * 40,
        PAGE.replace(" the ", " "),
        "1 2 " * 50,
    ]
    made, own = step("datatrove.GopherQualityFilter"), GopherQualityFilter()
    for text in texts:
        expected = own.filter(Document(text=text, id="0"))
        reason = made.apply(document(text))
        assert reason == (
            f"datatrove.GopherQualityFilter.{expected[1]}" if isinstance(expected, tuple) else None
        )
