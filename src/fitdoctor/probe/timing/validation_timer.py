"""Times the validation passes of a fit."""

from __future__ import annotations

from fitdoctor.probe.timing.durations import add
from fitdoctor.recording.model import Fit


class ValidationTimer:
    """Times each validation pass and its steps. The caller reads the clock.

    Args:
        record: The record of the fit.

    Attributes:
        running: Whether a pass runs.
        steps: Number of steps of this pass.
        steps_s: Time of the steps of this pass.
        began_s: Time at which this pass began.
    """

    def __init__(self, record: Fit) -> None:
        self._record = record
        self.running = False
        self.steps = 0
        self.steps_s = 0.0
        self.began_s = 0.0
        self._passes = 0
        self._hooks_at_begin_s = self._hooks_in_steps_s = 0.0
        self._step_began_s = self._hooks_at_step_begin_s = 0.0

    def begins(self, now_s: float, hooks_s: float) -> None:
        """A pass begins."""
        self.running, self.steps, self.steps_s, self._hooks_in_steps_s = True, 0, 0.0, 0.0
        self.began_s, self._hooks_at_begin_s = now_s, hooks_s
        self._step_began_s = now_s

    def step_begins(self, now_s: float, hooks_s: float) -> None:
        """A step of the pass begins."""
        self._step_began_s, self._hooks_at_step_begin_s = now_s, hooks_s

    def step_ends(self, now_s: float, hooks_s: float) -> None:
        """A step of the pass ends."""
        step_s = now_s - self._step_began_s
        self._hooks_in_steps_s += hooks_s - self._hooks_at_step_begin_s
        first = self._passes == 0 and self.steps == 0
        add(self._record.validation_first_step if first else self._record.validation_step, step_s, first=first)
        self.steps_s += step_s
        self.steps += 1

    def ends(self, now_s: float, hooks_s: float) -> tuple[float, float]:
        """A pass ends.

        Returns:
            The seconds of the pass without its hooks, and those of them that lie outside its steps.
        """
        self.running = False
        self._passes += 1
        total_s = now_s - self.began_s - (hooks_s - self._hooks_at_begin_s)
        # Hooks inside a step are part of that step's time already.
        return total_s, max(0.0, total_s - self.steps_s + self._hooks_in_steps_s)
