"""From a record of a dump to a row of ``scored/``: the order of the steps, without Beam."""

from collections import Counter
from dataclasses import dataclass
from typing import Any, Self

import xxhash

from filters import declarations
from filters.datatrove_step import new_document
from filters.declarations import Declarations
from filters.decoding import UndecodableText, decode, storable
from filters.edits import ORIGINAL_LENGTH, signals_of
from filters.exact import ExactHashes
from filters.extraction import ExtractionError
from filters.opt_out import OptOut
from filters.registry import FAMILIES
from filters.signals import Signal, SignalFamily
from filters.text_view import TextView
from filters.url_lists import Address, UrlList
from filters.url_rules import UrlRules
from models.harmful import HarmfulContent, HarmfulPerplexity
from models.language import LanguageIdentifier
from models.quality import QualityClassifier, QualityModel
from models.reference import ReferenceModel, ReferencePerplexity
from models.tokens import DEFAULT as DEFAULT_TOKENIZER
from models.tokens import TokenLength
from pipelines import storage
from pipelines.draft import Draft
from pipelines.errors import UserError
from pipelines.model_files import files_of, is_folder, with_local_files
from pipelines.model_trial import try_models
from pipelines.readers.records import FailedRecord, GatedRecord, Place, Record
from pipelines.recipe import Recipe
from pipelines.sandbox import ExtractionSandbox

_HTML = ("text/html", "application/xhtml+xml")


@dataclass(frozen=True, slots=True)
class ScoredDocument:
    """A row of ``scored/`` and what it weighs in bytes."""

    row: dict[str, Any]
    size: int


