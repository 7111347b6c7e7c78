"""The arms of one fit: prepared, verified and timed at the place where the script calls fit."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from fitdoctor.changes.model import edits_input, from_data
from fitdoctor.probe.apply import live
from fitdoctor.probe.trainer import keras_internals
from fitdoctor.probe.trials.equivalence.batches import verify_batches
from fitdoctor.probe.trials.equivalence.training_state import TrainingState
from fitdoctor.probe.trials.equivalence.weights import SameWeights
from fitdoctor.probe.trials.runner import Runner
from fitdoctor.probe.trials.stepper import FitStepper
from fitdoctor.probe.trials.units.base import UnitTrial
from fitdoctor.probe.trials.units.epoch import EpochTrial
from fitdoctor.probe.trials.units.epoch_end import EpochEndTrial
from fitdoctor.probe.trials.units.step import StepTrial
from fitdoctor.probe.trials.units.stretch import StretchTrial
from fitdoctor.probe.trials.units.validation import ValidationTrial
from fitdoctor.probe.trials.units.whole_epoch import WholeEpochTrial
from fitdoctor.recording.trial_protocol import ArmSpec, Prepared, TimedWindow, Verified
from fitdoctor.trial_units import Unit

# Units whose arms are compared with the script before they are timed.
VERIFIED = frozenset({Unit.STEP, Unit.EPOCH})


class FitArms:
    """Prepares, verifies and times arms inside the user's fit.

    Args:
        model: The model, compiled, as the script passed it.
        bound: Fit's arguments by name.
        cores: Cores that this process may use.
        on_turn: Gets the id of each arm before a window of it. So the arm is known where the process does not survive
            the window.

    Attributes:
        training_state: The state from which each arm starts, once the first arm has built all of the model.
    """

    def __init__(
        self, model: Any, bound: dict[str, Any], cores: int, *, on_turn: Callable[[str], None] = lambda _: None
    ) -> None:
        self.stepper = stepper = FitStepper(model, bound, cores)
        validation = ValidationTrial(stepper)
        self._trials: dict[str, UnitTrial] = {
            Unit.STEP: StepTrial(stepper),
            Unit.STRETCH: StretchTrial(stepper),
            Unit.EPOCH: EpochTrial(stepper),
            Unit.EPOCH_END: EpochEndTrial(stepper),
            Unit.VALIDATION: validation,
            Unit.WHOLE: WholeEpochTrial(stepper, validation),
        }
        self._weights = SameWeights(stepper)
        self._runners: dict[str, Runner] = {}
        self.training_state: TrainingState | None = None
        self._unit = ""
        self._reported: set[str] = set()
        self._on_turn = on_turn

    # One arm.

    def prepare(self, arm: ArmSpec) -> Prepared:
        """Builds an arm and takes its first steps. What that costs is the arm's one-off.

        Every arm starts from the state in which the first one left the model, since only then all of it is built.

        Raises:
            ValueError: The arm can't be tried here.
            StateChangedError: The state could not be restored.
        """
        if self.training_state is not None:
            whole = arm.unit != self._unit
            self.training_state.restore(whole=whole)
            self.training_state.check(whole=whole)
        self._unit = arm.unit
        runner = Runner([from_data(change) for change in arm.changes])
        undo = live.switch_off_before_rebuild(runner.changes)
        try:
            prepared = self._prepare(arm, runner)
        finally:
            undo()
        if self.stepper.has_begun and self.stepper.model.built:
            self._keep_state()
        return replace(prepared, limits=self._take_limits())

    def _prepare(self, arm: ArmSpec, runner: Runner) -> Prepared:
        trial = self._trials[arm.unit]
        if why := keras_internals.not_tried(self.stepper.model, self.stepper.bound, runner.changes):
            raise ValueError(why)
        stray = next((change for change in runner.changes if not trial.carries_out(change)), None)
        if stray is not None:
            call = getattr(stray, "call", "a stage")
            raise ValueError(f"a {stray.kind} of {call} has no effect on a {arm.unit}")
        prepared = trial.prepare(runner, arm)
        self._runners[arm.id] = runner
        return prepared

    def _keep_state(self) -> TrainingState:
        if self.training_state is None:
            self.training_state = TrainingState(self.stepper.model, self.stepper.callbacks.callbacks)
        return self.training_state

    def _take_limits(self) -> list[str]:
        """What the report must say of how arms are tried here, each sentence once."""
        state = self.training_state
        found = [*self.stepper.feeds.limits(), *(state.limits if state is not None else ())]
        new = [sentence for sentence in found if sentence not in self._reported]
        self._reported.update(new)
        return new

    def verify(self, arm: ArmSpec) -> Verified:
        """Compares an arm's first batches with the script's, and the weights after some steps on the same batches.

        An arm that does not change its input has the script's own batches. This is reported once its weights were
        compared.
        """
        if arm.unit not in VERIFIED:
            return Verified()
        changes = [from_data(change) for change in arm.changes]
        of_input = [edits_input(change) for change in arm.changes]
        feeds, x = self.stepper.feeds, self.stepper.bound["x"]
        batches = verify_batches(feeds, x, changes) if any(of_input) else Verified()
        if of_input and all(of_input):
            return batches
        self.stepper.begin()
        state = self._keep_state()
        why = keras_internals.unlike_itself(self.stepper.model)
        weights = Verified(why=why) if why else self._weights.verify(changes, state)
        same = "same" if weights.weights and not any(of_input) else ""
        return Verified(batches=same or batches.batches, weights=weights.weights, why=weights.why or batches.why)

    # Windows.

    def windows(self, arms: list[ArmSpec]) -> list[TimedWindow]:
        """Times one window of each arm, all from the same state."""
        if self.training_state is not None:
            self.training_state.begin_round()
        return [self.window(arm) for arm in arms]

    def window(self, arm: ArmSpec) -> TimedWindow:
        """Times one window of an arm."""
        self._on_turn(arm.id)
        if self.training_state is not None:
            self.training_state.begin_window()
        return self._trials[arm.unit].window(self._runners[arm.id])

    def step_on(self, arm_id: str, batches: Any, steps: int) -> None:
        """Takes some steps on other batches, with an arm's compiled function and the model's own settings."""
        function, loop = self._runners[arm_id].function, self.stepper.loop
        for _ in range(steps):
            loop.step(function, batches)
        loop.rest()

    def close(self) -> None:
        """Ends the training, where the process goes on: a callback may hold files, threads or a profiler."""
        self._runners.clear()
        self.stepper.close()
