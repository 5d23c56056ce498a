"""What `select` wrote, against its records: the corpus, what was rejected, and why."""

from collections import Counter
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from filters.length import buckets_for
from filters.rules import LANGUAGE, evaluate
from pipelines import schema, storage
from pipelines.audit.discrepancy import DiscrepancyError, same
from pipelines.audit.documents import Auditor
from pipelines.audit.files import batches, check_parquet, check_schema, opened
from pipelines.audit.records import RecordedStage
from pipelines.corpus_forms import TOKENS
from pipelines.dedup import DUPLICATES
from pipelines.manifest import OutputFile, ShardRecord
from pipelines.select import RULES

_WINDOW = [
    pa.field(name, pa.int64())
    for name in ("window.tokens", "window.first_chapter", "window.chapters")
]


@dataclass(slots=True)
class Found:
    """What the shards of a corpus hold, in the terms of the manifest's figures."""

    bucket_documents: Counter[str] = field(default_factory=Counter)
    bucket_tokens: Counter[str] = field(default_factory=Counter)
    failed: Counter[str] = field(default_factory=Counter)
    kept: int = 0

    def add(self, other: "Found") -> None:
        """Add what another shard holds."""
        self.bucket_documents.update(other.bucket_documents)
        self.bucket_tokens.update(other.bucket_tokens)
        self.failed.update(other.failed)
        self.kept += other.kept


