"""All causes there are, and the running of their checks."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING

import fitdoctor.causes
from fitdoctor.causes.base import Cause
from fitdoctor.facts.finding import Finding
from fitdoctor.facts.units import capped
from fitdoctor.plugins import discover

if TYPE_CHECKING:
    from fitdoctor.facts.facts import Facts

GROUP = "fitdoctor.causes"


@cache
def _discovered() -> tuple[dict[str, Cause], tuple[str, ...]]:
    units, problems = discover(fitdoctor.causes, GROUP)
    causes: dict[str, Cause] = {}
    for unit in units:
        try:
            causes[unit.id] = Cause(
                id=unit.id,
                family=unit.folder,
                title=unit.module.TITLE,
                page=f"# {unit.id}: {unit.module.TITLE}\n\n{unit.page}",
                remedies=tuple(unit.module.REMEDIES),
                check=unit.module.check,
                symptom_of=tuple(getattr(unit.module, "SYMPTOM_OF", ())),
            )
        except AttributeError as error:
            problems.append(f"The cause {unit.id!r} was left out: {error}.")
    return causes, tuple(problems)


def all_causes() -> dict[str, Cause]:
    """Every cause by its id: ours, and those of entry points in the group `fitdoctor.causes`.

    Example:
        >>> all_causes()["eager-execution"].family
        'host'
    """
    return dict(_discovered()[0])


def run_causes(facts: Facts) -> tuple[list[Finding], list[str]]:
    """Runs every check.

    Returns:
        The findings, the costliest first, and a limit sentence for each check that failed: a crashing cause hides
        itself only.
    """
    causes, problems = _discovered()
    findings: list[Finding] = []
    limits = list(problems)
    for cause in causes.values():
        try:
            found = list(cause.check(facts))
        except Exception as error:  # noqa: BLE001 - one broken check must not cost the user the whole answer
            limits.append(f"The check for {cause.id} failed and was left out ({type(error).__name__}: {error}).")
            continue
        for finding in found:
            cost = capped(finding.cost_s, facts.total_s)
            findings.append(replace(finding, cause=cause.id, cost_s=cost, remedies=finding.remedies or cause.remedies))
    findings.sort(key=lambda finding: -finding.cost_s.mid)
    return findings, limits
