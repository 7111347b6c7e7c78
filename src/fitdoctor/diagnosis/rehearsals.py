"""The second stage: children go to one place of the script each, and arms are tried there."""

from __future__ import annotations

import time

from fitdoctor.changes.environment import of_process
from fitdoctor.diagnosis.driver import TrialPlace, new_rehearsal, target_of
from fitdoctor.diagnosis.workspace import DiagnosisWorkspace
from fitdoctor.errors import ChildEndedError, FitdoctorError
from fitdoctor.facts.facts import Facts
from fitdoctor.facts.locations import file_and_line
from fitdoctor.process.child import Child
from fitdoctor.recording.model import Ending
from fitdoctor.trials.model_inspection import inspection_s
from fitdoctor.trials.outcomes import all_outcomes
from fitdoctor.trials.plan import LEAST_TRIAL_S, RehearsalPlan
from fitdoctor.trials.process_statistics import DECISION_PAIRS
from fitdoctor.trials.process_trial import HANGS, EnvironmentTrial
from fitdoctor.trials.rehearsal import RehearsalRun
from fitdoctor.trials.whole_run import LEAST_S as LEAST_WHOLE_S
from fitdoctor.trials.whole_run import MOST_S as MOST_WHOLE_S
from fitdoctor.trials.whole_run import WholeTrial, plan_whole

# Restarts of a rehearsal whose child ended over an arm. Each costs a start-up.
MOST_RESTARTS = 2
# A child may take so many times the expected start-up to reach its unit.
STARTUP_PATIENCE = 3
# A child that still runs this long after its time is used up ends itself.
GRACE_S = 120.0


def rehearse(workspace: DiagnosisWorkspace, place: TrialPlace) -> None:
    """Tries the arms of a place. If a child ends over an arm, another child continues with the other arms."""
    record, startup_s, data = place.record, workspace.budget.startup_s(), workspace.data
    limit_s = place.left_s + startup_s * STARTUP_PATIENCE + workspace.budget.race_left_s + GRACE_S
    trial: RehearsalRun | None = None
    while trial is None or trial.can_continue and record.restarts < MOST_RESTARTS:
        try:
            child = workspace.start("rehearsal", site=place.target, limit_s=limit_s, hard_limit_s=limit_s)
        except FitdoctorError as error:
            data.limits.append(f"No trials at {place.name}: {error}")
            return
        if trial is None:
            trial = place.trial(child, save=workspace.keep)
            data.rehearsals.append(record)
        else:
            trial.continue_in(child)
            record.ending = Ending()
        try:
            left_s = trial.left_s()
            trial.wait_for_target(min(max(left_s, startup_s * STARTUP_PATIENCE), max(0.0, left_s) + startup_s))
            if not place.plan.as_calls:
                trial.inspect_model(inspection_s(data.budget_s))
            place.try_arms(trial, child)
            record.ending = Ending(how="finished", code=0)
            return
        except ChildEndedError as error:
            record.ending = Ending(how="killed", message=str(error))
            data.limits.append(f"The trials at {place.name} ended early: {error}.")
            if place.plan.as_calls or trial.left_s() < max(startup_s, record.startup_s) + LEAST_TRIAL_S:
                break
        finally:
            record.wall_s += time.monotonic() - child.began_s
            record.peak_rss_bytes = max(record.peak_rss_bytes, child.memory.peak_bytes)
            workspace.end_child()
    trial.give_up(record.ending.message)


def compare_environments(workspace: DiagnosisWorkspace, comparison: RehearsalPlan, facts: Facts) -> None:
    """Tries an arm that needs another environment, in pairs of short children."""
    record, fit, budget = new_rehearsal(comparison), facts.fits[comparison.index].record, workspace.budget
    place, label = file_and_line(fit.site), comparison.arms[1].label
    child_s, children = budget.environment_child_s(comparison, facts), 2 * DECISION_PAIRS[0]
    if budget.left_s() < children * child_s:
        workspace.data.limits.append(
            f"No time was left to try {label} at {place}: that needs {children} processes of about {child_s:.0f} s "
            f"each. Pass a larger --budget than {workspace.data.budget_s:.0f}."
        )
        return
    workspace.progress.stage(f"comparing processes at {place}")
    workspace.current_stage = "trials"
    workspace.data.rehearsals.append(record)
    began_s = time.monotonic()
    deadline_s, limit_s = began_s + budget.left_s(), HANGS * child_s + GRACE_S

    def start(changes: list[dict[str, object]]) -> Child:
        site, process_changes = target_of(fit, comparison.target), of_process(changes)
        return workspace.start(
            "rehearsal", site=site, process_changes=process_changes, limit_s=limit_s, hard_limit_s=limit_s
        )

    tell = workspace.progress_at(fit.site)
    trial = EnvironmentTrial(
        record, start=start, end=workspace.end_child, child_s=child_s, deadline_s=deadline_s, on_progress=tell
    )
    try:
        trial.run()
        record.ending = Ending(how="finished", code=0)
    except FitdoctorError as error:
        workspace.data.limits.append(f"No trials at {place}: {error}")
    finally:
        record.wall_s = time.monotonic() - began_s


def measure_together(workspace: DiagnosisWorkspace, facts: Facts) -> None:
    """Measures the whole prescription in a process of its own, if there is time for one."""
    budget = workspace.budget
    startup_s = budget.startup_s()
    if not budget.whole_s() or budget.left_s() < budget.whole_s():
        return
    each = plan_whole(facts, all_outcomes(workspace.data), workspace.report().prescription)
    if each is None:
        return
    fit, record = facts.fits[each.index].record, new_rehearsal(each)
    workspace.progress.stage(f"trying all of it together at {file_and_line(fit.site)}")
    workspace.current_stage = "trials"
    limit_s, began_s = budget.left_s() + LEAST_WHOLE_S, time.monotonic()
    try:
        child = workspace.start("rehearsal", site=target_of(fit, "fit"), limit_s=limit_s, hard_limit_s=limit_s)
        workspace.data.rehearsals.append(record)
        deadline_s = began_s + min(budget.left_s(), startup_s + MOST_WHOLE_S)
        WholeTrial(child, record, facts, deadline_s=deadline_s, on_progress=workspace.progress_at(fit.site)).run()
        record.ending = Ending(how="finished", code=0)
    except (ChildEndedError, FitdoctorError) as error:
        record.ending = Ending(how="killed", message=str(error))
        record.arms[-1].doubt = f"Not concluded: {error}."
    finally:
        record.wall_s = time.monotonic() - began_s
        workspace.end_child()
        workspace.timeline.add("together", began_s, record.wall_s)
