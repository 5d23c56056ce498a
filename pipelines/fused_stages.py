"""A pipeline as stages of fused steps with what flows between them: for runners of our own.

Beam's own translation fuses the steps; what is told here is which buffers a stage reads and writes.
"""

import copy
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any

import apache_beam as beam
from apache_beam.portability import common_urns
from apache_beam.portability.api import beam_fn_api_pb2, beam_runner_api_pb2
from apache_beam.runners import pipeline_context
from apache_beam.runners.pipeline_utils import group_by_key_input_visitor
from apache_beam.runners.portability.fn_api_runner import translations
from apache_beam.runners.worker import bundle_processor
from apache_beam.transforms.environments import EmbeddedPythonEnvironment

_RESHUFFLE = common_urns.composites.RESHUFFLE.urn
_DATA = (bundle_processor.DATA_INPUT_URN, bundle_processor.DATA_OUTPUT_URN)


class Exchange(Enum):
    """How elements go from the stages that write a buffer to the one that reads it."""

    IMPULSE = "impulse"
    MATERIALIZE = "materialize"
    GROUP = "group"
    RESHUFFLE = "reshuffle"


@dataclass(frozen=True, slots=True)
class Buffer:
    """What stages hand on: a kind of exchange, and the collection or the step that it is of."""

    exchange: Exchange
    name: str

    @classmethod
    def of(cls, payload: bytes) -> "Buffer":
        """Return the buffer that Beam's translation calls ``payload``."""
        if payload == translations.IMPULSE_BUFFER:
            return cls(Exchange.IMPULSE, "")
        kind, name = translations.split_buffer_id(payload)
        return cls(Exchange(kind), name)


@dataclass(frozen=True, slots=True, kw_only=True)
class SideInput:
    """A collection that a step of a stage sees whole.

    Attributes:
        step: The step.
        tag: The side input's name there.
        buffer: The collection.
        access: How the step looks things up in it.
    """

    step: str
    tag: str
    buffer: Buffer
    access: beam_runner_api_pb2.FunctionSpec


@dataclass(frozen=True, slots=True, kw_only=True)
class FusedStage:
    """Steps that run together on each element of the input.

    Attributes:
        name: The stage's name, for people.
        descriptor: What Beam's worker needs to run the steps.
        input_step: The step that takes the stage's input.
        input: Where the input comes from.
        outputs: For each step that gives output the buffer that takes it.
        side_inputs: What the steps see beside their input.
    """

    name: str
    descriptor: beam_fn_api_pb2.ProcessBundleDescriptor
    input_step: str
    input: Buffer
    outputs: dict[str, Buffer]
    side_inputs: list[SideInput]


class UnsupportedStepError(NotImplementedError):
    """A pipeline has a step that needs more of a runner than bounded batches do."""


class FusedPipeline:
    """A pipeline as fused stages, in an order in which each finds its inputs made.

    Args:
        pipeline: The pipeline.

    Raises:
        UnsupportedStepError: a step keeps state or timers.
    """

    def __init__(self, pipeline: beam.Pipeline) -> None:
        # Makes the types on both sides of a GroupByKey agree, and so their coders.
        pipeline.visit(group_by_key_input_visitor())
        proto = pipeline.to_runner_api(default_environment=EmbeddedPythonEnvironment.default())
        self._context, stages = translations.create_and_optimize_stages(
            copy.deepcopy(proto),
            phases=[
                translations.annotate_downstream_side_inputs,
                translations.fix_side_input_pcoll_coders,
                translations.pack_combiners,
                translations.lift_combiners,
                translations.expand_gbk,
                _expand_reshuffle,
                translations.sink_flattens,
                translations.greedily_fuse,
                translations.impulse_to_input,
                translations.sort_stages,
                translations.add_impulse_to_dangling_transforms,
                translations.populate_data_channel_coders,
            ],
            known_runner_urns=frozenset(
                [
                    common_urns.primitives.FLATTEN.urn,
                    common_urns.primitives.GROUP_BY_KEY.urn,
                    _RESHUFFLE,
                ]
            ),
        )
        self.components = self._context.components
        self.stages = [self._fused(stage, number) for number, stage in enumerate(stages)]

    def coder_ids(self, buffer: Buffer) -> tuple[str, str]:
        """Return the ids of the coders of what is written to a buffer and of what is read from it.

        Both are free of pickled classes: elements can be told apart without what made them.
        """
        if buffer.exchange is Exchange.MATERIALIZE:
            coder = self._safe_coder(buffer.name)
            return coder, coder
        step = self.components.transforms[buffer.name]
        [written], [read] = step.inputs.values(), step.outputs.values()
        return self._safe_coder(written), self._safe_coder(read)

    def windowing_id(self, buffer: Buffer) -> str:
        """Return the id of the windowing by which a buffer groups."""
        [written] = self.components.transforms[buffer.name].inputs.values()
        return str(self.components.pcollections[written].windowing_strategy_id)

    def serialized_components(self) -> bytes:
        """Return coders and windowings, for :class:`Components` on another machine."""
        return bytes(
            beam_runner_api_pb2.Components(
                coders=self.components.coders,
                windowing_strategies=self.components.windowing_strategies,
                environments=self.components.environments,
            ).SerializeToString()
        )

    def _safe_coder(self, collection: str) -> str:
        return str(self._context.safe_coders[self._context.data_channel_coders[collection]])

    def _fused(self, stage: translations.Stage, number: int) -> FusedStage:
        source: tuple[str, Buffer] | None = None
        outputs = {}
        side_inputs: list[SideInput] = []
        steps = {}
        for original in stage.transforms:
            step = beam_runner_api_pb2.PTransform()
            step.CopyFrom(original)
            steps[step.unique_name] = step
            if step.spec.urn in _DATA:
                buffer = Buffer.of(step.spec.payload)
                is_input = step.spec.urn == bundle_processor.DATA_INPUT_URN
                [collection] = (step.outputs if is_input else step.inputs).values()
                if is_input:
                    source = (step.unique_name, buffer)
                else:
                    outputs[step.unique_name] = buffer
                step.spec.payload = beam_fn_api_pb2.RemoteGrpcPort(
                    coder_id=self._context.data_channel_coders[collection]
                ).SerializeToString()
            elif step.spec.urn in translations.PAR_DO_URNS:
                side_inputs += _side_inputs(step)
        assert source is not None, stage.name  # noqa: S101
        return FusedStage(
            name=stage.name,
            descriptor=beam_fn_api_pb2.ProcessBundleDescriptor(
                id=str(number),
                transforms=steps,
                pcollections=self.components.pcollections,
                coders=self.components.coders,
                windowing_strategies=self.components.windowing_strategies,
                environments=self.components.environments,
            ),
            input_step=source[0],
            input=source[1],
            outputs=outputs,
            side_inputs=side_inputs,
        )


