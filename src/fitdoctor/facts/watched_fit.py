"""A fit that was watched to its end. Its time is known, and nothing is projected."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import cached_property
from math import ceil

from fitdoctor.facts.call_site import CallSiteFacts
from fitdoctor.facts.epochs import Bound, Epochs
from fitdoctor.facts.fit import FitFacts, executions_seen
from fitdoctor.facts.projection import Term
from fitdoctor.recording.model import Duration, Fit
from fitdoctor.report.model import Interval


class WatchedFit(FitFacts):
    """Figures of a fit that ran uncut. Counts are exact, and costs are means over all units."""

    def unit(self, took: Duration, period: int = 0) -> Interval:  # noqa: ARG002 - all units are counted
        each_s = _mean_s(took)
        return Interval(low=each_s, mid=each_s, high=each_s)

    @cached_property
    def epochs(self) -> Epochs:
        seen = ceil(self.record.epochs_seen / max(1, self.record.calls_run))
        return Epochs(low=seen, mid=seen, basis="observed")

    @cached_property
    def steps_known(self) -> bool:
        return True

    def steps(self, bound: Bound) -> int:  # noqa: ARG002 - both ends are the same
        return (executions_seen(self.record) - self.record.first_step.count) * self.per_execution

    @cached_property
    def _loop_s(self) -> float:
        """Seconds of the loop around one call of the train function."""
        kinds = self.record.step if self.record.step.count else self.record.epoch_first_step
        return max(0.0, _mean_s(kinds) - self._nested_s)

    @cached_property
    def recompiled_s(self) -> float:
        """Seconds of its steps that compile them again."""
        return min(self.record.recompiled.total_s, self._loop_s * self.steps("mid") / self.per_execution)

    @cached_property
    def step_s(self) -> float:
        return (
            self._loop_s / self.per_execution - self.recompiled_s / max(1, self.steps("mid")) + self.still_computing_s
        )

    @cached_property
    def still_computing_s(self) -> float:
        return self.record.still_computing.total_s / max(1, self.steps("mid"))

    @cached_property
    def epoch_stall_s(self) -> float:
        return max(0.0, _mean_s(self.record.epoch_first_step) - self._nested_s - self._loop_s)

    @cached_property
    def stall_wait_s(self) -> float:
        waits_s = _mean_s(self.record.epoch_first_wait) - _mean_s(self.record.input_wait)
        return max(0.0, min(self.epoch_stall_s, waits_s))

    def later_epochs(self, bound: Bound) -> int:  # noqa: ARG002 - both ends are the same
        return self.record.epoch_first_step.count

    def hook_calls(self, hook: str, bound: Bound) -> float:  # noqa: ARG002 - both ends are the same
        return float(self.hook_calls_seen(hook))

    @cached_property
    def validation_pass(self) -> Interval:
        record = self.record
        kinds = (record.validation_first_step, record.validation_step, record.validation_overhead)
        each_s = sum(took.total_s for took in kinds) / max(1, record.validation_overhead.count)
        return Interval(low=each_s, mid=each_s, high=each_s)

    def validation_passes(self, bound: Bound, freq: int | None = None) -> int:  # noqa: ARG002 - both ends are the same
        if freq is None:
            return self.record.validation_overhead.count
        return self.record.calls_run * (self.epochs.mid // max(1, freq))


def observed_terms(fits: Sequence[FitFacts], loops: Sequence[CallSiteFacts]) -> tuple[Term, ...]:
    """The time of Keras' calls, in terms with the same ids as in a projection."""
    terms = [term for fit in fits for term in _fit_terms(fit)]
    for loop in loops:
        took = loop.record.run
        terms.append(
            Term(
                id=f"{loop.id}/call",
                label=f"{loop.record.kind} calls",
                part="loops",
                count=took.count,
                unit_s=_mean_s(took),
            )
        )
    return tuple(term for term in terms if term.s > 0)


def _fit_terms(fit: FitFacts) -> Iterator[Term]:
    record = fit.record

    def each(name: str, label: str, part: str, took: Duration) -> Term:
        return Term(id=f"{fit.id}/{name}", label=label, part=part, count=took.count, unit_s=_mean_s(took))

    yield each("setup", "setting fit up", "setup", record.setup)
    yield each("first_step", "first step: trace and compile", "first_step", record.first_step)
    if isinstance(fit, WatchedFit):
        yield Term(
            id=f"{fit.id}/recompiled", label="compiling again", part="first_step", count=1, unit_s=fit.recompiled_s
        )
    yield Term(id=f"{fit.id}/step", label="steps", part="step", count=fit.steps("mid"), unit_s=fit.step_s)
    stalls = {"label": "first steps of epochs", "part": "epoch_boundary"}
    yield Term(id=f"{fit.id}/epoch_first_step", count=fit.later_epochs("mid"), unit_s=fit.epoch_stall_s, **stalls)
    yield each("epoch_boundary", "between epochs", "epoch_boundary", record.epoch_boundary)
    for position, callback in enumerate(record.callbacks):
        for hook, took in fit.hooks_apart(callback).items():
            yield each(f"callback{position}/{hook}", callback.name, "callbacks", took)
    passes, pass_s = fit.validation_passes("mid"), fit.validation_pass.mid
    yield Term(id=f"{fit.id}/validation", label="validation", part="validation", count=passes, unit_s=pass_s)
    yield each("teardown", "ending fit", "setup", record.teardown)


def with_watched_length(record: Fit, seen: Fit | None) -> Fit:
    """A scout's record of a fit, with the length from the watched training."""
    if seen is None:
        return record
    whole = 0 < seen.calls_run == seen.teardown.count
    epochs = ceil(seen.epochs_seen / max(1, seen.calls_run))
    counted = record.steps_basis == "unknown" and seen.steps_basis != "unknown"
    return replace(
        record,
        stopped_at=epochs if whole and _is_open(record, epochs) else record.stopped_at,
        steps_per_epoch=seen.steps_per_epoch if counted else record.steps_per_epoch,
        steps_basis=seen.steps_basis if counted else record.steps_basis,
    )


def if_uncut(record: Fit) -> Fit | None:
    """A scout's record if every call ran to its end. Its epochs are then those of the training."""
    return record if not record.cut and 0 < record.calls == record.calls_run else None


def _is_open(record: Fit, epochs: int) -> bool:
    """Whether the observed length says more than the declared one."""
    return epochs > 0 and (
        epochs != record.epochs - record.initial_epoch or any(callback.may_stop for callback in record.callbacks)
    )


def _mean_s(took: Duration) -> float:
    return took.total_s / took.count if took.count else 0.0
