"""The number of batches in one pass over a training's data, and the number of passes."""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil

from fitdoctor.facts.epochs import Bound
from fitdoctor.facts.fit import FitFacts
from fitdoctor.facts.input.pipeline import user_chain
from fitdoctor.recording.model import Fit, Operation

BATCHING = frozenset({"batch", "padded_batch", "ragged_batch"})


def batches_in_data(fit: Fit) -> int | None:
    """Batches in one pass over data that repeats. None if nothing repeats, or if the number is unknown."""
    return _batches(user_chain(fit), fit.batch_size)


def batches_in_validation_data(fit: Fit) -> int | None:
    """The same for the validation data."""
    chain = sorted((step for step in fit.validation_operations if not step.by_keras), key=lambda step: step.position)
    return _batches(chain, fit.validation_batch_size)


def _batches(chain: Sequence[Operation], batch_size: int | None) -> int | None:
    at = next((at for at, step in enumerate(chain) if step.name == "repeat" and at > 0), None)
    if at is None:
        return None
    elements = chain[at - 1].cardinality
    if elements is None or elements <= 0:
        return None
    if any(step.name in BATCHING for step in chain[:at]):
        return elements
    return ceil(elements / batch_size) if batch_size else None


def steps_per_pass(fit: FitFacts) -> int:
    """Batches in one pass over the data: those of an epoch, unless the pipeline repeats."""
    return batches_in_data(fit.record) or fit.steps_per_epoch


def data_passes(fit: FitFacts, bound: Bound = "mid") -> float:
    """Passes over the data in one call of fit."""
    return fit.epochs.at(bound) * fit.steps_per_epoch / max(1, steps_per_pass(fit))
