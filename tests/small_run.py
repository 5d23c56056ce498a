"""A run over a dozen made documents, with copies, an error, and what is gated and rejected."""

import json
from pathlib import Path

from pipelines.cli import main
from tests.scored_corpus import prose

RECIPE = """\
name: small
input:
  - {format: jsonl, paths: [in/a.jsonl]}
  - {format: jsonl, paths: [in/b.jsonl]}
output: out
signals: [length, gopher_quality]
gates: {min_characters: 20}
limits: {max_error_rate: 0.5}
passages: {unit: paragraph}
rules:
  gopher.word_count: {min: 50}
"""


def documents() -> list[dict[str, str]]:
    texts = {f"good {number}": prose(number, words=60 + 40 * number) for number in range(8)}
    texts |= {f"copy {number}": f"{texts[f'good {number}']} more" for number in range(3)}
    texts |= {"short": prose(90, words=12), "gated": "too short"}
    return [
        {"id": name, "text": text, "url": f"https://example.com/{name.replace(' ', '-')}"}
        for name, text in texts.items()
    ]


def run(folder: Path, *settings: str) -> Path:
    """Run the recipe in a folder; return its output."""
    (folder / "in").mkdir()
    lines = [json.dumps(document) for document in documents()]
    (folder / "in" / "a.jsonl").write_text("\n".join([*lines[:7], "no JSON"]) + "\n")
    (folder / "in" / "b.jsonl").write_text("\n".join(lines[7:]) + "\n")
    recipe = folder / "recipe.yaml"
    recipe.write_text(RECIPE.replace("in/", f"{folder}/in/"))
    output = folder / "out"
    arguments = [str(recipe), "--workers", "1", "--set", f"output={output}", *settings]
    assert main(["run", *arguments]) == 0
    assert main(["passages", *arguments]) == 0
    return output
