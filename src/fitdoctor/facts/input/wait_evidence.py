"""The sentence that all causes of the input family share: how long a step waits for its input."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fitdoctor.facts.fit import FitFacts
from fitdoctor.report.model import Evidence
from fitdoctor.wording import duration

if TYPE_CHECKING:
    from fitdoctor.facts.facts import Facts


def wait_evidence(facts: Facts, fit: FitFacts) -> Evidence:
    """How much of a step of this fit waits for input."""
    cost, measured = facts.input_cost(fit)
    steps = fit.steps("mid")
    if not measured or not steps:
        text = f"A step takes {duration(fit.step_s)}; how much of it waits for input is not measured yet."
        return Evidence(text=text, value=fit.step_s, unit="s")
    wait_s = min(fit.step_s, cost.mid / steps)  # the first step of each epoch may wait longer
    text = f"A step takes {duration(fit.step_s)}; {duration(wait_s)} of it waits for input."
    if fit.drawn_s is not None and fit.drawn_s > wait_s:
        text = (
            f"{text[:-1]}: drawing it takes {duration(fit.drawn_s)}, but the part that overlaps with earlier steps "
            "costs nothing."
        )
    return Evidence(text=text, value=wait_s, unit="s")
