"""Where a pipeline runs: this machine or a cluster, by Beam's own options."""

import argparse
import logging
import os
import shlex
import shutil
import sys
from collections.abc import Sequence
from dataclasses import dataclass

import apache_beam as beam
from apache_beam.options.pipeline_options import (
    DirectOptions,
    FlinkRunnerOptions,
    GoogleCloudOptions,
    JobServerOptions,
    PipelineOptions,
    PortableOptions,
    PrismRunnerOptions,
    SetupOptions,
    SparkRunnerOptions,
    WorkerOptions,
)
from apache_beam.portability.api import beam_provision_api_pb2
from apache_beam.runners.job.utils import dict_to_struct
from apache_beam.runners.portability.fn_api_runner.fn_runner import (
    ExtendedProvisionInfo,
    FnApiRunner,
)
from apache_beam.transforms.environments import SubprocessSDKEnvironment

from pipelines import hdfs_files
from pipelines.errors import UserError, nearest
from pipelines.spark_options import SparkOptions

LOCAL = "local"
# Starting worker processes takes some four seconds, in which one process scores 5 MB of books.
_ONE_PROCESS_BYTES = 20_000_000
_LOCAL_FLINK = ("[local]", "[auto]")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Engine:
    """A runner under a short name.

    Attributes:
        runner: Beam's name of it, or the path of its class.
        takes: Beam's groups of options that it heeds, of those that not every runner does.
        presets: Flags that hold unless they are given.
        required: Options that it can't do without, with what for.
    """

    runner: str
    takes: tuple[type[PipelineOptions], ...]
    presets: tuple[str, ...] = ()
    required: tuple[tuple[str, str], ...] = ()


_PORTABLE = (WorkerOptions, SetupOptions, PortableOptions, JobServerOptions)
_ENGINES = {
    LOCAL: _Engine(
        runner="apache_beam.runners.portability.fn_api_runner.FnApiRunner",
        takes=(DirectOptions,),
        presets=("--default_sdk_harness_log_level=WARNING",),
    ),
    "spark": _Engine(
        runner="pipelines.spark_runner.SparkRunner",
        takes=(SparkRunnerOptions, SparkOptions),
        presets=("--spark_master_url=auto",),
    ),
    "prism": _Engine(
        runner="PrismRunner",
        takes=(*_PORTABLE, PrismRunnerOptions),
        presets=("--default_sdk_harness_log_level=WARNING",),
    ),
    "flink": _Engine(
        runner="FlinkRunner",
        takes=(*_PORTABLE, FlinkRunnerOptions),
        # Elements are few and large; what waits between steps is only what a worker has at hand.
        presets=("--flink_master=[auto]", "--default_sdk_harness_log_level=WARNING"),
    ),
    "dataflow": _Engine(
        runner="DataflowRunner",
        takes=(WorkerOptions, SetupOptions),
        presets=(
            "--autoscaling_algorithm=THROUGHPUT_BASED",
            # Two gigabytes a core hold the models, a page in extraction and a row group.
            "--worker_machine_type=n2-standard-4",
            "--disk_size_gb=50",
            # Each thread would load the models once more, and Python runs one at a time.
            "--number_of_worker_harness_threads=1",
            "--default_sdk_harness_log_level=WARNING",
        ),
        required=(
            ("--project", "your Google Cloud project"),
            ("--region", "such as europe-west4, where the data are"),
            ("--temp_location", "a gs:// folder for what is staged"),
        ),
    ),
}
_BEAM_NAMES = ["SparkRunner", "FlinkRunner", "DataflowRunner", "PortableRunner", "PrismRunner"]
_OWNED = (
    DirectOptions,
    SparkRunnerOptions,
    SparkOptions,
    PrismRunnerOptions,
    FlinkRunnerOptions,
    PortableOptions,
    JobServerOptions,
    WorkerOptions,
    SetupOptions,
)
# In one of those groups, and heeded everywhere.
_EVERYWHERE = ("--default_sdk_harness_log_level", "--sdk_harness_log_level_overrides")


def pipeline_options(
    *,
    runner: str,
    workers: int | None,
    flags: Sequence[str],
    total_bytes: int,
    most_workers: int | None = None,
) -> PipelineOptions:
    """Return Beam's options for a run.

    Args:
        runner: ``local``, ``spark``, ``flink``, ``dataflow`` or ``prism``, with the options set
            that a run wants there; or any runner that Beam knows by name (``SparkRunner``,
            ``PortableRunner``, …), with Beam's own defaults.
        workers: Local worker processes; all cores by default, and one for a small input.
        flags: Beam's own flags, passed through; they go before what is preset.
        total_bytes: Size of the input.
        most_workers: How many local worker processes fit, or None for no bound.

    Raises:
        UserError: a flag that neither thresher nor Beam knows, that the runner does not heed, or
            that it lacks.
    """
    given = _names(flags)
    engine = _ENGINES.get(runner)
    if engine is None:
        known = [*_ENGINES, *_BEAM_NAMES]
        if runner not in known and "." not in runner:
            raise UserError(f"--runner {runner}: no such runner{nearest(runner, known)}")
    if runner != LOCAL and workers is not None:
        raise UserError(f"--workers is for the local runner; {runner} takes Beam's own options")
    if engine is None:
        return PipelineOptions([f"--runner={runner}", *flags])
    _refuse_dead(runner, engine, given)
    for name, what_for in engine.required:
        if name not in given:
            raise UserError(f"--runner {runner} needs {name}: {what_for}")
    _check_workers_code(runner, flags, given)
    presets = [preset for preset in engine.presets if preset.partition("=")[0] not in given]
    if runner == LOCAL:
        # Beam tells every step of every worker at this level.
        logging.getLogger("apache_beam").setLevel(logging.WARNING)
        # What a step raises, this logger tells with its traceback, and it is raised all the same.
        logging.getLogger("apache_beam.runners.common").setLevel(logging.CRITICAL)
        if workers is None:
            wanted = 1 if total_bytes < _ONE_PROCESS_BYTES else _cores()
            workers = min(wanted, most_workers or wanted)
        presets.append(f"--direct_num_workers={workers}")
    elif runner == "prism" and "--prism_location" not in given and (prism := shutil.which("prism")):
        presets.append(f"--prism_location={prism}")
    return PipelineOptions([f"--runner={engine.runner}", *presets, *flags])


