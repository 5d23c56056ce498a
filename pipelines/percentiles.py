"""``thresher percentiles``: bounds of a signal from the corpus's own documents, by language."""

import argparse
from collections import defaultdict
from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq
import yaml
from rich.console import Console
from rich.table import Table

from filters.rules import LANGUAGE
from pipelines.errors import UserError, nearest

# cc_net's head, middle and tail are parted here (arXiv 1911.00359, section 3.4; its code has 30
# and 60).
_PERCENTILES = (30.0, 60.0)
_UNKNOWN = "unknown"

Values = Mapping[str, npt.NDArray[np.float64]]


def add_parser(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add ``percentiles`` to the commands."""
    told = "print percentiles of a signal by language, and the rules that cut there"
    parser = commands.add_parser("percentiles", help=told, description=told, allow_abbrev=False)
    parser.add_argument("output", metavar="OUTPUT", help="the output of a run, with its `scored`")
    parser.add_argument(
        "--signal",
        default="reference.perplexity",
        metavar="NAME",
        help="a number of which low values are good (reference.perplexity)",
    )
    parser.add_argument(
        "--at",
        nargs="+",
        type=_percentile,
        default=_PERCENTILES,
        metavar="PERCENT",
        help="where to cut (30 60: cc_net's head, middle and tail)",
    )
    parser.set_defaults(run=_run)


def _percentile(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value <= 100:
        raise argparse.ArgumentTypeError(f"{text} is no percentage from 0 to 100")
    return value


def read_values(output: str, signal: str) -> Values:
    """Return the values of a signal in ``scored/`` by language, most documents first.

    Raises:
        UserError: nothing is scored there, or the signal is not or is no number.
    """
    # Importing Beam takes seconds: only where there is work.
    from pipelines import storage

    pattern = storage.join(output, "scored", "*.parquet")
    files = storage.match(pattern)
    if not files:
        raise UserError(f"{pattern}: no such file; first: thresher score RECIPE")
    found: dict[str, list[npt.NDArray[np.float64]]] = defaultdict(list)
    for file in files:
        with storage.open_stored(file.path) as stored:
            parquet = pq.ParquetFile(stored)
            _check_signal(file.path, parquet.schema_arrow, signal)
            for batch in parquet.iter_batches(columns=[signal, LANGUAGE]):
                there = batch.filter(batch.column(signal).is_valid())
                numbers = there.column(signal).cast(pa.float64()).to_numpy()
                codes = there.column(LANGUAGE).fill_null(_UNKNOWN)
                for code in codes.unique().to_pylist():
                    found[code].append(numbers[np.asarray(codes) == code])
    joined = {code: np.concatenate(parts) for code, parts in found.items()}
    return dict(sorted(joined.items(), key=lambda item: (-len(item[1]), item[0])))


def _check_signal(path: str, schema: pa.Schema, signal: str) -> None:
    if signal not in schema.names:
        raise UserError(f"{path}: no signal `{signal}`{nearest(signal, schema.names)}")
    kind = schema.field(signal).type
    if not (pa.types.is_integer(kind) or pa.types.is_floating(kind)):
        raise UserError(f"{path}: `{signal}` is a {kind}, and percentiles are of numbers")


def bounds(values: Values, percentile: float) -> dict[str, float]:
    """Return for each language the largest value up to a percentile.

    >>> bounds({"en": np.array([5.0, 1.0, 9.0, 7.0])}, 50)
    {'en': 5.0}
    """
    return {
        code: float(np.percentile(numbers, percentile, method="lower"))
        for code, numbers in values.items()
    }


def _run(arguments: argparse.Namespace) -> int:
    from pipelines.finished_output import opened

    output = opened(arguments.output, arguments.flags)
    values = read_values(output, arguments.signal)
    if not values:
        raise UserError(f"{output}: no document has a value of `{arguments.signal}`")
    cuts = {percentile: bounds(values, percentile) for percentile in sorted(set(arguments.at))}
    _print(arguments.signal, values, cuts)
    return 0


def _print(signal: str, values: Values, cuts: Mapping[float, Mapping[str, float]]) -> None:
    console = Console(highlight=False)
    table = Table("language", title=signal, title_justify="left")
    for column in ("documents", *(f"{percentile:g} %" for percentile in cuts)):
        table.add_column(column, justify="right")
    for code, numbers in values.items():
        told = [f"{of_language[code]:,.4g}" for of_language in cuts.values()]
        table.add_row(code, f"{len(numbers):,}", *told)
    console.print(table)
    for percentile, of_language in cuts.items():
        print(f"# the {percentile:g} % of each language with the lowest {signal}")
        print(_rule(signal, of_language, known=[code for code in values if code != _UNKNOWN]))


def _rule(signal: str, of_language: Mapping[str, float], *, known: Sequence[str]) -> str:
    languages = {code: {"max": of_language[code]} for code in known}
    return yaml.safe_dump({"rules": {signal: {"languages": languages}}}, sort_keys=False)
