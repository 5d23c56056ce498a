"""``thresher inspect`` and ``thresher why``: one document, its signals, and what became of it."""

import argparse
import json
from collections.abc import Iterator, Mapping
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

_EXCERPT = 400
_PLACES = 5
# A file or a pipe has no edge that a table must fit.
_WIDTH = 160


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add ``inspect`` and ``why`` to the commands."""
    for name, show, told in (
        ("inspect", _inspect, "show one document with every signal, rule, copy and its place"),
        ("why", _why, "say why one document is in the corpus, or why it is not"),
    ):
        parser = subparsers.add_parser(name, help=told, description=told, allow_abbrev=False)
        parser.add_argument("output", metavar="OUTPUT", help="the output folder of a run")
        parser.add_argument(
            "document",
            metavar="ID",
            help="the document's id or its first digits, its URL, or its source's record id",
        )
        parser.add_argument("--json", action="store_true", help="print all of it as JSON")
        parser.set_defaults(run=_run, show=show)


def _run(arguments: argparse.Namespace) -> int:
    from pipelines.finished_output import opened
    from pipelines.trace.document import Output

    output = opened(arguments.output, arguments.flags)
    trace = Output(output).trace(arguments.document)
    if arguments.json:
        print(json.dumps(trace, ensure_ascii=True, indent=1))
        return 0
    console = Console(highlight=False, soft_wrap=True, markup=False, emoji=False)
    if not console.is_terminal:
        console.width = _WIDTH
    arguments.show(console, trace)
    return 0


def _why(console: Console, trace: Mapping[str, Any]) -> None:
    for line in why(trace):
        console.print(Text(_printable(line)))


def why(trace: Mapping[str, Any]) -> Iterator[str]:
    """Yield lines that say what became of a document, and why."""
    if trace["outcome"] in ("gated", "error"):
        for record in trace["records"]:
            yield f"{record['url'] or record['record_id']}"
            yield f"  from {record['source']}, at {record['offset']}"
            if trace["outcome"] == "gated":
                yield f"gated by `score`: {record['reason']}"
            else:
                yield (
                    f"an error of `score`, at {record['step']}: {record['exception']}:"
                    f" {record['message']}"
                )
        return
    yield f"{trace['id']}  {trace['url'] or trace['record_id']}"
    yield f"  from {trace['source']}"
    places, cluster = trace["places"], trace["cluster"]
    match trace["outcome"]:
        case "kept":
            rows = "1 row" if len(places) == 1 else f"{len(places)} rows"
            yield f"kept: {rows} of the corpus{':' if places else ', too short for one'}"
            yield from _told_places(places)
        case "duplicate":
            yield f"left out: {trace['reasons'][0]} of a document that is kept"
            yield from _told_copy(cluster)
        case outcome:
            failed = len(trace["reasons"])
            verb = "rejected" if outcome == "rejected" else "scored and not yet selected"
            yield f"{verb}: fails {failed} rule{'' if failed == 1 else 's'}"
            yield from _told_rules(trace)
    if cluster and trace["outcome"] != "duplicate":
        yield f"cluster of {cluster['size']} documents, of which it is number {cluster['rank'] + 1}"


def _told_places(places: list[dict[str, Any]]) -> Iterator[str]:
    for place in places[:_PLACES]:
        yield f"  {place['file']}, row {place['row']}"
    if len(places) > _PLACES:
        yield f"  and {len(places) - _PLACES} more"


def _told_copy(cluster: Mapping[str, Any]) -> Iterator[str]:
    similarity = cluster["similarity"]
    if similarity is not None:
        yield f"  similarity {similarity:.2f} to {cluster['keeper'] or 'the earlier corpus'}"
    if cluster["kept"] is None:
        yield "  the copy that is kept is in an earlier corpus"
        return
    yield f"  kept: {cluster['kept']['document']}  {cluster['kept']['url'] or ''}".rstrip()
    yield from _told_places(cluster["kept"]["places"])


def _told_rules(trace: Mapping[str, Any]) -> Iterator[str]:
    for signal in trace["signals"]:
        if signal["side"] in ("below", "above"):
            end = "min" if signal["side"] == "below" else "max"
            value = f"{_figure(signal['value'])} {signal['unit']}"
            bound = f"{signal['side']} {_figure(signal['rule'][end])}"
            yield f"  {signal['name']}: {value}, {bound} ({signal['rule']['of']})"
        elif signal["side"] == "none: removed":
            yield f"  {signal['name']}: has no value ({signal['rule']['of']})"


def _inspect(console: Console, trace: Mapping[str, Any]) -> None:
    _why(console, trace)
    if "signals" not in trace:
        return
    if trace["date"]:
        console.print(Text(f"date: {trace['date']}"))
    for name, value in trace["metadata"].items():
        console.print(Text(_printable(f"{name}: {value}")))
    text = trace["text"]
    console.print(Text(_printable(text[:_EXCERPT]) + ("…" if len(text) > _EXCERPT else "")))
    if trace["cluster"]:
        console.print(_members(trace["cluster"]))
    console.print(_signals(trace["signals"]))


def _members(cluster: Mapping[str, Any]) -> Table:
    table = Table(title=f"cluster {cluster['cluster']}", title_justify="left")
    for name in ("document", "rank", "keeper", "reason", "similarity to it"):
        table.add_column(name, justify="right" if name in ("rank", "similarity to it") else "left")
    for of in cluster["members"]:
        similarity = "" if of["similarity"] is None else f"{of['similarity']:.2f}"
        keeper = "yes" if of["keep"] else ""
        table.add_row(of["document"], str(of["rank"]), keeper, of["reason"] or "", similarity)
    return table


def _signals(signals: list[dict[str, Any]]) -> Table:
    table = Table(title="signals", title_justify="left")
    table.add_column("signal", overflow="fold")
    for name in ("value", "unit", "published", "rule", "side", "of"):
        table.add_column(name, justify="right" if name == "value" else "left")
    for signal in signals:
        rule = signal["rule"] or {}
        table.add_row(
            signal["name"],
            "none" if signal["value"] is None else Text(_figure(signal["value"])),
            signal["unit"],
            _bounds(signal["published"]),
            _bounds(rule) if rule.keys() > {"of"} else "lifted" if rule else "",
            signal["side"] or "",
            rule.get("of", ""),
        )
    return table


def _bounds(bounds: Mapping[str, Any] | None) -> str:
    if not bounds:
        return ""
    low, high = bounds["min"], bounds["max"]
    if high is None:
        return f"≥ {_figure(low)}"
    return f"≤ {_figure(high)}" if low is None else f"{_figure(low)} to {_figure(high)}"


def _figure(value: object) -> str:
    if isinstance(value, float):
        return f"{value:,.4g}"
    return str(value)


def _printable(text: str) -> str:
    """Return a text without characters that a terminal would obey."""
    return "".join(char if char.isprintable() or char == "\n" else "\ufffd" for char in text)
