"""Where a pipeline runs: this machine or a cluster, by Beam's own options."""

import argparse
import logging
import os
import shlex
import sys
from collections.abc import Sequence

import apache_beam as beam
from apache_beam.options.pipeline_options import DirectOptions, PipelineOptions
from apache_beam.portability.api import beam_provision_api_pb2
from apache_beam.runners.job.utils import dict_to_struct
from apache_beam.runners.portability.fn_api_runner.fn_runner import (
    ExtendedProvisionInfo,
    FnApiRunner,
)
from apache_beam.transforms.environments import SubprocessSDKEnvironment

from pipelines.errors import UserError, nearest

LOCAL = "local"
_RUNNERS = [LOCAL, "SparkRunner", "FlinkRunner", "DataflowRunner", "PortableRunner", "PrismRunner"]
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
        if runner not in _RUNNERS and "." not in runner:
            raise UserError(f"--runner {runner}: no such runner{nearest(runner, _RUNNERS)}")
        if workers is not None:
            raise UserError(f"--workers is for the local runner; {runner} takes Beam's own options")
        return PipelineOptions([f"--runner={runner}", *flags])
    # Beam tells every step of every worker at this level.
    logging.getLogger("apache_beam").setLevel(logging.WARNING)
    # What a step raises, this logger tells with its traceback, and then it is raised all the same.
    logging.getLogger("apache_beam.runners.common").setLevel(logging.CRITICAL)
    if workers is None:
        workers = 1 if total_bytes < _ONE_PROCESS_BYTES else _cores()
    return PipelineOptions(
        [
            "--runner=apache_beam.runners.portability.fn_api_runner.FnApiRunner",
            f"--direct_num_workers={workers}",
            "--default_sdk_harness_log_level=WARNING",
            *flags,
        ]
    )


def _cores() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def new_pipeline(options: PipelineOptions) -> beam.Pipeline:
    """Return an empty pipeline that runs as ``options`` of :func:`pipeline_options` say."""
    direct = options.view_as(DirectOptions)
    if "FnApiRunner" not in options.get_all_options()["runner"] or direct.direct_num_workers == 1:
        return beam.Pipeline(options=options)
    # Beam's mode `multi_processing` with a worker command of our own, which no named mode takes.
    direct.direct_running_mode = "worker_processes"
    command = f"exec {shlex.quote(sys.executable)} -P -m pipelines.local_worker"
    environment = SubprocessSDKEnvironment.from_command_string(command)
    # The workers reach remote stores by the same options (credentials, endpoint).
    told = {
        f"beam:option:{name}:v1": value
        for name, value in options.get_all_options(drop_default=True).items()
        if name != "runner" and not name.startswith("direct_")
    }
    provision = beam_provision_api_pb2.ProvisionInfo(
        retrieval_token="none",  # noqa: S106 - no secret: local workers retrieve nothing by it
        pipeline_options=dict_to_struct(told),
    )
    runner = FnApiRunner(
        default_environment=environment, provision_info=ExtendedProvisionInfo(provision)
    )
    return beam.Pipeline(runner=runner, options=options)


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
        known = ["--set", "--runner", "--workers", "--text"]
        known += [option for action in parser._actions for option in action.option_strings]
        name = unknown[0].partition("=")[0]
        close = nearest(name, known) if len(name) > 2 else ""
        remedy = close if "did you mean" in close else "; see `thresher run --help`"
        raise UserError(f"{unknown[0]}: neither thresher nor Beam knows this option{remedy}")
