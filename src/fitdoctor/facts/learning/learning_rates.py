"""The learning rate of a fit, compared with its optimizer's default."""

from __future__ import annotations

from math import sqrt

from fitdoctor.facts.fit import FitFacts
from fitdoctor.recording.model import EpochRow, Fit

# The default learning rates of Keras' optimizers. `DEFAULT` holds for those that are not listed.
DEFAULTS = {"SGD": 0.01}
DEFAULT = 0.001
# A suitable rate is mostly within this factor of the default.
FAR_BELOW = 10.0
# A curve of so many epochs shows whether it still falls: its second half must hold at least this share of the gain.
LEAST_EPOCHS, STILL_FALLING = 4, 0.10


def default_rate(record: Fit) -> float:
    """The default of this fit's optimizer."""
    return DEFAULTS.get(record.optimizer, DEFAULT)


def rate_is_low(fit: FitFacts) -> bool:
    """Whether the rate is a constant far below the default, and the loss still falls."""
    record = fit.record
    rate = record.learning_rate
    if rate is None or not 0 < rate <= default_rate(record) / FAR_BELOW * 1.001:
        return False
    scheduled = any(callback.steers and callback.name != "ReduceLROnPlateau" for callback in record.callbacks)
    return not scheduled and not _is_flat((fit.seen or record).curve)


def higher_rates(record: Fit) -> list[float]:
    """Rates that are worth a race, the lower first: half of the way to the default, and the default."""
    if not record.learning_rate:
        return []
    whole = default_rate(record)
    return [float(f"{sqrt(record.learning_rate * whole):.2g}"), whole]


def _is_flat(curve: list[EpochRow]) -> bool:
    losses = [row.logs["loss"] for row in curve if row.call == 0 and "loss" in row.logs]
    if len(losses) < LEAST_EPOCHS:
        return False
    gained = losses[0] - min(losses)
    late = losses[len(losses) // 2] - min(losses[len(losses) // 2 :])
    return gained > 0 and late < STILL_FALLING * gained
