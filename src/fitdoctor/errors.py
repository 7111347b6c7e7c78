"""The one error that reaches a user, with the exit code that it ends in."""

from __future__ import annotations


class FitdoctorError(Exception):
    """A problem of the user's that ends a command: what was received, what was expected and how to go on.

    Args:
        message: Whole sentences for the terminal; no traceback follows.
        exit_code: What the process returns. 2 means that no verdict is possible.

    Example:
        >>> raise FitdoctorError("Received a folder, expected a Python script. Name the script itself.")
    """

    def __init__(self, message: str, *, exit_code: int = 2) -> None:
        super().__init__(message)
        self.exit_code = exit_code
