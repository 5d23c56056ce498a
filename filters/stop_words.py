"""Stop words of 74 languages: the short words that running text can't do without.

English has the eight of Gopher (arXiv 2112.11446, appendix A.1.1). For the other languages they are
the words that make up at least 0.8 % of the words of a sample of sentences, and the eight most
frequent ones where fewer do. FineWeb2 (arXiv 2506.20920) finds its lists in that way. Names and the
first words of sentences are left out: only what is written in small letters counts.

The sample is a thousand sentences a language of the Leipzig Corpora Collection (CC BY 4.0), as
lingua's tests carry them. ``python -m filters.stop_words DATA`` makes the list again.
"""

import argparse
import gzip
import json
from collections import Counter
from collections.abc import Iterable
from functools import cache
from pathlib import Path

import stopwordsiso

from filters.language_codes import standard_tag
from filters.lexicon import split_words

ENGLISH = frozenset({"the", "be", "to", "of", "and", "that", "have", "with"})
"""The eight words of Gopher, as written there: "The" is not among them."""

_FILE = Path(__file__).parent / "data" / "stop_words.json"
_LEAST_SHARE = 0.008
_FEWEST = 8
# Norwegian as such is mostly Bokmål, and some identifiers know no more. Serbian is listed in
# Cyrillic letters; in Latin ones it has the stop words of Croatian.
_LISTED_AS = {"no": "nb", "sr-Latn": "hr"}


@cache
def stop_words(language: str) -> frozenset[str] | None:
    """Return the stop words of a language, or None if there is no list for it.

    Args:
        language: Its code as language identifiers give it: ISO 639-1 or 639-3, with or without a
            script (``fi``, ``fin``, ``fin_Latn``).

    >>> sorted(stop_words("fin_Latn"))
    ['ei', 'että', 'ja', 'myös', 'oli', 'on', 'ovat', 'tai']
    >>> stop_words("tlh") is None
    True
    """
    tag = standard_tag(language)
    return _lists().get(_LISTED_AS.get(tag, tag.partition("-")[0]))


@cache
def all_stop_words(language: str) -> frozenset[str] | None:
    """Return some hundreds of stop words of a language, or None if there is no list for it.

    They are what is left when the words that say what a text is about are taken away, as far as
    Stopwords ISO lists them: 58 languages, and nearly all the words that RedPajama-v2 has for its
    own.

    Args:
        language: Its code, as for :func:`stop_words`.

    >>> words = all_stop_words("en")
    >>> "whether" in words, "rain" in words
    (True, False)
    """
    code = standard_tag(language).partition("-")[0]
    code = "no" if code in ("nb", "nn") else code
    return frozenset(stopwordsiso.stopwords(code)) if stopwordsiso.has_lang(code) else None


@cache
def _lists() -> dict[str, frozenset[str]]:
    lists = json.loads(_FILE.read_text(encoding="utf-8"))
    return {"en": ENGLISH, **{code: frozenset(words) for code, words in lists.items()}}


def most_frequent(texts: Iterable[str]) -> list[str]:
    """Return the stop words that texts of one language show, the most frequent ones first.

    >>> most_frequent(["the cat and the dog and the Fox"])[:2]
    ['the', 'and']
    """
    words = [word for text in texts for word in split_words(text) if any(map(str.isalpha, word))]
    ranked = Counter(word for word in words if word == word.lower()).most_common()
    frequent = [word for word, count in ranked if count >= _LEAST_SHARE * len(words)]
    return frequent if len(frequent) >= _FEWEST else [word for word, _ in ranked[:_FEWEST]]


def main() -> None:
    """Make the lists from a folder of real data and write them where they are loaded."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("data", type=Path, help="the folder that has langid/lingua_sentences")
    sentences = sorted((parser.parse_args().data / "langid/lingua_sentences").glob("*.txt.gz"))
    lists = {}
    for path in sentences:
        code = path.name.partition(".")[0]
        if code not in ("en", "ko"):
            text = gzip.decompress(path.read_bytes()).decode("utf-8")
            lists[code] = most_frequent(text.splitlines())
    lines = [f'"{code}": {json.dumps(words, ensure_ascii=False)}' for code, words in lists.items()]
    _FILE.parent.mkdir(exist_ok=True)
    _FILE.write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")


if __name__ == "__main__":
    main()
