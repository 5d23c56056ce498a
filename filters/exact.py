"""Hashes by which exact duplicates are found: of the address and of the text."""

from collections.abc import Mapping
from dataclasses import dataclass

import xxhash

from filters.normalized_url import normalized_url
from filters.signals import Signal, SignalValue
from filters.text_view import TextView

URL_HASH = "exact.url_hash"
TEXT_HASH = "exact.text_hash"


@dataclass(frozen=True, kw_only=True)
class ExactHashes:
    r"""XXH3 (64 bits) of the normalised address, and of the words of the text in their order.

    As in a signature only words that are not symbols count, in lower case, so that punctuation,
    case and layout change nothing: whoever has the same hash has the same signature. The chance
    that any two of 10⁹ different texts share a hash is 3 %; of 10⁸, 0.03 %.

    >>> first, second = (
    ...     ExactHashes().compute(TextView(text))["exact.text_hash"]
    ...     for text in ("To be, or not to be?", "to be or\nNOT to be")
    ... )
    >>> first == second
    True
    """

    signals = (
        Signal(
            name=URL_HASH,
            type="binary",
            unit="8 bytes",
            meaning="Hash of the normalised address, by which copies of one page are found.",
            source="C4, arXiv 1910.10683, by its code in tensorflow_datasets/text/c4_utils.py",
        ),
        Signal(
            name=TEXT_HASH,
            type="binary",
            unit="8 bytes",
            meaning="Hash of the words in their order, by which copies of one text are found.",
            source="thresher",
        ),
    )

    def compute(self, view: TextView) -> Mapping[str, SignalValue]:
        """Return both hashes: None without an address, and for a text without words."""
        url = None if view.url is None else normalized_url(view.url)
        words = view.word_hashes
        return {
            URL_HASH: None
            if url is None
            else xxhash.xxh3_64_digest(url.encode("utf-8", "replace")),
            TEXT_HASH: xxhash.xxh3_64_digest(words.astype("<u8", copy=False).tobytes())
            if words.size
            else None,
        }
