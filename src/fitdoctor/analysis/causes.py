"""Turns findings and their trials into the causes of the report."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import isfinite
from typing import Literal

from fitdoctor.analysis.remedies import RemedyDraft, best_of
from fitdoctor.causes.registry import all_causes
from fitdoctor.facts.facts import WORTHWHILE_SHARE, Facts
from fitdoctor.facts.finding import Finding
from fitdoctor.remedies.registry import offers
from fitdoctor.report.model import CauseResult, Interval, ReportStage
from fitdoctor.trial_units import Unit
from fitdoctor.trials.outcomes import Outcome
from fitdoctor.trials.prescription import Candidate

# The causes of this family share one cost, that of the whole input. Its upper limit proves the cost, but not which
# cause it belongs to.
SHARED_COST_FAMILY = "input"

# From this share on, such a cost is reported although its remedies are not decided: it is the first place to check.
LARGE_SHARE = 0.20

# A cause may be the symptom of another one that costs at least this share of it.
ABOUT_AS_MUCH = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class CauseDraft:
    """The result of a cause, with what the verdict depends on."""

    finding: Finding
    result: CauseResult
    remedies: tuple[RemedyDraft, ...]
    # Whether the cost is proven, and the user can act on it although no saving is.
    actionable: bool

    @property
    def verified(self) -> bool:
        """Whether a trial proved a saving of one of its remedies."""
        return any(remedy.verified for remedy in self.remedies)

    @property
    def verified_saving_s(self) -> float:
        return max(
            (remedy.saving_s.mid for remedy in self.remedies if remedy.verified and remedy.saving_s), default=0.0
        )

    @property
    def informative(self) -> bool:
        return self.finding.informative

    @property
    def candidates(self) -> list[Candidate]:
        """The arms that a prescription may take."""
        return [
            Candidate(outcome=remedy.outcome, how=remedy.result.how)
            for remedy in self.remedies
            if remedy.verified and remedy.outcome is not None
        ]


def draft_causes(
    facts: Facts, findings: Sequence[Finding], outcomes: Sequence[Outcome], stage: ReportStage
) -> tuple[list[CauseDraft], list[str]]:
    """Returns a draft for each finding that its trials did not refute, and a sentence for each broken remedy."""
    drafts: list[CauseDraft] = []
    problems: list[str] = []
    for finding in findings:
        offered, more = offers(finding, facts)
        problems += more
        remedies = tuple(best_of(facts, finding, offered, outcomes))
        draft = _draft(facts, finding, remedies, stage)
        if stage != "final" or not _refuted(facts, draft):
            drafts.append(draft)
    return drafts, problems


def is_symptom_of(draft: CauseDraft, other: CauseDraft) -> bool:
    """Whether a cause may be only a symptom of another one, which costs about as much."""
    near = other.finding.fit == draft.finding.fit and other.result.cost_s.mid >= ABOUT_AS_MUCH * draft.result.cost_s.mid
    return not draft.verified and near and other.result.id in all_causes()[draft.result.id].symptom_of


def _draft(facts: Facts, finding: Finding, remedies: tuple[RemedyDraft, ...], stage: ReportStage) -> CauseDraft:
    cause = all_causes()[finding.cause]
    best = max((remedy for remedy in remedies if remedy.saving_s), key=_saving, default=None)
    # A verified saving is better than an estimated cost, but not better than a timed cost.
    cost = best.saving_s if best and best.saving_s and best.verified and not finding.measured else finding.cost_s
    cost = _finite(cost)
    result = CauseResult(
        id=finding.cause,
        family=cause.family,
        title=cause.title,
        status=_status(finding, remedies, stage),
        cost_s=cost,
        share=min(1.0, facts.share_of(cost.mid)),
        locations=finding.locations,
        evidence=tuple(
            replace(item, value=item.value if item.value is not None and isfinite(item.value) else None)
            for item in finding.evidence
        ),
        remedies=tuple(remedy.result for remedy in remedies),
    )
    actionable = _actionable(facts, finding, cause.family, remedies)
    return CauseDraft(finding=finding, result=result, remedies=remedies, actionable=actionable)


def _status(
    finding: Finding, remedies: Sequence[RemedyDraft], stage: ReportStage
) -> Literal["measured", "estimated", "informative"]:
    if finding.informative:
        return "informative"
    if stage == "first answer":
        return "estimated"
    return "measured" if finding.measured or any(remedy.verified for remedy in remedies) else "estimated"


def _actionable(facts: Facts, finding: Finding, family: str, remedies: Sequence[RemedyDraft]) -> bool:
    """Whether the cost is proven although no remedy is. Then the user can act on it."""
    if finding.informative or not finding.measured or facts.share_of(finding.cost_s.low) < WORTHWHILE_SHARE:
        return False
    statuses = {remedy.result.status for remedy in remedies}
    if not statuses or "untried" in statuses:
        return True
    enough = LARGE_SHARE if family == SHARED_COST_FAMILY else WORTHWHILE_SHARE
    return "inconclusive" in statuses and facts.share_of(finding.cost_s.low) >= enough


def _refuted(facts: Facts, draft: CauseDraft) -> bool:
    """Whether all remedies of a cause were tried, and none saves enough of the whole run."""
    if draft.informative or draft.verified or draft.actionable or not draft.remedies:
        return False
    decided = any(remedy.result.status in ("measured", "refuted") for remedy in draft.remedies)
    relevant = [remedy for remedy in draft.remedies if not (decided and _was_not_raced(remedy))]
    undecided = {remedy.result.status for remedy in relevant} & {"inconclusive", "untried"}
    if "untried" in undecided and draft.finding.measured:
        return facts.share_of(draft.result.cost_s.mid) < WORTHWHILE_SHARE
    return not undecided


def _was_not_raced(remedy: RemedyDraft) -> bool:
    """Whether a remedy needs a race that was not run.

    A race is expensive. Where trials of other remedies have decided on the cause, it is not needed.
    """
    return remedy.result.unit == Unit.RACE and remedy.result.time_to_target is None


def _saving(remedy: RemedyDraft) -> float:
    return remedy.saving_s.mid if remedy.saving_s else 0.0


def _finite(interval: Interval) -> Interval:
    """Costs are seconds of this training: not negative, and finite."""
    low, mid, high = (end if isfinite(end) and end > 0 else 0.0 for end in (interval.low, interval.mid, interval.high))
    return Interval(low=min(low, mid), mid=mid, high=max(mid, high))
