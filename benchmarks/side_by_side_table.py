"""The tables of `side_by_side`: what each contender took, beside thresher."""

import os
import platform
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_TITLES = {
    "crawl": "From `.warc.gz` to Parquet: extraction, language, rules, deduplication",
    "text": "From extracted text to Parquet: language, rules, deduplication",
}
_COLUMNS = (
    "",
    "wall, times thresher",
    "CPU, times thresher",
    "CPU s a GB read",
    "documents a second a core",
    "peak memory, MB",
    "lines of configuration",
    "kept",
    "decides as thresher",
)


@dataclass(frozen=True, kw_only=True)
class Run:
    """One run of a contender.

    Attributes:
        workload: What it did.
        name: Who.
        documents: How many documents went in.
        round: Which of the rounds.
        version: The version of its package.
        cost: ``wall``, ``cpu`` (seconds) and ``peak_bytes``; None where it failed.
        kept: The addresses of the documents that it kept.
        reason: Why it failed.
    """

    workload: str
    name: str
    documents: int
    round: int
    version: str | None
    cost: dict[str, float] | None
    kept: list[str]
    reason: str | None


def machine() -> dict[str, str | int]:
    """Return what the figures were measured on."""
    names = [
        line.partition(":")[2].strip()
        for line in Path("/proc/cpuinfo").read_text().splitlines()
        if line.startswith("model name")
    ]
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return {
        "processor": names[0] if names else platform.processor(),
        "cores": os.cpu_count() or 0,
        "memory_bytes": memory,
        "system": platform.system(),
        "python": platform.python_version(),
    }


def markdown(
    runs: Sequence[Run],
    *,
    documents: int,
    few: int,
    sizes: Mapping[str, int],
    lines: Mapping[tuple[str, str], int],
    does: Mapping[tuple[str, str], str],
) -> tuple[list[dict[str, Any]], str]:
    """Return the results as rows and as Markdown.

    Args:
        runs: All runs over ``documents`` and over ``few`` documents.
        documents: How many documents the comparison is about.
        few: The size whose cost is taken for the start-up.
        sizes: Bytes of the input of each workload.
        lines: Lines of configuration of each contender of a workload.
        does: What its run consists of.
    """
    rows: list[dict[str, Any]] = []
    texts = []
    for workload, title in _TITLES.items():
        names = [name for place, name in lines if place == workload]
        found = [
            _row(workload, name, runs, documents, few, sizes[workload])
            | {"configuration_lines": lines[workload, name], "does": does[workload, name]}
            for name in names
        ]
        if not found:
            continue
        _compare(found, runs, documents)
        rows += found
        texts.append(_table(title, found))
    return rows, "\n".join(texts)


def _row(
    workload: str, name: str, runs: Sequence[Run], documents: int, few: int, size: int
) -> dict[str, Any]:
    mine = [run for run in runs if (run.workload, run.name) == (workload, name)]
    row: dict[str, Any] = {"workload": workload, "name": name}
    row["version"] = next((run.version for run in mine if run.version), None)
    row["reason"] = next((run.reason for run in mine if run.reason), None)
    full = [run.cost for run in mine if run.documents == documents and run.cost]
    start = [run.cost for run in mine if run.documents == few and run.cost]
    if row["reason"] or not full or not start:
        return row
    wall, cpu = (statistics.median(cost[key] for cost in full) for key in ("wall", "cpu"))
    marginal = (cpu - min(cost["cpu"] for cost in start)) / (documents - few)
    return row | {
        "wall_seconds": wall,
        "cpu_seconds": cpu,
        "start_cpu_seconds": min(cost["cpu"] for cost in start),
        "cpu_seconds_per_gb": cpu / size * 1e9,
        # None where a run over so many documents takes no longer than one over a few.
        "documents_per_core_second": 1 / marginal if marginal > 0 else None,
        "peak_bytes": max(cost["peak_bytes"] for cost in full),
        "rounds": len(full),
    }


def _compare(rows: list[dict[str, Any]], runs: Sequence[Run], documents: int) -> None:
    kept = {
        (run.workload, run.name): set(run.kept)
        for run in runs
        if run.documents == documents and run.cost
    }
    ours = rows[0]
    for row in rows:
        if "cpu_seconds" not in row or "cpu_seconds" not in ours:
            continue
        mine = kept[row["workload"], row["name"]]
        first = kept[ours["workload"], ours["name"]]
        row["kept"] = len(mine)
        row["agreement"] = 1 - len(mine ^ first) / documents
        row["wall_ratio"] = row["wall_seconds"] / ours["wall_seconds"]
        row["cpu_ratio"] = row["cpu_seconds"] / ours["cpu_seconds"]
        speeds = [found["documents_per_core_second"] for found in (ours, row)]
        row["speed_ratio"] = speeds[0] / speeds[1] if all(speeds) else None


def _table(title: str, rows: Sequence[Mapping[str, Any]]) -> str:
    text = [f"### {title}", "", "| " + " | ".join(_COLUMNS) + " |"]
    text.append("| --- |" + " ---: |" * (len(_COLUMNS) - 1))
    for row in rows:
        name = f"{row['name']} {row['version'] or ''}".strip()
        if "cpu_ratio" not in row:
            cells = [name, f"did not run: {row['reason'] or 'no run yet'}"]
        else:
            speed = "all of it start-up"
            if row["speed_ratio"]:
                speed = f"{row['documents_per_core_second']:,.0f} (1/{row['speed_ratio']:.1f})"
            cells = [
                name,
                f"{row['wall_ratio']:.1f}",
                f"{row['cpu_ratio']:.1f}",
                f"{row['cpu_seconds_per_gb']:,.0f}",
                speed,
                f"{row['peak_bytes'] / 1e6:,.0f}",
                f"{row['configuration_lines']}",
                f"{row['kept']:,}",
                f"{row['agreement']:.1%}",
            ]
        text.append("| " + " | ".join(cells + [""] * (len(_COLUMNS) - len(cells))) + " |")
    text += ["", *(f"- {row['name']}: {row['does']}." for row in rows), ""]
    return "\n".join(text)
