"""The stages of a diagnosis, the same for the command line (child processes) and the API (this process)."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

from fitdoctor.analysis import build
from fitdoctor.diagnosis.progress import Progress
from fitdoctor.diagnosis.time_budget import TimeBudget
from fitdoctor.errors import ChildEndedError
from fitdoctor.facts.facts import Facts
from fitdoctor.facts.locations import file_and_line
from fitdoctor.recording.model import CallSiteRecord, Fit, Rehearsal, Run, Site
from fitdoctor.trial_units import Unit
from fitdoctor.trials.executor import Executor
from fitdoctor.trials.plan import LEAST_TRIAL_S, RehearsalPlan, plan, plan_environments, race_share
from fitdoctor.trials.race import RaceTrial
from fitdoctor.trials.rehearsal import RehearsalRun
from fitdoctor.trials.timeline import FIRST_ANSWER, Stages


class Runner(Protocol):
    """A way of running the training, with everything that the stages share.

    Attributes:
        data: The recording of the diagnosis.
        progress: Called at every stage.
        budget: The seconds of the diagnosis.
        timeline: Where those seconds went.
        current_stage: What the diagnosis does now, as a report of an interrupted one names it.
        budget_option: How the user gives more time, for messages.
    """

    data: Run
    progress: Progress
    budget: TimeBudget
    timeline: Stages
    current_stage: str
    budget_option: str

    def scout(self) -> None:
        """Runs the training once, cut short, and fills `data.scout`."""

    def save(self) -> None:
        """Saves the recording, where it is saved at all."""

    def startup_s(self, target: RehearsalPlan, facts: Facts) -> float:
        """Returns the seconds that the next rehearsal takes to reach its unit."""

    def rehearse(self, place: TrialPlace) -> None:
        """Goes to a place of the training and calls `try_arms` and `race` there."""

    def compare_environments(self, comparison: RehearsalPlan, facts: Facts) -> None:
        """Tries an arm that needs another environment, and so processes of its own."""

    def measure_together(self, facts: Facts) -> None:
        """Measures all remedies of the prescription together."""

    def progress_at(
        self, site: Site, record: Rehearsal | None = None, *, extra_s: float = 0.0
    ) -> Callable[[str], None]:
        """Returns a function that shows what is tried at a place."""


def run_stages(runner: Runner) -> None:
    """Runs a diagnosis: scout, first answer, rehearsals, comparisons of environments, all remedies together.

    Raises:
        FitdoctorError: The scout learned nothing that a verdict could rest on.
    """
    with runner.timeline.within("scout"):
        runner.scout()
    runner.save()
    facts = Facts(runner.data)
    runner.progress.first_answer(build(runner.data, stage="first answer"))
    runner.timeline.add(FIRST_ANSWER, time.monotonic(), 0.0)
    rehearsals, comparisons = plan(facts), plan_environments(facts)
    runner.budget.reserve(rehearsals, comparisons, facts)
    for each in rehearsals:
        _rehearse(runner, each, facts, rehearsals)
        runner.save()
    runner.budget.release()
    for each in comparisons:
        runner.compare_environments(each, facts)
        runner.save()
    runner.measure_together(facts)


def _rehearse(runner: Runner, each: RehearsalPlan, facts: Facts, plans: Sequence[RehearsalPlan]) -> None:
    unit = facts.scout.fits[each.index] if each.target == "fit" else facts.scout.loops[each.index]
    site, races = file_and_line(unit.site), each.races and runner.budget.race_left_s > 0
    left_s = runner.budget.for_rehearsals_s()
    if left_s < runner.startup_s(each, facts) + LEAST_TRIAL_S and not races:
        runner.data.limits.append(
            f"No time was left for trials at {site}: pass a larger {runner.budget_option} than "
            f"{runner.data.budget_s:.0f}."
        )
        return
    runner.progress.stage(f"going to {site} for trials")
    runner.current_stage = "trials"
    runner.rehearse(
        TrialPlace(
            runner=runner,
            plan=each,
            plans=plans,
            unit=unit,
            facts=facts,
            record=new_rehearsal(each),
            races=races,
            deadline_s=time.monotonic() + left_s,
        )
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class TrialPlace:
    """A place of the training where arms are tried.

    Attributes:
        runner: The way of running the training.
        plan: The arms of this place.
        plans: All rehearsals, which share the budget for races.
        unit: The recorded fit or call site.
        facts: Of the scout.
        record: Gets what is measured.
        races: Whether there is time for races.
        deadline_s: `time.monotonic()` at which the trials must have ended, races left out.
    """

    runner: Runner
    plan: RehearsalPlan
    plans: Sequence[RehearsalPlan]
    unit: Fit | CallSiteRecord
    facts: Facts
    record: Rehearsal
    races: bool
    deadline_s: float

    @property
    def name(self) -> str:
        """The place in a few words, such as `train.py:31`."""
        return file_and_line(self.unit.site)

    @property
    def left_s(self) -> float:
        """Seconds until the deadline."""
        return self.deadline_s - time.monotonic()

    @property
    def target(self) -> dict[str, Any]:
        """The place as data, for the probe."""
        target = {**target_of(self.unit, self.plan.target), "race": self.races}
        if self.plan.as_calls:
            target |= {"kind": "loop", "loop_kind": getattr(self.unit, "kind", "fit")}
        return target

    def trial(self, executor: Executor, **callbacks: Any) -> RehearsalRun:
        """Returns the rehearsal of this place, carried out by an executor."""
        tell = self.runner.progress_at(self.unit.site, self.record)
        timed = self.runner.timeline.add
        return RehearsalRun(
            executor, self.record, self.facts, deadline_s=self.deadline_s, on_progress=tell, on_stage=timed, **callbacks
        )

    def try_arms(self, trial: RehearsalRun, executor: Executor) -> None:
        """Tries all arms at the place that the training has reached, then the races, if the state is still valid."""
        if self.plan.as_calls:
            trial.try_calls()
        else:
            trial.try_fit()
        if self.races and not trial.state_changed:
            self._race(executor)

    def _race(self, executor: Executor) -> None:
        """Races on the budget for races. Places share it in proportion to what their races may save."""
        began_s, budget, record = time.monotonic(), self.runner.budget, self.record
        self.runner.current_stage = "races"
        tell = self.runner.progress_at(self.unit.site, extra_s=budget.race_budget_s)
        try:
            deadline_s = began_s + budget.race_left_s * race_share(record.index, self.plans)
            with self.runner.timeline.within("races"):
                RaceTrial(executor, record, self.facts, deadline_s=deadline_s, on_progress=tell).run()
        except ChildEndedError as error:
            raced = {run.arm for run in record.race.runs} if record.race is not None else set()
            for arm in record.arms:
                if arm.unit == Unit.RACE and not arm.why and arm.id not in raced:
                    arm.why = f"Could not be raced: {error}."
            raise
        finally:
            budget.spend_on_races(time.monotonic() - began_s)


def new_rehearsal(each: RehearsalPlan) -> Rehearsal:
    """Returns an empty record of a planned rehearsal. Its arms are copies: trials write into them."""
    arms = [replace(arm, changes=list(arm.changes)) for arm in each.arms]
    return Rehearsal(target=each.target, index=each.index, arms=arms)


def target_of(unit: Fit | CallSiteRecord, kind: str) -> dict[str, Any]:
    """Returns the call site of a unit as data, for the probe."""
    return {"kind": kind, "file": unit.site.file, "line": unit.site.line}
