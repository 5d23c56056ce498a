"""Input and output on object stores, by the same path syntax: servers of S3 and of Google's."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import pytest
import requests
from moto.server import ThreadedMotoServer

from pipelines import storage
from pipelines.cli import main
from pipelines.document_scorer import DocumentScorer
from tests.google_cloud import google_storage

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
    # Its buckets are the process's, not the server's.
    requests.post(f"http://{host}:{port}/moto-api/reset", timeout=60)
    yield f"http://{host}:{port}"
    server.stop()


def s3_flags(endpoint: str) -> list[str]:
    return [
        f"--s3_endpoint_url={endpoint}",
        "--s3_access_key_id=testing",
        "--s3_secret_access_key=testing",
        "--s3_region_name=us-east-1",
    ]


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
    flags = s3_flags(endpoint)
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


SHARDED = """\
name: sharded
input:
  - {format: jsonl, paths: ["SCHEME://crawl/in/*.jsonl"]}
output: SCHEME://crawl/out
signals: [length]
dedup: null
limits: {shard_bytes: 1}
"""
_SHARDS = 4


@dataclass(frozen=True)
class Store:
    """An object store with one bucket: how to put an object there, and what there is."""

    scheme: str
    flags: list[str]
    put: Callable[[str, bytes], Any]
    tags: Callable[[], dict[str, str]]


def test_a_run_connects_to_s3_once_and_not_for_every_file(
    endpoint: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    s3 = boto3.client("s3", endpoint_url=endpoint)
    s3.create_bucket(Bucket="crawl")
    s3.put_object(Bucket="crawl", Key="in/part.jsonl", Body=b'{"id": "a", "text": "A text."}')
    recipe = tmp_path / "sharded.yaml"
    recipe.write_text(SHARDED.replace("SCHEME", "s3"))
    connect = boto3.session.Session.client
    connected = []

    def counted(*arguments: Any, **options: Any) -> Any:
        connected.append(arguments)
        return connect(*arguments, **options)

    monkeypatch.setattr(boto3.session.Session, "client", counted)
    assert main(["score", str(recipe), *s3_flags(endpoint)]) == 0
    # The command's options, and those that Beam's pipeline makes of them.
    assert len(connected) == 2


@pytest.fixture(params=["s3", "gs"])
def store(request: pytest.FixtureRequest) -> Iterator[Store]:
    if request.param == "gs":
        with google_storage("crawl") as client:
            bucket = client.bucket("crawl")
            yield Store(
                scheme="gs",
                flags=[],
                put=lambda name, body: bucket.blob(name).upload_from_string(body),
                tags=lambda: {
                    blob.name: f"{blob.md5_hash} {blob.time_created}"
                    for blob in client.list_blobs("crawl", prefix="out/")
                },
            )
        return
    endpoint = request.getfixturevalue("endpoint")
    s3 = boto3.client("s3", endpoint_url=endpoint)
    s3.create_bucket(Bucket="crawl")
    yield Store(
        scheme="s3",
        flags=s3_flags(endpoint),
        put=lambda name, body: s3.put_object(Bucket="crawl", Key=name, Body=body),
        tags=lambda: {
            item["Key"]: f"{item['ETag']} {item['LastModified']}"
            for item in s3.list_objects_v2(Bucket="crawl", Prefix="out/")["Contents"]
        },
    )


def test_a_run_that_the_store_cut_short_leaves_whole_shards_and_goes_on(
    store: Store,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    for shard in range(_SHARDS):
        lines = [json.dumps({"id": f"{shard}-{n}", "text": f"Text {shard} {n}."}) for n in range(9)]
        store.put(f"in/part-{shard}.jsonl", "\n".join(lines).encode())
    recipe = tmp_path / "sharded.yaml"
    recipe.write_text(SHARDED.replace("SCHEME", store.scheme))
    score = DocumentScorer.score
    scored = 0

    def fail_in_the_third_shard(*arguments: Any) -> Any:
        nonlocal scored
        scored += 1
        if scored == 23:
            raise storage.StoreError("bucket", OSError("no answer"))
        return score(*arguments)

    with monkeypatch.context() as patched:
        patched.setattr(DocumentScorer, "score", fail_in_the_third_shard)
        assert main(["run", str(recipe), *store.flags]) == 1
    assert "what is finished stays, and a rerun goes on from there" in capsys.readouterr().err
    cut = store.tags()
    assert sum(name.startswith("out/scored/") for name in cut) == 2
    assert not [name for name in cut if name.endswith(".partial")]

    assert main(["run", str(recipe), *store.flags]) == 0
    whole = store.tags()
    assert sum(name.startswith("out/scored/") for name in whole) == _SHARDS
    assert {name: whole[name] for name in cut if name.startswith("out/scored/")} == {
        name: tag for name, tag in cut.items() if name.startswith("out/scored/")
    }
    assert not [name for name in whole if name.endswith(".partial")]
