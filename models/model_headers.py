"""What a model file says of itself, read before native code sees it.

fastText and KenLM trust their files: sizes that are false make them ask for terabytes or read
beyond the end. Here the sizes that a file declares are held against how long it is.
"""

import struct
from pathlib import Path

_FASTTEXT_MAGIC = 793_712_314
_FASTTEXT_VERSIONS = (11, 12)
# fastText, src/fasttext.cc, args.cc and dictionary.cc: magic and version; twelve parameters and a
# threshold; how many entries, words and labels there are, of how many tokens, and what is pruned.
_FASTTEXT = struct.Struct("<2i 12i d 3i 2q")
_SHORTEST_ENTRY = 10
_KENLM_MAGIC = b"mmap lm http://kheafield.com/code format version 5\n\0"
# KenLM, lm/binary_format.cc: the magic padded to words of 8 bytes, and eight numbers that show how
# the machine writes them; then the order and five more parameters, and the counts of the orders.
_KENLM_ORDER_AT = 88
_KENLM_PARAMETERS = struct.Struct("<B 3x f i B 3x I")
_LARGEST_ORDER = 6
_ARPA = b"\\data\\"
_START_BYTES = 4_096


def is_fasttext(start: bytes) -> bool:
    """Tell whether a file that begins so is a fastText model."""
    return start[:4] == struct.pack("<i", _FASTTEXT_MAGIC)


def is_ngrams(start: bytes) -> bool:
    """Tell whether a file that begins so is an n-gram model, KenLM's own or an ARPA file."""
    return start.startswith(_KENLM_MAGIC[:-2]) or start.lstrip().startswith(_ARPA)


def check_fasttext(path: str) -> None:
    """Check that a file can be a fastText model as far as its sizes tell.

    Raises:
        ValueError: it can't be.
    """
    start, size = _start(path)
    if not is_fasttext(start):
        raise ValueError(f"{path} is no fastText model: it does not begin with fastText's number")
    if len(start) < _FASTTEXT.size:
        raise ValueError(f"{path} is no whole fastText model: it ends within its header")
    values = _FASTTEXT.unpack_from(start)
    version, dimensions, bucket = values[1], values[2], values[10]
    entries, words, labels = values[15:18]
    if version not in _FASTTEXT_VERSIONS:
        raise ValueError(
            f"{path} is a fastText model of version {version}, which nobody here can read"
        )
    sane = (
        0 < dimensions <= 1 << 16
        and bucket >= 0
        and min(entries, words, labels) >= 0
        and entries == words + labels
        and entries * _SHORTEST_ENTRY <= size
    )
    if not sane:
        raise ValueError(
            f"{path} is no sound fastText model: its header declares more than the file holds"
        )


def check_ngrams(path: str) -> None:
    """Check that a file can be an n-gram model as far as its sizes tell.

    Raises:
        ValueError: it can't be.
    """
    start, size = _start(path)
    if not is_ngrams(start):
        raise ValueError(
            f"{path} is no n-gram model: it is neither KenLM's binary nor an ARPA file"
        )
    if start.lstrip().startswith(_ARPA):
        return
    if len(start) < _KENLM_ORDER_AT + _KENLM_PARAMETERS.size:
        raise ValueError(f"{path} is no whole KenLM model: it ends within its header")
    order = start[_KENLM_ORDER_AT]
    if not 1 <= order <= _LARGEST_ORDER:
        raise ValueError(f"{path} is no sound KenLM model: its order is {order}")
    first = _KENLM_ORDER_AT + _KENLM_PARAMETERS.size
    if len(start) < first + 8 * order:
        raise ValueError(f"{path} is no whole KenLM model: it ends within its header")
    counts = struct.unpack_from(f"<{order}Q", start, first)
    # A trie spends two bytes and more on an n-gram, all other forms many.
    if sum(counts) > size:
        raise ValueError(
            f"{path} is no sound KenLM model: its header declares more than the file holds"
        )


def _start(path: str) -> tuple[bytes, int]:
    try:
        with Path(path).open("rb") as file:
            return file.read(_START_BYTES), Path(path).stat().st_size
    except OSError as error:
        raise ValueError(f"{path} can't be read: {error.strerror}") from None
