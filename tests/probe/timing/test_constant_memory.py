"""The memory and the record of a training do not grow with its steps.

A hook that stores something at each step would show in the second half.
"""

from __future__ import annotations

from types import FunctionType
from typing import Any

import pytest

from bench.overhead import fake_keras
from bench.overhead.loop import BACKENDS, watched
from bench.overhead.memory import traced
from fitdoctor.probe.timing.step_sampling import SAMPLED_AT_FIRST

STEPS, EPOCH_STEPS = 30_000, 750
# How much a store may vary that is thinned out whenever it is full. One reference per step would be 120 kB.
SPREAD_BYTES = 60_000


def test_memory_and_disk_are_constant_in_the_number_of_steps() -> None:
    found = traced(STEPS, EPOCH_STEPS)
    middle = len(found["held"]) // 2
    assert max(found["held"][middle:]) - max(found["held"][1:middle]) < SPREAD_BYTES
    assert max(found["on_disk"][middle:]) - max(found["on_disk"][: middle - 1]) < SPREAD_BYTES
    assert max(found["on_disk"]) < 1_000_000


@pytest.mark.parametrize("backend", BACKENDS)
def test_each_step_is_counted_once(backend: str) -> None:
    with watched(backend) as role:
        callback = fake_keras.CountingCallback()
        fake_keras.FakeTrainer().fit(
            [[0.0]], epochs=3, steps_per_epoch=1000, callbacks=[callback], validation_data=[[0.0]]
        )
    (fit,) = role.record.fits
    assert role.recording
    assert (fit.first_step.count, fit.epoch_first_step.count, fit.step.count) == (1, 2, 2997)
    assert fit.function.count == fit.logs.count == 2997
    assert fit.validation_first_step.count + fit.validation_step.count == 30
    assert fit.callbacks[0].hooks["on_train_batch_end"].count == callback.steps == 3000
    assert fit.input_wait.count == 2997


class ProgbarLogger(fake_keras.CountingCallback):
    """Is like the one that Keras adds."""

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        self.steps += 1
        self.timed = not isinstance(vars(ProgbarLogger)["on_train_batch_end"], FunctionType)


def test_a_callback_of_keras_is_timed_until_the_first_skip(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ProgbarLogger, "__module__", "keras.src.callbacks.progbar_logger")
    counts = []
    for steps in (SAMPLED_AT_FIRST // 2, 3000):
        with watched("torch") as role:
            callback = ProgbarLogger()
            fake_keras.FakeTrainer().fit([[0.0]], steps_per_epoch=steps, callbacks=[callback])
        counts.append(
            (role.record.fits[0].callbacks[0].hooks["on_train_batch_end"].count - callback.steps, callback.timed)
        )
    assert counts == [(0, True), (0, False)]
    assert isinstance(vars(ProgbarLogger)["on_train_batch_end"], FunctionType)
