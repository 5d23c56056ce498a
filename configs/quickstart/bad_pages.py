"""The pages of the sample that nobody would write by hand: lists, repetition, noise.

Nothing here is random. Where a page has to look so, its words are picked by the bytes of a
SHAKE-256 digest, which are the same on every machine and in every version of Python.
"""

import hashlib
import json
import struct
import zlib
from collections.abc import Callable, Iterator

_NOUNS = [
    "table", "window", "river", "engine", "garden", "letter", "paper", "bridge",
    "copper", "number", "season", "market", "shadow", "ladder", "basket", "signal",
    "corner", "bottle", "thread", "winter",
]  # fmt: skip
_VERBS = [
    "carries", "folds", "under", "becomes", "denies", "hums", "follows", "opens",
    "counts", "borrows",
]  # fmt: skip
_FILLERS = [
    "quickly", "therefore", "the", "of", "and", "upon", "whereas", "orange",
    "seldom", "into", "however", "blue",
]  # fmt: skip


def _picks(*, seed: str, count: int, choices: int) -> Iterator[int]:
    """Yield ``count`` numbers below ``choices``, always the same for a seed."""
    for byte in hashlib.shake_256(seed.encode()).digest(count):
        yield byte % choices


def _paragraphs(words: list[str], *, length: int) -> str:
    chunks = [words[start : start + length] for start in range(0, len(words), length)]
    return "\n".join(f"<p>{' '.join(chunk).capitalize()}.</p>" for chunk in chunks)


def repeated_lines() -> str:
    """A guest book in which one greeting stands ninety times."""
    return "\n".join("<p>Hello from the visitor, very nice site, greetings!</p>" for _ in range(90))


def repeated_chorus() -> str:
    """Four lines, sung twenty-five times."""
    chorus = (
        "La la la, all night long<br>\nOh oh oh, sing this song<br>\nNa na na, hey hey hey<br>\n"
    )
    return f"<p>{(chorus + 'La la la, every day<br>' + chr(10)) * 25}</p>"


def links() -> str:
    """A directory page: a hundred and twenty links and no sentence."""
    rows = []
    for number, noun in enumerate(_NOUNS * 6):
        rows.append(f'<li><a href="http://{noun}{number}.example/">{noun}{number}.example</a></li>')
    return "<ul>\n" + "\n".join(rows) + "\n</ul>"


def tags() -> str:
    """A cloud of tags, each with a count."""
    picks = _picks(seed="tags", count=len(_NOUNS) * len(_VERBS), choices=90)
    names = [f"{noun}-{verb}" for noun in _NOUNS for verb in _VERBS]
    pairs = zip(names, picks, strict=True)
    return " ".join(f'<a href="/tag/{name}">{name} ({count})</a>' for name, count in pairs)


def products() -> str:
    """A table of two hundred screws: part number, size, stock and price."""
    rows = ["<tr><th>Part no.</th><th>Size</th><th>Pack</th><th>Stock</th><th>Price</th></tr>"]
    for number, pick in enumerate(_picks(seed="products", count=200, choices=97)):
        size = f"M{3 + number % 8} x {10 + 5 * (number % 13)}"
        cells = (f"BN-{70000 + 13 * number}", size, f"{50 + 50 * (number % 4)} pcs", pick * 12)
        row = "".join(f"<td>{cell}</td>" for cell in cells)
        rows.append(f"<tr>{row}<td>{2 + pick / 10:.2f}</td></tr>")
    return "<table>\n" + "\n".join(rows) + "\n</table>"


def offers() -> str:
    """Sixty product cards that differ in a model number and a price."""
    card = (
        '<div class="card"><h3>Phone case X{number} TPU black</h3><p>Was 19.99 now {price}.99</p>'
        "<p>In stock. Free shipping.</p><button>Add to cart</button></div>"
    )
    picks = _picks(seed="offers", count=60, choices=15)
    return "\n".join(card.format(number=n, price=price + 3) for n, price in enumerate(picks))


def symbols() -> str:
    """Rows of hashes, dots and dashes with a few words among them."""
    rows = [
        f"{'#' * (pick + 3)} ... {'~' * (24 - pick)} ### ... {_NOUNS[pick % 20]} ... ###"
        for pick in _picks(seed="symbols", count=80, choices=24)
    ]
    return "<pre>\n" + "\n".join(rows) + "\n</pre>"


def bullets() -> str:
    """A list of a hundred and ten entries, two or three words each, and nothing else."""
    picks = list(_picks(seed="bullets", count=220, choices=10))
    pairs = zip(picks[::2], picks[1::2], strict=True)
    rows = [
        f"<li>{_NOUNS[left]} {_VERBS[right]} {_NOUNS[right + 10]}...</li>" for left, right in pairs
    ]
    return "<ul>\n" + "\n".join(rows) + "\n</ul>"


def gibberish_letters() -> str:
    """Three hundred words of syllables that belong to no language."""
    consonants, vowels = "bcdfgklmnprstvz", "aeiou"
    words: list[str] = []
    for length in _picks(seed="lengths", count=300, choices=4):
        picks = list(_picks(seed=f"word {len(words)}", count=2 * (length + 1), choices=15))
        syllables = zip(picks[::2], picks[1::2], strict=True)
        words.append("".join(consonants[left] + vowels[right % 5] for left, right in syllables))
    return _paragraphs(words, length=40)


def gibberish_words() -> str:
    """Four hundred English words in an order that means nothing."""
    words = _NOUNS + _VERBS + _FILLERS
    picks = _picks(seed="salad", count=400, choices=len(words))
    return _paragraphs([words[pick] for pick in picks], length=55)


def long_line() -> str:
    """About two hundred kilobytes in one paragraph without a single line break."""
    entries = []
    for number, pick in enumerate(_picks(seed="long line", count=3600, choices=200)):
        noun, verb = _NOUNS[pick % 20], _VERBS[pick % 10]
        entries.append(
            f"item {number:06d} {noun} {verb} {_NOUNS[pick // 10]} qty {pick} status ok;"
        )
    return f"<p>{' '.join(entries)}</p>"


def png() -> bytes:
    """A picture of one grey pixel."""

    def chunk(name: bytes, data: bytes) -> bytes:
        checksum = zlib.crc32(name + data)
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", checksum)

    header = struct.pack(">IIBBBBB", 1, 1, 8, 0, 0, 0, 0)
    pixels = chunk(b"IDAT", zlib.compress(b"\x00\x80"))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + pixels + chunk(b"IEND", b"")


def stations() -> bytes:
    """An answer of a web service: twelve weather stations."""
    names = [
        {"id": number, "name": noun, "hpa": 1000 + number} for number, noun in enumerate(_NOUNS)
    ]
    return json.dumps({"stations": names[:12]}).encode()


def nothing() -> bytes:
    """The body of a page that has none."""
    return b""


GENERATORS: dict[str, Callable[[], str] | Callable[[], bytes]] = {
    "repeated_lines": repeated_lines,
    "repeated_chorus": repeated_chorus,
    "links": links,
    "tags": tags,
    "products": products,
    "offers": offers,
    "symbols": symbols,
    "bullets": bullets,
    "gibberish_letters": gibberish_letters,
    "gibberish_words": gibberish_words,
    "long_line": long_line,
    "png": png,
    "json": stations,
    "nothing": nothing,
}
