"""The bare run of :mod:`benchmarks.runners`, as a command: `score` without a runner."""

import sys
from pathlib import Path

from benchmarks.runners import score_bare

if __name__ == "__main__":
    score_bare(Path(sys.argv[1]))
