"""Splits the time of steps into the train function, the logs and the wait for input."""

from __future__ import annotations

from dataclasses import dataclass

from fitdoctor.recording.model import Fit

# Skipped steps that took this many times as long as the sampled ones were held up by something. Groups of sampled
# steps differ by less from each other.
UNUSUAL_RATIO = 1.5


@dataclass(slots=True)
class StepBreakdown:
    """The time of some sampled steps, and its parts.

    Attributes:
        steps: The number of steps.
        step_s: Their time, all parts included.
        function_s: The part inside the train function.
        logs_s: The part after it, in which Keras makes numbers of the logs.
        wait_s: The wait for input. It lies inside the train function where that reads the batches.
        hooks_s: The time of the callbacks' own hooks.
    """

    steps: int = 0
    step_s: float = 0.0
    function_s: float = 0.0
    logs_s: float = 0.0
    wait_s: float = 0.0
    hooks_s: float = 0.0

    @classmethod
    def recorded(cls, record: Fit, hooks_s: float) -> StepBreakdown:
        """All steps that a record holds so far."""
        step, function, logs, wait = record.step, record.function, record.logs, record.input_wait
        return cls(step.count, step.total_s, function.total_s, logs.total_s, wait.total_s, hooks_s)

    def since(self, earlier: StepBreakdown) -> StepBreakdown:
        """The steps that were recorded after `earlier`."""
        return StepBreakdown(
            self.steps - earlier.steps,
            self.step_s - earlier.step_s,
            self.function_s - earlier.function_s,
            self.logs_s - earlier.logs_s,
            self.wait_s - earlier.wait_s,
            self.hooks_s - earlier.hooks_s,
        )

    def estimate_wait_s(self, seconds: float) -> float:
        """Estimates the wait for input in other steps that took `seconds` without hooks."""
        known_s = self.step_s - self.hooks_s
        return seconds * min(1.0, self.wait_s / known_s) if known_s > 0 else 0.0

    def is_usual(self, steps: int, seconds: float) -> bool:
        """Whether other steps took about as long as these."""
        return seconds * self.steps <= UNUSUAL_RATIO * steps * self.step_s

    def estimate(self, seconds: float, wait_s: float, *, wait_in_function: bool) -> tuple[float, float]:
        """Splits the time of other steps like that of these.

        Args:
            seconds: The time of the other steps, without hooks.
            wait_s: Their wait for input.
            wait_in_function: Whether the train function reads the batches.

        Returns:
            The seconds of the train function, and of the logs.
        """
        inside_s = self.function_s - self.wait_s if wait_in_function else self.function_s
        known_s = self.step_s - self.hooks_s - self.wait_s
        share = max(0.0, seconds - wait_s) / known_s if known_s > 0 else 0.0
        return max(0.0, inside_s) * share + (wait_s if wait_in_function else 0.0), self.logs_s * share
