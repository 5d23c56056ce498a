import pickle
import subprocess
import sys
import tracemalloc
import types
from collections import Counter
from collections.abc import Iterator
from itertools import islice, zip_longest
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.decomposed_corpus import write_sequences
from training.buckets import read_buckets
from training.curricula import Curriculum
from training.reader import Batch, SequenceReader

SEQUENCES = {4: 101, 8: 60, 16: 33}
TOKENS = 64


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("corpus")
    write_sequences(folder, SEQUENCES)
    return str(folder)


def reader(corpus: str, **settings: Any) -> SequenceReader:
    return SequenceReader(corpus, **{"tokens_per_step": TOKENS, "window": 3, **settings})


def told(batch: Batch) -> tuple[int, int, list[str]]:
    return batch.step, batch.bucket, batch.document


def drawn(batches: Iterator[Batch]) -> list[str]:
    return [document for batch in batches for document in batch.document]


ALL = sorted(f"{bucket}-{number}" for bucket, count in SEQUENCES.items() for number in range(count))


def test_every_sequence_comes_once_an_epoch_whole_and_traceable(corpus: str) -> None:
    batches = list(reader(corpus, drop_last=False, epochs=2))
    half = len(batches) // 2
    assert sorted(drawn(iter(batches[:half]))) == sorted(drawn(iter(batches[half:]))) == ALL
    assert drawn(iter(batches[:half])) != drawn(iter(batches[half:]))
    for batch in batches:
        numbers = [int(name.rpartition("-")[2]) for name in batch.document]
        assert batch.offset.tolist() == numbers
        assert batch.input_ids.dtype == np.int64
        assert np.array_equal(batch.input_ids, np.repeat([numbers], batch.bucket, 0).T)


def test_every_step_has_its_tokens_and_leaves_out_less_than_a_batch(corpus: str) -> None:
    stream = reader(corpus)
    batches = list(stream)
    assert [batch.step for batch in batches] == list(range(len(stream)))
    assert {batch.input_ids.size for batch in batches} == {TOKENS}
    documents = drawn(iter(batches))
    assert len(set(documents)) == len(documents)
    left = Counter(name.partition("-")[0] for name in set(ALL) - set(documents))
    assert left == {"4": 101 % 16, "8": 60 % 8, "16": 33 % 4}


