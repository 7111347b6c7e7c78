"""The size of a fit's batches: whether a trial can change it, and to which sizes."""

from __future__ import annotations

from fitdoctor.facts.fit import FitFacts
from fitdoctor.facts.input.pipeline import user_chain
from fitdoctor.recording.model import Fit, Operation

# Batches up to the first size hardly fill any processor. Up to the second, Keras' default, launching steps may cost.
TINY = 16
# How many times as large the batches of a trial are. The first factor already makes the fixed cost of a step small.
GROWTHS = (4, 16)
LEAST_GROWTH = GROWTHS[0]
# Larger batches than this no longer fill idle units of the machine.
LARGEST = 512
# An optimizer needs at least this many steps in an epoch.
LEAST_STEPS = 4


def can_grow(fit: Fit) -> bool:
    """Whether `fit` or a stage of its pipeline sets the batch size, and not the user's own Python."""
    return fit.input_kind == "arrays" or fit.input_kind == "tf.data" and batch_stage(fit) is not None


def batch_stage(fit: Fit) -> Operation | None:
    """The stage of a pipeline that makes the batches, if there is only one."""
    found = [step for step in user_chain(fit) if step.name in ("batch", "padded_batch")]
    return found[0] if len(found) == 1 and found[0].site is not None else None


def grown_sizes(fit: FitFacts) -> list[int]:
    """The sizes that are worth a trial, the smallest first."""
    size = fit.record.batch_size or 0
    return [size * by for by in GROWTHS if 0 < size * by <= LARGEST and fit.steps_per_epoch >= LEAST_STEPS * by]
