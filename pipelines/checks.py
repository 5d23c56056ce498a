"""What is checked before any work: the user's mistakes, each told in one line with its remedy."""

from collections.abc import Sequence

import pyarrow as pa
import pyarrow.parquet as pq

from filters.minhash import SIGNATURE
from filters.registry import EDITS, FAMILIES
from models.language import LanguageIdentifier
from models.language_lines import SIGNALS as LINE_SIGNALS
from pipelines import storage
from pipelines.corpus_forms import Sequences, form_of, tokenizer_path
from pipelines.document_scorer import DocumentScorer, model_files
from pipelines.errors import UserError, nearest
from pipelines.input_entry import GutenbergInput, ParquetInput
from pipelines.manifest import StageRecords
from pipelines.matching import Matching
from pipelines.plan import Shard, files_of
from pipelines.readers.gutenberg_catalogue import tells_rights
from pipelines.readers.records import FailedRecord
from pipelines.recipe import Models, Recipe
from pipelines.storage import StoredFile

_FROM_0_TO_1 = ("probability", "ratio")


def check(recipe: Recipe) -> dict[str, str]:
    """Check what a recipe asks for against what there is, before any work.

    Returns:
        The SHA-256 of each model and of each list of a signal family by its path.

    Raises:
        UserError: a rule or a preference is on a signal that nobody computes, a model file is
            missing or of another kind, another file that the recipe names is missing, or a step
            does not work here.
    """
    check_rules(recipe)
    check_sample(recipe)
    check_preferences(recipe)
    check_indexes(recipe)
    _check_files(recipe)
    hashes = model_files(recipe)
    for entry in recipe.signals:
        hashes |= entry.load_files()
    _check_url_gate(recipe)
    _check_opt_out_gate(recipe)
    _check_languages(recipe)
    form = form_of(recipe.buckets, tokenizer=tokenizer_path(recipe))
    if isinstance(form, Sequences):
        form.settings()  # the tokenizer has the token that ends a text
    _check_steps(recipe)
    return hashes


def _check_columns(entry: ParquetInput, *, key: str) -> None:
    """Refuse a Parquet input whose first file lacks the column of the text."""
    first = files_of(entry.paths, key=f"{key}.paths")[0]
    with storage.open_stored(first.path) as stored:
        item = next(iter(entry.reader().read(stored, first.path)), None)
    if isinstance(item, FailedRecord) and item.exception == "MissingColumn":
        raise UserError(f"{first.path} ({key}.text): {item.message}")


def _check_rights(entry: GutenbergInput, *, key: str) -> None:
    """Refuse a filter by rights where nothing says them: it would leave no book."""
    if not entry.public_domain_only:
        return
    if entry.catalogue is None:
        raise UserError(
            f"{key}.public_domain_only: needs a catalogue with rights; give one as {key}.catalogue,"
            " such as rdf-files.tar.bz2 (thresher fetch gutenberg --rdf)"
        )
    if storage.exists(entry.catalogue) and not tells_rights(entry.catalogue):
        raise UserError(
            f"{entry.catalogue} ({key}.catalogue): has no rights, which public_domain_only needs;"
            " rdf-files.tar.bz2 has them (thresher fetch gutenberg --rdf)"
        )


def _check_url_gate(recipe: Recipe) -> None:
    if not recipe.gates.url:
        return
    rules = [entry.family() for entry in recipe.signals if entry.name == "url_rules"]
    if not rules:
        raise UserError("gates.url: nobody looks at URLs; add `url_rules` to `signals`")
    known = [signal.name.removeprefix("url.") for signal in rules[0].signals]
    for name in recipe.gates.url:
        if name not in known:
            raise UserError(f"gates.url: `url_rules` has no `{name}`{nearest(name, known)}")


def _check_opt_out_gate(recipe: Recipe) -> None:
    if recipe.gates.opt_out and "opt_out" not in {entry.name for entry in recipe.signals}:
        raise UserError("gates.opt_out: nobody looks for it; add `opt_out` to `signals`")


