"""Every command in the documentation is one that works, and every example of a recipe is valid."""

import functools
import gzip
import re
import shlex
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import yaml

from filters.text_view import TextView
from pipelines.cli import main
from pipelines.fetch_catalogues import WORD_LIST_LANGUAGES
from pipelines.recipe import Recipe
from tests.file_server import FileServer, serving

PAGES = [
    Path("README.md"),
    Path("CONTRIBUTING.md"),
    Path("configs/quickstart/README.md"),
    *sorted(Path("docs").glob("*.md")),
]
_BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"\]\((?!https?:)([^)#]+)\)")


def blocks(language: str) -> Iterator[tuple[Path, str]]:
    for page in PAGES:
        for found, block in _BLOCK.findall(page.read_text(encoding="utf-8")):
            if found == language:
                yield page, block


def commands(program: str) -> list[str]:
    found: dict[str, None] = {}
    for _, block in blocks("sh"):
        for line in block.replace("\\\n", " ").splitlines():
            command = line.partition(" #")[0].strip().removeprefix(".venv/bin/")
            if command.startswith(f"{program} "):
                found[command] = None
    return list(found)


def offline_commands() -> list[str]:
    """The commands over the sample that comes along."""
    return [
        command
        for command in commands("thresher")
        if " fetch " not in command and (" configs/" not in command or "quickstart" in command)
    ]


def arguments(command: str) -> list[str]:
    words = shlex.split(command.partition(" > ")[0])
    return words[1:]


def test_there_are_commands_to_try() -> None:
    assert len(commands("thresher")) > 10
    assert len(commands("make")) > 2


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Tells where an output such as ``out/quickstart`` is, which is made when first asked for."""
    folder = tmp_path_factory.mktemp("finished")

    @functools.cache
    def make(output: str) -> Path:
        into = folder / output.removeprefix("out/")
        assert main([*arguments(_made_by(output)), "--set", f"output={into}"]) == 0
        return into

    return make


@pytest.mark.parametrize("command", offline_commands())
def test_commands_over_the_sample_run(
    command: str,
    tmp_path: Path,
    finished: Callable[[str], Path],
    capsys: pytest.CaptureFixture[str],
) -> None:
    output = tmp_path / "output"
    words = [_there(word, tmp_path, finished) for word in arguments(command)]
    if words[0] in ("passages", "report", "select"):
        shutil.copytree(finished("out/quickstart"), output)
    if words[0] in ("run", "passages", "report", "select"):
        words += ["--set", f"output={output}"]
    assert main(words) == 0


def _there(word: str, folder: Path, finished: Callable[[str], Path]) -> str:
    """Return a word with the place of the ``out/…`` that it begins with: made, or to be made."""
    found = re.match(r"out/[^/]+", word)
    if found is None:
        return word
    made = found[0] in ("out/quickstart", "out/sequences")
    place = finished(found[0]) if made else folder / found[0]
    return f"{place}{word[found.end() :]}"


def _made_by(output: str) -> str:
    """Return the documentation's command that makes the output which another command reads."""
    # A recipe's own output is made without another word.
    recipe = f"thresher run configs/{output.removeprefix('out/')}.yaml"
    return next(
        command
        for command in offline_commands()
        if command == recipe or command.endswith(f"output={output}")
    )


@pytest.fixture
def dumps(tmp_path: Path) -> Iterator[FileServer]:
    """A server with the dumps that the documentation names."""
    crawl, news = "crawl-data/CC-MAIN-2024-51", "crawl-data/CC-NEWS/2024/12"
    with serving(tmp_path / "served") as server:
        for folder, kind in ((crawl, "warc"), (crawl, "wet"), (news, "warc")):
            paths = [f"{folder}/{kind}/{number}.{kind}.gz" for number in range(4)]
            for path in paths:
                server.put(path, path.encode())
            server.put(f"{folder}/{kind}.paths.gz", gzip.compress("\n".join(paths).encode()))
        for number in (11, 84, 1342):
            server.put(f"cache/epub/{number}/pg{number}.txt", b"A book.")
        for name in ("txt-files.tar.zip", "pg_catalog.csv.gz"):
            server.put(f"cache/epub/feeds/{name}", b"All the books.")
        for language in WORD_LIST_LANGUAGES:
            server.put(language, b"word")
        yield server


@pytest.mark.parametrize("command", [line for line in commands("thresher") if " fetch " in line])
def test_commands_that_fetch_bring_the_dumps(
    command: str, dumps: FileServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("numbers.txt").write_text("11\n84\n")
    Path("paths.txt").write_text("crawl-data/CC-MAIN-2024-51/warc/2.warc.gz\n")
    words = [*arguments(command), "--base-url", dumps.url, "--delay", "0"]
    assert main(words) == 0
    into = Path(words[words.index("--into") + 1]) if "--into" in words else None
    assert into is None or [path for path in into.rglob("*") if path.is_file()]


@pytest.mark.parametrize("command", commands("make"))
def test_make_targets_exist(command: str) -> None:
    subprocess.run(["make", "--dry-run", *arguments(command)], check=True, capture_output=True)


@pytest.mark.parametrize(
    ("page", "example"), blocks("yaml"), ids=lambda value: str(value)[:30].strip()
)
def test_examples_of_recipes_are_valid(page: Path, example: str) -> None:
    content = {
        "name": "example",
        "input": [{"format": "jsonl", "paths": ["a.jsonl"]}],
        "output": "out",
        **yaml.safe_load(example),
    }
    Recipe.model_validate(content)


def test_the_example_of_a_family_computes_what_it_declares() -> None:
    [example] = [block for page, block in blocks("python") if page.name == "add-a-signal.md"]
    names: dict[str, type] = {}
    exec(example, names)
    family = names["Questions"]()
    assert family.compute(TextView("Why?\nBecause.")) == {"questions.line_ratio": 0.5}
    assert family.compute(TextView("")) == {"questions.line_ratio": None}


@pytest.mark.parametrize("page", PAGES, ids=str)
def test_links_lead_somewhere(page: Path) -> None:
    for target in _LINK.findall(page.read_text(encoding="utf-8")):
        assert (page.parent / target).exists(), target


def test_the_plan_of_a_large_run_follows_from_what_was_measured() -> None:
    page = Path("docs/scaling.md").read_text(encoding="utf-8")
    [seconds_a_gigabyte] = re.findall(r"\*\*(\d+) CPU seconds\*\*", page)
    [dollars_a_core_hour] = re.findall(r"\$([\d.]+) together", page)
    cells = [[cell.strip() for cell in line.split("|")[1:-1]] for line in page.splitlines()]
    rows = {row[0]: row[1:] for row in cells if len(row) == 4}
    hours = [float(cell.replace(",", "")) for cell in rows["`score`: core-hours"]]
    expected = [int(seconds_a_gigabyte) * 1000 * terabytes / 3600 for terabytes in (1, 90, 100)]
    assert hours == pytest.approx(expected, rel=0.01)
    together = [float(cell.replace(",", "")) for cell in rows["together, core-hours"]]
    costs = [
        float(cell.rpartition("$")[2])
        for cell in rows["workers of 4 cores on Dataflow, and their cost"]
    ]
    assert costs == pytest.approx(
        [hour * float(dollars_a_core_hour) for hour in together], rel=0.01
    )
