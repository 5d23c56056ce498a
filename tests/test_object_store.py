"""Input and output on an object store, by the same path syntax: a local server of S3's protocol."""

import json
from collections.abc import Iterator

import boto3
import pytest
from moto.server import ThreadedMotoServer

from pipelines.cli import main

RECIPE = """\
name: remote
input:
  - {format: jsonl, paths: ["s3://crawl/in/*.jsonl"]}
output: s3://crawl/out
signals:
  - length
  - banned_words: {lists: "s3://crawl/lists"}
  - url_rules: {categories: [], domains: "s3://crawl/domains.txt"}
gates: {url: [blocked_domain]}
rules:
  use: [c4_banned_words]
  length.characters: {min: 40}
"""
DOCUMENTS = [
    {"id": "kept", "text": "The ferry leaves at nine and comes back before the evening tide."},
    {"id": "copy", "text": "The ferry leaves at nine and comes back before the evening tide."},
    {"id": "short", "text": "The ferry leaves at nine."},
    {"id": "banned", "text": "The storm warning is for all ferries of the evening and the night."},
    {"id": "gated", "text": "The ferry leaves.", "url": "https://www.spam.example/"},
]


@pytest.fixture
def endpoint(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


def test_a_run_from_s3_to_s3_and_its_rerun(
    endpoint: str, tmp_path_factory: pytest.TempPathFactory, capsys: pytest.CaptureFixture[str]
) -> None:
    client = boto3.client("s3", endpoint_url=endpoint)
    client.create_bucket(Bucket="crawl")
    lines = "".join(json.dumps(document) + "\n" for document in DOCUMENTS)
    client.put_object(Bucket="crawl", Key="in/part.jsonl", Body=lines.encode())
    client.put_object(Bucket="crawl", Key="lists/en", Body=b"storm warning\n")
    client.put_object(Bucket="crawl", Key="domains.txt", Body=b"spam.example\n")
    recipe = tmp_path_factory.mktemp("recipe") / "remote.yaml"
    recipe.write_text(RECIPE)
    flags = [
        f"--s3_endpoint_url={endpoint}",
        "--s3_access_key_id=testing",
        "--s3_secret_access_key=testing",
        "--s3_region_name=us-east-1",
    ]
    assert main(["run", str(recipe), *flags]) == 0
    names = [item["Key"] for item in client.list_objects_v2(Bucket="crawl")["Contents"]]
    assert not [name for name in names if name.endswith(".partial")]
    select = json.loads(
        client.get_object(Bucket="crawl", Key="out/manifests/select.json")["Body"].read()
    )
    assert select["counters"] == {
        "in": 4,
        "out": 1,
        "gated": {"same_text": 1, "rules": 2},
        "errors": {},
    }
    capsys.readouterr()
    assert main(["run", str(recipe), *flags]) == 0
    assert "remote: nothing to do, s3://crawl/out is up to date\n" in capsys.readouterr().out
    assert main(["verify", "s3://crawl/out/", *flags]) == 0
    [index] = [name for name in names if name.startswith("out/index/")]
    client.put_object(Bucket="crawl", Key=index, Body=b"PAR1")
    capsys.readouterr()
    assert main(["verify", "s3://crawl/out", *flags]) == 1
    assert f"s3://crawl/{index}: bytes: expected " in capsys.readouterr().err
