"""The adapter alone: PyTorch takes gigabytes, so what it calls of PyTorch is played here."""

import importlib
import sys
import types
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.decomposed_corpus import write_sequences
from training.reader import SequenceReader


class IterableDataset:
    """What `DataLoader` tells an iterable data set by."""


@pytest.fixture
def torch_dataset(monkeypatch: pytest.MonkeyPatch) -> Any:
    names = ("torch", "torch.utils", "torch.utils.data")
    torch, utils, data = map(types.ModuleType, names)
    torch.from_numpy = lambda array: ("tensor", array)  # type: ignore[attr-defined]
    data.IterableDataset = IterableDataset  # type: ignore[attr-defined]
    data.get_worker_info = lambda: None  # type: ignore[attr-defined]
    for name, played in zip(names, (torch, utils, data), strict=True):
        monkeypatch.setitem(sys.modules, name, played)
    monkeypatch.delitem(sys.modules, "training.torch_dataset", raising=False)
    module = importlib.import_module("training.torch_dataset")
    monkeypatch.delitem(sys.modules, "training.torch_dataset")
    return module


def test_batches_become_tensors_and_the_state_is_the_reader_s(
    torch_dataset: Any, tmp_path: Path
) -> None:
    write_sequences(tmp_path, {4: 20, 8: 10})
    reader = SequenceReader(str(tmp_path), tokens_per_step=16)
    data = torch_dataset.TorchSequences(SequenceReader(str(tmp_path), tokens_per_step=16))
    assert issubclass(torch_dataset.TorchSequences, IterableDataset)
    assert len(data) == len(reader) == 10
    given = list(data)
    for item, batch in zip(given, reader, strict=True):
        kind, array = item["input_ids"]
        assert (kind, item["bucket"], item["step"]) == ("tensor", batch.bucket, batch.step)
        assert np.array_equal(array, batch.input_ids)
    data.load_state_dict({"step": 7})
    assert [item["step"] for item in data] == [7, 8, 9]
    data.load_state_dict({"step": 3})
    assert data.state_dict()["step"] == 3
