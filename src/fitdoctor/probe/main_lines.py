"""Samples what the main thread does while no step is timed: the script's own lines before its first unit, or while it is traced."""

from __future__ import annotations

import os
import sys
import threading
import time
from collections import defaultdict
from collections.abc import Callable
from types import FrameType

from fitdoctor.probe import failures, sites
from fitdoctor.recording.model import HotLine, Site

INTERVAL_S = 0.02
SHOWN = 3
LEAST_SHARE = 0.05

Choose = Callable[[FrameType], FrameType | None]


class MainLines:
    """Looks at the calling thread now and then, and charges the time since the last look to the line that it finds.

    Args:
        where: What the lines are said to belong to.
        choose: The frame that a stack is charged to, or None for nobody's.
        until: Ends the sampling when it is true.
    """

    def __init__(self, where: str, choose: Choose, until: Callable[[], bool] = lambda: False) -> None:
        self._where, self._choose, self._until = where, choose, until
        self._main = threading.get_ident()
        self._taken_s: defaultdict[tuple[str, int], float] = defaultdict(float)
        self._sites: dict[tuple[str, int], Site] = {}
        self._total_s = 0.0
        self._done = threading.Event()
        self._thread = threading.Thread(target=failures.guarded, args=(self._look,), name="fitdoctor-lines", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> list[HotLine]:
        """Ends the sampling and says which lines took most of the time, the costliest first."""
        self._done.set()
        self._thread.join(1.0)
        total_s = self._total_s
        costliest = sorted(self._taken_s.items(), key=lambda item: -item[1])[:SHOWN]
        return [
            HotLine(where=self._where, site=self._sites[key], share=taken_s / total_s)
            for key, taken_s in costliest
            if taken_s >= LEAST_SHARE * total_s
        ]

    def _look(self) -> None:
        last_s = time.perf_counter()
        while not self._done.wait(INTERVAL_S) and not self._until():
            frame = sys._current_frames().get(self._main)
            now_s = time.perf_counter()
            passed_s, last_s = now_s - last_s, now_s
            self._total_s += passed_s
            chosen = self._choose(frame) if frame is not None else None
            if chosen is not None:
                key = (chosen.f_code.co_filename, chosen.f_lineno)
                if key not in self._sites:
                    self._sites[key] = sites.of_line(chosen)
                self._taken_s[key] += passed_s


def own_work(frame: FrameType) -> FrameType | None:
    """The script's innermost frame, unless it imports something or Keras builds something for it: that is nobody's fault."""
    within: FrameType | None = frame
    while within is not None and not sites.is_users(within.f_code.co_filename):
        file = within.f_code.co_filename
        if file.startswith("<frozen importlib") or _is_keras(file):
            return None
        within = within.f_back
    return within


def traced_line(frame: FrameType) -> FrameType | None:
    """The script's innermost frame inside fit: code of its own that is traced. The line that calls fit is none."""
    innermost = next(sites.frames(frame), None)
    within = innermost
    while within is not None:
        if within.f_code.co_name == "fit" and _is_keras(within.f_code.co_filename):
            return innermost
        within = within.f_back
    return None


def _is_keras(file: str) -> bool:
    return f"{os.sep}keras{os.sep}" in file or f"{os.sep}tf_keras{os.sep}" in file
