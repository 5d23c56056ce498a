"""``thresher verify``: whether an output is what its manifests say."""

import argparse
import json
import os
from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table

from pipelines.errors import UserError

if TYPE_CHECKING:
    from pipelines.audit.stages import AuditedStage


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add ``verify`` to the commands."""
    told = "check an output against its manifests: checksums, counts, schemas, every document"
    parser = subparsers.add_parser("verify", help=told, description=told, allow_abbrev=False)
    parser.add_argument("output", metavar="OUTPUT", help="the output folder of a run")
    parser.add_argument(
        "--no-checksums",
        dest="checksums",
        action="store_false",
        help="do not read and hash every byte; all else is checked",
    )
    parser.add_argument(
        "--threads", type=int, default=os.cpu_count(), help="files read at a time (all cores)"
    )
    parser.add_argument("--json", action="store_true", help="print the result as JSON")
    parser.set_defaults(run=_run)


def _run(arguments: argparse.Namespace) -> int:
    from pipelines.audit.discrepancy import DiscrepancyError
    from pipelines.audit.stages import audit
    from pipelines.finished_output import opened

    if arguments.threads < 1:
        raise UserError("--threads must be 1 or more")
    output = opened(arguments.output, arguments.flags)
    try:
        stages = audit(output, threads=arguments.threads, checksums=arguments.checksums)
    except DiscrepancyError as lie:
        if not arguments.json:
            raise
        keys = ("path", "what", "expected", "found")
        print(json.dumps({"verified": False, **{key: getattr(lie, key) for key in keys}}))
        return 1
    if arguments.json:
        print(json.dumps({"verified": True, "stages": [_as_json(stage) for stage in stages]}))
    else:
        _print(stages, output, checksums=arguments.checksums)
    return 0


def _as_json(stage: "AuditedStage") -> dict[str, object]:
    counters = stage.counters.as_json()
    return {"stage": stage.stage, "files": stage.files, "bytes": stage.bytes, **counters}


def _print(stages: "Sequence[AuditedStage]", output: str, *, checksums: bool) -> None:
    console = Console(highlight=False)
    table = Table("stage")
    for name in ("in", "out", "gated", "errors", "files", "MB"):
        table.add_column(name, justify="right")
    for stage in stages:
        of = stage.counters
        counts = (of.read, of.written, of.gated.total(), of.errors.total(), stage.files)
        table.add_row(stage.stage, *(f"{n:,}" for n in counts), f"{stage.bytes / 1e6:,.1f}")
    console.print(table)
    what = "checksums, counts, schemas and ids" if checksums else "counts, schemas and ids"
    console.print(f"{output}: {what} are as the manifests say", markup=False, soft_wrap=True)
