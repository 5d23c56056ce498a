"""Stand-ins on loopback for Google's object store and for the service of Dataflow."""

import json
import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from unittest import mock

from apache_beam.internal.gcp import auth
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.portability.api import beam_runner_api_pb2
from apache_beam.runners.pipeline_context import PipelineContext
from apache_beam.runners.portability.fn_api_runner.fn_runner import FnApiRunner
from apache_beam.transforms.environments import EmbeddedPythonEnvironment
from gcp_storage_emulator.server import create_server
from google.cloud import storage  # type: ignore[attr-defined]

PROJECT = "thresher-test"
REGION = "europe-west4"


@contextmanager
def google_storage(bucket: str) -> Iterator[storage.Client]:
    """Serve a bucket; this process and its children find it as they would find Google's."""
    server = create_server("localhost", 0, in_memory=True, default_bucket=bucket)
    # It warns of each answer that it has whole before it sends it.
    logging.getLogger("gcp_storage_emulator").setLevel(logging.ERROR)
    server.start()
    try:
        port = server._api._httpd.server_port
        environment = {
            "STORAGE_EMULATOR_HOST": f"http://localhost:{port}",
            "GOOGLE_CLOUD_PROJECT": PROJECT,
        }
        # There are none; Beam would look for them again and again for half a minute.
        no_credentials = mock.patch.object(auth, "get_service_credentials", return_value=None)
        with mock.patch.dict("os.environ", environment), no_credentials:
            yield storage.Client.create_anonymous_client()
    finally:
        server.stop()


@dataclass
class DataflowService:
    """The service: it takes jobs, runs their staged pipelines here, and tells their state.

    Attributes:
        endpoint: Its address.
        store: Where the pipelines are staged.
        jobs: The requests for jobs, as they came.
        pipelines: The pipeline of each.
    """

    endpoint: str
    store: storage.Client
    jobs: list[dict[str, Any]] = field(default_factory=list)
    pipelines: list[beam_runner_api_pb2.Pipeline] = field(default_factory=list)

    def submit(self, job: dict[str, Any]) -> dict[str, Any]:
        """Take a job and run it to its end."""
        options = job["environment"]["sdkPipelineOptions"]["options"]
        blob = storage.Blob.from_uri(options["pipelineUrl"], client=self.store)
        pipeline = beam_runner_api_pb2.Pipeline.FromString(blob.download_as_bytes())
        self.jobs.append(job)
        self.pipelines.append(pipeline)
        _run(pipeline)
        return self.job(str(len(self.jobs)))

    def job(self, identity: str) -> dict[str, Any]:
        """Tell of a job: what is submitted has ended."""
        return {
            "id": identity,
            "projectId": PROJECT,
            "location": REGION,
            "currentState": "JOB_STATE_DONE",
            "createTime": "2026-01-01T00:00:00Z",
        }


def _run(staged: beam_runner_api_pb2.Pipeline) -> None:
    pipeline = beam_runner_api_pb2.Pipeline()
    pipeline.CopyFrom(staged)
    here = EmbeddedPythonEnvironment.default().to_runner_api(PipelineContext())
    for environment in pipeline.components.environments.values():
        environment.urn, environment.payload = here.urn, here.payload
        del environment.dependencies[:]
    FnApiRunner().run_via_runner_api(pipeline, PipelineOptions([]))


@contextmanager
def dataflow(store: storage.Client) -> Iterator[DataflowService]:
    """Serve Dataflow's calls for jobs, their messages and their metrics."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            content = self.rfile.read(int(self.headers["Content-Length"]))
            self._answer(service.submit(json.loads(content)))

        def do_GET(self) -> None:
            path = self.path.partition("?")[0]
            self._answer({} if path.endswith(("messages", "metrics")) else service.job(path))

        def _answer(self, content: dict[str, Any]) -> None:
            body = json.dumps(content).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            return

    server = ThreadingHTTPServer(("localhost", 0), Handler)
    service = DataflowService(endpoint=f"http://localhost:{server.server_port}", store=store)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield service
    finally:
        server.shutdown()
        server.server_close()
