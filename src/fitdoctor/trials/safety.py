"""The safety of a remedy: declared, and verified by its trial."""

from __future__ import annotations

from collections.abc import Iterable

from fitdoctor.changes.model import edits_input
from fitdoctor.recording.model import Arm
from fitdoctor.report.model import Safety

# From the safest to the one that needs a race.
ORDER: tuple[Safety, ...] = ("exact", "numerics", "semantics")


def declared(arm: Arm) -> Safety:
    """Returns the safety that the remedy declares. Unknown values count as "semantics"."""
    return next((safety for safety in ORDER if safety == arm.safety), "semantics")


def verified(arm: Arm) -> Safety | None:
    """Returns the safety that the trial found; None if neither batches nor weights could be compared."""
    found = {arm.batches, arm.weights}
    if "different" in found:
        return "semantics"
    if "close" in found:
        return "numerics"
    return "exact" if "same" in found else None


def found_safety(arm: Arm) -> Safety:
    """Returns the safety of an arm, from its verification and its declaration.

    Equal batches prove nothing about settings, so the declaration counts as well. "semantics" stays "semantics" even
    if the first batches are equal.
    """
    found, claimed = verified(arm), declared(arm)
    if found is None:
        return claimed
    whole = bool(arm.weights) or all(edits_input(change) for change in arm.changes)
    return found if whole and claimed != "semantics" else worst([found, claimed])


def worst(safeties: Iterable[str]) -> Safety:
    """Returns the least safe of several."""
    known = [ORDER.index(safety) for safety in ORDER for given in safeties if given == safety]
    return ORDER[max(known, default=0)]


def quality(arm: Arm) -> str:
    """Returns which numbers differ, and which could not be compared."""
    words = {"close": "equal but for rounding", "different": "different"}
    found = (("batches", arm.batches), ("weights", arm.weights))
    said = [f"{noun} {words[state]}" for noun, state in found if state in words]
    unsaid = [noun for noun, state in found if state not in ("same", *words)]
    if unsaid and arm.why:
        said.append(f"{' and '.join(unsaid)} not compared: {arm.why}")
    return ", ".join(said)
