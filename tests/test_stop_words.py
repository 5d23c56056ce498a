import json
import tarfile
from collections import defaultdict
from pathlib import Path

import pytest

from filters.gopher import GopherQuality
from filters.lexicon import split_words
from filters.stop_words import ENGLISH, all_stop_words, most_frequent, stop_words
from filters.text_view import TextView


@pytest.mark.parametrize(
    ("code", "same_as"),
    [
        ("fin_Latn", "fi"),
        ("fin", "fi"),
        ("zho_Hans", "zh"),
        ("cmn_Hani", "zh"),
        ("no", "nb"),
        ("nob_Latn", "nb"),
        ("arb_Arab", "ar"),
        ("sh", "hr"),
        ("srp_Latn", "hr"),
        ("eng_Latn", "en"),
    ],
)
def test_codes_of_any_identifier_find_their_list(code: str, same_as: str) -> None:
    assert stop_words(code) == stop_words(same_as) is not None


@pytest.mark.parametrize("code", ["tlh", "xx", "", "__", "not a code"])
def test_a_language_without_a_list_has_none(code: str) -> None:
    assert stop_words(code) is None


@pytest.mark.parametrize("code", ["en", "eng_Latn", "fi", "cmn_Hani", "no", "nob_Latn"])
def test_the_long_lists_hold_most_of_the_short_ones(code: str) -> None:
    short, long = stop_words(code), all_stop_words(code)
    assert short is not None
    assert long is not None
    assert len(long) > 100
    assert len(short & long) > len(short) / 2


@pytest.mark.parametrize("code", ["tlh", "xx", "", "not a code"])
def test_a_language_without_a_long_list_has_none(code: str) -> None:
    assert all_stop_words(code) is None


@pytest.mark.real_data
def test_the_long_lists_hold_redpajamas(real_data: Path) -> None:
    lists = json.loads((real_data / "wordlists/rpv2_stopwords/stop_words.json").read_text())
    missing = {code: set(words) - (all_stop_words(code) or set()) for code, words in lists.items()}
    assert {code: len(words) for code, words in missing.items()} == {
        **dict.fromkeys(("bg", "en", "es", "fi", "fr"), 0),
        "de": 5,
        "it": 15,
    }


def test_english_has_the_words_of_gopher() -> None:
    assert stop_words("en") == ENGLISH
    assert len(ENGLISH) == 8


def test_frequent_words_in_small_letters() -> None:
    text = "Rain and rain and snow and Rain, 7 7 7 7."
    assert most_frequent([text]) == ["and", "rain", "snow"]
    # Of a thousand words, what comes fewer than eight times is left out where eight others remain.
    common = " ".join(["a b c d e f g h"] * 120)
    assert most_frequent([f"{common} rare rare rare"]) == list("abcdefgh")


def test_finnish_is_not_judged_by_english_words() -> None:
    text = "Sää on kaunis ja aurinko paistaa, mutta huomenna ei enää paista."
    finnish = GopherQuality().compute(TextView(text, language="fi"))
    assert finnish["gopher.stop_word_count"] == 3
    assert GopherQuality().compute(TextView(text))["gopher.stop_word_count"] == 0
    assert GopherQuality().compute(TextView(text, language="tlh"))["gopher.stop_word_count"] is None


@pytest.mark.real_data
def test_other_text_of_each_language_holds_two(real_data: Path) -> None:
    """Alice in Wonderland, which the lists were not made from, in pieces of 100 words."""
    held: defaultdict[str, list[bool]] = defaultdict(list)
    folder = real_data / "langid" / "unicode_test_corpora"
    with tarfile.open(folder / "alice_2chapters_by_lang.tar.xz") as archive:
        for member in filter(tarfile.TarInfo.isfile, archive):
            code = member.name.partition("/")[0]
            known, file = stop_words(code), archive.extractfile(member)
            if known is None or file is None or code in ("ms-Arab", "pa-Arab"):
                continue
            words = [word for word in split_words(file.read().decode()) if word[0].isalnum()]
            pieces = [words[start : start + 100] for start in range(0, len(words) - 99, 100)]
            held[code] += [len(known.intersection(piece)) >= 2 for piece in pieces]
    shares = {code: sum(pieces) / len(pieces) for code, pieces in held.items()}
    assert len(shares) > 70
    assert min(shares.values()) > 0.8
    assert sum(shares.values()) / len(shares) > 0.97