def _check_languages(recipe: Recipe) -> None:
    identifier = LanguageIdentifier(model=storage.local_copy(recipe.language.model))
    known = identifier.languages()
    for code in recipe.gates.languages or []:
        if code not in known:
            raise UserError(
                f"gates.languages: {recipe.language.model} knows no `{code}`{nearest(code, known)}"
            )


def _check_steps(recipe: Recipe) -> None:
    for index, entry in enumerate(recipe.steps):
        try:
            entry.step().try_out()
        except ValueError as error:
            raise UserError(f"steps.{index}: `{entry.name}`: {error}") from None


def _check_files(recipe: Recipe) -> None:
    named = {"gates.blocked_domains": recipe.gates.blocked_domains}
    for index, entry in enumerate(recipe.input):
        if isinstance(entry, GutenbergInput):
            named[f"input.{index}.catalogue"] = entry.catalogue
            _check_rights(entry, key=f"input.{index}")
        if isinstance(entry, ParquetInput):
            _check_columns(entry, key=f"input.{index}")
    for key, path in named.items():
        if path is not None and not storage.exists(path):
            raise UserError(f"{path}: no such file ({key})")


def check_rules(recipe: Recipe) -> None:
    """Check that every rule is on a number that the recipe computes.

    Raises:
        UserError: a rule is not.
    """
    types = {signal.name: signal.type for signal in DocumentScorer(recipe).signals}
    for rule in recipe.rules.thresholds():
        origin = "rules" if rule.origin == "recipe" else f"rules.use {rule.origin}"
        kind = types.get(rule.signal)
        if kind is None:
            remedy = _remedy(rule.signal, list(types))
            raise UserError(f"{origin}: no step computes `{rule.signal}`{remedy}")
        if kind not in ("int64", "float64", "bool"):
            raise UserError(f"{origin}: `{rule.signal}` is a {kind}, and a rule needs a number")


def check_sample(recipe: Recipe) -> None:
    """Check that the sample is drawn by a number that the recipe computes and the policy can use.

    Raises:
        UserError: it is not.
    """
    sample = recipe.sample
    if sample is None:
        return
    signals = {signal.name: signal for signal in DocumentScorer(recipe).signals}
    signal = signals.get(sample.signal)
    if signal is None:
        remedy = _remedy(sample.signal, list(signals))
        raise UserError(f"sample.signal: no step computes `{sample.signal}`{remedy}")
    if signal.type not in ("int64", "float64"):
        raise UserError(
            f"sample.signal: `{signal.name}` is a {signal.type}, and a sample needs a number"
        )
    if sample.share is None and signal.unit not in _FROM_0_TO_1:
        raise UserError(
            f"sample.policy: {sample.policy} takes the score for a share from 0 to 1, and"
            f" `{signal.name}` is in {signal.unit}; take `top_share`, or `proportional` with a"
            " `share`"
        )


def _remedy(signal: str, computed: list[str]) -> str:
    """Say what makes a recipe compute a signal, or which one of those that it computes is near."""
    family = signal.partition(".")[0]
    if family in Models.model_fields:
        return f"; give a model as models.{family}.path"
    if signal in {declared.name for declared in LINE_SIGNALS}:
        return "; say `language: {lines: true}`"
    for name, make in FAMILIES.items():
        if signal in {declared.name for declared in make().signals}:
            return f"; add `{name}` to `signals`"
    for name, change in EDITS.items():
        if signal in {declared.name for declared in change().signals}:
            return f"; add `{name}` to `edits`"
    return nearest(signal, computed)


