"""The sentences of the verdict."""

from __future__ import annotations

from collections.abc import Sequence

from fitdoctor.analysis.causes import CauseDraft, is_symptom_of
from fitdoctor.facts.budget import make_budget
from fitdoctor.facts.ceilings import make_ceilings
from fitdoctor.facts.facts import WORTHWHILE_SHARE, Facts
from fitdoctor.facts.fit import FitFacts
from fitdoctor.facts.locations import file_and_line
from fitdoctor.trial_units import Unit, words_of
from fitdoctor.trials.outcomes import Outcome
from fitdoctor.wording import duration, percent, plural

# A suspected cause that costs this many times as much as the first proven cause is named beside it.
FAR_MORE = 2


def first_answer_text(facts: Facts, drafts: Sequence[CauseDraft]) -> str:
    """The verdict before any trial."""
    suspected = [draft for draft in drafts if not draft.informative]
    if not facts.fits and not facts.loops:
        return "No training was detected."
    if not suspected:
        return "No cause was detected. No fix was tried, so this is not certain."
    return f"{plural(len(suspected), 'cause is', 'causes are')} suspected. No fix was tried, so costs are estimates."


def watched_text(facts: Facts, drafts: Sequence[CauseDraft]) -> str:
    """The verdict on a watched training: without trials, it is never healthy."""
    suspected = [draft for draft in drafts if not draft.informative]
    if not facts.fits and not facts.loops:
        return "No training was detected."
    if not suspected:
        return "No cause was detected. Only trials can show whether the training can be faster."
    return f"{plural(len(suspected), 'cause is', 'causes are')} suspected. No fix was tried."


def causes_text(facts: Facts, proven: Sequence[CauseDraft], suspected: Sequence[CauseDraft] = ()) -> str:
    """The verdict "causes": the cost of the first cause, its proven fix, and suspected causes of far higher cost."""
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
        proof = f"in a trial, {best.title} makes the whole training {best.speedup.mid:.2f}× as fast"
    else:
        proof = _unproven(facts, first)
    others = [draft.result.id for draft in proven if draft is not first]
    more = f" Also proven: {', '.join(dict.fromkeys(others))}." if others else ""
    larger = max(suspected, key=lambda draft: draft.result.cost_s.mid, default=None)
    if larger is not None and larger.result.cost_s.mid >= FAR_MORE * result.cost_s.mid:
        most_share = percent(facts.share_of(larger.result.cost_s.high))
        more += f" Suspected, and not proven: {larger.result.id} may cost up to {most_share}."
    elif root := next((draft for draft in suspected if is_symptom_of(first, draft)), None):
        more += f" It may only be a symptom of {root.result.id}."
    return f"{cost}. {proof[0].upper()}{proof[1:]}.{more}"


def _unproven(facts: Facts, draft: CauseDraft) -> str:
    """The state of the remedies of a cause whose cost is proven and whose saving is not."""
    untried = [remedy.result for remedy in draft.remedies if remedy.result.status == "untried"]
    projected = next((remedy for remedy in untried if remedy.speedup is not None), None)
    if projected is not None and projected.speedup is not None:
        return (
            f"{projected.title} would make the whole training {projected.speedup.mid:.2f}× as fast; "
            "that is computed, not tried"
        )
    if facts.observed:
        return "this cost was timed; no fix was tried"
    if len(untried) == len(draft.remedies):
        return "this cost was timed, but no fix could be tried"
    return "this cost was timed, but no trial proved a fix"


def healthy_text(facts: Facts, outcomes: Sequence[Outcome]) -> str:
    """The verdict "healthy": what was tried, and the largest part of the time."""
    tried = [outcome for outcome in outcomes if outcome.arm.role == "remedy" and outcome.verdict != "failed"]
    remedies = [
        outcome
        for outcome in tried
        if outcome.comparison.n or outcome.arm.unit != Unit.RACE and outcome.verdict == "refuted"
    ]
    result = f"No fix saves {percent(WORTHWHILE_SHARE)} of the whole training"
    if remedies:
        units = dict.fromkeys(f"{words_of(outcome.arm.unit)}{_of(facts, outcome)}" for outcome in remedies)
        trials = f"Tried {plural(len(remedies), 'fix', 'fixes')} on {' and '.join(units)}"
        result = f"{trials}. None saved {percent(WORTHWHILE_SHARE)} of the whole training"
    elif any(outcome.arm.role == "ceiling" for outcome in outcomes):
        result = "No cause was detected that a fix could be tried for"
    largest = max(make_budget(facts).parts, key=lambda part: part.s, default=None)
    if largest is None:
        return f"{result}."
    if largest.id == "device":
        return f"{result}. The device computes {percent(largest.share)} of the time."
    free = next((ceiling.speedup for ceiling in make_ceilings(facts) if ceiling.kind == "input"), 1.0)
    if largest.id == "input_wait":
        return f"{result}. Free input would make it {free:.2f}× as fast, but no known fix gets closer to that."
    return f"{result}. The largest part of the time is {largest.label} with {percent(largest.share)}."


def waiting_text(share: float, fit: FitFacts, free: float) -> str:
    """The verdict on a wait for input that no known cause explains."""
    waits = f"{percent(share)} of the time is spent waiting for the input of {file_and_line(fit.record.site)}"
    return f"{waits}. Free input would make it {free:.2f}× as fast, but no known fix gets closer to that."


def open_text(suspected: Sequence[CauseDraft], why: str) -> str:
    """The verdict "inconclusive": the suspected causes, and why they could not be decided."""
    if not suspected:
        return f"{why[0].upper()}{why[1:]}."
    names = ", ".join(dict.fromkeys(draft.result.id for draft in suspected))
    return f"{names} may cost time, but {why}."


def _of(facts: Facts, outcome: Outcome) -> str:
    """The place where an arm was tried, as file name and line."""
    found = facts.fits if outcome.target == "fit" else facts.loops
    if outcome.index >= len(found):
        return ""
    return f" of {file_and_line(found[outcome.index].record.site)}"
