"""Keeps failures of our own away from the script, and reports them in the record.

A wrapper of ours around a function must only call that function. Everything else it does inside `guarded`.
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
    """Adds sentences to a record."""

    def missing(self, why: str) -> None: ...


_records: weakref.WeakSet[Any] = weakref.WeakSet()


def report_to(record: RecordKeeper) -> None:
    """Reports failures to `record` as long as it lives."""
    _records.add(record)


def guarded(run: Callable[..., T], *arguments: Any) -> T | None:
    """Returns the result of `run`, or None if it fails: the script continues in any case.

    Example:
        >>> site = guarded(sites.find)
    """
    try:
        return run(*arguments)
    except Exception as error:
        if is_from_signal_handler(error):
            raise
        note(error)
        return None


def is_from_signal_handler(error: BaseException) -> bool:
    """Whether a signal handler of the script raised an error. Python may run a handler inside our code."""
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
    """Reports in every record that something is missing and where it failed. If that fails too, stderr gets it."""
    try:
        why = (
            f"Something is missing here, by a failure of fitdoctor at {_place(error)}: {message(error)}. "
            "The training went on."
        )
        for record in list(_records):
            record.missing(why)
    except Exception as another:
        write(another)


def write(error: Exception) -> None:
    """Writes a failure to stderr, if there is one."""
    try:
        sys.stderr.write(f"fitdoctor: {printable(message(error))}\n")
    except Exception:
        pass


def message(error: BaseException) -> str:
    """The type of an error and its text. The text of a user's own error may fail."""
    try:
        return f"{type(error).__name__}: {error}".rstrip(": ")
    except Exception:
        return type(error).__name__


def _place(error: BaseException) -> str:
    """The innermost line of ours that the error went through."""
    trace, place = error.__traceback__, "an unknown place"
    while trace is not None:
        file = trace.tb_frame.f_code.co_filename
        if file.startswith(PACKAGE):
            place = f"{file.removeprefix(PACKAGE)}:{trace.tb_lineno}"
        trace = trace.tb_next
    return place