class Components:
    """Coders and windowings of a pipeline, made from :meth:`FusedPipeline.serialized_components`.

    Args:
        serialized: The components as bytes.
    """

    def __init__(self, serialized: bytes) -> None:
        proto = beam_runner_api_pb2.Components.FromString(serialized)
        self._context = pipeline_context.PipelineContext(proto)

    def coder(self, coder_id: str) -> Any:
        """Return a coder by its id."""
        return self._context.coders[coder_id]

    def windowing(self, windowing_id: str) -> Any:
        """Return a windowing by its id."""
        return self._context.windowing_strategies[windowing_id]


def elements(data: bytes, coder: Any) -> Iterator[Any]:
    """Decode the elements that a chunk of bytes holds one after another."""
    yield from coder.get_impl().decode_all(data)


def _side_inputs(step: Any) -> Sequence[SideInput]:
    payload = beam_runner_api_pb2.ParDoPayload.FromString(step.spec.payload)
    if payload.state_specs or payload.timer_family_specs or payload.restriction_coder_id:
        raise UnsupportedStepError(
            f"{step.unique_name}: this runner takes no state, timers or splittable reads"
        )
    return [
        SideInput(
            step=step.unique_name,
            tag=tag,
            buffer=Buffer(Exchange.MATERIALIZE, step.inputs[tag]),
            access=side_input.access_pattern,
        )
        for tag, side_input in payload.side_inputs.items()
    ]


def _expand_reshuffle(
    stages: Iterable[translations.Stage], context: translations.TransformContext
) -> Iterator[translations.Stage]:
    """Make of each Reshuffle a write and a read: the runner deals evenly what Beam would hash."""
    for stage in stages:
        [transform] = stage.transforms
        if transform.spec.urn != _RESHUFFLE:
            yield stage
            continue
        for collection in (*transform.inputs.values(), *transform.outputs.values()):
            context.length_prefix_pcoll_coders(collection)
        # Beam names a step by its place in the pipeline, which is unique as well.
        context.components.transforms[stage.name].CopyFrom(transform)
        buffer = translations.create_buffer_id(stage.name, kind=Exchange.RESHUFFLE.value)
        write, read = (
            beam_runner_api_pb2.PTransform(
                unique_name=f"{transform.unique_name}/{name}",
                inputs=transform.inputs if name == "Write" else None,
                outputs=transform.outputs if name == "Read" else None,
                spec=beam_runner_api_pb2.FunctionSpec(urn=urn, payload=buffer),
            )
            for name, urn in (
                ("Write", bundle_processor.DATA_OUTPUT_URN),
                ("Read", bundle_processor.DATA_INPUT_URN),
            )
        )
        written = translations.Stage(
            write.unique_name,
            [write],
            downstream_side_inputs=frozenset(),
            must_follow=stage.must_follow,
        )
        yield written
        yield translations.Stage(
            read.unique_name,
            [read],
            downstream_side_inputs=stage.downstream_side_inputs,
            must_follow=translations.union(frozenset([written]), stage.must_follow),
        )
