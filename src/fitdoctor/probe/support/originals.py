"""Copies of modules of the standard library, made before the script began, for our own code.

A script may replace functions: `time.sleep` in a simulation, `time.perf_counter` by a fake clock, `threading` and
`os.fork` by those of gevent. These copies keep the original functions. Whole modules are copied, because libraries with
fake clocks also replace names that other modules have imported.

Example:
    >>> from fitdoctor.probe.support.originals import time
    >>> time.perf_counter()
"""

from __future__ import annotations

import _thread
import io
import os
import signal
import threading
import time
from types import ModuleType
from typing import TYPE_CHECKING

__all__ = ["_thread", "io", "os", "signal", "threading", "time"]


def _copied(module: ModuleType) -> ModuleType:
    made = ModuleType(module.__name__, module.__doc__)
    vars(made).update(vars(module))
    return made


if not TYPE_CHECKING:
    _thread, io, os, signal, threading, time = map(_copied, (_thread, io, os, signal, threading, time))
