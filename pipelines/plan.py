"""Which shard holds which input files: the unit of work, of resuming and of output."""

import hashlib
import os
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path, PurePosixPath

import xxhash

from pipelines import storage
from pipelines.errors import UserError
from pipelines.readers.gutenberg import preferred_editions
from pipelines.recipe import Recipe
from pipelines.storage import StoredFile

# One file in 32 closes a shard of small files, so a shard holds 32 of them on average.
_FILES_PER_SHARD = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class Shard:
    """Input files that are read together and give one output file a stage.

    Attributes:
        name: A function of the paths of its files, so a rerun finds its outputs.
        input: The index of the recipe's ``input`` entry that the files belong to.
        files: The files in the order of their paths.
        left_out: Files of the input that are not read, as (path, reason).
    """

    name: str
    input: int
    files: tuple[StoredFile, ...]
    left_out: tuple[tuple[str, str], ...] = ()

    @property
    def bytes(self) -> int:
        """Size of the input in bytes."""
        return sum(file.size for file in self.files)

    def fingerprint(self, settings: str) -> str:
        """Return what changes when an input file or a setting that matters changes."""
        content = repr((settings, [asdict(file) for file in self.files], self.left_out))
        return hashlib.blake2b(os.fsencode(content), digest_size=16).hexdigest()


def plan(recipe: Recipe) -> list[Shard]:
    """List the shards of a recipe's input, sorted by name.

    Raises:
        UserError: a path matches no file or only empty ones, or two inputs claim the same file.
    """
    shards: list[Shard] = []
    owner: dict[str, int] = {}
    for index, entry in enumerate(recipe.input):
        files = files_of(entry.paths, key=f"input.{index}.paths")
        for file in files:
            if owner.setdefault(file.path, index) != index:
                raise UserError(
                    f"{file.path}: named by input.{owner[file.path]} and input.{index};"
                    " a file belongs to one input"
                )
        left_out: dict[str, str] = {}
        if entry.format == "gutenberg":
            _, left_out = preferred_editions([file.path for file in files])
            files = [file for file in files if file.path not in left_out]
        shards += _cut(files, index=index, shard_bytes=recipe.limits.shard_bytes, left_out=left_out)
    return sorted(shards, key=lambda shard: shard.name)


def files_of(patterns: Iterable[str], *, key: str) -> list[StoredFile]:
    """List the files that an input's paths name, each once, sorted by path.

    Raises:
        UserError: a path matches no file or only empty ones.
    """
    found: dict[str, StoredFile] = {}
    for pattern in _expand(patterns, key=key):
        try:
            matched = storage.match(pattern)
        except OSError as error:
            raise UserError(f"{pattern} ({key}): can't be listed: {error}") from None
        except ValueError as error:
            raise UserError(f"{pattern} ({key}): {error}") from None
        if not matched:
            raise UserError(f"{pattern}: no such file ({key}); give a file, a folder or a glob")
        if all(file.size == 0 for file in matched):
            raise UserError(
                f"{pattern}: {'the file is' if len(matched) == 1 else 'all files there are'} empty"
                f" ({key}); fetch or write it again, or leave it out"
            )
        found.update((file.path, file) for file in matched)
    # The same file by another spelling or link is the same file.
    identities: dict[str, str] = {}
    for path in sorted(found, key=lambda path: (len(path), path)):
        same = str(Path(path).resolve()) if storage.is_local(path) else path
        identities.setdefault(same, path)
    return [found[path] for path in sorted(identities.values())]


def _expand(patterns: Iterable[str], *, key: str) -> list[str]:
    expanded: list[str] = []
    for pattern in patterns:
        if not pattern.startswith("@"):
            expanded.append(pattern)
            continue
        try:
            lines = storage.read_bytes(pattern[1:]).decode().splitlines()
        except OSError:
            raise UserError(f"{pattern[1:]}: no such list of paths ({key})") from None
        expanded += [line.strip() for line in lines if line.strip()]
    return expanded


def _cut(
    files: Sequence[StoredFile],
    *,
    index: int,
    shard_bytes: int,
    left_out: Mapping[str, str],
) -> list[Shard]:
    """Cut a sorted list of files into shards at boundaries that the file names decide.

    A large file is a shard of its own. Small ones share a shard, so that 70,000 books do not
    become 70,000 Parquet files. Because the name of a file decides whether a shard ends with it,
    a file that is added later changes the shard that it falls into, and those after it up to the
    next such name only where shards are cut by their size.
    """
    groups: list[list[StoredFile]] = []
    open_group: list[StoredFile] = []
    for file in files:
        if file.size >= shard_bytes // 2:
            groups.append([file])
            continue
        open_group.append(file)
        full = sum(member.size for member in open_group) >= shard_bytes
        if full or xxhash.xxh3_64_intdigest(os.fsencode(file.path)) % _FILES_PER_SHARD == 0:
            groups.append(open_group)
            open_group = []
    if open_group:
        groups.append(open_group)
    shards = []
    for number, group in enumerate(groups):
        paths = [file.path for file in group]
        # Whoever comes first tells of the files that are left out.
        mine = tuple(sorted(left_out.items())) if number == 0 else ()
        shards.append(Shard(name=_name(paths), input=index, files=tuple(group), left_out=mine))
    return shards


def _name(paths: Sequence[str]) -> str:
    stem = PurePosixPath(paths[0]).name.split(".")[0]
    readable = re.sub(r"[^A-Za-z0-9_-]+", "-", stem)[:40].strip("-") or "shard"
    digest = hashlib.blake2b(os.fsencode("\0".join(paths)), digest_size=6).hexdigest()
    return f"{readable}-{digest}"
