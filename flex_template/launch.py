"""What Dataflow's launcher starts: hands it the job of the `score` stage, to be run as a template.

The parameters are those of ``metadata.json``; every other flag is one of Beam's.
"""

import argparse
import json
import sys
from collections.abc import Sequence

from pipelines import storage
from pipelines.cli import main as thresher
from pipelines.errors import UserError


def launcher_parser() -> argparse.ArgumentParser:
    """Return the parser of the parameters that are not Beam's."""
    parser = argparse.ArgumentParser(allow_abbrev=False)
    parser.add_argument("--recipe", required=True)
    parser.add_argument("--input")
    parser.add_argument("--output", required=True)
    # The launcher names Beam's runner; ours is the same with what a run wants set.
    parser.add_argument("--runner")
    return parser


def local_recipe(recipe: str) -> str:
    """Return the path of a recipe on this machine, fetched if it is in a store.

    Raises:
        UserError: it is not in the store, or can't be read.
    """
    if storage.is_local(recipe):
        return recipe
    try:
        if [file.path for file in storage.match(recipe)] != [recipe]:
            raise UserError(
                f"{recipe}: no such recipe; give a gs:// path, or one of the image, such as"
                " /opt/thresher/configs/commoncrawl.yaml"
            )
        return storage.local_copy(recipe)
    except (OSError, ValueError) as error:
        reason = " ".join(str(error).split())
        raise UserError(f"{recipe}: the recipe can't be read: {reason}") from None


def main(arguments: Sequence[str] | None = None) -> int:
    """Launch the job; the exit code is that of ``thresher score``, 2 without a recipe."""
    known, flags = launcher_parser().parse_known_args(arguments)
    settings = [f"output={known.output}"]
    if known.input:
        settings.append(f"input.0.paths={json.dumps([known.input])}")
    try:
        recipe = local_recipe(known.recipe)
    except UserError as error:
        print(f"thresher: {error}", file=sys.stderr)
        return 2
    words = ["score", recipe, "--runner=dataflow", *(f"--set={setting}" for setting in settings)]
    return thresher([*words, *flags])


if __name__ == "__main__":
    sys.exit(main())
