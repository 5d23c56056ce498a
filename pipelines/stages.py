"""The four stages of a run, each done only if its inputs or settings have changed."""

import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import apache_beam as beam
from rich.console import Console

from pipelines import dedup, progress, report, score, select, storage
from pipelines.counters import Counters
from pipelines.dedup import ScoredFile
from pipelines.document_scorer import DocumentScorer, model_files
from pipelines.errors import StageError, UserError, nearest
from pipelines.manifest import StageRecords, fingerprint
from pipelines.plan import plan
from pipelines.recipe import GutenbergInput, Recipe
from pipelines.runners import LOCAL, new_pipeline, pipeline_options


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of a stage.

    Attributes:
        stage: Its name.
        manifest: Its manifest.
        repeated: Whether there was anything to do.
    """

    stage: str
    manifest: dict[str, Any]
    repeated: bool

    @property
    def counters(self) -> Counters:
        """What went in and what became of it."""
        return Counters.from_json(self.manifest["counters"])


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """A recipe with the place where it runs.

    Attributes:
        recipe: The recipe.
        console: Where progress is shown.
        runner: ``local`` or a runner that Beam knows.
        workers: Local worker processes, or None for the default.
        flags: Beam's own flags.
    """

    recipe: Recipe
    console: Console
    runner: str = "local"
    workers: int | None = None
    flags: Sequence[str] = ()

    def score(self) -> Outcome:
        """Read the dumps; write a row with every signal for each document.

        Raises:
            UserError: a path or a model is missing, or the output can't be written.
            StageError: more records were errors than the recipe allows.
        """
        recipe = self.recipe
        shards = plan(recipe)
        hashes = check(recipe)
        settings = _score_settings(recipe, hashes)
        stage_fingerprint = fingerprint(
            settings, [[shard.name, shard.fingerprint(settings)] for shard in shards]
        )
        records = StageRecords(recipe.output, score.STAGE)
        done = _done(records, stage_fingerprint)
        if done is None:
            _check_writable(recipe.output)
            records.open()
            size = sum(shard.bytes for shard in shards)
            with self._pipeline(score.STAGE, size, watched=True) as (pipeline, progress_folder):
                # The largest first: the last worker to finish then has little left to do.
                work = sorted(shards, key=lambda shard: -shard.bytes)
                _ = (
                    pipeline
                    | beam.Create(work, reshuffle=False)
                    | score.ScoreShards(
                        recipe=recipe, settings=settings, progress_folder=progress_folder
                    )
                )
            records.remove_others([shard.name for shard in shards])
            manifest = records.finish(
                stage_fingerprint=stage_fingerprint,
                recipe=recipe.model_dump(mode="json"),
                details={"models": hashes},
            )
        else:
            manifest = done
        outcome = Outcome(stage=score.STAGE, manifest=manifest, repeated=done is None)
        _check_balance(outcome)
        rate = outcome.counters.error_rate
        if rate > recipe.limits.max_error_rate:
            raise StageError(
                f"score: {rate:.1%} of the records are errors, more than limits.max_error_rate"
                f" {recipe.limits.max_error_rate:.1%}; see {recipe.output}/errors/score"
            )
        return outcome

    def dedup(self) -> Outcome | None:
        """Find the clusters of near-duplicates; None where the recipe wants none."""
        if self.recipe.dedup is None:
            return None
        files = _scored_files(self.recipe)
        stage_fingerprint = _dedup_fingerprint(self.recipe, files)
        return self._stage(
            dedup.STAGE,
            files,
            stage_fingerprint,
            dedup.FindClusters(
                output=self.recipe.output,
                settings=self.recipe.dedup,
                fingerprint=stage_fingerprint,
            ),
        )

    def select(self) -> Outcome:
        """Write the documents that the rules keep, in length buckets."""
        recipe = self.recipe
        rules = recipe.rules.thresholds()
        _check_rules(recipe, _computed_signals(recipe))
        files = _scored_files(recipe)
        clusters = _clusters(recipe, files)
        stage_fingerprint = fingerprint(
            _identities(files),
            clusters,
            [repr(rule) for rule in rules],
            recipe.buckets.model_dump(mode="json"),
            _version(),
        )
        return self._stage(
            select.STAGE,
            files,
            stage_fingerprint,
            select.SelectDocuments(
                output=recipe.output,
                rules=rules,
                buckets=recipe.buckets,
                with_clusters=clusters is not None,
                fingerprint=stage_fingerprint,
            ),
            details=lambda records: _selection_details(records, recipe),
        )

    def report(self) -> Outcome:
        """Write the figures of every signal; the page is made from them by :func:`render`."""
        recipe = self.recipe
        files = _scored_files(recipe)
        clusters = _clusters(recipe, files)
        stage_fingerprint = fingerprint(
            _identities(files),
            clusters,
            _version(),
        )
        return self._stage(
            report.STAGE,
            files,
            stage_fingerprint,
            report.MakeFigures(
                output=recipe.output,
                with_clusters=clusters is not None,
                fingerprint=stage_fingerprint,
            ),
            shards=[report.STAGE],
        )

    def _stage(
        self,
        stage: str,
        files: Sequence[ScoredFile],
        stage_fingerprint: str,
        transform: "beam.PTransform[Any, Any]",
        *,
        shards: Sequence[str] | None = None,
        details: Callable[[StageRecords], dict[str, Any]] = lambda _: {},
    ) -> Outcome:
        records = StageRecords(self.recipe.output, stage)
        done = _done(records, stage_fingerprint)
        if done is not None:
            return Outcome(stage=stage, manifest=done, repeated=False)
        _check_writable(self.recipe.output)
        records.open()
        # These stages take a twentieth of the time that scoring takes for as many bytes.
        size = sum(file.bytes for file in files) // 20
        with self._pipeline(stage, size) as (pipeline, _):
            _ = pipeline | beam.Create(files, reshuffle=False) | transform
        records.remove_others([file.name for file in files] if shards is None else shards)
        manifest = records.finish(
            stage_fingerprint=stage_fingerprint,
            recipe=self.recipe.model_dump(mode="json"),
            details=details(records),
        )
        outcome = Outcome(stage=stage, manifest=manifest, repeated=True)
        _check_balance(outcome)
        return outcome

    @contextmanager
    def _pipeline(
        self, stage: str, total_bytes: int, *, watched: bool = False
    ) -> Iterator[tuple[beam.Pipeline, str | None]]:
        options = pipeline_options(
            runner=self.runner, workers=self.workers, flags=self.flags, total_bytes=total_bytes
        )
        with ExitStack() as stack:
            folder = None
            if self.runner == LOCAL and watched:
                folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="thresher-"))
                shown = progress.shown(self.console, stage, Path(folder), total_bytes)
                stack.enter_context(shown)
            elif self.console.is_terminal:
                stack.enter_context(self.console.status(stage))
            try:
                with new_pipeline(options) as pipeline:
                    yield pipeline, folder
            except OSError as error:
                message = " ".join(str(error).split())
                raise StageError(
                    f"{stage}: {message}; what is finished stays, and a rerun goes on from there"
                ) from error


def check(recipe: Recipe) -> dict[str, str]:
    """Check what a recipe asks for against what there is, before any work.

    Returns:
        The SHA-256 of each model file by its path.

    Raises:
        UserError: a rule or a preference is on a signal that nobody computes, a model file is
            missing or of another kind, or another file that the recipe names is missing.
    """
    computed = _computed_signals(recipe)
    _check_rules(recipe, computed)
    prefer = recipe.dedup.prefer if recipe.dedup else []
    learned = ["quality.score", "harmful.perplexity"]
    for signal in prefer:
        if signal not in [*computed, *learned]:
            raise UserError(f"dedup.prefer: no step computes `{signal}`{nearest(signal, computed)}")
    _check_files(recipe)
    return model_files(recipe)


def _check_files(recipe: Recipe) -> None:
    named = {"gates.blocked_domains": recipe.gates.blocked_domains}
    for index, entry in enumerate(recipe.input):
        if isinstance(entry, GutenbergInput):
            named[f"input.{index}.catalogue"] = entry.catalogue
    for key, path in named.items():
        if path is not None and not storage.exists(path):
            raise UserError(f"{path}: no such file ({key})")


def _done(records: StageRecords, stage_fingerprint: str) -> dict[str, Any] | None:
    manifest = records.manifest()
    if manifest is not None and manifest["fingerprint"] == stage_fingerprint:
        return manifest
    return None


def _version() -> str:
    return version("thresher")


def _score_settings(recipe: Recipe, model_hashes: dict[str, str]) -> str:
    content = recipe.model_dump(
        mode="json", include={"extract", "language", "gates", "signals", "models", "tokenizer"}
    )
    blocked = recipe.gates.blocked_domains
    signature = recipe.dedup and [
        recipe.dedup.shingle,
        recipe.dedup.bands * recipe.dedup.rows,
        recipe.dedup.seed,
    ]
    return fingerprint(
        content,
        [entry.model_dump(mode="json", exclude={"paths"}) for entry in recipe.input],
        fingerprint(storage.read_bytes(blocked).hex()) if blocked else None,
        signature,
        sorted(model_hashes.values()),
        _version(),
    )


def _scored_files(recipe: Recipe) -> list[ScoredFile]:
    manifest = StageRecords(recipe.output, score.STAGE).required("thresher score RECIPE")
    return [
        ScoredFile(
            number=number,
            name=shard["name"],
            checksum=shard["files"][0]["checksum"],
            bytes=shard["files"][0]["bytes"],
        )
        for number, shard in enumerate(manifest["shards"])
    ]


def _identities(files: Sequence[ScoredFile]) -> list[list[str]]:
    return [[file.name, file.checksum] for file in files]


def _dedup_fingerprint(recipe: Recipe, files: Sequence[ScoredFile]) -> str:
    assert recipe.dedup is not None  # noqa: S101
    return fingerprint(recipe.dedup.model_dump(mode="json"), _identities(files), _version())


def _clusters(recipe: Recipe, files: Sequence[ScoredFile]) -> str | None:
    """Return the fingerprint of the clusters of ``files``, or None where the recipe wants none.

    Raises:
        UserError: there are none, or they are those of other scores or settings.
    """
    if recipe.dedup is None:
        return None
    expected = _dedup_fingerprint(recipe, files)
    records = StageRecords(recipe.output, dedup.STAGE)
    if records.required("thresher dedup RECIPE")["fingerprint"] != expected:
        raise UserError(
            f"{recipe.output}: the scores or the `dedup` settings have changed since `dedup` ran;"
            " first: thresher dedup RECIPE"
        )
    return expected


def _computed_signals(recipe: Recipe) -> list[str]:
    return [signal.name for signal in DocumentScorer(recipe).signals]


def _check_rules(recipe: Recipe, computed: Sequence[str]) -> None:
    for rule in recipe.rules.thresholds():
        if rule.signal in computed:
            continue
        origin = "rules" if rule.origin == "recipe" else f"rules.use {rule.origin}"
        raise UserError(
            f"{origin}: no step computes `{rule.signal}`{nearest(rule.signal, computed)}"
        )


def _check_writable(output: str) -> None:
    probe = storage.join(output, ".writable")
    try:
        # Not empty: Beam can't write an empty object to every store.
        storage.write_text(probe, "writable\n")
        storage.delete(probe)
    except Exception as error:  # noqa: BLE001 - every store raises errors of its own
        message = " ".join(str(error).split())
        raise UserError(f"{output} (output): can't be written: {message}") from None


def _check_balance(outcome: Outcome) -> None:
    if not outcome.counters.balanced:
        raise StageError(
            f"{outcome.stage}: in is not out + gated + errors: {outcome.counters.as_json()}"
        )


def _selection_details(records: StageRecords, recipe: Recipe) -> dict[str, Any]:
    tally = select.Tally()
    for shard in records.all_shards():
        tally.merge(shard.figures)
    scores = StageRecords(recipe.output, score.STAGE).required("thresher score RECIPE")
    return {"figures": tally.as_json(), "scores": scores["fingerprint"]}
