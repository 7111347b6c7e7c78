"""The learning rate of a fit beside what its optimizer takes by default."""

from __future__ import annotations

from math import sqrt

from fitdoctor.facts.fit import FitFacts
from fitdoctor.recording.model import EpochRow, Fit

#: What Keras' optimizers take where nothing is said; all others take 0.001.
DEFAULTS = {"SGD": 0.01}
DEFAULT = 0.001
#: A rate this many times below the default is one that was not chosen by trying: what suits a model is mostly within a
#: factor of ten.
FAR_BELOW = 10.0
#: From so many epochs on a curve tells whether it still falls: at least this share of all that it gained must lie in
#: its second half.
LEAST_EPOCHS, STILL_FALLING = 4, 0.10


def default_rate(record: Fit) -> float:
    """The default of this fit's optimizer."""
    return DEFAULTS.get(record.optimizer, DEFAULT)


def rate_is_low(fit: FitFacts) -> bool:
    """Whether the rate is far below the default, nothing but the script's constant sets it, and the loss does not lie
    still.
    """
    record = fit.record
    rate = record.learning_rate
    if rate is None or not 0 < rate <= default_rate(record) / FAR_BELOW * 1.001:
        return False
    scheduled = any(callback.steers and callback.name != "ReduceLROnPlateau" for callback in record.callbacks)
    return not scheduled and not _lies_still((fit.seen or record).curve)


def higher_rates(record: Fit) -> list[float]:
    """Rates that are worth a race, the lower first: the default, and half of the way to it."""
    if not record.learning_rate:
        return []
    whole = default_rate(record)
    return [float(f"{sqrt(record.learning_rate * whole):.2g}"), whole]


def _lies_still(curve: list[EpochRow]) -> bool:
    losses = [row.logs["loss"] for row in curve if row.call == 0 and "loss" in row.logs]
    if len(losses) < LEAST_EPOCHS:
        return False
    gained = losses[0] - min(losses)
    late = losses[len(losses) // 2] - min(losses[len(losses) // 2 :])
    return gained > 0 and late < STILL_FALLING * gained
