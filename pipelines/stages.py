"""The four stages of a run, each done only if its inputs or settings have changed."""

import re
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import apache_beam as beam
from apache_beam.options.pipeline_options import GoogleCloudOptions, PipelineOptions
from rich.console import Console

from pipelines import (
    component_rounds,
    dedup,
    passages,
    progress,
    report,
    score,
    select,
)
from pipelines.checks import (
    check,
    check_indexes,
    check_output,
    check_preferences,
    check_rules,
    check_sample,
    check_writable,
)
from pipelines.component_rounds import OpenPipeline
from pipelines.corpus_forms import tokenizer_details, tokenizer_path
from pipelines.corpus_shards import groups_of
from pipelines.counters import Counters
from pipelines.dedup import ScoredFile
from pipelines.errors import StageError, TemplateWritten, UserError
from pipelines.manifest import ShardRecord, StageRecords, fingerprint
from pipelines.matching import Matching
from pipelines.memory_limit import MemoryLimit
from pipelines.output_lock import OutputLock
from pipelines.plan import plan
from pipelines.recipe import Recipe
from pipelines.runners import LOCAL, new_pipeline, pipeline_options
from pipelines.selection_tally import Tally
from pipelines.stage_fingerprints import (
    clusters_fingerprint,
    dedup_fingerprint,
    input_settings,
    passages_fingerprint,
    report_fingerprint,
    score_settings,
    scored_files,
    select_fingerprint,
)

