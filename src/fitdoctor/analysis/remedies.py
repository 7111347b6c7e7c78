"""The result of each remedy of a cause."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from fitdoctor.analysis.races import WORTHWHILE_SPEEDUP, is_open, race_quality, time_to_target
from fitdoctor.facts.facts import WORTHWHILE_SHARE, Facts
from fitdoctor.facts.finding import Finding
from fitdoctor.remedies.registry import Offer
from fitdoctor.report.model import Interval, RemedyResult, Variant
from fitdoctor.trials.outcomes import Outcome
from fitdoctor.trials.safety import quality, verified
from fitdoctor.trials.savings import Effect, breaks_even_at, effect_of, saved_s, whole_run
from fitdoctor.trials.statistics import MOST_RATIO
from fitdoctor.wording import percent


@dataclass(frozen=True, slots=True, kw_only=True)
class RemedyDraft:
    """The result of a remedy, the trial behind it, and the seconds that are verified to be saved."""

    result: RemedyResult
    outcome: Outcome | None
    saving_s: Interval | None
    label: str = ""

    @property
    def verified(self) -> bool:
        """Whether the trial proved a saving of the whole run that counts."""
        speedup = self.result.speedup
        return self.result.status == "measured" and speedup is not None and speedup.low >= WORTHWHILE_SPEEDUP


def best_of(facts: Facts, finding: Finding, offers: Sequence[Offer], outcomes: Sequence[Outcome]) -> list[RemedyDraft]:
    """Returns one result for each remedy and unit: of several proposals the best one."""
    drafts: dict[tuple[str, str], list[RemedyDraft]] = {}
    for offer in offers:
        drafts.setdefault((offer.remedy.id, offer.unit), []).append(_draft(facts, finding, offer, outcomes))
    return [_with_variants(max(found, key=_goodness), found) for found in drafts.values()]


def _with_variants(best: RemedyDraft, found: Sequence[RemedyDraft]) -> RemedyDraft:
    """The best of several settings of a remedy, with the results of the others."""
    tried = [draft for draft in found if draft is not best and draft.outcome is not None and draft.label]
    variants = tuple(_variant(draft.label, draft.outcome) for draft in tried if draft.outcome is not None)
    return replace(best, result=replace(best.result, variants=variants)) if variants else best


def _variant(label: str, outcome: Outcome) -> Variant:
    verdict = "inconclusive" if outcome.verdict == "reference" else outcome.verdict
    return Variant(label=label, verdict=verdict, unit_ratio=outcome.comparison.mid if outcome.comparison.n else None)


def _goodness(draft: RemedyDraft) -> tuple[int, float]:
    order = ("refuted", "untried", "inconclusive", "measured")
    speedup = draft.result.speedup.mid if draft.result.speedup else 0.0
    return order.index(draft.result.status), speedup


def _draft(facts: Facts, finding: Finding, offer: Offer, outcomes: Iterable[Outcome]) -> RemedyDraft:
    outcome = next((outcome for outcome in outcomes if _tries(outcome, finding, offer)), None)
    if outcome is None or outcome.verdict == "failed":
        return _untried(facts, finding, offer, outcome.why if outcome else "")
    effect = effect_of(facts, outcome)
    speedup = whole_run(facts, [effect]) if effect else None
    why = outcome.why
    if is_open(outcome, speedup) and outcome.finish is not None:
        covered = percent(outcome.finish.covered)
        why = f"{why} But only {covered} of the training was raced: a larger --race-budget covers more."
    elif outcome.finish is not None and outcome.verdict == "measured" and speedup is not None and speedup.high < 1:
        why = f"{why} But it needs more epochs, and the costs of each epoch make the whole run slower."
    elif outcome.verdict == "measured" and speedup is not None and speedup.low < WORTHWHILE_SPEEDUP:
        why = f"{why} Of the whole run it saves less than {percent(WORTHWHILE_SHARE)}."
    result = RemedyResult(
        id=offer.remedy.id,
        title=offer.remedy.title,
        safety=offer.safety,
        status=_status(outcome, speedup),
        verified_safety=verified(outcome.arm),
        speedup=speedup,
        unit=outcome.arm.unit,
        unit_ratio=outcome.comparison.ratio,
        one_off_s=outcome.one_off_s,
        breaks_even_at=breaks_even_at(facts, outcome),
        quality=race_quality(outcome) or quality(outcome.arm),
        why=why,
        how=offer.proposal.how,
        note=outcome.arm.note,
        time_to_target=time_to_target(outcome),
    )
    saving = saved_s(facts, speedup) if speedup and result.status == "measured" else None
    return RemedyDraft(result=result, outcome=outcome, saving_s=saving, label=offer.proposal.label)


def _status(outcome: Outcome, speedup: Interval | None) -> Literal["measured", "refuted", "inconclusive"]:
    if outcome.verdict == "measured":
        if outcome.finish is not None and speedup is not None and speedup.high < 1:
            return "refuted"
        return "inconclusive" if is_open(outcome, speedup) else "measured"
    return "refuted" if outcome.verdict == "refuted" else "inconclusive"


def _untried(facts: Facts, finding: Finding, offer: Offer, failure: str) -> RemedyDraft:
    """A remedy without a trial. Where its effect can be computed, it has a speed-up."""
    ratio, speedup, why = offer.proposal.unit_ratio, None, failure or offer.proposal.untried
    target, index = ("fit", finding.fit) if finding.loop is None else ("loop", finding.loop)
    if ratio is not None and index is not None:
        exact = min(MOST_RATIO, max(1 / MOST_RATIO, ratio))
        interval = Interval(low=exact, mid=exact, high=exact)
        speedup = whole_run(facts, [Effect(target=target, index=index, unit=offer.unit, ratio=interval)])
    result = RemedyResult(
        id=offer.remedy.id,
        title=offer.remedy.title,
        safety=offer.safety,
        status="untried",
        speedup=speedup,
        unit=offer.unit,
        why=why,
        how=offer.proposal.how,
    )
    return RemedyDraft(result=result, outcome=None, saving_s=None)


def _tries(outcome: Outcome, finding: Finding, offer: Offer) -> bool:
    target = ("fit", finding.fit) if finding.loop is None else ("loop", finding.loop)
    return (outcome.target, outcome.index) == target and offer.is_tried_by(outcome.arm)
