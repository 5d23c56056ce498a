import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from filters.extraction import Extracted
from filters.gopher import GopherQuality
from filters.normalisation import WhiteSpace
from filters.text_view import TextView
from pipelines.document_scorer import DocumentScorer, ScoredDocument, document_id
from pipelines.readers.records import FailedRecord, GatedRecord, Place, Record
from pipelines.recipe import Recipe
from pipelines.sandbox import ExtractionSandbox
from pipelines.schema import scored

ENGLISH = "The ferry leaves at nine and comes back before the evening tide."
GERMAN = "Die Fähre legt um neun Uhr ab und kommt vor der abendlichen Flut zurück."
PAGE = f"<html><head><title>Ferry</title></head><body><p>{ENGLISH}</p></body></html>"


def recipe(**changes: Any) -> Recipe:
    content = {
        "name": "scorer",
        "input": [{"format": "jsonl", "paths": ["-"]}],
        "output": "out",
        **changes,
    }
    return Recipe.model_validate(content)


def record(
    content: bytes | str,
    media_type: str = "text/plain",
    *,
    record_id: str = "r",
    url: str = "https://www.example.org/a",
    metadata: dict[str, str] | None = None,
) -> Record:
    place = Place(source="dump", offset=7, record_id=record_id, url=url)
    return Record(place=place, content=content, media_type=media_type, metadata=metadata or {})


def outcome(of: Record, **changes: Any) -> ScoredDocument | GatedRecord | FailedRecord:
    with DocumentScorer(recipe(**changes)) as scorer:
        return scorer.score(of, Counter())


def row(of: Record, **changes: Any) -> dict[str, Any]:
    result = outcome(of, **changes)
    assert isinstance(result, ScoredDocument)
    return result.row


def test_a_row_has_every_declared_column_and_no_other() -> None:
    names = scored(DocumentScorer(recipe()).signals).names
    assert list(row(record(ENGLISH))) == names


def test_a_page_is_extracted_and_its_title_kept() -> None:
    result = row(record(PAGE.encode(), "text/html", metadata={"truncated": "body"}))
    assert result["text"] == ENGLISH
    assert json.loads(result["metadata"]) == {"title": "Ferry", "truncated": "body"}
    assert result["language.code"] == "en"


def test_bytes_are_decoded_by_their_charset() -> None:
    text = row(record(GERMAN.encode("latin-1")))["text"]
    assert text == GERMAN


def test_what_utf8_has_no_form_for_is_replaced() -> None:
    result = row(record(f"{ENGLISH} \ud800", url="https://example.org/\udfff"))
    assert result["text"] == f"{ENGLISH} \ufffd"
    assert result["url"] == "https://example.org/\ufffd"


@pytest.mark.parametrize(
    ("changes", "content", "reason", "language"),
    [
        ({}, " \n\t ", "no_text", None),
        ({"gates": {"min_characters": 100}}, ENGLISH, "short_text", None),
        ({"gates": {"languages": ["en"]}}, GERMAN, "language.de", "de"),
        ({"gates": {"min_language_score": 0.99999}}, f"{ENGLISH} 1", "language_score", "en"),
    ],
)
def test_gates_name_their_reason_and_what_is_known(
    changes: dict[str, Any], content: str, reason: str, language: str | None
) -> None:
    item = record(content)
    size = None if reason == "no_text" else len(content.encode())
    assert outcome(item, **changes) == GatedRecord(
        place=item.place, reason=reason, bytes=size, language=language
    )


@pytest.mark.parametrize(
    ("url", "gated"),
    [("https://ads.example.org/x", True), ("https://example.org", True), ("https://b.org/", False)],
)
def test_blocked_domains_cover_their_subdomains(tmp_path: Path, url: str, gated: bool) -> None:
    domains = tmp_path / "domains.txt"
    domains.write_text("# ads\nexample.org\n")
    result = outcome(record(ENGLISH, url=url), gates={"blocked_domains": str(domains)})
    assert isinstance(result, GatedRecord) == gated


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("https://ads.example.org/xxx", "url.blocked_domain"),
        ("https://b.org/xxx-videos", "url.banned_word_count"),
        ("https://b.org/news", None),
    ],
)
def test_a_gate_on_the_address_spares_the_extraction(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, url: str, reason: str | None
) -> None:
    domains = tmp_path / "domains.txt"
    domains.write_text("example.org\n")
    extracted = []

    def extract(self: ExtractionSandbox, page: bytes, *, charset: str | None) -> Extracted:
        extracted.append(url)
        return Extracted(text=ENGLISH, title="")

    monkeypatch.setattr(ExtractionSandbox, "extract", extract)
    item = record(PAGE.encode(), "text/html", url=url)
    result = outcome(
        item,
        signals=[{"url_rules": {"categories": [], "domains": str(domains)}}],
        gates={"url": ["blocked_domain", "banned_word_count"]},
    )
    if reason:
        assert result == GatedRecord(place=item.place, reason=reason)
    else:
        assert isinstance(result, ScoredDocument)
    assert extracted == ([] if reason else [url])


