"""The list of signals, for the terminal and for the documentation: both from the declarations."""

from collections.abc import Iterable, Iterator, Sequence

from rich.table import Table
from rich.text import Text

from filters.bounds import Bounds
from filters.rule_sets import RULE_SETS
from filters.signals import Signal

_COLUMNS = ("signal", "type", "unit", "meaning", "source", "threshold")


def as_table(signals: Iterable[Signal]) -> Table:
    """Return signals as a table for the terminal."""
    table = Table()
    for column in _COLUMNS:
        narrow = column in ("signal", "threshold")
        table.add_column(column, no_wrap=narrow, overflow="fold")
    for signal in signals:
        table.add_row(*map(Text, _cells(signal)))
    return table


def as_markdown(signals: Sequence[Signal]) -> str:
    """Return the page ``docs/signals.md``: the signals, then the rule sets."""
    lines = [
        "# Signals",
        "",
        "<!-- Made by `thresher signals --markdown`; not edited by hand. -->",
        "",
        f"{len(signals)} signals. Each is a column of `scored/`, and null where the figure does",
        "not exist. The threshold is the one that the source keeps documents within.",
        "",
        *_rows(_COLUMNS, map(_cells, signals)),
        "",
        "## Rule sets",
        "",
        *_rows(
            ("set", "rules", "source"),
            (
                (f"`{name}`", str(len(rules)), rules.source)
                for name, rules in sorted(RULE_SETS.items())
            ),
        ),
    ]
    return "\n".join(lines) + "\n"


def _cells(signal: Signal) -> tuple[str, ...]:
    return (
        signal.name,
        signal.type,
        signal.unit,
        signal.meaning,
        signal.source,
        _threshold(signal.threshold),
    )


def _threshold(bounds: Bounds | None) -> str:
    """Return bounds as a person writes them.

    >>> _threshold(Bounds(min=50, max=100_000)), _threshold(Bounds(max=0.1)), _threshold(None)
    ('50 to 100,000', 'at most 0.1', '')
    """
    if bounds is None:
        return ""
    if bounds.min is None:
        return f"at most {bounds.max:,}"
    if bounds.max is None:
        return f"at least {bounds.min:,}"
    return f"{bounds.min:,} to {bounds.max:,}"


def _rows(columns: Iterable[str], rows: Iterable[Iterable[str]]) -> Iterator[str]:
    head = list(columns)
    yield f"| {' | '.join(head)} |"
    yield f"|{' --- |' * len(head)}"
    for row in rows:
        yield f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in row)} |"
