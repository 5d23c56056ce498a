"""Mistakes of the user: one line that names the file or key and the remedy, and nothing written."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from pipelines.cli import main
from pipelines.counters import Counters

DOCUMENT = '{"id": "1", "text": "A short document."}\n'


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    Path("in.jsonl").write_text(DOCUMENT)
    Path("empty.bin").write_bytes(b"")
    Path("pg.csv").write_text("Text#,Title\n1,A book\n")
    Path("taken").write_text("a file where a folder is to be")
    Path("recipe.yaml").write_text(
        "name: small\n"
        "input:\n"
        "  - {format: jsonl, paths: [in.jsonl]}\n"
        "output: out\n"
        "rules:\n"
        "  language.score: {min: 0.5}\n"
    )
    return tmp_path


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ["run", "nothing.yaml"],
            "nothing.yaml: no such recipe; `ls configs/` shows those that come along",
        ),
        (
            ["run", "recipe.yaml", "--set", "input.0.paths=[missing/*.jsonl]"],
            "missing/*.jsonl: no such file (input.0.paths); give a file, a folder or a glob",
        ),
        (
            ["run", "recipe.yaml", "--set", "input.0.paths=[empty.bin]"],
            "empty.bin: the file is empty (input.0.paths); fetch or write it again, or leave it",
        ),
        (
            ["run", "empty.bin"],
            "empty.bin: a recipe is a mapping of keys; see configs/quickstart.yaml",
        ),
        (
            ["run", "recipe.yaml", "--set", "input.0.paths=['@missing.txt']"],
            "missing.txt: no such list of paths (input.0.paths)",
        ),
        (
            ["run", "recipe.yaml", "--set", "language.model=missing.bin"],
            "missing.bin: no such model file; check the recipe's model paths",
        ),
        (
            ["run", "recipe.yaml", "--set", "language.model=in.jsonl"],
            "in.jsonl: in.jsonl is no fastText model: it does not begin with fastText's number",
        ),
        (
            ["run", "recipe.yaml", "--set", "models.harmful.path=in.jsonl"],
            "in.jsonl: in.jsonl is no n-gram model: it is neither KenLM's binary nor an ARPA file",
        ),
        (
            ["run", "recipe.yaml", "--set", "gates.blocked_domains=missing.txt"],
            "missing.txt: no such file (gates.blocked_domains)",
        ),
        (
            ["run", "recipe.yaml", "--set", "gates.url=[ut1_gambling]"],
            "gates.url: `url_rules` has no `ut1_gambling`; there are: banned_subword_count, ",
        ),
        (
            ["run", "recipe.yaml", "--set", "gates.url=[x]", "--set", "signals=[length]"],
            "gates.url: nobody looks at URLs; add `url_rules` to `signals`",
        ),
        (
            ["run", "recipe.yaml", "--set", "signals=[{url_rules: {domains: missing.txt}}]"],
            "missing.txt: no such file or folder (signals.url_rules.domains)",
        ),
        (
            ["run", "recipe.yaml", "--set", "signals=[{url_rules: {domains: empty.bin}}]"],
            "empty.bin: no line of it names a domain or a page (signals.url_rules)",
        ),
        (
            ["run", "recipe.yaml", "--set", "output=taken/out"],
            "taken/out (output): can't be written: ",
        ),
        (
            ["run", "recipe.yaml", "--set", "rules.gofer.word_count.min=3"],
            "rules: no step computes `gofer.word_count`; did you mean `gopher.word_count`?",
        ),
        (
            ["run", "recipe.yaml", "--set", "rules.use=[gopher]", "--set", "signals=[length]"],
            "rules.use gopher: no step computes `gopher.word_count`; add `gopher_quality` to"
            " `signals`",
        ),
        (
            ["run", "recipe.yaml", "--set", "rules.use=[pangu]", "--set", "signals=[pangu]"],
            "rules.use pangu: no step computes `length.characters`; add `length` to `signals`",
        ),
        (
            ["run", "recipe.yaml", "--set", "buckets.decompose.shortest_remainder=48"],
            "recipe.yaml: `buckets`: decompose.shortest_remainder 48 is no power of two below ",
        ),
        (
            ["run", "recipe.yaml", "--set", "buckets.chapter_windows={16384: [9, 8]}"],
            "recipe.yaml: `buckets.chapter_windows`: 16384: the bounds 9 and 8 are out of order",
        ),
        (
            ["run", "recipe.yaml", "--set", "buckets.decompose.end_of_text=<none>"],
            "buckets.decompose.end_of_text: ",
        ),
        (
            [
                *("run", "recipe.yaml", "--set", "input.0.format=gutenberg"),
                *("--set", "input.0.public_domain_only=true"),
            ],
            "input.0.public_domain_only: needs a catalogue with rights",
        ),
        (
            [
                *("run", "recipe.yaml", "--set", "input.0.format=gutenberg"),
                *("--set", "input.0.public_domain_only=true", "--set", "input.0.catalogue=pg.csv"),
            ],
            "pg.csv (input.0.catalogue): has no rights, which public_domain_only needs",
        ),
        (
            ["run", "recipe.yaml", "--set", "dedup.prefer=[length.token]"],
            "dedup.prefer: no step computes `length.token`; did you mean `length.tokens`?",
        ),
        (
            ["run", "recipe.yaml", "--set", "rules.language.code.min=3"],
            "rules: `language.code` is a string, and a rule needs a number",
        ),
        (
            ["run", "recipe.yaml", "--set", "rules.quality.score.min=0.3"],
            "rules: no step computes `quality.score`; give a model as models.quality.path",
        ),
        (
            ["run", "recipe.yaml", "--set", "dedup.prefer=[language.code]"],
            "dedup.prefer: `language.code` is a string, not a number",
        ),
        (
            ["run", "recipe.yaml", "--set", "sample={signal: quality.score, policy: pareto}"],
            "sample.signal: no step computes `quality.score`; give a model as models.quality.path",
        ),
        (
            ["run", "recipe.yaml", "--set", "sample={signal: language.code, policy: pareto}"],
            "sample.signal: `language.code` is a string, and a sample needs a number",
        ),
        (
            ["run", "recipe.yaml", "--set", "sample={signal: length.tokens, policy: pareto}"],
            "sample.policy: pareto takes the score for a share from 0 to 1, and `length.tokens` is"
            " in tokens; take `top_share`, or `proportional` with a `share`",
        ),
        (
            ["run", "recipe.yaml", "--against", "earlier/index"],
            "earlier/index (dedup.against.0): no Parquet file there; give the `index`",
        ),
        (
            ["run", "recipe.yaml", "--set", "dedup.bands=15"],
            "recipe.yaml: `dedup`: 15 bands of 8 rows need 120 permutations; `permutations` is 112",
        ),
        (
            ["run", "recipe.yaml", "--set", "dedup={threshold: 0.8, rows: 4}"],
            "recipe.yaml: `dedup`: give `threshold`, or `bands` and `rows`, not both",
        ),
        (
            ["run", "recipe.yaml", "--set", "dedup={near: false, exact: []}"],
            "recipe.yaml: `dedup`: `near: false` with `exact: []` finds nothing; say `dedup: null`",
        ),
        (
            ["run", "recipe.yaml", "--set", "dedup.min_similarity=0.8"],
            "recipe.yaml: `dedup`: `min_similarity` needs `verify: estimated` or `verify: exact`",
        ),
        (
            ["passages", "recipe.yaml", "--set", "passages.unit=line"],
            "out: nothing there from `score`; first: thresher score RECIPE",
        ),
        (
            ["run", "recipe.yaml", "--set", "gates.languages=[english]"],
            "gates.languages: lid.176 knows no `english`",
        ),
        (
            ["run", "recipe.yaml", "--runner=SparkRuner"],
            "--runner SparkRuner: no such runner; did you mean `SparkRunner`?",
        ),
        (
            ["run", "recipe.yaml", "--set", "runner=sparc"],
            "--runner sparc: no such runner; did you mean `spark`?",
        ),
        (
            ["run", "recipe.yaml", "--worker=2"],
            "--worker=2: neither thresher nor Beam knows this option; did you mean `--workers`?",
        ),
        (
            ["run", "recipe.yaml", "--set", "out=x"],
            "recipe.yaml: unknown key `out`; did you mean `output`?",
        ),
        (
            ["run", "recipe.yaml", "--no-such-option=1"],
            "--no-such-option=1: neither thresher nor Beam knows this option",
        ),
        (
            ["run", "recipe.yaml", "--runner=SparkRunner", "--workers=2"],
            "--workers is for the local runner; SparkRunner takes Beam's own options",
        ),
        (
            ["dedup", "recipe.yaml"],
            "out: nothing there from `score`; first: thresher score RECIPE",
        ),
        (
            ["select", "recipe.yaml"],
            "out: nothing there from `score`; first: thresher score RECIPE",
        ),
    ],
)
def test_a_mistake_is_told_in_one_line(
    folder: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], message: str
) -> None:
    assert main(arguments) == 2
    told = capsys.readouterr()
    assert told.out == ""
    assert told.err.startswith(f"thresher: {message}")
    assert told.err.count("\n") == 1
    assert sorted(path.name for path in folder.iterdir()) == [
        "empty.bin",
        "in.jsonl",
        "pg.csv",
        "recipe.yaml",
        "taken",
    ]


@pytest.mark.parametrize("kind", ["jsonl", "warc", "gutenberg", "parquet"])
def test_an_empty_file_among_others_is_counted_and_the_run_goes_on(
    folder: Path, capsys: pytest.CaptureFixture[str], kind: str
) -> None:
    Path("dumps").mkdir()
    Path("dumps/empty").write_bytes(b"")
    Path("dumps/other").write_bytes(b"\0\1\2 neither a dump nor empty" * 20)
    arguments = ["--set", f"input=[{{format: {kind}, paths: [dumps]}}]"]
    exit_code = main(["score", "recipe.yaml", *arguments, "--set", "limits.max_error_rate=1"])
    assert "Traceback" not in capsys.readouterr().err
    assert exit_code == 0
    manifest = json.loads(Path("out/manifests/score.json").read_text())
    counters = Counters.from_json(manifest["counters"])
    assert counters.balanced
    assert counters.written == 0
    # JSONL of no lines is a good file without documents; the other formats are never empty.
    assert counters.read == {"jsonl": 1, "warc": 2, "gutenberg": 2, "parquet": 2}[kind]


def test_an_unwritable_output_is_refused_without_a_traceback(folder: Path) -> None:
    finished = subprocess.run(
        [sys.executable, "-m", "pipelines.cli", "run", "recipe.yaml", "--set", "output=/proc/out"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert finished.returncode == 2
    assert finished.stderr.startswith("thresher: /proc/out (output): can't be written: ")
    assert finished.stderr.count("\n") == 1


def test_check_prints_the_plan_and_writes_nothing(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["check", "recipe.yaml"]) == 0
    told = capsys.readouterr().out
    assert "recipe:  small, valid\n" in told
    assert "input:   1 files, 0.0 MB, in 1 shards\n" in told
    assert "language.score" in told
    assert not Path("out").exists()


def test_signals_lists_every_signal_once(capsys: pytest.CaptureFixture[str]) -> None:
    from pipelines.document_scorer import declared_families

    assert main(["signals"]) == 0
    told = capsys.readouterr().out
    names = [signal.name for family in declared_families() for signal in family.signals]
    assert len(set(names)) == len(names)
    for name in names:
        assert told.count(f" {name} ") == 1, name


def test_the_page_of_signals_is_made_from_the_declarations(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["signals", "--markdown"]) == 0
    assert Path("docs/signals.md").read_text(encoding="utf-8") == capsys.readouterr().out


def test_help_and_version_are_quick_to_come() -> None:
    code = "import sys, pipelines.cli; print('apache_beam' in sys.modules)"
    told = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout
    assert told == "False\n"