@dataclass(frozen=True, slots=True, kw_only=True)
class SelectionAuditor:
    """Checks the shards of a selection.

    Attributes:
        auditor: Of the same output.
        stage: The stage `select`.
    """

    auditor: Auditor
    stage: RecordedStage

    def check_shard(self, shard: ShardRecord) -> Found:
        """Check the files of one record.

        Raises:
            DiscrepancyError: rows, schema or counts are others, a row is in another bucket than its
                length says, or one that the rules reject is in the corpus.
        """
        found = Found()
        for file in shard.files:
            folder, _, rest = file.path.partition("/")
            if folder == "corpus":
                self._check_corpus(file, rest.partition("/")[0], found)
            elif folder == "documents":
                check_parquet(self.auditor.path(file), file, self._documents)
                found.kept += file.rows
            elif folder == "index":
                check_parquet(self.auditor.path(file), file, self._index)
        self._check_rejected(shard, found)
        return found

    @property
    def _parts(self) -> str:
        """What a row of the corpus is, in the plural."""
        return self.stage.recipe.buckets.unit

    @property
    def _kept(self) -> list[pa.Field]:
        return [of for of in self.auditor.schema if of.name not in schema.MATCHING]

    @property
    def _index(self) -> pa.Schema:
        names = ("id", *schema.MATCHING)
        return pa.schema([of for of in self.auditor.schema if of.name in names])

    @property
    def _documents(self) -> pa.Schema:
        counts = ["rows", *(["dropped_tokens"] if self._parts == "sequences" else [])]
        columns = [of for of in self._kept if of.name != "text"]
        return pa.schema([*columns, *(pa.field(name, pa.int64()) for name in counts)])

    def _check_corpus(self, file: OutputFile, folder: str, found: Found) -> None:
        path = self.auditor.path(file)
        name = folder.removeprefix("bucket=")
        if not name.isdecimal():
            raise DiscrepancyError(path, "folder", expected="bucket=LENGTH", found=folder)
        bucket = int(name)
        if self._parts == "sequences":
            tokens = file.rows * self._check_sequences(path, file, bucket)
        else:
            windows = self._parts == "windows"
            check_parquet(path, file, pa.schema([*self._kept, *(_WINDOW if windows else ())]))
            tokens = self._check_texts(path, bucket)
        found.bucket_documents[name] += file.rows
        found.bucket_tokens[name] += tokens
        if self._parts == "documents":
            found.kept += file.rows

    def _check_sequences(self, path: str, file: OutputFile, bucket: int) -> int:
        """Check the rows and the schema; return how many tokens a sequence has."""
        decompose = self.stage.recipe.buckets.decompose
        size = bucket + bool(decompose and decompose.target_token)
        with opened(path) as parquet:
            there = parquet.schema_arrow
            same(path, "rows", expected=file.rows, found=parquet.metadata.num_rows)
        ids = there.field(0).type
        # The integers are as wide as the tokenizer's vocabulary needs them.
        is_list = pa.types.is_fixed_size_list(ids) and pa.types.is_integer(ids.value_type)
        expected = [
            pa.field(
                "input_ids",
                pa.list_(ids.value_type if is_list else pa.uint16(), size),
                nullable=False,
            ),
            pa.field("document", pa.string(), nullable=False),
            pa.field("offset", pa.int64(), nullable=False),
        ]
        check_schema(path, there, pa.schema(expected))
        return size

    def _check_texts(self, path: str, bucket: int) -> int:
        """Check lengths and signals of the rows; return how many tokens they have."""
        buckets = self.stage.recipe.buckets
        rules = self.stage.recipe.rules.thresholds() if self.stage.is_of_this_version else []
        length = TOKENS if self._parts == "documents" else "window.tokens"
        named = ("id", length, LANGUAGE, *(rule.signal for rule in rules))
        tokens, first_row = 0, 0
        for batch in batches(path, list(dict.fromkeys(named))):
            lengths = batch[length].to_numpy(zero_copy_only=False)
            tokens += int(lengths.sum())
            if self._parts == "documents":
                of_row = buckets_for(lengths, smallest=buckets.smallest, largest=buckets.largest)
                _check_all(path, batch, first_row, of_row == bucket, f"of bucket {bucket}", lengths)
            verdicts = evaluate(rules, batch)
            _check_all(
                path, batch, first_row, verdicts.passed, "one that the rules keep", verdicts.reasons
            )
            first_row += batch.num_rows
        return tokens

    def _check_rejected(self, shard: ShardRecord, found: Found) -> None:
        file = self.auditor.file_in("rejected", shard)
        path = storage.join(self.auditor.output, "rejected", f"{shard.name}.parquet")
        gated: Counter[str] = Counter()
        sample = self.stage.manifest.get("sample")
        no_rules = {*DUPLICATES, *([f"{sample['signal']}.{sample['policy']}"] if sample else [])}
        if file is not None:
            path = self.auditor.path(file)
            check_parquet(path, file, schema.REJECTED)
            for batch in batches(path, ["reasons"]):
                reasons = pc.list_element(batch["reasons"], 0).to_pylist()
                gated.update(reason if reason in no_rules else RULES for reason in reasons)
                every = pc.list_flatten(batch["reasons"]).to_pylist()
                found.failed.update(reason for reason in every if reason not in no_rules)
        same(path, "rejected by reason", expected=dict(shard.counters.gated), found=dict(gated))

    def check_figures(self, found: Found) -> None:
        """Check what all shards hold together against the manifest.

        Raises:
            DiscrepancyError: the manifest says otherwise.
        """
        path, figures = self.stage.path, self.stage.manifest["figures"]
        same(path, "documents out", expected=self.stage.counters.written, found=found.kept)
        for name in ("bucket_documents", "bucket_tokens", "failed"):
            there = dict(getattr(found, name))
            same(path, f"figures, {name}", expected=figures[name], found=there)


def _check_all(
    path: str,
    batch: pa.RecordBatch,
    first_row: int,
    right: npt.NDArray[np.bool_],
    expected: str,
    values: npt.NDArray[np.int64] | list[list[str]],
) -> None:
    wrong = np.flatnonzero(~right)
    if wrong.size:
        row = int(wrong[0])
        raise DiscrepancyError(
            path,
            f"row {first_row + row}, document {batch['id'][row].as_py()}",
            expected=expected,
            found=values[row],
        )