def check_reached(runner: str, options: PipelineOptions, paths: Sequence[str]) -> None:
    """See that workers on other machines find the paths that they are told.

    Args:
        runner: The runner's name, and
        options: Beam's options, of :func:`pipeline_options`.
        paths: Files, folders and globs of the recipe.

    Raises:
        UserError: one is relative to this machine's current folder, or on its disk where no worker
            can see it, or in HDFS and the options do not say where that is.
    """
    for path in paths:
        if path.removeprefix("@").startswith(hdfs_files.SCHEME):
            hdfs_files.check_options(path, options)
    master = options.view_as(SparkRunnerOptions).spark_master_url
    on_spark = runner == "spark" and master != "auto" and not master.startswith("local")
    if runner != "dataflow" and not on_spark:
        return
    for path in paths:
        if "://" in path.removeprefix("@"):
            continue
        if runner == "dataflow":
            raise UserError(f"{path}: Dataflow's workers don't reach it; give a gs:// path")
        if not path.removeprefix("@").startswith("/"):
            raise UserError(
                f"{path}: a path on a cluster is absolute, in a folder that all workers reach,"
                " or of a store, such as s3://bucket/folder"
            )


def check_template(command: str, options: PipelineOptions) -> None:
    """See that a command whose job is written as a template is one job; ``check`` starts none.

    Raises:
        UserError: it is several jobs, or has work to do after its job.
    """
    if command not in ("check", "score") and options.view_as(GoogleCloudOptions).template_location:
        raise UserError(
            f"--template_location is for `thresher score`, which is one job; `thresher {command}`"
            " goes on when the job has ended"
        )


def _cores() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def new_pipeline(options: PipelineOptions) -> beam.Pipeline:
    """Return an empty pipeline that runs as ``options`` of :func:`pipeline_options` say."""
    direct = options.view_as(DirectOptions)
    is_local = "FnApiRunner" in options.get_all_options()["runner"]
    # A mode that is not Beam's default is one that was asked for. (Of no flags at all: given none,
    # Beam reads those of the command line.)
    is_asked_for = direct.direct_running_mode != DirectOptions([]).direct_running_mode
    if not is_local or is_asked_for or direct.direct_num_workers == 1:
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


def _check_workers_code(runner: str, flags: Sequence[str], given: set[str]) -> None:
    """See that workers on other machines get thresher from somewhere.

    Raises:
        UserError: they would start in an image of Beam's that lacks it.
    """
    where = given & {"--sdk_container_image", "--environment_type", "--environment_config"}
    if runner == "dataflow" and not where | (given & {"--extra_package", "--extra_packages"}):
        raise UserError(
            "--runner dataflow needs --sdk_container_image (an image with thresher) or"
            " --extra_package (its wheel) with --requirements_file; see docs/dataflow.md"
        )
    if runner == "flink" and not where:
        master = [flag.partition("=")[2] for flag in flags if flag.startswith("--flink_master=")]
        if any(address not in _LOCAL_FLINK for address in master):
            raise UserError(
                "--runner flink with a cluster needs --environment_type=PROCESS and"
                " --environment_config, or --sdk_container_image: where its workers find"
                " thresher; see docs/flink.md"
            )


def _refuse_dead(runner: str, engine: _Engine, given: set[str]) -> None:
    for group in _OWNED:
        if group in engine.takes:
            continue
        dead = given & set(_options_of(group)) - set(_EVERYWHERE)
        if dead:
            takers = [name for name, of in _ENGINES.items() if group in of.takes]
            raise UserError(
                f"{min(dead)} does nothing with --runner {runner}; it is for {' or '.join(takers)}"
            )


def _options_of(*groups: type[PipelineOptions]) -> list[str]:
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    for group in groups:
        adder = getattr(group, "_add_argparse_args", None)
        if adder is not None:
            try:
                adder(parser)
            except argparse.ArgumentError:
                continue
    return [option for action in parser._actions for option in action.option_strings]


def _names(flags: Sequence[str]) -> set[str]:
    """Return the names of the options that are given.

    Raises:
        UserError: one that neither thresher nor Beam knows.
    """
    known = _options_of(*PipelineOptions.__subclasses__())
    names = [flag.partition("=")[0] for flag in flags if flag.startswith("--")]
    unknown = next((name for name in names if name not in known), None)
    stray = flags[0] if flags and not flags[0].startswith("--") else None
    if name := unknown or stray:
        told = next(flag for flag in flags if flag.startswith(name))
        close = nearest(name, ["--set", "--runner", "--workers", "--text", *known])
        remedy = close if len(name) > 2 and "did you mean" in close else ""
        raise UserError(
            f"{told}: neither thresher nor Beam knows this option"
            f"{remedy or '; see `thresher run --help`'}"
        )
    return set(names)
