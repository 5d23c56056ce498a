"""HDFS on loopback: a name node and a data node, each a process of its own."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

import hdfs

from tests.spark_cluster import free_port

_SECONDS_TO_START = 120
_USER = "thresher"


def server_jars() -> list[Path]:
    """HDFS's servers, as `make test-hdfs` brings them."""
    return sorted((Path(sys.prefix) / "hdfs").glob("hadoop-client-minicluster-*.jar"))


@contextmanager
def hdfs_cluster(folder: Path) -> Iterator[tuple[hdfs.InsecureClient, list[str]]]:
    """Run an empty HDFS; give a client of it, and the options with which `thresher` finds it."""
    web = free_port()
    _configure(folder, web)
    _java(folder, "namenode.NameNode", "-format", "-nonInteractive").wait()
    servers = [_java(folder, "namenode.NameNode"), _java(folder, "datanode.DataNode")]
    client = hdfs.InsecureClient(f"http://localhost:{web}", user=_USER)
    try:
        _wait_until_it_stores(client, servers, folder)
        yield client, ["--hdfs_host=localhost", f"--hdfs_port={web}", f"--hdfs_user={_USER}"]
    finally:
        for server in servers:
            server.terminate()
        for server in servers:
            server.wait()


def _configure(folder: Path, web: int) -> None:
    for site, settings in (
        ("core", {"fs.defaultFS": f"hdfs://localhost:{free_port()}"}),
        (
            "hdfs",
            {
                "dfs.namenode.http-address": f"localhost:{web}",
                "dfs.namenode.name.dir": f"file://{folder}/name",
                "dfs.datanode.data.dir": f"file://{folder}/data",
                "dfs.datanode.address": "localhost:0",
                "dfs.datanode.http.address": "localhost:0",
                "dfs.datanode.ipc.address": "localhost:0",
                "dfs.datanode.hostname": "localhost",
                "dfs.replication": "1",
                "dfs.permissions.enabled": "false",
            },
        ),
    ):
        properties = "".join(
            f"<property><name>{name}</name><value>{value}</value></property>"
            for name, value in settings.items()
        )
        text = f"<configuration>{properties}</configuration>"
        (folder / f"{site}-site.xml").write_text(text)


def _java(folder: Path, server: str, *arguments: str) -> "subprocess.Popen[bytes]":
    spark = find_spec("pyspark")
    assert spark is not None
    assert spark.origin is not None
    # PySpark brings Hadoop's client, whose version `make test-hdfs` takes the servers of.
    classes = [folder, *server_jars(), Path(spark.origin).parent / "jars/*"]
    with (folder / f"{server}.log").open("wb") as log:
        return subprocess.Popen(
            [
                *("java", "-Xmx400m", "-cp", os.pathsep.join(map(str, classes))),
                *(f"org.apache.hadoop.hdfs.server.{server}", *arguments),
            ],
            stdout=log,
            stderr=subprocess.STDOUT,
        )


def _wait_until_it_stores(
    client: hdfs.InsecureClient, servers: list["subprocess.Popen[bytes]"], folder: Path
) -> None:
    end = time.monotonic() + _SECONDS_TO_START
    while not _stores(client):
        ended = any(server.poll() is not None for server in servers)
        if ended or time.monotonic() > end:
            raise TimeoutError("\n".join(log.read_text() for log in folder.glob("*.log")))
        time.sleep(0.5)


def _stores(client: hdfs.InsecureClient) -> bool:
    try:
        client.write("/probe", b"there", overwrite=True)
    except (OSError, hdfs.HdfsError):
        return False
    return True
