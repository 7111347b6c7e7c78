"""The verdict: causes, healthy or inconclusive, and the sentence that says what it rests on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import exp
from typing import Literal

from fitdoctor.analysis.causes import CauseDraft
from fitdoctor.analysis.races import is_open
from fitdoctor.analysis.sentences import (
    causes_text,
    first_answer_text,
    healthy_text,
    open_text,
    waiting_text,
    watched_text,
)
from fitdoctor.facts.facts import WORTHWHILE_SHARE, Facts
from fitdoctor.facts.wording import percent
from fitdoctor.report.model import ReportStage
from fitdoctor.trials.outcomes import Outcome
from fitdoctor.trials.savings import effect_of, whole_run

#: Where identical arms differ by more than this, the machine is too noisy for any verdict but the plainest.
NOISY = 0.20
#: An unproven gain of the whole run that is too large to call a run healthy in spite of it.
OPEN_GAIN = 1.10
#: The share of a training that is waited for input from which on it is not healthy, whatever nobody knows to do about
#: it.
WAITING_SHARE = 1 / 3
#: Whatever was refuted until then: what else would have been tried is not known to be in vain.
INTERRUPTED = "the diagnosis was interrupted before the trials could tell"
#: What to do about it.
LONGER = " Run it again with a larger --budget (budget_s in code)."
QUIETER = (
    " Close other programs, or wait until they are done, and run it again with a larger --budget (budget_s in code)."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """The verdict, its sentence, and the causes that stay in the report."""

    verdict: Literal["causes", "healthy", "inconclusive"]
    text: str
    causes: tuple[CauseDraft, ...]


def decide(facts: Facts, drafts: Sequence[CauseDraft], outcomes: Sequence[Outcome], stage: ReportStage) -> Decision:
    """Weighs what was found against what was tried.

    Causes: a saving is verified, or a cost is proven that something can be done about. Inconclusive: something is
    suspected, and the trials could not tell. Healthy: the rest, as far as something was tried.
    """
    every = tuple(drafts)
    if stage == "first answer":
        return Decision(verdict="inconclusive", text=first_answer_text(facts, every), causes=every)
    proven = tuple(draft for draft in every if draft.verified or draft.actionable)
    if proven:
        suspected = [draft for draft in every if draft not in proven and not draft.informative]
        return Decision(verdict="causes", text=causes_text(facts, proven, suspected), causes=every)
    if stage == "watched":
        return Decision(verdict="inconclusive", text=watched_text(facts, every), causes=every)
    if facts.run.interrupted:
        suspected = [draft for draft in every if not draft.informative]
        return Decision(verdict="inconclusive", text=open_text(suspected, INTERRUPTED), causes=every)
    why = _why_open(facts, every, outcomes)
    if why:
        return Decision(verdict="inconclusive", text=why, causes=every)
    # What the trials left open is below what counts: it stays among what was tried, but it is no cause.
    informative = tuple(draft for draft in every if draft.informative)
    return Decision(verdict="healthy", text=healthy_text(facts, outcomes), causes=informative)


def _why_open(facts: Facts, drafts: Sequence[CauseDraft], outcomes: Sequence[Outcome]) -> str:
    """Why it can't be told whether the run is healthy, or nothing where it can."""
    if not facts.fits and not facts.loops:
        return "No training was seen: the script called neither fit nor predict nor evaluate."
    suspected = [
        draft
        for draft in drafts
        if not draft.informative and facts.share_of(draft.result.cost_s.mid) >= WORTHWHILE_SHARE
    ]
    told = [outcome for outcome in outcomes if outcome.comparison.ratio is not None]
    if not told:
        rehearsable = any(facts.share(fit.id) >= WORTHWHILE_SHARE for fit in facts.fits)
        return open_text(suspected, "nothing could be tried") if suspected or rehearsable else ""
    placebos = [outcome for outcome in told if outcome.arm.role == "placebo"]
    deviation = exp(min(50.0, abs(placebos[0].comparison.mean_log))) - 1 if placebos else 0.0
    if deviation > NOISY:
        why = f"the same training, timed twice, differed by {percent(deviation)}: the machine is too noisy to tell"
        return open_text(suspected, why) + QUIETER
    remedies = [outcome for outcome in outcomes if outcome.arm.role == "remedy"]
    main = [outcome for outcome in remedies if outcome.arm.unit == remedies[0].arm.unit]
    if suspected and main and all(_undecided(outcome) for outcome in main):
        crowded = any(outcome.comparison.contended for outcome in main)
        if crowded:
            return open_text(suspected, "other processes took the machine") + QUIETER
        return open_text(suspected, "the trials could not tell") + LONGER
    if any(map(_untried, suspected)):
        return (
            open_text([draft for draft in suspected if _untried(draft)], "no time was left to try what may help")
            + LONGER
        )
    if suspected and any(_may_gain(facts, outcome) for outcome in remedies if outcome.verdict == "inconclusive"):
        return open_text(suspected, "a gain was seen that could not be proven") + LONGER
    raced = [(remedy.outcome, remedy.result.speedup) for draft in suspected for remedy in draft.remedies]
    if any(outcome is not None and is_open(outcome, speedup) for outcome, speedup in raced):
        return open_text(suspected, "the races covered too little of the training to tell")
    if suspected and not remedies:
        return open_text(suspected, "no remedy could be tried")
    return _why_waiting(facts)


def _why_waiting(facts: Facts) -> str:
    """What is said of a training that waits for its input much of its time, where nothing that was tried takes that
    away.
    """
    waits = [
        (facts.share_of(cost.low), fit) for fit in facts.fits for cost, measured in (facts.input_cost(fit),) if measured
    ]
    share, fit = max(waits, key=lambda each: each[0], default=(0.0, None))
    if fit is None or share < WAITING_SHARE:
        return ""
    free = next((ceiling.speedup for ceiling in facts.ceilings if ceiling.kind == "input"), 1.0)
    return waiting_text(share, fit, free)


def _undecided(outcome: Outcome) -> bool:
    return outcome.verdict in ("inconclusive", "failed") or outcome.comparison.contended


def _untried(draft: CauseDraft) -> bool:
    """Whether a cause has remedies whose turn came for none of them."""
    planned = [remedy.outcome for remedy in draft.remedies if remedy.outcome is not None]
    return bool(planned) and all(
        o.verdict == "inconclusive" and o.comparison.n == 0 and not o.arm.dropped for o in planned
    )


def _may_gain(facts: Facts, outcome: Outcome) -> bool:
    effect = effect_of(facts, outcome)
    return effect is not None and whole_run(facts, [effect]).mid >= OPEN_GAIN
