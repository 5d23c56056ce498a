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
from pipelines.report_sample import COUNTS, places, signals_of
from pipelines.report_steps import UNKNOWN
from pipelines.report_strata import BEST, Integers

_LARGEST = 2**32 - 1


def packed_columns(
    table: pa.Table, counts: Integers, *, languages: Sequence[str], sources: Sequence[str]
) -> tuple[dict[str, Any], str]:
    """Return what the page's script needs to read the columns, and the columns.

    Args:
        table: The sample.
        counts: The counts of its strata.
        languages: The languages that the page tells apart; the last is for all others.
        sources: The same of source files.

    Returns:
        ``rows``; the names of the ``integers`` and ``floats`` columns in their order; the
        ``languages`` and ``sources`` that numbers stand for; the ``strata`` counts; how many rows
        of a cluster are its ``best``. Then base64 of
        zlib of all columns, each the first bytes of all its values, then the second ones, …:
        neighbours are alike then, and pack to half.
    """
    integers = {
        "stratum": table["stratum"].to_numpy(),
        "starts": _starts(table),
        "earlier": table["earlier"].to_numpy(),
        "size": table["size"].to_numpy(),
        "tokens": table["tokens"].to_numpy(),
        "bytes": table["bytes"].to_numpy(),
        "language": places(table[LANGUAGE].fill_null(UNKNOWN), languages),
        "source": places(table["source"], sources),
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
        "languages": list(languages),
        "sources": [visible(name) for name in sources],
        "best": BEST,
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
