"""The members of clusters: what they are compared and ranked by, and which of them belong together.

Everything here depends on the documents alone, so that clusters are the same however their members
were found.
"""

from collections.abc import Iterable
from dataclasses import dataclass, fields

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from filters.clustering import Indices, candidate_edges, components, similar_edges
from filters.minhash import Hashes, estimated_jaccard, exact_jaccard, folded, shingle_hashes
from filters.text_view import TextView
from pipelines.matching import (
    MatchedFile,
    Matching,
    Rows,
    band_keys,
    exact_keys,
    index_of,
    signatures_of,
)

_PAIRS_AT_ONCE = 65_536


@dataclass(frozen=True, slots=True, kw_only=True)
class Members:
    """Documents of clusters with more than one document, as columns.

    Attributes:
        documents: Their indices.
        clusters: The smallest index of the component of each.
        priorities: What is better, most important first; shape (n, p).
        ids: Their ids as two numbers each; shape (n, 2).
        exact: Their exact keys; shape (n, e).
        signatures: Their folded signatures; shape (n, permutations), or (n, 0) without any.
        bands: Their band keys, where pairs are verified; shape (n, bands) or (n, 0).
        shingles: Their distinct shingles, sorted, where pairs are verified exactly; otherwise, and
            where the text is not at hand, None.
    """

    documents: Indices
    clusters: Indices
    priorities: npt.NDArray[np.float64]
    ids: npt.NDArray[np.uint64]
    exact: Hashes
    signatures: npt.NDArray[np.uint16]
    bands: Hashes
    shingles: npt.NDArray[np.object_]

    def take(self, positions: Rows) -> "Members":
        """Return the documents at some positions."""
        columns = {field.name: getattr(self, field.name)[positions] for field in fields(self)}
        return Members(**columns)

    @classmethod
    def together(cls, blocks: Iterable["Members"]) -> "Members":
        """Put blocks one after another."""
        held = list(blocks)
        columns = {
            field.name: np.concatenate([getattr(block, field.name) for block in held])
            for field in fields(cls)
        }
        return cls(**columns)

    def similarity(self, first: Rows, second: Rows) -> npt.NDArray[np.float64]:
        """Return the Jaccard similarity of pairs of positions; NaN where there is no telling."""
        found = np.empty(len(first), dtype=np.float64)
        for start in range(0, len(first), _PAIRS_AT_ONCE):
            part = slice(start, start + _PAIRS_AT_ONCE)
            found[part] = self._similarity(first[part], second[part])
        return found

    def _similarity(self, first: Rows, second: Rows) -> npt.NDArray[np.float64]:
        if not self.signatures.shape[1]:
            return np.full(len(first), np.nan)
        found = estimated_jaccard(self.signatures[first], self.signatures[second])
        # A folded signature of zeros is none.
        found[~(self.signatures[first].any(axis=1) & self.signatures[second].any(axis=1))] = np.nan
        for place, (one, other) in enumerate(
            zip(self.shingles[first], self.shingles[second], strict=True)
        ):
            if one is not None and other is not None:
                found[place] = exact_jaccard(one, other)
        return found


def members_of(
    batch: pa.RecordBatch, file: MatchedFile, rows: Rows, roots: Indices, matching: Matching
) -> Members:
    """Return rows of a file as members.

    Args:
        batch: The rows.
        file: The file.
        rows: Where in the file each of them stands.
        roots: The smallest index of the component of each.
        matching: The settings.
    """
    count = batch.num_rows
    priorities = np.full((count, 1 + len(matching.prefer)), np.nan)
    # What an earlier corpus has stays there, however good the new copy is.
    priorities[:, 0] = file.earlier
    for place, name in enumerate(matching.prefer, start=1):
        if name in batch.schema.names and not file.earlier:
            values = batch[name].cast(pa.float64())
            priorities[:, place] = values.to_numpy(zero_copy_only=False)
    signatures = np.zeros((count, matching.permutations), dtype=np.uint16)
    if matching.near:
        present, values = signatures_of(batch, matching)
        signatures[present] = folded(values)
    bands = np.zeros((count, 0), dtype=np.uint64)
    if matching.verify:
        bands = band_keys(batch, matching, group=file.group)
    shingles = np.full(count, None, dtype=object)
    if "text" in batch.schema.names and matching.verify == "exact":
        for place, text in enumerate(batch["text"].to_pylist()):
            words = TextView(text).word_hashes
            if words.size:
                shingles[place] = np.unique(shingle_hashes(words, matching.shingle))
    return Members(
        documents=index_of(file.number, rows),
        clusters=roots,
        priorities=priorities,
        ids=numbers_of(batch["id"]),
        exact=exact_keys(batch, matching, group=file.group),
        signatures=signatures,
        bands=bands,
        shingles=shingles,
    )


def numbers_of(ids: pa.Array) -> npt.NDArray[np.uint64]:
    """Return each id, 32 hexadecimal digits, as two numbers in the order of the digits."""
    digits = bytes.fromhex("".join(ids.to_pylist()))
    return np.frombuffer(digits, ">u8").astype(np.uint64).reshape(-1, 2)


def verified_clusters(members: Members, matching: Matching) -> Indices:
    """Part the components anew by pairs that are as similar as they must be.

    Pairs come from keys and merit alone, so they are the same however components were found.
    """
    count = len(members.documents)
    exact_at, exact_place = np.nonzero(members.exact)
    bands_at, band_place = np.nonzero(members.bands)
    edges = np.concatenate(
        (
            candidate_edges(members.exact[exact_at, exact_place], exact_at.astype(np.uint64)),
            similar_edges(
                members.bands[bands_at, band_place],
                bands_at,
                similarity=members.similarity,
                least=matching.least_similarity,
            ),
        )
    )
    linked, roots = components(edges)
    clusters = np.arange(count, dtype=np.uint64)
    clusters[linked.astype(np.int64)] = roots
    return clusters


def cluster_names(ids: npt.NDArray[np.uint64]) -> npt.NDArray[np.int64]:
    """Return the number of the cluster that each document names as its keeper."""
    return np.ascontiguousarray(ids[:, 0]).view(np.int64)