@pytest.mark.parametrize("drop_last", [True, False])
def test_ranks_share_every_step_and_no_sequence(corpus: str, drop_last: bool) -> None:
    whole = list(reader(corpus, drop_last=drop_last))
    ranks = [list(reader(corpus, drop_last=drop_last, rank=rank, ranks=4)) for rank in range(4)]
    together: dict[int, list[str]] = {}
    for batches in ranks:
        for batch in batches:
            together.setdefault(batch.step, []).extend(batch.document)
    assert together == {batch.step: batch.document for batch in whole}
    everyone = [document for batches in ranks for document in drawn(iter(batches))]
    assert len(set(everyone)) == len(everyone)
    if drop_last:
        assert {batch.input_ids.size for batches in ranks for batch in batches} == {TOKENS // 4}


@settings(max_examples=25)
@given(
    ranks=st.sampled_from([1, 2, 4]),
    window=st.integers(1, 20),
    seed=st.integers(0, 2**32),
    curriculum=st.builds(
        Curriculum,
        name=st.sampled_from(["uniform", "grow-linear", "grow-p2"]),
        cycles=st.integers(1, 9),
    ),
    drop_last=st.booleans(),
    stop=st.integers(0, 60),
)
def test_no_sequence_comes_twice_and_any_stop_goes_on_whatever_the_settings(
    corpus: str,
    ranks: int,
    window: int,
    seed: int,
    curriculum: Curriculum,
    drop_last: bool,
    stop: int,
) -> None:
    given_settings = {
        "ranks": ranks,
        "window": window,
        "seed": seed,
        "curriculum": curriculum,
        "drop_last": drop_last,
        "epochs": 2,
    }
    of_epoch: list[list[str]] = [[], []]
    for rank in range(ranks):
        stream = reader(corpus, rank=rank, **given_settings)
        expected = list(stream)
        for batch in expected:
            of_epoch[batch.step // stream.steps_per_epoch].extend(batch.document)
        resumed = reader(corpus, rank=rank, **given_settings)
        resumed.load_state_dict({"step": min(stop, len(stream))})
        assert [told(batch) for batch in resumed] == [
            told(batch) for batch in expected if batch.step >= stop
        ]
    for documents in of_epoch:
        assert len(set(documents)) == len(documents)
        if not drop_last:
            assert sorted(documents) == ALL


@pytest.mark.parametrize("stop", [0, 1, 17, 30])
def test_a_stream_goes_on_from_its_state(corpus: str, stop: int) -> None:
    expected = [told(batch) for batch in reader(corpus, epochs=2)]
    stream = reader(corpus, epochs=2)
    batches = iter(stream)
    first = [told(next(batches)) for _ in range(stop)]
    state = pickle.loads(pickle.dumps(stream.state_dict()))
    resumed = reader(corpus, epochs=2)
    resumed.load_state_dict(state)
    assert first + [told(batch) for batch in resumed] == expected
    counted = reader(corpus, epochs=2)
    counted.load_state_dict({"step": stop})
    assert [told(batch) for batch in counted] == expected[stop:]


def test_iterating_again_begins_again(corpus: str) -> None:
    stream = reader(corpus)
    assert [told(batch) for batch in stream] == [told(batch) for batch in stream]


def test_the_order_of_buckets_is_the_curriculum_s(corpus: str) -> None:
    curriculum = Curriculum(name="grow-linear", cycles=2)
    stream = reader(corpus, curriculum=curriculum, seed=3)
    order = curriculum.order({4: 6, 8: 7, 16: 8}, seed=3, epoch=0)
    assert [batch.bucket for batch in stream] == order.tolist()


def worker_batches(
    stream: SequenceReader, worker: int, workers: int, take: int
) -> tuple[list[tuple[int, int, list[str]]], dict[str, Any]]:
    """What a worker process of PyTorch's loader does with its copy of a data set."""
    module = types.ModuleType("torch.utils.data")
    info = types.SimpleNamespace(id=worker, num_workers=workers)
    module.get_worker_info = lambda: info  # type: ignore[attr-defined]
    copy = pickle.loads(pickle.dumps(stream))
    with pytest.MonkeyPatch.context() as patched:
        patched.setitem(sys.modules, "torch.utils.data", module)
        given = [told(batch) for batch in islice(copy, take)]
    return given, copy.state_dict()


def loaded(
    streams: list[SequenceReader], take: int = 10**6
) -> tuple[list[tuple[int, int, list[str]]], list[dict[str, Any]]]:
    """Give each worker its copy and take their batches in turn, as the loader does."""
    of_worker = [worker_batches(stream, n, len(streams), take) for n, stream in enumerate(streams)]
    in_turn = [
        batch
        for turn in zip_longest(*(given for given, _ in of_worker))
        for batch in turn
        if batch is not None
    ]
    return in_turn, [state for _, state in of_worker]


def test_workers_of_a_loader_give_the_stream_and_go_on_from_their_states(corpus: str) -> None:
    expected = [told(batch) for batch in reader(corpus, rank=1, ranks=2)]
    stream = reader(corpus, rank=1, ranks=2)
    given, states = loaded([stream, stream], take=4)
    assert given == expected[:8]
    resumed = []
    for state in states:
        copy = reader(corpus, rank=1, ranks=2)
        copy.load_state_dict(state)
        resumed.append(copy)
    rest, _ = loaded(resumed)
    assert rest == expected[8:]
    # From the number of steps alone, with another number of workers.
    counted = reader(corpus, rank=1, ranks=2)
    counted.load_state_dict({"step": 8})
    assert loaded([counted] * 3)[0] == expected[8:]


def test_sequences_with_a_target_token(tmp_path: Path) -> None:
    write_sequences(tmp_path, {4: 20}, extra=1)
    batches = list(SequenceReader(str(tmp_path), tokens_per_step=8))
    assert {batch.input_ids.shape for batch in batches} == {(2, 5)}
    assert len(batches) == 10


def test_a_state_of_another_stream_is_refused(corpus: str) -> None:
    with pytest.raises(ValueError, match="of another stream"):
        reader(corpus, seed=1).load_state_dict(reader(corpus).state_dict())


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"tokens_per_step": 24}, "multiple of 16, a sequence of 16 tokens for each of 1 ranks"),
        ({"ranks": 3}, "multiple of 48"),
        ({"rank": 2, "ranks": 2}, "rank 2 is none of 2"),
        ({"epochs": 0}, "must be 1 or more"),
    ],
)
def test_mistakes_are_told(corpus: str, settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        SequenceReader(corpus, **{"tokens_per_step": TOKENS, **settings})


def test_folders_without_sequences_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no bucket="):
        read_buckets(str(tmp_path / "nowhere"))
    (tmp_path / "bucket=256").mkdir()
    pq.write_table(pa.table({"text": ["a"]}), tmp_path / "bucket=256/part-0.parquet")
    with pytest.raises(ValueError, match="no column `input_ids`"):
        read_buckets(str(tmp_path))


def test_memory_does_not_grow_with_the_corpus(tmp_path: Path) -> None:
    peaks = []
    for sequences in (400, 4_000):
        corpus = tmp_path / str(sequences)
        write_sequences(corpus, {1024: sequences, 2048: sequences}, rows=21)
        # What is imported or made at the first use is no part of it.
        next(iter(reader(str(corpus), tokens_per_step=4_096)))
        tracemalloc.start()
        for _ in reader(str(corpus), tokens_per_step=4_096, window=9):
            pass
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    windows = 9 * 21 * (1024 + 2048) * 2
    assert windows < peaks[0] <= peaks[1] < 1.2 * windows


def test_training_needs_neither_beam_nor_torch() -> None:
    code = (
        "import sys, training.reader, training.curricula, training.packing\n"
        "print(sorted({name.partition('.')[0] for name in sys.modules}"
        " & {'apache_beam', 'torch', 'pipelines'}))"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert told.stdout == "[]\n"