# The last line of a worker's traceback where a store, and no fault in the code, ended the work.
_STORE_ERROR = re.compile(r"(?:\w+\.)*(?:OSError|IOError|StoreError|BeamIOError|\w+: \[Errno)")
_STEP_OF_BEAM = re.compile(r" \[while running '[^']*'\]$")


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of a stage.

    Attributes:
        stage: Its name.
        manifest: Its manifest.
        made_now: Whether this run made it; if not, it was up to date.
    """

    stage: str
    manifest: dict[str, Any]
    made_now: bool

    @property
    def counters(self) -> Counters:
        """What went in and what became of it."""
        return Counters.from_json(self.manifest["counters"])


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """A recipe with the place where it runs: a context manager that locks the output.

    Attributes:
        recipe: The recipe.
        console: Where progress is shown.
        runner: ``local`` or a runner that Beam knows.
        workers: Local worker processes, or None for the default.
        memory: What the local processes may hold together, or None for no limit.
        flags: Beam's own flags.
    """

    recipe: Recipe
    console: Console
    runner: str = "local"
    workers: int | None = None
    memory: MemoryLimit | None = None
    flags: Sequence[str] = ()
    lock: OutputLock = field(init=False)

    def __post_init__(self) -> None:
        lock = OutputLock(self.recipe.output, tell=self.console.print)
        object.__setattr__(self, "lock", lock)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.lock.release()

    def score(self) -> Outcome:
        """Read the dumps; write a row with every signal for each document.

        Raises:
            UserError: a path or a model is missing, the output can't be written, or a template is
                wanted of a job that is done.
            StageError: more records were errors than the recipe allows.
        """
        recipe = self.recipe
        shards = plan(recipe)
        hashes = check(recipe)
        inputs = input_settings(recipe, hashes)
        stage_fingerprint = fingerprint(
            [[shard.name, shard.fingerprint(inputs[shard.input])] for shard in shards]
        )
        records = StageRecords(recipe.output, score.STAGE)
        if (records.manifest() or {}).get("fingerprint") != stage_fingerprint:
            check_output(recipe, shards)
        self.lock.acquire()
        done = records.whole_manifest(stage_fingerprint)
        if done is None:
            check_writable(recipe.output)
            records.open()
            size = sum(shard.bytes for shard in shards)
            with self._pipeline(score.STAGE, size, watched=True) as (pipeline, progress_folder):
                _ = (
                    pipeline
                    | beam.Create(shards, reshuffle=False)
                    | score.ScoreShards(
                        recipe=recipe, settings=inputs, progress_folder=progress_folder
                    )
                )
            manifest = records.finish(
                records.keep_only([shard.name for shard in shards]),
                stage_fingerprint=stage_fingerprint,
                recipe=recipe.model_dump(mode="json"),
                details={"models_and_lists": hashes, "settings": score_settings(recipe, {})},
            )
        else:
            self._expect_no_template()
            manifest = done
        outcome = Outcome(stage=score.STAGE, manifest=manifest, made_now=done is None)
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
            self.lock.acquire()
            StageRecords(self.recipe.output, dedup.STAGE).clear()
            return None
        settings = self.recipe.dedup
        files = scored_files(self.recipe)
        check_preferences(self.recipe)
        earlier = check_indexes(self.recipe)
        by_dump = settings.scope == "dump"
        stage_fingerprint = dedup_fingerprint(self.recipe, files)
        scored = StageRecords(self.recipe.output, score.STAGE).required("thresher score RECIPE")
        clusters = dedup.FindClusters(
            output=self.recipe.output,
            matching=Matching.of(
                settings,
                documents=scored["counters"]["out"],
                in_memory=self.runner == LOCAL,
            ),
            fingerprint=stage_fingerprint,
            earlier=dedup.earlier_files(
                [file.path for file in earlier],
                first_number=len(files),
                groups=sorted({file.dump for file in files}) if by_dump else [0],
            ),
            by_dump=by_dump,
        )

        def find_components(open_pipeline: OpenPipeline) -> None:
            if self.memory is not None:
                groups = len({file.dump for file in files}) if by_dump else 1
                of_earlier = groups * sum(dedup.rows_of(file.path) for file in earlier)
                self.memory.check_dedup(scored["counters"]["out"] + of_earlier)
            clusters.find_components(files, open_pipeline)

        outcome = self._stage(
            dedup.STAGE,
            files,
            stage_fingerprint,
            clusters,
            before=find_components,
        )
        component_rounds.clear(clusters.work_folder)
        return outcome

    def passages(self) -> Outcome | None:
        """Write the documents without repeated passages; None where the recipe wants none."""
        settings = self.recipe.passages
        if settings is None:
            self.lock.acquire()
            StageRecords(self.recipe.output, passages.STAGE).clear()
            return None
        files = scored_files(self.recipe)
        stage_fingerprint = passages_fingerprint(settings, files)
        return self._stage(
            passages.STAGE,
            files,
            stage_fingerprint,
            passages.RemovePassages(
                output=self.recipe.output, settings=settings, fingerprint=stage_fingerprint
            ),
            details=passages.totals,
        )

    def select(self) -> Outcome:
        """Write the documents that the rules keep, in length buckets."""
        recipe = self.recipe
        rules = recipe.rules.thresholds()
        check_rules(recipe)
        check_sample(recipe)
        files = scored_files(recipe)
        clusters = clusters_fingerprint(recipe, files)
        scored = StageRecords(recipe.output, score.STAGE).required("thresher score RECIPE")
        tokenizer = tokenizer_details(recipe, scored["models_and_lists"])
        stage_fingerprint = select_fingerprint(
            recipe, files, clusters=clusters, tokenizer=tokenizer
        )
        groups = groups_of(files, shard_bytes=recipe.buckets.shard_bytes)
        return self._stage(
            select.STAGE,
            files,
            stage_fingerprint,
            select.SelectDocuments(
                output=recipe.output,
                files=files,
                rules=rules,
                sample=recipe.sample,
                buckets=recipe.buckets,
                tokenizer=tokenizer_path(recipe),
                with_clusters=clusters is not None,
                fingerprint=stage_fingerprint,
            ),
            shards=[group.name for group in groups],
            # Encoding texts takes a fifth of the time that scoring them does, copying a twentieth.
            cheaper=20 if recipe.buckets.unit == "documents" else 5,
            details=lambda shards: {
                **_selection_details(shards, recipe),
                "tokenizer": tokenizer,
            },
        )

    def report_is_current(self) -> bool:
        """Tell whether the figures are there, of the present scores and clusters."""
        records = StageRecords(self.recipe.output, report.STAGE)
        files = scored_files(self.recipe)
        return records.whole_manifest(report_fingerprint(self.recipe, files)) is not None

    def report(self) -> Outcome:
        """Write the figures of every signal; the page is made from them by :func:`render`."""
        recipe = self.recipe
        files = scored_files(recipe)
        check_rules(recipe)
        clusters = clusters_fingerprint(recipe, files)
        stage_fingerprint = report_fingerprint(recipe, files)
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
        details: Callable[[Sequence[ShardRecord]], dict[str, Any]] = lambda _: {},
        cheaper: int = 20,
        before: Callable[[OpenPipeline], Any] = lambda _: None,
    ) -> Outcome:
        self.lock.acquire()
        records = StageRecords(self.recipe.output, stage)
        done = records.whole_manifest(stage_fingerprint)
        if done is not None:
            return Outcome(stage=stage, manifest=done, made_now=False)
        check_writable(self.recipe.output)
        records.open()
        size = sum(file.bytes for file in files) // cheaper

        @contextmanager
        def open_pipeline() -> Iterator[beam.Pipeline]:
            with self._pipeline(stage, size) as (pipeline, _):
                yield pipeline

        before(open_pipeline)
        with open_pipeline() as pipeline:
            _ = pipeline | beam.Create(files, reshuffle=False) | transform
        names = [file.name for file in files] if shards is None else shards
        # Which shards a global shuffle fills is known when they are there.
        shuffled = [
            record.name
            for record in (records.all_shards() if shards is not None else ())
            if record.fingerprint == stage_fingerprint and record.name not in names
        ]
        made = records.keep_only([*names, *shuffled])
        manifest = records.finish(
            made,
            stage_fingerprint=stage_fingerprint,
            recipe=self.recipe.model_dump(mode="json"),
            details=details(made),
        )
        outcome = Outcome(stage=stage, manifest=manifest, made_now=True)
        _check_balance(outcome)
        scored = StageRecords(self.recipe.output, score.STAGE).required("thresher score RECIPE")
        if outcome.counters.read != scored["counters"]["out"]:
            raise StageError(
                f"{stage}: read {outcome.counters.read} documents of"
                f" {scored['counters']['out']} that were scored"
            )
        return outcome

    def _options(self, total_bytes: int) -> PipelineOptions:
        return pipeline_options(
            runner=self.runner,
            workers=self.workers,
            most_workers=self.memory.most_workers if self.memory else None,
            flags=self.flags,
            total_bytes=total_bytes,
        )

    def _expect_no_template(self) -> None:
        if template := self._options(0).view_as(GoogleCloudOptions).template_location:
            raise UserError(
                f"{self.recipe.output} (output): is scored already, so there is no job to write to"
                f" {template}; choose another output, or go on here without --template_location"
            )

    @contextmanager
    def _pipeline(
        self, stage: str, total_bytes: int, *, watched: bool = False
    ) -> Iterator[tuple[beam.Pipeline, str | None]]:
        options = self._options(total_bytes)
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
                if template := options.view_as(GoogleCloudOptions).template_location:
                    raise TemplateWritten(template)
            except (OSError, RuntimeError) as error:
                # Beam passes a worker's error on as a RuntimeError that holds its traceback.
                cause = str(error).strip().splitlines()[-1].removeprefix("RuntimeError: ")
                cause = _STEP_OF_BEAM.sub("", cause)
                if isinstance(error, RuntimeError) and not _STORE_ERROR.match(cause):
                    raise
                raise StageError(
                    f"{stage}: {cause}; what is finished stays, and a rerun goes on from there"
                ) from error


def _check_balance(outcome: Outcome) -> None:
    if not outcome.counters.balanced:
        raise StageError(
            f"{outcome.stage}: in is not out + gated + errors: {outcome.counters.as_json()}"
        )


def _selection_details(shards: Sequence[ShardRecord], recipe: Recipe) -> dict[str, Any]:
    tally = Tally()
    for shard in shards:
        tally.merge(shard.figures)
    stages = {
        stage: (StageRecords(recipe.output, stage).manifest() or {}).get("fingerprint")
        for stage in (score.STAGE, dedup.STAGE)
    }
    sample = next((shard.figures["sample"] for shard in shards if "sample" in shard.figures), None)
    return {"figures": tally.as_json(), "sample": sample, "made_of": stages}
