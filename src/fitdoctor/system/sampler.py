"""A thread that samples the system while a training runs in another process."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Mapping

from fitdoctor.recording.model.system import System
from fitdoctor.system.collector import OUTSIDE, Collector, Opener

FIRST_PERIOD_S = 0.25
# The longest period. No peak of some seconds is missed, however long the training is.
LONGEST_PERIOD_S = 2.0
# The period as a share of the elapsed time: a longer training is sampled less often.
PERIOD_SHARE = 1 / 240
# The share of a core that sampling may take. If a reading costs more, it is done less often.
OWN_SHARE = 0.001
# How long the end of a training waits for a reading. A driver may hang.
PATIENCE_S = 1.0
ENDED = "Sampling of the system ended early: {}: {}."
HUNG = "The figures of the system are unknown: reading them did not end."


class Sampler:
    """Samples the system from `start` to `stop`. Neither raises: a training continues without it.

    Args:
        openers: The sources to open.

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
        """Starts to sample a new process."""
        self._system = System(limits=[HUNG])
        try:
            thread = threading.Thread(target=self._run, args=(process,), daemon=True, name="fitdoctor-system")
            thread.start()
            self._thread = thread
        except RuntimeError as error:  # no more threads are possible
            self._system = System(limits=[ENDED.format(type(error).__name__, error)])

    def stop(self) -> System:
        """Stops and returns the record. A reading that hangs is abandoned."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join(PATIENCE_S)
            self._thread = None
        return self._system

    def _run(self, process: int) -> None:
        collector: Collector | None = None
        failed = ""
        try:
            if hasattr(signal, "pthread_sigmask"):  # the thread that waits for the training handles signals
                signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
            collector = Collector(process, self._openers)
            self._sample(collector)
        except Exception as error:  # noqa: BLE001 - the report names it, and nothing else depends on it
            failed = ENDED.format(type(error).__name__, error)
        system = System() if collector is None else collector.close(round(time.thread_time(), 3))
        system.limits += [failed] if failed else []
        self._system = system

    def _sample(self, collector: Collector) -> None:
        began_s, cpu_s = time.monotonic(), time.thread_time()
        wait_s = FIRST_PERIOD_S
        while not self._stop.wait(wait_s):
            collector.tick()
            before_s, cpu_s = cpu_s, time.thread_time()
            wait_s = period(time.monotonic() - began_s, cpu_s - before_s)
        collector.tick()


def period(elapsed_s: float, spent_s: float) -> float:
    """Seconds until the next reading, from the age of the training and the cost of the last reading.

    Example:
        >>> period(10, 0.0001), period(3600, 0.0001), period(10, 0.001)
        (0.25, 2.0, 1.0)
    """
    return max(min(LONGEST_PERIOD_S, max(FIRST_PERIOD_S, elapsed_s * PERIOD_SHARE)), spent_s / OWN_SHARE)
