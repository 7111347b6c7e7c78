"""Drives the races at one fit: who trains, for how long, and when it has been seen enough."""

from __future__ import annotations

import random
import time
from collections.abc import Sequence
from math import ceil, exp
from typing import Any

from fitdoctor.facts.facts import Facts
from fitdoctor.recording.model import Arm, Lap, Race, RaceRun, Rehearsal
from fitdoctor.trials.executor import PREPARE_S, Executor, failure, patience_s
from fitdoctor.trials.outcomes import LOW_RATE, RATE_ALONE, is_larger_batch, outcomes_of
from fitdoctor.trials.race_outcome import (
    LOOKS,
    RACE,
    baseline_steps,
    batch_ratio,
    best,
    clearly_better,
    finish,
    levels,
    next_lap,
    settled_step_s,
    steps_to,
    stopped_early,
    with_tolerance,
)
from fitdoctor.trials.rehearsal import Report
from fitdoctor.wording import plural

PREPARE_SHARE = 0.5
"""Of the time for races, for making the racers: those whose turn has not come by then stay out."""
LAP_TIMEOUT_S = 60.0
HEAT_SHARE = 1 / 3
"""A heat only chooses, so it goes over a part of the way."""
OVERHEAD = 1.5
"""Seconds of a race for a second of training: scores are taken between the laps."""
LAPS_LEAST = 2.0
"""A lap is at least this many times as long as the taking of a score."""
LEAST_STEPS = 20
"""A run of fewer steps is no training that could be compared."""
BEYOND = 1.25
"""How far past the baseline's time a racer may go: then it has lost, and by how much is of no interest."""
THROUGHPUT_LEAST = 1.3
"""How many times as many samples a second a larger batch must give to be raced:

each of its samples teaches a little less.
"""
SPARE = 0.9
"""Of the time that is left, for the repetitions that a decision still needs:

the way is cut short rather than one of them.
"""
MARGIN = 2.0
"""A racer is given this many times as long as the heat lets expect, before others lose their time to it."""
HOPELESS = 0.8
HOPELESS_RACES = 2


