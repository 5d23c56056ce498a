from dataclasses import asdict

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from filters.decomposition import Decomposition
from training.packing import Layout, best_fit, concatenate_and_chunk, decomposed, figures

LENGTHS = st.lists(st.integers(1, 70), max_size=40)


def laid_tokens(layout: Layout) -> list[tuple[int, int]]:
    """Every (document, position) of a layout, in the order of the stretches."""
    return [
        (document, position)
        for document, start, length in zip(
            layout.document.tolist(), layout.start.tolist(), layout.length.tolist(), strict=True
        )
        for position in range(start, start + length)
    ]


def all_tokens(lengths: list[int]) -> list[tuple[int, int]]:
    return [(document, at) for document, length in enumerate(lengths) for at in range(length)]


def filled(layout: Layout) -> list[int]:
    tokens = np.bincount(layout.sequence, layout.length, minlength=len(layout.sizes))
    return [int(count) for count in tokens]


@given(LENGTHS, st.integers(1, 32))
def test_chunks_are_full_and_hold_the_text_in_its_order(lengths: list[int], context: int) -> None:
    layout = concatenate_and_chunk(lengths, context=context)
    assert filled(layout) == [context] * (sum(lengths) // context)
    assert laid_tokens(layout) == all_tokens(lengths)[: sum(lengths) // context * context]


@given(LENGTHS, st.integers(1, 32))
def test_best_fit_holds_every_token_once_and_no_sequence_overflows(
    lengths: list[int], context: int
) -> None:
    layout = best_fit(lengths, context=context)
    assert sorted(laid_tokens(layout)) == all_tokens(lengths)
    assert all(0 < tokens <= context for tokens in filled(layout))
    # Only a document that is longer than a sequence is cut.
    cut = np.bincount(layout.document, minlength=len(lengths)) > 1
    assert cut.tolist() == [length > context for length in lengths]


@given(st.lists(st.integers(1, 32), max_size=25))
def test_best_fit_is_what_looking_at_every_sequence_gives(lengths: list[int]) -> None:
    rooms: list[int] = []
    for wanted in sorted(lengths, reverse=True):
        fits = [room for room in rooms if room >= wanted]
        chosen = min(fits) if fits else 32
        if fits:
            rooms.remove(chosen)
        rooms.append(chosen - wanted)
    layout = best_fit(lengths, context=32)
    assert sorted(32 - tokens for tokens in filled(layout)) == sorted(rooms)


@given(LENGTHS)
def test_decomposition_never_mixes_nor_pads(lengths: list[int]) -> None:
    layout = decomposed(lengths, by=Decomposition(smallest=4, largest=16))
    found = figures(layout, lengths)
    assert (found.mixed, found.padding) == (0, 0)
    assert set(laid_tokens(layout)) <= set(all_tokens(lengths))
    assert len(set(laid_tokens(layout))) == found.tokens


def test_figures_worked_out_by_hand() -> None:
    # Chunks of 4: aaab bbbb cc.. : the rest of c is left out.
    lengths = [3, 5, 2]
    assert asdict(figures(concatenate_and_chunk(lengths, context=4), lengths)) == {
        "sequences": 2,
        "tokens": 8,
        "kept": 0.8,
        "padding": 0,
        "mixed": 0.5,
        "truncated": 0.5,
        "context": (6 + 6) / 8,
        "own_context": (3 + 0 + 6) / 8,
        "attention": 20,
    }
    # Best fit: bbbb, aaa., b cc . : b's rest of 1 goes to the fullest, aaa.
    assert asdict(figures(best_fit(lengths, context=4), lengths)) == {
        "sequences": 3,
        "tokens": 10,
        "kept": 1.0,
        "padding": pytest.approx(2 / 12),
        "mixed": pytest.approx(1 / 3),
        "truncated": pytest.approx(1 / 3),
        "context": (6 + 6 + 1) / 10,
        "own_context": (6 + 3 + 1) / 10,
        "attention": 30,
    }
    by = Decomposition(smallest=2, largest=4)
    assert asdict(figures(decomposed(lengths, by=by), lengths)) == {
        "sequences": 3,
        "tokens": 8,
        "kept": 0.8,
        "padding": 0,
        "mixed": 0,
        "truncated": pytest.approx(2 / 3),
        "context": (1 + 6 + 1) / 8,
        "own_context": (1 + 6 + 1) / 8,
        "attention": 3 + 10 + 3,
    }


@pytest.mark.parametrize("layout", [concatenate_and_chunk, best_fit])
def test_no_documents_give_no_sequences(layout) -> None:  # type: ignore[no-untyped-def]
    assert figures(layout([], context=8), []).sequences == 0
