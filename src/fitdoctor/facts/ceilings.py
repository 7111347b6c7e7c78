"""Ceilings: the speed-up of the whole training if one kind of cost were free."""

from __future__ import annotations

from fitdoctor.facts.facts import Facts
from fitdoctor.facts.hook_kinds import KERAS_OWN
from fitdoctor.facts.projection import Projection
from fitdoctor.report.model import Ceiling

# The largest speed-up of a ceiling. It keeps the figure finite if the training consists of this kind of cost only.
MOST_SPEEDUP = 1e6


def make_ceilings(facts: Facts) -> tuple[Ceiling, ...]:
    """The ceilings of a training.

    Input has one if a trial measured its cost. Callbacks and validation have one if they exist.
    """
    found = []
    factors = {f"fit{index}/step": 1 / ratio.mid for index, ratio in facts.measured.input_free.items() if ratio.low > 1}
    if factors:
        found.append(Ceiling(kind="input", speedup=_speedup(facts, facts.projection.scaled(factors)), measured=True))
    if any(
        callback.hooks and callback.name not in KERAS_OWN for fit in facts.fits for callback in fit.record.callbacks
    ):
        found.append(Ceiling(kind="callbacks", speedup=_speedup(facts, _without_callbacks(facts)), measured=True))
    if any(fit.validates for fit in facts.fits):
        free = {term.id: 0.0 for term in facts.projection.terms if term.part == "validation"}
        found.append(Ceiling(kind="validation", speedup=_speedup(facts, facts.projection.scaled(free)), measured=True))
    return tuple(found)


def _without_callbacks(facts: Facts) -> Projection:
    """The projection without the hooks of the script's callbacks and their calls. Keras' own callbacks stay."""
    factors: dict[str, float] = {}
    for fit in facts.fits:
        theirs = [at for at, callback in enumerate(fit.record.callbacks) if callback.name not in KERAS_OWN]
        prefixes = tuple(f"{fit.id}/callback{at}/" for at in theirs)
        factors |= {term.id: 0.0 for term in facts.projection.terms if term.id.startswith(prefixes)}
        if fit.step_s > 0:
            factors[f"{fit.id}/step"] = max(0.0, 1 - sum(fit.batch_hooks_s[at] for at in theirs) / fit.step_s)
    for loop in facts.loops:
        if loop.fit is not None:
            factors |= {f"{loop.id}/call": 0.0, f"{loop.id}/first": 0.0}
    return facts.projection.scaled(factors)


def _speedup(facts: Facts, after: Projection) -> float:
    if after.total_s <= 0:
        return MOST_SPEEDUP if facts.total_s > 0 else 1.0
    return min(MOST_SPEEDUP, max(1.0, facts.total_s / after.total_s))
