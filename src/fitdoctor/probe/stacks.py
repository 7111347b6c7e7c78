"""Samples the stacks of a fit's threads, to name the user's lines that Python time goes to."""

from __future__ import annotations

import os
import sys
import threading
from collections import Counter
from types import FrameType
from typing import Protocol

from fitdoctor.probe import failures, sites
from fitdoctor.recording.model import HotLine, Site

INTERVAL_S = 0.005
LONGEST_S = 1.0
SWITCH_S = 0.00005
"""While sampling, a thread gives up the interpreter this soon: calls much shorter than Python's own 5 ms are never seen otherwise."""
FRAMEWORKS = frozenset({"tensorflow", "keras", "tf_keras"})
"""Folders of files whose time is the framework's, whoever called it."""
TO_NUMPY = frozenset({"numpy", "_numpy", "__array__"})
"""Functions of the framework that hand a tensor to Python."""
LOADER = os.path.join("torch", "utils", "data", "dataloader.py")
"""How the file ends from which PyTorch calls a Python input: on the main thread, unless there are workers."""
LEAST_SAMPLES = 20
SHOWN = 3
LEAST_SHARE = 0.1


class Owner(Protocol):
    """Whoever knows what the main thread is doing."""

    hook: str
    first_step_done: bool


class StackSampler:
    """Looks at every thread now and then, until it is stopped.

    Args:
        owner: Its `hook` names the callback hook that the main thread is in, or is "" while it trains. Other threads count as
            "input": that is where Keras and tf.data run a Python input.
        steps: Whether the step itself is Python, as one that is not compiled: then lines of it are looked for as well.

    Example:
        >>> sampler = StackSampler(timer)
        >>> sampler.start()
        >>> lines = sampler.stop()
    """

    def __init__(self, owner: Owner, *, steps: bool = False) -> None:
        self.owner, self._steps = owner, steps
        self._main = threading.get_ident()
        self._seen: Counter[tuple[str, str, int]] = Counter()
        self._step_samples = 0
        self._sites: dict[tuple[str, int], Site] = {}
        self._done = threading.Event()
        self._thread = threading.Thread(target=failures.guarded, args=(self._look,), name="fitdoctor-stacks", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> list[HotLine]:
        """Ends the sampling and says which lines took most of each part, the costliest first."""
        self._done.set()
        self._thread.join(1.0)
        totals: Counter[str] = Counter()
        for (where, _, _), count in self._seen.items():
            totals[where] += count
        totals["step"] = self._step_samples
        lines = [
            HotLine(where=where, site=self._sites[file, number], share=count / totals[where])
            for (where, file, number), count in self._seen.most_common()
            if totals[where] >= LEAST_SAMPLES and count >= LEAST_SHARE * totals[where]
        ]
        return [line for where in totals for line in [line for line in lines if line.where == where][:SHOWN]]

    def _look(self) -> None:
        while not self.owner.first_step_done:  # tracing is nobody's line
            if self._done.wait(INTERVAL_S):
                return
        usual_s = sys.getswitchinterval()
        ours_s = min(usual_s, SWITCH_S)
        sys.setswitchinterval(ours_s)
        ours_s = sys.getswitchinterval()  # it is kept in whole microseconds
        try:
            self._sample()
        finally:
            if sys.getswitchinterval() == ours_s:  # or else the script has set its own meanwhile
                sys.setswitchinterval(usual_s)

    def _sample(self) -> None:
        for _ in range(int(LONGEST_S / INTERVAL_S)):
            if self._done.wait(INTERVAL_S):
                return
            self._take(sys._current_frames())

    def _take(self, frames: dict[int, FrameType]) -> None:
        """Notes where each thread is. A call that ends while its frame is looked at leaves something else there: it is passed over."""
        for thread, frame in frames.items():
            try:
                where = (self.owner.hook or in_loader(frame) or self._in_step(frame)) if thread == self._main else "input"
                innermost = next(sites.frames(frame), None) if where and thread != self._thread.ident else None
                if innermost is not None:
                    key = (innermost.f_code.co_filename, innermost.f_lineno)
                    if key not in self._sites:
                        self._sites[key] = sites.of_line(innermost)
                    self._seen[where, *key] += 1
            except AttributeError:
                continue

    def _in_step(self, frame: FrameType) -> str:
        """The word "step" where the main thread runs Python or NumPy of the user's own there, and not the framework for them."""
        if not self._steps:
            return ""
        self._step_samples += 1
        within: FrameType | None = frame
        while within is not None and not sites.is_users(within.f_code.co_filename):
            if _is_framework(within.f_code.co_filename) and within.f_code.co_name not in TO_NUMPY:
                return ""
            within = within.f_back
        return "step" if within is not None else ""


def in_loader(frame: FrameType) -> str:
    """The word "input" where the main thread runs Python of the user's own that a loader of PyTorch calls there."""
    users, within = False, frame.f_back
    innermost = sites.is_users(frame.f_code.co_filename)
    while within is not None:
        if within.f_code.co_filename.endswith(LOADER):
            return "input" if innermost or users else ""
        users = users or sites.is_users(within.f_code.co_filename)
        within = within.f_back
    return ""


def _is_framework(file: str) -> bool:
    return not FRAMEWORKS.isdisjoint(file.split(os.sep))
