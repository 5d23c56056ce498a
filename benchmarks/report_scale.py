"""What the report costs over many documents, beside what scoring them costs.

Run it from the repository: ``python -m benchmarks.report_scale RECIPE --documents 1000000``. The
documents of the recipe are scored once, with the CPU time taken; then their rows are repeated under
new ids, with every fraction changed a little, until there are enough, and the stage `report` runs
over them in one process. It prints CPU seconds, the greatest memory and the page's size.
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import apache_beam as beam
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from pipelines import report, schema
from pipelines.dedup import ScoredFile
from pipelines.manifest import StageRecords
from pipelines.recipe import Recipe
from pipelines.recipe_file import load
from pipelines.report_sample import is_numeric
from pipelines.runners import new_pipeline, pipeline_options

_FILE_ROWS = 20_000


def main() -> None:
    """Score, repeat, report; print the figures as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("recipe")
    parser.add_argument("--documents", type=int, default=1_000_000)
    parser.add_argument("--figures", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.figures:
        _report(arguments.figures, arguments.recipe)
        return
    with tempfile.TemporaryDirectory() as folder:
        output = Path(folder) / "scored_once"
        command = [sys.executable, "-m", "pipelines.cli", "score", arguments.recipe]
        command += ["--workers", "1", "--set", f"output={output}"]
        scored = _cpu_of(command)
        tables = [pq.read_table(path) for path in sorted((output / "scored").glob("*.parquet"))]
        table = pa.concat_tables(tables)
        repeated = Path(folder) / "repeated"
        _repeat(table, repeated, arguments.documents)
        again = [sys.executable, "-m", "benchmarks.report_scale", arguments.recipe]
        reported = _cpu_of([*again, "--figures", str(repeated)])
        told = json.loads((repeated / "report.json").read_text())
        page = (repeated / "report.html").stat().st_size
        each = 1000 * scored["cpu"] / table.num_rows
        print(
            json.dumps(
                {
                    "score_documents": table.num_rows,
                    "score_milliseconds_a_document": round(each, 2),
                    "report_documents": told["totals"]["documents"],
                    "sampled_documents": told["sample"]["rows"],
                    "signals": sum(is_numeric(column) for column in table.schema),
                    "report_milliseconds_a_document": round(
                        1000 * reported["cpu"] / arguments.documents, 3
                    ),
                    "report_cpu_seconds": round(reported["cpu"], 1),
                    "report_wall_seconds": round(reported["wall"], 1),
                    "report_peak_megabytes": round(reported["peak"] / 1000),
                    "page_megabytes": round(page / 1e6, 2),
                }
            )
        )


def _cpu_of(command: list[str]) -> dict[str, float]:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    start = time.monotonic()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)  # noqa: S603 - our own command
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return {
        "cpu": after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime,
        "wall": time.monotonic() - start,
        "peak": after.ru_maxrss,
    }


def _repeat(table: pa.Table, output: Path, documents: int) -> None:
    (output / "scored").mkdir(parents=True)
    generator = np.random.default_rng(0)
    kept = [name for name in table.column_names if name not in schema.MATCHING]
    for first in range(0, documents, _FILE_ROWS):
        count = min(_FILE_ROWS, documents - first)
        rows = table.select(kept).take(pa.array(generator.integers(0, table.num_rows, count)))
        columns: dict[str, Any] = {}
        for column in rows.schema:
            values = rows[column.name].combine_chunks()
            if pa.types.is_floating(column.type):
                values = pa.compute.multiply(values, pa.array(generator.uniform(0.9, 1.1, count)))
            columns[column.name] = values
        names = generator.integers(0, 2**63, (count, 2))
        columns["id"] = pa.array([f"{one:016x}{two:016x}" for one, two in names])
        made = pa.table(list(columns.values()), rows.schema)
        path = output / "scored" / f"{first // _FILE_ROWS:05}.parquet"
        pq.write_table(made, path, compression="zstd", row_group_size=_FILE_ROWS)


def _report(output: Path, path: str) -> None:
    files = [
        ScoredFile(number=number, name=file.stem, checksum="", bytes=file.stat().st_size)
        for number, file in enumerate(sorted((output / "scored").glob("*.parquet")))
    ]
    StageRecords(str(output), report.STAGE).open()
    options = pipeline_options(runner="local", workers=1, flags=[], total_bytes=0)
    with new_pipeline(options) as pipeline:
        _ = (
            pipeline
            | beam.Create(files, reshuffle=False)
            | report.MakeFigures(output=str(output), with_clusters=False, fingerprint="made")
        )
    recipe: Recipe = load(path, [f"output={output}"])
    report.write_page(recipe, None)


if __name__ == "__main__":
    main()
