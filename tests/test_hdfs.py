"""Input and output on HDFS itself, by its name node and a data node on this machine."""

import json
from pathlib import Path
from typing import Any

import pytest

from pipelines import storage
from pipelines.cli import main
from pipelines.document_scorer import DocumentScorer
from tests.hdfs_cluster import hdfs_cluster

pytestmark = [pytest.mark.hdfs, pytest.mark.timeout(600)]

RECIPE = """\
name: remote
input:
  - {format: jsonl, paths: ["hdfs://crawl/in/**.jsonl"]}
  - {format: jsonl, paths: ["hdfs://crawl/more"]}
output: hdfs://crawl/out
signals: [length]
rules:
  length.characters: {min: 10}
limits: {shard_bytes: 1}
"""


def test_a_run_that_hdfs_cut_short_goes_on_and_is_repeated_in_part(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    recipe = tmp_path / "remote.yaml"
    recipe.write_text(RECIPE)
    score = DocumentScorer.score

    def fail_in_the_third_shard(scorer: Any, record: Any, seen: Any) -> Any:
        if record.content == "Text of d.":
            raise storage.StoreError("hdfs://crawl", OSError("no answer"))
        return score(scorer, record, seen)

    with hdfs_cluster(tmp_path) as (client, flags):

        def files(folder: str) -> dict[str, int]:
            return {
                f"{path.removeprefix('/crawl/out/')}/{name}": status["modificationTime"]
                for (path, _), _, found in client.walk(f"/crawl/out/{folder}", status=True)
                for name, status in found
            }

        for path in ("in/a", "in/deep/b", "in/deep/c", "more/deep/d"):
            document = {"id": path[-1], "text": f"Text of {path[-1]}."}
            client.write(f"/crawl/{path}.jsonl", json.dumps(document).encode())

        with monkeypatch.context() as patched:
            patched.setattr(DocumentScorer, "score", fail_in_the_third_shard)
            assert main(["run", str(recipe), *flags]) == 1
        assert "what is finished stays" in capsys.readouterr().err
        cut = files("scored")
        assert len(cut) == 3
        assert all(name.endswith(".parquet") for name in cut)

        assert main(["run", str(recipe), *flags]) == 0
        whole = files("scored")
        assert len(whole) == 4
        assert cut.items() <= whole.items()
        assert main(["run", str(recipe), *flags]) == 0
        assert "remote: nothing to do" in capsys.readouterr().out

        # The second selection writes files where the first has left some.
        fewer = ["--set", "rules.length.characters.min=11"]
        assert main(["run", str(recipe), *flags, *fewer]) == 0
        assert main(["verify", "hdfs://crawl/out", *flags]) == 0
        with client.read("/crawl/out/manifests/select.json") as manifest:
            counters = json.load(manifest)["counters"]
        left = [name for name in files("") if name.endswith((".partial", ".lock"))]
    assert counters == {"in": 4, "out": 0, "gated": {"rules": 4}, "errors": {}}
    assert left == []
