"""PyTorch's own loader over the reader. `make test-torch` brings a PyTorch for it: gigabytes."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.decomposed_corpus import write_sequences
from training.curricula import Curriculum
from training.reader import SequenceReader

pytestmark = pytest.mark.torch

Step = tuple[int, int, list[list[int]]]


@pytest.fixture
def corpus(tmp_path: Path) -> str:
    write_sequences(tmp_path, {4: 200, 8: 120, 16: 60})
    return str(tmp_path)


def reader(corpus: str, **settings: Any) -> SequenceReader:
    curriculum = Curriculum(name="grow-p2", cycles=3)
    return SequenceReader(corpus, tokens_per_step=64, curriculum=curriculum, epochs=2, **settings)


def loaded(of: SequenceReader, *, start: int = 0, **settings: Any) -> Iterator[Step]:
    """Yield (step, bucket, sequences) as PyTorch's loader gives them."""
    import torch
    from torch.utils.data import DataLoader

    from training.torch_dataset import TorchSequences

    data = TorchSequences(of)
    if start:
        data.load_state_dict({"step": start})
    for item in DataLoader(data, batch_size=None, **settings):
        assert isinstance(item["input_ids"], torch.Tensor)
        assert item["input_ids"].dtype == torch.int64
        yield item["step"], item["bucket"], item["input_ids"].tolist()


def read(of: SequenceReader) -> list[Step]:
    return [(batch.step, batch.bucket, batch.input_ids.tolist()) for batch in of]


@pytest.mark.parametrize("workers", [0, 1, 2])
def test_the_loader_gives_the_reader_s_stream_whatever_its_workers(
    corpus: str, workers: int
) -> None:
    expected = read(reader(corpus))
    assert len(expected) == len(reader(corpus)) > 60
    assert list(loaded(reader(corpus), num_workers=workers)) == expected


def test_workers_that_are_started_afresh_give_it_too(corpus: str) -> None:
    stream = loaded(reader(corpus), num_workers=2, multiprocessing_context="spawn")
    assert list(stream) == read(reader(corpus))


@pytest.mark.parametrize("workers", [0, 2])
def test_two_ranks_share_each_step_and_no_sequence(corpus: str, workers: int) -> None:
    whole = read(reader(corpus))
    ranks = [
        list(loaded(reader(corpus, rank=rank, ranks=2), num_workers=workers)) for rank in (0, 1)
    ]
    for (step, bucket, together), one, other in zip(whole, *ranks, strict=True):
        assert one[:2] == other[:2] == (step, bucket)
        assert len(one[2]) == len(other[2])
        assert one[2] + other[2] == together


@pytest.mark.parametrize(("before", "after"), [(0, 2), (2, 0), (2, 1)])
def test_a_loader_goes_on_where_another_stopped(corpus: str, before: int, after: int) -> None:
    expected = read(reader(corpus))
    stopped_at = 17
    first = loaded(reader(corpus), num_workers=before)
    done = [next(first) for _ in range(stopped_at)]
    rest = list(loaded(reader(corpus), start=stopped_at, num_workers=after))
    assert done + rest == expected


def test_a_model_trains_on_what_the_loader_gives(corpus: str) -> None:
    """One pass of gradient descent over next-token pairs lowers the loss."""
    import torch

    torch.manual_seed(0)
    model = torch.nn.Sequential(torch.nn.Embedding(256, 16), torch.nn.Linear(16, 256))
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    losses = []
    for _, _, sequences in loaded(reader(corpus), num_workers=2):
        ids = torch.tensor(sequences)
        logits = model(ids[:, :-1])
        loss = torch.nn.functional.cross_entropy(logits.flatten(0, 1), ids[:, 1:].flatten())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert np.mean(losses[-10:]) < np.mean(losses[:10])