class RaceTrial:
    """The parent's side of the races of a rehearsal.

    Args:
        child: At the fit already.
        record: Holds the racers as arms of the unit "race"; its `race` is filled.
        facts: Of the scout.
        deadline_s: `time.monotonic()` at which the last lap must have begun.
        tell: Called with what is being raced.
    """

    def __init__(self, child: Executor, record: Rehearsal, facts: Facts, *, deadline_s: float, tell: Report) -> None:
        self._child, self._record, self._facts, self._deadline_s, self._tell = child, record, facts, deadline_s, tell
        self._fit = facts.fits[record.index]
        self._baseline = next(arm for arm in record.arms if arm.unit == RACE and arm.role == "baseline")
        self._racers = [arm for arm in record.arms if arm.unit == RACE and arm.role == "remedy"]
        self._step_s: dict[str, float] = {}
        self._score_s = 0.0
        self._horizon = 0
        self._epoch_s = 0.0
        self._random = random.Random(0)  # noqa: S311 - the order of racers

    def run(self) -> None:
        """Prepares, chooses where several racers stand for one remedy, and races the rest until it is decided or the
        time is up.
        """
        began_s = time.monotonic()
        steps = self._fit.steps_per_epoch * self._fit.epochs.mid
        race = self._record.race = Race(training_steps=steps, batch_size=self._fit.record.batch_size or 0)
        try:
            if self._prepare(race):
                self._race(race)
                self._control(race)
        finally:
            race.wall_s = time.monotonic() - began_s

    def left_s(self) -> float:
        return self._deadline_s - time.monotonic()

    def _live(self) -> list[Arm]:
        return [arm for arm in self._racers if not arm.failed and not arm.dropped]

    def _prepare(self, race: Race) -> bool:
        self._tell("getting ready to race")
        needless = {outcome.arm.id for outcome in outcomes_of(self._record) if outcome.verdict == "refuted"}
        for arm in self._racers:
            arm.dropped = arm.id in needless
        if not self._live():
            return False
        arms = [self._plain(arm) for arm in (self._baseline, *self._live())]
        reply = self._ask({"do": "race_prepare", "arms": arms, "seconds": self.left_s() * PREPARE_SHARE}, PREPARE_S)
        failed = reply.get("error") or reply["arms"][self._baseline.id].get("error")
        if failed:
            for arm in self._racers:
                arm.failed, arm.why = True, failure(failed)
            return False
        race.judged_on, race.rows, race.varied = reply["judged_on"], reply["rows"], reply["varied"]
        race.metric, race.upwards, race.rule = (
            reply.get("metric", "loss"),
            bool(reply.get("upwards")),
            reply.get("rule", ""),
        )
        self._record.limits += reply.get("notes", [])
        self._score_s = reply["score_s"]
        # Where the script's rules are followed, a score is taken at the end of every epoch.
        self._epoch_s = self._score_s if race.rule else 0.0
        for arm in (self._baseline, *self._live()):
            told = reply["arms"][arm.id]
            if "error" in told:
                arm.failed, arm.why = True, failure(told["error"])
            else:
                self._step_s[arm.id] = told["step_s"]
        for arm in self._live():
            self._drop_slow(arm, race.batch_size)
        return bool(self._live())

    def _drop_slow(self, arm: Arm, batch_size: int) -> None:
        """A larger batch that hardly gives more samples a second can't be sooner anywhere, however well it trains."""
        more = batch_ratio(arm, batch_size)
        if more <= 1:
            return
        throughput = more * self._step_s[self._baseline.id] / self._step_s[arm.id]
        if throughput < THROUGHPUT_LEAST:
            arm.dropped = True
            arm.why = f"Not raced: it gives only {throughput:.2f}× as many samples a second."

    def _race(self, race: Race) -> None:
        """A heat over a short way first: it tells what racers cost, and chooses where several stand for one remedy."""
        if not self._set_horizon(race, LOOKS[0] * (1 + BEYOND * len(self._live()))):
            return
        heat = max(LEAST_STEPS, int(self._horizon * HEAT_SHARE))
        if not self._repetition(0, min(heat, self._horizon)):
            return
        for arm in (
            self._baseline,
            *self._live(),
        ):  # what laps took tells more than a few steps beforehand, in a process still cold
            self._step_s[arm.id] = settled_step_s(race, arm.id) or self._step_s[arm.id]
        results = {arm.id: self._in_heat(arm) for arm in self._live()}
        race.counted_from = 1
        for remedy in dict.fromkeys(arm.remedy for arm in self._live()):
            self._choose([arm for arm in self._live() if arm.remedy == remedy], results)
        shares = [min(BEYOND, MARGIN / exp(results[arm.id])) for arm in self._live()]
        if not self._live() or not self._set_horizon(race, LOOKS[0] * (1 + sum(shares))):
            return
        for races in range(1, LOOKS[-1] + 1):
            began_s = time.monotonic()
            if not self._repetition(races, self._horizon) or self._is_decided(races) or not self._live():
                return
            pace_s = (time.monotonic() - began_s) / self._horizon
            room = int(SPARE * self.left_s() / (pace_s * max(1, LOOKS[0] - races)))
            if room < self._horizon and (races >= LOOKS[0] or room < LEAST_STEPS):
                return
            self._horizon = min(self._horizon, room)

    def _set_horizon(self, race: Race, runs: float) -> bool:
        """Decides how far the baseline runs, so that there is time for as many runs of that length; False where that is
        too short.
        """
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

    def _choose(self, racers: Sequence[Arm], results: dict[str, float]) -> None:
        """Of the racers of one remedy the one that did best goes on; it has to win again."""
        ahead = max(racers, key=lambda arm: results[arm.id])
        for arm in racers:
            if arm is not ahead:
                arm.dropped = True
                arm.why = f"{exp(results[arm.id]):.2f}× in the heat, where {ahead.label} came to {exp(results[ahead.id]):.2f}×."

    def _in_heat(self, arm: Arm) -> float:
        """The log of how many times sooner a racer was in the heat; one that did not arrive was no sooner."""
        result = finish(self._record, arm)
        if result is None:
            return -1.0
        return result.comparison.mean_log if result.reached else min(-1e-3, result.comparison.mean_log)

    def _is_decided(self, races: int) -> bool:
        for arm in self._live():
            result = finish(self._record, arm)
            if (
                result is not None
                and races >= HOPELESS_RACES
                and (not result.reached or exp(result.comparison.mean_log) < HOPELESS)
            ):
                arm.dropped = True
        if races not in LOOKS:
            return False
        verdicts = {outcome.arm.id: outcome.verdict for outcome in outcomes_of(self._record)}
        return all(verdicts[arm.id] != "inconclusive" for arm in self._live())

    def _control(self, race: Race) -> None:
        """Races the learning rate alone where larger batches won with another one:

        the batch is not to be credited with that.
        """
        for arm in [
            outcome.arm for outcome in outcomes_of(self._record) if outcome.helps and is_larger_batch(outcome.arm)
        ]:
            rate = [change for change in arm.changes if change.get("argument") == "learning_rate"]
            if not rate or any(rate == other.changes for other in self._racers):
                continue
            label = f"{rate[0]['value']:g}"
            control = Arm(
                id=f"{RACE}/{RATE_ALONE}-{label}", role="remedy", unit=RACE, remedy=RATE_ALONE, cause=LOW_RATE,
                label=f"learning rate {label}, batches as they are", safety="semantics", changes=rate,
            )  # fmt: skip
            baselines = [
                run
                for run in race.runs
                if run.arm == self._baseline.id and run.finished and run.repetition >= race.counted_from
            ]
            ways = [self._aim(run.repetition, run) for run in baselines]
            self._record.arms.append(control)
            reply = self._ask({"do": "race_add", "arm": self._plain(control)}, PREPARE_S)
            if self._failed(control, reply):
                continue
            self._step_s[control.id] = reply["step_s"]
            for run, (target, way) in zip(baselines, ways, strict=True):
                self._tell(f"race {run.repetition + 1}: {control.label}")
                most = max(1, int(way * self._step_s[self._baseline.id] / self._step_s[control.id]))
                if self.left_s() <= 0 or not self._train(control, run.repetition, most, target).finished:
                    arm.note = "There was no time to race the learning rate alone: it may be that, and not the batch, that helps."
                    break

    def _plain(self, arm: Arm) -> dict[str, Any]:
        batches = batch_ratio(arm, self._fit.record.batch_size or 0)
        known = self._fit.steps_known
        return {
            "id": arm.id,
            "changes": arm.changes,
            "epoch_steps": ceil(self._fit.steps_per_epoch / batches) if known else 0,
        }

    # one repetition

    def _repetition(self, number: int, horizon: int) -> bool:
        """Trains the baseline and then each racer from the same weights; False where the time was up before."""
        self._tell(f"race {number + 1}: as it is")
        baseline = self._train(self._baseline, number, horizon, None)
        if not baseline.finished:
            return False
        target, way = self._aim(number, baseline)
        way_s = way * self._step_s[self._baseline.id]
        order = self._live()
        self._random.shuffle(order)
        for arm in order:
            self._tell(f"race {number + 1}: {arm.label}")
            run = self._train(arm, number, max(1, int(way_s / self._step_s[arm.id])), target)
            if not run.finished and not arm.failed:
                return False
        return True

    def _aim(self, number: int, baseline: RaceRun) -> tuple[float | None, float]:
        """The level at which a racer may stop, and how many of the baseline's steps it has time for.

        Where the script's rule stopped the baseline, racers go on until it stops them too.
        Where the baseline has stopped learning, racers go on for as long as it did, to a level that is clearly better.
        """
        if baseline.stopped:  # whoever comes to the end by the same rule must show when it does
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
        """One run, until `most` steps or past the target: then one lap more shows that it was no chance."""
        run = RaceRun(arm=arm.id, repetition=number)
        assert self._record.race is not None
        self._record.race.runs.append(run)
        reply = self._ask({"do": "race_start", "arm": arm.id, "repetition": number}, LAP_TIMEOUT_S)
        if self._failed(arm, reply):
            return run
        run.laps.append(Lap(steps=0, score=reply["score"]))
        least = max(1, int(min(LAPS_LEAST * self._score_s / self._step_s[arm.id], most / 10)))
        while run.laps[-1].steps < most:
            if self.left_s() <= 0:
                return run
            steps = next_lap(run.laps[-1].steps, least, self._fit.per_execution)
            reply = self._ask({"do": "race_lap", "arm": arm.id, "steps": steps}, LAP_TIMEOUT_S)
            if self._failed(arm, reply):
                return run
            run.laps.append(
                Lap(
                    steps=run.laps[-1].steps + reply.get("steps", steps), score=reply["score"], seconds=reply["seconds"]
                )
            )
            if reply.get("stopped"):
                run.stopped = True
                break
            if _is_lost(run.laps):
                break
            if target is not None and _is_through(run.laps, target):
                break
        run.finished = True
        return run

    def _failed(self, arm: Arm, reply: dict[str, Any]) -> bool:
        if "error" not in reply:
            return False
        arm.failed, arm.why = True, failure(reply["error"])
        if arm is self._baseline:
            for racer in self._live():
                racer.failed, racer.why = True, arm.why
        return True

    def _ask(self, command: dict[str, Any], longest_s: float) -> dict[str, Any]:
        return self._child.ask(command, patience_s(longest_s, self.left_s()))


def _is_through(laps: Sequence[Lap], target: float) -> bool:
    """Whether a run reached the target at least a lap ago and is still there."""
    return steps_to(laps[:-1], target) is not None and levels(laps)[-1] <= target


def _is_lost(laps: Sequence[Lap]) -> bool:
    """Whether a run that had a score has none any more, twice in a row:

    weights that are no numbers do not come back.
    """
    return len(laps) > 2 and laps[0].score is not None and laps[-1].score is None and laps[-2].score is None
