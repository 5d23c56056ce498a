"""What runs on Spark's executors: bundles of Beam's fused steps, and the work around a shuffle.

Everything here is named by its module, so that an executor needs thresher installed and nothing
of the process that submits the job.
"""

import atexit
import logging
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, ClassVar

import xxhash
from apache_beam.io.filesystems import FileSystems
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.portability.api import beam_fn_api_pb2
from apache_beam.runners.portability.fn_api_runner.execution import GroupingBuffer
from apache_beam.runners.portability.fn_api_runner.worker_handlers import StateServicer
from apache_beam.runners.worker.bundle_processor import BundleProcessor
from apache_beam.runners.worker.data_plane import InMemoryDataChannel, InMemoryDataChannelFactory
from apache_beam.runners.worker.sdk_worker import GlobalCachingStateHandler
from apache_beam.runners.worker.statecache import StateCache

from pipelines.fused_stages import Components, elements

_STATE_CACHE_BYTES = 100 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class RunStage:
    """Runs the steps of a stage over a partition of its input.

    Attributes:
        job: Names the job among all; a process keeps the stages of one job set up.
        stage: Names the stage in the job.
        descriptor: Spark's broadcast of the serialized steps.
        input_step: The step that takes the input.
        output_steps: The steps that give output, in the order of its numbers.
        side_inputs: Spark's broadcast of what the steps see beside their input, by state key.
        options: Beam's options as they differ from their defaults.
    """

    job: str
    stage: str
    descriptor: Any
    input_step: str
    output_steps: Sequence[str]
    side_inputs: Any
    options: Mapping[str, Any]

    def __call__(self, chunks: Iterable[bytes]) -> Iterator[tuple[int, bytes]]:
        """Give each chunk of output with the number of its step; a chunk holds whole elements."""
        stage = _StageProcess.of(self)
        numbers = {step: number for number, step in enumerate(self.output_steps)}
        for chunk in chunks:
            for step, output in stage.run(chunk):
                yield numbers[step], output


class _StageProcess:
    """A stage that is set up in this process: its models are loaded once and not for each task."""

    _job: str = ""
    # Stages with no shuffle between them take turns in one task.
    _stages: ClassVar[dict[str, "_StageProcess"]] = {}

    def __init__(self, task: RunStage) -> None:
        self._input_step = task.input_step
        self._bundles = 0
        servicer = StateServicer()
        for key, data in task.side_inputs.value.items():
            servicer.append_raw(beam_fn_api_pb2.StateKey.FromString(key), data)
        self._state = GlobalCachingStateHandler(StateCache(_STATE_CACHE_BYTES), servicer)
        self._channel = InMemoryDataChannel()
        self._processor = BundleProcessor(
            frozenset(),
            beam_fn_api_pb2.ProcessBundleDescriptor.FromString(task.descriptor.value),
            self._state,
            InMemoryDataChannelFactory(self._channel.inverse()),
        )

    @classmethod
    def of(cls, task: RunStage) -> "_StageProcess":
        """Return the stage of a task, set up."""
        if cls._job != task.job:
            cls.tear_down()
            logging.getLogger("apache_beam").setLevel(logging.WARNING)
            FileSystems.set_options(PipelineOptions([], **task.options))
            cls._job = task.job
        if task.stage not in cls._stages:
            cls._stages[task.stage] = cls(task)
        return cls._stages[task.stage]

    @classmethod
    def tear_down(cls) -> None:
        """End what the steps of all stages have opened."""
        while cls._stages:
            _, stage = cls._stages.popitem()
            stage._processor.shutdown()

    def run(self, chunk: bytes) -> Iterator[tuple[str, bytes]]:
        """Run one bundle; give what each step puts out."""
        self._bundles += 1
        bundle = str(self._bundles)
        into = self._channel.output_stream(bundle, self._input_step)
        into.write(chunk)
        into.close()
        try:
            with self._state.process_instruction_id(bundle, []):
                self._processor.process_bundle(bundle)
            self._processor.reset()
        except BaseException:
            # What a failed bundle leaves half done must not meet the next one.
            self.tear_down()
            raise
        for data in self._channel.input_elements(bundle, []):
            if data.data:
                yield data.transform_id, data.data


