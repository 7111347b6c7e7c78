"""Measures a whole process, where environments are compared: its steps without a pause, and its weights."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

import numpy as np

from fitdoctor.probe.state.model_snapshot import MOST_BYTES, Snapshot, bytes_of
from fitdoctor.probe.trainer import keras_internals
from fitdoctor.recording.trial_protocol import ArmSpec, ProcessMeasured
from fitdoctor.trial_units import Unit

if TYPE_CHECKING:
    from fitdoctor.probe.trials.fit_arms import FitArms

# Steps after which the weights are compared.
STEPS = 4
# Stretches before the timed ones, in which tf.data tunes the pipeline and the process warms up.
UNTIMED = 1


def measure(arms: FitArms, stretches: int) -> ProcessMeasured:
    """Times the fit as it is, in stretches without a pause, and takes a few steps from the start for the weights.

    Args:
        arms: Of the fit. They can't be used for anything else afterwards.
        stretches: How many are timed.
    """
    start = _snapshot(arms)
    step = ArmSpec(id="step/baseline", role="baseline", unit=Unit.STEP)
    stretch = ArmSpec(id="stretch/baseline", role="baseline", unit=Unit.STRETCH)
    arms.prepare(step)
    arms.prepare(stretch)
    windows = [arms.window(stretch) for _ in range(UNTIMED + stretches)][UNTIMED:]
    return ProcessMeasured(windows=windows, weights={} if start is None else _weights(arms, step, start))


def _snapshot(arms: FitArms) -> Snapshot | None:
    """The model before its first step, or None where it is not built yet or too large."""
    model = arms.stepper.model
    if not model.built or model.optimizer is None or bytes_of(model) > MOST_BYTES:
        return None
    keras_internals.build(model, lambda: arms.stepper.feeds.dataset([]))
    return Snapshot(model)


def _weights(arms: FitArms, step: ArmSpec, start: Snapshot) -> dict[str, Any]:
    """Hashes before and after some steps on one batch, and two numbers for the update of each weight.

    The numbers are the length of the update and its projection on a fixed random direction, its shadow. Two processes
    can't compare their arrays. Where they start equal, the shadows tell other rounding from another training: they
    differ as much as the updates do, up to a random factor.
    """
    try:
        start.restore()
        before = start.weights()
        arms.step_on(step.id, iter(arms.stepper.feeds.fixed()), STEPS)
        updates = [(now.astype(np.float64) - old).ravel() for now, old in zip(start.weights(), before, strict=True)]
    except Exception as error:
        return {"why": f"{type(error).__name__}: {error}"[:200]}
    random = np.random.default_rng(0)
    shadows = [float(update @ random.standard_normal(update.size)) for update in updates]
    lengths = [float(np.sqrt(update @ update)) for update in updates]
    return {"start": _hash(before), "end": _hash(updates), "shadows": shadows, "lengths": lengths}


def _hash(arrays: list[Any]) -> str:
    total = hashlib.blake2b(digest_size=16)
    for array in arrays:
        total.update(np.ascontiguousarray(array).tobytes())
    return total.hexdigest()
