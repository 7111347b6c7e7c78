"""Reads the stacks of running threads, without a trace in them.

Python 3.11 makes an object of a call only when it is asked for, and may collect garbage while it does. A finalizer then
may hand the interpreter to the very thread that is looked at (PyTorch does when a tensor ends): its call returns, and
the object is written to where another call's values are by then. The process dies of it, sometimes much later. Python
3.12 puts a collection off until the object is made (https://github.com/python/cpython/issues/97922).

So stacks are read in one go: functions of C call each other, and no line of Python stands between them. The interpreter
changes threads between lines of Python only, so no other thread runs meanwhile. The thresholds of the collector are
zero for that long, and no thread can see that. No object of a call is kept: whoever drops the last reference to one
ends the variables of that call, on its own thread.
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

COLLECTS_MEANWHILE = sys.version_info < (3, 12)
"""Whether this Python collects garbage in the midst of making the object of a call."""


class _Collector:
    """What stands in its thresholds, as long as they are zero by us: for one thread at a time."""

    def __init__(self) -> None:
        self.alone = threading.Lock()
        self.thresholds: list[tuple[int, int, int]] = []


_collector = _Collector()
_call, _caller, _each = operator.call, operator.attrgetter("f_back"), chain.from_iterable
_current, _thresholds, _set_thresholds = sys._current_frames, gc.get_threshold, gc.set_threshold
_described = operator.attrgetter("f_code.co_filename", "f_lineno", "f_code.co_name")


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
    """The call that a thread is in. Those around it can be asked for by `f_back`."""
    threads: list[int] = []
    frames: list[FrameType] = []
    _at_once(threads, frames, [])
    return frames[threads.index(thread)] if thread in threads else None


def _at_once(threads: list[int], frames: list[FrameType], then: list[Callable[[], Any]]) -> None:
    """Finds all threads and their calls, the innermost first, and does what else is to be done before another thread
    runs.

    An audit hook of somebody's is Python, and may let others run after all. So this is for one thread at a time, and it
    leaves alone whether collections are on: only who sets thresholds just then would lose them.
    """
    found: list[dict[int, FrameType]] = []
    steps: list[Callable[[], Any]] = [
        partial(found.extend, map(_call, (_current,))),
        partial(threads.extend, _each(found)),
        partial(frames.extend, _each(map(dict.values, found))),
        found.clear,
        partial(
            frames.extend, filter(None, map(_caller, frames))
        ),  # it grows while it is read, until the outermost calls are in it
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
    for thresholds in _collector.thresholds:  # nothing, unless something failed
        _set_thresholds(*thresholds)
    _collector.thresholds.clear()


_exhaust: Callable[[Iterable[Any]], Any] = partial(deque, maxlen=0)


def _forked() -> None:
    """A process that was forked meanwhile has no thread that would do the rest."""
    _restore()
    _collector.alone = threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forked)
