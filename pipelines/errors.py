"""Errors that are told to the user as one line."""


class UserError(Exception):
    """The user's mistake: one line that names the file or key and the remedy (exit code 2)."""


class StageError(Exception):
    """A stage ended, and not as it should: one line that says why (exit code 1)."""
