"""Samples the stacks of all threads during a fit, to name the user's lines that take Python time."""

from __future__ import annotations

import os
import sys
from collections import Counter
from collections.abc import Callable
from typing import Protocol

from fitdoctor.probe.support import call_sites, thread_stacks
from fitdoctor.probe.support.hidden_thread import HiddenThread
from fitdoctor.probe.support.originals import threading, time
from fitdoctor.probe.support.thread_stacks import Call
from fitdoctor.recording.model import HotLine, Site

INTERVAL_S = 0.005
LONGEST_S = 1.0
# The interpreter's switch interval while a training is only tried. With Python's own interval of 5 ms, samples miss
# shorter calls. A real training keeps its interval, which a script can read.
SWITCH_S = 0.00005
# Folders of files whose time belongs to the framework, whoever called it.
FRAMEWORKS = frozenset({"tensorflow", "keras", "tf_keras"})
# Folders of files that call a Python input on threads of their own.
LOADING = FRAMEWORKS | {"torch", "grain"}
# Functions of the framework that convert a tensor for Python.
TO_NUMPY = frozenset({"numpy", "_numpy", "__array__"})
# Parts of the names of files from which PyTorch, or Keras on JAX, calls a Python input on the main thread.
LOADERS = (os.path.join("torch", "utils", "data", "dataloader.py"), os.sep + "data_adapters" + os.sep)
LEAST_SAMPLES = 20
SHOWN = 3
LEAST_SHARE = 0.1


class _SwitchInterval:
    """Lowers the interpreter's switch interval for a while, in this process only."""

    def __init__(self) -> None:
        self._original_s = self._lowered_s = 0.0

    def lower(self, seconds: float) -> None:
        self._original_s = sys.getswitchinterval()
        sys.setswitchinterval(min(self._original_s, seconds))
        self._lowered_s = sys.getswitchinterval()  # Python rounds it to whole microseconds

    def restore(self) -> None:
        """Restores the original interval, unless the script has set another one. A forked process does so as well."""
        if self._original_s and sys.getswitchinterval() == self._lowered_s:
            sys.setswitchinterval(self._original_s)
        self._original_s = 0.0


_switch_interval = _SwitchInterval()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_switch_interval.restore)


class Owner(Protocol):
    """Knows what the main thread is doing."""

    hook: str
    in_call: bool

    @property
    def first_step_done(self) -> bool: ...


class StackSampler:
    """Samples every thread until it is stopped.

    Args:
        owner: Its `hook` names the callback hook that the main thread is in, or is "" while it trains. Other threads
            count as "input" if a framework calls the user's Python there: Keras and tf.data run a Python input so.
        steps: Whether the step itself is Python, because it is not compiled. Then lines of the step are sampled too.
        switch_s: The interpreter's switch interval while stacks are sampled, in seconds; None leaves it unchanged.

    Example:
        >>> sampler = StackSampler(timer)
        >>> sampler.start()
        >>> lines = sampler.stop()
    """

    def __init__(self, owner: Owner, *, steps: bool = False, switch_s: float | None = None) -> None:
        self.owner, self._steps, self._switch_s = owner, steps, switch_s
        self._main = threading.get_ident()
        self._counts: Counter[tuple[str, str, int]] = Counter()
        self._step_samples = 0
        self._sites: dict[tuple[str, int], Site] = {}
        self._thread = HiddenThread(self._run)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> list[HotLine]:
        """Ends the sampling and gives the lines that took most of each part, the costliest first."""
        self._thread.stop(patience_s=1.0)
        totals: Counter[str] = Counter()
        for (where, _, _), count in self._counts.items():
            totals[where] += count
        totals["step"] = self._step_samples
        lines = [
            HotLine(where=where, site=self._sites[file, number], share=count / totals[where])
            for (where, file, number), count in self._counts.most_common()
            if totals[where] >= LEAST_SAMPLES and count >= LEAST_SHARE * totals[where]
        ]
        return [line for where in totals for line in [line for line in lines if line.where == where][:SHOWN]]

    def _run(self) -> None:
        while not self.owner.first_step_done:  # tracing is not sampled
            if self._thread.wait(INTERVAL_S):
                return
        if self._switch_s is None:
            self._sample()
            return
        _switch_interval.lower(self._switch_s)
        try:
            self._sample()
        finally:
            _switch_interval.restore()

    def _sample(self) -> None:
        until_s = time.perf_counter() + LONGEST_S  # not a number of samples: on a busy machine each may take long
        while not self._thread.wait(INTERVAL_S) and time.perf_counter() < until_s:
            self._take(thread_stacks.stacks())

    def _take(self, stacks: dict[int, list[Call]]) -> None:
        """Counts the line of each thread."""
        for thread, calls in stacks.items():
            if thread == self._main and self.owner.in_call:  # a `predict` and the like within a hook has its own part
                continue
            where = (
                (self.owner.hook or in_loader(calls) or self._in_step(calls))
                if thread == self._main
                else on_thread(calls)
            )
            innermost = next((call for call in calls if call_sites.is_users(call.file)), None)
            if where and innermost is not None and thread != self._thread.ident:
                key = (innermost.file, innermost.line)
                if key not in self._sites:
                    self._sites[key] = call_sites.of_line(*innermost)
                self._counts[where, *key] += 1

    def _in_step(self, calls: list[Call]) -> str:
        """The word "step" if the main thread runs Python or NumPy of the user, and not the framework."""
        if not self._steps:
            return ""
        self._step_samples += 1
        for call in calls:
            if call_sites.is_users(call.file):
                return "step"
            if _is_framework(call.file) and call.function not in TO_NUMPY:
                return ""
        return ""


def on_thread(calls: list[Call]) -> str:
    """The word "input" if a framework calls the user's Python on this thread. Threads of the script do not count."""
    return _input_of(calls, lambda file: not LOADING.isdisjoint(file.split(os.sep)))


def in_loader(calls: list[Call]) -> str:
    """The word "input" if a loader calls the user's Python on the main thread."""
    return _input_of(calls, lambda file: any(loader in file for loader in LOADERS))


def _input_of(calls: list[Call], is_caller: Callable[[str], bool]) -> str:
    """The word "input" if a caller is on the stack above the user's Python."""
    users = False
    for call in calls:
        if users and is_caller(call.file):
            return "input"
        users = users or call_sites.is_users(call.file)
    return ""


def _is_framework(file: str) -> bool:
    return not FRAMEWORKS.isdisjoint(file.split(os.sep))
