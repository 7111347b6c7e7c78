"""One diagnosis from end to end: scout, causes, rehearsals, report."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import fitdoctor
from fitdoctor.changes.environment import of_process
from fitdoctor.errors import FitdoctorError
from fitdoctor.facts.facts import Facts
from fitdoctor.recording.folder import prove_room
from fitdoctor.recording.load import decode_scout
from fitdoctor.recording.model import Arm, Ending, Rehearsal, Run, Scout
from fitdoctor.recording.save import save_run
from fitdoctor.report.build import build
from fitdoctor.report.model import Report
from fitdoctor.trials import disk, endings, memory
from fitdoctor.trials.child import Child, ChildEndedError, StandardInput, no_room
from fitdoctor.trials.environments import HANGS, MEASURING_S, EnvironmentTrial
from fitdoctor.trials.finish import RACE
from fitdoctor.trials.interrupted import DiagnosisInterruptedError
from fitdoctor.trials.outcomes import all_outcomes
from fitdoctor.trials.plan import RehearsalPlan, plan, plan_environments, race_share
from fitdoctor.trials.processes import LOOKS
from fitdoctor.trials.progress import Progress
from fitdoctor.trials.race import RaceTrial
from fitdoctor.trials.reached import stage_of
from fitdoctor.trials.rehearse import LOOKS as ROUNDS_OF_LOOKS
from fitdoctor.trials.rehearse import RehearsalRun
from fitdoctor.trials.request import DiagnoseRequest
from fitdoctor.trials.signals import terminated_as_interrupted, undisturbed
from fitdoctor.trials.stages import FIRST_ANSWER, Stages
from fitdoctor.trials.whole import LEAST_S as LEAST_WHOLE_S
from fitdoctor.trials.whole import MOST_S as MOST_WHOLE_S
from fitdoctor.trials.whole import STARTUP_SHARE, WholeTrial, plan_whole

SCOUT_SHARE = 0.6
"""Of the budget, for a run-through that has come to a unit; what has not is given all of it."""
SHUTDOWN_S = 10.0
"""How long a script that is done may take to leave: some hang in their framework's shutdown."""
LEAST_TRIAL_S = 5.0
MOST_RESTARTS = 2
"""Of a rehearsal whose child ended over an arm: each costs a start-up."""
UNWATCHED = "This system does not tell how much memory is left, so what the trials held was not watched."
SHOWN_CHANGES = 5
"""Changed files that a message names; a report lists more."""
LAUNCHERS = ("torch.distributed.run", "torch.distributed.launch", "torchrun", "accelerate.commands.launch", "horovod.runner.launch")


def diagnose_script(request: DiagnoseRequest, progress: Progress) -> Report:
    """Diagnoses one script.

    Args:
        request: What to diagnose, checked already as far as that goes without running it.
        progress: Told of every stage.

    Raises:
        FitdoctorError: No verdict is possible; the message says why and how to go on.
        DiagnosisInterruptedError: Ctrl-C, with the report of what was learned.
    """
    _decline_launchers(request)
    session = _Session(request, progress)
    with terminated_as_interrupted():
        try:
            return session.run()
        except KeyboardInterrupt:
            with undisturbed():
                session.interrupted()
            raise DiagnosisInterruptedError(session.report_so_far()) from None
        finally:
            with undisturbed():
                session.stop()


