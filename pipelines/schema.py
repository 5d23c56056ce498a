"""The Arrow schemas of what the stages write. Signals come from their one declaration."""

from collections.abc import Iterable

import pyarrow as pa

from filters.exact import TEXT_HASH, URL_HASH
from filters.minhash import SIGNATURE
from filters.signals import Signal

_TYPES = {
    "int64": pa.int64(),
    "float64": pa.float64(),
    "bool": pa.bool_(),
    "string": pa.string(),
    "binary": pa.binary(),
}

MATCHING = (URL_HASH, TEXT_HASH, SIGNATURE)
"""The columns by which `dedup` finds duplicates: the corpus goes without, its index holds them."""

DOCUMENT = [
    pa.field("id", pa.string(), nullable=False),
    pa.field("source", pa.string(), nullable=False),
    pa.field("record_id", pa.string(), nullable=False),
    pa.field("url", pa.string()),
    pa.field("date", pa.timestamp("us", tz="UTC")),
    pa.field("text", pa.string(), nullable=False),
    # A JSON object: sources differ in what they know, and every reader of Parquet reads a string.
    pa.field("metadata", pa.string(), nullable=False),
]

# What `passages` writes: documents that another recipe reads, and what went from each.
WITHOUT_PASSAGES = pa.schema(
    [
        *DOCUMENT,
        *(
            pa.field(f"removed.{name}", pa.int64(), nullable=False)
            for name in ("passages", "characters", "near_paragraphs", "near_characters")
        ),
    ]
)

GATED = pa.schema(
    [
        pa.field("source", pa.string(), nullable=False),
        pa.field("offset", pa.int64(), nullable=False),
        pa.field("record_id", pa.string(), nullable=False),
        pa.field("url", pa.string()),
        pa.field("reason", pa.string(), nullable=False),
        # Only where it was left out behind the step that finds them.
        pa.field("bytes", pa.int64()),
        pa.field("language", pa.string()),
        # Only where the recipe says `gates: {keep_text: true}`, and there was a text to keep.
        pa.field("text", pa.string()),
    ]
)

CLUSTERS = pa.schema(
    [
        pa.field("document", pa.string(), nullable=False),
        pa.field("cluster", pa.int64(), nullable=False),
        pa.field("size", pa.int32(), nullable=False),
        pa.field("rank", pa.int32(), nullable=False),
        pa.field("keep", pa.bool_(), nullable=False),
        pa.field("reason", pa.string()),
        pa.field("similarity", pa.float32()),
    ]
)

REJECTED = pa.schema(
    [
        pa.field("id", pa.string(), nullable=False),
        pa.field("source", pa.string(), nullable=False),
        pa.field("record_id", pa.string(), nullable=False),
        pa.field("url", pa.string()),
        pa.field("cluster", pa.int64()),
        pa.field("reasons", pa.list_(pa.string()), nullable=False),
    ]
)


def scored(signals: Iterable[Signal]) -> pa.Schema:
    """Return the schema of ``scored/``: the document, then a column a signal.

    The unit, the meaning and the source of a signal travel in the metadata of its column.
    """
    columns = [
        pa.field(
            signal.name,
            _TYPES[signal.type],
            metadata={"unit": signal.unit, "meaning": signal.meaning, "source": signal.source},
        )
        for signal in signals
    ]
    return pa.schema([*DOCUMENT, *columns])


def signal_columns(schema: pa.Schema) -> list[str]:
    """Return the names of the columns of ``schema`` that are signals."""
    document = {field.name for field in DOCUMENT}
    return [name for name in schema.names if name not in document]