def test_a_page_beyond_a_limit_is_an_error_with_its_place() -> None:
    item = record(PAGE.encode(), "text/html")
    result = outcome(item, extract={"max_html_bytes": 50})
    assert isinstance(result, FailedRecord)
    assert (result.place, result.step, result.exception) == (item.place, "extract", "PageTooLarge")


def test_bytes_that_are_no_text_are_an_error() -> None:
    result = outcome(record(bytes(range(256)) * 20))
    assert isinstance(result, FailedRecord)
    assert (result.step, result.exception) == ("decode", "UndecodableText")


def test_a_family_that_fails_on_a_text_costs_that_document_only(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fail(self: GopherQuality, view: TextView) -> dict[str, Any]:
        raise ZeroDivisionError("division\nby zero")

    monkeypatch.setattr(GopherQuality, "compute", fail)
    result = outcome(record(ENGLISH))
    assert isinstance(result, FailedRecord)
    assert (result.step, result.exception, result.message) == (
        "score",
        "ZeroDivisionError",
        "division by zero",
    )


def test_ids_depend_on_source_and_record_and_stay_apart_where_a_record_id_repeats() -> None:
    def ids(*record_ids: str, source: str = "dump") -> Iterator[str]:
        seen: Counter[str] = Counter()
        for record_id in record_ids:
            yield document_id(Place(source=source, offset=0, record_id=record_id), seen)

    assert list(ids("a", "b")) == list(ids("a", "b"))
    assert len({*ids("a", "b", "a", "a"), *ids("a", source="other")}) == 5
    # What stands between two records does not change their ids.
    assert list(ids("a", "b", "c"))[2] == list(ids("a", "c"))[1]


PAGE_WITH_MAIL = f"<html><body><p>{ENGLISH} Mail jo@gmx.net, dÃ©jÃ\xa0 vu.</p></body></html>"


def test_edits_come_before_everything_else_and_are_counted() -> None:
    result = row(
        record(PAGE_WITH_MAIL.encode(), "text/html"),
        edits=["ftfy", "unicode", {"pii": {"kinds": ["email"]}}],
    )
    assert result["text"] == f"{ENGLISH} Mail [EMAIL], déjà vu."
    assert list(result)[13:18] == [
        "language.script",
        "edits.original_length",
        "ftfy.changed_character_count",
        "unicode.changed_character_count",
        "pii.email_count",
    ]
    assert result["edits.original_length"] == len(f"{ENGLISH} Mail jo@gmx.net, dÃ©jÃ\xa0 vu.")
    assert result["length.characters"] == len(result["text"])
    assert [result[name] for name in list(result)[15:18]] == [4, 0, 1]


def test_the_order_of_the_edits_is_the_recipes() -> None:
    text = f"{ENGLISH} jo&#64;gmx.net"
    assert row(record(text), edits=["ftfy", "pii"])["text"] == f"{ENGLISH} [EMAIL]"
    assert row(record(text), edits=["pii", "ftfy"])["text"] == f"{ENGLISH} jo@gmx.net"
    twice = row(record(text), edits=["pii", "ftfy", "pii"])
    assert (twice["text"], twice["pii.email_count"]) == (f"{ENGLISH} [EMAIL]", 1)


def test_the_language_is_that_of_the_edited_text() -> None:
    item = record("abfahrt.hafen.und.zurueck@die-auskunft-der-bahn.de " * 15 + ENGLISH)
    gone = {"pii": {"placeholders": {"email": ""}}}
    assert row(item)["language.code"] == "de"
    assert row(item, edits=[gone])["language.code"] == "en"


def test_without_edits_and_steps_nothing_of_them_is_stored() -> None:
    names = list(row(record(ENGLISH)))
    assert not any(name.startswith(("edits.", "pii.", "ftfy.")) for name in names)


def test_a_text_that_an_edit_leaves_nothing_of_is_gated_by_its_name() -> None:
    item = record("jo@gmx.net")
    gone = {"pii": {"placeholders": {"email": ""}}}
    assert outcome(item, edits=["whitespace", gone]) == GatedRecord(
        place=item.place, reason="empty_after.pii", bytes=len("jo@gmx.net")
    )


def test_the_least_length_is_that_of_the_edited_text() -> None:
    item = record("a" * 40 + " jo@gmx.net")
    changes = {"edits": [{"pii": {"placeholders": {"email": ""}}}], "gates": {"min_characters": 45}}
    assert outcome(item, **changes) == GatedRecord(place=item.place, reason="short_text", bytes=40)


def test_steps_run_in_order_and_know_the_language() -> None:
    changes = {
        "gates": {"languages": ["en"]},
        "steps": [
            "tests.datatrove_filters.NoPoems",
            {"datatrove.PIIFormatter": {"email_replacement": "a@example.com"}},
            {"datatrove.RegexFilter": {"regex_exp": "gmx"}},
        ],
    }
    result = row(record(f"{ENGLISH} Mail jo@gmx.net"), **changes)
    assert result["text"] == f"{ENGLISH} Mail a@example.com"
    assert json.loads(result["metadata"]) == {"poem_score": 0.25}
    assert result["edits.original_length"] == len(f"{ENGLISH} Mail jo@gmx.net")
    assert result["length.characters"] == len(result["text"])
    # The gate of the language comes first: steps are not asked about what it leaves out.
    german = record(f"{GERMAN} gmx")
    assert outcome(german, **changes) == GatedRecord(
        place=german.place, reason="language.de", bytes=len(f"{GERMAN} gmx".encode()), language="de"
    )


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ({"datatrove.RegexFilter": {"regex_exp": "tide"}}, "datatrove.RegexFilter"),
        (
            {"datatrove.GopherQualityFilter": {"min_doc_words": 30}},
            "datatrove.GopherQualityFilter.gopher_short_doc",
        ),
        ("tests.datatrove_filters.Empty", "empty_after.tests.datatrove_filters.Empty"),
    ],
)
def test_what_a_step_drops_is_gated_with_its_reason(name: Any, reason: str) -> None:
    item = record(ENGLISH)
    assert outcome(item, steps=[name]) == GatedRecord(
        place=item.place, reason=reason, bytes=len(ENGLISH), language="en"
    )


