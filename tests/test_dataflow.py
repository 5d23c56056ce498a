"""A run is submitted to Dataflow by Beam's own runner: what the service is asked for, and gets."""

import json
from pathlib import Path
from typing import Any

import pytest
from apache_beam.portability.api import beam_runner_api_pb2

from pipelines.cli import main
from tests.google_cloud import PROJECT, REGION, dataflow, google_storage

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
    wheel = tmp_path / "thresher-0.1.0-py3-none-any.whl"
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


def _artifacts(pipeline: Any) -> list[str]:
    """The names in the bucket of what the workers install."""
    return [
        beam_runner_api_pb2.ArtifactUrlPayload.FromString(artifact.type_payload).url.removeprefix(
            "gs://crawl/"
        )
        for environment in pipeline.components.environments.values()
        for artifact in environment.dependencies
    ]
