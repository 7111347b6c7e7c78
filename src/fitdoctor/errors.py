"""The errors that cross packages: the one that reaches a user, and the one that ends a trial."""

from __future__ import annotations


class FitdoctorError(Exception):
    """A problem that ends a command: what was received, what was expected and how to go on.

    Args:
        message: Whole sentences for the terminal; no traceback follows.
        exit_code: What the process returns. 2 means that no verdict is possible.

    Example:
        >>> raise FitdoctorError("Received a folder, expected a Python script. Name the script itself.")
    """

    def __init__(self, message: str, *, exit_code: int = 2) -> None:
        super().__init__(message)
        self.exit_code = exit_code


class ChildEndedError(Exception):
    """The process that carries out the trials ended, or did not answer in time; the message says which."""
