import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from filters.decomposition import Decomposition

SETTINGS = st.builds(
    lambda exponents, long_documents, remainder, target_token, seed: Decomposition(
        smallest=2 ** exponents[1],
        largest=2 ** exponents[2],
        long_documents=long_documents,
        shortest_remainder=2 ** exponents[0] if remainder and exponents[0] < exponents[1] else None,
        target_token=target_token,
        seed=seed,
    ),
    exponents=st.tuples(*[st.integers(0, 10)] * 3).map(sorted),
    long_documents=st.sampled_from(["random", "greedy"]),
    remainder=st.booleans(),
    target_token=st.booleans(),
    seed=st.integers(0, 5),
)


@given(SETTINGS, st.integers(0, 20_000))
def test_sequences_lie_end_to_end_and_leave_less_than_the_shortest(
    cut: Decomposition, tokens: int
) -> None:
    buckets, starts = cut.cut(tokens, "document")
    ends = starts + [cut.size(int(bucket)) for bucket in buckets]
    assert starts.tolist() == [0, *ends[:-1]][: len(starts)]
    assert {int(bucket).bit_count() for bucket in buckets} <= {1}
    assert all(cut.shortest <= bucket <= cut.largest for bucket in buckets)
    left = tokens - (int(ends[-1]) if len(ends) else 0)
    assert 0 <= left < cut.size(cut.shortest)


@given(st.integers(0, 2**14 - 1))
def test_a_document_that_is_not_too_long_is_cut_by_its_binary_digits(tokens: int) -> None:
    buckets, _ = Decomposition().cut(tokens, "a")
    digits = [2**k for k in range(13, 7, -1) if tokens >> k & 1]
    assert buckets.tolist() == digits


@given(st.integers(0, 40_000))
def test_with_a_target_token_the_lengths_are_those_of_the_published_code(tokens: int) -> None:
    """get_binary of apple/ml-dataset-decomposition with randomize=False, in its own terms."""
    expected, left = [], tokens
    while left > 1:
        exponent = min(int(np.floor(np.log2(left - 1))), 13)
        if exponent < 8:
            break
        expected.append(2**exponent)
        left -= 2**exponent + 1
    cut = Decomposition(target_token=True, long_documents="greedy")
    assert cut.cut(tokens, "a")[0].tolist() == expected


def test_the_random_rule_gives_each_bucket_equally_many_tokens_of_long_documents() -> None:
    buckets, _ = Decomposition(smallest=4, largest=64).cut(6_400_000, "long")
    lengths, counts = np.unique(buckets, return_counts=True)
    assert lengths.tolist() == [4, 8, 16, 32, 64]
    shares = lengths * counts / 6_400_000
    # Counts vary by their square root: 20,000 of the longest give shares to 0.7 % of their size.
    assert np.abs(shares - 0.2).max() < 0.01


def test_the_cut_depends_on_the_document_and_the_seed_alone() -> None:
    cut = Decomposition(smallest=4, largest=64)
    first = cut.cut(5_000, "a")[0].tolist()
    assert cut.cut(5_000, "a")[0].tolist() == first
    assert cut.cut(5_000, "b")[0].tolist() != first
    assert Decomposition(smallest=4, largest=64, seed=1).cut(5_000, "a")[0].tolist() != first


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"smallest": 3}, "not 3"),
        ({"largest": 0}, "not 0"),
        ({"smallest": 512, "largest": 256}, r"unlike \[512, 256\]"),
        ({"shortest_remainder": 256}, r"unlike \[256, 256, 8192\]"),
    ],
)
def test_mistakes_are_told(settings: dict[str, int], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Decomposition(**settings)  # type: ignore[arg-type]
