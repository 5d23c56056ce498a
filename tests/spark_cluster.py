"""A standalone Spark cluster on loopback: a master and workers, each a process of its own."""

import os
import signal
import socket
import subprocess
import sys
import time
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

_SECONDS_TO_START = 120


@dataclass
class SparkCluster:
    """A running cluster.

    Attributes:
        master: Its address.
        workers: Its workers' processes.
        code: The folder where thresher's wheel is installed, the workers' only copy of the code.
        folder: Where the processes write.
    """

    master: str
    code: Path
    folder: Path
    workers: list["subprocess.Popen[bytes]"] = field(default_factory=list)

    def flags(self) -> list[str]:
        """The options with which `thresher` runs here."""
        return [
            "--runner=spark",
            f"--spark_master_url={self.master}",
            "--spark_conf=spark.driver.host=127.0.0.1",
            "--spark_conf=spark.ui.enabled=false",
            f"--spark_conf=spark.pyspark.python={sys.executable}",
            f"--spark_conf=spark.executorEnv.PYTHONPATH={self.code}",
        ]

    def kill_a_worker(self) -> None:
        """End a worker, its executors and their Python processes, without notice."""
        worker = self.workers.pop()
        for process in [worker.pid, *_descendants(worker.pid)]:
            try:
                os.kill(process, signal.SIGKILL)
            except ProcessLookupError:
                continue
        worker.wait()


@contextmanager
def spark_cluster(folder: Path, *, workers: int, cores: int = 1) -> Iterator[SparkCluster]:
    """Run a cluster whose workers have thresher as a wheel, apart from the checkout."""
    code = install_wheel(folder)
    port = free_port()
    cluster = SparkCluster(master=f"spark://127.0.0.1:{port}", code=code, folder=folder)
    master = _start(
        folder, "master", "--host", "127.0.0.1", "--port", str(port), "--webui-port", "0"
    )
    try:
        _wait_for(master, folder / "master.log", "I have been elected leader", 1)
        for number in range(workers):
            cluster.workers.append(
                _start(
                    folder,
                    f"worker-{number}",
                    *("--host", "127.0.0.1", "--webui-port", "0", "--cores", str(cores)),
                    *("--memory", "2g", "--work-dir", str(folder / f"work-{number}")),
                    cluster.master,
                )
            )
        _wait_for(master, folder / "master.log", "Registering worker", workers)
        yield cluster
    finally:
        for process in [*cluster.workers, master]:
            process.terminate()
        for process in [*cluster.workers, master]:
            process.wait()


def install_wheel(folder: Path) -> Path:
    """Build thresher's wheel from the checkout and install it, alone, into a folder."""
    repository = Path(__file__).parent.parent
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)],
        cwd=repository,
        check=True,
        capture_output=True,
    )
    [wheel] = folder.glob("*.whl")
    code = folder / "code"
    # A wheel of pure Python is installed by being unpacked.
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(code)
    return code


def _start(folder: Path, name: str, *arguments: str) -> "subprocess.Popen[bytes]":
    import pyspark

    role = name.partition("-")[0]
    log = (folder / f"{name}.log").open("wb")
    with log:
        return subprocess.Popen(
            [
                Path(pyspark.__file__).parent / "bin" / "spark-class",
                f"org.apache.spark.deploy.{role}.{role.title()}",
                *arguments,
            ],
            stdout=log,
            stderr=subprocess.STDOUT,
            cwd=folder,
            env={**os.environ, "SPARK_LOCAL_IP": "127.0.0.1", "SPARK_LOCAL_DIRS": str(folder)},
        )


def _wait_for(process: "subprocess.Popen[bytes]", log: Path, words: str, times: int) -> None:
    end = time.monotonic() + _SECONDS_TO_START
    while log.read_text().count(words) < times:
        if time.monotonic() > end or process.poll() is not None:
            raise TimeoutError(f"{words} is not in {log}:\n{log.read_text()}")
        time.sleep(0.1)


def free_port() -> int:
    """Return a port of loopback that nobody listens on."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def _descendants(process: int) -> list[int]:
    children = [
        int(child)
        for task in Path(f"/proc/{process}/task").glob("*/children")
        for child in task.read_text().split()
    ]
    return children + [below for child in children for below in _descendants(child)]
