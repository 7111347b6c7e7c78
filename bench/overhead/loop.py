"""Measures the cost of observing one step: the real patches and recording around a `fit` that computes nothing."""

from __future__ import annotations

import random
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

from bench.overhead import fake_keras
from fitdoctor.probe import backends
from fitdoctor.probe.instrument import install
from fitdoctor.probe.roles.watch import WatchRole
from fitdoctor.probe.timing.time_ledger import Ledger
from fitdoctor.recording.model import ProcessRecord

BACKENDS = tuple(fake_keras.ITERATORS)


@contextmanager
def watched(backend: str, save: Callable[[], None] = lambda: None) -> Iterator[WatchRole]:
    """Patches the Keras without a framework, as `fitdoctor watch` does, for as long as the block lasts."""
    scout = ProcessRecord()
    scout.environment["devices"] = []  # nobody is to be asked for them
    role = WatchRole(scout, Ledger("start", started_s=time.monotonic()), save)
    with fake_keras.imported(backend), patch.object(backends, "_used", []):
        patches = install.install(sys.modules["keras"], role, whole_process=False)
        try:
            yield role
        finally:
            patches.undo()


def nanoseconds(backend: str, *, callback: bool, steps: int = 20_000, rounds: int = 15) -> dict[str, float]:
    """Returns by how many nanoseconds a step the watched loop is slower: the median over pairs of fits.

    Args:
        backend: Whose patch points.
        callback: Whether the script has a callback with a hook at each step.
        steps: The steps of each fit.
        rounds: The number of pairs, each in random order.
    """
    found: list[float] = []
    for _ in range(rounds):
        pair: dict[bool, float] = {}
        for looking in random.sample([True, False], 2):
            if looking:
                with watched(backend):
                    pair[True] = _seconds(steps, callback=callback)
            else:
                pair[False] = _seconds(steps, callback=callback)
        found.append((pair[True] - pair[False]) / steps * 1e9)
    low, middle, high = statistics.quantiles(found, n=4)
    return {"ns": middle, "low": low, "high": high}


def _seconds(steps: int, *, callback: bool) -> float:
    """Times one fit. Its begin and end take a few dozen microseconds of some milliseconds."""
    callbacks: list[Any] = [fake_keras.CountingCallback()] if callback else []
    began_s = time.perf_counter()
    fake_keras.FakeTrainer().fit([[0.0]], steps_per_epoch=steps, callbacks=callbacks)
    return time.perf_counter() - began_s


def measure() -> list[dict[str, Any]]:
    """Every backend's patches, without a callback and with one that has a hook at each step."""
    return [
        {"backend": backend, "callback": callback, **nanoseconds(backend, callback=callback)}
        for backend in BACKENDS
        for callback in (False, True)
    ]
