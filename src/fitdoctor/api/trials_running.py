"""Whether trials are running in this process. Observers ignore what trials do with a model: it is no training."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

_count = 0


def trials_running() -> bool:
    return _count > 0


@contextlib.contextmanager
def while_trials_run() -> Iterator[None]:
    """Marks a block in which trials run."""
    global _count  # noqa: PLW0603 - a fact about the process
    _count += 1
    try:
        yield
    finally:
        _count -= 1
