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
from fitdoctor.facts.ceilings import make_ceilings
from fitdoctor.facts.facts import WORTHWHILE_SHARE, Facts
from fitdoctor.report.model import ReportStage
from fitdoctor.trials.outcomes import Outcome
from fitdoctor.trials.savings import effect_of, whole_run
from fitdoctor.wording import percent

# If the same code, timed twice, differs by more than this, the machine is too noisy for a verdict.
NOISY = 0.20

# An unproven gain of the whole training from which on it is not called healthy.
UNPROVEN_GAIN = 1.10

# A training that waits for its input for this share of the time is not healthy, even if no fix is known.
WAITING_SHARE = 1 / 3

# Why an interrupted diagnosis is not healthy, whatever it refuted before.
INTERRUPTED = "the diagnosis was interrupted before the trials were finished"

# What the user can do.
LONGER = " Run it again with a larger --budget (budget_s in code)."
QUIETER = (
    " Close other programs, or wait until they have ended, and run it again with a larger --budget (budget_s in code)."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """The verdict, its sentence, and the causes that stay in the report."""

    verdict: Literal["causes", "healthy", "inconclusive"]
    text: str
    causes: tuple[CauseDraft, ...]


def decide(facts: Facts, drafts: Sequence[CauseDraft], outcomes: Sequence[Outcome], stage: ReportStage) -> Decision:
    """Decides on the verdict from the causes and their trials.

    Causes: a saving is verified, or a cost is proven and the user can act on it. Inconclusive: a cause is suspected,
    and the trials did not decide. Healthy: all else, if fixes were tried.
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
    # Undecided causes cost too little to count. Their trials stay in the report.
    informative = tuple(draft for draft in every if draft.informative)
    return Decision(verdict="healthy", text=healthy_text(facts, outcomes), causes=informative)


def _why_open(facts: Facts, drafts: Sequence[CauseDraft], outcomes: Sequence[Outcome]) -> str:
    """Returns why it is not known whether the training is healthy, or "" if it is."""
    if not facts.fits and not facts.loops:
        return "No training was detected: the script called neither fit nor predict nor evaluate."
    suspected = [
        draft
        for draft in drafts
        if not draft.informative and facts.share_of(draft.result.cost_s.mid) >= WORTHWHILE_SHARE
    ]
    timed = [outcome for outcome in outcomes if outcome.comparison.ratio is not None]
    if not timed:
        rehearsable = any(facts.share(fit.id) >= WORTHWHILE_SHARE for fit in facts.fits)
        return open_text(suspected, "no fix could be tried") if suspected or rehearsable else ""
    placebos = [outcome for outcome in timed if outcome.arm.role == "placebo"]
    deviation = exp(min(50.0, abs(placebos[0].comparison.mean_log))) - 1 if placebos else 0.0
    if deviation > NOISY:
        why = f"the same code timed twice differed by {percent(deviation)}, so the machine is too noisy"
        return open_text(suspected, why) + QUIETER
    remedies = [outcome for outcome in outcomes if outcome.arm.role == "remedy"]
    main = [outcome for outcome in remedies if outcome.arm.unit == remedies[0].arm.unit]
    if suspected and main and all(_undecided(outcome) for outcome in main):
        crowded = any(outcome.comparison.contended for outcome in main)
        if crowded:
            return open_text(suspected, "other programs used the machine") + QUIETER
        return open_text(suspected, "the trials did not decide") + LONGER
    if any(map(_untried, suspected)):
        return open_text([draft for draft in suspected if _untried(draft)], "no time was left to try fixes") + LONGER
    if suspected and any(_may_gain(facts, outcome) for outcome in remedies if outcome.verdict == "inconclusive"):
        return open_text(suspected, "a measured gain could not be proven") + LONGER
    raced = [(remedy.outcome, remedy.result.speedup) for draft in suspected for remedy in draft.remedies]
    if any(outcome is not None and is_open(outcome, speedup) for outcome, speedup in raced):
        return open_text(suspected, "the races covered too little of the training")
    if suspected and not remedies:
        return open_text(suspected, "no fix could be tried")
    return _why_waiting(facts)


def _why_waiting(facts: Facts) -> str:
    """Returns the verdict on a training that waits much for its input, where no trial reduced that; else ""."""
    waits = [
        (facts.share_of(cost.low), fit) for fit in facts.fits for cost, measured in (facts.input_cost(fit),) if measured
    ]
    share, fit = max(waits, key=lambda each: each[0], default=(0.0, None))
    if fit is None or share < WAITING_SHARE:
        return ""
    free = next((ceiling.speedup for ceiling in make_ceilings(facts) if ceiling.kind == "input"), 1.0)
    return waiting_text(share, fit, free)


def _undecided(outcome: Outcome) -> bool:
    return outcome.verdict in ("inconclusive", "failed") or outcome.comparison.contended


def _untried(draft: CauseDraft) -> bool:
    """Whether a cause has remedies, and the time was used up before any of them was tried."""
    planned = [remedy.outcome for remedy in draft.remedies if remedy.outcome is not None]
    return bool(planned) and all(
        o.verdict == "inconclusive" and o.comparison.n == 0 and not o.arm.dropped for o in planned
    )


def _may_gain(facts: Facts, outcome: Outcome) -> bool:
    effect = effect_of(facts, outcome)
    return effect is not None and whole_run(facts, [effect]).mid >= UNPROVEN_GAIN
