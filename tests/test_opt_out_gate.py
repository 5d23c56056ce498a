"""Pages that ask to be left out, from the archive to `gated/`."""

import json
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from pipelines.cli import main

PAGE = "<html><head>{head}</head><body><p>The ferry leaves at nine.</p></body></html>"
TAG = '<meta name="{name}" content="{content}">'


def record(url: str, headers: str, head: str) -> bytes:
    body = PAGE.format(head=head)
    block = f"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n{headers}\r\n{body}".encode()
    header = (
        f"WARC/1.0\r\nWARC-Type: response\r\nWARC-Record-ID: <urn:uuid:{url}>\r\n"
        f"WARC-Target-URI: {url}\r\nContent-Length: {len(block)}\r\n\r\n"
    )
    return header.encode() + block + b"\r\n\r\n"


def wet(url: str) -> bytes:
    block = b"The ferry leaves at nine and comes back before the evening tide."
    header = (
        f"WARC/1.0\r\nWARC-Type: conversion\r\nWARC-Record-ID: <urn:uuid:{url}>\r\n"
        f"WARC-Target-URI: {url}\r\nContent-Type: text/plain\r\n"
        f"Content-Length: {len(block)}\r\n\r\n"
    )
    return header.encode() + block + b"\r\n\r\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    pages = [
        record("https://plain.example/", "", ""),
        record("https://header.example/", "X-Robots-Tag: noindex\r\nX-Robots-Tag: noai\r\n", ""),
        record("https://meta.example/", "", TAG.format(name="robots", content="noai, noindex")),
        record("https://tdm-header.example/", "TDM-Reservation: 1\r\n", ""),
        record("https://tdm-meta.example/", "", TAG.format(name="tdm-reservation", content="1")),
        record("https://noindex.example/", "", TAG.format(name="robots", content="none")),
        record("https://www.asked.example/page", "", ""),
        wet("https://text.example/"),
    ]
    (tmp_path / "pages.warc").write_bytes(b"".join(pages))
    (tmp_path / "asked.txt").write_text("asked.example\n")
    (tmp_path / "recipe.yaml").write_text(
        "name: pages\n"
        f"input: [{{format: warc, paths: [{tmp_path}/pages.warc]}}]\n"
        f"output: {tmp_path}/out\n"
        f"signals: [length, opt_out: {{domains: {tmp_path}/asked.txt}}]\n"
    )
    return tmp_path


def gated(folder: Path) -> dict[str, str]:
    [path] = (folder / "out" / "gated").iterdir()
    return {row["url"]: row["reason"] for row in pq.read_table(path).to_pylist()}


def test_gates_leave_out_who_asked_and_say_why(folder: Path) -> None:
    recipe = str(folder / "recipe.yaml")
    gates = ["--set", "gates.opt_out=[listed, noai, tdm_reserved]"]
    assert main(["score", recipe, *gates]) == 0
    assert gated(folder) == {
        "https://header.example/": "opt_out.noai",
        "https://meta.example/": "opt_out.noai",
        "https://tdm-header.example/": "opt_out.tdm_reserved",
        "https://tdm-meta.example/": "opt_out.tdm_reserved",
        "https://www.asked.example/page": "opt_out.listed",
    }


def test_without_gates_they_are_signals_and_rules(folder: Path) -> None:
    recipe = str(folder / "recipe.yaml")
    names = ["opt_out.listed", "opt_out.noai", "opt_out.tdm_reserved", "opt_out.noindex"]
    rules = [word for name in names[:3] for word in ("--set", f"rules.{name}={{max: 0}}")]
    assert main(["run", recipe, "--set", "dedup=null", *rules]) == 0
    [path] = (folder / "out/scored").iterdir()
    rows = pq.read_table(path, columns=["url", *names]).to_pylist()
    assert {row["url"]: tuple(row[name] for name in names) for row in rows} == {
        "https://plain.example/": (False, False, False, False),
        "https://header.example/": (False, True, False, True),
        "https://meta.example/": (False, True, False, True),
        "https://tdm-header.example/": (False, False, True, False),
        "https://tdm-meta.example/": (False, False, True, False),
        "https://noindex.example/": (False, False, False, True),
        "https://www.asked.example/page": (True, False, False, False),
        # A text without headers and HTML says nothing of itself.
        "https://text.example/": (False, None, None, None),
    }
    select = json.loads((folder / "out/manifests/select.json").read_text())
    assert select["figures"]["failed"] == {
        "opt_out.listed.max": 1,
        "opt_out.noai.max": 2,
        "opt_out.tdm_reserved.max": 2,
    }


def test_a_gate_without_its_signals_is_refused(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["score", str(folder / "recipe.yaml"), "--set", "gates.opt_out=[noai]"]
    assert main([*words, "--set", "signals=[length]"]) == 2
    assert "gates.opt_out: nobody looks for it; add `opt_out`" in capsys.readouterr().err
    words[-1] = "gates.opt_out=[nobody]"
    assert main(words) == 2
    assert "`gates.opt_out.0`" in capsys.readouterr().err
