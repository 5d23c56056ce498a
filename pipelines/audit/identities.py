"""Whether every scored document is accounted for exactly once, over all files of an output."""

from collections.abc import Callable, Iterator, Sequence
from functools import partial

import numpy as np
import pyarrow.compute as pc

from pipelines import storage
from pipelines.audit.discrepancy import DiscrepancyError
from pipelines.audit.documents import id_numbers
from pipelines.audit.files import batches
from pipelines.audit.ledger import Entries, Numbers, Weights, first_uneven
from pipelines.audit.records import RecordedStage
from pipelines.dedup import EARLIER

_OF_RANKS = np.array([0, 1 << 32], np.uint64)


def check_clusters(clusters: RecordedStage, *, threads: int) -> None:
    """Check that each cluster has one keeper, as many documents as it says, and ranks from 0 on.

    Clusters whose keeper is in an earlier corpus have none here.

    Raises:
        DiscrepancyError: a cluster has not.
    """

    def entries(path: str) -> Iterator[tuple[Numbers, Weights]]:
        for batch in batches(path, ["cluster", "size", "rank", "keep", "reason"]):
            here = batch.filter(pc.fill_null(pc.not_equal(batch["reason"], EARLIER), True))
            cluster = here["cluster"].to_numpy().view(np.uint64)
            size = here["size"].to_numpy().astype(np.int64)
            rank = here["rank"].to_numpy().astype(np.int64)
            keep = here["keep"].to_numpy(zero_copy_only=False)
            numbers = np.stack((cluster, size.astype(np.uint64)), axis=1)
            yield numbers, np.where(keep, size, 0) - 1
            # The same for the sum of the ranks, under a key of its own.
            yield numbers + _OF_RANKS, np.where(keep, size * (size - 1) // 2, 0) - rank

    files = _files(clusters, "clusters", entries)
    uneven = first_uneven(files, threads=threads)
    if uneven is not None:
        name = int(np.array([uneven.first], np.uint64).view(np.int64)[0])
        raise DiscrepancyError(
            min(uneven.counts),
            f"cluster {name}",
            expected="one keeper, as many documents as its size, and ranks from 0 on",
            found=f"another number in {', '.join(sorted(uneven.counts))}",
        )


def check_selection(scored: RecordedStage, select: RecordedStage, *, threads: int) -> None:
    """Check that each scored document is either kept or rejected, and none twice.

    Raises:
        DiscrepancyError: one is not, a row of the corpus is of a document that was not kept, or the
            index has other documents than the corpus.
    """
    whole = select.recipe.buckets.unit == "documents"
    kept_in = "corpus" if whole else "documents"
    _check_even(
        [
            *_files(scored, "scored", _ids()),
            *_files(select, kept_in, _ids(weight=-1)),
            *_files(select, "rejected", _ids(weight=-1)),
        ],
        expected="scored once, and kept or rejected once",
        threads=threads,
    )
    if not whole:
        part_of = "document" if select.recipe.buckets.unit == "sequences" else "id"
        _check_even(
            [
                *_files(select, "documents", _ids(weights="rows")),
                *_files(select, "corpus", _ids(part_of, weight=-1)),
            ],
            expected="as many rows of the corpus as documents/ says",
            threads=threads,
        )
    index = _files(select, "index", _ids())
    if index:
        _check_even(
            [*index, *_files(select, kept_in, _ids(weight=-1))],
            expected="once in the index if kept",
            threads=threads,
        )


def _ids(
    name: str = "id", *, weight: int = 1, weights: str | None = None
) -> Callable[[str], Iterator[tuple[Numbers, Weights]]]:
    """Return a reader of the ids of a file, each of one weight or of that in a column."""

    def entries(path: str) -> Iterator[tuple[Numbers, Weights]]:
        for batch in batches(path, [name] if weights is None else [name, weights]):
            of_rows = np.full(batch.num_rows, weight, np.int64)
            if weights is not None:
                of_rows = batch[weights].to_numpy(zero_copy_only=False).astype(np.int64)
            yield id_numbers(path, batch[name]), of_rows

    return entries


def _files(
    stage: RecordedStage, folder: str, read: Callable[[str], Iterator[tuple[Numbers, Weights]]]
) -> list[Entries]:
    paths = [
        storage.join(stage.output, file.path)
        for shard in stage.shards
        for file in shard.files
        if file.path.startswith(f"{folder}/")
    ]
    return [Entries(path=path, read=partial(read, path)) for path in paths]


def _check_even(files: Sequence[Entries], *, expected: str, threads: int) -> None:
    uneven = first_uneven(files, threads=threads)
    if uneven is not None:
        found = ", ".join(
            f"{path} ({abs(count)} times)" if abs(count) > 1 else path
            for path, count in sorted(uneven.counts.items())
        )
        path = max(uneven.counts)
        raise DiscrepancyError(
            path, f"document {uneven.document}", expected=expected, found=f"in {found}"
        )
