import hashlib
import re
import subprocess
import sys
import zipfile
from pathlib import Path

from pipelines.runners import pipeline_options


def locked() -> dict[str, str]:
    lines = Path("requirements.txt").read_text().splitlines()
    return dict(
        re.findall(r"^([a-z0-9.-]+)(?:\[[a-z,]+\])?==(\S+)", "\n".join(lines), re.MULTILINE)
    )


def test_the_image_has_the_locked_beam() -> None:
    [image] = re.findall(r"^ARG BEAM_VERSION=(.+)$", Path("Dockerfile").read_text(), re.MULTILINE)
    assert image == locked()["apache-beam"]


def test_locks_carry_hashes_and_no_address() -> None:
    for name in ("requirements.txt", "requirements-dev.txt"):
        text = Path(name).read_text()
        pins = re.findall(r"^[a-z0-9.-]+\S*==.*\\$", text, re.MULTILINE)
        assert len(pins) > 50
        assert text.count("--hash=sha256:") >= len(pins)
        assert "://" not in text


def test_the_wheel_holds_code_models_and_templates_and_runs_elsewhere(tmp_path: Path) -> None:
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)],
        check=True,
        capture_output=True,
    )
    [wheel] = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        archive.extractall(tmp_path / "installed")
    assert {
        "filters/data/advertisement_keywords_zh.txt",
        "filters/data/sensitive_words_zh.tsv",
        "models/data/lid.176.ftz",
        "models/data/tokenizer.json",
        "pipelines/templates/report.html",
        "pipelines/templates/report.css",
        "pipelines/templates/page/main.js",
        "pipelines/templates/charts/d3.min.js",
        "pipelines/templates/charts/LICENSE-d3.txt",
        "pipelines/templates/charts/plot.umd.min.js",
        "pipelines/templates/charts/LICENSE-plot.txt",
    } <= set(names)
    packages = {name.partition("/")[0] for name in names if ".dist-info" not in name}
    assert packages == {"filters", "models", "pipelines", "training"}
    code = (
        "from pipelines.sandbox import ExtractionSandbox\n"
        "import pipelines\n"
        "with ExtractionSandbox() as sandbox:\n"
        "    page = b'<html><body><p>Read in a process of its own.</p></body></html>'\n"
        "    print(pipelines.__file__, sandbox.extract(page, charset=None).text)\n"
    )
    told = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env={"PYTHONPATH": str(tmp_path / "installed")},
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert told == f"{tmp_path}/installed/pipelines/__init__.py Read in a process of its own.\n"


def test_beam_flags_of_every_runner_pass_through() -> None:
    flags = ["--project=p", "--region=europe-west4", "--temp_location=gs://b/t", "--streaming"]
    options = pipeline_options(runner="DataflowRunner", workers=None, flags=flags, total_bytes=0)
    told = options.get_all_options()
    assert (told["runner"], told["project"], told["streaming"]) == ("DataflowRunner", "p", True)


def test_the_chart_library_is_the_one_that_its_authors_published() -> None:
    folder = Path("pipelines/templates/charts")
    rows = re.findall(
        r"^\| (\S+\.js) .* ([0-9a-f]{64}) \|$", (folder / "README.md").read_text(), re.M
    )
    assert {name for name, _ in rows} == {path.name for path in folder.glob("*.js")}
    for name, digest in rows:
        assert hashlib.sha256((folder / name).read_bytes()).hexdigest() == digest