class _Session:
    def __init__(self, request: DiagnoseRequest, progress: Progress) -> None:
        self.request, self.progress = request, progress
        self.began_s, self.began_clock_s = time.time(), time.monotonic()
        self.data = Run(
            fitdoctor=fitdoctor.__version__,
            script=request.target if request.mode != "code" else "-c",
            target=request.target,
            argv=list(request.arguments),
            mode=request.mode,
            python=request.python,
            cwd=str(Path.cwd()),
            watched=request.watched,
            started=datetime.now(UTC).isoformat(timespec="seconds"),
            budget_s=request.budget_s,
        )
        self.name = Path(request.target).name if request.mode == "script" else request.target if request.mode == "module" else "-c"
        self.stdin = StandardInput()
        self.child: Child | None = None
        self.at = "scout"
        self.best = ""
        self.stages = Stages(self.data.stages, began_s=self.began_clock_s)
        self.reserved_s = 0.0
        self.race_left_s, self.raced_s = request.race_budget_s, 0.0
        self.to_race: tuple[RehearsalPlan, ...] = ()
        folders = {Path.cwd().resolve()}
        if request.mode == "script":
            folders.add(Path(request.target).resolve().parent)
        self.folders = [folder for folder in folders if not any(other in folder.parents for other in folders)]
        self.tree = disk.look(self.folders)

    # the stages

    def run(self) -> Report:
        with self.stages.within("scout"):
            self._scout()
        self._save()
        facts = Facts(self.data)
        self.progress.first_answer(build(self.data, stage="first answer"))
        self.stages.add(FIRST_ANSWER, time.monotonic(), 0.0)
        if not memory.can_be_watched():
            self.data.limits.append(UNWATCHED)
        rehearsals, comparisons = plan(facts), plan_environments(facts)
        self.reserved_s = self._worth_reserving(rehearsals, comparisons, facts)
        self.to_race = rehearsals
        for each in rehearsals:
            self._rehearse(each, facts)
            self._save()
        self.reserved_s = 0.0
        for each in comparisons:
            with self.stages.within("processes"):
                self._compare_environments(each, facts)
            self._save()
        self._measure_whole(facts)
        return self.report_so_far() or build(self.data)

    def _whole_s(self) -> float:
        """What is kept for a measurement of the prescription as a whole; nothing where another start-up is too dear for it."""
        startup_s = self._startup_s()
        return startup_s + LEAST_WHOLE_S if startup_s <= STARTUP_SHARE * self.request.budget_s else 0.0

    def _for_rehearsals_s(self) -> float:
        """What is left of the budget, without what is kept for comparisons of environments and for the prescription as a whole."""
        left_s = self._left_s() - self.reserved_s
        return left_s - self._whole_s() if left_s > 2 * self._whole_s() else left_s

    def _measure_whole(self, facts: Facts) -> None:
        """Measures the prescription as a whole, in a process of its own, where there is time for one."""
        startup_s = self._startup_s()
        if not self._whole_s() or self._left_s() < self._whole_s():
            return
        each = plan_whole(facts, all_outcomes(self.data), build(self.data).prescription)
        if each is None:
            return
        site = facts.fits[each.index].record.site
        where = f"{_name(site.file)}:{site.line}"
        self.progress.stage(f"trying all of it together at {where}")
        record = Rehearsal(target=each.target, index=each.index, arms=[_copy(arm) for arm in each.arms])
        limit_s = self._left_s() + LEAST_WHOLE_S
        target = {"kind": "fit", "file": site.file, "line": site.line}

        def tell(text: str) -> None:
            self.progress.trial(f"{text} at {where}", self._spent_s(), self.request.budget_s, self.best)

        began_s = time.monotonic()
        try:
            child = self._start("rehearsal", site=target, limit_s=limit_s, hard_limit_s=limit_s)
            self.data.rehearsals.append(record)
            deadline_s = began_s + min(self._left_s(), startup_s + MOST_WHOLE_S)
            WholeTrial(child, record, facts, deadline_s=deadline_s, tell=tell).run()
            record.ending = Ending(how="finished", code=0)
        except (ChildEndedError, FitdoctorError) as error:
            record.ending = Ending(how="killed", message=str(error))
            record.arms[-1].doubt = f"Not concluded: {error}."
        finally:
            record.wall_s = time.monotonic() - began_s
            self._end_child()
            self.stages.add("together", began_s, record.wall_s)

    def _scout(self) -> None:
        self.progress.stage(f"learning what {self.name} does")
        limit_s = max(self.request.budget_s * SCOUT_SHARE, 1.0)
        child = self._start("scout", limit_s=limit_s, hard_limit_s=self.request.budget_s)
        code = self._wait_for_scout(child)
        scout, started = self._read(child), child.out.exists()
        ran_out = child.memory.why
        self._end_child()
        if scout is None:
            self._check_room()
            raise FitdoctorError(endings.UNREADABLE if started else endings.never_started(self.request, code))
        unfinished, learned = scout.ending.how == "unfinished", endings.learned_something(scout)
        if unfinished and not learned:
            self._check_room()
        if unfinished:
            scout.ending = endings.seen_from_outside(code, ran_out)
        scout.peak_rss_bytes = child.memory.peak_bytes
        self.data.scout = scout
        if not learned:
            raise FitdoctorError(endings.no_verdict(scout, self.request) + self._on_disk())
        self.data.limits += [f"{_name(fit.site.file)}:{fit.site.line}: {fit.declined}." for fit in scout.fits if fit.declined]

    def _wait_for_scout(self, child: Child) -> int | None:
        """Waits for the scout's end, or for its last word and then a little longer."""
        done_s: float | None = None
        while True:
            code = child.wait(0.2)
            if code is not None:
                return code
            now_s = time.monotonic()
            if done_s is None and now_s - child.began_s > self.request.budget_s + SHUTDOWN_S:
                return None
            read = self._read(child) if done_s is None else None
            if read is not None and read.ending.how in ("finished", "exit", "exception"):
                done_s = now_s
            self.progress.waiting(f"learning what {self.name} does{_reached(read)}", now_s - child.began_s)
            if done_s is not None and now_s - done_s > SHUTDOWN_S:
                return None

    def _rehearse(self, each: RehearsalPlan, facts: Facts) -> None:
        assert self.data.scout is not None
        record = Rehearsal(target=each.target, index=each.index, arms=[_copy(arm) for arm in each.arms])
        site: Any = (self.data.scout.fits if each.target == "fit" else self.data.scout.loops)[each.index]
        where = f"{_name(site.site.file)}:{site.site.line}"
        startup_s = self._startup_s()
        left_s = self._for_rehearsals_s()
        races = each.races and self.race_left_s > 0
        if left_s < startup_s + LEAST_TRIAL_S and not races:
            self.data.limits.append(f"No time was left for trials at {where}: pass a larger --budget than {self.request.budget_s:.0f}.")
            return
        self.progress.stage(f"going to {where} for trials")
        target = _target(each, site, races=races)
        deadline_s = time.monotonic() + left_s

        def tell(text: str) -> None:
            self.progress.trial(f"{text} at {where}", self._spent_s(), self.request.budget_s, self._best(record))

        def start() -> Child:
            limit_s = left_s + startup_s * 3 + self.race_left_s + 120
            return self._start("rehearsal", site=target, limit_s=limit_s, hard_limit_s=limit_s)

        self.at = "trials"
        trial: RehearsalRun | None = None
        while trial is None or trial.can_go_on and record.restarts < MOST_RESTARTS:
            try:
                child = start()
            except FitdoctorError as error:
                self.data.limits.append(f"No trials at {where}: {error}")
                return
            if trial is None:
                trial = RehearsalRun(child, record, facts, deadline_s=deadline_s, tell=tell, keep=self._keep, timed=self.stages.add)
                self.data.rehearsals.append(record)
            else:
                trial.go_on_in(child)
            try:
                trial.wait_for_target(min(max(trial.left_s(), startup_s * 3), max(0.0, trial.left_s()) + startup_s))
                if each.as_calls:
                    trial.try_calls()
                else:
                    trial.try_fit()
                if races and not trial.astray:
                    self.at = "races"
                    self._race(child, record, facts, where)
                record.ending = Ending(how="finished", code=0)
                return
            except ChildEndedError as error:
                record.ending = Ending(how="killed", message=str(error))
                self.data.limits.append(f"The trials at {where} ended early: {error}.")
                if each.as_calls or trial.left_s() < max(startup_s, record.startup_s) + LEAST_TRIAL_S:
                    break
            finally:
                record.wall_s += time.monotonic() - child.began_s
                record.peak_rss_bytes = max(record.peak_rss_bytes, child.memory.peak_bytes)
                self._end_child()
        trial.leave(record.ending.message)

    def _compare_environments(self, each: RehearsalPlan, facts: Facts) -> None:
        """Tries an arm that needs another environment, in pairs of short children."""
        baseline, arm = (_copy(arm) for arm in each.arms)
        fit = facts.fits[each.index].record
        where = f"{_name(fit.site.file)}:{fit.site.line}"
        child_s = self._environment_child_s(each, facts)
        if self._left_s() < 2 * LOOKS[0] * child_s:
            self.data.limits.append(
                f"No time was left to try {arm.label} at {where}: that needs {2 * LOOKS[0]} processes of about {child_s:.0f} s each. "
                f"Pass a larger --budget than {self.request.budget_s:.0f}."
            )
            return
        self.progress.stage(f"comparing processes at {where}")
        record = Rehearsal(target=each.target, index=each.index, arms=[baseline, arm])
        self.data.rehearsals.append(record)
        began_s, deadline_s = time.monotonic(), time.monotonic() + self._left_s()

        def tell(text: str) -> None:
            self.progress.trial(f"{text} at {where}", self._spent_s(), self.request.budget_s, self.best)

        def start(changes: list[dict[str, Any]]) -> Child:
            limit_s = HANGS * child_s + 120
            target = {"kind": each.target, "file": fit.site.file, "line": fit.site.line}
            return self._start("rehearsal", site=target, process_changes=of_process(changes), limit_s=limit_s, hard_limit_s=limit_s)

        trial = EnvironmentTrial(record, start=start, end=self._end_child, child_s=child_s, deadline_s=deadline_s, tell=tell)
        try:
            trial.run()
            record.ending = Ending(how="finished", code=0)
        except FitdoctorError as error:
            self.data.limits.append(f"No trials at {where}: {error}")
        finally:
            record.wall_s = time.monotonic() - began_s

    def _environment_child_s(self, each: RehearsalPlan, facts: Facts) -> float:
        return self._startup_s() + facts.fits[each.index].record.first_step.first_s + MEASURING_S

    def _worth_reserving(self, rehearsals: Sequence[RehearsalPlan], comparisons: Sequence[RehearsalPlan], facts: Facts) -> float:
        """Seconds that ordinary trials leave to a comparison of environments: where it may save more per second than they."""
        if not comparisons:
            return 0.0
        first, left_s = comparisons[0], self._left_s()
        cost_s = 2 * LOOKS[0] * self._environment_child_s(first, facts)
        others_s = left_s - cost_s
        if others_s < self._startup_s() + LEAST_TRIAL_S:
            return 0.0
        most_s = max((each.expected_saving_s for each in rehearsals), default=0.0)
        return cost_s if first.expected_saving_s / cost_s >= most_s / left_s else 0.0

    def _race(self, child: Child, record: Rehearsal, facts: Facts, where: str) -> None:
        """Races on a budget of its own, shared by all fits that have something to race, by what that may save."""
        began_s, budget_s = time.monotonic(), self.request.budget_s + self.request.race_budget_s

        def tell(text: str) -> None:
            self.progress.trial(f"{text} at {where}", self._spent_s(), budget_s, self.best)

        try:
            deadline_s = began_s + self.race_left_s * race_share(record.index, self.to_race)
            with self.stages.within("races"):
                RaceTrial(child, record, facts, deadline_s=deadline_s, tell=tell).run()
        except ChildEndedError as error:
            raced = {run.arm for run in record.race.runs} if record.race is not None else set()
            for arm in record.arms:
                if arm.unit == RACE and not arm.why and arm.id not in raced:
                    arm.why = f"Could not be raced: {error}."
            raise
        finally:
            taken_s = time.monotonic() - began_s
            self.raced_s += taken_s
            self.race_left_s = max(0.0, self.race_left_s - taken_s)

    # what it leans on

    def _check_room(self) -> None:
        """Tells a child that could not write its record from one that had none."""
        try:
            prove_room(self.request.folder.path)
        except OSError as error:
            raise FitdoctorError(no_room(self.request.folder.path, error)) from None

    def _start(self, role: str, **spec: Any) -> Child:
        self.child = Child(
            self.request,
            role,
            folder=self.request.folder.path / f"child-{len(self.data.rehearsals)}-{role}",
            stdin=self.stdin,
            log=self.request.folder.log_file,
            began_s=self.began_s,
            **spec,
        )
        return self.child

    def _read(self, child: Child) -> Scout | None:
        try:
            return decode_scout(child.out.read_bytes())
        except (OSError, FitdoctorError):
            return None

    def _end_child(self) -> None:
        if self.child is not None:
            self.child.end()
            shutil.rmtree(self.child.out.parent, ignore_errors=True)
            self.child = None

    def interrupted(self) -> None:
        """Notes what the diagnosis was at, and stops."""
        self.data.interrupted = self.at
        if self.data.rehearsals and self.data.rehearsals[-1].ending.how == "unfinished":
            self.data.rehearsals[-1].ending = Ending(how="interrupted")
        self.stop()

    def stop(self) -> None:
        """Keeps what the child recorded, and leaves no process and no scratch file of it behind."""
        if self.data.scout is None and self.child is not None:
            self.data.scout = self._read(self.child)
        self._end_child()

    def report_so_far(self) -> Report | None:
        """The report of what was learned until now, saved; None where nothing was."""
        if self.data.scout is None or not endings.learned_something(self.data.scout):
            return None
        self._save()
        return build(self.data, stage=stage_of(self.data))

    def _save(self) -> None:
        with self.stages.within("saving"):
            self.data.changed_files = disk.changed(self.tree, disk.look(self.folders))
        self._keep()

    def _keep(self) -> None:
        """Saves what there is, so that the best answer so far outlives whatever ends this process."""
        self.data.spent_s = self._spent_s()
        try:
            save_run(self.data, self.request.folder.run_file)
        except FitdoctorError as error:
            self.progress.note(str(error))

    def _on_disk(self) -> str:
        """What the script changed on disk, for a message that no report goes with."""
        changes = disk.changed(self.tree, disk.look(self.folders))
        return "".join(f"\nOn disk: {change}" for change in changes[:SHOWN_CHANGES])

    def _spent_s(self) -> float:
        return time.monotonic() - self.began_clock_s

    def _left_s(self) -> float:
        return self.request.budget_s - self._spent_s() + self.raced_s

    def _startup_s(self) -> float:
        """What a child is expected to take to its unit: as long as any before it, or what the scout says where there was none."""
        assert self.data.scout is not None
        parts = self.data.scout.parts
        return max((rehearsal.startup_s for rehearsal in self.data.rehearsals), default=parts.get("start", 0.0) + parts.get("imports", 0.0))

    def _best(self, record: Rehearsal) -> str:
        prescription = build(self.data).prescription if record.windows and record.windows[-1].round in ROUNDS_OF_LOOKS else None
        if prescription is not None:
            self.best = f"{prescription.speedup.mid:.1f}× with {' + '.join(prescription.remedies)}"
        return self.best


