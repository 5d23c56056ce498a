"""thresher beside its peers: the same files, the same kinds of steps, one run, one worker each.

    python -m benchmarks.side_by_side ../shared/data --documents 3000

Makes an environment for each peer, makes the inputs from real pages, runs the contenders of a
workload in turns (A B C, A B C), and writes the results as JSON and as Markdown tables of ratios.
Runs that are done are not done again after an interruption: they stay in the folder `--work`.
"""

import argparse
import gzip
import hashlib
import json
import os
import shutil
import subprocess
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import yaml

from benchmarks.agreement import english_html
from benchmarks.edited_pages import EditedPages, write_archive, write_texts
from benchmarks.measured_command import CommandError, Cost, measure
from benchmarks.side_by_side_table import Run, machine, markdown
from models.language import LanguageIdentifier

_PEERS = Path(__file__).with_name("peers")
# Start-up is what a run over so few documents takes.
_FEW = 20
_TIMEOUT_SECONDS = 3 * 3600.0


@dataclass(frozen=True, kw_only=True)
class Contender:
    """One side of a comparison, as `peers/contenders.yaml` has it.

    Attributes:
        workload: What it is compared at.
        name: As it stands in the table.
        does: What its run consists of.
        package: The distribution whose version is stated.
        configuration: The file that says what it does; its lines are counted.
        command: Its command, with fields to be filled in.
        corpus: Which files of its output hold the documents that it keeps.
        environment: Its requirements file; none for thresher.
    """

    workload: str
    name: str
    does: str
    package: str
    configuration: str
    command: list[str]
    corpus: str
    environment: str | None = None

    @property
    def configuration_lines(self) -> int:
        """How many lines of its configuration are neither empty nor comments."""
        lines = (_PEERS / self.configuration).read_text().splitlines()
        return sum(bool(line.strip()) and not line.strip().startswith("#") for line in lines)


def contenders() -> list[Contender]:
    """Return all contenders, those of a workload together."""
    listed = yaml.safe_load((_PEERS / "contenders.yaml").read_text())
    return [Contender(workload=name, **row) for name, rows in listed.items() for row in rows]


class Bench:
    """Environments, inputs and runs, in a folder where they outlive an interruption.

    Args:
        work: The folder.
        data: The folder of real data.
    """

    def __init__(self, work: Path, data: Path) -> None:
        self.work = work
        self.data = data
        self._log = work / "runs.jsonl"
        work.mkdir(parents=True, exist_ok=True)

    def runs(self) -> list[Run]:
        """Return the runs that have been made."""
        lines = self._log.read_text().splitlines() if self._log.exists() else []
        return [Run(**json.loads(line)) for line in lines]

    def input(self, workload: str, documents: int) -> Path:
        """Return the file of a workload with so many documents; make it if it isn't there."""
        names = {"crawl": "pages.warc.gz", "text": "documents.jsonl.gz"}
        folder = self.work / "input" / f"{workload}-{documents}"
        path = folder / names[workload]
        if not path.exists():
            made = EditedPages(list(english_html(self.data)))
            pages = (made.page(number) for number in range(documents))
            folder.mkdir(parents=True, exist_ok=True)
            unfinished = path.with_name(f"unfinished-{path.name}")
            (write_archive if workload == "crawl" else write_texts)(unfinished, pages)
            unfinished.rename(path)
        return path

    def python(self, contender: Contender) -> str:
        """Return the interpreter of a contender's environment; make that if it isn't there.

        Raises:
            CommandError: It can't be installed.
        """
        if contender.environment is None:
            return sys.executable
        requirements = _PEERS / contender.environment
        digest = hashlib.blake2b(requirements.read_bytes(), digest_size=4).hexdigest()
        folder = self.work / "environments" / f"{requirements.stem}-{digest}"
        interpreter = str(folder / "bin/python")
        if not (folder / "installed").exists():
            uv = str(Path(sys.executable).with_name("uv"))
            log = self.work / f"install-{requirements.stem}.log"
            version = f"{sys.version_info.major}.{sys.version_info.minor}"
            make = [uv, "venv", "--quiet", "--clear", "--python", version, str(folder)]
            install = [uv, "pip", "install", "--compile-bytecode", "--python", interpreter]
            install += ["-r", str(requirements)]
            for command in (make, install):
                measure(command, log=log, environment={}, timeout=_TIMEOUT_SECONDS)
            (folder / "installed").touch()
        return interpreter

    def version(self, contender: Contender) -> str:
        """Return the version of a contender's package."""
        asked = f"from importlib.metadata import version; print(version('{contender.package}'))"
        command = [self.python(contender), "-c", asked]
        answer = subprocess.run(command, check=True, capture_output=True, text=True)  # noqa: S603
        return answer.stdout.strip()

    def run(self, contender: Contender, documents: int, round_number: int) -> Run:
        """Run a contender once over the input of its workload, and note what came of it."""
        output = self.work / "output" / contender.workload / contender.name.replace(", ", "-")
        shutil.rmtree(output, ignore_errors=True)
        output.mkdir(parents=True)
        told: dict[str, Any] = {"cost": None, "kept": [], "reason": None, "version": None}
        try:
            told["version"] = self.version(contender)
            cost = self._measured(contender, documents, output)
            told |= {"cost": asdict(cost), "kept": kept_addresses(output, contender.corpus)}
        except CommandError as failed:
            told["reason"] = str(failed)
        run = Run(
            workload=contender.workload,
            name=contender.name,
            documents=documents,
            round=round_number,
            **told,
        )
        with self._log.open("a") as file:
            file.write(json.dumps(asdict(run)) + "\n")
        return run

    def _measured(self, contender: Contender, documents: int, output: Path) -> Cost:
        fields = {
            "python": self.python(contender),
            "thresher": str(Path(sys.executable).with_name("thresher")),
            "configuration": str(_PEERS / contender.configuration),
            "peers": str(_PEERS),
            "input": str(self.input(contender.workload, documents).absolute()),
            "output": str(output.absolute()),
            "model": LanguageIdentifier().path,
        }
        command = [word.format_map(fields) for word in contender.command]
        # A core each: what a library starts beside it would not be seen as the one worker's work.
        threads = ("OMP_NUM_THREADS", "RAYON_NUM_THREADS", "POLARS_MAX_THREADS")
        programs = f"{Path(fields['python']).parent}{os.pathsep}{os.environ['PATH']}"
        environment = dict.fromkeys(threads, "1") | {"HF_HUB_OFFLINE": "1", "PATH": programs}
        log = output.with_suffix(".log")
        return measure(command, log=log, environment=environment, timeout=_TIMEOUT_SECONDS)


