"""What it costs a fit that its input begins anew in each epoch."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fitdoctor.facts.fit import FitFacts
from fitdoctor.facts.wording import duration
from fitdoctor.report.model import Evidence, Interval

if TYPE_CHECKING:
    from fitdoctor.facts.facts import Facts


def stall_cost(fit: FitFacts) -> Interval:
    """Seconds that the first steps of later epochs take beyond ordinary ones, as they were timed."""
    low, mid = (fit.later_epochs(bound) * fit.epoch_stall_s for bound in ("low", "mid"))
    return Interval(low=min(low, mid), mid=mid, high=mid)


def input_and_stalls(facts: Facts, fit: FitFacts) -> tuple[Interval, bool]:
    """What a fit waits for its input, within steps and where epochs start, and whether the former was measured.

    Whether a stall is for the input as a whole is not known: it counts from nothing on.
    """
    (waits, measured), stall = facts.input_cost(fit), stall_cost(fit)
    return Interval(low=waits.low, mid=waits.mid + stall.mid, high=waits.high + stall.high), measured


def stalls_matter(facts: Facts, fit: FitFacts) -> bool:
    """Whether the starts of epochs are worth trials of their own."""
    return facts.worthwhile(stall_cost(fit))


def stalled(fit: FitFacts) -> Evidence:
    """How long an epoch's first step takes."""
    first_s = fit.step_s + fit.epoch_stall_s
    text = f"The first step of each later epoch takes {duration(first_s)}, any other {duration(fit.step_s)}."
    return Evidence(text=text, value=fit.epoch_stall_s, unit="s")
