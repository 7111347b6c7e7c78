"""Reads the stacks of running threads, without a trace in them.

Python 3.11 makes an object of a call only when it is asked for, and may collect garbage while it does. A finalizer then may hand the
interpreter to the very thread that is looked at (PyTorch does when a tensor ends): its call returns, and the object is written to where
another call's values are by then. The process dies of it, sometimes much later. Python 3.12 puts a collection off until the object is
made (https://github.com/python/cpython/issues/97922).
"""

from __future__ import annotations

import gc
import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import NamedTuple

COLLECTS_MEANWHILE = sys.version_info < (3, 12)
"""Whether this Python collects garbage in the midst of making the object of a call."""


class _Collections:
    """Whether they are held off by us: by one thread at a time."""

    def __init__(self) -> None:
        self.alone, self.held_off = threading.Lock(), False


_collections = _Collections()


class Call(NamedTuple):
    """Where a thread is within one function."""

    file: str
    line: int
    function: str


def stacks() -> dict[int, list[Call]]:
    """What each thread is calling, by its identifier, from the innermost call outwards.

    Example:
        >>> stacks()[threading.main_thread().ident][0].function
        'train_step'
    """
    with collecting_nothing():
        return {thread: _calls(frame) for thread, frame in sys._current_frames().items()}


@contextmanager
def collecting_nothing() -> Iterator[None]:
    """Within it, frames of other threads can be asked for. One thread is in it at a time."""
    with _collections.alone:
        if not (COLLECTS_MEANWHILE and gc.isenabled()):
            yield
            return
        _collections.held_off = True
        gc.disable()
        try:
            yield
        finally:
            gc.enable()
            _collections.held_off = False


def _forked() -> None:
    """A process that was forked meanwhile has no thread that would leave `collecting_nothing` again."""
    if _collections.held_off:
        gc.enable()
    _collections.alone, _collections.held_off = threading.Lock(), False


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forked)


def _calls(frame: FrameType | None) -> list[Call]:
    calls = []
    while frame is not None:
        calls.append(Call(frame.f_code.co_filename, frame.f_lineno or 0, frame.f_code.co_name))
        frame = frame.f_back
    return calls
