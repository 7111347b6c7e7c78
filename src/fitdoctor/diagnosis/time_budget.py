"""Divides the seconds of a diagnosis among its stages."""

from __future__ import annotations

import time
from collections.abc import Sequence

from fitdoctor.facts.facts import Facts
from fitdoctor.recording.model import Run
from fitdoctor.trials.plan import LEAST_TRIAL_S, RehearsalPlan
from fitdoctor.trials.process_statistics import DECISION_PAIRS
from fitdoctor.trials.process_trial import MEASURING_S
from fitdoctor.trials.whole_run import LEAST_S as LEAST_WHOLE_S
from fitdoctor.trials.whole_run import STARTUP_SHARE


class TimeBudget:
    """The seconds of one diagnosis.

    Args:
        data: The recording, with the budget and the start-up times that were measured so far.
        race_budget_s: The separate budget for races.
        began_s: `time.monotonic()` when the diagnosis began.
        starts_processes: Whether environments are compared, and the prescription is measured as a whole, in processes
            of their own. Only then time is reserved for these.
    """

    def __init__(self, data: Run, *, race_budget_s: float, began_s: float, starts_processes: bool = True) -> None:
        self._data, self._began_s, self._starts_processes = data, began_s, starts_processes
        self._reserved_s = self._raced_s = 0.0
        self.race_budget_s = self.race_left_s = race_budget_s

    def spent_s(self) -> float:
        """Returns the seconds since the diagnosis began, races included."""
        return time.monotonic() - self._began_s

    def left_s(self) -> float:
        """Returns the seconds that are left for everything but races."""
        return self._data.budget_s - self.spent_s() + self._raced_s

    def spend_on_races(self, seconds: float) -> None:
        """Charges the time of a race to the budget for races."""
        self._raced_s += seconds
        self.race_left_s = max(0.0, self.race_left_s - seconds)

    def startup_s(self) -> float:
        """Returns how long a child takes to reach its unit: the slowest so far, else the start-up of the scout."""
        assert self._data.scout is not None
        parts = self._data.scout.parts
        known_s = parts.get("start", 0.0) + parts.get("imports", 0.0)
        return max((rehearsal.startup_s for rehearsal in self._data.rehearsals if rehearsal.startup_s), default=known_s)

    def whole_s(self) -> float:
        """Returns the time that is reserved to measure the whole prescription; 0 if a start-up takes too long."""
        if not self._starts_processes:
            return 0.0
        startup_s = self.startup_s()
        return startup_s + LEAST_WHOLE_S if startup_s <= STARTUP_SHARE * self._data.budget_s else 0.0

    def for_rehearsals_s(self) -> float:
        """Returns the time that is left for rehearsals, without the reserved time."""
        left_s = self.left_s() - self._reserved_s
        return left_s - self.whole_s() if left_s > 2 * self.whole_s() else left_s

    def environment_child_s(self, each: RehearsalPlan, facts: Facts) -> float:
        """Returns how long one child of a comparison of environments takes."""
        return self.startup_s() + facts.fits[each.index].record.first_step.first_s + MEASURING_S

    def reserve(self, rehearsals: Sequence[RehearsalPlan], comparisons: Sequence[RehearsalPlan], facts: Facts) -> None:
        """Reserves time for the first comparison of environments.

        Only where it may save more per second of trial than the rehearsals, and leaves them enough time.
        """
        if not comparisons or not self._starts_processes:
            return
        first, left_s = comparisons[0], self.left_s()
        cost_s = 2 * DECISION_PAIRS[0] * self.environment_child_s(first, facts)
        most_s = max((each.expected_saving_s for each in rehearsals), default=0.0)
        has_room = left_s - cost_s >= self.startup_s() + LEAST_TRIAL_S
        if has_room and first.expected_saving_s / cost_s >= most_s / left_s:
            self._reserved_s = cost_s

    def release(self) -> None:
        """Ends the reservation: the rehearsals are over."""
        self._reserved_s = 0.0
