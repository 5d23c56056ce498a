"""A run is submitted to Dataflow by Beam's own runner: what the service is asked for, and gets."""

import json
import re
import shlex
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
from apache_beam.io.filesystems import FileSystems
from apache_beam.portability.api import beam_runner_api_pb2

from flex_template.launch import launcher_parser
from flex_template.launch import main as launch
from pipelines.cli import main
from pipelines.runners import pipeline_options
from tests.conftest import REPOSITORY
from tests.google_cloud import PROJECT, REGION, dataflow, google_storage

METADATA = json.loads((REPOSITORY / "flex_template/metadata.json").read_text())
RECIPE = """\
name: remote
input:
  - {format: jsonl, paths: ["gs://crawl/in/*.jsonl"]}
output: gs://crawl/out
signals: [length]
rules:
  length.characters: {min: 40}
"""
DOCUMENTS = [
    {"id": "kept", "text": "The ferry leaves at nine and comes back before the evening tide."},
    {"id": "copy", "text": "The ferry leaves at nine and comes back before the evening tide."},
    {"id": "short", "text": "The ferry leaves at nine."},
]


def test_a_run_is_submitted_with_code_image_and_machines(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    wheel = tmp_path / "thresher-0.2.0-py3-none-any.whl"
    wheel.write_bytes(b"a wheel")
    recipe = tmp_path / "remote.yaml"
    recipe.write_text(RECIPE)
    with google_storage("crawl") as store, dataflow(store) as service:
        lines = "".join(json.dumps(document) + "\n" for document in DOCUMENTS)
        store.bucket("crawl").blob("in/part.jsonl").upload_from_string(lines)
        flags = [
            "--runner=dataflow",
            f"--dataflow_endpoint={service.endpoint}",
            "--no_auth",
            f"--project={PROJECT}",
            f"--region={REGION}",
            "--temp_location=gs://crawl/temp",
            "--sdk_container_image=europe-docker.pkg.dev/p/r/thresher:1",
            f"--extra_package={wheel}",
            "--max_num_workers=50",
        ]
        assert main(["run", str(recipe), *flags]) == 0, capsys.readouterr().err
        submitted = len(service.jobs)
        assert main(["run", str(recipe), *flags]) == 0
        assert len(service.jobs) == submitted
        bucket = store.bucket("crawl")
        written = [blob.name for blob in store.list_blobs("crawl", prefix="out/")]
        select = json.loads(bucket.blob("out/manifests/select.json").download_as_bytes())
        staged = {
            artifact.split("/")[-1]: bucket.blob(artifact).download_as_bytes()
            for artifact in _artifacts(service.pipelines[0])
        }
    assert not [name for name in written if name.endswith(".partial")]
    assert select["counters"] == {
        "in": 3,
        "out": 1,
        "gated": {"same_text": 1, "rules": 1},
        "errors": {},
    }
    assert staged[wheel.name] == b"a wheel"
    [pool] = service.jobs[0]["environment"]["workerPools"]
    assert (pool["machineType"], pool["diskSizeGb"]) == ("n2-standard-4", 50)
    basic = 2  # AUTOSCALING_ALGORITHM_BASIC, by throughput
    assert pool["autoscalingSettings"] == {"algorithm": basic, "maxNumWorkers": 50}
    images = {image["containerImage"] for image in pool["sdkHarnessContainerImages"]}
    assert images == {"europe-docker.pkg.dev/p/r/thresher:1"}
    told = service.jobs[0]["environment"]["sdkPipelineOptions"]["options"]
    assert told["number_of_worker_harness_threads"] == 1
    assert told["region"] == REGION


def test_a_template_is_the_job_of_score_and_a_run_goes_on_from_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    recipe = tmp_path / "remote.yaml"
    recipe.write_text(RECIPE)
    given = {
        "recipe": str(recipe),
        "input": "gs://crawl/other/*.jsonl",
        "output": "gs://crawl/out",
        "sdk_container_image": "europe-docker.pkg.dev/p/r/thresher:1",
    }
    with google_storage("crawl") as store, dataflow(store) as service:
        bucket = store.bucket("crawl")
        lines = "".join(json.dumps(document) + "\n" for document in DOCUMENTS)
        bucket.blob("other/part.jsonl").upload_from_string(lines)
        flags = [
            f"--dataflow_endpoint={service.endpoint}",
            "--no_auth",
            f"--project={PROJECT}",
            f"--region={REGION}",
            "--temp_location=gs://crawl/temp",
            f"--sdk_container_image={given['sdk_container_image']}",
        ]
        template = "--template_location=gs://crawl/temp/job_object"
        parameters = [f"--{name}={value}" for name, value in given.items()]
        assert launch([*parameters, "--runner=DataflowRunner", *flags[:-1], template]) == 0
        told = capsys.readouterr().err
        assert "the job is in gs://crawl/temp/job_object; nothing has run yet" in told
        assert service.jobs == []

        # The service takes the job from there.
        service.submit(json.loads(bucket.blob("temp/job_object").download_as_bytes()))
        scored = {blob.name: blob.generation for blob in store.list_blobs("crawl", prefix="out/sc")}
        assert len(scored) == 1
        words = [str(recipe), "--runner=dataflow", *flags, "--set=output=gs://crawl/out"]
        words.append('--set=input.0.paths=["gs://crawl/other/*.jsonl"]')
        assert main(["run", *words, template]) == 2
        assert main(["run", *words]) == 0, capsys.readouterr().err
        assert launch([*parameters, *flags[:-1], template]) == 2
        assert capsys.readouterr().err.splitlines()[1:] == [
            "thresher: gs://crawl/out (output): is scored already, so there is no job to write to"
            " gs://crawl/temp/job_object; choose another output, or go on here without"
            " --template_location"
        ]
        again = {blob.name: blob.generation for blob in store.list_blobs("crawl", prefix="out/sc")}
        select = json.loads(bucket.blob("out/manifests/select.json").download_as_bytes())
    assert again == scored
    assert select["counters"]["out"] == 1


def test_a_recipe_that_the_launcher_does_not_get_is_told_by_its_name(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def told(recipe: str) -> str:
        assert launch([f"--recipe={recipe}", "--output=gs://crawl/out"]) == 2
        return capsys.readouterr().err

    with google_storage("crawl") as store:
        assert told("gs://crawl/recipes/web.yaml") == (
            "thresher: gs://crawl/recipes/web.yaml: no such recipe; give a gs:// path, or one of"
            " the image, such as /opt/thresher/configs/commoncrawl.yaml\n"
        )
        store.bucket("crawl").blob("recipes/web.yaml").upload_from_string(RECIPE)
        assert told("gs://crawl/recipes").startswith("thresher: gs://crawl/recipes: no such recipe")
        refuse = mock.Mock(side_effect=PermissionError("403 Forbidden:\n no access"))
        monkeypatch.setattr(FileSystems, "open", refuse)
        unreadable = told("gs://crawl/recipes/web.yaml")
    assert unreadable.startswith("thresher: gs://crawl/recipes/web.yaml: the recipe can't be read:")
    assert "the store failed: 403 Forbidden: no access" in unreadable
    assert unreadable.count("\n") == 1
    assert told("nowhere://recipe.yaml").startswith("thresher: nowhere://recipe.yaml: the recipe")


def test_the_templates_parameters_are_the_options_of_its_launcher() -> None:
    ours = {action.option_strings[0]: action.required for action in launcher_parser()._actions[1:]}
    # The launcher names the runner itself.
    del ours["--runner"]
    parameters = {
        f"--{parameter['name']}": not parameter.get("isOptional", False)
        for parameter in METADATA["parameters"]
    }
    of_beam = {name: parameters[name] for name in parameters.keys() - ours.keys()}
    assert {name: parameters[name] for name in ours} == ours
    given = [f"{name}=x" for name in of_beam]
    required = ["--project=p", "--region=r", "--temp_location=gs://b/t"]
    pipeline_options(runner="dataflow", workers=None, flags=[*required, *given], total_bytes=0)


def test_the_documented_launch_gives_what_the_template_asks_for() -> None:
    page = (REPOSITORY / "docs/dataflow.md").read_text().replace("\\\n", " ")
    [line] = [line for line in page.splitlines() if "flex-template run" in line]
    words = shlex.split(line)
    given = dict(
        words[place + 1].split("=", 1) for place, word in enumerate(words) if word == "--parameters"
    )
    for parameter in METADATA["parameters"]:
        if not parameter.get("isOptional") or parameter["name"] in given:
            value = given.pop(parameter["name"])
            assert all(re.search(pattern, value) for pattern in parameter["regexes"]), value
    assert given == {}


def _artifacts(pipeline: Any) -> list[str]:
    """The names in the bucket of what the workers install."""
    return [
        beam_runner_api_pb2.ArtifactUrlPayload.FromString(artifact.type_payload).url.removeprefix(
            "gs://crawl/"
        )
        for environment in pipeline.components.environments.values()
        for artifact in environment.dependencies
    ]
