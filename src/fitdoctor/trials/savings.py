"""From the ratio of a unit to what the whole training gains."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from math import ceil, exp, hypot, log
from typing import Any, Literal

from fitdoctor.facts.epochs import Bound
from fitdoctor.facts.facts import Facts
from fitdoctor.facts.input.passes import steps_per_pass
from fitdoctor.facts.input.workers import workers_of
from fitdoctor.report.model import Interval
from fitdoctor.trial_units import Unit
from fitdoctor.trials.outcomes import Outcome
from fitdoctor.trials.statistics import MOST_RATIO

End = Literal["low", "mid", "high"]

#: What a unit costs differs between two processes of the same script, by a standard deviation of 8.5 % (docs/trials-measured.md,
#: drift): 95 % of them lie within this. The interval of a whole run must hold that as well as the spread within one
#: rehearsal.
PROCESS_DRIFT = 0.17
DRIFTS = (1 - PROCESS_DRIFT, 1.0, 1 + PROCESS_DRIFT)


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect:
    """One unit that becomes `ratio` times as fast, for `one_off_s` more that is paid once.

    Where the unit is the race to a validation loss, all steps and epochs of the fit become fewer. `covered` is the
    share of the training that was raced: the low end counts only on what was seen there. `throughput` is how many times
    as many samples the remedy trains on in a second; what is paid once an epoch gains nothing from that. `refills` says
    that the elements themselves come as much faster, so that filling a buffer anew at the start of an epoch does as
    well. `parts` are what of an epoch was timed where the unit is a whole one.
    """

    target: str
    index: int
    unit: str
    ratio: Interval
    one_off_s: float = 0.0
    covered: float = 1.0
    throughput: float = 1.0
    refills: bool = False
    parts: tuple[str, ...] = ()


def effect_of(facts: Facts, outcome: Outcome) -> Effect | None:
    """What an arm does to the whole training, or None where its windows can't tell."""
    ratio = outcome.comparison.ratio
    if ratio is None:
        return None
    return Effect(
        target=outcome.target,
        index=outcome.index,
        unit=outcome.arm.unit,
        ratio=ratio,
        one_off_s=outcome.one_off_s * times_paid(facts, outcome) + filling_s(facts, outcome),
        covered=outcome.finish.covered if outcome.finish is not None else 1.0,
        throughput=outcome.finish.throughput if outcome.finish is not None else 1.0,
        parts=tuple(outcome.arm.parts),
        refills=(outcome.arm.unit == Unit.STEP or outcome.arm.unit == Unit.WHOLE and "start" not in outcome.arm.parts)
        and any(map(_keeps_elements, outcome.arm.changes)),
    )


def _keeps_elements(change: dict[str, Any]) -> bool:
    """Whether elements are made once and kept:

    what is made behind them, such as a shuffle's buffer, then fills from memory.
    """
    kept: bool = change["kind"] == "precompute" or (change["kind"] == "insert-call" and change["call"] == "cache")
    return kept


def times_paid(facts: Facts, outcome: Outcome) -> int:
    """How often the whole training pays the one-off: each call of a fit that traces anew pays again."""
    if outcome.target == "fit" and outcome.arm.unit in (Unit.STEP, Unit.WHOLE) and outcome.index < len(facts.fits):
        return facts.fits[outcome.index].one_offs_paid
    return 1


def filling_s(facts: Facts, outcome: Outcome) -> float:
    """What the first pass over the data takes beyond later ones where a cache is put in:

    it is filled at today's cost.
    """
    if not any(change["kind"] == "insert-call" and change["call"] == "cache" for change in outcome.arm.changes):
        return 0.0
    fit = facts.fits[outcome.index]
    steps = min(steps_per_pass(fit), fit.epochs.mid * fit.steps_per_epoch)
    return fit.record.calls * steps * fit.step_s * max(0.0, 1 - 1 / outcome.comparison.mid)


def whole_run(facts: Facts, effects: Iterable[Effect]) -> Interval:
    """The whole projected run before, over the one after all effects together.

    Where a stopping rule may end the training early, the interval covers both ends of what its length can be.

    Example:
        >>> whole_run(facts, [Effect(target="fit", index=0, unit=Unit.STEP, ratio=Interval(low=2, mid=2, high=2))])
        Interval(low=1.81, mid=1.81, high=1.81)
    """
    found = list(effects)
    bounds: tuple[Bound, ...] = ("mid", "low")
    return Interval(
        low=min(_speedup(facts, found, bound, "low", drift) for bound in bounds for drift in DRIFTS),
        mid=_speedup(facts, found, "mid", "mid", 1.0),
        high=max(_speedup(facts, found, bound, "high", drift) for bound in bounds for drift in DRIFTS),
    )


def projected(facts: Facts, speedup: Interval) -> Interval:
    """Seconds of the whole run with such a speed-up, as one process of its own takes them.

    A speed-up compares two trainings on equal terms. What one process will take differs from that as processes of one
    script do.
    """

    def seconds(end: float, sign: int) -> float:
        return facts.total_s / speedup.mid * exp(sign * hypot(log(end / speedup.mid), PROCESS_DRIFT))

    return Interval(low=seconds(speedup.high, -1), mid=facts.total_s / speedup.mid, high=seconds(speedup.low, 1))


