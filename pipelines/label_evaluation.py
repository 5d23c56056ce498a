"""How well rules tell documents that a person called bad from those called good."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pydantic
from pydantic import Field
from scipy.stats import binomtest

from filters.rules import LANGUAGE, Rule, failures
from pipelines import storage
from pipelines.errors import UserError, nearest

ALL_RULES = "all rules"
_CONFIDENCE = 0.95


class Label(pydantic.BaseModel):
    """A line of a file of labels, as the report's page writes it.

    Attributes:
        id: The document's id.
        label: What the person called it.
        signal: The signal beside whose threshold it was shown, if it was.
    """

    model_config = pydantic.ConfigDict(extra="forbid", frozen=True)

    id: Annotated[str, Field(min_length=1)]
    label: Literal["good", "bad"]
    signal: str | None = None


@dataclass(frozen=True, slots=True)
class Share:
    """A share with its 95 % confidence interval (Wilson, 1927), all None where it is of nothing.

    Attributes:
        share: The share.
        low: The lower end of the interval.
        high: The upper end.
        count: How many.
        of: Out of how many.
    """

    share: float | None
    low: float | None
    high: float | None
    count: int
    of: int

    @classmethod
    def out_of(cls, count: int, of: int) -> "Share":
        """Return the share of ``count`` in ``of``.

        >>> Share.out_of(9, 10)
        Share(share=0.9, low=0.596, high=0.982, count=9, of=10)
        """
        if not of:
            return cls(None, None, None, count, of)
        interval = binomtest(count, of).proportion_ci(_CONFIDENCE, method="wilson")
        low, high = round(float(interval.low), 3), round(float(interval.high), 3)
        return cls(round(count / of, 3), low, high, count, of)


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluated:
    """A rule against the labels: it is to remove the bad and keep the good.

    Attributes:
        rule: The signal and the end of its bounds, such as ``gopher.word_count.min``, or
            :data:`ALL_RULES`.
        bound: The bound, if it is one for all languages.
        precision: Of the labelled documents that it removes, the bad.
        recall: Of the bad, those that it removes.
        good_lost: Of the good, those that it removes.
        kept_good: Of those that it keeps, the good.
    """

    rule: str
    bound: float | None
    precision: Share
    recall: Share
    good_lost: Share
    kept_good: Share

    def as_json(self) -> dict[str, Any]:
        """Return plain values."""
        return asdict(self)


def read_labels(path: Path) -> dict[str, Label]:
    """Return the labels of a file by document.

    Raises:
        UserError: the file can't be read, a line is no label, or a document has two.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"{path}: the labels can't be read: {error}") from None
    labels: dict[str, Label] = {}
    seen: dict[str, int] = {}
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            label = Label.model_validate_json(line)
        except pydantic.ValidationError as error:
            fault = error.errors()[0]
            where = ".".join(map(str, fault["loc"])) or "the line"
            raise UserError(
                f'{path}:{number}: {where}: {fault["msg"]}; a label is {{"id": …, "label": "good"'
                ' or "bad", "signal": …}'
            ) from None
        if labels.setdefault(label.id, label).label != label.label:
            raise UserError(
                f"{path}:{number}: {label.id} is {label.label} here and"
                f" {labels[label.id].label} in line {seen[label.id]}; keep one of them"
            )
        seen.setdefault(label.id, number)
    if not labels:
        raise UserError(f"{path}: no label there; mark documents in report.html and download them")
    return labels


def labelled_rows(
    paths: Sequence[str], labels: Mapping[str, Label], rules: Sequence[Rule]
) -> pa.Table:
    """Return the labelled documents with the signals that rules need; no text is read.

    Raises:
        UserError: a rule is on a signal that the scores have not, or no document has a label.
    """
    wanted = pa.array(list(labels))
    columns = list(dict.fromkeys(["id", LANGUAGE, *(rule.signal for rule in rules)]))
    found = [batch for path in paths for batch in _rows_of(path, wanted, columns)]
    if not found:
        raise UserError(
            f"no labelled document is among the scores, such as {next(iter(labels))}; are the"
            " labels of another output?"
        )
    return pa.Table.from_batches(found)


def _rows_of(path: str, wanted: pa.Array, columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
    with storage.open_stored(path) as stored:
        parquet = pq.ParquetFile(stored)
        names = parquet.schema_arrow.names
        for name in columns:
            if name not in names:
                raise UserError(f"rules: the scores have no `{name}`{nearest(name, names)}")
        for batch in parquet.iter_batches(columns=list(columns)):
            here = batch.filter(pc.is_in(batch["id"], wanted))
            if here.num_rows:
                yield here


def evaluate(
    rows: pa.Table, labels: Mapping[str, Label], rules: Sequence[Rule]
) -> dict[str, list[Evaluated]]:
    """Compare what rules remove with what a person called bad.

    Returns:
        ``all``: all rules together, then each end of each rule, over all labels. ``beside``: each
        end of each rule over the documents that were labelled beside its own threshold.
    """
    batch = rows.combine_chunks().to_batches()[0]
    of_rows = [labels[name] for name in batch["id"].to_pylist()]
    bad = np.array([label.label == "bad" for label in of_rows])
    removed: dict[str, tuple[Rule, npt.NDArray[np.bool_]]] = {}
    for rule in rules:
        for end, mask in zip(("min", "max"), failures(rule, batch), strict=True):
            if mask.any() or (rule.bounds and getattr(rule.bounds, end) is not None):
                removed[f"{rule.signal}.{end}"] = rule, mask
    by_any = np.zeros(len(bad), bool)
    for _, mask in removed.values():
        by_any |= mask
    every = np.ones(len(bad), bool)
    beside = {
        name: np.array([label.signal == rule.signal for label in of_rows])
        for name, (rule, _) in removed.items()
    }
    return {
        "all": [
            _evaluated(ALL_RULES, None, by_any, bad, every),
            *(
                _evaluated(name, _bound(rule, name), mask, bad, every)
                for name, (rule, mask) in removed.items()
            ),
        ],
        "beside": [
            _evaluated(name, _bound(rule, name), mask, bad, beside[name])
            for name, (rule, mask) in removed.items()
            if beside[name].any()
        ],
    }


def _bound(rule: Rule, name: str) -> float | None:
    return None if rule.bounds is None else getattr(rule.bounds, name.rpartition(".")[2])


def _evaluated(
    name: str,
    bound: float | None,
    removed: npt.NDArray[np.bool_],
    bad: npt.NDArray[np.bool_],
    among: npt.NDArray[np.bool_],
) -> Evaluated:
    removed, bad = removed[among], bad[among]
    hit = int((removed & bad).sum())
    lost = int((removed & ~bad).sum())
    kept = int((~removed).sum())
    good = int((~bad).sum())
    return Evaluated(
        rule=name,
        bound=bound,
        precision=Share.out_of(hit, int(removed.sum())),
        recall=Share.out_of(hit, int(bad.sum())),
        good_lost=Share.out_of(lost, good),
        kept_good=Share.out_of(good - lost, kept),
    )


def counted(labels: Iterable[Label]) -> dict[str, int]:
    """Return how many labels there are of each kind."""
    return dict(sorted(Counter(label.label for label in labels).items()))
