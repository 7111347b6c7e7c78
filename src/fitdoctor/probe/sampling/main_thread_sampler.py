"""Samples the script's own lines on the main thread before its first unit, or while a step is traced."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Callable

from fitdoctor.probe.support import call_sites, thread_stacks
from fitdoctor.probe.support.hidden_thread import HiddenThread
from fitdoctor.probe.support.originals import threading, time
from fitdoctor.probe.support.thread_stacks import Call
from fitdoctor.recording.model import HotLine, Site

INTERVAL_S = 0.02
SHOWN = 3
LEAST_SHARE = 0.05

Choose = Callable[[list[Call]], Call | None]


class MainThreadSampler:
    """Samples the calling thread, and charges the time since the last sample to the line that it finds.

    Args:
        where: The part of the run that the lines belong to.
        choose: Gives the call that a stack is charged to, or None.
        until: Ends the sampling when it returns true.
    """

    def __init__(self, where: str, choose: Choose, until: Callable[[], bool] = lambda: False) -> None:
        self._where, self._choose, self._until = where, choose, until
        self._main = threading.get_ident()
        self._taken_s: defaultdict[tuple[str, int], float] = defaultdict(float)
        self._sites: dict[tuple[str, int], Site] = {}
        self._total_s = 0.0
        self._thread = HiddenThread(self._sample)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> list[HotLine]:
        """Ends the sampling and gives the lines that took most of the time, the costliest first."""
        self._thread.stop(patience_s=1.0)
        total_s = self._total_s
        costliest = sorted(self._taken_s.items(), key=lambda item: -item[1])[:SHOWN]
        return [
            HotLine(where=self._where, site=self._sites[key], share=taken_s / total_s)
            for key, taken_s in costliest
            if taken_s >= LEAST_SHARE * total_s
        ]

    @property
    def share(self) -> float:
        """The share of the sampled time that was charged to any line."""
        return sum(self._taken_s.values()) / self._total_s if self._total_s else 0.0

    def _sample(self) -> None:
        last_s = time.perf_counter()
        while not self._thread.wait(INTERVAL_S) and not self._until():
            calls = thread_stacks.stacks().get(self._main, [])
            now_s = time.perf_counter()
            passed_s, last_s = now_s - last_s, now_s
            self._total_s += passed_s
            chosen = self._choose(calls)
            if chosen is not None:
                key = (chosen.file, chosen.line)
                if key not in self._sites:
                    self._sites[key] = call_sites.of_line(*chosen)
                self._taken_s[key] += passed_s


def own_work(calls: list[Call]) -> Call | None:
    """The script's innermost call, unless it imports a module or calls Keras."""
    for call in calls:
        if call_sites.is_users(call.file):
            return call
        if call.file.startswith("<frozen importlib") or _is_keras(call.file):
            return None
    return None


def traced_line(calls: list[Call]) -> Call | None:
    """The script's innermost call inside fit, where its own code is traced; None for the line that calls fit."""
    innermost: Call | None = None
    for call in calls:
        if innermost is None and call_sites.is_users(call.file):
            innermost = call
        elif innermost is not None and call.function == "fit" and _is_keras(call.file):
            return innermost
    return None


def _is_keras(file: str) -> bool:
    return f"{os.sep}keras{os.sep}" in file or f"{os.sep}tf_keras{os.sep}" in file
