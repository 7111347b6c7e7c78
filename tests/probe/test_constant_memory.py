"""What is kept of a training does not grow with its steps: a hook that keeps something for each of them shows in the second half."""

from __future__ import annotations

import fake_keras
import pytest
from overhead_loop import BACKENDS, watched
from overhead_memory import traced

STEPS, EPOCH_STEPS = 30_000, 750
SPREAD_BYTES = 60_000
"""How much a store that is thinned each time that it is full may swing. One reference kept of each step would be 120 kB."""


def test_memory_and_disk_are_constant_in_the_number_of_steps() -> None:
    found = traced(STEPS, EPOCH_STEPS)
    middle = len(found["held"]) // 2
    assert max(found["held"][middle:]) - max(found["held"][1:middle]) < SPREAD_BYTES
    assert max(found["on_disk"][middle:]) - max(found["on_disk"][: middle - 1]) < SPREAD_BYTES
    assert max(found["on_disk"]) < 1_000_000


@pytest.mark.parametrize("backend", BACKENDS)
def test_each_step_is_noted_once(backend: str) -> None:
    with watched(backend) as director:
        callback = fake_keras.CountingCallback()
        fake_keras.FakeTrainer().fit([[0.0]], epochs=3, steps_per_epoch=1000, callbacks=[callback], validation_data=[[0.0]])
    (fit,) = director.scout.fits
    assert director.looking
    assert (fit.first_step.count, fit.epoch_first_step.count, fit.step.count) == (1, 2, 2997)
    assert fit.function.count == fit.logs.count == 2997
    assert fit.validation_first_step.count + fit.validation_step.count == 30
    assert fit.callbacks[0].hooks["on_train_batch_end"].count == callback.steps == 3000
    assert fit.input_wait.count == 2997
