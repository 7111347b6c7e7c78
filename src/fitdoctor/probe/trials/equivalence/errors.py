"""The error of a trial that could not restore the state of the training.

A module without NumPy, which the script imports first.
"""


class StateChangedError(Exception):
    """Something differs from before an arm ran, though it was restored. The message names it."""