def check_preferences(recipe: Recipe) -> None:
    """Check that copies of a cluster are compared by numbers that the recipe computes.

    Raises:
        UserError: one of `dedup.prefer` is not.
    """
    types = {signal.name: signal.type for signal in DocumentScorer(recipe).signals}
    # Preferences of the default that need a model say nothing where there is none.
    learned = ["quality.score", "harmful.perplexity"]
    for signal in recipe.dedup.prefer if recipe.dedup else []:
        if signal not in types and signal not in learned:
            raise UserError(
                f"dedup.prefer: no step computes `{signal}`{nearest(signal, list(types))}"
            )
        if types.get(signal, "float64") not in ("int64", "float64", "bool"):
            raise UserError(f"dedup.prefer: `{signal}` is a {types[signal]}, not a number")


def check_indexes(recipe: Recipe) -> list[StoredFile]:
    """Check that the earlier corpora were hashed as the recipe hashes, and list their files.

    Raises:
        UserError: an index is missing, is no index, or has signatures of other parameters.
    """
    if recipe.dedup is None or not recipe.dedup.against:
        return []
    wanted = Matching.of(recipe.dedup, documents=0).columns
    signature = recipe.dedup.signature()
    unit = signature.signals[0].unit if signature else None
    found = []
    for place, path in enumerate(recipe.dedup.against):
        key = f"{path} (dedup.against.{place})"
        files = [file for file in storage.match(path) if file.path.endswith(".parquet")]
        if not files:
            raise UserError(f"{key}: no Parquet file there; give the `index` of an earlier output")
        with storage.open_stored(files[0].path) as stored:
            try:
                there = pq.read_schema(stored)
            except pa.ArrowException:
                raise UserError(f"{files[0].path} (dedup.against.{place}): no Parquet") from None
        missing = [name for name in ["id", *wanted] if name not in there.names]
        if missing:
            raise UserError(f"{key}: no column `{missing[0]}`; give the `index` of an output")
        told = (there.field(SIGNATURE).metadata or {}) if unit else {}
        if unit and told.get(b"unit", b"").decode() != unit:
            raise UserError(
                f"{key}: its signatures are {told.get(b'unit', b'of unknown kind').decode()}, and"
                f" the recipe's are {unit}; give the recipe the same parameters"
            )
        found += files
    return found


def check_output(recipe: Recipe, shards: Sequence[Shard]) -> None:
    """Refuse an output that holds something else, or that the input would read back.

    Raises:
        UserError: the output is another recipe's, has files that no run wrote, or lies in an input.
    """
    output = recipe.output
    inside = f"{output.rstrip('/')}/"
    read = next((f.path for shard in shards for f in shard.files if f.path.startswith(inside)), "")
    folders = [path.rstrip("/") + "/" for entry in recipe.input for path in entry.paths]
    around = next((folder for folder in folders if inside.startswith(folder)), "")
    if read or around:
        raise UserError(
            f"{output} (output): lies in the input {read or around}; the next run would read what"
            " this one writes: choose another folder"
        )
    manifest = StageRecords(output, "score").manifest()
    if manifest is not None and manifest["recipe"]["name"] != recipe.name:
        raise UserError(
            f"{output} (output): holds the output of the recipe {manifest['recipe']['name']};"
            " choose another folder, or delete it"
        )
    if storage.match(storage.join(output, "manifests")):
        return
    for folder in ("scored", "clusters", "corpus"):
        if foreign := storage.match(storage.join(output, folder)):
            raise UserError(
                f"{foreign[0].path}: no run of thresher wrote this; choose another output than"
                f" {output}, or delete it"
            )


def check_writable(output: str, named: str = "output") -> None:
    """Write and delete a file in a folder.

    Args:
        output: The folder.
        named: The key or the option that names it.

    Raises:
        UserError: that fails.
    """
    probe = storage.join(output, ".writable")
    try:
        # Not empty: Beam can't write an empty object to every store.
        storage.write_text(probe, "writable\n")
        storage.delete(probe)
    except Exception as error:  # noqa: BLE001 - every store raises errors of its own
        message = " ".join(str(error).split())
        raise UserError(f"{output} ({named}): can't be written: {message}") from None
