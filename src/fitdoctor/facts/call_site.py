"""The figures of all calls of `predict`, `evaluate` or `…_on_batch` from one place."""

from __future__ import annotations

from functools import cached_property

from fitdoctor.facts.epochs import Bound
from fitdoctor.facts.fit import FitFacts
from fitdoctor.facts.units import times, unit_interval, unit_s
from fitdoctor.recording.model import CallSiteRecord
from fitdoctor.report.model import Interval

ON_BATCH_KINDS = frozenset({"train_on_batch", "test_on_batch"})
# Half of Keras' default batch. With more rows in a call, the batch size matters and not the loop.
TINY_ROWS = 16


class CallSiteFacts:
    """Derived figures of one recorded call site.

    `fit` is the fit whose callback makes the calls. It is None if the script itself makes them.
    """

    def __init__(self, index: int, record: CallSiteRecord, fit: FitFacts | None) -> None:
        self.index = index
        self.record = record
        self.fit = fit

    @property
    def id(self) -> str:
        return f"loop{self.index}"

    @property
    def has_few_rows(self) -> bool:
        """Whether each call trains or evaluates on far fewer rows than an ordinary batch has."""
        rows = self.record.rows
        return self.record.kind in ON_BATCH_KINDS and rows is not None and 0 < rows <= TINY_ROWS

    def calls(self, bound: Bound) -> float:
        """Calls in the whole training. Calls of a hook grow with the number of times that the hook runs."""
        if self.fit is None:
            return float(self.record.calls)
        hook = self.record.hook
        return self.record.calls * self.fit.hook_calls(hook, bound) / max(1, self.fit.hook_calls_seen(hook))

    @cached_property
    def unit_s(self) -> float:
        """Seconds of one call as written, without the first. If only the first was timed, it counts for all."""
        return unit_s(self.record.run)

    @cached_property
    def first_extra_s(self) -> float:
        return max(0.0, self.record.run.first_s - self.unit_s)

    def cost(self, bound: Bound = "mid") -> Interval:
        """Seconds of all calls in the whole training, without tracing."""
        return times(unit_interval(self.record.run), self.calls(bound))
