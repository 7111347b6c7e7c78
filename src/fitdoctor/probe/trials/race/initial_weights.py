"""Whether a model is untrained, and other initial weights for it."""

from __future__ import annotations

from typing import Any

import numpy as np

from fitdoctor.probe import backends
from fitdoctor.probe.state.model_snapshot import read

# From so many numbers on, two draws of one distribution have about the same deviation.
ENOUGH = 64
# Deviations of two draws differ by less than this factor.
ALIKE = 2.0


def looks_fresh(weights: list[Any], drawn: list[Any]) -> bool:
    """Whether weights may come from the same initialisers as others that were just drawn. Trained ones do not.

    Example:
        >>> looks_fresh([np.zeros(8)], [np.zeros(8)]), looks_fresh([np.ones(8)], [np.zeros(8)])
        (True, False)
    """
    if [weight.shape for weight in weights] != [weight.shape for weight in drawn]:
        return False
    return all(_alike(weight, other) for weight, other in zip(weights, drawn, strict=True))


def _alike(weight: Any, other: Any) -> bool:
    if weight.size == 0 or other.size < ENOUGH and np.ptp(other) > 0:
        return True
    if np.ptp(other) == 0:
        return bool(np.allclose(weight, other))
    theirs, ours = float(np.std(other)), float(np.std(weight))
    return theirs / ALIKE <= ours <= theirs * ALIKE


def draw(model: Any, seed: int) -> list[Any] | None:
    """Trainable weights as the model's own initialisers draw them for a seed; None where it can't be cloned."""
    keras = backends.keras_of(model)
    try:
        keras.utils.set_random_seed(seed)
        clone = keras.models.clone_model(model)
        return [read(weight).copy() for weight in clone.trainable_variables]
    except Exception:  # a subclassed model or a layer without a configuration
        return None
