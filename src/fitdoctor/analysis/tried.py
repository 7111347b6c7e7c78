"""All arms that were tried, refuted ones and A/A tests included."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal, get_args

from fitdoctor.report.model import Tried
from fitdoctor.trials.outcomes import Outcome

Role = Literal["placebo", "ceiling", "remedy", "prescription"]


def tried(outcomes: Iterable[Outcome]) -> tuple[Tried, ...]:
    """Returns the arms in the order of their rehearsals."""
    return tuple(_tried(outcome, role) for outcome in outcomes for role in get_args(Role) if outcome.arm.role == role)


def _tried(outcome: Outcome, role: Role) -> Tried:
    ratio = outcome.comparison.ratio
    return Tried(
        remedy=outcome.arm.remedy or role,
        cause=outcome.arm.cause,
        role=role,
        unit=outcome.arm.unit,
        windows=outcome.windows,
        unit_ratio=ratio.mid if ratio else None,
        interval=ratio,
        verdict=outcome.verdict,
        why=outcome.why,
    )