def _target(each: RehearsalPlan, site: Any, *, races: bool) -> dict[str, Any]:
    """Where a rehearsal goes, for its child."""
    target = {"kind": each.target, "file": site.site.file, "line": site.site.line, "race": races}
    if each.as_calls:
        target |= {"kind": "loop", "loop_kind": site.kind if each.target == "loop" else "fit"}
    return target


def _reached(scout: Scout | None) -> str:
    """How far the scout has come, for the line of progress."""
    if scout is None or scout.ending.how != "unfinished":
        return ""
    if scout.fits:
        return f", fit at {_name(scout.fits[-1].site.file)}:{scout.fits[-1].site.line}"
    return ", no fit yet" if scout.environment else ", importing"


def _decline_launchers(request: DiagnoseRequest) -> None:
    started = request.target if request.mode == "module" else Path(request.target).name
    cluster = [name for name in ("TORCHELASTIC_RUN_ID", "TF_CONFIG", "OMPI_COMM_WORLD_SIZE") if os.environ.get(name)]
    if started in LAUNCHERS or cluster:
        received = started if started in LAUNCHERS else f"{cluster[0]} in the environment"
        raise FitdoctorError(
            f"Received {received}: a training on several processes. Expected one process, the only kind that can be diagnosed so far. "
            "Diagnose the script itself on one device, without its launcher."
        )


def _copy(arm: Arm) -> Arm:
    return replace(arm, changes=list(arm.changes))


def _name(file: str) -> str:
    return Path(file).name
