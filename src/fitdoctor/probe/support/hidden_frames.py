"""Frames of ours that warnings and the traces of errors pass by.

A warning may name the line that called the code that warns (`stacklevel=2`), and is shown once for each such line.
Where a frame of ours stands in between, it would be named instead. Python leaves its own import machinery out of that
count, and tells it by the file's name. Keras leaves frames of its own and of TensorFlow out of the traces of errors,
all but the innermost where there is nothing else: it too tells them by the file's name.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any, TypeVar

F = TypeVar("F", bound=Callable[..., Any])

PASSED_BY = os.path.join("importlib_bootstrap", "tensorflow", "python")


def unnoticed(function: F) -> F:
    """Has warnings and Keras go on as if the function were not there. It still is one of ours, by its folder.

    Example:
        >>> @unnoticed
        ... def wrapper(*arguments):
        ...     return original(*arguments)
    """
    code = function.__code__
    folder, name = os.path.split(code.co_filename)
    if not folder.endswith(PASSED_BY):
        function.__code__ = code.replace(co_filename=os.path.join(folder, PASSED_BY, name))
    return function
