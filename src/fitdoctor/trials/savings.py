"""Projects the speed-up of one unit to the speed-up of the whole training."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from math import ceil, exp, hypot, log
from typing import Any, Literal

from fitdoctor.facts.epochs import Bound
from fitdoctor.facts.facts import Facts
from fitdoctor.facts.input.data_passes import steps_per_pass
from fitdoctor.facts.input.workers import workers_of
from fitdoctor.report.model import Interval
from fitdoctor.trial_units import Unit
from fitdoctor.trials.outcomes import Outcome
from fitdoctor.trials.statistics import MOST_RATIO

End = Literal["low", "mid", "high"]

# The cost of a unit differs between two processes of one script, with a standard deviation of 8.5 %, so 95 % of them
# lie within this (docs/trials-measured.md, drift). The interval of a whole run covers that too.
PROCESS_DRIFT = 0.17
DRIFTS = (1 - PROCESS_DRIFT, 1.0, 1 + PROCESS_DRIFT)


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect:
    """One unit that becomes `ratio` times as fast, for `one_off_s` that is paid once.

    If the unit is a race to a validation loss, the fit needs fewer steps and epochs. `covered` is the share of the
    training that was raced: the low end assumes no gain for the rest. `throughput` is the ratio of samples per second;
    costs per epoch gain nothing from it. `refills` says that single elements arrive faster as well, so that a buffer
    fills faster at the start of an epoch. `parts` are the timed parts of an epoch, if the unit is a whole one.
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
    """Returns the effect of an arm on the whole training; None if its windows are too few."""
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
    """Returns whether elements are made once and kept, so that a later shuffle buffer fills from memory."""
    kept: bool = change["kind"] == "precompute" or (change["kind"] == "insert-call" and change["call"] == "cache")
    return kept


def times_paid(facts: Facts, outcome: Outcome) -> int:
    """Returns how often the training pays the one-off: once for each call of fit that traces again."""
    if outcome.target == "fit" and outcome.arm.unit in (Unit.STEP, Unit.WHOLE) and outcome.index < len(facts.fits):
        return facts.fits[outcome.index].one_offs_paid
    return 1


def filling_s(facts: Facts, outcome: Outcome) -> float:
    """Returns how much longer the first pass over the data takes if it fills a new cache."""
    if not any(change["kind"] == "insert-call" and change["call"] == "cache" for change in outcome.arm.changes):
        return 0.0
    fit = facts.fits[outcome.index]
    steps = min(steps_per_pass(fit), fit.epochs.mid * fit.steps_per_epoch)
    return fit.record.calls * steps * fit.step_s * max(0.0, 1 - 1 / outcome.comparison.mid)


def whole_run(facts: Facts, effects: Iterable[Effect]) -> Interval:
    """Returns the projected time of the whole run, divided by that with all effects together.

    If a stopping rule may end the training early, the interval covers its shortest and longest length.

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
    """Returns the seconds of the whole run with a speed-up, in a new process.

    The interval adds the differences between processes of one script to that of the speed-up.
    """

    def seconds(end: float, sign: int) -> float:
        return facts.total_s / speedup.mid * exp(sign * hypot(log(end / speedup.mid), PROCESS_DRIFT))

    return Interval(low=seconds(speedup.high, -1), mid=facts.total_s / speedup.mid, high=seconds(speedup.low, 1))


def saved_s(facts: Facts, speedup: Interval) -> Interval:
    """Returns the seconds of the whole training that a speed-up saves."""
    low, mid, high = (
        facts.total_s * (1 - 1 / end) if end > 0 else 0.0 for end in (speedup.low, speedup.mid, speedup.high)
    )
    return Interval(low=low, mid=mid, high=high)


def breaks_even_at(facts: Facts, outcome: Outcome) -> int | None:
    """Returns after how many units the one-off has paid off; None if there is none, or if nothing is saved."""
    saved_per_unit_s = unit_cost_s(facts, outcome) * (1 - 1 / outcome.comparison.mid)
    # The first pass of each call fills a cache at today's cost, which has to be saved again as well.
    calls = facts.fits[outcome.index].record.calls if outcome.target == "fit" and outcome.index < len(facts.fits) else 1
    paid_s = outcome.one_off_s + filling_s(facts, outcome) / max(1, calls)
    if paid_s <= 0 or saved_per_unit_s <= 0:
        return None
    return ceil(min(paid_s / saved_per_unit_s, 1e15))


def unit_cost_s(facts: Facts, outcome: Outcome) -> float:
    """Returns what the unit costs without the remedy."""
    chosen = set(terms(facts, outcome.target, outcome.index, outcome.arm.unit))
    found = [term for term in facts.projection.terms if term.id in chosen and not term.id.endswith("/first")]
    most = max((term.count for term in found), default=0.0)
    return sum(term.s for term in found) / most if most else 0.0


def terms(facts: Facts, target: str, index: int, unit: str) -> tuple[str, ...]:
    """Returns the terms of the projection that a unit covers. The end of an epoch includes calls of callbacks there."""
    if target == "loop":
        return (f"loop{index}/call",)
    if unit == Unit.CALL:  # all of a call of fit, except what only the first one pays
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
    """Returns the terms that an effect changes."""
    units = (
        [{"start": Unit.EPOCH.value}.get(part, part) for part in effect.parts]
        if effect.unit == Unit.WHOLE
        else [effect.unit]
    )
    found = tuple(dict.fromkeys(term for unit in units for term in terms(facts, effect.target, effect.index, unit)))
    return (*found, f"fit{effect.index}/epoch_first_step") if effect.refills else found


def _per_epoch(facts: Facts, index: int) -> tuple[str, ...]:
    """Returns the terms of a fit that are paid once an epoch: its end, validation, and callbacks there."""
    own = (f"fit{index}/epoch_boundary", f"fit{index}/epoch_first_step", f"fit{index}/validation")
    return *own, *terms(facts, "fit", index, Unit.EPOCH_END)


def _factor(effect: Effect, term_id: str, end: End) -> float:
    """Returns the factor for the cost of a term."""
    ratio: float = getattr(effect.ratio, end)
    factor = 1 / max(1 / MOST_RATIO, ratio)
    if effect.unit == Unit.RACE and not term_id.endswith("/step"):
        factor *= effect.throughput
    if end == "low" and factor < 1:
        return 1 - effect.covered * (1 - factor)
    return factor


def _speedup(facts: Facts, effects: list[Effect], bound: Bound, end: End, drift: float) -> float:
    """Returns one end of the speed-up, if the cost of the treated units differs by `drift` in another process."""
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
