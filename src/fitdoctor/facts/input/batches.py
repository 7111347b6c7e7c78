"""The size of a fit's batches: whether it can be changed from outside, and to what."""

from __future__ import annotations

from fitdoctor.facts.fit import FitFacts
from fitdoctor.facts.input.pipeline import user_chain
from fitdoctor.recording.model import Fit, Operation

#: Of so few samples a step hardly any processor is filled. Up to the usual 32 it may be the launching of steps that
#: costs.
TINY, USUAL = 16, 32
#: How many times as large the batches of a trial are: enough for the fixed price of a step to fall away, and once more
#: as much.
GROWTHS = (4, 16)
LEAST_GROWTH = GROWTHS[0]
#: Larger batches than this are no longer a matter of the machine's idle units.
LARGEST = 512
#: An epoch of fewer steps gives an optimizer too little to go by.
LEAST_STEPS = 4


def can_grow(fit: Fit) -> bool:
    """Whether the batch is an argument of `fit` or a stage of its pipeline, and not made by the user's own Python."""
    return fit.input_kind == "arrays" or fit.input_kind == "tf.data" and batch_stage(fit) is not None


def batch_stage(fit: Fit) -> Operation | None:
    """The stage of a pipeline that makes the batches, where it is the only one."""
    found = [step for step in user_chain(fit) if step.name in ("batch", "padded_batch")]
    return found[0] if len(found) == 1 and found[0].site is not None else None


def grown_sizes(fit: FitFacts) -> list[int]:
    """The sizes that are worth a trial, the smallest first."""
    size = fit.record.batch_size or 0
    return [size * by for by in GROWTHS if 0 < size * by <= LARGEST and fit.steps_per_epoch >= LEAST_STEPS * by]
