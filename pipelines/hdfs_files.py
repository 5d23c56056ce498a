"""The files of HDFS that a pattern names: Beam lists one folder there, and folders as if files."""

import posixpath
import re
from importlib.util import find_spec
from typing import Any

from apache_beam.io.filesystem import FileMetadata
from apache_beam.io.filesystems import FileSystems
from apache_beam.options.pipeline_options import HadoopFileSystemOptions, PipelineOptions

from pipelines.errors import UserError

SCHEME = "hdfs://"


def check_options(path: str, options: PipelineOptions) -> None:
    """See that a path of HDFS can be reached.

    Raises:
        UserError: the package for it is missing, or an option.
    """
    if find_spec("hdfs") is None:
        raise UserError(f"{path}: HDFS needs its package: pip install 'thresher[hdfs]'")
    given = options.view_as(HadoopFileSystemOptions)
    for name in ("hdfs_host", "hdfs_port", "hdfs_user"):
        if getattr(given, name) is None:
            raise UserError(
                f"{path}: give --{name}; --hdfs_host and --hdfs_port are the name node's web"
                " address, often port 9870"
            )


def matched(pattern: str) -> list[FileMetadata]:
    """List the files, and no folders, that a file's path or a glob names, in all folders.

    Args:
        pattern: Its `*` goes within a folder, its `**` across folders. A folder names no file.

    Raises:
        OSError: HDFS refuses to tell.
    """
    filesystem: Any = FileSystems.get_filesystem(pattern)
    # An optional package, without which Beam has no such file system.
    from hdfs import HdfsError

    fixed = re.split(r"[^/]*[*?\[]", pattern, maxsplit=1)[0]
    below = pattern.removeprefix(fixed)
    server, folder = filesystem._parse_url(fixed.rstrip("/"))
    client = filesystem._hdfs_client
    try:
        found = client.status(folder, strict=False)
        if found is None:
            return []
        if not below:
            return [_metadata(pattern, found)] if found["type"] == "FILE" else []
        depth = 0 if "**" in below else below.count("/") + 1
        files = [
            _metadata(f"hdfs:/{filesystem._join(server, posixpath.join(path, name))}", status)
            for (path, _), _, names in client.walk(folder, depth=depth, status=True)
            for name, status in names
        ]
    except HdfsError as error:
        raise OSError(" ".join(str(error).split())) from error
    return list(filesystem.match_files(files, pattern))


def _metadata(path: str, status: dict[str, Any]) -> FileMetadata:
    # WebHDFS tells milliseconds.
    return FileMetadata(path, status["length"], status["modificationTime"] / 1000)
