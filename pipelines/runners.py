"""Where a pipeline runs: this machine or a cluster, by Beam's own options."""

import argparse
import logging
import os
import shlex
import sys
from collections.abc import Sequence

import apache_beam as beam
from apache_beam.options.pipeline_options import DirectOptions, PipelineOptions
from apache_beam.runners.portability.fn_api_runner.fn_runner import FnApiRunner
from apache_beam.transforms.environments import SubprocessSDKEnvironment

from pipelines.errors import UserError, nearest

LOCAL = "local"
# Starting worker processes takes some four seconds, in which one process scores 5 MB of books.
_ONE_PROCESS_BYTES = 20_000_000


def pipeline_options(
    *, runner: str, workers: int | None, flags: Sequence[str], total_bytes: int
) -> PipelineOptions:
    """Return Beam's options for a run.

    Args:
        runner: ``local``, or any runner that Beam knows by name (``SparkRunner``,
            ``FlinkRunner``, ``DataflowRunner``, ``PortableRunner``).
        workers: Local worker processes; all cores by default, and one for a small input.
        flags: Beam's own flags, passed through.
        total_bytes: Size of the input.

    Raises:
        UserError: a flag that neither thresher nor Beam knows.
    """
    _check(flags)
    if runner != LOCAL:
        if workers is not None:
            raise UserError(f"--workers is for the local runner; {runner} takes Beam's own options")
        return PipelineOptions([f"--runner={runner}", *flags])
    # Beam tells every step of every worker at this level.
    logging.getLogger("apache_beam").setLevel(logging.WARNING)
    if workers is None:
        workers = 1 if total_bytes < _ONE_PROCESS_BYTES else len(os.sched_getaffinity(0))
    return PipelineOptions(
        [
            "--runner=apache_beam.runners.portability.fn_api_runner.FnApiRunner",
            f"--direct_num_workers={workers}",
            "--default_sdk_harness_log_level=WARNING",
            *flags,
        ]
    )


def new_pipeline(options: PipelineOptions) -> beam.Pipeline:
    """Return an empty pipeline that runs as ``options`` of :func:`pipeline_options` say."""
    direct = options.view_as(DirectOptions)
    if "FnApiRunner" not in options.get_all_options()["runner"] or direct.direct_num_workers == 1:
        return beam.Pipeline(options=options)
    # Beam's mode `multi_processing` with a worker command of our own, which no named mode takes.
    direct.direct_running_mode = "worker_processes"
    command = f"exec {shlex.quote(sys.executable)} -P -m pipelines.local_worker"
    environment = SubprocessSDKEnvironment.from_command_string(command)
    return beam.Pipeline(runner=FnApiRunner(default_environment=environment), options=options)


def _check(flags: Sequence[str]) -> None:
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    for group in PipelineOptions.__subclasses__():
        adder = getattr(group, "_add_argparse_args", None)
        if adder is not None:
            try:
                adder(parser)
            except argparse.ArgumentError:
                continue
    _, unknown = parser.parse_known_args(list(flags))
    if unknown:
        known = [option for action in parser._actions for option in action.option_strings]
        name = unknown[0].partition("=")[0]
        close = nearest(name, known) if len(name) > 2 else ""
        remedy = close if "did you mean" in close else "; see `thresher run --help`"
        raise UserError(f"{unknown[0]}: neither thresher nor Beam knows this option{remedy}")
