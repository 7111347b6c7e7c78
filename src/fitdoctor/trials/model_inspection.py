"""What the inspection of a model may cost in a rehearsal, and its result."""

from __future__ import annotations

from fitdoctor.facts.fit import FitFacts
from fitdoctor.recording.defaults import DEFAULT_BATCH_SIZE
from fitdoctor.recording.model import ModelInspection
from fitdoctor.recording.trial_protocol import Failed, ModelInspected

# An inspection takes so many seconds at most, and this share of the whole budget.
MOST_S, SHARE = 3.0, 0.05
MOST_ROWS, LEAST_ROWS = 256, 8
# Seconds for the copies of the state and the statistics of each layer.
OVERHEAD_S = 0.3
# An eager pass takes so many times as long as a compiled step.
EAGER = 4.0
# The reply may take so many times as long as the inspection may: a layer that has begun can't be cut off.
INSPECTION_PATIENCE = 10
UNANSWERED = "The model could not be inspected: its process ended over it."


def inspection_s(budget_s: float) -> float:
    """Seconds that an inspection may take."""
    return min(MOST_S, SHARE * budget_s)


def rows_for(fit: FitFacts, backend: str, seconds: float) -> tuple[int, str]:
    """How many rows of a batch there is time for. Where it is 0, a sentence says why.

    On JAX the pass is compiled, as the training's own step is. Elsewhere it is eager, and its time grows with its rows.
    """
    size = fit.record.batch_size or DEFAULT_BATCH_SIZE
    most = min(MOST_ROWS, size)
    left_s, eager_s = seconds - OVERHEAD_S, EAGER * fit.step_s
    if backend == "jax":
        return (most, "") if fit.record.first_step.first_s <= left_s else (0, _too_long("to compile its pass"))
    rows = most if eager_s * most / size <= left_s else int(size * left_s / eager_s)
    return (rows, "") if rows >= min(LEAST_ROWS, most) else (0, _too_long("a step"))


def read_inspection(reply: ModelInspected | Failed) -> ModelInspection:
    """The result of the inspection, or why there is none."""
    if isinstance(reply, Failed):
        return ModelInspection(missing=f"The model could not be inspected: {reply.error}.")
    import msgspec

    return msgspec.convert(reply.inside, ModelInspection)


def _too_long(what: str) -> str:
    return f"The model could not be inspected: {what} takes longer than its share of the time."
