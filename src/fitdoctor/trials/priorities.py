"""Orders trials by what they may save per second of trial."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from fitdoctor.facts.facts import Facts
from fitdoctor.facts.fit import FitFacts
from fitdoctor.recording.model import Arm
from fitdoctor.trial_units import Unit

# Windows of an arm until it is decided, as a rule.
ROUNDS = 12
# Time to build, verify and warm up an arm.
PREPARE_S = 1.5
# The shortest window of steps, with the untimed steps before it and the pause after it.
WINDOW_S = 0.06
# Steps of a window and before it, if steps are slow.
STEPS = 4
# Calls of each arm in a trial of calls, and the longest such trial.
CALLS = 64
CALLS_S = 25.0


def trial_s(facts: Facts, target: str, index: int, arms: Iterable[Arm]) -> float:
    """Returns the expected seconds of a trial of arms of one unit, without start-up.

    Example:
        >>> trial_s(facts, "fit", 0, [arm for arm in rehearsal.arms if arm.unit == Unit.VALIDATION])
        31.0
    """
    found = list(arms)
    if not found:
        return 0.0
    if found[0].unit == Unit.CALL:
        call_s = facts.loops[index].cost().mid / max(1.0, facts.loops[index].calls("mid")) if target == "loop" else 0.0
        return min(CALLS_S, CALLS * call_s * len(found))
    window_s = _window_s(facts.fits[index], found[0].unit)
    return sum(PREPARE_S + ROUNDS * window_s * _every(arm) for arm in found)


def by_worth(facts: Facts, index: int, units: Iterable[Sequence[Arm]], costs: Mapping[str, float]) -> list[Arm]:
    """Returns the arms of a fit, ordered by what their unit may save per second of trial, then by their own cause.

    Args:
        facts: The facts of the scout.
        index: The index of the fit.
        units: The arms of each unit, with baseline, placebo and ceiling first.
        costs: Seconds of the whole training that each cause costs.
    """

    def worth(arms: Sequence[Arm]) -> float:
        return max((costs.get(arm.cause, 0.0) for arm in arms), default=0.0) / max(
            trial_s(facts, "fit", index, arms), 1e-9
        )

    ordered = sorted((arms for arms in units if arms), key=lambda arms: -worth(arms))
    return [
        arm
        for arms in ordered
        for arm in sorted(arms, key=lambda arm: (arm.role == "remedy", -costs.get(arm.cause, 0.0)))
    ]


def whole_trial_s(facts: Facts, target: str, index: int, arms: Iterable[Arm]) -> float:
    """Returns the expected seconds of a rehearsal with its start-up, without races."""
    parts = facts.scout.parts
    units: dict[str, list[Arm]] = {}
    for arm in arms:
        if arm.unit != Unit.RACE:
            units.setdefault(arm.unit, []).append(arm)
    trials_s = sum(trial_s(facts, target, index, found) for found in units.values())
    return parts.get("start", 0.0) + parts.get("imports", 0.0) + trials_s


def _window_s(fit: FitFacts, unit: str) -> float:
    steps = fit.steps_per_epoch or 0
    if unit == Unit.EPOCH:
        return float(fit.step_s * steps)
    if unit == Unit.EPOCH_END:
        return sum(_mean(record.hooks.get("on_epoch_end")) for record in fit.record.callbacks)
    if unit == Unit.VALIDATION:
        return fit.validation_pass.mid
    return max(WINDOW_S, STEPS * fit.step_s)


def _mean(duration: object) -> float:
    count = getattr(duration, "count", 0)
    return getattr(duration, "total_s", 0.0) / count if count else 0.0


def _every(arm: Arm) -> int:
    """Returns how many ends of epochs one window of an arm has."""
    return max([1, *(int(change["every"]) for change in arm.changes if "every" in change)])
