"""What it costs a fit that its input begins anew in each epoch."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fitdoctor.facts.fit import FitFacts
from fitdoctor.facts.units import typical_s
from fitdoctor.report.model import Evidence, Interval
from fitdoctor.wording import duration

if TYPE_CHECKING:
    from fitdoctor.facts.facts import Facts


def stall_cost(fit: FitFacts) -> Interval:
    """Seconds that the first steps of later epochs take beyond ordinary ones, as they were timed."""
    low, mid = (fit.later_epochs(bound) * fit.epoch_stall_s for bound in ("low", "mid"))
    return Interval(low=min(low, mid), mid=mid, high=mid)


def first_waits_cost(fit: FitFacts) -> tuple[Interval, bool]:
    """Seconds that are waited for the first batches of later epochs, and whether that was seen.

    Where the compiled graph draws them nobody sees it: of what first steps take longer, it may be none.
    """
    if fit.record.input_drawn == "graph":
        stall = stall_cost(fit)
        return Interval(low=0.0, mid=stall.mid, high=stall.high), False
    low, mid = (fit.later_epochs(bound) * fit.stall_wait_s for bound in ("low", "mid"))
    return Interval(low=min(low, mid), mid=mid, high=mid), True


def input_and_stalls(facts: Facts, fit: FitFacts) -> tuple[Interval, bool]:
    """What a fit waits for its input, within steps and where epochs start, and whether the former was measured.

    Where it was not seen that a stall is for the input, it counts from nothing on.
    """
    (waits, measured), stall = facts.input_cost(fit), stall_cost(fit)
    low = waits.low + fit.later_epochs("low") * fit.stall_wait_s
    return Interval(low=low, mid=waits.mid + stall.mid, high=waits.high + stall.high), measured


def stalls_matter(facts: Facts, fit: FitFacts) -> bool:
    """Whether the starts of epochs are worth trials of their own."""
    return facts.worthwhile(stall_cost(fit))


def stall_evidence(fit: FitFacts) -> Evidence:
    """How long an epoch's first step takes."""
    first_s = fit.step_s + fit.epoch_stall_s
    text = f"The first step of each later epoch takes {duration(first_s)}, any other {duration(fit.step_s)}."
    return Evidence(text=text, value=fit.epoch_stall_s, unit="s")


def restart_cost(fit: FitFacts, workers: int, cores: int) -> Interval:
    """Seconds in which processes are ended after each epoch, and waited for at the start of the next.

    Left out is what the first batch itself may take: as many steps as there are workers to make one in that time, if
    all of them could be at work at once, or as many as there are cores.
    """
    all_s, most_s = max(1, workers) * fit.step_s, max(1, min(workers, cores)) * fit.step_s
    between_s = typical_s(fit.record.epoch_boundary)
    low = fit.later_epochs("low") * (between_s + max(0.0, fit.epoch_stall_s - all_s))
    mid = fit.later_epochs("mid") * (between_s + max(0.0, fit.epoch_stall_s - most_s))
    return Interval(low=min(low, mid), mid=mid, high=stall_cost(fit).high + fit.later_epochs("mid") * between_s)


def restart_evidence(fit: FitFacts) -> Evidence:
    """How long that takes each time."""
    seconds = typical_s(fit.record.epoch_boundary) + fit.epoch_stall_s
    text = f"From one epoch to the next, while processes are ended and started, {duration(seconds)} go by."
    return Evidence(text=text, value=seconds, unit="s")
