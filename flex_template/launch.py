"""What Dataflow's launcher starts: hands it the job of the `score` stage, to be run as a template.

The parameters are those of ``metadata.json``; every other flag is one of Beam's.
"""

import argparse
import json
import sys
from collections.abc import Sequence

from pipelines import storage
from pipelines.cli import main as thresher


def launcher_parser() -> argparse.ArgumentParser:
    """Return the parser of the parameters that are not Beam's."""
    parser = argparse.ArgumentParser(allow_abbrev=False)
    parser.add_argument("--recipe", required=True)
    parser.add_argument("--input")
    parser.add_argument("--output", required=True)
    # The launcher names Beam's runner; ours is the same with what a run wants set.
    parser.add_argument("--runner")
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Launch the job; the exit code is that of ``thresher score``."""
    known, flags = launcher_parser().parse_known_args(arguments)
    settings = [f"output={known.output}"]
    if known.input:
        settings.append(f"input.0.paths={json.dumps([known.input])}")
    recipe = storage.local_copy(known.recipe)
    words = ["score", recipe, "--runner=dataflow", *(f"--set={setting}" for setting in settings)]
    return thresher([*words, *flags])


if __name__ == "__main__":
    sys.exit(main())
