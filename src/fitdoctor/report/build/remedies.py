"""What each remedy of a cause came to."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from fitdoctor.facts.facts import WORTHWHILE_SHARE, Facts
from fitdoctor.facts.finding import Finding
from fitdoctor.facts.wording import percent
from fitdoctor.remedies.registry import Offer
from fitdoctor.report.model import Interval, RemedyResult
from fitdoctor.trials.outcomes import Outcome
from fitdoctor.trials.safety import quality, verified
from fitdoctor.trials.savings import Effect, breaks_even_at, effect_of, saved_s, whole_run
from fitdoctor.trials.statistics import MOST_RATIO

#: A whole run that becomes this much faster saves the share from which on a cost counts.
WORTHWHILE_SPEEDUP = 1 + WORTHWHILE_SHARE


@dataclass(frozen=True, slots=True, kw_only=True)
class RemedyDraft:
    """A remedy's result, the arm that it rests on, and the seconds that are verified to be saved."""

    result: RemedyResult
    outcome: Outcome | None
    saving_s: Interval | None

    @property
    def verified(self) -> bool:
        """Whether the trial proved a saving of the whole run that counts."""
        speedup = self.result.speedup
        return self.result.status == "measured" and speedup is not None and speedup.low >= WORTHWHILE_SPEEDUP


def best_of(facts: Facts, finding: Finding, offers: Sequence[Offer], outcomes: Sequence[Outcome]) -> list[RemedyDraft]:
    """One result for each remedy and unit: of several proposals the one that came out best."""
    drafts: dict[tuple[str, str], list[RemedyDraft]] = {}
    for offer in offers:
        drafts.setdefault((offer.remedy.id, offer.unit), []).append(_draft(facts, finding, offer, outcomes))
    return [max(found, key=_goodness) for found in drafts.values()]


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
    if outcome.verdict == "measured" and speedup is not None and speedup.low < WORTHWHILE_SPEEDUP:
        why = f"{why} Of the whole run it saves less than {percent(WORTHWHILE_SHARE)}."
    result = RemedyResult(
        id=offer.remedy.id,
        title=offer.remedy.title,
        safety=offer.remedy.safety,
        status=_status(outcome),
        verified_safety=verified(outcome.arm),
        speedup=speedup,
        unit=outcome.arm.unit,
        unit_ratio=outcome.comparison.ratio,
        one_off_s=outcome.one_off_s,
        breaks_even_at=breaks_even_at(facts, outcome),
        quality=quality(outcome.arm),
        why=why,
        how=offer.proposal.how,
    )
    saving = saved_s(facts, speedup) if speedup and result.status == "measured" else None
    return RemedyDraft(result=result, outcome=outcome, saving_s=saving)


def _status(outcome: Outcome) -> Literal["measured", "refuted", "inconclusive"]:
    if outcome.verdict == "measured":
        return "measured"
    return "refuted" if outcome.verdict == "refuted" else "inconclusive"


def _untried(facts: Facts, finding: Finding, offer: Offer, failure: str) -> RemedyDraft:
    """A remedy without a trial; where its effect is plain arithmetic, with what it would save."""
    ratio, speedup, why = offer.proposal.unit_ratio, None, failure or offer.proposal.untried
    if ratio is not None and finding.fit is not None:
        exact = min(MOST_RATIO, max(1 / MOST_RATIO, ratio))
        interval = Interval(low=exact, mid=exact, high=exact)
        speedup = whole_run(facts, [Effect(target="fit", index=finding.fit, unit=offer.unit, ratio=interval)])
        why = f"{why} That makes the whole run {speedup.mid:.2f}× as fast."
    result = RemedyResult(
        id=offer.remedy.id,
        title=offer.remedy.title,
        safety=offer.remedy.safety,
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
