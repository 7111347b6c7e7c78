"""In which order to try things: what may save most in a second of trial comes first."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from fitdoctor.facts.facts import Facts
from fitdoctor.facts.fit import FitFacts
from fitdoctor.recording.model import Arm
from fitdoctor.trial_units import Unit

#: Windows of each arm until it is decided, as a rule.
ROUNDS = 12
#: What an arm takes to be built, verified and warmed up, beside what it is timed for.
PREPARE_S = 1.5
#: The shortest window of steps, with the untimed ones before it and the moment of quiet after it.
WINDOW_S = 0.06
#: Steps of a window and before it, where each takes long.
STEPS = 4
#: Calls of each arm in a trial of calls, and the most that one takes.
CALLS = 64
CALLS_S = 25.0


def trial_s(facts: Facts, target: str, index: int, arms: Iterable[Arm]) -> float:
    """What a trial of arms of one unit is expected to take, start-up left out.

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
    """The arms of a fit's units: the unit with the most to save in a second of trial first, and within one the arm with
    the most.

    Args:
        facts: Of the scout.
        index: Of the fit.
        units: The arms of each unit, baseline, placebo and ceiling at their head.
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
    """What a rehearsal is expected to take, start-up included; races have a budget of their own."""
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
    """How many ends of epochs one window of an arm has."""
    return max([1, *(int(change["every"]) for change in arm.changes if "every" in change)])
