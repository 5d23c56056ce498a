"""The same run on Prism, by the protocol of every portable runner: Flink's is the same."""

import json
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import REPOSITORY, prism
from tests.spark_cluster import free_port, install_wheel

pytestmark = [pytest.mark.prism, pytest.mark.timeout(900)]

RECIPE = REPOSITORY / "configs/quickstart.yaml"
POOL = "apache_beam.runners.worker.worker_pool_main"


def run(output: Path, *flags: str) -> dict[str, str]:
    """Run the sample; return every file of every stage with its checksum."""
    subprocess.run(
        [sys.executable, "-m", "pipelines.cli", "run", RECIPE, f"--set=output={output}", *flags],
        cwd=REPOSITORY,
        check=True,
        capture_output=True,
    )
    return {
        file["path"]: file["checksum"]
        for stage in ("score", "dedup", "select")
        for shard in json.loads((output / f"manifests/{stage}.json").read_text())["shards"]
        for file in shard["files"]
    }


@pytest.fixture
def worker_pool(tmp_path: Path) -> Iterator[str]:
    """Beam's pool of workers, as on a machine of a cluster: the wheel is all it has of thresher."""
    port = free_port()
    code = install_wheel(tmp_path)
    with (tmp_path / "pool.log").open("wb") as log:
        pool = subprocess.Popen(
            [sys.executable, "-P", "-m", POOL, f"--service_port={port}"],
            cwd=REPOSITORY,
            # The pool starts its workers as the first `python` of the path.
            env={"PYTHONPATH": str(code), "PATH": str(Path(sys.executable).parent)},
            stdout=log,
            stderr=subprocess.STDOUT,
        )
    while not _listens(port):
        assert pool.poll() is None, (tmp_path / "pool.log").read_text()
        time.sleep(0.1)
    yield f"localhost:{port}"
    pool.terminate()
    pool.wait()


def _listens(port: int) -> bool:
    with socket.socket() as client:
        return client.connect_ex(("localhost", port)) == 0


def test_prism_gives_the_files_of_a_local_run(tmp_path: Path, worker_pool: str) -> None:
    local = run(tmp_path / "local")
    on_prism = ["--runner=prism", f"--prism_location={prism()}"]
    assert run(tmp_path / "prism", *on_prism) == local
    pool = ["--environment_type=EXTERNAL", f"--environment_config={worker_pool}"]
    assert run(tmp_path / "pool", *on_prism, *pool) == local