def kept_addresses(output: Path, pattern: str) -> list[str]:
    """Return the addresses of the documents of a corpus in Parquet or JSON lines, sorted."""
    found: list[str] = []
    for path in output.glob(pattern):
        if path.suffix == ".parquet":
            names = pq.read_schema(path).names
            place = next(name for name in ("url", "metadata", "id") if name in names)
            rows = pq.read_table(path, columns=[place], partitioning=None)[place].to_pylist()
            found += [row["url"] if place == "metadata" else row for row in rows]
        else:
            rows = map(json.loads, gzip.decompress(path.read_bytes()).splitlines())
            found += [row.get("metadata", {}).get("warc_url") or row["id"] for row in rows]
    return sorted(found)


def main() -> None:
    """Make what is missing, run what is missing, write the results."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("data", type=Path, help="the folder of real data")
    parser.add_argument("--documents", type=int, default=3_000)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--work", type=Path, default=Path("out/bench"), help="kept between runs")
    parser.add_argument("--only", nargs="*", help="names of contenders")
    parser.add_argument("--results", type=Path, default=Path(__file__).with_name("results.json"))
    parser.add_argument("--table", type=Path, help="a Markdown file for the tables")
    arguments = parser.parse_args()
    bench = Bench(arguments.work, arguments.data)
    chosen = [row for row in contenders() if not arguments.only or row.name in arguments.only]
    done = {(run.workload, run.name, run.documents, run.round) for run in bench.runs()}
    failed = {(run.workload, run.name) for run in bench.runs() if run.reason}
    for size, number in [(_FEW, 0), *((arguments.documents, n) for n in range(arguments.rounds))]:
        for contender in chosen:
            workload, name = contender.workload, contender.name
            if (workload, name) in failed or (workload, name, size, number) in done:
                continue
            run = bench.run(contender, size, number)
            if run.reason:
                failed.add((workload, name))
            seconds = f"{run.cost['cpu']:.1f} s of CPU" if run.cost else run.reason
            print(f"{workload}, {size:,} documents, round {number}: {name}: {seconds}", flush=True)
    runs = [run for run in bench.runs() if run.documents in (_FEW, arguments.documents)]
    sizes = {
        workload: bench.input(workload, arguments.documents).stat().st_size
        for workload in {contender.workload for contender in chosen}
    }
    lines = {(row.workload, row.name): row.configuration_lines for row in chosen}
    does = {(row.workload, row.name): row.does for row in chosen}
    results, text = markdown(
        runs, documents=arguments.documents, few=_FEW, sizes=sizes, lines=lines, does=does
    )
    content = {"machine": machine(), "documents": arguments.documents, "rows": results}
    arguments.results.write_text(json.dumps(content, indent=1) + "\n")
    if arguments.table:
        arguments.table.write_text(text)
    print(text)


if __name__ == "__main__":
    main()
