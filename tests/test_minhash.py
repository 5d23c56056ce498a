import gzip
import hashlib
import subprocess
import sys
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from filters.minhash import (
    Hashes,
    MinHashSignature,
    band_hashes,
    bands_for,
    estimated_jaccard,
)
from filters.text_view import TextView

PERMUTATIONS = 112
WORDS = st.lists(st.sampled_from(["red", "green", "blue", "Été", "x-ray", "7"]), max_size=30)


def _signature(text: str, family: MinHashSignature | None = None) -> bytes | None:
    value = (family or MinHashSignature()).compute(TextView(text))["minhash.signature"]
    assert value is None or isinstance(value, bytes)
    return value


def _array(text: str) -> Hashes:
    signature = _signature(text)
    assert signature is not None
    return np.frombuffer(signature, "<u8").astype(np.uint64, copy=False)


def _planted_pairs(*, pairs: int, common: int, own: int, seed: int) -> tuple[Hashes, Hashes, float]:
    """Signatures of pairs of random sets that share ``common`` elements and have ``own`` each."""
    family = MinHashSignature(shingle=1)
    random = np.random.default_rng(seed)
    signatures = np.empty((2, pairs, PERMUTATIONS), np.uint64)
    for pair in range(pairs):
        elements = random.integers(0, 2**64, common + 2 * own, dtype=np.uint64)
        for side, members in enumerate((elements[: common + own], elements[own:])):
            signature = family.signature(members)
            assert signature is not None
            signatures[side, pair] = signature
    return signatures[0], signatures[1], common / (common + 2 * own)


@pytest.mark.parametrize(("common", "own"), [(10, 45), (40, 30), (80, 10), (95, 2)])
def test_estimate_is_unbiased_with_binomial_error(common: int, own: int) -> None:
    first, second, similarity = _planted_pairs(pairs=400, common=common, own=own, seed=common)
    estimates = estimated_jaccard(first, second)
    variance = similarity * (1 - similarity) / PERMUTATIONS
    assert abs(estimates.mean() - similarity) < 4 * np.sqrt(variance / len(estimates))
    # The standard error of a variance of 400 values is 7 % of it.
    assert estimates.var() == pytest.approx(variance, rel=0.28)


@pytest.mark.parametrize(("bands", "rows"), [(14, 8), (20, 5), (9, 12)])
@pytest.mark.parametrize(("common", "own"), [(40, 30), (60, 15), (80, 10)])
def test_pairs_meet_as_often_as_the_s_curve_says(
    bands: int, rows: int, common: int, own: int
) -> None:
    first, second, similarity = _planted_pairs(pairs=600, common=common, own=own, seed=7)
    met = (
        band_hashes(first, bands=bands, rows=rows) == band_hashes(second, bands=bands, rows=rows)
    ).any(axis=1)
    expected = 1 - (1 - similarity**rows) ** bands
    error = np.sqrt(expected * (1 - expected) / len(met))
    assert abs(met.mean() - expected) < 4 * error


def test_estimate_of_texts_is_near_the_jaccard_of_their_shingles() -> None:
    random = np.random.default_rng(3)
    words = [f"w{n}" for n in random.integers(0, 5000, 3000)]
    changed = words.copy()
    for place in range(0, 3000, 40):
        changed[place] = "changed"

    def shingles(sequence: list[str]) -> set[tuple[str, ...]]:
        return {tuple(sequence[start : start + 5]) for start in range(len(sequence) - 4)}

    one, other = shingles(words), shingles(changed)
    jaccard = len(one & other) / len(one | other)
    estimate = estimated_jaccard(_array(" ".join(words)), _array(" ".join(changed)))
    assert abs(estimate - jaccard) < 4 * np.sqrt(jaccard * (1 - jaccard) / PERMUTATIONS)


@given(WORDS, st.sampled_from([" ", "\n\n", ", ", " — ", "! "]))
def test_case_punctuation_and_layout_change_nothing(words: list[str], separator: str) -> None:
    assert _signature(" ".join(words)) == _signature(separator.join(words).upper())


def test_curled_apostrophes_change_nothing() -> None:
    """Two editions of Julius Caesar differ in little else: Jaccard 0.66 becomes 0.75."""
    assert _signature("that's Caesar's wife, I'm told") == _signature(
        "that’s Caesar’s wife, I’m told"
    )


@given(WORDS)
def test_null_exactly_where_there_are_no_words(words: list[str]) -> None:
    signature = _signature(" ... ".join(words))
    assert (signature is None) == (not words)
    assert signature is None or len(signature) == 8 * PERMUTATIONS


@given(st.permutations(["a", "b", "c", "d"]))
def test_order_matters_within_a_shingle(words: list[str]) -> None:
    assert (_signature(" ".join(words)) == _signature("a b c d")) == (words == ["a", "b", "c", "d"])


def test_few_words_are_one_shingle() -> None:
    alone = [_signature(text) for text in ("a", "b", "a b", "b a", "a b c d", "a b c d e")]
    assert len(set(alone)) == len(alone)
    assert not estimated_jaccard(_array("a b c"), _array("a b c d"))


def test_long_documents_are_the_least_of_their_parts() -> None:
    """A signature of more shingles than fit into one block is that of all of them."""
    family = MinHashSignature(shingle=1)
    elements = np.random.default_rng(0).integers(0, 2**64, 5000, dtype=np.uint64)
    parts = [family.signature(part) for part in np.array_split(elements, 13)]
    whole = family.signature(elements)
    assert whole is not None
    assert np.array_equal(whole, np.min([part for part in parts if part is not None], axis=0))


