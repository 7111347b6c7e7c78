"""Hides frames of ours from warnings and from the tracebacks of Keras.

A warning names the line that called the warning code (`stacklevel=2`), and Python shows it once per line. A frame of
ours in between would be named instead. But Python skips frames of its import machinery, which it recognizes by their
file names. Keras removes frames of TensorFlow and of itself from tracebacks, which it recognizes in the same way.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any, TypeVar

F = TypeVar("F", bound=Callable[..., Any])

SKIPPED_FOLDERS = os.path.join("importlib_bootstrap", "tensorflow", "python")


def hide_frame(function: F) -> F:
    """Hides a function from warnings and from Keras. By its folder it is still recognized as ours.

    Example:
        >>> @hide_frame
        ... def wrapper(*arguments):
        ...     return original(*arguments)
    """
    code = function.__code__
    folder, name = os.path.split(code.co_filename)
    if not folder.endswith(SKIPPED_FOLDERS):
        function.__code__ = code.replace(co_filename=os.path.join(folder, SKIPPED_FOLDERS, name))
    return function
