"""The second stage: a child goes to one place of the script, and arms are tried there."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace

from fitdoctor.changes.environment import of_process
from fitdoctor.diagnosis.workspace import DiagnosisWorkspace, target_of, where
from fitdoctor.errors import FitdoctorError
from fitdoctor.facts.facts import Facts
from fitdoctor.process.child import Child, ChildEndedError
from fitdoctor.recording.model import Arm, Ending, Rehearsal
from fitdoctor.trial_units import Unit
from fitdoctor.trials.model_inspection import inspection_s
from fitdoctor.trials.outcomes import all_outcomes
from fitdoctor.trials.plan import LEAST_TRIAL_S, RehearsalPlan, race_share
from fitdoctor.trials.process_statistics import DECISION_PAIRS
from fitdoctor.trials.process_trial import HANGS, EnvironmentTrial
from fitdoctor.trials.race import RaceTrial
from fitdoctor.trials.rehearsal import RehearsalRun
from fitdoctor.trials.whole_run import LEAST_S as LEAST_WHOLE_S
from fitdoctor.trials.whole_run import MOST_S as MOST_WHOLE_S
from fitdoctor.trials.whole_run import WholeTrial, plan_whole

MOST_RESTARTS = 2
"""Of a rehearsal whose child ended over an arm: each costs a start-up."""


def rehearse(desk: DiagnosisWorkspace, each: RehearsalPlan, facts: Facts, raced: Sequence[RehearsalPlan]) -> None:
    """Tries the arms of a plan. A child that ends over an arm costs that one: another child goes on with the others.

    Args:
        desk: Holds the recording.
        each: The plan.
        facts: Of the scout.
        raced: All plans that may share the budget for races.
    """
    scout, budget = desk.data.scout, desk.budget
    assert scout is not None
    unit = scout.fits[each.index] if each.target == "fit" else scout.loops[each.index]
    place, record = where(unit.site), _record(each)
    startup_s, left_s = budget.startup_s(), budget.for_rehearsals_s()
    races = each.races and budget.race_left_s > 0
    if left_s < startup_s + LEAST_TRIAL_S and not races:
        desk.data.limits.append(
            f"No time was left for trials at {place}: pass a larger --budget than {desk.request.budget_s:.0f}."
        )
        return
    desk.progress.stage(f"going to {place} for trials")
    target = {**target_of(unit, each.target), "race": races}
    if each.as_calls:
        target |= {"kind": "loop", "loop_kind": getattr(unit, "kind", "fit")}
    deadline_s, limit_s = time.monotonic() + left_s, left_s + startup_s * 3 + budget.race_left_s + 120
    desk.at = "trials"
    trial: RehearsalRun | None = None
    while trial is None or trial.can_continue and record.restarts < MOST_RESTARTS:
        try:
            child = desk.start("rehearsal", site=target, limit_s=limit_s, hard_limit_s=limit_s)
        except FitdoctorError as error:
            desk.data.limits.append(f"No trials at {place}: {error}")
            return
        if trial is None:
            tell = desk.teller(unit.site, record)
            trial = RehearsalRun(
                child, record, facts, deadline_s=deadline_s, on_progress=tell, save=desk.keep, on_stage=desk.stages.add
            )
            desk.data.rehearsals.append(record)
        else:
            trial.continue_in(child)
            record.ending = Ending()
        try:
            trial.wait_for_target(min(max(trial.left_s(), startup_s * 3), max(0.0, trial.left_s()) + startup_s))
            if each.as_calls:
                trial.try_calls()
            else:
                trial.inspect_model(inspection_s(desk.request.budget_s))
                trial.try_fit()
            if races and not trial.state_changed:
                desk.at = "races"
                _race(desk, child, record, facts, raced)
            record.ending = Ending(how="finished", code=0)
            return
        except ChildEndedError as error:
            record.ending = Ending(how="killed", message=str(error))
            desk.data.limits.append(f"The trials at {place} ended early: {error}.")
            if each.as_calls or trial.left_s() < max(startup_s, record.startup_s) + LEAST_TRIAL_S:
                break
        finally:
            record.wall_s += time.monotonic() - child.began_s
            record.peak_rss_bytes = max(record.peak_rss_bytes, child.memory.peak_bytes)
            desk.end_child()
    trial.give_up(record.ending.message)


def _race(
    desk: DiagnosisWorkspace, child: Child, record: Rehearsal, facts: Facts, raced: Sequence[RehearsalPlan]
) -> None:
    """Races on a budget of its own, shared by all fits that have something to race, by what that may save."""
    began_s, budget = time.monotonic(), desk.budget
    tell = desk.teller(facts.fits[record.index].record.site, beyond_s=desk.request.race_budget_s)
    try:
        deadline_s = began_s + budget.race_left_s * race_share(record.index, raced)
        with desk.stages.within("races"):
            RaceTrial(child, record, facts, deadline_s=deadline_s, on_progress=tell).run()
    except ChildEndedError as error:
        runs = {run.arm for run in record.race.runs} if record.race is not None else set()
        for arm in record.arms:
            if arm.unit == Unit.RACE and not arm.why and arm.id not in runs:
                arm.why = f"Could not be raced: {error}."
        raise
    finally:
        budget.raced(time.monotonic() - began_s)


def compare_environments(desk: DiagnosisWorkspace, each: RehearsalPlan, facts: Facts) -> None:
    """Tries an arm that needs another environment, in pairs of short children."""
    record, fit, budget = _record(each), facts.fits[each.index].record, desk.budget
    place, child_s, label = where(fit.site), budget.environment_child_s(each, facts), each.arms[1].label
    if budget.left_s() < 2 * DECISION_PAIRS[0] * child_s:
        desk.data.limits.append(
            f"No time was left to try {label} at {place}: that needs {2 * DECISION_PAIRS[0]} processes of about {child_s:.0f} s each. "
            f"Pass a larger --budget than {desk.request.budget_s:.0f}."
        )
        return
    desk.progress.stage(f"comparing processes at {place}")
    desk.at = "trials"
    desk.data.rehearsals.append(record)
    began_s, deadline_s, limit_s = time.monotonic(), time.monotonic() + budget.left_s(), HANGS * child_s + 120

    def start(changes: list[dict[str, object]]) -> Child:
        target = target_of(fit, each.target)
        return desk.start(
            "rehearsal", site=target, process_changes=of_process(changes), limit_s=limit_s, hard_limit_s=limit_s
        )

    tell = desk.teller(fit.site)
    trial = EnvironmentTrial(
        record, start=start, end=desk.end_child, child_s=child_s, deadline_s=deadline_s, on_progress=tell
    )
    try:
        trial.run()
        record.ending = Ending(how="finished", code=0)
    except FitdoctorError as error:
        desk.data.limits.append(f"No trials at {place}: {error}")
    finally:
        record.wall_s = time.monotonic() - began_s


def measure_whole(desk: DiagnosisWorkspace, facts: Facts) -> None:
    """Measures the prescription as a whole, in a process of its own, where there is time for one."""
    budget = desk.budget
    startup_s = budget.startup_s()
    if not budget.whole_s() or budget.left_s() < budget.whole_s():
        return
    each = plan_whole(facts, all_outcomes(desk.data), desk.report().prescription)
    if each is None:
        return
    fit, record = facts.fits[each.index].record, _record(each)
    desk.progress.stage(f"trying all of it together at {where(fit.site)}")
    desk.at = "trials"
    limit_s, began_s = budget.left_s() + LEAST_WHOLE_S, time.monotonic()
    try:
        child = desk.start("rehearsal", site=target_of(fit, "fit"), limit_s=limit_s, hard_limit_s=limit_s)
        desk.data.rehearsals.append(record)
        deadline_s = began_s + min(budget.left_s(), startup_s + MOST_WHOLE_S)
        WholeTrial(child, record, facts, deadline_s=deadline_s, on_progress=desk.teller(fit.site)).run()
        record.ending = Ending(how="finished", code=0)
    except (ChildEndedError, FitdoctorError) as error:
        record.ending = Ending(how="killed", message=str(error))
        record.arms[-1].doubt = f"Not concluded: {error}."
    finally:
        record.wall_s = time.monotonic() - began_s
        desk.end_child()
        desk.stages.add("together", began_s, record.wall_s)


def _record(each: RehearsalPlan) -> Rehearsal:
    return Rehearsal(target=each.target, index=each.index, arms=[_copy(arm) for arm in each.arms])


def _copy(arm: Arm) -> Arm:
    return replace(arm, changes=list(arm.changes))
