"""What a kept document becomes in the corpus: itself, token sequences, or windows of chapters.

Each form turns a batch of kept documents into rows of length buckets; the rows of one bucket have
one schema, the same in every shard.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from functools import cached_property
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from filters.chapters import chapters, windows
from filters.decomposition import Decomposition
from filters.length import buckets_for
from models.token_encoder import TokenEncoder, load_encoder
from models.tokens import DEFAULT as DEFAULT_TOKENIZER
from pipelines import storage
from pipelines.errors import UserError
from pipelines.recipe import Buckets, Recipe

TOKENS = "length.tokens"


@dataclass(frozen=True, slots=True)
class Rows:
    """Rows of one bucket, and how many tokens they have together."""

    bucket: int
    batch: pa.RecordBatch
    tokens: int


@dataclass(frozen=True, slots=True)
class Cut:
    """What some documents became.

    Attributes:
        rows: The rows, bucket by bucket.
        documents: Where rows are parts of documents, the documents without their text, with
            ``rows``, the number of rows that each gave, and ``dropped_tokens``, how many of its
            tokens are in none, if each token can be in one at most.
    """

    rows: list[Rows]
    documents: pa.RecordBatch | None = None


class CorpusForm(Protocol):
    """How documents become rows."""

    def cut(self, documents: pa.RecordBatch) -> Cut:
        """Make rows of some kept documents."""
        ...

    def expected_bytes(self, documents: pa.RecordBatch, stored: int) -> dict[int, int]:
        """Return about how many bytes each bucket takes on disk.

        Args:
            documents: The columns ``id`` and ``length.tokens`` of some documents.
            stored: What the documents take where they are scored.
        """
        ...


def form_of(buckets: Buckets, *, tokenizer: str) -> CorpusForm:
    """Return the form that a recipe asks for.

    Args:
        buckets: The recipe's section.
        tokenizer: Path of the tokenizer file.
    """
    if buckets.decompose is not None:
        of = buckets.decompose
        return Sequences(
            by=Decomposition(
                smallest=buckets.smallest,
                largest=buckets.largest,
                long_documents=of.long_documents,
                shortest_remainder=of.shortest_remainder,
                target_token=of.target_token,
                seed=of.seed,
            ),
            end_of_text=of.end_of_text,
            tokens=TokenizerFile(tokenizer),
        )
    if buckets.chapter_windows is not None:
        return ChapterWindows(bounds=buckets.chapter_windows, tokens=TokenizerFile(tokenizer))
    return WholeDocuments(smallest=buckets.smallest, largest=buckets.largest)


def tokenizer_path(recipe: Recipe) -> str:
    """Return the path of the tokenizer that a recipe names."""
    return str(DEFAULT_TOKENIZER) if recipe.tokenizer == "default" else recipe.tokenizer


def tokenizer_details(recipe: Recipe, hashes: Mapping[str, str]) -> dict[str, Any]:
    """Return what the manifest says of the tokenizer: its path and hash, and how texts are cut.

    Args:
        recipe: The run's recipe.
        hashes: The SHA-256 of each model file when the documents were scored, by its path.

    Raises:
        UserError: The file is another one by now, or it has no token that ends a text.
    """
    path = tokenizer_path(recipe)
    form = form_of(recipe.buckets, tokenizer=path)
    details = {"path": path, "sha256": hashes.get(path)}
    if isinstance(form, WholeDocuments):
        return details
    if hashlib.sha256(storage.read_bytes(path)).hexdigest() != hashes.get(path):
        raise UserError(
            f"{path} (tokenizer): has changed since the documents were scored;"
            " first: thresher score RECIPE"
        )
    return {**details, **(form.settings() if isinstance(form, Sequences) else {})}


@dataclass(frozen=True)
class TokenizerFile:
    """A tokenizer by its path, loaded at the first use in each process."""

    path: str

    def __getstate__(self) -> dict[str, Any]:
        return {"path": self.path}

    @cached_property
    def encoder(self) -> TokenEncoder:
        """The tokenizer.

        Raises:
            ValueError: The file is none.
        """
        return load_encoder(storage.local_copy(self.path))

    def end_of_text(self, wanted: bool | str) -> int | None:
        """Return the id of the token that ends a document, or None where none is wanted.

        Raises:
            UserError: The tokenizer has no such token.
        """
        if wanted is False:
            return None
        number = self.encoder.special_token(None if wanted is True else wanted)
        if number is None:
            name = "token that ends a text" if wanted is True else f"special token {wanted}"
            raise UserError(
                f"buckets.decompose.end_of_text: {self.path} has no {name}; name one of its special"
                " tokens, or say `end_of_text: false`"
            )
        return number


def lengths(documents: pa.RecordBatch) -> npt.NDArray[np.int64]:
    """Return the token length of each document of a batch."""
    return np.asarray(documents[TOKENS].to_numpy(zero_copy_only=False), np.int64)


def _without_text(documents: pa.RecordBatch, **counts: list[int]) -> pa.RecordBatch:
    batch = documents.drop_columns(["text"])
    for name, column in counts.items():
        batch = batch.append_column(name, pa.array(column, pa.int64()))
    return batch


@dataclass(frozen=True, kw_only=True)
class WholeDocuments:
    """Each document is a row, with all its columns."""

    smallest: int
    largest: int

    def cut(self, documents: pa.RecordBatch) -> Cut:
        """Give the documents by the bucket of their length."""
        tokens = lengths(documents)
        of_row = buckets_for(tokens, smallest=self.smallest, largest=self.largest)
        rows = []
        for bucket in np.unique(of_row):
            here = of_row == bucket
            of_bucket = documents.filter(pa.array(here))
            rows.append(Rows(int(bucket), of_bucket, int(tokens[here].sum())))
        return Cut(rows)

    def expected_bytes(self, documents: pa.RecordBatch, stored: int) -> dict[int, int]:
        """Take as many of the stored bytes as the bucket has of the tokens."""
        tokens = lengths(documents)
        of_row = buckets_for(tokens, smallest=self.smallest, largest=self.largest)
        total = max(1, int(tokens.sum()))
        return {
            int(bucket): stored * int(tokens[of_row == bucket].sum()) // total
            for bucket in np.unique(of_row)
        }


@dataclass(frozen=True, kw_only=True)
class Sequences:
    """Each document becomes sequences of 2^k of its tokens.

    A row is ``input_ids``, with ``document`` and ``offset`` to trace it back: it is the tokens of
    the document's text from ``offset`` on, followed by the token that ends a text where one is
    appended.
    """

    by: Decomposition
    end_of_text: bool | str
    tokens: TokenizerFile

    @cached_property
    def _id_type(self) -> npt.DTypeLike:
        return np.min_scalar_type(self.tokens.encoder.vocabulary - 1)

    def schema(self, bucket: int) -> pa.Schema:
        """Return the columns of a bucket: ids of the smallest integer type that holds them."""
        ids = pa.list_(pa.from_numpy_dtype(self._id_type), self.by.size(bucket))
        return pa.schema(
            [
                pa.field("input_ids", ids, nullable=False),
                pa.field("document", pa.string(), nullable=False),
                pa.field("offset", pa.int64(), nullable=False),
            ]
        )

    def cut(self, documents: pa.RecordBatch) -> Cut:
        """Encode and cut each document."""
        end = self.tokens.end_of_text(self.end_of_text)
        last = np.array([] if end is None else [end], np.uint32)
        pieces: dict[int, _Pieces] = {}
        counts, dropped = [], []
        for name, text in zip(
            documents["id"].to_pylist(), documents["text"].to_pylist(), strict=True
        ):
            ids = np.concatenate([self.tokens.encoder.encode(text), last])
            buckets, starts = self.by.cut(len(ids), name)
            counts.append(len(buckets))
            dropped.append(len(ids) - sum(map(self.by.size, buckets.tolist())))
            for bucket, start in zip(buckets.tolist(), starts.tolist(), strict=True):
                of_bucket = pieces.setdefault(bucket, _Pieces())
                of_bucket.ids.append(ids[start : start + self.by.size(bucket)])
                of_bucket.documents.append(name)
                of_bucket.offsets.append(start)
        rows = []
        for bucket, found in sorted(pieces.items()):
            flat = pa.array(np.concatenate(found.ids).astype(self._id_type))
            schema = self.schema(bucket)
            columns = [
                pa.FixedSizeListArray.from_arrays(flat, type=schema.field("input_ids").type),
                pa.array(found.documents),
                pa.array(found.offsets, pa.int64()),
            ]
            batch = pa.RecordBatch.from_arrays(columns, schema=schema)
            rows.append(Rows(bucket, batch, len(flat)))
        return Cut(rows, _without_text(documents, rows=counts, dropped_tokens=dropped))

    def expected_bytes(self, documents: pa.RecordBatch, stored: int) -> dict[int, int]:
        """Cut the documents by their lengths alone."""
        expected: dict[int, int] = {}
        width = np.dtype(self._id_type).itemsize
        more = self.end_of_text is not False
        for name, tokens in zip(documents["id"].to_pylist(), lengths(documents), strict=True):
            for bucket in self.by.cut(int(tokens) + more, name)[0].tolist():
                expected[bucket] = expected.get(bucket, 0) + bucket * width
        return expected

    def settings(self) -> dict[str, Any]:
        """Return what a reader of the sequences has to know."""
        return {
            **asdict(self.by),
            "end_of_text": self.tokens.end_of_text(self.end_of_text),
            "vocabulary": self.tokens.encoder.vocabulary,
        }


@dataclass(slots=True)
class _Pieces:
    ids: list[npt.NDArray[np.uint32]] = field(default_factory=list)
    documents: list[str] = field(default_factory=list)
    offsets: list[int] = field(default_factory=list)


@dataclass(frozen=True, kw_only=True)
class ChapterWindows:
    """Each document becomes texts of whole chapters, in the length bands of CNNSum.

    A row has all columns of its document, the text being the window's, and ``window.tokens``,
    ``window.first_chapter`` (from 0) and ``window.chapters``. The signals are the document's.
    """

    bounds: dict[int, tuple[int, int]]
    tokens: TokenizerFile

    def cut(self, documents: pa.RecordBatch) -> Cut:
        """Slide a window of each band over the chapters of each document."""
        of_document = [0] * documents.num_rows
        found: dict[int, list[tuple[int, str, int, int, int]]] = {band: [] for band in self.bounds}
        for row, text in enumerate(documents["text"].to_pylist()):
            parts = chapters(text)
            counts = [self.tokens.encoder.count(part) for part in parts]
            for band, (shortest, longest) in self.bounds.items():
                of_text = windows(counts, shortest=shortest, longest=longest)
                of_document[row] += len(of_text)
                found[band] += [
                    (
                        row,
                        "".join(parts[window]),
                        sum(counts[window]),
                        window.start,
                        window.stop - window.start,
                    )
                    for window in of_text
                ]
        rows = []
        for band, windows_of_band in found.items():
            if windows_of_band:
                places, texts, tokens, first, many = zip(*windows_of_band, strict=True)
                batch = documents.take(pa.array(places))
                batch = batch.set_column(
                    batch.schema.get_field_index("text"),
                    batch.schema.field("text"),
                    pa.array(texts),
                )
                for name, column in (
                    ("window.tokens", tokens),
                    ("window.first_chapter", first),
                    ("window.chapters", many),
                ):
                    batch = batch.append_column(name, pa.array(column, pa.int64()))
                rows.append(Rows(band, batch, sum(tokens)))
        return Cut(rows, _without_text(documents, rows=of_document))

    def expected_bytes(self, documents: pa.RecordBatch, stored: int) -> dict[int, int]:
        """Take every band to hold the whole text, which is the most that it can."""
        return dict.fromkeys(self.bounds, stored)
