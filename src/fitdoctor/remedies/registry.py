"""The registry of all remedies, which also proposes them for findings."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

import fitdoctor.remedies
from fitdoctor.facts.finding import Finding
from fitdoctor.plugins import discover
from fitdoctor.recording.model import Arm
from fitdoctor.remedies.base import Proposal, Remedy, Safety, Unit

if TYPE_CHECKING:
    from fitdoctor.facts.facts import Facts

GROUP = "fitdoctor.remedies"


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """A proposal together with the remedy that makes it."""

    remedy: Remedy
    proposal: Proposal

    @property
    def unit(self) -> Unit:
        return self.proposal.unit or self.remedy.unit

    @property
    def safety(self) -> Safety:
        return self.proposal.safety or self.remedy.safety

    @property
    def changes(self) -> list[dict[str, Any]]:
        """The changes as recordings hold them."""
        return [change.to_data() for change in self.proposal.changes]

    def is_tried_by(self, arm: Arm) -> bool:
        """Whether a recorded arm tries this proposal."""
        return (arm.role, arm.remedy, arm.unit) == ("remedy", self.remedy.id, self.unit) and arm.changes == self.changes

    @property
    def arm_id(self) -> str:
        """The id of the arm that tries this proposal, e.g. `step/larger-execution-32`."""
        label = self.proposal.label.replace(" ", "-")
        return f"{self.unit}/{self.remedy.id}" + (f"-{label}" if label else "")


@cache
def _discovered() -> tuple[dict[str, Remedy], tuple[str, ...]]:
    units, problems = discover(fitdoctor.remedies, GROUP)
    remedies: dict[str, Remedy] = {}
    for unit in units:
        try:
            remedies[unit.id] = Remedy(
                id=unit.id,
                seam=unit.folder,
                title=unit.module.TITLE,
                page=unit.page,
                treats=tuple(unit.module.TREATS),
                safety=unit.module.SAFETY,
                unit=unit.module.UNIT,
                propose=unit.module.propose,
            )
        except AttributeError as error:
            problems.append(f"The remedy {unit.id!r} was left out: {error}.")
    return remedies, tuple(problems)


def all_remedies() -> dict[str, Remedy]:
    """Every remedy by its id: ours, and those of entry points in the group `fitdoctor.remedies`.

    Example:
        >>> all_remedies()["larger-execution"].safety
        'exact'
    """
    return dict(_discovered()[0])


def offers(finding: Finding, facts: Facts) -> tuple[list[Offer], list[str]]:
    """The proposals for a finding.

    The remedies that the cause names come first, in its order. Other remedies that treat it follow, so a new remedy
    needs no edit of a cause.

    Returns:
        The offers, and a sentence for each remedy that failed to propose.
    """
    remedies, _ = _discovered()
    named = [remedies[name] for name in finding.remedies if name in remedies]
    treating = [remedy for remedy in remedies.values() if finding.cause in remedy.treats and remedy not in named]
    found: list[Offer] = []
    limits: list[str] = []
    for remedy in named + treating:
        try:
            found += [Offer(remedy=remedy, proposal=proposal) for proposal in remedy.propose(finding, facts)]
        except Exception as error:  # noqa: BLE001 - one broken remedy must not cost the user the others
            limits.append(f"The remedy {remedy.id} could not be proposed ({type(error).__name__}: {error}).")
    return found, limits


def load_problems() -> tuple[str, ...]:
    """A sentence for each plug-in that could not be loaded."""
    return _discovered()[1]
