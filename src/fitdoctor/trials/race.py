"""Drives the races at one fit: which racer trains, for how long, and when enough was measured."""

from __future__ import annotations

import random
import time
from collections.abc import Sequence
from math import ceil, exp
from typing import TypeVar

from fitdoctor.facts.facts import Facts
from fitdoctor.recording.model import Arm, Lap, Race, RaceRun, Rehearsal
from fitdoctor.recording.trial_protocol import (
    AddRacer,
    ArmSpec,
    Command,
    Failed,
    LapDone,
    PrepareRace,
    RaceLap,
    RacePrepared,
    StartRun,
)
from fitdoctor.trial_units import Unit
from fitdoctor.trials.executor import PREPARE_S, Executor, ProgressCallback, carry_out, failure, patience_s
from fitdoctor.trials.outcomes import LOW_RATE, RATE_ALONE, is_larger_batch, outcomes_of
from fitdoctor.trials.race_outcome import (
    DECISION_RACES,
    baseline_steps,
    batch_ratio,
    best,
    clearly_better,
    levels,
    next_lap,
    outcome_of_race,
    settled_step_s,
    steps_to,
    stopped_early,
    with_tolerance,
)
from fitdoctor.wording import plural

R = TypeVar("R")

# Share of the time for races in which the racers are built. Those that are not begun by then do not race.
PREPARE_SHARE = 0.5
LAP_TIMEOUT_S = 60.0
# A heat only selects racers, so it covers this part of the way.
HEAT_SHARE = 1 / 3
# Seconds of a race for a second of training: scores are taken between the laps.
OVERHEAD = 1.5
# A lap is at least so many times as long as a score takes.
LAPS_LEAST = 2.0
# A run of fewer steps can't be compared.
LEAST_STEPS = 20
# A racer may take so many times as long as the baseline. After that it has lost, and by how much does not matter.
BEYOND = 1.25
# A larger batch is raced if it gives so many times as many samples a second, since each sample teaches a little less.
THROUGHPUT_LEAST = 1.3
# Share of the remaining time for the repetitions that a decision still needs. Runs are shortened rather than left out.
SPARE = 0.9
# A racer gets so many times as long as the heat suggests.
MARGIN = 2.0
# A racer this slow after so many races is given up.
HOPELESS = 0.8
HOPELESS_RACES = 2


