"""What a runner costs over the bare functions, and how it grows with cores: `score` of real pages.

    python -m benchmarks.runners crawl.warc.gz [--copies 6] [--runner bare --runner local …]

Each line is a run in processes of its own. CPU seconds are those of all of them, the workers' and
Java's included; the bare run calls the same functions one after another in one process. Start-up
is in every figure: it is the same for any size of input, so take copies enough.
"""

import argparse
import ctypes
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from importlib.util import find_spec
from pathlib import Path

from rich.console import Console
from rich.table import Table

_RUNNERS = {
    "bare functions": None,
    "local, 1 process": ["--workers=1"],
    "local, 2 processes": ["--workers=2"],
    "Beam's multi_processing, 2": ["--workers=2", "--direct_running_mode=multi_processing"],
    "Beam's multi_threading, 2": ["--workers=2", "--direct_running_mode=multi_threading"],
    "Prism": ["--runner=prism"],
    "Spark, 1 worker": ["--runner=spark", "--spark_master_url=local-cluster[1,1,1024]"],
    "Spark, 2 workers": ["--runner=spark", "--spark_master_url=local-cluster[2,1,1024]"],
}
_PR_SET_CHILD_SUBREAPER = 36
_RECIPE = {
    "name": "runners",
    "models": {"harmful": "en-harmful", "quality": ["en-quality"]},
    "limits": {"shard_bytes": 1, "max_error_rate": 1},
}


def score_bare(recipe_path: Path) -> None:
    """Score every shard of a recipe in this process, without a runner."""
    from pipelines import recipe_file
    from pipelines.checks import check
    from pipelines.document_scorer import DocumentScorer
    from pipelines.plan import plan
    from pipelines.progress import ShardProgress
    from pipelines.score import score_shard

    recipe = recipe_file.load(str(recipe_path))
    check(recipe)
    with DocumentScorer(recipe) as scorer:
        for shard in plan(recipe):
            score_shard(
                shard, recipe=recipe, settings="", scorer=scorer, progress=ShardProgress(None)
            )


def cost(command: list[str]) -> tuple[float, float]:
    """Run a command to its end and that of all that it started.

    Returns:
        CPU seconds of all processes, and seconds on the clock.
    """
    # Processes whose parent went first become ours, and are counted.
    ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    start = time.monotonic()
    subprocess.run(command, check=True, capture_output=True)  # noqa: S603
    seconds = time.monotonic() - start
    while True:
        try:
            os.wait()
        except ChildProcessError:
            break
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, seconds


def main() -> None:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("archives", nargs="+", type=Path)
    parser.add_argument("--copies", type=int, default=6, help="of each archive: a shard each")
    parser.add_argument("--repeat", type=int, default=1, help="the best of so many runs counts")
    parser.add_argument("--runner", action="append", choices=list(_RUNNERS))
    arguments = parser.parse_args()
    # `make prism` puts it beside Python.
    programs = [str(Path(sys.executable).parent), os.environ["PATH"]]
    os.environ["PATH"] = os.pathsep.join(programs)
    there = {"Prism": shutil.which("prism"), "Spark": find_spec("pyspark") and shutil.which("java")}
    table = Table()
    for column in ("runner", "CPU s", "over bare", "s", "MB of archive per CPU s"):
        table.add_column(column, justify="left" if column == "runner" else "right")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        size = 0
        for archive in arguments.archives:
            for copy in range(arguments.copies):
                shutil.copy(archive, folder / f"in-{copy}-{archive.name}")
                size += archive.stat().st_size
        bare = 0.0
        for runner, flags in _RUNNERS.items():
            missing = any(runner.startswith(of) and not program for of, program in there.items())
            if missing or (arguments.runner and runner not in arguments.runner):
                continue
            runs = []
            for number in range(arguments.repeat):
                recipe = folder / "recipe.json"
                output = folder / f"out-{number}"
                inputs = [{"format": "warc", "paths": [f"{folder}/in-*"]}]
                recipe.write_text(json.dumps({**_RECIPE, "input": inputs, "output": str(output)}))
                command = [sys.executable, "-m"]
                if flags is None:
                    command += ["benchmarks.runners_bare", str(recipe)]
                else:
                    command += ["pipelines.cli", "score", str(recipe), *flags]
                runs.append(cost(command))
                shutil.rmtree(output)
            cpu, seconds = min(runs)
            bare = bare or cpu
            table.add_row(
                runner,
                f"{cpu:.1f}",
                f"{cpu / bare - 1:+.0%}",
                f"{seconds:.1f}",
                f"{size / 1e6 / cpu:.2f}",
            )
    Console(width=100).print(table)


if __name__ == "__main__":
    main()
