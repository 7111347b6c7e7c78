"""Measures memory and disk after a million watched steps of a `fit` that computes nothing."""

from __future__ import annotations

import gc
import os
import tempfile
import time
import tracemalloc
from pathlib import Path
from typing import Any

from bench.overhead import fake_keras
from bench.overhead.loop import watched
from fitdoctor.probe.support.record_writer import Store

EPOCH_STEPS = 10_000

# The number of saves during the fit.
KEPT_DURING = 10


def measure(steps: int = 1_000_000) -> dict[str, Any]:
    """Returns how many megabytes the process holds at most more than before its `fit`, and the size of the file."""
    _import_what_a_script_has()
    found = _followed(steps, EPOCH_STEPS, resident_bytes)
    start, *later = found["held"]
    return {
        "steps": steps,
        "seconds": found["seconds"],
        "process_mb": (max(later) - start) / 1e6,
        "disk_mb": max(found["on_disk"]) / 1e6,
        "samples_mb": [(held - start) / 1e6 for held in later],
    }


def traced(steps: int, epoch_steps: int) -> dict[str, Any]:
    """Returns the bytes that Python holds and the bytes on disk, before the fit and several times during it.

    They are exact, so a test can compare them with a limit.
    """
    _import_what_a_script_has()
    tracemalloc.start()
    try:
        return _followed(steps, epoch_steps, lambda: tracemalloc.get_traced_memory()[0])
    finally:
        tracemalloc.stop()


def _import_what_a_script_has() -> None:
    """A script that trains has imported these before we use them."""
    import numpy  # noqa: F401
    import torch  # noqa: F401


def _followed(steps: int, epoch_steps: int, held: Any) -> dict[str, Any]:
    epochs = max(1, steps // epoch_steps)
    found: dict[str, Any] = {"held": [], "on_disk": []}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "watch.json"
        with watched("torch") as role:
            role._save = Store(str(path), lambda: role.record).save
            look = _Look(role, path, held, max(1, epochs // KEPT_DURING), found)
            began_s = time.perf_counter()
            model = fake_keras.FakeTrainer()
            callbacks = [fake_keras.CountingCallback(), look]
            gc.collect()
            found["held"].append(held())
            model.fit([[0.0]], epochs=epochs, steps_per_epoch=epoch_steps, callbacks=callbacks, validation_data=[[0.0]])
            found["seconds"] = time.perf_counter() - began_s
            seen = sum(duration.count for duration in _steps_of(role.record.fits[0]))
    if seen != epochs * epoch_steps:
        raise RuntimeError(f"{seen} of {epochs * epoch_steps} steps were observed")
    return found


def _steps_of(fit: Any) -> tuple[Any, ...]:
    return fit.step, fit.first_step, fit.epoch_first_step


class _Look(fake_keras.CountingCallback):
    """Saves the record now and then, and notes the memory and the size of the file."""

    def __init__(self, role: Any, path: Path, held: Any, every: int, found: dict[str, Any]) -> None:
        super().__init__()
        self._role, self._path, self._held, self._every, self._found = role, path, held, every, found

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        if (epoch + 1) % self._every == 0:
            self._role.save_now()
            gc.collect()
            self._found["held"].append(self._held())
            self._found["on_disk"].append(self._path.stat().st_size)


def resident_bytes() -> int:
    """Returns the resident memory of this process."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
