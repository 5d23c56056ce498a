"""A few seconds of what `make fuzz` does for minutes."""

import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.parametrize("target", ["warc", "gutenberg", "jsonl", "parquet", "text"])
def test_no_input_breaks_a_reader_or_the_text_view(target: str, tmp_path: Path) -> None:
    finished = subprocess.run(
        [
            *(sys.executable, "-m", "reliability.fuzzing", "--target", target),
            *("--seconds", "2", "--artifacts", str(tmp_path)),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    assert finished.returncode == 0, finished.stdout + finished.stderr
    assert "Done " in finished.stderr
