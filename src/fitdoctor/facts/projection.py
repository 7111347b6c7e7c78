"""The projection: the time of the whole training, as counts times unit costs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from fitdoctor.facts.call_site import CallSiteFacts
from fitdoctor.facts.epochs import Bound
from fitdoctor.facts.fit import FitFacts
from fitdoctor.facts.units import first_extra_s, typical_s, unit_s, warm_up_s
from fitdoctor.recording.model import Duration


@dataclass(frozen=True, slots=True, kw_only=True)
class Term:
    """A count times a unit cost. `id` begins with the fit or loop it belongs to: `fit0/step`, `loop2/call`."""

    id: str
    label: str
    part: str
    count: float
    unit_s: float

    @property
    def s(self) -> float:
        return self.count * self.unit_s


@dataclass(frozen=True, slots=True, kw_only=True)
class Projection:
    """Seconds that are paid once, and terms. Every speed-up is `before.total_s / after.total_s`.

    Example:
        >>> step = Term(id="fit0/step", label="steps", part="step", count=100, unit_s=0.1)
        >>> before = Projection(fixed_s=10.0, terms=(step,))
        >>> before.total_s / before.scaled({"fit0/step": 0.5}).total_s
        1.3333333333333333
    """

    fixed_s: float
    terms: tuple[Term, ...]

    @property
    def total_s(self) -> float:
        return self.fixed_s + sum(term.s for term in self.terms)

    def under(self, prefix: str) -> float:
        """Seconds of all terms whose id begins with `prefix`."""
        return sum(term.s for term in self.terms if term.id.startswith(prefix))

    def scaled(self, factors: Mapping[str, float], one_off_s: float = 0.0) -> Projection:
        """The same training with units that cost `factors` times as much, and `one_off_s` more that is paid once."""
        terms = tuple(replace(term, unit_s=term.unit_s * factors.get(term.id, 1.0)) for term in self.terms)
        return Projection(fixed_s=self.fixed_s + one_off_s, terms=terms)


def project(fixed_s: float, fits: Sequence[FitFacts], loops: Sequence[CallSiteFacts], bound: Bound) -> Projection:
    """The whole training, with each fit's epochs at the given bound."""
    terms = [term for fit in fits for term in _fit_terms(fit, bound)]
    terms += [term for loop in loops for term in _loop_terms(loop, bound)]
    return Projection(fixed_s=fixed_s, terms=tuple(term for term in terms if term.s > 0))


def _fit_terms(fit: FitFacts, bound: Bound) -> Iterator[Term]:
    record, calls, epochs = fit.record, fit.record.calls, fit.epochs.at(bound)

    def repeated(name: str, label: str, part: str, count: float, took: Duration) -> Iterator[Term]:
        yield Term(id=f"{fit.id}/{name}", label=label, part=part, count=count, unit_s=unit_s(took))
        yield Term(
            id=f"{fit.id}/{name}/first", label=label, part=part, count=min(1.0, count), unit_s=first_extra_s(took)
        )

    yield from repeated("setup", "setting fit up", "setup", calls, record.setup)
    yield from repeated("first_step", "first step: trace and compile", "first_step", calls, record.first_step)
    yield Term(id=f"{fit.id}/step", label="steps", part="step", count=fit.steps(bound), unit_s=fit.step_s)
    runs = max(1, record.calls_run)
    warm_up = warm_up_s(record.step, fit.period) / runs
    yield Term(
        id=f"{fit.id}/step/first", label="first steps, still slow", part="first_step", count=calls, unit_s=warm_up
    )
    stalls = {"label": "first steps of epochs", "part": "epoch_boundary"}
    yield Term(id=f"{fit.id}/epoch_first_step", count=fit.later_epochs(bound), unit_s=fit.epoch_stall_s, **stalls)
    # Often only two are recorded. One hiccup of the machine would be multiplied by every epoch to come.
    boundary_s = typical_s(record.epoch_boundary)
    first_s = max(0.0, record.epoch_boundary.first_s - boundary_s)
    boundary = {"label": "between epochs", "part": "epoch_boundary"}
    yield Term(id=f"{fit.id}/epoch_boundary", count=calls * epochs, unit_s=boundary_s, **boundary)
    yield Term(id=f"{fit.id}/epoch_boundary/first", count=min(1.0, calls * epochs), unit_s=first_s, **boundary)
    for position, callback in enumerate(record.callbacks):
        for hook, took in fit.hooks_apart(callback).items():
            name = f"callback{position}/{hook}"
            yield from repeated(name, callback.name, "callbacks", fit.hook_calls(hook, bound), took)
    passes = fit.validation_passes(bound)
    yield Term(
        id=f"{fit.id}/validation", label="validation", part="validation", count=passes, unit_s=fit.validation_pass.mid
    )
    # The pass already holds an ordinary step for each call's first one, which traces.
    extra_s = max(0.0, unit_s(record.validation_first_step) - unit_s(record.validation_step))
    first_passes = min(calls, passes)
    yield Term(
        id=f"{fit.id}/validation/first", label="validation", part="validation", count=first_passes, unit_s=extra_s
    )
    yield from repeated("teardown", "ending fit", "setup", calls, record.teardown)


def _loop_terms(loop: CallSiteFacts, bound: Bound) -> Iterator[Term]:
    calls = loop.calls(bound)
    label = f"{loop.record.kind} calls"
    yield Term(id=f"{loop.id}/call", label=label, part="loops", count=calls, unit_s=loop.unit_s)
    once_s = loop.first_extra_s + warm_up_s(loop.record.run)
    yield Term(id=f"{loop.id}/first", label=label, part="loops", count=min(1.0, calls), unit_s=once_s)
