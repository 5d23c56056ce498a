"""Everything that an output knows of one document."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import PurePosixPath
from typing import Any

import numpy as np
import pyarrow as pa

from filters.bounds import Bounds
from filters.length import buckets_for
from filters.rules import LANGUAGE, Rule, failures
from pipelines import schema, storage
from pipelines.corpus_forms import TOKENS
from pipelines.corpus_shards import groups_of
from pipelines.dedup import DUPLICATES, ScoredFile
from pipelines.document_scorer import DocumentScorer
from pipelines.errors import UserError
from pipelines.manifest import StageRecords
from pipelines.recipe import Recipe
from pipelines.trace.search import Row, Sought, read_row, rows_with

_ID_DIGITS = 32
_SHORTEST_PREFIX = 4
_MOST_MEMBERS = 20
_MOST_NAMED = 5
_LONG = ("text", "metadata", *schema.MATCHING)


@dataclass(frozen=True)
class Output:
    """The output folder of a run, searched for single documents.

    Attributes:
        path: The folder.

    Raises:
        UserError: `score` has not been finished there.
    """

    path: str

    @cached_property
    def scored(self) -> dict[str, Any]:
        """The manifest of `score`."""
        return StageRecords(self.path, "score").required("thresher score RECIPE")

    @cached_property
    def selection(self) -> dict[str, Any] | None:
        """The manifest of `select` if it is of the present scores, or None."""
        manifest = StageRecords(self.path, "select").manifest()
        if manifest is None or manifest["made_of"]["score"] != self.scored["fingerprint"]:
            return None
        return manifest

    @cached_property
    def has_clusters(self) -> bool:
        """Whether `dedup` has been finished."""
        return StageRecords(self.path, "dedup").manifest() is not None

    @cached_property
    def recipe(self) -> Recipe:
        """The recipe of the selection, or before it that of the scores."""
        return Recipe.model_validate((self.selection or self.scored)["recipe"])

    @cached_property
    def rules(self) -> dict[str, Rule]:
        """The recipe's rules by their signal."""
        return {rule.signal: rule for rule in self.recipe.rules.thresholds()}

    @cached_property
    def published(self) -> dict[str, Bounds | None]:
        """The published threshold of each signal."""
        return {of.name: of.threshold for of in DocumentScorer(self.recipe).signals}

    @property
    def scored_paths(self) -> list[str]:
        """The files of scored documents."""
        return self._paths(self.scored["shards"], "scored/")

    def trace(self, wanted: str) -> dict[str, Any]:
        """Return all that is known of a document.

        Args:
            wanted: Its id, the first digits of it, its URL, or the record id of its source.

        Returns:
            Plain values. ``outcome`` is ``kept``, ``rejected``, ``duplicate``, ``scored`` (before
            `select`), ``gated`` or ``error``.

        Raises:
            UserError: no document is so called, or several are.
        """
        row = self._find(wanted)
        if row is None:
            return self._not_scored(wanted)
        batch = read_row(row, wanted=lambda name: name not in schema.MATCHING)
        document = batch.to_pylist()[0]
        text = document["text"]
        place = self._place(row, document["id"], batch)
        return {
            **{name: document[name] for name in ("id", "source", "record_id", "url")},
            "date": document["date"] and document["date"].isoformat(),
            "metadata": json.loads(document["metadata"]),
            "text": text,
            "scored": {"file": self._relative(row.path), "row": row.number},
            **place,
            "cluster": self._cluster(row, place["outcome"]) if self.has_clusters else None,
            "signals": list(self._signals(batch)),
        }

    def _relative(self, path: str) -> str:
        return path.removeprefix(self.path).lstrip("/")

    def _paths(self, shards: Sequence[Mapping[str, Any]], folder: str) -> list[str]:
        return [
            storage.join(self.path, file["path"])
            for shard in shards
            for file in shard["files"]
            if file["path"].startswith(folder)
        ]

    def _find(self, wanted: str) -> Row | None:
        paths = self.scored_paths
        is_hexadecimal = not set(wanted) - set("0123456789abcdef")
        if is_hexadecimal and len(wanted) == _ID_DIGITS:
            found = rows_with(paths, [Sought(column="id", value=wanted)])
        else:
            named = [Sought(column=name, value=wanted) for name in ("url", "record_id")]
            found = rows_with(paths, named)
            if not found and is_hexadecimal and len(wanted) >= _SHORTEST_PREFIX:
                found = rows_with(paths, [Sought(column="id", value=wanted, is_prefix=True)])
        if len(found) > 1:
            shown = [_value(read_row(row, wanted="id".__eq__), "id") for row in found[:_MOST_NAMED]]
            more = ", …" if len(found) > len(shown) else ""
            raise UserError(
                f"{wanted}: {len(found)} documents are so called; give the id of one:"
                f" {', '.join(shown)}{more}"
            )
        return found[0] if found else None

    def _not_scored(self, wanted: str) -> dict[str, Any]:
        """Return what `score` says of a record that is no document."""
        for folder, outcome, entries in (
            ("gated/", "gated", self._gated(wanted)),
            ("errors/", "error", self._errors(wanted)),
        ):
            if entries:
                return {"outcome": outcome, "stage": "score", "folder": folder, "records": entries}
        raise UserError(
            f"{wanted}: no document is so called in {self.path}; give an id, its first"
            f" {_SHORTEST_PREFIX} digits or more, a URL, or the record id of the source. What was"
            " gated or could not be read has no id: give its URL or record id"
        )

    def _gated(self, wanted: str) -> list[dict[str, Any]]:
        named = [Sought(column=name, value=wanted) for name in ("url", "record_id")]
        rows = rows_with(self._paths(self.scored["shards"], "gated/"), named)
        found = (read_row(row, wanted="text".__ne__) for row in rows)
        return [entry for batch in found for entry in batch.to_pylist()]

    def _errors(self, wanted: str) -> list[dict[str, Any]]:
        found = []
        for path in self._paths(self.scored["shards"], "errors/"):
            with storage.open_stored(path) as stored:
                for line in stored:
                    row = json.loads(line)
                    if wanted in (row["url"], row["record_id"]):
                        found.append(row)
        return found

    def _place(self, row: Row, document: str, batch: pa.RecordBatch) -> dict[str, Any]:
        """Return where `select` put a document."""
        if self.selection is None:
            return {"outcome": "scored", "reasons": list(self._reasons(batch)), "places": []}
        group = self._group_of(row)
        by_id = [Sought(column="id", value=document)]
        rejected = rows_with(self._paths([group], "rejected/"), by_id)
        if rejected:
            reasons = _value(read_row(rejected[0], wanted="reasons".__eq__), "reasons")
            outcome = "duplicate" if reasons[0] in DUPLICATES else "rejected"
            places = [{"file": self._relative(rejected[0].path), "row": rejected[0].number}]
            return {"outcome": outcome, "reasons": reasons, "places": places}
        return {"outcome": "kept", "reasons": [], "places": self._kept(group, document, batch)}

    def _group_of(self, row: Row) -> dict[str, Any]:
        """Return what the selection's manifest says of the shard of a scored file."""
        assert self.selection is not None  # noqa: S101
        files = ScoredFile.listed(self.scored)
        name = PurePosixPath(row.path).stem
        [group] = (
            group.name
            for group in groups_of(files, shard_bytes=self.recipe.buckets.shard_bytes)
            if name in {file.name for file in group.files}
        )
        [shard] = (shard for shard in self.selection["shards"] if shard["name"] == group)
        return dict(shard)

    def _kept(
        self, group: Mapping[str, Any], document: str, batch: pa.RecordBatch
    ) -> list[dict[str, Any]]:
        assert self.selection is not None  # noqa: S101
        buckets = self.recipe.buckets
        shuffled = buckets.shuffle_seed is not None
        shards = self.selection["shards"] if shuffled else [group]
        folder = "corpus/"
        if buckets.unit == "documents":
            tokens = np.array([_value(batch, TOKENS)])
            [bucket] = buckets_for(tokens, smallest=buckets.smallest, largest=buckets.largest)
            folder = f"corpus/bucket={bucket}/"
        column = "document" if buckets.unit == "sequences" else "id"
        rows = rows_with(self._paths(shards, folder), [Sought(column=column, value=document)])
        return [{"file": self._relative(row.path), "row": row.number} for row in rows]

    def _cluster(self, row: Row, outcome: str) -> dict[str, Any] | None:
        """Return the cluster of a document, or None where it is alone."""
        path = storage.join(self.path, "clusters", PurePosixPath(row.path).name)
        [own] = read_row(Row(path, row.number)).to_pylist()
        if own["size"] == 1:
            return None
        manifest = StageRecords(self.path, "dedup").required("thresher dedup RECIPE")
        paths = self._paths(manifest["shards"], "clusters/")
        rows = rows_with(paths, [Sought(column="cluster", value=own["cluster"])])
        members = sorted(
            ((read_row(of).to_pylist()[0], of) for of in rows), key=lambda pair: pair[0]["rank"]
        )
        kept = None
        if outcome == "duplicate":
            kept = next(self._kept_members(members), None)
        names = ("document", "rank", "keep", "reason", "similarity")
        return {
            "cluster": own["cluster"],
            "size": own["size"],
            "rank": own["rank"],
            "keeper": next((of["document"] for of, _ in members if of["keep"]), None),
            "similarity": own["similarity"],
            "kept": kept,
            "members": [{name: of[name] for name in names} for of, _ in members[:_MOST_MEMBERS]],
        }

    def _kept_members(
        self, members: Sequence[tuple[Mapping[str, Any], Row]]
    ) -> Iterator[dict[str, Any]]:
        """Yield the documents of a cluster that are in the corpus."""
        for member, row in members:
            scored = Row(
                storage.join(self.path, "scored", PurePosixPath(row.path).name), row.number
            )
            batch = read_row(scored, wanted=lambda name: name not in _LONG)
            place = self._place(scored, member["document"], batch)
            if place["outcome"] == "kept":
                url = _value(batch, "url")
                yield {"document": member["document"], "url": url, "places": place["places"]}

    def _reasons(self, batch: pa.RecordBatch) -> Iterator[str]:
        for rule in self.rules.values():
            for side, failed in zip(("min", "max"), failures(rule, batch), strict=True):
                if failed[0]:
                    yield f"{rule.signal}.{side}"

    def _signals(self, batch: pa.RecordBatch) -> Iterator[dict[str, Any]]:
        language = _value(batch, LANGUAGE)
        for name in schema.signal_columns(batch.schema):
            told = {
                key.decode(): value.decode()
                for key, value in (batch.schema.field(name).metadata or {}).items()
            }
            rule = self.rules.get(name)
            bounds = None if rule is None else rule.languages.get(language, rule.bounds)
            yield {
                "name": name,
                "value": _value(batch, name),
                **{key: told.get(key, "") for key in ("unit", "meaning", "source")},
                "published": _as_json(self.published.get(name)),
                "rule": None if rule is None else {**_as_json(bounds, {}), "of": rule.origin},
                "side": None if rule is None else _side(rule, batch),
            }


def _side(rule: Rule, batch: pa.RecordBatch) -> str:
    """Return on which side of a rule a document is."""
    below, above = failures(rule, batch)
    if _value(batch, rule.signal) is None:
        return "none: removed" if below[0] else "none: kept"
    return "below" if below[0] else "above" if above[0] else "within"


def _as_json(bounds: Bounds | None, otherwise: Any = None) -> Any:
    return otherwise if bounds is None else {"min": bounds.min, "max": bounds.max}


def _value(batch: pa.RecordBatch, name: str) -> Any:
    return batch[name][0].as_py()