class RaceTrial:
    """The parent's side of the races of a rehearsal.

    Args:
        child: The process, at the fit.
        record: Holds the racers as arms of the unit "race"; its `race` is filled.
        facts: Of the scout.
        deadline_s: `time.monotonic()` at which the last lap must have begun.
        on_progress: Called with what is being raced.
    """

    def __init__(
        self, child: Executor, record: Rehearsal, facts: Facts, *, deadline_s: float, on_progress: ProgressCallback
    ) -> None:
        self._child, self._record, self._deadline_s, self._on_progress = child, record, deadline_s, on_progress
        self._fit = facts.fits[record.index]
        self._baseline = next(arm for arm in record.arms if arm.unit == Unit.RACE and arm.role == "baseline")
        self._racers = [arm for arm in record.arms if arm.unit == Unit.RACE and arm.role == "remedy"]
        # Seconds of a step by arm, of a score, and of the scores of an epoch.
        self._step_s: dict[str, float] = {}
        self._score_s = self._epoch_s = 0.0
        # Steps of a run of the baseline.
        self._horizon = 0
        self._random = random.Random(0)  # noqa: S311 - the order of racers

    def run(self) -> None:
        """Prepares the racers, selects one for each remedy, and races until a verdict is reached or the time is up.

        Raises:
            ChildEndedError: The child ended, or did not answer in time.
        """
        began_s = time.monotonic()
        steps = self._fit.steps_per_epoch * self._fit.epochs.mid
        race = self._record.race = Race(training_steps=steps, batch_size=self._fit.record.batch_size or 0)
        try:
            if self._prepare(race):
                self._race(race)
                self._race_learning_rate_alone(race)
        finally:
            race.wall_s = time.monotonic() - began_s

    def left_s(self) -> float:
        return self._deadline_s - time.monotonic()

    def _live(self) -> list[Arm]:
        return [arm for arm in self._racers if not arm.failed and not arm.dropped]

    def _prepare(self, race: Race) -> bool:
        self._on_progress("getting ready to race")
        refuted = {outcome.arm.id for outcome in outcomes_of(self._record) if outcome.verdict == "refuted"}
        for arm in self._racers:
            arm.dropped = arm.id in refuted
        if not self._live():
            return False
        arms = [self._spec(arm) for arm in (self._baseline, *self._live())]
        reply = self._send(PrepareRace(arms=arms, seconds=self.left_s() * PREPARE_SHARE), PREPARE_S)
        error = reply.error if isinstance(reply, Failed) else reply.arms[self._baseline.id].why
        if error:
            for arm in self._racers:
                arm.failed, arm.why = True, failure(error)
        if error or isinstance(reply, Failed):
            return False
        self._note_conditions(race, reply)
        for arm in (self._baseline, *self._live()):
            racer = reply.arms[arm.id]
            if racer.why:
                arm.failed, arm.why = True, failure(racer.why)
            else:
                self._step_s[arm.id] = racer.step_s
        for arm in self._live():
            self._drop_slow(arm, race.batch_size)
        return bool(self._live())

    def _note_conditions(self, race: Race, reply: RacePrepared) -> None:
        race.judged_on, race.rows, race.varied = reply.judged_on, reply.rows, reply.varied
        race.metric, race.upwards, race.rule = reply.metric, reply.upwards, reply.rule
        self._record.limits += reply.notes
        self._score_s = reply.score_s
        # Where a rule of the script may stop a run, a score is taken at the end of every epoch.
        self._epoch_s = self._score_s if race.rule else 0.0

    def _drop_slow(self, arm: Arm, batch_size: int) -> None:
        """Drops a larger batch that gives hardly more samples a second: it can't reach the target sooner."""
        more = batch_ratio(arm, batch_size)
        if more <= 1:
            return
        throughput = more * self._step_s[self._baseline.id] / self._step_s[arm.id]
        if throughput < THROUGHPUT_LEAST:
            arm.dropped = True
            arm.why = f"Not raced: it gives only {throughput:.2f}× as many samples a second."

    def _race(self, race: Race) -> None:
        """Runs a short heat, which measures what racers cost and selects one for each remedy, and then the races."""
        if not self._set_horizon(race, DECISION_RACES[0] * (1 + BEYOND * len(self._live()))):
            return
        heat = max(LEAST_STEPS, int(self._horizon * HEAT_SHARE))
        if not self._repetition(0, min(heat, self._horizon)):
            return
        for arm in (self._baseline, *self._live()):  # laps are more exact than the few steps of a cold process
            self._step_s[arm.id] = settled_step_s(race, arm.id) or self._step_s[arm.id]
        results = {arm.id: self._in_heat(arm) for arm in self._live()}
        race.counted_from = 1
        for remedy in dict.fromkeys(arm.remedy for arm in self._live()):
            self._select([arm for arm in self._live() if arm.remedy == remedy], results)
        shares = [min(BEYOND, MARGIN / exp(results[arm.id])) for arm in self._live()]
        if not self._live() or not self._set_horizon(race, DECISION_RACES[0] * (1 + sum(shares))):
            return
        for races in range(1, DECISION_RACES[-1] + 1):
            began_s = time.monotonic()
            if not self._repetition(races, self._horizon) or self._is_decided(races) or not self._live():
                return
            pace_s = (time.monotonic() - began_s) / self._horizon
            room = int(SPARE * self.left_s() / (pace_s * max(1, DECISION_RACES[0] - races)))
            if room < self._horizon and (races >= DECISION_RACES[0] or room < LEAST_STEPS):
                return
            self._horizon = min(self._horizon, room)

    def _set_horizon(self, race: Race, runs: float) -> bool:
        """Sets how far the baseline runs, so that there is time for `runs` runs. False where that is too short."""
        step_s = self._step_s[self._baseline.id] + self._epoch_s / max(1, self._fit.steps_per_epoch)
        room = int(self.left_s() / (OVERHEAD * runs * step_s))
        self._horizon = min(room, race.training_steps)
        if self._horizon >= min(LEAST_STEPS, race.training_steps):
            return True
        for arm in self._live():
            arm.failed, arm.why = (
                True,
                failure(f"the time for races has room for {plural(max(0, room), 'step')} of this training"),
            )
        return False

    def _select(self, racers: Sequence[Arm], results: dict[str, float]) -> None:
        """Drops all racers of one remedy but the best of the heat. It has to win again."""
        winner = max(racers, key=lambda arm: results[arm.id])
        for arm in racers:
            if arm is not winner:
                arm.dropped = True
                own, best_ratio = exp(results[arm.id]), exp(results[winner.id])
                arm.why = f"{own:.2f}× in the heat, where {winner.label} reached {best_ratio:.2f}×."

    def _in_heat(self, arm: Arm) -> float:
        """The log of how many times sooner a racer was in the heat. A racer that did not arrive was no sooner."""
        result = outcome_of_race(self._record, arm)
        if result is None:
            return -1.0
        return result.comparison.mean_log if result.reached else min(-1e-3, result.comparison.mean_log)

    def _is_decided(self, races: int) -> bool:
        for arm in self._live():
            result = outcome_of_race(self._record, arm)
            if (
                result is not None
                and races >= HOPELESS_RACES
                and (not result.reached or exp(result.comparison.mean_log) < HOPELESS)
            ):
                arm.dropped = True
        if races not in DECISION_RACES:
            return False
        verdicts = {outcome.arm.id: outcome.verdict for outcome in outcomes_of(self._record)}
        return all(verdicts[arm.id] != "inconclusive" for arm in self._live())

    def _race_learning_rate_alone(self, race: Race) -> None:
        """Races the learning rate of a larger batch that won, without the batch, which must not get its credit."""
        for arm in [
            outcome.arm for outcome in outcomes_of(self._record) if outcome.helps and is_larger_batch(outcome.arm)
        ]:
            rate = [change for change in arm.changes if change.get("argument") == "learning_rate"]
            if not rate or any(rate == other.changes for other in self._racers):
                continue
            label = f"{rate[0]['value']:g}"
            control = Arm(
                id=f"{Unit.RACE}/{RATE_ALONE}-{label}",
                role="remedy",
                unit=Unit.RACE,
                remedy=RATE_ALONE,
                cause=LOW_RATE,
                label=f"learning rate {label}, batches as they are",
                safety="semantics",
                changes=rate,
            )
            baselines = [
                run
                for run in race.runs
                if run.arm == self._baseline.id and run.finished and run.repetition >= race.counted_from
            ]
            targets = [self._target(run.repetition, run) for run in baselines]
            self._record.arms.append(control)
            reply = self._send(AddRacer(arm=self._spec(control)), PREPARE_S)
            if isinstance(reply, Failed):
                self._fail(control, reply)
                continue
            self._step_s[control.id] = reply.step_s
            for run, (target, steps) in zip(baselines, targets, strict=True):
                self._on_progress(f"race {run.repetition + 1}: {control.label}")
                most = max(1, int(steps * self._step_s[self._baseline.id] / self._step_s[control.id]))
                if self.left_s() <= 0 or not self._train(control, run.repetition, most, target).finished:
                    arm.note = "There was no time to race the learning rate alone: it may help, and not the batch."
                    break

    def _spec(self, arm: Arm) -> ArmSpec:
        batches = batch_ratio(arm, self._fit.record.batch_size or 0)
        known = self._fit.steps_known
        return ArmSpec.of(arm, epoch_steps=ceil(self._fit.steps_per_epoch / batches) if known else 0)

    # One repetition.

    def _repetition(self, number: int, horizon: int) -> bool:
        """Trains the baseline and then each racer from the same weights. False where the time was up before."""
        self._on_progress(f"race {number + 1}: as it is")
        baseline = self._train(self._baseline, number, horizon, None)
        if not baseline.finished:
            return False
        target, steps = self._target(number, baseline)
        most_s = steps * self._step_s[self._baseline.id]
        order = self._live()
        self._random.shuffle(order)
        for arm in order:
            self._on_progress(f"race {number + 1}: {arm.label}")
            run = self._train(arm, number, max(1, int(most_s / self._step_s[arm.id])), target)
            if not run.finished and not arm.failed:
                return False
        return True

    def _target(self, number: int, baseline: RaceRun) -> tuple[float | None, float]:
        """The level at which a racer may stop, and how many of the baseline's steps it has time for.

        Where the script's rule stopped the baseline, there is no level: racers train until the rule stops them too.
        Where the baseline stopped learning, racers train for as long as it did, to a level that is clearly better.
        """
        if baseline.stopped:
            return None, BEYOND * baseline.laps[-1].steps
        target = with_tolerance(best(baseline.laps))
        if not stopped_early(baseline.laps):
            return target, BEYOND * baseline_steps(baseline.laps, target)
        assert self._record.race is not None
        runs = [
            run
            for run in self._record.race.runs
            if run.arm == self._baseline.id and (run.repetition > 0) == (number > 0)
        ]
        lowest = min(best(run.laps) for run in runs)
        return clearly_better(clearly_better(lowest)), float(baseline.laps[-1].steps)

    def _train(self, arm: Arm, number: int, most: int, target: float | None) -> RaceRun:
        """Makes one run of at most `most` steps. It ends one lap after the target, to rule out chance."""
        run = RaceRun(arm=arm.id, repetition=number)
        assert self._record.race is not None
        self._record.race.runs.append(run)
        start = self._send(StartRun(arm=arm.id, repetition=number), LAP_TIMEOUT_S)
        if isinstance(start, Failed):
            self._fail(arm, start)
            return run
        run.laps.append(Lap(steps=0, score=start.score))
        least = max(1, int(min(LAPS_LEAST * self._score_s / self._step_s[arm.id], most / 10)))
        while run.laps[-1].steps < most:
            if self.left_s() <= 0:
                return run
            steps = next_lap(run.laps[-1].steps, least, self._fit.per_execution)
            lap = self._send(RaceLap(arm=arm.id, steps=steps), LAP_TIMEOUT_S)
            if isinstance(lap, Failed):
                self._fail(arm, lap)
                return run
            self._add_lap(run, lap)
            if run.stopped or _is_lost(run.laps) or target is not None and _has_passed(run.laps, target):
                break
        run.finished = True
        return run

    @staticmethod
    def _add_lap(run: RaceRun, lap: LapDone) -> None:
        run.laps.append(Lap(steps=run.laps[-1].steps + lap.steps, score=lap.score, seconds=lap.seconds))
        run.stopped = lap.stopped

    def _fail(self, arm: Arm, reply: Failed) -> None:
        """Marks a racer as failed. Without the baseline, no racer can race."""
        arm.failed, arm.why = True, failure(reply.error)
        if arm is self._baseline:
            for racer in self._live():
                racer.failed, racer.why = True, arm.why

    def _send(self, command: Command[R], longest_s: float) -> R | Failed:
        return carry_out(self._child, command, patience_s(longest_s, self.left_s()))


def _has_passed(laps: Sequence[Lap], target: float) -> bool:
    """Whether a run reached the target at least a lap ago and is still there."""
    return steps_to(laps[:-1], target) is not None and levels(laps)[-1] <= target


def _is_lost(laps: Sequence[Lap]) -> bool:
    """Whether a run that had a score has none twice in a row. Weights that are no numbers do not recover."""
    return len(laps) > 2 and laps[0].score is not None and laps[-1].score is None and laps[-2].score is None
