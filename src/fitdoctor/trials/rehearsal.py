"""Drives one rehearsal: which arm is prepared, verified and timed when, and when enough was measured."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import replace

from fitdoctor.causes.registry import all_causes
from fitdoctor.facts.facts import Facts
from fitdoctor.recording.model import Arm, ModelInspection, Rehearsal
from fitdoctor.recording.trial_protocol import ArmSpec, Failed, InspectModel, Prepare, Verify
from fitdoctor.trial_units import Unit, label_of
from fitdoctor.trials.arm_commands import ArmCommands, StageCallback, StateChangedInTrialError
from fitdoctor.trials.call_trial import try_calls
from fitdoctor.trials.executor import FAILED, PREPARE_S, Executor, ProgressCallback, failure, wait_until_reached
from fitdoctor.trials.model_inspection import INSPECTION_PATIENCE, UNANSWERED, read_inspection, rows_for
from fitdoctor.trials.outcomes import confirmed_next, outcomes_of
from fitdoctor.trials.plan import combine
from fitdoctor.trials.statistics import DECISION_ROUNDS, Comparison, bounds, compare, hopeless
from fitdoctor.trials.window_rounds import TrialError, WindowRounds

# Rounds after which a ceiling may rule arms out: few show that it gives nothing, more that it gives little.
CEILING_ROUNDS = (4, 12)
# Share of a unit's time for its ceiling. The arms that it does not rule out need the remaining time.
CEILING_SHARE = 0.5
# Where free input gives less than this, no input remedy gives 5 % of the whole run with any certainty.
PRUNE_BELOW = 1.10
# Confidence of the interval that must lie below: an arm that is ruled out is not tried at all.
PRUNE_CONFIDENCE = 0.8
# Share of the remaining time that a unit gets when its turn comes.
SHARE_OF_TIME: dict[str, float] = {Unit.STEP: 0.6, Unit.EPOCH: 0.6, Unit.EPOCH_END: 0.6, Unit.VALIDATION: 0.8}
STRETCH_ROUNDS = 4
# What the stretches of three arms may take, the start of their pipelines included.
LEAST_STRETCH_S = 20.0
# Units that have no trials of their own in a fit: races follow, the others come after a unit or in another process.
APART = frozenset({Unit.RACE, Unit.STRETCH, Unit.WHOLE})


class RehearsalRun:
    """The parent's side of a rehearsal.

    Args:
        executor: A child that was started, or this process.
        record: Gets the windows.
        facts: Of the scout.
        deadline_s: By `clock`, when the last window must have ended.
        on_progress: Called with what is being tried.
        save: Called after each unit, so that its windows are saved.
        on_stage: Called with what took how long.
        clock: Seconds.

    Attributes:
        state_changed: Whether the state of the training could not be restored. Then nothing else can be tried.
    """

    def __init__(
        self,
        executor: Executor,
        record: Rehearsal,
        facts: Facts,
        *,
        deadline_s: float,
        on_progress: ProgressCallback,
        save: Callable[[], None] = lambda: None,
        on_stage: StageCallback = lambda _name, _began_s, _seconds: None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._record, self._facts = record, facts
        self._on_progress, self._save, self._on_stage = on_progress, save, on_stage
        self._commands = ArmCommands(executor, record, deadline_s=deadline_s, on_stage=on_stage, clock=clock)
        self._rounds = WindowRounds(self._commands, record)
        self._prepare_s: dict[str, float] = {}
        self._done: set[str] = set()
        # The references of units whose ceiling came first.
        self._references: dict[str, list[Arm]] = {}
        self._inspecting = False
        self.state_changed = False

    # The process of the rehearsal.

    def wait_for_target(self, timeout_s: float) -> None:
        """Waits until the script reaches the unit that is tried.

        Raises:
            ChildEndedError: It did not reach it.
        """
        executor = self._commands.executor
        wait_until_reached(executor, timeout_s)
        self._record.startup_s = self._commands.clock() - executor.began_s
        self._on_stage("start-up", executor.began_s, self._record.startup_s)

    def continue_in(self, executor: Executor) -> None:
        """Continues in another process, without the arm over which the last process ended."""
        self._commands.continue_in(executor)
        self._inspecting = False
        self._references.clear()
        self._record.restarts += 1

    @property
    def can_continue(self) -> bool:
        """Whether other arms can be tried in another process, after this one ended over an arm or the inspection."""
        blamed = self._commands.blamed
        can_skip = self._inspecting or blamed is not None and blamed.role not in ("baseline", "placebo")
        return can_skip and any(map(self._is_open, self._record.arms))

    def give_up(self, why: str) -> None:
        """Reports why the arms that were not tried yet are not tried."""
        for arm in filter(self._is_open, self._record.arms):
            if not arm.why and not self._windows_of(arm):
                arm.why = failure(why)

    def left_s(self) -> float:
        """Seconds until the deadline."""
        return self._commands.left_s()

    def _is_open(self, arm: Arm) -> bool:
        """Whether the trial of an arm is not decided yet."""
        if arm.role != "remedy" or arm.unit in self._done or arm.failed or arm.dropped:
            return False
        return not any(
            outcome.arm is arm and outcome.verdict != "inconclusive" for outcome in outcomes_of(self._record)
        )

    def _windows_of(self, arm: Arm) -> int:
        return sum(window.arm == arm.id for window in self._record.windows)

    # What is tried.

    def inspect_model(self, seconds: float) -> None:
        """Has one batch run through the model, before any arm is tried. The record says why where this fails.

        Raises:
            ChildEndedError: The child ended over it. Another one continues without.
        """
        if self._record.inside is not None:
            return
        backend = str(self._facts.scout.environment.get("backend", ""))
        rows, why = rows_for(self._facts.fits[self._record.index], backend, seconds)
        if not rows:
            self._record.inside = ModelInspection(missing=why)
            return
        self._record.inside, self._inspecting = ModelInspection(missing=UNANSWERED), True
        reply = self._commands.send(InspectModel(rows=rows, seconds=seconds), [], INSPECTION_PATIENCE * seconds)
        self._inspecting = False
        self._record.inside = read_inspection(reply)

    def try_calls(self) -> None:
        """Tries the arms of a repeated call.

        Raises:
            ChildEndedError: The child ended, or did not answer in time.
        """
        try_calls(self._commands, self._record, self._on_progress)

    def try_fit(self) -> None:
        """Tries every arm of a fit, unit by unit. Races are run apart, see `trials.race`.

        Raises:
            ChildEndedError: The child ended, or did not answer in time.
        """
        units = list(dict.fromkeys(arm.unit for arm in self._record.arms if arm.unit not in APART))
        for unit in [*(unit for unit in units[1:] if self._has_ceiling(unit)), *units]:
            if self.left_s() <= 0:
                break
            if unit in self._done:
                continue
            # The ceiling of a later unit comes first: what it rules out must not take the time of other arms.
            ceiling_only = unit not in self._references and unit != units[0] and self._has_ceiling(unit)
            until_s = self._commands.clock() + self.left_s() * SHARE_OF_TIME.get(unit, 1.0)
            try:
                if ceiling_only:
                    self._references[unit] = self._measure_references(unit, until_s)
                    continue
                self._try_unit(unit, until_s)
            except StateChangedInTrialError as error:
                self._doubt_from_here(str(error))
                break
            except TrialError as error:
                self._record.limits.append(f"The trials of the {label_of(unit)} ended early: {error}.")
                self._fail_untried(unit, error)
            self._done.add(unit)
            self._save()

    def _doubt_from_here(self, what: str) -> None:
        """Marks the arms of this unit and of later ones: they may not have started from the baseline's state."""
        self.state_changed = True
        why = f"{what} was not as before, though it was restored between arms"
        self._record.limits.append(f"Some trials were given up: {why}. What they measured until then does not count.")
        for arm in self._record.arms:
            if arm.unit not in self._done:
                arm.doubt = f"Not concluded: {why}."

    def _fail_untried(self, unit: str, error: TrialError) -> None:
        """Marks the arms of a unit whose turn had not come. They did not lack time."""
        for arm in self._record.arms:
            if arm.unit == unit and not self._windows_of(arm) and not arm.why:
                arm.failed, arm.why = True, failure(str(error))

    # One unit.

    def _try_unit(self, unit: str, until_s: float) -> None:
        references = self._references[unit] if unit in self._references else self._measure_references(unit, until_s)
        open_arms = [arm for arm in self._arms_of(unit) if self._is_open(arm)]
        remedies = [arm for arm in open_arms if self._make_ready(arm, until_s)]
        self._measure_until_decided(unit, references, remedies, until_s)
        if unit == Unit.STEP:
            self._measure_together(references)
            self._confirm_best()

    def _arms_of(self, unit: str) -> list[Arm]:
        return [arm for arm in self._record.arms if arm.unit == unit]

    def _has_ceiling(self, unit: str) -> bool:
        return any(arm.role == "ceiling" and not self._is_measured(arm) for arm in self._arms_of(unit))

    def _is_measured(self, arm: Arm) -> bool:
        """Whether a ceiling failed or was timed for long enough, in a child that ended since."""
        return arm.failed or self._windows_of(arm) >= DECISION_ROUNDS[0]

    def _measure_references(self, unit: str, until_s: float) -> list[Arm]:
        """Prepares the baseline and the placebo of a unit, and lets its ceiling rule out arms.

        Raises:
            TrialError: The unit can't be repeated as it is.
        """
        arms = self._arms_of(unit)
        references = [arm for arm in arms if arm.role in ("baseline", "placebo")]
        for arm in references:
            if not self._prepare(arm):
                raise TrialError(f"as it is, it can't be repeated ({arm.why.removeprefix(FAILED).rstrip('.')})")
        ceilings = [arm for arm in arms if arm.role == "ceiling" and not self._is_measured(arm) and self._prepare(arm)]
        live = [arm for arm in arms if arm in references or arm in ceilings]
        if ceilings:
            until_s -= (until_s - self._commands.clock()) * (1 - CEILING_SHARE)
            measured = 0
            for rounds in CEILING_ROUNDS:
                self._rounds.measure(live, rounds - measured, until_s)
                measured = rounds
                if self._prune(arms, ceilings[0]):
                    break
        return live

    def _prune(self, arms: Sequence[Arm], ceiling: Arm) -> bool:
        """Drops the arms that a ceiling rules out. Returns whether the ceiling is known well enough."""
        found = compare(self._record.windows, ceiling.id, ["step/baseline", "step/placebo"])
        if found.n < 2 or found.mid >= PRUNE_BELOW:
            return found.n >= 2
        if bounds(found, PRUNE_CONFIDENCE).high >= PRUNE_BELOW:
            return False
        inputs = {cause.id for cause in all_causes().values() if cause.family == "input"}
        for arm in arms:
            if arm.role == "remedy" and arm.cause in inputs:
                arm.dropped = True
                arm.why = f"Not tried: input for free would make a step only {found.mid:.2f}× as fast."
        return True

    def _measure_until_decided(
        self, unit: str, references: Sequence[Arm], remedies: Sequence[Arm], until_s: float
    ) -> None:
        has_ceiling = any(arm.role == "ceiling" for arm in references)
        if not remedies and not has_ceiling:
            return
        live, done = list(remedies), 0
        for decision in DECISION_ROUNDS:
            # Preparing the arms may have taken this unit's share of the time. Without a first decision, it was wasted.
            end_s = self._commands.deadline_s if decision == DECISION_ROUNDS[0] and remedies else until_s
            while done < decision and (live or has_ceiling and not remedies) and self._commands.clock() < end_s:
                self._on_progress(live[done % len(live)].label if live else "how far identical arms differ")
                if not self._rounds.measure([*references, *live], 1, end_s):
                    return
                done += 1
                for arm in live:
                    arm.dropped = arm.dropped or hopeless(self._comparison(unit, arm))
                live = [arm for arm in live if not arm.dropped and not arm.failed]
            verdicts = {outcome.arm.id: outcome.verdict for outcome in outcomes_of(self._record)}
            live = [arm for arm in live if verdicts.get(arm.id) != "refuted"]
            all_measured = all(verdicts.get(arm.id) == "measured" for arm in live)
            if all_measured and (decision > DECISION_ROUNDS[0] or not live):
                break

    def _comparison(self, unit: str, arm: Arm) -> Comparison:
        return compare(self._record.windows, arm.id, [f"{unit}/baseline", f"{unit}/placebo"])

    def _measure_together(self, references: Sequence[Arm]) -> None:
        """Measures what helped a step as one arm."""
        if any(arm.role == "prescription" for arm in self._record.arms):
            return
        arm = combine(self._facts, self._record)
        if arm is not None and self.left_s() > 0:
            self._record.arms.append(arm)
            if self._make_ready(arm, self._commands.deadline_s):
                self._measure_until_decided(Unit.STEP, references, [arm], self._commands.deadline_s)

    def _confirm_best(self) -> None:
        """Measures the best arm of a step once more in continuous stretches, since short windows flatter."""
        best = confirmed_next(self._record)
        if best is None or self.left_s() < LEAST_STRETCH_S or self._arms_of(Unit.STRETCH):
            return
        unit = Unit.STRETCH
        baseline = Arm(id=f"{unit}/baseline", role="baseline", unit=unit, label="as it is")
        placebo = replace(baseline, id=f"{unit}/placebo", role="placebo", label="as it is, again")
        arm_id = f"{unit}/{best.id.removeprefix(f'{Unit.STEP}/')}"
        arm = replace(best, id=arm_id, unit=unit, role="prescription", one_off_s=0.0, why="")
        arms = [baseline, placebo, arm]
        self._record.arms += arms
        if all(self._prepare(each) for each in arms):
            self._on_progress(f"{best.label}, in longer stretches")
            self._rounds.measure(arms, STRETCH_ROUNDS, self._commands.deadline_s)

    # One arm.

    def _make_ready(self, arm: Arm, until_s: float) -> bool:
        """Verifies and prepares an arm. Returns whether it can be timed."""
        began_s = self._commands.clock()
        if began_s > until_s or self.left_s() < self._prepare_s.get(arm.unit, 0.0):
            arm.why = "The budget was used up before it was tried."
            return False
        self._on_progress(arm.label)
        reply = self._commands.send(Verify(arm=ArmSpec.of(arm)), [arm], PREPARE_S)
        if isinstance(reply, Failed):
            arm.failed, arm.why = True, failure(reply.error)
            return False
        arm.batches, arm.weights, arm.why = reply.batches, reply.weights, reply.why
        if arm.safety == "exact" and "different" in (arm.batches, arm.weights):
            return False
        prepared = self._prepare(arm)
        self._note_prepare_s(arm, began_s)
        return prepared

    def _prepare(self, arm: Arm) -> bool:
        """Has an arm built. Returns whether it can be timed."""
        began_s = self._commands.clock()
        command = Prepare(arm=ArmSpec.of(arm, epoch_steps=self._epoch_steps()))
        reply = self._commands.send(command, [arm], PREPARE_S)
        if isinstance(reply, Failed):
            arm.failed, arm.why = True, failure(reply.error)
            return False
        self._note_prepare_s(arm, began_s)
        self._commands.window_s[arm.id] = reply.unit_s
        arm.one_off_s, arm.why, arm.note = reply.one_off_s, reply.note or arm.why, reply.sentence
        return True

    def _note_prepare_s(self, arm: Arm, began_s: float) -> None:
        self._prepare_s[arm.unit] = max(self._prepare_s.get(arm.unit, 0.0), self._commands.clock() - began_s)

    def _epoch_steps(self) -> int | None:
        """Steps of an epoch as the scout counted them. A rehearsal cuts epochs too short to count."""
        fit = self._facts.fits[self._record.index]
        return fit.steps_per_epoch if fit.steps_known else None
