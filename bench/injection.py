"""Makes a part of fitdoctor fail, for tests.

A part is a code object. Every function that runs it fails.

Example:
    >>> with listening() as called:
    ...     train()
    >>> break_part("probe/timing/fit_timer.py:131:FitTimer.step_ends", RuntimeError)
"""

from __future__ import annotations

import contextlib
import errno
import gc
import os
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from types import CodeType, FrameType, FunctionType
from typing import Any

import fitdoctor
from fitdoctor.probe.support.hidden_frames import SKIPPED_FOLDERS

OURS = str(Path(fitdoctor.__file__).parent) + os.sep

# A flag of functions. The bodies of classes and modules do not have it.
CO_NEWLOCALS = 0x2

# The flags of code that returns a generator or a coroutine instead of running.
GENERATORS = 0x20 | 0x80 | 0x200


class FaultError(Exception):
    """An error that no code expects."""


class DiskFullError(OSError):
    """The error of the system when no space is left."""

    def __init__(self) -> None:
        super().__init__(errno.ENOSPC, os.strerror(errno.ENOSPC))


def name_of(code: CodeType) -> str:
    """Returns a part's name: its file, its first line and its qualified name."""
    file = code.co_filename.removeprefix(OURS).replace(f"{SKIPPED_FOLDERS}/", "")
    return f"{file}:{code.co_firstlineno}:{code.co_qualname}"


@contextlib.contextmanager
def listening() -> Iterator[list[str]]:
    """Collects the parts that are called in this block, in the order of their first calls.

    Threads that start in the block are included.
    """
    called: dict[CodeType, None] = {}

    def look(frame: FrameType, event: str, _: Any) -> None:
        if event == "call" and frame.f_code.co_flags & CO_NEWLOCALS and frame.f_code.co_filename.startswith(OURS):
            called.setdefault(frame.f_code)

    names: list[str] = []
    threading.setprofile(look)
    sys.setprofile(look)
    try:
        yield names
    finally:
        sys.setprofile(None)
        threading.setprofile(None)  # type: ignore[arg-type]
        names += dict.fromkeys(map(name_of, called))


def break_part(name: str, error: type[BaseException]) -> contextlib.ExitStack:
    """Makes a part raise `error` at each call, until the result is closed.

    Raises:
        LookupError: No loaded function runs the part.
    """
    mended, found = contextlib.ExitStack(), False
    for function in [
        each for each in gc.get_objects() if type(each) is FunctionType and each.__code__.co_filename.startswith(OURS)
    ]:
        whole = function.__code__
        broken = _broken(whole, name, error)
        if broken is not whole:
            function.__code__ = broken
            mended.callback(setattr, function, "__code__", whole)
            found = True
    if not found:
        raise LookupError(name)
    return mended


def _broken(code: CodeType, name: str, error: type[BaseException]) -> CodeType:
    """Returns the code with that part failing, at any depth, or the code itself if it does not contain the part."""
    if name_of(code) == name:
        return _raising(code, error)
    constants = tuple(_broken(each, name, error) if isinstance(each, CodeType) else each for each in code.co_consts)
    same = all(one is other for one, other in zip(constants, code.co_consts, strict=True))
    return code if same else code.replace(co_consts=constants)


def _raising(code: CodeType, error: type[BaseException]) -> CodeType:
    """Returns code that takes the same arguments and only raises."""
    model = _model.__code__
    return code.replace(
        co_code=model.co_code,
        co_consts=tuple(error if each == "here" else each for each in model.co_consts),
        co_names=(),
        co_exceptiontable=model.co_exceptiontable,
        co_linetable=model.co_linetable,
        co_stacksize=max(code.co_stacksize, model.co_stacksize),
        co_flags=code.co_flags & ~GENERATORS,
    )


def _model() -> None:
    raise "here"  # type: ignore[misc]  # noqa: B016 - the error replaces this text
