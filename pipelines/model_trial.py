"""A model is loaded for the first time in a process of its own: a damaged one may end that.

The sizes that a file declares are checked by :mod:`models.model_headers`; what else native code
finds wrong in it may be a segmentation fault or a demand for all memory.
"""

import resource
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from models.model_headers import is_fasttext, is_ngrams
from pipelines.errors import UserError

_SECONDS = 600.0
_SURPLUS_BYTES = 4 << 30
_SHIPPED = Path(__file__).parent.parent / "models" / "data"
_LOAD = {
    "fasttext": "import sys, fasttext; fasttext.load_model(sys.argv[1]).f.predict("
    "'the ferry\\n', 1, 0.0, 'strict')",
    "ngrams": "import sys, kenlm; kenlm.Model(sys.argv[1]).score('the ferry leaves at nine')",
}


def try_models(paths: Sequence[tuple[str, str]]) -> None:
    """Load each model file and use it once, out of harm's way; other files are passed over.

    Models that come along are not tried: their bytes are the package's.

    Args:
        paths: The files: as the user named each, and where it is on this machine.

    Raises:
        UserError: loading or using one ended its process.
    """
    for name, path in paths:
        if _SHIPPED in Path(path).resolve().parents:
            continue
        with Path(path).open("rb") as file:
            start = file.read(4_096)
        kind = "fasttext" if is_fasttext(start) else "ngrams" if is_ngrams(start) else None
        if kind is not None:
            _try(name, path, _LOAD[kind])


def _try(name: str, path: str, program: str) -> None:
    bound = 8 * Path(path).stat().st_size + _SURPLUS_BYTES
    try:
        finished = subprocess.run(  # noqa: S603 (this interpreter and a program of our own)
            [sys.executable, "-P", "-c", program, path],
            capture_output=True,
            timeout=_SECONDS,
            check=False,
            preexec_fn=lambda: _bound_memory(bound),
        )
    except subprocess.TimeoutExpired:
        raise UserError(f"{name}: a damaged model: not loaded after {_SECONDS:g} s") from None
    if finished.returncode:
        lines = finished.stderr.decode("utf-8", "replace").strip().splitlines() or [""]
        ended = f"signal {-finished.returncode}" if finished.returncode < 0 else lines[-1][:200]
        raise UserError(f"{name}: a damaged model: loading it ended with {ended}")


def _bound_memory(bytes_: int) -> None:
    resource.setrlimit(resource.RLIMIT_AS, (bytes_, bytes_))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
