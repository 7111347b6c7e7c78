"""Reads the stacks of running threads without disturbing them.

Python 3.11 creates a frame object only when it is requested, and may collect garbage meanwhile. A finalizer may then
release the interpreter lock to the very thread that is sampled (PyTorch does so when it frees a tensor). Its call
returns, and Python writes the frame object over the values of another call. The process crashes, sometimes much later.
Python 3.12 delays the collection until the object exists (https://github.com/python/cpython/issues/97922).

So stacks are read in one step: C functions call each other, with no line of Python between them. The interpreter
switches threads only between lines of Python, so no other thread runs meanwhile. The collector's thresholds are zero
for that time, and no other thread notices. No frame object is kept: whoever drops its last reference also frees the
variables of that call, on the wrong thread.
"""

from __future__ import annotations

import gc
import operator
import os
import sys
from collections import deque
from collections.abc import Callable, Iterable
from functools import partial
from itertools import chain, starmap
from types import FrameType
from typing import Any, NamedTuple

from fitdoctor.probe.support.originals import threading

# Whether this Python may collect garbage while it creates a frame object.
COLLECTS_MEANWHILE = sys.version_info < (3, 12)


class _Collector:
    """The collector's thresholds while we have set them to zero. One thread at a time does so."""

    def __init__(self) -> None:
        self.alone = threading.Lock()
        self.thresholds: list[tuple[int, int, int]] = []


_collector = _Collector()
_call, _caller, _each = operator.call, operator.attrgetter("f_back"), chain.from_iterable
_current, _thresholds, _set_thresholds = sys._current_frames, gc.get_threshold, gc.set_threshold
_described = operator.attrgetter("f_code.co_filename", "f_lineno", "f_code.co_name")


class Call(NamedTuple):
    """The place of a thread within one function."""

    file: str
    line: int
    function: str


def stacks() -> dict[int, list[Call]]:
    """The calls of each thread, by its identifier, from the innermost outwards.

    Example:
        >>> stacks()[threading.main_thread().ident][0].function
        'train_step'
    """
    threads: list[int] = []
    frames: list[FrameType] = []
    calls: list[tuple[str, int | None, str]] = []
    ids: list[int] = []
    callers: list[int] = []
    _at_once(
        threads,
        frames,
        [
            partial(calls.extend, map(_described, frames)),
            partial(ids.extend, map(id, frames)),
            partial(callers.extend, map(id, map(_caller, frames))),
            frames.clear,
        ],
    )
    number = dict(zip(ids, range(len(ids)), strict=True))
    found: dict[int, list[Call]] = {}
    for first, thread in enumerate(threads):
        stack, at = [], first
        while True:
            file, line, function = calls[at]
            stack.append(Call(file, line or 0, function))
            if callers[at] not in number:
                break
            at = number[callers[at]]
        found[thread] = stack
    return found


def innermost(thread: int) -> FrameType | None:
    """The innermost frame of a thread."""
    threads: list[int] = []
    frames: list[FrameType] = []
    _at_once(threads, frames, [])
    return frames[threads.index(thread)] if thread in threads else None


def _at_once(threads: list[int], frames: list[FrameType], then: list[Callable[[], Any]]) -> None:
    """Finds all threads and their frames, the innermost first, and takes more steps before another thread runs.

    An audit hook of the script is Python, and may let other threads run after all. So only one thread at a time does
    this. It does not switch collections off and on: it only sets the thresholds.
    """
    found: list[dict[int, FrameType]] = []
    steps: list[Callable[[], Any]] = [
        partial(found.extend, map(_call, (_current,))),
        partial(threads.extend, _each(found)),
        partial(frames.extend, _each(map(dict.values, found))),
        found.clear,
        # The list grows while it is read, until it holds the outermost frames.
        partial(frames.extend, filter(None, map(_caller, frames))),
        *then,
    ]
    with _collector.alone:
        if COLLECTS_MEANWHILE:
            saved = _collector.thresholds
            before: list[Callable[[], Any]] = [
                partial(saved.extend, map(_call, (_thresholds,))),
                partial(_set_thresholds, 0),
            ]
            steps = [*before, *steps, partial(_exhaust, starmap(_set_thresholds, saved)), saved.clear]
        try:
            _exhaust(map(_call, steps))
        finally:
            _restore()


def _restore() -> None:
    for thresholds in _collector.thresholds:  # empty, unless a step failed
        _set_thresholds(*thresholds)
    _collector.thresholds.clear()


_exhaust: Callable[[Iterable[Any]], Any] = partial(deque, maxlen=0)


def _forked() -> None:
    """Restores the thresholds in a forked process: the thread that would do so does not exist there."""
    _restore()
    _collector.alone = threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forked)
