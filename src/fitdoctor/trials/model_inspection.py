"""What a look inside the model may cost in a rehearsal, and what the child sends of it."""

from __future__ import annotations

from typing import Any

from fitdoctor.facts.fit import FitFacts
from fitdoctor.recording.model import ModelInspection

MOST_S, SHARE = 3.0, 0.05
"""The shorter of some seconds and a share of the whole budget."""
MOST_ROWS, LEAST_ROWS = 256, 8
AROUND_S = 0.3
"""Copies of the state, and the figures of each layer."""
EAGER = 4.0
"""As many times longer than a compiled step may a pass take whose operations are run one by one."""
LOOK_PATIENCE = 10
"""As many times longer than it may take is it waited for: a layer that was begun can't be cut off."""
UNANSWERED = "The inside of the model was not seen: its process did not live through the look."


def look_s(budget_s: float) -> float:
    """Seconds that a look may take."""
    return min(MOST_S, SHARE * budget_s)


def rows_for(fit: FitFacts, backend: str, seconds: float) -> tuple[int, str]:
    """How many rows of a batch there is time for; 0, with a sentence that says why, where not even for a few.

    On JAX the pass is compiled, as the training's own step is. Elsewhere it runs operation by operation, for as long as
    it has rows.
    """
    size = fit.record.batch_size or 32
    most = min(MOST_ROWS, size)
    if backend == "jax":
        return (
            (most, "") if fit.record.first_step.first_s + AROUND_S <= seconds else (0, _too_long("to compile its pass"))
        )
    left_s, eager_s = seconds - AROUND_S, EAGER * fit.step_s
    rows = most if eager_s * most / size <= left_s else int(size * left_s / eager_s)
    return (rows, "") if rows >= min(LEAST_ROWS, most) else (0, _too_long("a step"))


def seen_inside(reply: dict[str, Any]) -> ModelInspection:
    """What the child's reply holds; where it failed, why."""
    import msgspec

    if "inside" not in reply:
        return ModelInspection(
            missing=f"The inside of the model was not seen: {reply.get('error', 'nothing was sent')}."
        )
    return msgspec.convert(reply["inside"], ModelInspection)


def _too_long(what: str) -> str:
    return f"The inside of the model was not seen: {what} takes longer than the time that there was for it."
