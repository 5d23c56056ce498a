"""Run a pipeline on a Spark cluster by PySpark alone: no job server, no container.

Beam fuses the steps (:mod:`pipelines.fused_stages`), each fused stage becomes a `mapPartitions`
that runs Beam's own worker code in Spark's Python processes, and Spark does the shuffles, keeps
what is used twice, and runs a task again elsewhere when its machine is lost.
"""

import os
import re
import sys
import uuid
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import apache_beam as beam
from apache_beam.options.pipeline_options import PipelineOptions, SparkRunnerOptions
from apache_beam.portability import common_urns
from apache_beam.portability.api import beam_fn_api_pb2
from apache_beam.runners.common import ENCODED_IMPULSE_VALUE
from apache_beam.runners.portability.fn_api_runner.execution import WindowGroupingBuffer
from apache_beam.runners.runner import PipelineResult, PipelineRunner, PipelineState

from pipelines.errors import UserError
from pipelines.fused_stages import (
    Buffer,
    Components,
    Exchange,
    FusedPipeline,
    FusedStage,
    SideInput,
)
from pipelines.spark_options import spark_settings
from pipelines.spark_task import (
    CountElements,
    Deal,
    JoinByKey,
    OutputOf,
    RunStage,
    SplitByKey,
    exhaust,
    partition_of_key,
)

# Spark ends every message with a code of SQL's standard.
_SQL_STATE = re.compile(r"\s*SQLSTATE: \w+$")
# Beyond this many tasks, what Spark spends on each shows.
_MOST_PARTITIONS = 10_000
# A core takes up several partitions one after another, so that a slow one holds up few others.
_PARTITIONS_PER_CORE = 4


class SparkRunner(PipelineRunner):
    """Runs bounded pipelines of Python steps on Spark."""

    def run_pipeline(self, pipeline: beam.Pipeline, options: PipelineOptions) -> PipelineResult:
        """Run a pipeline to its end.

        Raises:
            UserError: a setting of Spark is malformed.
            RuntimeError: a step failed on every try; it holds the worker's traceback.
        """
        fused = FusedPipeline(pipeline)
        job = _Job(fused, _context(options), options)
        try:
            job.run()
        finally:
            job.release()
        return _Finished()


class _Finished(PipelineResult):
    def __init__(self) -> None:
        super().__init__(PipelineState.DONE)  # type: ignore[no-untyped-call]

    def wait_until_finish(self, duration: int | None = None) -> str:
        return str(self.state)


def _context(options: PipelineOptions) -> Any:
    # PySpark is an extra, and what a command line is checked with comes before it.
    try:
        from pyspark import SparkConf, SparkContext
    except ModuleNotFoundError:
        raise UserError("--runner spark needs PySpark: pip install 'thresher[spark]'") from None

    conf = SparkConf()
    master = options.view_as(SparkRunnerOptions).spark_master_url
    if master != "auto":
        conf.setMaster(master)
    # Under spark-submit the master is that of its command.
    conf.setIfMissing("spark.master", "local[*]")
    for key, value in spark_settings(options).items():
        conf.set(key, value)
    # PySpark reads this setting in spark-submit alone, and takes any python3 without it.
    python = conf.get("spark.pyspark.python", None)
    with _environment(
        "PYSPARK_PYTHON", python or os.environ.get("PYSPARK_PYTHON") or sys.executable
    ):
        return SparkContext.getOrCreate(conf)


@contextmanager
def _environment(name: str, value: str) -> Iterator[None]:
    before = os.environ.get(name)
    os.environ[name] = value
    try:
        yield
    finally:
        if before is None:
            del os.environ[name]
        else:
            os.environ[name] = before


