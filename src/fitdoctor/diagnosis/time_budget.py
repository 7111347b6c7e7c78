"""What is left of the budget of a diagnosis, and for what."""

from __future__ import annotations

import time
from collections.abc import Sequence

from fitdoctor.facts.facts import Facts
from fitdoctor.process.request import DiagnoseRequest
from fitdoctor.recording.model import Run
from fitdoctor.trials.plan import LEAST_TRIAL_S, RehearsalPlan
from fitdoctor.trials.process_statistics import DECISION_PAIRS
from fitdoctor.trials.process_trial import MEASURING_S
from fitdoctor.trials.whole_run import LEAST_S as LEAST_WHOLE_S
from fitdoctor.trials.whole_run import STARTUP_SHARE


class Budget:
    """Divides the seconds of one diagnosis.

    Args:
        request: With the budgets, of which that for races is apart.
        data: The recording, which tells what a start-up takes.
        began_s: `time.monotonic()` at the diagnosis' beginning.
    """

    def __init__(self, request: DiagnoseRequest, data: Run, *, began_s: float) -> None:
        self._request, self._data, self._began_s = request, data, began_s
        self._reserved_s = self._raced_s = 0.0
        self.race_left_s = request.race_budget_s

    def spent_s(self) -> float:
        """Seconds since the diagnosis began, races included."""
        return time.monotonic() - self._began_s

    def left_s(self) -> float:
        """Seconds that are left for everything but races."""
        return self._request.budget_s - self.spent_s() + self._raced_s

    def raced(self, seconds: float) -> None:
        """Takes what a race took from its own budget."""
        self._raced_s += seconds
        self.race_left_s = max(0.0, self.race_left_s - seconds)

    def startup_s(self) -> float:
        """What a child is expected to take to its unit:

        as long as any before it, or what the scout says where there was none.
        """
        assert self._data.scout is not None
        parts = self._data.scout.parts
        known_s = parts.get("start", 0.0) + parts.get("imports", 0.0)
        return max((rehearsal.startup_s for rehearsal in self._data.rehearsals if rehearsal.startup_s), default=known_s)

    def whole_s(self) -> float:
        """What is kept for a measurement of the prescription as a whole; nothing where another start-up is too dear for
        it.
        """
        startup_s = self.startup_s()
        return startup_s + LEAST_WHOLE_S if startup_s <= STARTUP_SHARE * self._request.budget_s else 0.0

    def for_rehearsals_s(self) -> float:
        """What is left without what is kept for comparisons of environments and for the prescription as a whole."""
        left_s = self.left_s() - self._reserved_s
        return left_s - self.whole_s() if left_s > 2 * self.whole_s() else left_s

    def environment_child_s(self, each: RehearsalPlan, facts: Facts) -> float:
        """What one child of a comparison of environments is expected to take."""
        return self.startup_s() + facts.fits[each.index].record.first_step.first_s + MEASURING_S

    def reserve(self, rehearsals: Sequence[RehearsalPlan], comparisons: Sequence[RehearsalPlan], facts: Facts) -> None:
        """Has ordinary trials leave to a comparison of environments what it needs, where that may save more in a second
        than they.
        """
        if not comparisons:
            return
        first, left_s = comparisons[0], self.left_s()
        cost_s = 2 * DECISION_PAIRS[0] * self.environment_child_s(first, facts)
        most_s = max((each.expected_saving_s for each in rehearsals), default=0.0)
        has_room = left_s - cost_s >= self.startup_s() + LEAST_TRIAL_S
        if has_room and first.expected_saving_s / cost_s >= most_s / left_s:
            self._reserved_s = cost_s

    def release(self) -> None:
        """Ordinary trials are over: nothing is kept from here on."""
        self._reserved_s = 0.0
