"""Opens the output folder of a finished run for the commands that read one."""

from collections.abc import Sequence
from pathlib import Path

from pipelines import storage
from pipelines.runners import pipeline_options


def opened(output: str, flags: Sequence[str]) -> str:
    """Return the path of an output as listings of it have it, and reach the store that it is in.

    Args:
        output: A folder on this machine or of a remote store.
        flags: Beam's options for remote stores (credentials, endpoint).

    Raises:
        UserError: a flag is none of Beam's.

    >>> opened("./out/quickstart/", [])
    'out/quickstart'
    """
    options = pipeline_options(runner="local", workers=1, flags=flags, total_bytes=0)
    storage.configure(options)
    return str(Path(output)) if storage.is_local(output) else output.rstrip("/")
