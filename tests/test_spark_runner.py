"""What the Spark runner makes of pipelines, on collections in this process instead of Spark's."""

from collections.abc import Callable, Iterable
from typing import Any
from unittest import mock

import apache_beam as beam
import pytest
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.pvalue import AsDict, AsList, AsSingleton, TaggedOutput
from apache_beam.testing.util import assert_that, equal_to
from apache_beam.transforms.userstate import BagStateSpec

from pipelines import spark_runner
from pipelines.fused_stages import FusedPipeline, UnsupportedStepError


class Collection:
    """The few operations of Spark's RDD that the runner calls, at once and in this process."""

    def __init__(self, partitions: Iterable[Iterable[Any]]) -> None:
        self.partitions = [list(partition) for partition in partitions]

    def mapPartitions(self, of: Callable[[Iterable[Any]], Iterable[Any]]) -> "Collection":  # noqa: N802
        return Collection(of(partition) for partition in self.partitions)

    def mapPartitionsWithIndex(  # noqa: N802
        self, of: Callable[[int, Iterable[Any]], Iterable[Any]]
    ) -> "Collection":
        return Collection(of(index, partition) for index, partition in enumerate(self.partitions))

    def foreachPartition(self, do: Callable[[Iterable[Any]], None]) -> None:  # noqa: N802
        for partition in self.partitions:
            do(partition)

    def persist(self, *_: Any) -> "Collection":
        return self

    def unpersist(self) -> None:
        return

    def sum(self) -> int:
        return sum(self.collect())

    def collect(self) -> list[Any]:
        return [element for partition in self.partitions for element in partition]

    def getNumPartitions(self) -> int:  # noqa: N802
        return len(self.partitions)

    def partitionBy(self, count: int, of: Callable[[Any], int]) -> "Collection":  # noqa: N802
        return Collection(
            [(key, value) for key, value in self.collect() if of(key) % count == number]
            for number in range(count)
        )

    def groupByKey(self, count: int, of: Callable[[Any], int]) -> "Collection":  # noqa: N802
        groups: dict[Any, list[Any]] = {}
        for key, value in self.collect():
            groups.setdefault(key, []).append(value)
        return Collection([groups.items()]).partitionBy(count, of)

    def values(self) -> "Collection":
        return self.mapPartitions(lambda partition: [value for _, value in partition])


class Context:
    """Spark's context likewise."""

    defaultParallelism = 2  # noqa: N815

    def broadcast(self, value: Any) -> Any:
        return mock.Mock(value=value)

    def parallelize(self, elements: list[Any], partitions: int) -> Collection:
        assert partitions == 1
        return Collection([elements])

    def union(self, collections: list[Collection]) -> Collection:
        return Collection(partition for of in collections for partition in of.partitions)


@pytest.fixture
def pipeline(monkeypatch: pytest.MonkeyPatch) -> beam.Pipeline:
    monkeypatch.setattr(spark_runner, "_context", lambda _: Context())
    monkeypatch.setattr(spark_runner._Job, "_hold", lambda _, rdd: rdd)
    monkeypatch.setattr(spark_runner._Job, "_do", lambda _, action, *arguments: action(*arguments))
    return beam.Pipeline(runner=spark_runner.SparkRunner(), options=PipelineOptions([]))


def test_every_kind_of_step_that_the_stages_use(pipeline: beam.Pipeline) -> None:
    low = pipeline | "low" >> beam.Create(range(10), reshuffle=False)
    high = pipeline | "high" >> beam.Create(range(10, 20))
    numbers = (low, high) | beam.Flatten() | beam.Reshuffle()
    total = numbers | beam.CombineGlobally(sum)
    assert_that(total, equal_to([190]), label="total")

    groups = numbers | beam.WithKeys(lambda number: number % 3) | beam.GroupByKey()
    groups = groups | beam.MapTuple(lambda key, values: (key, sorted(values)))
    expected = [(rest, list(range(rest, 20, 3))) for rest in range(3)]
    assert_that(groups, equal_to(expected), label="groups")

    sums = numbers | "halves" >> beam.WithKeys(lambda number: number // 10)
    assert_that(sums | beam.CombinePerKey(sum), equal_to([(0, 45), (1, 145)]), label="sums")

    def sorted_out(number: int, of: int) -> Any:
        yield TaggedOutput("even", number) if number % 2 == 0 else (number, of)

    parts = numbers | beam.FlatMap(sorted_out, of=AsSingleton(total)).with_outputs(
        "even", main="odd"
    )
    assert_that(parts["even"], equal_to(list(range(0, 20, 2))), label="even")
    odd = [(number, 190) for number in range(1, 20, 2)]
    assert_that(parts["odd"], equal_to(odd), label="odd")

    joined = {
        "even": parts["even"] | "by half" >> beam.WithKeys(lambda number: number // 10),
        "sum": sums | "sums again" >> beam.CombinePerKey(sum),
    } | beam.CoGroupByKey()
    told = joined | beam.MapTuple(lambda key, of: (key, len(of["even"]), of["sum"]))
    assert_that(told, equal_to([(0, 5, [45]), (1, 5, [145])]), label="joined")
    pipeline.run()


def test_side_inputs_as_lists_and_dictionaries(pipeline: beam.Pipeline) -> None:
    names = pipeline | "names" >> beam.Create([(1, "one"), (2, "two")])
    extra = pipeline | "extra" >> beam.Create([10])
    told = (
        pipeline
        | beam.Create([1, 2])
        | beam.Map(lambda key, of, more: (of[key], more), of=AsDict(names), more=AsList(extra))
    )
    assert_that(told, equal_to([("one", [10]), ("two", [10])]))
    pipeline.run()


def test_elements_are_dealt_one_to_a_task() -> None:
    """A hash would put two of few files on one core and none on another."""
    files = beam.Pipeline()
    _ = files | beam.Create(range(7), reshuffle=False) | beam.Reshuffle() | beam.Map(str)
    job = spark_runner._Job(FusedPipeline(files), Context(), PipelineOptions([]))
    with mock.patch.multiple(
        job, _hold=lambda rdd: rdd, _do=lambda action, *arguments: action(*arguments)
    ):
        job.run()
    [dealt] = [rdd for buffer, rdd in job._read.items() if buffer.exchange.value == "reshuffle"]
    assert [len(partition) for partition in dealt.partitions] == [1] * 7


def test_state_is_refused(pipeline: beam.Pipeline) -> None:
    class Stateful(beam.DoFn):
        SEEN = BagStateSpec("seen", beam.coders.VarIntCoder())

        def process(self, element: Any, seen: Any = beam.DoFn.StateParam(SEEN)) -> None:  # noqa: B008
            seen.add(element[1])

    _ = pipeline | beam.Create([(1, 1)]) | beam.ParDo(Stateful())  # type: ignore[no-untyped-call]
    with pytest.raises(UnsupportedStepError, match="no state, timers or splittable reads"):
        pipeline.run()
