"""A report's sample in a form that a page can hold: columns of four bytes, packed and in base64."""

import base64
import json
import zlib
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from filters.rules import LANGUAGE
from pipelines.report_examples import shown_rows
from pipelines.report_format import visible
from pipelines.report_sample import COUNTS, signals_of
from pipelines.report_strata import Integers

_MOST_NAMES = 200
_LARGEST = 2**32 - 1


def packed_columns(table: pa.Table, counts: Integers) -> tuple[dict[str, Any], str]:
    """Return what the page's script needs to read the columns, and the columns.

    Args:
        table: The sample.
        counts: The counts of its strata.

    Returns:
        ``rows``; the names of the ``integers`` and ``floats`` columns in their order; the
        ``languages`` and ``sources`` that numbers stand for; the ``strata`` counts. Then base64 of
        zlib of all columns, each the first bytes of all its values, then the second ones, …:
        neighbours are alike then, and pack to half.
    """
    languages = _numbered(table[LANGUAGE].fill_null("unknown"))
    sources = _numbered(table["source"])
    integers = {
        "stratum": table["stratum"].to_numpy(),
        "starts": _starts(table),
        "earlier": table["earlier"].to_numpy(),
        "size": table["size"].to_numpy(),
        "tokens": table["tokens"].to_numpy(),
        "bytes": table["bytes"].to_numpy(),
        "language": languages[0],
        "source": sources[0],
    }
    floats = signals_of(table)
    columns = [
        np.minimum(values.astype(np.int64), _LARGEST).astype("<u4") for values in integers.values()
    ]
    columns += [table[name].to_numpy().astype("<f4") for name in floats]
    planes = b"".join(
        np.ascontiguousarray(column.view(np.uint8).reshape(-1, 4).T).tobytes() for column in columns
    )
    head = {
        "rows": table.num_rows,
        "integers": list(integers),
        "floats": floats,
        "languages": languages[1],
        "sources": [visible(name) for name in sources[1]],
        "strata": {name: counts[:, place].tolist() for place, name in enumerate(COUNTS)},
    }
    return head, _base64(planes)


def packed_examples(table: pa.Table, bounds: Sequence[Mapping[str, Any]]) -> str:
    """Return the documents to show: their rows, ids, addresses and texts, as packed JSON.

    Args:
        table: The sample.
        bounds: The thresholds that need documents beside them.
    """
    rows = shown_rows(table, bounds)
    shown = table.take(pa.array(rows))
    content = {
        "rows": rows.tolist(),
        "ids": shown["id"].to_pylist(),
        "urls": [
            visible(url or source)
            for url, source in zip(
                shown["url"].to_pylist(), shown["source"].to_pylist(), strict=True
            )
        ],
        "texts": [visible(text) for text in shown["text"].to_pylist()],
    }
    return _base64(json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode())


def _base64(content: bytes) -> str:
    return base64.b64encode(zlib.compress(content, 9)).decode()


def _starts(table: pa.Table) -> npt.NDArray[np.bool_]:
    """Tell which rows are the first of their unit: a document alone, or a cluster."""
    hashes, stratum = table["hash"].to_numpy(), table["stratum"].to_numpy()
    changes = (hashes[1:] != hashes[:-1]) | (stratum[1:] != stratum[:-1])
    return np.concatenate([np.ones(min(len(hashes), 1), np.bool_), changes])


def _numbered(names: pa.ChunkedArray) -> tuple[npt.NDArray[np.int64], list[str]]:
    """Return a number for each row and the names they stand for, the most frequent first.

    Past the first names, all others are one.
    """
    distinct, place, counts = np.unique(
        np.array(names.to_pylist(), object), return_inverse=True, return_counts=True
    )
    order = np.argsort(-counts, kind="stable")
    rank = np.empty(len(order), np.int64)
    rank[order] = np.arange(len(order))
    told = [str(distinct[at]) for at in order[:_MOST_NAMES]]
    if len(order) > _MOST_NAMES:
        told.append("all others")
    return np.minimum(rank[place], _MOST_NAMES), told