@pytest.mark.parametrize(
    ("changes", "kept"),
    [
        ({"steps": [{"datatrove.RegexFilter": {"regex_exp": "tide"}}]}, f"{ENGLISH} [EMAIL]"),
        ({"steps": ["tests.datatrove_filters.Empty"]}, f"{ENGLISH} [EMAIL]"),
        ({"gates": {"keep_text": True, "languages": ["de"]}}, f"{ENGLISH} [EMAIL]"),
        ({"gates": {"keep_text": True, "min_characters": 900}}, f"{ENGLISH} [EMAIL]"),
        ({"steps": [], "edits": []}, None),
    ],
)
def test_the_text_that_is_left_out_is_kept_if_asked_for(
    changes: dict[str, Any], kept: str | None
) -> None:
    defaults = {"gates": {"keep_text": True}, "edits": ["pii"]}
    result = outcome(record(f"{ENGLISH} jo@gmx.net"), **defaults | changes)
    if kept is None:
        assert isinstance(result, ScoredDocument)
    else:
        assert isinstance(result, GatedRecord)
        assert result.text == kept
        without = outcome(
            record(f"{ENGLISH} jo@gmx.net"),
            **defaults | changes | {"gates": {**changes.get("gates", {}), "keep_text": False}},
        )
        assert isinstance(without, GatedRecord)
        assert (without.reason, without.text) == (result.reason, None)


def test_a_step_that_fails_on_a_text_costs_that_document_only() -> None:
    changes = {"steps": ["tests.datatrove_filters.Divides"]}
    result = outcome(record(ENGLISH), **changes)
    assert isinstance(result, FailedRecord)
    assert (result.step, result.exception) == (
        "tests.datatrove_filters.Divides",
        "ZeroDivisionError",
    )
    assert row(record(f"{ENGLISH} One, two."), **changes)["text"] == f"{ENGLISH} One, two."


def test_an_edit_that_fails_is_an_error_of_its_name(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(self: WhiteSpace, text: str) -> None:
        raise RecursionError("too deep")

    monkeypatch.setattr(WhiteSpace, "apply", fail)
    result = outcome(record(ENGLISH), edits=["pii", "whitespace"])
    assert isinstance(result, FailedRecord)
    assert (result.step, result.exception) == ("whitespace", "RecursionError")


def test_metadata_that_is_no_json_is_an_error() -> None:
    result = outcome(record(ENGLISH), steps=["tests.datatrove_filters.Unwritable"])
    assert isinstance(result, FailedRecord)
    assert (result.step, result.exception) == ("score", "TypeError")
    assert result.message == "the metadata holds a set, which is no JSON"
