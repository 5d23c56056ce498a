"""The main job as a user runs it: the command over the sample that comes along."""

import csv
import json
import os
import shutil
from pathlib import Path
from typing import Any, BinaryIO

import duckdb
import pyarrow.dataset as ds
import pyarrow.parquet as pq
import pytest
from datasets import load_dataset

from pipelines import storage
from pipelines.cli import main
from pipelines.manifest import StageRecords

RECIPE = "configs/quickstart.yaml"
STAGES = ("score", "dedup", "report", "select")


def counters(output: Path) -> dict[str, dict[str, object]]:
    return {
        stage: json.loads((output / "manifests" / f"{stage}.json").read_text())["counters"]
        for stage in STAGES
    }


def run(output: Path, *overrides: str) -> int:
    settings = [f"output={output}", *overrides]
    return main(["run", RECIPE, *(flag for setting in settings for flag in ("--set", setting))])


def stage_lines(told: str) -> dict[str, str]:
    """What the table of stages says of each stage in its last column."""
    rows = [line.split("│") for line in told.splitlines() if line.startswith("│ ")]
    return {row[1].strip(): row[6].strip() for row in rows if len(row) == 8}


def content(output: Path) -> dict[str, bytes]:
    """Every data file of an output by its path."""
    return {
        str(path.relative_to(output)): path.read_bytes()
        for path in sorted(output.rglob("*"))
        if path.is_file() and path.relative_to(output).parts[0] != "manifests"
    }


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    output = tmp_path_factory.mktemp("quickstart") / "out"
    assert run(output) == 0
    return output


@pytest.fixture
def copied(finished: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(finished, tmp_path / "out"))


def test_every_document_is_accounted_for(finished: Path) -> None:
    assert counters(finished) == {
        "score": {
            "in": 149,
            "out": 140,
            "gated": {
                "empty": 1,
                "http_status.301": 1,
                "http_status.404": 1,
                "http_status.500": 1,
                "media_type.application/json": 1,
                "media_type.image/png": 1,
                "no_text": 1,
            },
            "errors": {"read.DamagedMember": 1, "read.TruncatedHttpHeader": 1},
        },
        "dedup": {
            "in": 140,
            "out": 116,
            "gated": {"near_duplicate": 20, "same_text": 4},
            "errors": {},
        },
        "report": {"in": 140, "out": 140, "gated": {}, "errors": {}},
        "select": {
            "in": 140,
            "out": 92,
            "gated": {"near_duplicate": 19, "rules": 25, "same_text": 4},
            "errors": {},
        },
    }


def test_the_corpus_holds_one_copy_of_each_article_and_every_book(finished: Path) -> None:
    with Path("configs/quickstart/sample/labels.tsv").open(newline="") as file:
        labels = list(csv.DictReader(file, delimiter="\t"))
    of_url = {row["url"]: row for row in labels}
    kept = ds.dataset(finished / "corpus").to_table(columns=["url", "source"]).to_pylist()
    books = [row for row in kept if "/books/" in row["source"]]
    articles = sorted(
        of_url[row["url"]]["cluster"] or row["url"]
        for row in kept
        if row["url"] in of_url and of_url[row["url"]]["kind"] == "article"
    )
    expected = {row["cluster"] or row["url"] for row in labels if row["kind"] == "article"}
    assert articles == sorted(expected)
    assert len(books) == 6


def test_the_corpus_opens_with_what_people_use(finished: Path, tmp_path: Path) -> None:
    corpus = str(finished / "corpus")
    assert ds.dataset(corpus, partitioning="hive").count_rows() == 92
    query = f"SELECT bucket, count(*) FROM '{corpus}/**/*.parquet' GROUP BY 1 ORDER BY 1"
    by_bucket = duckdb.execute(query).fetchall()
    assert by_bucket == [(256, 3), (512, 68), (1024, 15), (2048, 6)]
    loaded = load_dataset("parquet", data_dir=corpus, split="train", cache_dir=str(tmp_path))
    assert loaded.num_rows == 92
    assert {"id", "text", "url", "gopher.word_count", "language.code"} <= set(loaded.column_names)
    by_card = load_dataset(str(finished), cache_dir=str(tmp_path), split="train")
    bucket = load_dataset(str(finished), "bucket_512", cache_dir=str(tmp_path), split="train")
    assert (by_card.num_rows, bucket.num_rows) == (92, 68)


