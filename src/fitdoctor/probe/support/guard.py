"""Keeps failures of our own away from the script, and has them said in the record.

What stands between a script and what it calls must do nothing but call on, and leave the rest to `guarded`.
"""

from __future__ import annotations

import functools
import signal
import sys
import weakref
from collections.abc import Callable
from typing import Any, Protocol, TypeVar

from fitdoctor.printable import printable
from fitdoctor.probe.support.our_files import PACKAGE

T = TypeVar("T")


class RecordKeeper(Protocol):
    """Whoever keeps a record."""

    def missing(self, why: str) -> None: ...


_hearers: weakref.WeakSet[Any] = weakref.WeakSet()


def hear(hearer: RecordKeeper) -> None:
    """From now on, and for as long as it lives, `hearer` is told what fails."""
    _hearers.add(hearer)


def guarded(run: Callable[..., T], *arguments: Any) -> T | None:
    """What `run` gives, or None where it fails: the script goes on in any case.

    Example:
        >>> site = guarded(sites.find)
    """
    try:
        return run(*arguments)
    except Exception as error:
        if from_a_handler(error):
            raise
        note(error)
        return None


def from_a_handler(error: BaseException) -> bool:
    """Whether a handler of the script's for a signal raised it: such a one runs wherever Python is, in our code too."""
    frames, trace = set(), error.__traceback__
    while trace is not None:
        frames.add(trace.tb_frame.f_code)
        trace = trace.tb_next
    return any(_code_of(signal.getsignal(number)) in frames for number in signal.valid_signals())


def _code_of(handler: Any) -> Any:
    while isinstance(handler, functools.partial):
        handler = handler.func
    function = getattr(handler, "__func__", handler)
    if not hasattr(function, "__code__"):
        function = vars(type(handler)).get("__call__")
    return getattr(function, "__code__", None)


def note(error: Exception) -> None:
    """Has every record say that something is missing from it, and where that failed; stderr where not even that works."""
    try:
        why = f"Something is missing here, by a failure of fitdoctor at {_place(error)}: {said(error)}. The training went on."
        for hearer in list(_hearers):
            hearer.missing(why)
    except Exception as another:
        aloud(another)


def aloud(error: Exception) -> None:
    """Says a failure on stderr, if there is one."""
    try:
        sys.stderr.write(f"fitdoctor: {printable(said(error))}\n")
    except Exception:
        pass


def said(error: BaseException) -> str:
    """What kind of error, and its own words: those of a stranger's may fail themselves."""
    try:
        return f"{type(error).__name__}: {error}".rstrip(": ")
    except Exception:
        return type(error).__name__


def _place(error: BaseException) -> str:
    """The innermost line of ours that the error went through."""
    trace, place = error.__traceback__, "a place unknown"
    while trace is not None:
        file = trace.tb_frame.f_code.co_filename
        if file.startswith(PACKAGE):
            place = f"{file.removeprefix(PACKAGE)}:{trace.tb_lineno}"
        trace = trace.tb_next
    return place
