"""Whether trials are running: what they do with a model is nobody's training, and observers look away."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

_running = 0


def running() -> bool:
    return _running > 0


@contextlib.contextmanager
def under_way() -> Iterator[None]:
    """Trials run for the length of a block."""
    global _running  # noqa: PLW0603 - a fact about the process
    _running += 1
    try:
        yield
    finally:
        _running -= 1
