import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from filters.length import Length, bucket_for, buckets_for
from filters.text_view import TextView

EXPONENTS = st.tuples(st.integers(0, 20), st.integers(0, 20)).map(sorted)


def test_lengths_of_a_text_with_a_lone_surrogate() -> None:
    assert Length().compute(TextView("é\ud800😀\n\n \nb")) == {
        "length.characters": 8,
        "length.bytes": 2 + 3 + 4 + 5,
        "length.lines": 2,
    }


@given(EXPONENTS, st.integers(0, 2**21))
def test_a_bucket_holds_lengths_above_its_half_up_to_itself(exponents: list[int], n: int) -> None:
    smallest, largest = 2 ** exponents[0], 2 ** exponents[1]
    bucket = bucket_for(n, smallest=smallest, largest=largest)
    if n > largest:
        assert bucket == largest + 1
    elif n <= smallest:
        assert bucket == smallest
    else:
        assert bucket.bit_count() == 1
        assert bucket / 2 < n <= bucket


@given(st.lists(st.integers(0, 2**40), max_size=30))
def test_arrays_have_the_buckets_of_their_lengths(lengths: list[int]) -> None:
    buckets = buckets_for(np.array(lengths, np.int64))
    assert buckets.tolist() == [bucket_for(length) for length in lengths]


def test_defaults_run_from_256_to_an_open_bucket_above_131072() -> None:
    lengths = np.arange(0, 300_000, 7)
    assert np.unique(buckets_for(lengths)).tolist() == [2**k for k in range(8, 18)] + [131_073]


@pytest.mark.parametrize(
    ("tokens", "smallest", "largest", "message"),
    [
        (-1, 256, 512, "can't be negative"),
        (1, 100, 512, "100 is none"),
        (1, 256, 1000, "1000 is none"),
        (1, 0, 512, "0 is none"),
        (1, -4, 512, "-4 is none"),
        (1, 512, 256, "above the largest"),
    ],
)
def test_mistakes_are_told(tokens: int, smallest: int, largest: int, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        bucket_for(tokens, smallest=smallest, largest=largest)