atexit.register(_StageProcess.tear_down)


@lru_cache(maxsize=4)
def _components(serialized: bytes) -> Components:
    return Components(serialized)


@dataclass(frozen=True, slots=True, kw_only=True)
class SplitByKey:
    """Makes pairs of an encoded key and an encoded element out of chunks of keyed elements.

    Attributes:
        components: The pipeline's serialized components.
        coder_id: The coder of the keyed elements.
    """

    components: bytes
    coder_id: str

    def __call__(self, chunks: Iterable[bytes]) -> Iterator[tuple[bytes, bytes]]:
        """Give the pairs of a partition."""
        coder = _components(self.components).coder(self.coder_id)
        key_coder = coder.key_coder().get_impl()
        encode = coder.get_impl().encode_nested
        for chunk in chunks:
            for element in elements(chunk, coder):
                yield key_coder.encode(element.value[0]), encode(element)


@dataclass(frozen=True, slots=True, kw_only=True)
class JoinByKey:
    """Makes one chunk of a key and all its elements, as Beam's GroupByKey gives them.

    Attributes:
        components: The pipeline's serialized components.
        coder_ids: The coders of the elements and of the groups.
        windowing_id: By which windows elements of a key belong together.
    """

    components: bytes
    coder_ids: tuple[str, str]
    windowing_id: str

    def __call__(self, groups: Iterable[tuple[bytes, Iterable[bytes]]]) -> Iterator[bytes]:
        """Give a chunk for each key of a partition."""
        components = _components(self.components)
        written, read = (components.coder(coder_id) for coder_id in self.coder_ids)
        windowing = components.windowing(self.windowing_id)
        for _, members in groups:
            group = GroupingBuffer(written, read, windowing)
            for member in members:
                group.append(member)
            yield b"".join(chunk for chunks in group.partition(1) for chunk in chunks)


@dataclass(frozen=True, slots=True, kw_only=True)
class Deal:
    """Deals elements over partitions in turn, so that few elements spread evenly too.

    Attributes:
        components: The pipeline's serialized components.
        coder_id: The elements' coder.
        partitions: How many partitions there are.
    """

    components: bytes
    coder_id: str
    partitions: int

    def __call__(self, partition: int, chunks: Iterable[bytes]) -> Iterator[tuple[int, bytes]]:
        """Give each element of a partition with the number of the partition that it goes to.

        The elements are put in order first: a partition that is made again after a machine was
        lost gives the same element to the same place, so that none comes twice or not at all.
        """
        coder = _components(self.components).coder(self.coder_id)
        encode = coder.get_impl().encode_nested
        encoded = sorted(encode(element) for chunk in chunks for element in elements(chunk, coder))
        for number, element in enumerate(encoded, start=partition):
            yield number % self.partitions, element


@dataclass(frozen=True, slots=True, kw_only=True)
class CountElements:
    """Counts the elements of a partition.

    Attributes:
        components: The pipeline's serialized components.
        coder_id: The elements' coder.
    """

    components: bytes
    coder_id: str

    def __call__(self, chunks: Iterable[bytes]) -> Iterator[int]:
        """Give the count."""
        coder = _components(self.components).coder(self.coder_id)
        yield sum(1 for chunk in chunks for _ in elements(chunk, coder))


def partition_of_key(key: bytes) -> int:
    """Place an encoded key by a hash that is the same in every process."""
    return xxhash.xxh3_64_intdigest(key)


@dataclass(frozen=True, slots=True)
class OutputOf:
    """Keeps the chunks of the output with a number."""

    number: int

    def __call__(self, chunks: Iterable[tuple[int, bytes]]) -> Iterator[bytes]:
        """Give the chunks."""
        return (chunk for number, chunk in chunks if number == self.number)


def exhaust(chunks: Iterable[Any]) -> None:
    """Run a partition for what its steps write."""
    deque(chunks, maxlen=0)