class DocumentScorer:
    """Takes a record through extraction, edits, language, gates, steps and signals.

    The language is that of the edited text, so that steps know it. Signals are of the text as the
    last step leaves it.

    Made from a recipe, cheap to make and to pickle; models and the extraction process load at the
    first document. Use it as a context manager: at the end the extraction process stops.

    Args:
        recipe: The run's recipe.
    """

    def __init__(self, recipe: Recipe) -> None:
        self._gates = recipe.gates
        self._recipe = recipe
        self._edits = [entry.edit() for entry in recipe.edits]
        self._steps = [entry.step() for entry in recipe.steps]
        self._language, *self._families = all_families(recipe)
        self._sandbox = ExtractionSandbox(
            extractor=recipe.extract.extractor,
            timeout_seconds=recipe.extract.timeout_seconds,
            max_html_bytes=recipe.extract.max_html_bytes,
            max_memory_bytes=recipe.extract.max_memory_bytes,
        )
        self._blocked = UrlList.of()

    def __enter__(self) -> Self:
        self._language, *self._families = all_families(with_local_files(self._recipe))
        if self._gates.blocked_domains:
            content = storage.read_bytes(self._gates.blocked_domains)
            self._blocked = UrlList.of(domains=content.decode().splitlines())
        return self

    def __exit__(self, *error: object) -> None:
        self._sandbox.close()

    @property
    def signals(self) -> list[Signal]:
        """Every signal that a row carries, in the order of the columns."""
        language, families = self._language.signals, self._families
        return [
            *language,
            *(signals_of(self._edits) if self._edits or self._steps else ()),
            *(signal for family in families for signal in family.signals),
        ]

    def score(
        self, record: Record, seen: Counter[str]
    ) -> ScoredDocument | GatedRecord | FailedRecord:
        """Return the row of a record, or why there is none.

        Args:
            record: The record as its reader gave it.
            seen: How often each record id has come up in this source: ids of documents stay apart
                where a dump repeats a record id.
        """
        place = record.place
        identifier = document_id(place, seen)
        if place.url and (reason := self._url_gate(place.url)):
            return GatedRecord(place=place, reason=reason)
        declared = _declared(record)
        if reason := self._opt_out_gate(place.url, declared):
            return GatedRecord(place=place, reason=reason)
        try:
            text, title = self._text(record)
        except (ExtractionError, UndecodableText) as error:
            step = "decode" if isinstance(error, UndecodableText) else "extract"
            return failed(place, step, error)
        text = storable(text).strip()
        if not text:
            return GatedRecord(place=place, reason="no_text")
        metadata = dict(record.metadata)
        draft = Draft(record, identifier, text, metadata=metadata, declared=declared)
        if title:
            draft.metadata.setdefault("title", title)
        try:
            return self._left_out(draft) or self._scored(draft)
        except Exception as error:  # noqa: BLE001 - a fault on one text is one error
            return failed(place, draft.step, error)

    def _url_gate(self, url: str) -> str | None:
        if self._blocked.covers(Address.of(url)):
            return "blocked_domain"
        if not self._gates.url:
            return None
        [rules] = (family for family in self._families if isinstance(family, UrlRules))
        broken = rules.broken(url)
        return next((f"url.{name}" for name in self._gates.url if f"url.{name}" in broken), None)

    def _opt_out_gate(self, url: str | None, declared: Declarations | None) -> str | None:
        if not self._gates.opt_out:
            return None
        [family] = (family for family in self._families if isinstance(family, OptOut))
        values = family.compute(TextView("", url=url, declared=declared))
        return next(
            (f"opt_out.{of}" for of in self._gates.opt_out if values[f"opt_out.{of}"]), None
        )

    def _text(self, record: Record) -> tuple[str, str]:
        if isinstance(record.content, str):
            return record.content, ""
        if record.media_type in _HTML:
            extracted = self._sandbox.extract(record.content, charset=record.charset)
            return extracted.text, extracted.title
        decoded = decode(record.content, declared=record.charset, html=False)
        return decoded.text, ""

    def _left_out(self, draft: Draft) -> GatedRecord | None:
        """Take a draft through edits, language and steps; return why it is left out, if it is."""
        return (
            self._edit(draft)
            or self._too_short(draft)
            or self._identify(draft)
            or self._take_steps(draft)
        )

    def _edit(self, draft: Draft) -> GatedRecord | None:
        if self._edits or self._steps:
            draft.counts[ORIGINAL_LENGTH.name] = len(draft.text)
        for edit in self._edits:
            draft.step = edit.name
            edited = edit.apply(draft.text)
            draft.counts.update(edited.counts)
            if gated := self._changed(draft, edited.text):
                return gated
        draft.step = "score"
        return None

    def _changed(self, draft: Draft, text: str) -> GatedRecord | None:
        before, draft.text = draft.text, storable(text).strip()
        return None if draft.text else self._gated(draft, f"empty_after.{draft.step}", before)

    def _too_short(self, draft: Draft) -> GatedRecord | None:
        if len(draft.text) < self._gates.min_characters:
            return self._gated(draft, "short_text", draft.text)
        return None

    def _identify(self, draft: Draft) -> GatedRecord | None:
        draft.language = self._language.compute(TextView(draft.text))
        reason = self._language_gate(draft.language_code, draft.language["language.score"])
        return self._gated(draft, reason, draft.text) if reason else None

    def _language_gate(self, code: str | None, score: Any) -> str | None:
        languages = self._gates.languages
        if languages is not None and code not in languages:
            return f"language.{code or 'unknown'}"
        if (score or 0.0) < self._gates.min_language_score:
            return "language_score"
        return None

    def _take_steps(self, draft: Draft) -> GatedRecord | None:
        if not self._steps:
            return None
        known = draft.known()
        document = new_document(draft.text, identifier=draft.identifier, metadata=known)
        for step in self._steps:
            draft.step = step.name
            reason = step.apply(document)
            if reason:
                return self._gated(draft, reason, draft.text)
            if gated := self._changed(draft, document.text):
                return gated
            document.text = draft.text
        draft.step = "score"
        added = document.metadata
        draft.metadata |= {
            name: value
            for name, value in added.items()
            if name not in known or value != known[name]
        }
        return self._too_short(draft)

    def _gated(self, draft: Draft, reason: str, text: str) -> GatedRecord:
        return GatedRecord(
            place=draft.record.place,
            reason=reason,
            bytes=len(text.encode()),
            language=(draft.language_code or "unknown") if draft.language else None,
            text=text if self._gates.keep_text else None,
        )

    def _scored(self, draft: Draft) -> ScoredDocument:
        view = TextView(
            draft.text,
            language=draft.language_code,
            url=draft.record.place.url,
            declared=draft.declared,
        )
        signals = {**draft.language, **draft.counts}
        for family in self._families:
            signals.update(family.compute(view))
        return ScoredDocument(draft.row(signals), size=len(draft.text) + 1_000)


