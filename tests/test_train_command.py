import json
from collections.abc import Sequence
from pathlib import Path

import pyarrow.dataset as ds
import pytest

from models import harmful_training
from models.classifier import ClassifierSettings, train_classifier
from pipelines.cli import main

ROWS = [
    {"text": text.format(word=word, number=number), "label": 1, "site": site}
    for site, text in (
        ("a", "you idiot {word} get out now {number}"),
        ("b", "go home {word} said number {number} of all you idiot people"),
    )
    for number, word in enumerate(["moron", "scum", "fool"] * 8)
] + [
    {"text": text.format(word=word, number=number), "label": 0, "site": site}
    for site, text in (
        ("a", "the {word} opens on day {number} of the week"),
        ("b", "day {number} was a quiet one in our {word} by the river"),
    )
    for number, word in enumerate(["garden", "library", "market"] * 8)
]


@pytest.fixture
def labelled(tmp_path: Path) -> str:
    path = tmp_path / "labelled.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in ROWS))
    return str(path)


@pytest.fixture
def small_classifier(monkeypatch: pytest.MonkeyPatch) -> None:
    """A few rows of text fill no hundred thousand vectors, and quantising those takes seconds."""
    small = ClassifierSettings(buckets=1_000, quantise=False)

    def train(texts: Sequence[tuple[str, bool]], into: Path, _: ClassifierSettings) -> None:
        train_classifier(texts, into, small)

    monkeypatch.setattr(harmful_training, "train_classifier", train)


@pytest.mark.lmplz
@pytest.mark.usefixtures("small_classifier")
def test_a_trained_model_scores_documents(tmp_path: Path, labelled: str) -> None:
    into = str(tmp_path / "harmful")
    assert main(["train", "harmful", labelled, "--source", "site", "--into", into]) == 0
    quality = str(tmp_path / "quality")
    arguments = ["--positive", "0", "--into", quality, "--language", "en"]
    assert main(["train", "quality", labelled, *arguments]) == 0
    good = str(tmp_path / "reference")
    sizes = ["--order", "2", "--vocabulary", "60"]
    assert main(["train", "reference", labelled, "--into", good, *sizes]) == 0
    recipe = tmp_path / "recipe.yaml"
    recipe.write_text(
        f"name: mine\ninput:\n  - {{format: jsonl, paths: [{labelled}]}}\noutput: {tmp_path}/out\n"
        f"models: {{harmful: {into}, quality: {quality}, reference: {good}}}\n"
        "rules:\n  harmful.score: {max: 0.5}\n  quality.score: {min: 0.1}\n"
        "  reference.perplexity: {max: 1000}\n"
    )
    assert main(["check", str(recipe)]) == 0


@pytest.mark.lmplz
@pytest.mark.usefixtures("small_classifier")
def test_a_scored_crawl_says_what_is_harmful(tmp_path: Path) -> None:
    """As in the paper: the pages whose address is on UT1's list of adult sites are trained on."""
    (tmp_path / "adult").mkdir()
    (tmp_path / "adult/domains").write_text("adult.example\n")
    pages = [
        {"text": row["text"], "url": f"https://{host}/{number}"}
        for number, row in enumerate(ROWS)
        for host in [("www.adult.example" if row["label"] else "garden.example")]
    ]
    (tmp_path / "crawl.jsonl").write_text("".join(json.dumps(page) + "\n" for page in pages))
    recipe = tmp_path / "recipe.yaml"
    recipe.write_text(
        f"name: crawl\ninput:\n  - {{format: jsonl, paths: [{tmp_path}/crawl.jsonl]}}\n"
        f"output: {tmp_path}/out\ndedup: null\n"
        f"signals: [{{url_rules: {{ut1: {tmp_path}, categories: [adult]}}}}]\n"
    )
    assert main(["score", str(recipe), "--workers", "1"]) == 0
    scored = [str(path) for path in (tmp_path / "out/scored").glob("*.parquet")]
    into = f"{tmp_path}/harmful"
    assert main(["train", "harmful", *scored, "--where", "url.ut1_adult", "--into", into]) == 0
    again = ["--set", f"models.harmful={into}", "--set", f"output={tmp_path}/again"]
    assert main(["score", str(recipe), "--workers", "1", *again]) == 0
    rows = ds.dataset(tmp_path / "again/scored").to_table().to_pylist()
    scores = {
        harmful: [row["harmful.score"] for row in rows if row["url.ut1_adult"] is harmful]
        for harmful in (True, False)
    }
    assert (len(scores[True]), len(scores[False])) == (48, 48)
    assert min(scores[True]) > max(scores[False])


@pytest.mark.lmplz
@pytest.mark.usefixtures("small_classifier")
def test_the_figures_of_a_source_that_was_not_seen(
    labelled: str, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    sweep = tmp_path / "sweep.csv"
    general = tmp_path / "general.jsonl"
    general.write_text("".join(f'{{"text": "rain fell on town {n} today"}}\n' for n in range(40)))
    plot = tmp_path / "sweep.svg"
    options = ["--source", "site", "--general", str(general), "--sweep", str(sweep)]
    options += ["--plot", str(plot)]
    assert main(["evaluate", "harmful", labelled, *options]) == 0
    told = capsys.readouterr().out
    assert "unseen source, both" in told
    assert sweep.read_text().startswith("protocol,source,unit,score,threshold,precision,recall,f1,")
    assert "telling_ratio: same sources, both classes, all, sentence" in plot.read_text()


@pytest.mark.lmplz
def test_perplexity_of_good_text_that_was_not_seen(
    labelled: str, capsys: pytest.CaptureFixture[str]
) -> None:
    options = ["--positive", "0", "--source", "site", "--order", "2", "--vocabulary", "60"]
    assert main(["evaluate", "reference", labelled, *options]) == 0
    told = [line.split() for line in capsys.readouterr().out.splitlines() if "│" in line]
    assert [(row[1], row[3]) for row in told] == [("a", "24"), ("b", "24")]


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--label", "toxic"], "labelled.jsonl: no column `toxic`; it has text, label, site"),
        (["--positive", "7"], "train quality: the training set has one class only"),
        (["--general", "missing.csv"], "missing.csv: can't be read"),
    ],
)
def test_mistakes_are_told_in_one_line(
    labelled: str,
    arguments: list[str],
    told: str,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
) -> None:
    into = str(tmp_path / "quality")
    assert main(["train", "quality", labelled, "--into", into, *arguments]) == 2
    error = capsys.readouterr().err
    assert told in error
    assert error.count("\n") == 1
