"""What `dedup` compares: the hashes of each document, dealt to partitions as columnar blocks.

A document's index is (file, row). A hash of 0 stands for a missing one.
"""

import errno
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from filters.clustering import Edges, Indices, candidate_edges, run_starts, spanning_stars
from filters.exact import TEXT_HASH, URL_HASH
from filters.minhash import SIGNATURE, Hashes, band_hashes, mixed
from pipelines import storage
from pipelines.recipe import Dedup

_ROW_BITS = np.uint64(32)
_ROW_MASK = np.uint64(0xFFFFFFFF)
_BATCH_ROWS = 16_384
_EXACT = {"url": URL_HASH, "text": TEXT_HASH}
# A partition of 16 million records of 10 bytes is sorted in a gigabyte or so.
_RECORDS_IN_PARTITION = 16_000_000
# Beam's local runner holds a shuffled record three or four times: so many in some 140 MB.
_RECORDS_IN_MEMORY = 4_000_000
_FEWEST_PARTITIONS = 16
_MOST_PARTITIONS = 65_536
_ONE_PROCESS_DOCUMENTS = 200_000_000

Rows = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class MatchedFile:
    """A Parquet file of documents among which duplicates are sought.

    Attributes:
        number: The upper half of the indices of its documents.
        path: Where it lies.
        group: Documents of other groups are no duplicates of these.
        earlier: Whether it belongs to an earlier corpus, whose documents stay where they are.
    """

    number: int
    path: str
    group: int = 0
    earlier: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Matching:
    """How documents are compared: the recipe's ``dedup`` section, worked out for a corpus.

    Attributes:
        exact: Columns of hashes whose equality makes duplicates.
        near: Whether signatures are compared.
        permutations: Values in a signature, 0 without any.
        bands: Bands of a signature.
        rows: Values in a band.
        shingle: Words in a shingle.
        verify: None, ``estimated`` or ``exact``: how a pair that shares a band is checked.
        least_similarity: From where a checked pair is one of duplicates.
        prefer: Signals of which the larger is the better, most important first.
        partitions: Into how many parts hashes and documents are dealt.
        passes: In how many passes over the signatures keys and members are dealt, one after
            another: a runner that shuffles in memory holds one pass.
        in_one_process: Whether components are found in one process.
    """

    exact: tuple[str, ...]
    near: bool
    permutations: int
    bands: int
    rows: int
    shingle: int
    verify: str | None
    least_similarity: float
    prefer: tuple[str, ...]
    partitions: int
    passes: int
    in_one_process: bool

    @classmethod
    def of(cls, settings: Dedup, *, documents: int, in_memory: bool = False) -> "Matching":
        """Work out the settings for a corpus.

        Args:
            settings: The recipe's.
            documents: How many documents it has.
            in_memory: Whether the runner shuffles in the memory of one machine.
        """
        bands, rows = settings.bands_and_rows() if settings.near else (0, 0)
        keys = bands + len(settings.exact)
        records = documents * keys
        return cls(
            exact=tuple(_EXACT[name] for name in settings.exact),
            near=settings.near,
            permutations=settings.permutations if settings.near else 0,
            bands=bands,
            rows=rows,
            shingle=settings.shingle,
            verify=settings.verify if settings.near else None,
            least_similarity=settings.least_similarity() if settings.near else 0.0,
            prefer=tuple(settings.prefer),
            partitions=settings.partitions
            or min(max(records // _RECORDS_IN_PARTITION, _FEWEST_PARTITIONS), _MOST_PARTITIONS),
            passes=min(1 + records // _RECORDS_IN_MEMORY, keys) if in_memory else 1,
            in_one_process=settings.components == "one_process"
            or (settings.components == "auto" and documents <= _ONE_PROCESS_DOCUMENTS),
        )

    def keys_of_pass(self, number: int) -> tuple[slice, range]:
        """Return which of the exact keys, and which bands, one pass deals."""
        keys = len(self.exact) + self.bands
        start, end = (keys * place // self.passes for place in (number, number + 1))
        exact = len(self.exact)
        return slice(start, end), range(max(start - exact, 0), max(end - exact, 0))

    @property
    def columns(self) -> list[str]:
        """The columns of the hashes that are compared."""
        return [*self.exact, *([SIGNATURE] if self.near else [])]


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """Hashes of one batch of documents that belong to one partition.

    Attributes:
        number: The number of the file.
        first_row: The first row of the batch.
        rows: The row of each hash, from ``first_row``; a batch has no more than 65,536.
        hashes: The hashes.
    """

    number: int
    first_row: int
    rows: npt.NDArray[np.uint16]
    hashes: Hashes

    @property
    def documents(self) -> Indices:
        """The document of each hash."""
        return index_of(self.number, self.rows.astype(np.uint64) + np.uint64(self.first_row))


def index_of(number: int, rows: npt.NDArray[Any]) -> Indices:
    """Return the indices of rows of a file."""
    return cast(Indices, (np.uint64(number) << _ROW_BITS) | rows.astype(np.uint64))


def file_and_row(documents: Indices) -> tuple[Rows, Rows]:
    """Return the numbers of files and the rows there of documents."""
    return (documents >> _ROW_BITS).astype(np.int64), (documents & _ROW_MASK).astype(np.int64)


def deal(keys: npt.NDArray[np.integer]) -> Iterator[tuple[int, Rows]]:
    """Yield each distinct key with the positions where it stands, in their order."""
    order = np.argsort(keys, kind="stable")
    ordered = keys[order]
    starts = run_starts(ordered)
    for start, positions in zip(starts, np.split(order, starts[1:]), strict=False):
        yield int(ordered[start]), positions


def partition_of(hashes: Indices, partitions: int) -> npt.NDArray[np.integer]:
    """Return the partition of each hash."""
    # NumPy sorts 16-bit keys by counting, ten times as fast as longer ones.
    return (mixed(hashes) % np.uint64(partitions)).astype(np.uint16)


def read_rows(
    path: str, columns: Sequence[str], *, rows: int = _BATCH_ROWS
) -> Iterator[tuple[int, pa.RecordBatch]]:
    """Yield batches of those columns that a Parquet file has, each with its first row.

    Raises:
        OSError: the file can't be read, or is damaged: the message names it and the remedy.
    """
    first_row = 0
    with storage.open_stored(path) as stored:
        try:
            parquet = pq.ParquetFile(stored, page_checksum_verification=True)
            known = set(parquet.schema_arrow.names)
            wanted = [name for name in columns if name in known]
            for batch in parquet.iter_batches(batch_size=rows, columns=wanted):
                yield first_row, batch
                first_row += batch.num_rows
        except (pa.ArrowException, OSError) as error:
            if isinstance(error, storage.StoreError):
                raise
            message = " ".join(str(error).split())[:200]
            raise OSError(
                errno.EIO, f"damaged ({message}); delete it, then thresher score RECIPE", path
            ) from error


def fixed_width(column: pa.Array, width: int) -> tuple[npt.NDArray[np.bool_], Hashes]:
    """Return which values there are, and these as numbers in a row.

    Args:
        column: Binary values.
        width: Bytes in a value, a multiple of 8.

    Raises:
        pa.ArrowInvalid: a value has another width.
    """
    present = column.is_valid().to_numpy(zero_copy_only=False)
    values = column.drop_null().cast(pa.binary(width))
    size = width // 8
    numbers = np.frombuffer(
        values.buffers()[1], "<u8", count=len(values) * size, offset=values.offset * width
    )
    return present, numbers


def exact_keys(batch: pa.RecordBatch, matching: Matching, *, group: int) -> Hashes:
    """Return a key for each of ``matching.exact``, shape (rows, keys); 0 where there is none."""
    keys = np.zeros((batch.num_rows, len(matching.exact)), dtype=np.uint64)
    for place, name in enumerate(matching.exact):
        present, content = fixed_width(batch[name], 8)
        # Each column has its own keys, and they are other ones than those of bands.
        salt = np.uint64((len(_EXACT) * group + list(_EXACT.values()).index(name)) << 32)
        hashes = mixed(content + salt)
        keys[present, place] = np.maximum(hashes, np.uint64(1))
    return keys


def band_keys(
    batch: pa.RecordBatch, matching: Matching, *, group: int, bands: range | None = None
) -> Hashes:
    """Return a key for each band, shape (rows, bands); 0 where there is no signature.

    Args:
        batch: Has a column of signatures, unless ``matching`` needs none.
        matching: The settings.
        group: Keys of other groups are others.
        bands: Which bands; by default all.
    """
    if bands is None:
        bands = range(matching.bands)
    keys = np.zeros((batch.num_rows, len(bands)), dtype=np.uint64)
    if not bands:
        return keys
    present, signatures = signatures_of(batch, matching)
    values = signatures[:, bands.start * matching.rows : bands.stop * matching.rows]
    hashes = band_hashes(values, bands=len(bands), rows=matching.rows, first=bands.start)
    if group:
        hashes = mixed(hashes + np.uint64(group))
    keys[present] = np.maximum(hashes, np.uint64(1))
    return keys


def signatures_of(
    batch: pa.RecordBatch, matching: Matching
) -> tuple[npt.NDArray[np.bool_], Hashes]:
    """Return which rows have a signature, and these signatures."""
    present, values = fixed_width(batch[SIGNATURE], 8 * matching.permutations)
    return present, values.reshape(-1, matching.permutations)


def key_blocks(
    file: MatchedFile, *, matching: Matching, number: int = 0
) -> Iterator[tuple[int, Block]]:
    """Deal the keys of a file's documents to partitions: those of one pass, by its number."""
    exact, bands = matching.keys_of_pass(number)
    alone = _first_of_text(file) if TEXT_HASH in matching.exact and bands else None
    for first_row, batch in read_rows(file.path, matching.columns):
        near = band_keys(batch, matching, group=file.group, bands=bands)
        if alone is not None:
            # Copies of a text in one file meet by its hash: their bands would say it again.
            near[~alone[first_row : first_row + batch.num_rows]] = 0
        keys = np.concatenate(
            (exact_keys(batch, matching, group=file.group)[:, exact], near), axis=1
        )
        rows, places = np.nonzero(keys)
        hashes = keys[rows, places]
        for partition, at in deal(partition_of(hashes, matching.partitions)):
            yield (
                partition,
                Block(
                    number=file.number,
                    first_row=first_row,
                    rows=rows[at].astype(np.uint16),
                    hashes=hashes[at],
                ),
            )


def _first_of_text(file: MatchedFile) -> npt.NDArray[np.bool_]:
    """Tell which rows of a file are the first with their text hash, or have none."""
    hashes, present = [], []
    for _, batch in read_rows(file.path, [TEXT_HASH]):
        there, values = fixed_width(batch[TEXT_HASH], 8)
        present.append(there)
        hashes.append(values)
    if not present:
        return np.empty(0, dtype=np.bool_)
    where = np.flatnonzero(np.concatenate(present))
    _, first = np.unique(np.concatenate(hashes), return_index=True)
    alone = ~np.concatenate(present)
    alone[where[first]] = True
    return alone


def edges_of_partition(group: tuple[int, Iterable[Block]]) -> Iterator[Edges]:
    """Link the documents of a partition that share a key, by as few edges as join them."""
    blocks = list(group[1])
    edges = spanning_stars(
        candidate_edges(
            np.concatenate([block.hashes for block in blocks]),
            np.concatenate([block.documents for block in blocks]),
        )
    )
    if len(edges):
        yield edges