class _Job:
    def __init__(self, fused: FusedPipeline, context: Any, options: PipelineOptions) -> None:
        self._fused = fused
        self._context = context
        self._id = uuid.uuid4().hex
        self._options = {
            name: value
            for name, value in options.get_all_options(drop_default=True).items()
            if name not in ("runner", "spark_conf", "spark_master_url")
        }
        self._components = fused.serialized_components()
        # A buffer has several writers where collections are joined into one.
        self._written: dict[Buffer, list[Any]] = defaultdict(list)
        self._read: dict[Buffer, Any] = {}
        self._held: list[Any] = []
        self._partitions = min(
            _MOST_PARTITIONS, max(2, context.defaultParallelism) * _PARTITIONS_PER_CORE
        )

    def run(self) -> None:
        readers: dict[Buffer, int] = defaultdict(int)
        for stage in self._fused.stages:
            readers[stage.input] += 1
            for side_input in stage.side_inputs:
                readers[side_input.buffer] += 1
        for stage in self._fused.stages:
            output = self._source(stage.input).mapPartitions(self._task(stage))
            wanted = [buffer for buffer in stage.outputs.values() if readers[buffer]]
            if not wanted:
                self._do(output.foreachPartition, exhaust)
                continue
            if sum(readers[buffer] for buffer in wanted) > 1:
                output = self._hold(output)
            for number, buffer in enumerate(stage.outputs.values()):
                self._written[buffer].append(output.mapPartitions(OutputOf(number)))

    def release(self) -> None:
        """Free what the job holds on the cluster."""
        for rdd in self._held:
            rdd.unpersist()

    def _task(self, stage: FusedStage) -> RunStage:
        return RunStage(
            job=self._id,
            stage=stage.descriptor.id,
            descriptor=self._context.broadcast(stage.descriptor.SerializeToString()),
            input_step=stage.input_step,
            output_steps=tuple(stage.outputs),
            side_inputs=self._context.broadcast(
                {
                    key: data
                    for side_input in stage.side_inputs
                    for key, data in self._state(side_input)
                }
            ),
            options=self._options,
        )

    def _source(self, buffer: Buffer) -> Any:
        if buffer not in self._read:
            self._read[buffer] = self._exchanged(buffer)
        return self._read[buffer]

    def _exchanged(self, buffer: Buffer) -> Any:
        if buffer.exchange is Exchange.IMPULSE:
            return self._context.parallelize([ENCODED_IMPULSE_VALUE], 1)
        written = self._written[buffer]
        rdd = written[0] if len(written) == 1 else self._context.union(written)
        if buffer.exchange is Exchange.MATERIALIZE:
            return rdd
        if buffer.exchange is Exchange.RESHUFFLE:
            return self._dealt(rdd, buffer)
        coder_ids = self._fused.coder_ids(buffer)
        split = SplitByKey(components=self._components, coder_id=coder_ids[0])
        join = JoinByKey(
            components=self._components,
            coder_ids=coder_ids,
            windowing_id=self._fused.windowing_id(buffer),
        )
        partitions = min(_MOST_PARTITIONS, max(self._partitions, rdd.getNumPartitions()))
        pairs = rdd.mapPartitions(split)
        return pairs.groupByKey(partitions, partition_of_key).mapPartitions(join)

    def _dealt(self, rdd: Any, buffer: Buffer) -> Any:
        coder_id, _ = self._fused.coder_ids(buffer)
        rdd = self._hold(rdd)
        count = CountElements(components=self._components, coder_id=coder_id)
        # One element a task: an element is a file here, and a free core takes the next.
        elements = self._do(rdd.mapPartitions(count).sum)
        partitions = max(1, min(_MOST_PARTITIONS, elements))
        deal = Deal(components=self._components, coder_id=coder_id, partitions=partitions)
        return rdd.mapPartitionsWithIndex(deal).partitionBy(partitions, int).values()

    def _hold(self, rdd: Any) -> Any:
        from pyspark import StorageLevel

        self._held.append(rdd.persist(StorageLevel.MEMORY_AND_DISK))
        return rdd

    def _state(self, side_input: SideInput) -> Sequence[tuple[bytes, bytes]]:
        chunks = self._do(self._source(side_input.buffer).collect)
        coder_id, _ = self._fused.coder_ids(side_input.buffer)
        windows = WindowGroupingBuffer(
            side_input.access, Components(self._components).coder(coder_id)
        )
        for chunk in chunks:
            windows.append(chunk)
        return [
            (_state_key(side_input, key, window).SerializeToString(), data)
            for key, window, data, _ in windows.encoded_items()
        ]

    def _do(self, action: Any, *arguments: Any) -> Any:
        from py4j.protocol import Py4JJavaError

        try:
            return action(*arguments)
        except Py4JJavaError as error:
            raise RuntimeError(_cause(error)) from None


def _state_key(side_input: SideInput, key: bytes, window: bytes) -> beam_fn_api_pb2.StateKey:
    step, tag = side_input.step, side_input.tag
    if side_input.access.urn == common_urns.side_inputs.ITERABLE.urn:
        return beam_fn_api_pb2.StateKey(
            iterable_side_input=beam_fn_api_pb2.StateKey.IterableSideInput(
                transform_id=step, side_input_id=tag, window=window
            )
        )
    return beam_fn_api_pb2.StateKey(
        multimap_side_input=beam_fn_api_pb2.StateKey.MultimapSideInput(
            transform_id=step, side_input_id=tag, window=window, key=key
        )
    )


def _cause(error: Any) -> str:
    """Return the worker's traceback, of the frames of two languages that Spark gives."""
    told = str(error.java_exception.getMessage())
    python, _, _ = told.partition("\n\n\tat ")
    _, marker, traceback = python.rpartition("Traceback (most recent call last):")
    return _SQL_STATE.sub("", (marker + traceback if marker else python).strip())
