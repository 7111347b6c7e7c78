"""A thread of ours that looks at the system while a training runs in another process."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Mapping

from fitdoctor.recording.model.system import System
from fitdoctor.system.collector import OUTSIDE, Collector, Opener

FIRST_PERIOD_S = 0.25
# So that no peak of some seconds is missed, however long the training.
LONGEST_PERIOD_S = 2.0
# Of what has passed: a longer training is looked at more rarely.
PERIOD_SHARE = 1 / 240
# Of a core, for looking: where it costs more, it is done more rarely.
OWN_SHARE = 0.001
# A driver may hang; the training's end is not to wait for it.
PATIENCE_S = 1.0
ENDED = "What the system did meanwhile was not looked at to the end: {}: {}."
HUNG = "What the system did meanwhile is not known: looking at it did not come to an end."


class Sampler:
    """Looks at the system from `start` to `stop`. Neither ever raises: a training goes on without it.

    Args:
        openers: What there is to be read.

    Example:
        >>> sampler = Sampler()
        >>> sampler.start(process.pid)
        >>> process.wait()
        >>> sampler.stop().series.levels["rss_bytes"].most
    """

    def __init__(self, openers: Mapping[str, Opener] = OUTSIDE) -> None:
        self._openers = openers
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._system = System()

    def start(self, process: int) -> None:
        """Begins to look at what a process does, which has just been started."""
        self._system = System(limits=[HUNG])
        try:
            thread = threading.Thread(target=self._run, args=(process,), daemon=True, name="fitdoctor-system")
            thread.start()
            self._thread = thread
        except RuntimeError as error:  # no thread is to be had
            self._system = System(limits=[ENDED.format(type(error).__name__, error)])

    def stop(self) -> System:
        """What was seen. A look that hangs is left behind."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join(PATIENCE_S)
            self._thread = None
        return self._system

    def _run(self, process: int) -> None:
        look: Collector | None = None
        failed = ""
        try:
            if hasattr(signal, "pthread_sigmask"):  # signals are the business of the thread that waits for the training
                signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
            look = Collector(process, self._openers)
            self._look(look)
        except Exception as error:  # noqa: BLE001 - said in the report; nothing else depends on it
            failed = ENDED.format(type(error).__name__, error)
        system = System() if look is None else look.close(round(time.thread_time(), 3))
        system.limits += [failed] if failed else []
        self._system = system

    def _look(self, look: Collector) -> None:
        began_s, cpu_s = time.monotonic(), time.thread_time()
        wait_s = FIRST_PERIOD_S
        while not self._stop.wait(wait_s):
            look.tick()
            before_s, cpu_s = cpu_s, time.thread_time()
            wait_s = period(time.monotonic() - began_s, cpu_s - before_s)
        look.tick()


def period(elapsed_s: float, spent_s: float) -> float:
    """Seconds until the next look, after so long a training and a look that took so much of a core.

    Example:
        >>> period(10, 0.0001), period(3600, 0.0001), period(10, 0.001)
        (0.25, 2.0, 1.0)
    """
    return max(min(LONGEST_PERIOD_S, max(FIRST_PERIOD_S, elapsed_s * PERIOD_SHARE)), spent_s / OWN_SHARE)
