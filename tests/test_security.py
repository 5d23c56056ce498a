"""Nothing that a user or a crawl supplies is run; what is written of it can do nothing."""

import ast
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipelines.cli import main

SOURCES = [
    path
    for folder in ("pipelines", "filters", "models", "training")
    for path in sorted(Path(folder).rglob("*.py"))
]
# Calls that make code or objects out of bytes.
FORBIDDEN = {
    *("eval", "exec", "compile", "__import__", "os.system", "os.popen"),
    *("pickle.load", "pickle.loads", "pickle.Unpickler", "marshal.load", "marshal.loads"),
    *("shelve.open", "joblib.load", "dill.load", "dill.loads", "cloudpickle.loads"),
    *("yaml.load", "yaml.load_all", "yaml.unsafe_load", "yaml.full_load", "torch.load"),
    *("tarfile.extractall", "zipfile.extractall", "shutil.unpack_archive"),
}


def calls(path: Path) -> Iterator[tuple[str, ast.Call]]:
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Call):
            yield ast.unparse(node.func), node


def test_no_source_makes_code_or_objects_of_data() -> None:
    assert len(SOURCES) > 100
    found = [
        f"{path}:{call.lineno}: {name}"
        for path in SOURCES
        for name, call in calls(path)
        if name in FORBIDDEN
        or name.endswith((".extractall", ".extract_all"))
        or any(
            keyword.arg in ("shell", "allow_pickle") and ast.unparse(keyword.value) != "False"
            for keyword in call.keywords
        )
    ]
    assert found == []


def test_the_search_finds_what_it_is_for(tmp_path: Path) -> None:
    path = tmp_path / "bad.py"
    path.write_text("import yaml\nyaml.load(x)\neval(y)\nsubprocess.run(z, shell=True)\n")
    assert [name for name, _ in calls(path) if name in FORBIDDEN] == ["yaml.load", "eval"]


@pytest.mark.parametrize(
    "tag",
    [
        "!!python/object/apply:os.system [touch {}]",
        "!!python/object/new:os.system [touch {}]",
        "!!python/name:os.system ''",
    ],
)
def test_a_recipe_can_make_no_object(
    tag: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    touched, recipe = tmp_path / "touched", tmp_path / "recipe.yaml"
    recipe.write_text(f"name: {tag.format(touched)}\n")
    assert main(["check", str(recipe)]) == 2
    assert main(["check", "configs/quickstart.yaml", "--set", f"name={tag.format(touched)}"]) == 2
    assert not touched.exists()
    for line in capsys.readouterr().err.splitlines():
        assert line.startswith("thresher: ")


HOSTILE = "</script><script>alert(1)</script><img src=x onerror=alert(1)>"


def test_markup_of_a_page_is_inert_in_the_report_and_the_card(tmp_path: Path) -> None:
    documents = [
        {
            "id": f"=cmd|'/c calc'!A{number}",
            "url": f"https://hostile.example/{number}?{HOSTILE}",
            "text": f"{HOSTILE} The ferry number {number} leaves at nine and comes back late.",
            "title": f"=HYPERLINK(1) {HOSTILE}",
        }
        for number in range(30)
    ]
    source, output = tmp_path / "in.jsonl", tmp_path / "out"
    source.write_text("".join(f"{json.dumps(of)}\n" for of in documents))
    recipe = tmp_path / "recipe.yaml"
    recipe.write_text(
        f"name: hostile\ninput: [{{format: jsonl, paths: [{source}]}}]\noutput: {output}\n"
        "signals: [length]\nrules: {length.characters: {min: 10}}\n"
    )
    assert main(["run", str(recipe)]) == 0
    page = (output / "report.html").read_text("utf-8")
    assert '"in":30' in page
    # Texts are packed in the page; what its script does with them is tested in a browser.
    for written in (page, (output / "README.md").read_text("utf-8")):
        assert "<script>alert" not in written
        assert "<img src=x" not in written


SECRET = "top-secret-0123456789"


def test_secrets_in_flags_are_written_nowhere(tmp_path: Path) -> None:
    source, output = tmp_path / "in.jsonl", tmp_path / "out"
    source.write_text(json.dumps({"text": "The ferry leaves at nine."}) + "\n")
    recipe = tmp_path / "recipe.yaml"
    recipe.write_text(
        f"name: secret\ninput: [{{format: jsonl, paths: [{source}]}}]\noutput: {output}\n"
        "signals: [length]\n"
    )
    arguments = [
        *(sys.executable, "-m", "pipelines.cli", "run", str(recipe)),
        *(f"--s3_secret_access_key={SECRET}", f"--s3_access_key_id={SECRET}"),
    ]
    for further in ([], ["--set", "input.0.format=nothing"], ["--no_such_flag"]):
        finished = subprocess.run([*arguments, *further], capture_output=True, check=False)
        assert finished.returncode == (2 if further else 0)
        assert SECRET.encode() not in finished.stdout + finished.stderr
    written = [path for path in output.rglob("*") if path.is_file()]
    assert len(written) > 5
    assert [path for path in written if SECRET.encode() in path.read_bytes()] == []