def saved_s(facts: Facts, speedup: Interval) -> Interval:
    """Seconds of the whole training that a speed-up saves."""
    low, mid, high = (
        facts.total_s * (1 - 1 / end) if end > 0 else 0.0 for end in (speedup.low, speedup.mid, speedup.high)
    )
    return Interval(low=low, mid=mid, high=high)


def breaks_even_at(facts: Facts, outcome: Outcome) -> int | None:
    """After how many units the one-off has paid for itself; None where there is none, or nothing to pay it from."""
    saved_per_unit_s = unit_cost_s(facts, outcome) * (1 - 1 / outcome.comparison.mid)
    # A cache is filled within the first pass of each call, at today's cost: that has to come back as well.
    calls = facts.fits[outcome.index].record.calls if outcome.target == "fit" and outcome.index < len(facts.fits) else 1
    paid_s = outcome.one_off_s + filling_s(facts, outcome) / max(1, calls)
    if paid_s <= 0 or saved_per_unit_s <= 0:
        return None
    return ceil(min(paid_s / saved_per_unit_s, 1e15))


def unit_cost_s(facts: Facts, outcome: Outcome) -> float:
    """What the unit costs as it stands."""
    chosen = set(terms(facts, outcome.target, outcome.index, outcome.arm.unit))
    found = [term for term in facts.projection.terms if term.id in chosen and not term.id.endswith("/first")]
    most = max((term.count for term in found), default=0.0)
    return sum(term.s for term in found) / most if most else 0.0


def terms(facts: Facts, target: str, index: int, unit: str) -> tuple[str, ...]:
    """The terms of the projection that a unit stands for. The end of an epoch holds what callbacks call there."""
    if target == "loop":
        return (f"loop{index}/call",)
    if unit == Unit.CALL:  # whatever a call of fit takes, but for what only the first one pays
        return tuple(
            t.id for t in facts.projection.terms if t.id.startswith(f"fit{index}/") and not t.id.endswith("/first")
        )
    if unit == Unit.RACE:
        return (f"fit{index}/step", *_per_epoch(facts, index))
    if unit == Unit.PROCESS:
        return (f"fit{index}/step",)
    if unit == Unit.EPOCH:
        workers = workers_of(facts.fits[index].record)
        ended = (f"fit{index}/epoch_boundary",) if workers is not None and workers.restarted else ()
        return f"fit{index}/step", f"fit{index}/epoch_first_step", *ended
    if unit != Unit.EPOCH_END:
        return (f"fit{index}/{unit}",)
    hooks = [
        term.id
        for term in facts.projection.terms
        if term.id.startswith(f"fit{index}/callback") and "/on_epoch_end" in term.id
    ]
    nested = [
        f"{loop.id}/call"
        for loop in facts.loops
        if loop.fit is not None and loop.fit.index == index and loop.record.hook == "on_epoch_end"
    ]
    return (*hooks, *nested)


def _treated(facts: Facts, effect: Effect) -> tuple[str, ...]:
    """The terms that an effect changes."""
    units = (
        [{"start": Unit.EPOCH.value}.get(part, part) for part in effect.parts]
        if effect.unit == Unit.WHOLE
        else [effect.unit]
    )
    found = tuple(dict.fromkeys(term for unit in units for term in terms(facts, effect.target, effect.index, unit)))
    return (*found, f"fit{effect.index}/epoch_first_step") if effect.refills else found


def _per_epoch(facts: Facts, index: int) -> tuple[str, ...]:
    """The terms of a fit that are paid once an epoch: its end, validation, and what callbacks do there."""
    own = (f"fit{index}/epoch_boundary", f"fit{index}/epoch_first_step", f"fit{index}/validation")
    return *own, *terms(facts, "fit", index, Unit.EPOCH_END)


def _factor(effect: Effect, term_id: str, end: End) -> float:
    """What the cost of a term is multiplied by."""
    ratio: float = getattr(effect.ratio, end)
    factor = 1 / max(1 / MOST_RATIO, ratio)
    if effect.unit == Unit.RACE and not term_id.endswith("/step"):
        factor *= effect.throughput
    if end == "low" and factor < 1:
        return 1 - effect.covered * (1 - factor)
    return factor


def _speedup(facts: Facts, effects: list[Effect], bound: Bound, end: End, drift: float) -> float:
    """One end of a speed-up, with the treated units' own cost `drift` times what it was:

    it differs between processes.
    """
    treated = {term_id for effect in effects for term_id in _treated(facts, effect)}
    before = facts.projection_at(bound).scaled(dict.fromkeys(treated, drift))
    factors: dict[str, float] = {}
    for effect in effects:
        for term_id in _treated(facts, effect):
            factors[term_id] = factors.get(term_id, 1.0) * _factor(effect, term_id, end)
    after = before.scaled(factors, one_off_s=sum(effect.one_off_s for effect in effects))
    if before.total_s <= 0 or after.total_s <= 0:
        return 1.0
    return min(MOST_RATIO, before.total_s / after.total_s)