def test_memory_is_bounded_for_a_book_of_a_million_words() -> None:
    hashes = np.random.default_rng(0).integers(0, 2**64, 1_000_000, dtype=np.uint64)
    family = MinHashSignature()
    family.signature(hashes[:10])
    tracemalloc.start()
    try:
        family.signature(hashes)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    # A few arrays of one value a word; all permutations at once would take 900 MB.
    assert peak < 50e6


def test_signatures_are_pinned() -> None:
    text = "It was the best of times, it was the worst of times."
    signature = _signature(text)
    assert signature is not None
    assert len(signature) == 896
    assert np.frombuffer(signature, "<u8")[:2].tolist() == [234097236203143694, 6712199355092987191]
    assert (
        hashlib.sha256(signature).hexdigest()
        == "af381deff9dfc90011c615a8327f7ebf802393138fe3f422f499c90e1b50dd5c"
    )
    other = _signature(text, MinHashSignature(shingle=3, permutations=4, seed=2))
    assert other is not None
    assert other.hex() == "705cff562ef8c702e5b5cbe03a7bb711201249946bb84416375feee4e05b610f"


def test_signatures_do_not_depend_on_the_hash_seed() -> None:
    program = (
        "from filters.minhash import MinHashSignature as M\n"
        "from filters.text_view import TextView as T\n"
        "print(M().compute(T('the same words in every process'))['minhash.signature'].hex())"
    )
    printed = {
        subprocess.run(
            [sys.executable, "-c", program],
            env={"PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout.strip()
        for seed in ("0", "1")
    }
    expected = _signature("the same words in every process")
    assert expected is not None
    assert printed == {expected.hex()}


def test_bands_hash_their_own_rows_only() -> None:
    signatures = np.random.default_rng(1).integers(0, 2**64, (3, 12), dtype=np.uint64)
    changed = signatures.copy()
    changed[1, 5] ^= np.uint64(1)
    changed[2, 11] ^= np.uint64(1)
    before = band_hashes(signatures, bands=3, rows=3)
    differs = before != band_hashes(changed, bands=3, rows=3)
    assert before.shape == (3, 3)
    assert before.dtype == np.uint64
    # Value 5 stands in band 1; value 11 in none.
    assert np.argwhere(differs).tolist() == [[1, 1]]


def test_equal_rows_have_other_hashes_in_other_bands() -> None:
    hashes = band_hashes(np.full((1, 112), 9, np.uint64), bands=14, rows=8)
    assert np.unique(hashes).size == 14


def test_no_documents_have_no_bands() -> None:
    assert band_hashes(np.empty((0, 112), np.uint64), bands=14, rows=8).shape == (0, 14)


def test_bands_rise_near_their_threshold() -> None:
    for threshold in (0.5, 0.7, 0.9):
        bands, rows = bands_for(threshold=threshold, permutations=112)
        assert bands * rows <= 112
        assert (1 / bands) ** (1 / rows) == pytest.approx(threshold, abs=0.08)


@pytest.mark.parametrize(("bands", "rows"), [(15, 8), (0, 8), (14, 0), (-1, -1)])
def test_bands_that_do_not_fit_are_refused(bands: int, rows: int) -> None:
    with pytest.raises(ValueError, match="don't fit"):
        band_hashes(np.zeros((1, 112), np.uint64), bands=bands, rows=rows)


@pytest.mark.parametrize("parameter", [{"shingle": 0}, {"permutations": 0}, {"seed": -1}])
def test_parameters_out_of_range_are_refused(parameter: dict[str, int]) -> None:
    with pytest.raises(ValueError, match=f"{next(iter(parameter))} must be"):
        MinHashSignature(**parameter)


def book(folder: Path, number: str) -> str:
    """The text of a book without Project Gutenberg's header and footer."""
    text = gzip.decompress((folder / "books" / f"pg{number}.txt.gz").read_bytes()).decode()
    lines = text.splitlines()
    start = next((n for n, line in enumerate(lines) if line.startswith("*** START OF")), 0)
    end = next((n for n, line in enumerate(lines) if line.startswith("*** END OF")), len(lines))
    return "\n".join(lines[start + 1 : end])


@pytest.mark.real_data
def test_estimates_of_editions_of_books_are_near_their_exact_jaccard(real_data: Path) -> None:
    folder = real_data / "dedup" / "pg_editions"
    _, *rows = (folder / "pairs.tsv").read_text(encoding="utf-8").splitlines()
    for row in rows[::12]:
        one, other = row.split("\t")[4:6]
        views = [TextView(book(folder, number)) for number in (one, other)]
        words = [view.word_hashes.tolist() for view in views]
        first, second = (set(zip(*(w[n:] for n in range(5)), strict=False)) for w in words)
        jaccard = len(first & second) / len(first | second)
        signatures = [MinHashSignature().signature(view.word_hashes) for view in views]
        assert signatures[0] is not None
        assert signatures[1] is not None
        error = np.sqrt(jaccard * (1 - jaccard) / PERMUTATIONS)
        assert abs(estimated_jaccard(signatures[0], signatures[1]) - jaccard) < 4 * error + 1e-9
