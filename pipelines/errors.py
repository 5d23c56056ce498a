"""Errors that are told to the user as one line."""

import difflib
from collections.abc import Sequence


class UserError(Exception):
    """The user's mistake: one line that names the file or key and the remedy (exit code 2)."""


class StageError(Exception):
    """A stage ended, and not as it should: one line that says why (exit code 1)."""


def nearest(name: str, known: Sequence[str]) -> str:
    """Return ``; did you mean `x`?`` for the nearest known name, or the whole list if none is."""
    close = difflib.get_close_matches(name, known, n=1, cutoff=0.6)
    if close:
        return f"; did you mean `{close[0]}`?"
    return f"; there are: {', '.join(sorted(known))}" if known else ""


class TemplateWritten(Exception):  # noqa: N818 - it is no error: another starts the job
    """A job was written to `--template_location` and not started; there is no result to go on."""
