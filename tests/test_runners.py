import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import apache_beam as beam
import pytest
from apache_beam.options.pipeline_options import PipelineOptions, SparkRunnerOptions
from apache_beam.portability import common_urns

from pipelines import recipe_file
from pipelines.errors import UserError
from pipelines.plan import plan
from pipelines.runners import check_reached, check_template, new_pipeline, pipeline_options
from pipelines.score import ScoreShards
from pipelines.spark_options import spark_settings
from tests.conftest import REPOSITORY

DATAFLOW = ["--project=p", "--region=r", "--temp_location=gs://b/t", "--sdk_container_image=i"]


def options(runner: str, *flags: str) -> PipelineOptions:
    return pipeline_options(runner=runner, workers=None, flags=flags, total_bytes=0)


def refused(runner: str, flags: Sequence[str]) -> str:
    with pytest.raises(UserError) as error:
        options(runner, *flags)
    return str(error.value)


@pytest.mark.parametrize(
    ("runner", "flags", "message"),
    [
        (
            "spark",
            "--flink_master=host:8081",
            "--flink_master does nothing with --runner spark; it is for flink",
        ),
        (
            "local",
            "--spark_conf=spark.a=1",
            "--spark_conf does nothing with --runner local; it is for spark",
        ),
        (
            "spark",
            "--save_main_session",
            "--save_main_session does nothing with --runner spark;"
            " it is for prism or flink or dataflow",
        ),
        (
            "local",
            "--num_workers=3",
            "--num_workers does nothing with --runner local; it is for prism or flink or dataflow",
        ),
        (
            "dataflow",
            "--region=r --temp_location=gs://b/t",
            "--runner dataflow needs --project: your Google Cloud project",
        ),
        (
            "dataflow",
            shlex.join(DATAFLOW[:-1]),
            "--runner dataflow needs --sdk_container_image (an image with thresher) or"
            " --extra_package (its wheel) with --requirements_file; see docs/dataflow.md",
        ),
        (
            "flink",
            "--flink_master=host:8081",
            "--runner flink with a cluster needs --environment_type=PROCESS and"
            " --environment_config, or --sdk_container_image: where its workers find thresher;"
            " see docs/flink.md",
        ),
    ],
)
def test_options_that_do_not_fit_are_refused(runner: str, flags: str, message: str) -> None:
    assert refused(runner, shlex.split(flags)) == message


def test_what_is_given_goes_before_what_is_preset() -> None:
    told = options("dataflow", *DATAFLOW, "--worker_machine_type=c3-highcpu-8").get_all_options()
    assert told["machine_type"] == "c3-highcpu-8"
    assert told["autoscaling_algorithm"] == "THROUGHPUT_BASED"
    assert told["number_of_worker_harness_threads"] == 1


def test_spark_settings_are_those_given_over_the_presets() -> None:
    told = spark_settings(
        options("spark", "--spark_conf=spark.executor.memory=8g", "--spark_conf=spark.app.name=a=b")
    )
    assert told["spark.executor.memory"] == "8g"
    assert told["spark.app.name"] == "a=b"
    assert told["spark.ui.showConsoleProgress"] == "false"
    with pytest.raises(UserError, match=r"--spark_conf memory=8g: write spark\.KEY=VALUE"):
        spark_settings(options("spark", "--spark_conf=memory=8g"))


def test_a_recipe_names_its_runner_and_the_runners_options(tmp_path: Path) -> None:
    path = tmp_path / "r.yaml"
    path.write_text(
        "name: r\ninput: [{format: jsonl, paths: [a]}]\noutput: o\n"
        "runner:\n  name: spark\n  options:\n"
        "    spark_master_url: spark://host:7077\n"
        "    spark_conf: [spark.executor.memory=8g, spark.executor.cores=4]\n"
    )
    runner = recipe_file.load(str(path)).runner
    told = options(runner.name, *runner.flags())
    assert told.view_as(SparkRunnerOptions).spark_master_url == "spark://host:7077"
    assert spark_settings(told)["spark.executor.cores"] == "4"
    assert recipe_file.load(str(path), ["runner=local"]).runner.flags() == []


@pytest.mark.parametrize(
    ("runner", "flags", "path", "message"),
    [
        (
            "spark",
            ["--spark_master_url=spark://host:7077"],
            "out",
            "out: a path on a cluster is absolute, in a folder that all workers reach, or of a"
            " store, such as s3://bucket/folder",
        ),
        (
            "dataflow",
            DATAFLOW,
            "/data/crawl",
            "/data/crawl: Dataflow's workers don't reach it; give a gs:// path",
        ),
    ],
)
def test_a_path_that_workers_do_not_find_is_refused(
    runner: str, flags: list[str], path: str, message: str
) -> None:
    with pytest.raises(UserError) as error:
        check_reached(runner, options(runner, *flags), [path])
    assert str(error.value) == message
    check_reached("spark", options("spark"), ["out"])
    check_reached(runner, options(runner, *flags), ["gs://bucket/folder"])


def test_a_template_is_for_one_job_and_does_not_concern_what_starts_none() -> None:
    told = options("dataflow", *DATAFLOW, "--template_location=gs://b/job")
    check_template("check", told)
    check_template("score", told)
    with pytest.raises(UserError) as error:
        check_template("select", told)
    assert str(error.value) == (
        "--template_location is for `thresher score`, which is one job; `thresher select` goes on"
        " when the job has ended"
    )


def test_where_hdfs_is_must_be_told() -> None:
    with pytest.raises(UserError) as error:
        check_reached("local", options("local", "--hdfs_host=h"), ["hdfs://crawl/in"])
    assert str(error.value) == (
        "hdfs://crawl/in: give --hdfs_port; --hdfs_host and --hdfs_port are the name node's web"
        " address, often port 9870"
    )
    flags = ["--hdfs_host=h", "--hdfs_port=9870", "--hdfs_user=u"]
    check_reached("local", options("local", *flags), ["hdfs://crawl/in"])


def test_a_local_mode_of_beam_that_is_asked_for_is_the_one_that_runs(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def modes(*flags: str) -> str:
        # As from a command line, which Beam reads by itself.
        monkeypatch.setattr("sys.argv", ["thresher", *flags])
        told = pipeline_options(runner="local", workers=2, flags=flags, total_bytes=0)
        runner: Any = new_pipeline(told).runner
        return str(runner._default_environment)

    assert "local_worker" in modes()
    assert "local_worker" not in modes("--direct_running_mode=multi_threading")


def test_files_are_dealt_out_before_they_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """Beam fuses what follows Create with it: without a Reshuffle one worker would read all."""
    monkeypatch.chdir(REPOSITORY)
    recipe = recipe_file.load(str(REPOSITORY / "configs/quickstart.yaml"))
    pipeline = beam.Pipeline()
    shards = pipeline | beam.Create(plan(recipe), reshuffle=False)
    _ = shards | ScoreShards(recipe=recipe, settings=[], progress_folder=None)
    steps = pipeline.to_runner_api().components.transforms.values()
    [reshuffle] = [s for s in steps if s.spec.urn == common_urns.composites.RESHUFFLE.urn]
    readers = [
        step
        for step in steps
        if step.spec.urn == common_urns.primitives.PAR_DO.urn
        and set(step.inputs.values()) & set(reshuffle.outputs.values())
    ]
    assert len(readers) == 1
    # No splittable read, which Spark and Flink would leave on one worker.
    assert not any("sdf" in step.spec.urn or "read" in step.spec.urn for step in steps)