def _declared(record: Record) -> Declarations | None:
    """Return what a record's headers and page say of its use, or None where neither is known."""
    declared = None if record.headers is None else declarations.of_headers(record.headers)
    if record.media_type in _HTML and isinstance(record.content, bytes):
        return (declared or Declarations()) | declarations.of_page(record.content)
    return declared


def document_id(place: Place, seen: Counter[str]) -> str:
    """Return a document's id: a hash of its source and record id, the same in every rerun."""
    seen[place.record_id] += 1
    key = f"{place.source}\0{place.record_id}\0{seen[place.record_id]}"
    return xxhash.xxh3_128_hexdigest(key.encode("utf-8", "replace"))


def failed(place: Place, step: str, error: Exception) -> FailedRecord:
    """Return what ``errors/`` holds of an exception."""
    message = " ".join(str(error).split())[:500]
    return FailedRecord(place=place, step=step, exception=type(error).__name__, message=message)


def all_families(recipe: Recipe) -> list[SignalFamily]:
    """Return every family a run of ``recipe`` computes, language first."""
    return [LanguageIdentifier(**recipe.language.model_dump()), *_families(recipe)]


def model_files(recipe: Recipe) -> dict[str, str]:
    """Load every model of a recipe and return the SHA-256 of its file by its path.

    Raises:
        UserError: a model file is missing or of another kind.
    """
    hashes = {}
    named = all_families(recipe)
    for family in named:
        for path in (file for model in _model_paths(family) for file in files_of(model)):
            hashes[path] = storage.sha256(path)
    local_families = all_families(with_local_files(recipe))
    try_models(
        [
            (name, file)
            for family, local in zip(named, local_families, strict=True)
            for name, path in zip(_model_paths(family), _model_paths(local), strict=True)
            for file in files_of(path)
        ]
    )
    for family, local in zip(named, local_families, strict=True):
        for name, model in zip(_model_paths(family), _models(local), strict=True):
            try:
                model.load()
            except ValueError as error:
                message = " ".join(str(error).split())[:200]
                raise UserError(f"{name}: {message}") from None
    return hashes


def model_paths(recipe: Recipe) -> list[str]:
    """Return the path of every model and tokenizer that a recipe loads."""
    return [path for family in all_families(recipe) for path in _model_paths(family)]


_ModelFamily = LanguageIdentifier | TokenLength | HarmfulPerplexity | HarmfulContent
_Model = _ModelFamily | QualityModel | ReferenceModel


def _models(family: SignalFamily) -> list[_Model]:
    if isinstance(family, QualityClassifier | ReferencePerplexity):
        return list(family.models)
    return [family] if isinstance(family, _ModelFamily) else []


def _model_paths(family: SignalFamily) -> list[str]:
    return [
        model.tokenizer if isinstance(model, TokenLength) else model.path
        for model in _models(family)
    ]


def declared_families() -> list[SignalFamily]:
    """Return every family that a recipe can ask for, learned scores included."""
    return [
        LanguageIdentifier(lines=True),
        TokenLength(),
        *(family() for family in FAMILIES.values()),
        HarmfulContent(path=""),
        QualityClassifier(models=()),
        ReferencePerplexity(models=()),
    ]


def _families(recipe: Recipe) -> list[SignalFamily]:
    tokenizer = str(DEFAULT_TOKENIZER) if recipe.tokenizer == "default" else recipe.tokenizer
    families: list[SignalFamily] = [TokenLength(tokenizer=tokenizer)]
    families += [
        entry.family() for entry in recipe.signals if entry.name not in ("exact", "minhash")
    ]
    if recipe.models.harmful:
        path = recipe.models.harmful.path
        harmful = HarmfulContent if is_folder(path) else HarmfulPerplexity
        families.append(harmful(path=path))
    if recipe.models.quality:
        models = (QualityModel(path=of.path, label=of.label) for of in recipe.models.quality)
        families.append(QualityClassifier(models=tuple(models)))
    if recipe.models.reference:
        references = (ReferenceModel(path=of.path) for of in recipe.models.reference)
        families.append(ReferencePerplexity(models=tuple(references)))
    if recipe.dedup:
        families.append(ExactHashes())
        if signature := recipe.dedup.signature():
            families.append(signature)
    return families
