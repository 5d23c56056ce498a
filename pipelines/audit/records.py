"""What the stages of an output say of themselves, and whether they agree with each other."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import partial
from importlib.metadata import version
from typing import Any

from pipelines import storage
from pipelines.audit.discrepancy import DiscrepancyError, parsed, same
from pipelines.counters import Counters
from pipelines.errors import UserError
from pipelines.manifest import FOLDERS, ShardRecord, StageRecords, fingerprint
from pipelines.recipe import Recipe


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedStage:
    """A finished stage: its manifest, and the records of its shards, which agree with it."""

    output: str
    stage: str
    manifest: Mapping[str, Any]
    shards: list[ShardRecord]
    recipe: Recipe

    @property
    def path(self) -> str:
        """The path of the manifest."""
        return StageRecords(self.output, self.stage).manifest_path

    @property
    def counters(self) -> Counters:
        """What went in and what became of it."""
        return Counters.from_json(self.manifest["counters"])

    @property
    def is_of_this_version(self) -> bool:
        """Whether it was made by the code that is here, so that names mean the same."""
        return bool(self.manifest["versions"]["thresher"] == version("thresher"))


def read_stages(output: str) -> dict[str, RecordedStage]:
    """Return the stages that have run, in their order.

    Raises:
        DiscrepancyError: a manifest and the records of its shards differ, counts do not add up,
            or a stage was made of another one than is there.
        UserError: there is no output.
    """
    if not storage.match(storage.join(output, "manifests")):
        raise UserError(f"{output}: no output of a run there; first: thresher run RECIPE")
    stages = {}
    for name in FOLDERS:
        if (stage := _read(output, name)) is not None:
            stages[name] = stage
    _check_chain(stages)
    for stage in stages.values():
        _check_folders(stage)
    return stages


def _read(output: str, name: str) -> RecordedStage | None:
    records = StageRecords(output, name)
    path = records.manifest_path
    manifest = parsed(path, "a manifest", records.manifest)
    shards = _shards(records)
    if manifest is None:
        left = [records.shard_path(shard) for shard in shards]
        for folder in FOLDERS[name]:
            left += [file.path for file in storage.match(storage.join(output, folder))]
        if left or name == "score":
            told = f"none, and yet {left[0]}" if left else "none"
            raise DiscrepancyError(
                path, f"manifest of `{name}`", expected="a finished stage", found=told
            )
        return None
    _agree(records, manifest, shards)
    recipe = parsed(path, "a recipe", lambda: Recipe.model_validate(manifest["recipe"]))
    return RecordedStage(
        output=output, stage=name, manifest=manifest, shards=list(shards.values()), recipe=recipe
    )


def _shards(records: StageRecords) -> dict[str, ShardRecord]:
    shards = {}
    folder = storage.join(records.output, "manifests", records.stage)
    for file in storage.match(folder):
        content = parsed(file.path, "JSON", partial(storage.read_json, file.path))
        record = parsed(file.path, "a shard's record", partial(ShardRecord.from_json, content))
        same(
            file.path,
            "the record's name",
            expected=storage.join(folder, f"{record.name}.json"),
            found=file.path,
        )
        shards[record.name] = record
    return shards


def _agree(
    records: StageRecords, manifest: Mapping[str, Any], shards: Mapping[str, ShardRecord]
) -> None:
    """Check a manifest against the records of its shards, and that all counts add up."""
    path = records.manifest_path
    told, counters, recipe_hash = parsed(
        path,
        "a stage's manifest",
        lambda: (
            {shard["name"]: shard for shard in manifest["shards"]},
            manifest["counters"],
            manifest["recipe_hash"],
        ),
    )
    same(path, "recipe", expected=recipe_hash, found=fingerprint(manifest["recipe"]))
    total = Counters()
    for name in sorted(told.keys() | shards.keys()):
        record_path = records.shard_path(name)
        if name not in shards:
            raise DiscrepancyError(record_path, "record", expected="a shard's record", found="none")
        shard = shards[name]
        if name not in told:
            found = "a shard that is not in the manifest"
            raise DiscrepancyError(record_path, "record", expected="none", found=found)
        of_record = {
            "name": name,
            "inputs": shard.inputs,
            "files": [asdict(file) for file in shard.files],
        }
        # As JSON, in which a manifest stands.
        same(path, f"shard {name}", expected=json.loads(json.dumps(of_record)), found=told[name])
        if records.stage != "score":
            same(
                record_path,
                "fingerprint",
                expected=manifest["fingerprint"],
                found=shard.fingerprint,
            )
        _check_balance(record_path, shard.counters)
        total.add(shard.counters)
    same(path, "counters", expected=total.as_json(), found=counters)
    _check_balance(path, total)


def _check_balance(path: str, counters: Counters) -> None:
    if not counters.balanced:
        out, gated, errors = counters.written, counters.gated.total(), counters.errors.total()
        raise DiscrepancyError(
            path,
            "in = out + gated + errors",
            expected=f"{counters.read} in",
            found=f"{out} + {gated} + {errors}",
        )


def _check_chain(stages: Mapping[str, RecordedStage]) -> None:
    """Check that every stage read what `score` wrote, and is made of what is there."""
    scored = stages["score"].counters.written
    for stage in list(stages.values())[1:]:
        same(stage.path, "documents in", expected=scored, found=stage.counters.read)
        for source, made_of in stage.manifest.get("made_of", {}).items():
            present = stages[source].manifest["fingerprint"] if source in stages else None
            same(
                stage.path,
                f"`{source}` that it was made of (else run `thresher {stage.stage}` again)",
                expected=present,
                found=made_of,
            )


def _check_folders(stage: RecordedStage) -> None:
    """Check that the stage's folders hold its files and nothing else."""
    recorded = {
        storage.join(stage.output, file.path) for shard in stage.shards for file in shard.files
    }
    for folder in FOLDERS[stage.stage]:
        for file in storage.match(storage.join(stage.output, folder)):
            if file.path not in recorded:
                found = f"one of {file.size:,} bytes"
                raise DiscrepancyError(
                    file.path, "file", expected=f"none: {stage.path} does not name it", found=found
                )
