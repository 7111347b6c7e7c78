"""Times validation passes as fit makes them."""

from __future__ import annotations

from typing import Any

from fitdoctor.changes.model import Change
from fitdoctor.probe.apply import live
from fitdoctor.probe.support.originals import time
from fitdoctor.probe.trainer import keras_internals, loops
from fitdoctor.probe.trials.runner import Runner
from fitdoctor.probe.trials.stepper import FitStepper
from fitdoctor.probe.trials.units.base import sets_fit_argument, timed
from fitdoctor.recording.trial_protocol import ArmSpec, Prepared, TimedWindow

# A longer pass is not repeated in a trial.
LONGEST_S = 10.0


class ValidationTrial:
    """Windows of the unit `validation`: one pass each.

    Args:
        stepper: Holds the model, fit's arguments with `validation_data`, and the callbacks that a pass calls.
    """

    def __init__(self, stepper: FitStepper) -> None:
        self._stepper = stepper
        self._kept = keras_internals.evaluation_attribute(stepper.model)
        self._test_function: Any = None

    def carries_out(self, change: Change) -> bool:
        """Whether a pass shows the change."""
        return sets_fit_argument(change)

    def prepare(self, runner: Runner, arm: ArmSpec) -> Prepared:
        """Builds an arm's input and function, and runs one pass. The placebo gets a function of its own.

        Raises:
            ValueError: A pass is too long to be repeated.
        """
        self._stepper.begin()
        model, bound = self._stepper.model, live.apply_to_fit(self._stepper.bound, runner.changes)
        if arm.is_placebo or self._test_function is None:
            runner.test_function = loops.made(model, "test")
            self._test_function = self._test_function or runner.test_function
        else:
            runner.test_function = self._test_function
        runner.evaluation = keras_internals.evaluation(model, keras_internals.unpacked(bound["validation_data"]), bound)
        began_s = time.perf_counter()
        self.run(runner)
        first_s = time.perf_counter() - began_s
        if first_s > LONGEST_S:
            raise ValueError(f"one validation pass takes {first_s:.0f} s, too long to repeat within a trial")
        return Prepared(one_off_s=first_s, unit_s=first_s)

    def window(self, runner: Runner) -> TimedWindow:
        """Times one pass."""
        return timed(lambda: self.run(runner), 1)

    def run(self, runner: Runner) -> dict[str, Any]:
        """Makes one pass of an arm, and returns its logs."""
        model, data = self._stepper.model, keras_internals.unpacked(self._stepper.bound["validation_data"])
        before = getattr(model, self._kept, None)
        setattr(model, self._kept, runner.evaluation)
        model.test_function = runner.test_function
        try:
            result: dict[str, Any] = model.evaluate(
                x=data[0],
                y=data[1],
                sample_weight=data[2],
                callbacks=self._stepper.callbacks,
                return_dict=True,
                _use_cached_eval_dataset=True,
            )
        finally:
            setattr(model, self._kept, before)
        return result
