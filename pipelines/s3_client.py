"""One client of S3 for the files of a run, where Beam makes one for every call on a file.

A client reads the description of the whole service, 65 ms of CPU, and opens connections of its own;
a stage asks a store a dozen things about each shard.
"""

import copy
from typing import Any

from apache_beam.io.aws.clients.s3 import boto3_client

_Client = boto3_client.Client
_connected: tuple[Any, Any] | None = None


def _shared(options: Any) -> Any:
    global _connected
    connected = _connected
    if connected is None or connected[0] is not options:
        _connected = connected = (options, _Client(options))
    # What a client has read ahead is of one file; what it is connected by is of all.
    return copy.copy(connected[1])


def share() -> None:
    """Have every file that is reached by the same options share one client's connections."""
    beam_module: Any = boto3_client
    beam_module.Client = _shared
