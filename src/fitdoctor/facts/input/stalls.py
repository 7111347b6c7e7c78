"""The cost of an input that starts again in each epoch."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fitdoctor.facts.fit import FitFacts
from fitdoctor.facts.units import typical_s
from fitdoctor.report.model import Evidence, Interval
from fitdoctor.wording import duration

if TYPE_CHECKING:
    from fitdoctor.facts.facts import Facts


def stall_cost(fit: FitFacts) -> Interval:
    """The measured extra seconds of the first steps of later epochs."""
    low, mid = (fit.later_epochs(bound) * fit.epoch_stall_s for bound in ("low", "mid"))
    return Interval(low=min(low, mid), mid=mid, high=mid)


def first_waits_cost(fit: FitFacts) -> tuple[Interval, bool]:
    """Seconds of waiting for the first batches of later epochs, and whether they were measured.

    If the compiled graph draws the batches, the wait is unknown: it is some part of the extra time of first steps.
    """
    if fit.record.input_drawn == "graph":
        stall = stall_cost(fit)
        return Interval(low=0.0, mid=stall.mid, high=stall.high), False
    low, mid = (fit.later_epochs(bound) * fit.stall_wait_s for bound in ("low", "mid"))
    return Interval(low=min(low, mid), mid=mid, high=mid), True


def input_cost_with_epoch_starts(facts: Facts, fit: FitFacts) -> tuple[Interval, bool]:
    """Seconds that a fit waits for its input, in steps and at starts of epochs, and whether the former was measured.

    A stall without a measured wait may have other reasons, so its lower bound is zero.
    """
    (waits, measured), stall = facts.input_cost(fit), stall_cost(fit)
    low = waits.low + fit.later_epochs("low") * fit.stall_wait_s
    return Interval(low=low, mid=waits.mid + stall.mid, high=waits.high + stall.high), measured


def stalls_matter(facts: Facts, fit: FitFacts) -> bool:
    """Whether the starts of epochs are worth trials of their own."""
    return facts.worthwhile(stall_cost(fit))


def stall_evidence(fit: FitFacts) -> Evidence:
    """The sentence on the first steps of epochs."""
    first_s = fit.step_s + fit.epoch_stall_s
    text = f"The first step of each later epoch takes {duration(first_s)}, any other {duration(fit.step_s)}."
    return Evidence(text=text, value=fit.epoch_stall_s, unit="s")


def restart_cost(fit: FitFacts, workers: int, cores: int) -> Interval:
    """Seconds to end processes after each epoch and to start them for the next.

    The time of the first batch itself is left out. It may take as many steps as there are workers, or as many as there
    are cores.
    """
    all_s, most_s = max(1, workers) * fit.step_s, max(1, min(workers, cores)) * fit.step_s
    between_s = typical_s(fit.record.epoch_boundary)
    low = fit.later_epochs("low") * (between_s + max(0.0, fit.epoch_stall_s - all_s))
    mid = fit.later_epochs("mid") * (between_s + max(0.0, fit.epoch_stall_s - most_s))
    return Interval(low=min(low, mid), mid=mid, high=stall_cost(fit).high + fit.later_epochs("mid") * between_s)


def restart_evidence(fit: FitFacts) -> Evidence:
    """The sentence on the restart of processes."""
    seconds = typical_s(fit.record.epoch_boundary) + fit.epoch_stall_s
    text = f"Ending and starting processes takes {duration(seconds)} from one epoch to the next."
    return Evidence(text=text, value=seconds, unit="s")
