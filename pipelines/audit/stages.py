"""An audit of a whole output, in the order in which its stages ran."""

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeVar

from pipelines.audit.documents import Auditor
from pipelines.audit.files import check_bytes
from pipelines.audit.identities import check_clusters, check_selection
from pipelines.audit.records import read_stages
from pipelines.audit.selection import Found, SelectionAuditor
from pipelines.counters import Counters
from pipelines.manifest import ShardRecord

Item = TypeVar("Item")
Result = TypeVar("Result")


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditedStage:
    """A stage of which all is as it says.

    Attributes:
        stage: Its name.
        counters: What went in and what became of it.
        files: How many files it wrote.
        bytes: Their size.
    """

    stage: str
    counters: Counters
    files: int
    bytes: int


def audit(output: str, *, threads: int, checksums: bool = True) -> list[AuditedStage]:
    """Check an output against its manifests.

    Args:
        output: The output folder of a run.
        threads: How many files are read at a time.
        checksums: Whether every byte is read and hashed; without, sizes, counts, schemas and ids
            are checked all the same.

    Returns:
        The stages that are there, in their order.

    Raises:
        DiscrepancyError: the first thing that is not as it is written.
        UserError: there is no output.
    """
    stages = read_stages(output)
    for stage in stages.values():
        files = [file for shard in stage.shards for file in shard.files]
        _each(lambda file: check_bytes(output, file, checksum=checksums), files, threads)
    auditor = Auditor.of(stages["score"])
    checks: dict[str, Callable[[ShardRecord], None]] = {
        "score": auditor.check_scored,
        "dedup": auditor.check_clustered,
        "passages": auditor.check_passages,
    }
    for name, check in checks.items():
        if name in stages:
            _each(check, stages[name].shards, threads)
    if "dedup" in stages:
        check_clusters(stages["dedup"], threads=threads)
    if "select" in stages:
        of_select = SelectionAuditor(auditor=auditor, stage=stages["select"])
        total = Found()
        for found in _each(of_select.check_shard, stages["select"].shards, threads):
            total.add(found)
        of_select.check_figures(total)
        check_selection(stages["score"], stages["select"], threads=threads)
    return [
        AuditedStage(
            stage=name,
            counters=stage.counters,
            files=sum(len(shard.files) for shard in stage.shards),
            bytes=sum(file.bytes for shard in stage.shards for file in shard.files),
        )
        for name, stage in stages.items()
    ]


def _each(work: Callable[[Item], Result], items: Iterable[Item], threads: int) -> list[Result]:
    """Do some work on each item; of several errors the first in their order is raised."""
    pool = ThreadPoolExecutor(threads)
    try:
        return list(pool.map(work, items))
    finally:
        pool.shutdown(cancel_futures=True)