def test_buckets_hold_what_their_names_say(finished: Path) -> None:
    for path in (finished / "corpus").rglob("*.parquet"):
        bucket = int(path.parent.name.removeprefix("bucket="))
        lengths = pq.read_table(path)["length.tokens"].to_pylist()
        assert all(length <= bucket for length in lengths)
        assert bucket == 256 or all(length > bucket // 2 for length in lengths)


def test_the_manifest_says_where_every_file_came_from(finished: Path) -> None:
    for stage in STAGES:
        manifest = json.loads((finished / "manifests" / f"{stage}.json").read_text())
        assert manifest["recipe"]["name"] == "quickstart"
        for shard in manifest["shards"]:
            for file in shard["files"]:
                path = finished / file["path"]
                assert path.stat().st_size == file["bytes"]
                if path.suffix == ".parquet":
                    assert pq.read_metadata(path).num_rows == file["rows"]
    score = json.loads((finished / "manifests/score.json").read_text())
    inputs = [file["path"] for shard in score["shards"] for file in shard["inputs"]]
    sample = Path("configs/quickstart/sample")
    expected = [*sample.glob("*.gz"), *(sample / "books").iterdir()]
    assert sorted(inputs) == sorted(map(str, expected))
    assert all(len(digest) == 64 for digest in score["models_and_lists"].values())


def test_errors_name_the_place_and_the_reason(finished: Path) -> None:
    lines = [
        json.loads(line)
        for path in (finished / "errors/score").glob("*.jsonl")
        for line in path.read_text().splitlines()
    ]
    told = {line["exception"]: line for line in lines}
    assert set(told) == {"DamagedMember", "TruncatedHttpHeader"}
    for line in lines:
        assert line["source"] == "configs/quickstart/sample/pages.warc.gz"
        assert line["offset"] > 0
        assert line["message"]


def test_a_rerun_does_nothing_and_says_so(copied: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = {path: path.stat().st_mtime_ns for path in copied.rglob("*") if path.is_file()}
    assert run(copied) == 0
    assert capsys.readouterr().out == (
        f"quickstart: nothing to do, {copied} is up to date\nreport:  {copied}/report.html\n"
    )
    assert {path: path.stat().st_mtime_ns for path in copied.rglob("*") if path.is_file()} == before


def test_another_threshold_repeats_select_alone(
    copied: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(copied, "rules.gopher.word_count.min=300") == 0
    assert stage_lines(capsys.readouterr().out) == {
        "score": "up to date",
        "dedup": "up to date",
        "report": "up to date",
        "select": "",
    }
    kept = ds.dataset(copied / "corpus").to_table(columns=["gopher.word_count"])
    assert 0 < kept.num_rows < 92
    assert min(kept["gopher.word_count"].to_pylist()) >= 300
    page = json.loads((copied / "report.json").read_text())
    [rule] = [rule for rule in page["rules"] if rule["signal"] == "gopher.word_count"]
    assert rule["min"] == 300


def test_a_top_share_repeats_select_alone_and_says_its_threshold(
    copied: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = ds.dataset(copied / "corpus").to_table(columns=["length.tokens"])
    sample = "sample={signal: length.tokens, policy: top_share, share: 0.25}"
    assert run(copied, sample) == 0
    told = capsys.readouterr().out
    assert stage_lines(told) == {
        "score": "up to date",
        "dedup": "up to date",
        "report": "up to date",
        "select": "",
    }
    lengths = sorted(before["length.tokens"].to_pylist(), reverse=True)
    least = lengths[-(-len(lengths) // 4) - 1]
    kept = ds.dataset(copied / "corpus").to_table(columns=["length.tokens"])
    expected = [tokens for tokens in lengths if tokens >= least]
    assert sorted(kept["length.tokens"].to_pylist(), reverse=True) == expected
    left_out = len(lengths) - len(expected)
    assert f"left out by the sample: {left_out}, those with length.tokens below {least}\n" in told
    manifest = json.loads((copied / "manifests/select.json").read_text())
    assert manifest["sample"]["least"] == least
    assert manifest["counters"]["gated"]["length.tokens.top_share"] == left_out
    assert main(["verify", str(copied)]) == 0


@pytest.mark.parametrize("command", ["run", "select"])
def test_pages_of_an_earlier_selection_do_not_outlive_a_cut(
    command: str, copied: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def cut(*_: object) -> None:
        raise KeyboardInterrupt

    arguments = [command, RECIPE, "--set", f"output={copied}"]
    arguments += ["--set", "rules.gopher.word_count.min=300"]
    with monkeypatch.context() as patch:
        patch.setattr("pipelines.report.write_page", cut)
        assert main(arguments) == 130
    assert main(arguments) == 0
    page = json.loads((copied / "report.json").read_text())
    [rule] = [rule for rule in page["rules"] if rule["signal"] == "gopher.word_count"]
    assert rule["min"] == 300


def test_a_changed_input_is_scored_again_and_a_removed_one_goes(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    books = Path(shutil.copytree("configs/quickstart/sample/books", tmp_path / "books"))
    inputs = f"input=[{{format: gutenberg, paths: [{books}]}}]"
    output = tmp_path / "out"
    assert run(output, inputs) == 0
    assert counters(output)["select"]["out"] == 6
    (books / "90004.txt").unlink()
    assert run(output, inputs) == 0
    assert counters(output)["select"]["out"] == 5
    assert "up to date" not in stage_lines(capsys.readouterr().out).values()
    assert ds.dataset(output / "corpus").count_rows() == 5
    assert ds.dataset(output / "scored").count_rows() == 5


def test_a_changed_list_is_scored_again_and_a_gate_counts_its_reason(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sentence = "The ferry leaves at nine and comes back before the evening tide."
    documents = [
        {"text": sentence, "url": "https://www.harbour.example/ferry"},
        {"text": sentence, "url": "https://spam.example/ferry"},
        {"text": sentence, "url": "https://harbour.example/xxx"},
    ]
    (tmp_path / "in.jsonl").write_text("".join(f"{json.dumps(of)}\n" for of in documents))
    words, domains, output = tmp_path / "words", tmp_path / "domains.txt", tmp_path / "out"
    words.mkdir()
    (words / "en").write_text("gale\n")
    domains.write_text("spam.example\n")
    overrides = [
        f"input=[{{format: jsonl, paths: [{tmp_path}/in.jsonl]}}]",
        f"signals=[{{banned_words: {{lists: {words}}}}}, {{url_rules: {{domains: {domains}}}}}]",
        "gates.url=[blocked_domain, banned_word_count]",
        "rules={use: [c4_banned_words]}",
    ]
    assert run(output, *overrides) == 0
    gated = {"url.banned_word_count": 1, "url.blocked_domain": 1}
    assert counters(output)["score"] == {"in": 3, "out": 1, "gated": gated, "errors": {}}
    assert counters(output)["select"]["out"] == 1
    lists = {str(words), str(domains)}
    assert lists < set(
        json.loads((output / "manifests/score.json").read_text())["models_and_lists"]
    )
    (words / "en").write_text("ferry\n")
    assert run(output, *overrides) == 0
    assert counters(output)["select"]["gated"] == {"rules": 1}
    [row] = ds.dataset(output / "scored").to_table().to_pylist()
    assert {name: row[name] for name in row if name.startswith("banned_words.")} == {
        "banned_words.count": 1,
        "banned_words.distinct_count": 1,
        "banned_words.character_ratio": 5 / len(sentence),
    }
    assert "up to date" not in stage_lines(capsys.readouterr().out).values()


def test_finished_shards_survive_a_run_that_was_cut(copied: Path) -> None:
    whole = content(copied)
    records = StageRecords(str(copied), "score")
    shards = [record.name for record in records.all_shards()]
    assert len(shards) > 1
    lost, kept = shards[0], shards[1:]
    Path(records.manifest_path).unlink()
    Path(records.shard_path(lost)).unlink()
    (copied / f"scored/{lost}.parquet").write_bytes(b"half")
    scored = {name: (copied / f"scored/{name}.parquet").stat().st_mtime_ns for name in kept}
    assert run(copied) == 0
    assert content(copied) == whole
    assert {name: (copied / f"scored/{name}.parquet").stat().st_mtime_ns for name in kept} == scored


def test_finished_shards_of_every_stage_survive_a_cut_before_its_manifest(copied: Path) -> None:
    overrides = ["--set", f"output={copied}", "--set", "passages={unit: line}"]
    assert main(["passages", RECIPE, *overrides]) == 0
    for stage in ("score", "dedup", "passages", "select"):
        records = StageRecords(str(copied), stage)
        times = {path: path.stat().st_mtime_ns for path in (copied / "manifests" / stage).iterdir()}
        assert times
        Path(records.manifest_path).unlink()
        assert main([stage, RECIPE, *overrides]) == 0
        assert Path(records.manifest_path).exists()
        assert {path: path.stat().st_mtime_ns for path in times} == times


def test_worker_processes_give_the_same_bytes(finished: Path, tmp_path: Path) -> None:
    output = tmp_path / "out"
    assert main(["run", RECIPE, "--set", f"output={output}", "--workers", "2"]) == 0
    assert content(output) == content(finished)


def test_the_stages_one_by_one_give_what_run_gives(finished: Path, tmp_path: Path) -> None:
    output = tmp_path / "out"
    for stage in STAGES:
        assert main([stage, RECIPE, "--set", f"output={output}"]) == 0
    assert content(output) == content(finished)


def test_the_duplicates_of_changed_scores_are_not_used(
    copied: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = ["--set", f"output={copied}", "--set", "gates.languages=[en]"]
    assert main(["score", RECIPE, *settings]) == 0
    capsys.readouterr()
    assert main(["select", RECIPE, *settings]) == 2
    assert capsys.readouterr().err == (
        f"thresher: {copied}: the scores or the `dedup` settings have changed since `dedup` ran;"
        " first: thresher dedup RECIPE\n"
    )


def test_learned_scores_are_computed_where_the_recipe_gives_a_model(
    tmp_path: Path, harmful_model: str, quality_model: str
) -> None:
    output = tmp_path / "out"
    assert (
        run(
            output,
            f"models.harmful.path={harmful_model}",
            f"models.quality={quality_model}",
            "rules.quality.score={min: 0.5, keep_null: false}",
        )
        == 0
    )
    scored = ds.dataset(output / "scored").to_table()
    assert scored["harmful.perplexity"].null_count == scored["quality.score"].null_count == 0
    kept = ds.dataset(output / "corpus").to_table()
    assert 0 < kept.num_rows < scored.num_rows
    assert min(kept["quality.score"].to_pylist()) >= 0.5
    models = json.loads((output / "manifests/score.json").read_text())["models_and_lists"]
    assert {harmful_model, quality_model} <= set(models)


def test_more_errors_than_allowed_fail_the_stage_at_its_end(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(tmp_path / "out", "limits.max_error_rate=0.01") == 1
    assert capsys.readouterr().err == (
        "thresher: score: 1.3% of the records are errors, more than limits.max_error_rate 1.0%;"
        f" see {tmp_path}/out/errors/score\n"
    )


def test_outputs_that_are_gone_are_made_again(copied: Path) -> None:
    whole = content(copied)
    shutil.rmtree(copied / "corpus")
    (copied / "report.html").unlink()
    next((copied / "scored").iterdir()).unlink()
    assert run(copied) == 0
    assert content(copied) == whole


def test_a_selection_cut_before_its_record_leaves_nothing_of_itself(copied: Path) -> None:
    whole = content(copied)
    # What a run with other rules wrote before it was killed: files, and no record of them.
    records = StageRecords(str(copied), "select")
    Path(records.manifest_path).unlink()
    for record in records.all_shards():
        Path(records.shard_path(record.name)).unlink()
        stray = copied / f"corpus/bucket=4096/{record.name}.parquet"
        stray.parent.mkdir(exist_ok=True)
        stray.write_bytes(b"of another selection")
    assert run(copied) == 0
    assert content(copied) == whole
    assert not (copied / "corpus/bucket=4096").exists()


def test_without_dedup_no_duplicate_is_dropped_and_no_cluster_is_left(copied: Path) -> None:
    assert run(copied, "dedup=null") == 0
    assert counters_of(copied, "select")["gated"] == {"rules": 25}
    assert not (copied / "clusters").exists()
    assert not (copied / "manifests/dedup.json").exists()


def counters_of(output: Path, stage: str) -> dict[str, Any]:
    content = json.loads((output / "manifests" / f"{stage}.json").read_text())
    return dict(content["counters"])


def test_another_number_of_partitions_changes_nothing(
    copied: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(copied, "dedup.partitions=3") == 0
    assert "nothing to do" in capsys.readouterr().out


def test_scores_made_with_other_settings_are_not_used(
    copied: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = ["--set", f"output={copied}", "--set", "dedup.permutations=160"]
    for stage in ("dedup", "report", "select"):
        assert main([stage, RECIPE, *settings]) == 2
        assert "first: thresher score RECIPE" in capsys.readouterr().err
    assert run(copied) == 0


def test_an_output_of_something_else_is_refused(
    copied: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = content(copied)
    assert run(copied, "name=other", "gates.min_characters=2") == 2
    assert "holds the output of the recipe quickstart" in capsys.readouterr().err
    assert content(copied) == before
    foreign = tmp_path / "foreign"
    (foreign / "corpus").mkdir(parents=True)
    (foreign / "corpus/mine.parquet").write_bytes(b"mine")
    assert run(foreign) == 2
    assert "no run of thresher wrote this" in capsys.readouterr().err
    books = Path(shutil.copytree("configs/quickstart/sample/books", tmp_path / "books"))
    inputs = f"input=[{{format: gutenberg, paths: [{books}]}}]"
    assert run(books / "out", inputs) == 2
    assert "lies in the input" in capsys.readouterr().err


def test_a_full_disk_is_told_in_one_line_and_a_rerun_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def full(self: object, row: object, *, size: int = 0) -> None:
        raise OSError(28, "No space left on device")

    output = tmp_path / "out"
    with monkeypatch.context() as patch:
        patch.setattr("pipelines.shard_files.ParquetFile.add", full)
        assert run(output) == 1
    told = capsys.readouterr().err
    assert told.count("\n") == 1
    assert told.startswith("thresher: score: ")
    assert "No space left on device" in told
    assert run(output) == 0
    assert counters(output)["select"]["out"] == 92


@pytest.mark.parametrize("fate", ["gone", "changed"])
def test_an_input_that_goes_or_changes_while_it_is_read_ends_the_stage_and_a_rerun_is_right(
    fate: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    books = Path(shutil.copytree("configs/quickstart/sample/books", tmp_path / "books"))
    inputs = f"input=[{{format: gutenberg, paths: [{books}]}}]"
    book, output = books / "90004.txt", tmp_path / "out"
    expected = tmp_path / "expected"
    assert run(expected, inputs) == 0
    text = book.read_bytes()
    times = book.stat().st_atime_ns, book.stat().st_mtime_ns
    opened = storage.open_stored

    def disturbed(path: str) -> BinaryIO:
        if path == str(book) and fate == "gone":
            book.unlink()
        elif path == str(book):
            book.write_bytes(text[:-1])
        return opened(path)

    with monkeypatch.context() as patch:
        patch.setattr(storage, "open_stored", disturbed)
        capsys.readouterr()
        assert run(output, inputs) == 1
    told = capsys.readouterr().err
    assert told.count("\n") == 1
    assert f"has {fate} since the run listed it: '{book}'; what is finished stays" in told
    assert not (output / "manifests/score.json").exists()
    book.write_bytes(text)
    os.utime(book, ns=times)
    assert run(output, inputs) == 0
    assert content(output) == content(expected)


def test_why_a_document_was_dropped_and_which_copy_stayed(finished: Path) -> None:
    text = Path("docs/run-locally.md").read_text()
    queries = text.partition("```sql\n")[2].partition("```")[0].split(";")
    answers = [
        duckdb.execute(query.replace("out/quickstart", str(finished))).fetchall()
        for query in queries
        if query.strip()
    ]
    assert len(answers) == 4
    rejected, _, _, kept = answers
    assert [row[-1] for row in rejected if row[-1] == ["near_duplicate"]]
    assert len({row[0] for row in kept}) >= 1


def test_what_an_earlier_corpus_has_is_left_out(finished: Path, tmp_path: Path) -> None:
    index = ds.dataset(finished / "index").to_table()
    corpus = ds.dataset(finished / "corpus").to_table(columns=["id"])
    assert sorted(index["id"].to_pylist()) == sorted(corpus["id"].to_pylist())
    output = tmp_path / "out"
    arguments = ["run", RECIPE, "--set", f"output={output}", "--against", f"{finished}/index"]
    assert main(arguments) == 0
    assert counters(output)["select"] == {
        "in": 140,
        "out": 0,
        "gated": {"in_earlier_corpus": 115, "rules": 25},
        "errors": {},
    }
    assert not (output / "index").exists()


def test_an_index_of_other_signatures_is_refused(
    finished: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = ["--set", f"output={tmp_path}/out", "--set", "dedup.seed=2"]
    assert main(["run", RECIPE, *settings, "--against", f"{finished}/index"]) == 2
    assert capsys.readouterr().err == (
        f"thresher: {finished}/index (dedup.against.0): its signatures are 112 little-endian uint64"
        " values: word 5-grams, seed 1, and the recipe's are 112 little-endian uint64 values: word"
        " 5-grams, seed 2; give the recipe the same parameters\n"
    )
    assert main(["run", RECIPE, *settings[:2], "--against", f"{finished}/rejected"]) == 2
    assert "no column `exact.text_hash`" in capsys.readouterr().err


def test_other_bands_cluster_the_scores_anew_and_read_no_dump(
    copied: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(copied, "dedup={bands: 37, rows: 3, verify: exact, min_similarity: 0.5}") == 0
    assert stage_lines(capsys.readouterr().out) == {
        "score": "up to date",
        "dedup": "",
        "report": "",
        "select": "",
    }


def test_rounds_on_the_runner_give_the_same_files(finished: Path, tmp_path: Path) -> None:
    output = tmp_path / "out"
    assert run(output, "dedup.components=rounds") == 0
    assert content(output) == content(finished)


def test_a_damaged_shard_of_scores_is_named(
    copied: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shard = next((copied / "scored").iterdir())
    content = bytearray(shard.read_bytes())
    content[-2_000:-8] = bytes(1_992)
    shard.write_bytes(content)
    assert main(["dedup", RECIPE, "--set", f"output={copied}", "--set", "dedup.exact=[url]"]) == 1
    told = capsys.readouterr().err
    assert told.count("\n") == 1
    assert "damaged" in told
    assert str(shard) in told
    assert "delete it, then thresher score RECIPE" in told


def test_documents_without_repeated_lines_are_an_input_again(
    copied: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = ["--set", f"output={copied}", "--set", "passages.min_characters=20"]
    assert main(["passages", RECIPE, *settings]) == 0
    assert "removed: " in capsys.readouterr().out
    cleaned = ds.dataset(copied / "passages").to_table()
    removed = sum(cleaned["removed.characters"].to_pylist())
    assert removed > 0
    inputs = f"input=[{{format: parquet, paths: [{copied}/passages]}}]"
    again = tmp_path / "again"
    assert main(["score", RECIPE, "--set", f"output={again}", "--set", inputs]) == 0
    scored = ds.dataset(again / "scored").to_table(columns=["text"])
    assert sorted(scored["text"].to_pylist()) == sorted(cleaned["text"].to_pylist())
    assert main(["passages", RECIPE, *settings]) == 0
    assert "up to date" in capsys.readouterr().out
