"""What a whole process shows where environments are compared:

its steps without a pause, and what they make of the weights.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

import numpy as np

from fitdoctor.probe.state.model_snapshot import MOST_BYTES, Snapshot, bytes_of
from fitdoctor.probe.trainer import keras_internals

if TYPE_CHECKING:
    from fitdoctor.probe.trials.fit_arms import FitArms

STEPS = 4
UNTIMED = 1
"""Stretches before the timed ones: tf.data tunes a pipeline while it runs, and a process grows warm."""


def measure(arms: FitArms, stretches: int) -> dict[str, Any]:
    """Times the fit as it is, in stretches without a pause.

    Args:
        arms: Of the fit at which the process stands. They can't be used for anything else afterwards.
        stretches: How many are timed.

    Returns:
        The windows, and what a few steps from the start made of the weights: see `compared`, in the trials.
    """
    start = _snapshot(arms)
    step = {"id": "step/baseline", "role": "baseline", "unit": "step", "remedy": "", "changes": []}
    stretch = {**step, "id": "stretch/baseline", "unit": "stretch"}
    arms.prepare(step)
    arms.prepare(stretch)
    windows = [arms.window(stretch) for _ in range(UNTIMED + stretches)][UNTIMED:]
    return {"windows": windows, "weights": {} if start is None else _weights(arms, start)}


def _snapshot(arms: FitArms) -> Snapshot | None:
    """The model before its first step, or None where it is not built yet or too large."""
    model = arms.model
    if not model.built or model.optimizer is None or bytes_of(model) > MOST_BYTES:
        return None
    keras_internals.build(model, lambda: arms.feeds.dataset([]))
    return Snapshot(model)


def _weights(arms: FitArms, start: Snapshot) -> dict[str, Any]:
    """Hashes before and after some steps on one batch, and for each weight the length of its update and its shadow on a
    fixed direction.

    Two processes can't hold their arrays against each other. Where the start is the same, the shadows tell other
    rounding from another training: they differ as much as the updates do, up to a factor that chance sets.
    """
    try:
        start.restore()
        before = start.weights()
        arms.step_on("step/baseline", iter(arms.feeds.fixed()), STEPS)
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
