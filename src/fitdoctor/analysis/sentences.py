"""The sentences of the verdict."""

from __future__ import annotations

from collections.abc import Sequence

from fitdoctor.analysis.causes import CauseDraft, is_symptom_of
from fitdoctor.facts.facts import WORTHWHILE_SHARE, Facts
from fitdoctor.facts.fit import FitFacts
from fitdoctor.facts.places import short
from fitdoctor.facts.wording import duration, percent, plural
from fitdoctor.trial_units import Unit, words_of
from fitdoctor.trials.outcomes import Outcome

FAR_MORE = 2
"""Times what the first proven cause costs: what is suspected to cost as much is named beside it."""


def first_answer_text(facts: Facts, drafts: Sequence[CauseDraft]) -> str:
    """What is suspected before anything was tried."""
    suspected = [draft for draft in drafts if not draft.informative]
    if not facts.fits and not facts.loops:
        return "No training was seen yet."
    if not suspected:
        return "Nothing stands out; nothing has been tried yet."
    return f"{plural(len(suspected), 'cause is', 'causes are')} suspected; nothing has been tried yet."


def watched_text(facts: Facts, drafts: Sequence[CauseDraft]) -> str:
    """What a training that was only watched leaves to suspect:

    that nothing stood out is not that it could not be faster.
    """
    suspected = [draft for draft in drafts if not draft.informative]
    if not facts.fits and not facts.loops:
        return "No training was seen."
    if not suspected:
        return "Nothing stood out, but whether it can be faster only trials tell."
    return f"{plural(len(suspected), 'cause is', 'causes are')} suspected; nothing was tried."


def causes_text(facts: Facts, proven: Sequence[CauseDraft], suspected: Sequence[CauseDraft] = ()) -> str:
    """What the first cause costs, what was proven to save it, and what is suspected to cost far more."""
    most = max(proven, key=lambda draft: (draft.verified_saving_s, draft.result.cost_s.mid))
    first = next((draft for draft in proven if is_symptom_of(most, draft)), most)
    result = first.result
    cost = f"{result.id} costs {duration(result.cost_s.mid)} of {duration(facts.total_s)} ({percent(result.share)})"
    best = max(
        (remedy.result for remedy in first.remedies if remedy.verified),
        key=lambda remedy: remedy.speedup.mid if remedy.speedup else 0.0,
        default=None,
    )
    if best is not None and best.speedup is not None:
        proof = f"a trial of {best.title} makes the whole run {best.speedup.mid:.2f}× as fast"
    else:
        proof = _unproven(facts, first)
    others = [draft.result.id for draft in proven if draft is not first]
    more = f" Also proven: {', '.join(dict.fromkeys(others))}." if others else ""
    larger = max(suspected, key=lambda draft: draft.result.cost_s.mid, default=None)
    if larger is not None and larger.result.cost_s.mid >= FAR_MORE * result.cost_s.mid:
        more += f" Suspected, and not proven: {larger.result.id} may cost up to {percent(facts.share_of(larger.result.cost_s.high))}."
    elif root := next((draft for draft in suspected if is_symptom_of(first, draft)), None):
        more += f" It may only be where {root.result.id} shows."
    return f"{cost}; {proof}.{more}"


def _unproven(facts: Facts, draft: CauseDraft) -> str:
    """What can be said of the remedies of a cause whose cost is proven and whose saving is not."""
    untried = [remedy.result for remedy in draft.remedies if remedy.result.status == "untried"]
    projected = next((remedy for remedy in untried if remedy.speedup is not None), None)
    if projected is not None and projected.speedup is not None:
        return (
            f"{projected.title} would make the whole run {projected.speedup.mid:.2f}× as fast, but that was not tried"
        )
    if facts.observed:
        return "that was timed; nothing was tried against it"
    if len(untried) == len(draft.remedies):
        return "that was timed, but no remedy could be tried"
    return "that was timed, but no remedy could be proven in a trial"


def healthy_text(facts: Facts, outcomes: Sequence[Outcome]) -> str:
    """What was looked at and did not save enough."""
    tried = [outcome for outcome in outcomes if outcome.arm.role == "remedy" and outcome.verdict != "failed"]
    remedies = [
        outcome
        for outcome in tried
        if outcome.comparison.n or outcome.arm.unit != Unit.RACE and outcome.verdict == "refuted"
    ]
    looked = f"No saving of {percent(WORTHWHILE_SHARE)} of the whole run was found"
    if remedies:
        units = dict.fromkeys(
            f"{words_of(outcome.arm.unit)}{_of(facts, outcome)}" for outcome in remedies
        )
        said = f"Tried {plural(len(remedies), 'change')} on {' and '.join(units)}"
        looked = f"{said}: none saved {percent(WORTHWHILE_SHARE)} of the whole run"
    elif any(outcome.arm.role == "ceiling" for outcome in outcomes):
        looked = "Nothing was suspected that could be tried"
    largest = max(facts.budget.parts, key=lambda part: part.s, default=None)
    if largest is None:
        return f"{looked}."
    if largest.id == "device":
        return f"{looked}; the device computes {percent(largest.share)} of the time."
    free = next((ceiling.speedup for ceiling in facts.ceilings if ceiling.kind == "input"), 1.0)
    if largest.id == "input_wait":
        return f"{looked}; free input would make it {free:.2f}× as fast, but nothing that is known here gets nearer to that."
    return f"{looked}; the largest part of the time is {largest.label} with {percent(largest.share)}."


def waiting_text(share: float, fit: FitFacts, free: float) -> str:
    """What there is to say of input that is waited for, where no cause that is known here explains it."""
    waits = f"{percent(share)} of the time is spent waiting for the input of {short(fit.record.site)}"
    return f"{waits}: free input would make it {free:.2f}× as fast, but nothing that is known here gets nearer to that."


def open_text(suspected: Sequence[CauseDraft], why: str) -> str:
    """What is suspected, and why it stays a suspicion."""
    if not suspected:
        return f"{why[0].upper()}{why[1:]}."
    names = ", ".join(dict.fromkeys(draft.result.id for draft in suspected))
    return f"{names} may cost time, but {why}."


def _of(facts: Facts, outcome: Outcome) -> str:
    """The place of what an arm was tried on, by file name."""
    found = facts.fits if outcome.target == "fit" else facts.loops
    if outcome.index >= len(found):
        return ""
    return f" of {short(found[outcome.index].record.site)}"
