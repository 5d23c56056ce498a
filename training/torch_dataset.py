"""The reader as a data set of PyTorch, which has to be installed for it."""

from collections.abc import Iterator, Mapping
from typing import Any

import torch
from torch.utils.data import IterableDataset

from training.reader import SequenceReader


class TorchSequences(IterableDataset):  # type: ignore[misc]
    """Gives the batches of a reader as tensors; for ``DataLoader(data, batch_size=None)``.

    Args:
        reader: The reader. Each worker of the loader gets a copy.
    """

    def __init__(self, reader: SequenceReader) -> None:
        self.reader = reader

    def __iter__(self) -> Iterator[dict[str, Any]]:
        """Yield ``{"input_ids": int64 tensor, "bucket": int, "step": int}``."""
        for batch in self.reader:
            ids = torch.from_numpy(batch.input_ids)
            yield {"input_ids": ids, "bucket": batch.bucket, "step": batch.step}

    def __len__(self) -> int:
        """Return the number of batches of all workers together."""
        return len(self.reader)

    def state_dict(self) -> dict[str, Any]:
        """Return the reader's state."""
        return self.reader.state_dict()

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from a state of the reader."""
        self.reader.load_state_dict(state)
