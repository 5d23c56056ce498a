"""The figures of a selection: what each rule removed, what each bucket and language holds."""

from collections import Counter
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from filters.rules import LANGUAGE, Verdicts
from pipelines.corpus_forms import Cut


class Tally:
    """Counts of one shard: what each rule removed, what each bucket and language holds."""

    def __init__(self) -> None:
        self.failed: Counter[str] = Counter()
        self.only: Counter[str] = Counter()
        self.bucket_documents: Counter[str] = Counter()
        self.bucket_tokens: Counter[str] = Counter()
        self.dropped: Counter[str] = Counter()
        self.languages: Counter[str] = Counter()

    def add(
        self,
        batch: pa.RecordBatch,
        verdicts: Verdicts,
        keep: npt.NDArray[np.bool_],
        duplicate: npt.NDArray[np.bool_],
    ) -> None:
        """Count the documents of a batch."""
        for row, reasons in enumerate(verdicts.reasons):
            self.failed.update(reasons)
            if len(reasons) == 1 and not duplicate[row]:
                self.only[reasons[0]] += 1
        kept = batch[LANGUAGE].filter(pa.array(keep)).to_pylist()
        self.languages.update(code or "unknown" for code in kept)

    def add_cut(self, cut: Cut) -> None:
        """Count the rows of documents, and what of the documents is in none."""
        for rows in cut.rows:
            self.bucket_documents[str(rows.bucket)] += rows.batch.num_rows
            self.bucket_tokens[str(rows.bucket)] += rows.tokens
        if cut.documents is not None:
            without = np.asarray(cut.documents["rows"]) == 0
            self.dropped["documents"] += int(without.sum())
            if "dropped_tokens" in cut.documents.schema.names:
                self.dropped["tokens"] += int(np.asarray(cut.documents["dropped_tokens"]).sum())

    def as_json(self) -> dict[str, Any]:
        """Return plain values."""
        return {name: dict(sorted(counter.items())) for name, counter in vars(self).items()}

    def merge(self, figures: dict[str, Any]) -> None:
        """Add the counts that :meth:`as_json` gave of another shard."""
        for name, counter in vars(self).items():
            counter.update(figures[name])
