"""`fitdoctor.diagnose`: the diagnosis of one call of `fit`, in the process that would make it."""

from __future__ import annotations

import contextlib
import gc
import math
import os
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import fitdoctor
from fitdoctor.analysis import build
from fitdoctor.api import patch_points, place, trials, workers
from fitdoctor.api.call import UNRECORDED, FitCall
from fitdoctor.api.intact import Intact, Unbuilt, is_built
from fitdoctor.cli.progress import progress_on
from fitdoctor.diagnosis.progress import Progress
from fitdoctor.errors import FitdoctorError
from fitdoctor.facts.facts import Facts
from fitdoctor.facts.places import short
from fitdoctor.probe import backends
from fitdoctor.probe.files.redirect import Redirect
from fitdoctor.probe.roles.in_process import BuildRole, CallTrialsRole, CommandHandler, FitLeft, FitTrialsRole
from fitdoctor.probe.roles.scout import ScoutRole
from fitdoctor.probe.timing.time_ledger import Ledger
from fitdoctor.probe.trainer import keras_internals
from fitdoctor.probe.trials.units.calls import CallArms
from fitdoctor.recording.model import Ending, ProcessRecord, Rehearsal, Run
from fitdoctor.recording.trial_protocol import TryCalls, read_command, to_data
from fitdoctor.report.model import Report
from fitdoctor.trials.executor import InProcess
from fitdoctor.trials.plan import LEAST_TRIAL_S, RehearsalPlan, plan, plan_environments, race_share
from fitdoctor.trials.race import RaceTrial
from fitdoctor.trials.rehearsal import RehearsalRun

NOW_BUILT = "The model was not built yet: it is now, with the weights that it was initialised with."


def diagnose(
    model: Any,
    *arguments: Any,
    budget_s: float = 120.0,
    race_budget_s: float = 60.0,
    progress: bool = True,
    **keywords: Any,
) -> Report:
    """Finds out why a fit is slow and tries what makes it fast, in this process.

    The fit is run in part, several times. The model, its optimizer, the callbacks and the random generators are put
    back to what they were, and that is verified.

    Args:
        model: A compiled Keras model.
        *arguments: What you would pass to `model.fit`: `x`, `y` and so on.
        budget_s: How long looking and trying may take. A single compile or a slow epoch can't be cut off and may take
            longer.
        race_budget_s: How long races of remedies that change the training may take beside it; 0 for no races.
        progress: Whether to say on stderr what is going on.
        **keywords: What you would pass to `model.fit`.

    Returns:
        The same report as that of `fitdoctor diagnose`. `print(report)` shows it.

    Raises:
        FitdoctorError: No diagnosis is possible; the message says why and how to go on.

    Example:
        >>> report = fitdoctor.diagnose(model, x, y, epochs=20, batch_size=32)
        >>> report.verdict
        'causes'
    """
    if not (math.isfinite(budget_s) and budget_s > 0):
        raise FitdoctorError(f"Received budget_s={budget_s!r}, expected seconds above 0, for instance budget_s=120.")
    if not (math.isfinite(race_budget_s) and race_budget_s >= 0):
        raise FitdoctorError(
            f"Received race_budget_s={race_budget_s!r}, expected seconds, 0 or more, for instance race_budget_s=60."
        )
    used = backends.keras_of(model)
    if not isinstance(model, used.Model):
        raise FitdoctorError(
            f"Received a {type(model).__name__}, expected a Keras model: fitdoctor.diagnose(model, x, y, …)."
        )
    patch_points.check_supported(used)
    backends.use(used)
    call = FitCall(model, arguments, keywords)
    shown = progress_on(sys.stderr, quiet=not progress)
    try:
        return _Diagnosis(model, call, budget_s, race_budget_s, shown).run()
    finally:
        shown.done()


class _Diagnosis:
    def __init__(self, model: Any, call: FitCall, budget_s: float, race_budget_s: float, progress: Progress) -> None:
        self._model, self._call, self._progress = model, call, progress
        self._race_budget_s = self._race_left_s = race_budget_s
        self._raced_s = 0.0
        self._to_race: tuple[RehearsalPlan, ...] = ()
        self._began_s = time.monotonic()
        name, mode = place.script()
        started = datetime.now(UTC).isoformat(timespec="seconds")
        self._data = Run(fitdoctor=fitdoctor.__version__, script=name, mode=mode, started=started, budget_s=budget_s)
        self._cores = 1

    def run(self) -> Report:
        """Scout, causes, trials and report; whatever happens, all is put back."""
        unbuilt = not is_built(self._model)
        with tempfile.TemporaryDirectory(prefix="fitdoctor-", ignore_cleanup_errors=True) as scratch:
            self._redirect = Redirect(scratch, [])
            if unbuilt:
                self._build()
                self._data.limits.append(NOW_BUILT)
            self._intact = Intact(self._model, self._call.given, self._call.loaders)
            try:
                self._look_and_try()
            finally:
                self._intact.restore()
                gc.collect()  # idle pipelines end their threads with their iterators
                self._say_what_changed()
        return self._report()

    def _report(self) -> Report:
        self._data.spent_s = time.monotonic() - self._began_s
        return build(self._data, stage="final" if self._data.rehearsals else "first answer")

    def _say_what_changed(self) -> None:
        """Looks whether all is as it was, which nobody should have to find out in a training."""
        changed = self._intact.differences()
        if changed:
            said = f"After the diagnosis this is another than before: {', '.join(changed)}. Make or load the model anew to train it."
            self._data.limits.append(said)
            warnings.warn(f"fitdoctor: {said}", RuntimeWarning, stacklevel=4)

    # the stages

    def _build(self) -> None:
        before = Unbuilt(self._model)
        try:
            self._fit(BuildRole(_ledger()))
        finally:
            before.restore()

    def _look_and_try(self) -> None:
        self._scout()
        facts = Facts(self._data)
        self._progress.first_answer(build(self._data, stage="first answer"))
        self._to_race = plan(facts)
        for each in self._to_race:
            self._rehearse(each, facts)
        for each in plan_environments(facts):
            label = each.arms[-1].label
            self._data.limits.append(
                f"Not tried here: {label}, which needs processes of its own. Use fitdoctor diagnose for a script."
            )

    def _scout(self) -> None:
        self._progress.stage("learning what this fit does")
        scout = ProcessRecord()
        role = ScoutRole(scout, _ledger(), lambda: None)
        role.imported(backends.keras_of(self._model))
        self._cores = int(scout.environment["cores"])
        try:
            self._fit(role)
        finally:
            role.end(Ending(how="finished", code=0))
            self._intact.restore()
        declined = next((fit.declined for fit in scout.fits if fit.declined), "")
        if declined:
            raise FitdoctorError(f"This fit can't be diagnosed: {declined}.")
        if not any(fit.first_step.count for fit in scout.fits):
            raise FitdoctorError(
                "This fit did no step: epochs is 0, or its input is empty. Expected a fit with at least one step."
            )
        if self._call.unrecorded:
            self._data.limits.append(UNRECORDED)
        self._data.scout = scout

    def _rehearse(self, each: RehearsalPlan, facts: Facts) -> None:
        unit: Any = (facts.scout.fits if each.target == "fit" else facts.scout.loops)[each.index]
        where = short(unit.site)
        races = each.races and self._race_left_s >= LEAST_TRIAL_S
        left_s = self._left_s()
        if left_s < LEAST_TRIAL_S + self._startup_s(each, facts) and not races:
            self._data.limits.append(
                f"No time was left for trials at {where}: pass a larger budget_s than {self._data.budget_s:.0f}."
            )
            return
        target = {"kind": each.target, "file": unit.site.file, "line": unit.site.line, "race": races}
        record = Rehearsal(
            target=each.target, index=each.index, arms=[replace(arm, changes=list(arm.changes)) for arm in each.arms]
        )
        self._data.rehearsals.append(record)
        began_s = time.monotonic()

        def trial(carry_out: CommandHandler) -> RehearsalRun:
            return RehearsalRun(
                InProcess(carry_out), record, facts, deadline_s=began_s + left_s, on_progress=self._tell(where)
            )

        def at_the_fit(carry_out: CommandHandler) -> None:
            trial(carry_out).try_fit()
            if races:
                self._race(InProcess(carry_out), record, facts, where)

        try:
            if not each.as_calls:
                self._fit(FitTrialsRole(_ledger(), target, at_the_fit, cores=self._cores))
            else:
                target["loop_kind"] = unit.kind if each.target == "loop" else "fit"
                trial(lambda command: self._try_calls(command, target)).try_calls()
            record.ending = Ending(how="finished", code=0)
        except Exception as error:  # one place that can't be tried is no reason to lose the rest
            record.ending = Ending(how="exception", error=type(error).__name__, message=str(error))
            self._data.limits.append(f"The trials at {where} ended early: {type(error).__name__}: {error}.")
        finally:
            record.wall_s = time.monotonic() - began_s
            self._intact.restore()

    def _startup_s(self, each: RehearsalPlan, facts: Facts) -> float:
        """What it takes to come to the first step again."""
        if each.target != "fit":
            return 0.0
        record = facts.scout.fits[each.index]
        return record.setup.first_s + record.first_step.first_s

    def _race(self, executor: InProcess, record: Rehearsal, facts: Facts, where: str) -> None:
        """Races on a budget of its own, shared by all that there is to race."""
        began_s = time.monotonic()
        deadline_s = began_s + self._race_left_s * race_share(record.index, self._to_race)
        try:
            RaceTrial(executor, record, facts, deadline_s=deadline_s, on_progress=self._tell(where)).run()
        finally:
            taken_s = time.monotonic() - began_s
            self._raced_s += taken_s
            self._race_left_s = max(0.0, self._race_left_s - taken_s)

    def _tell(self, where: str) -> Callable[[str], None]:
        def tell(text: str) -> None:
            spent_s = time.monotonic() - self._began_s
            self._progress.trial(f"{text} at {where}", spent_s, self._data.budget_s + self._race_budget_s, "")

        return tell

    def _left_s(self) -> float:
        return self._data.budget_s - (time.monotonic() - self._began_s) + self._raced_s

    def _try_calls(self, command: dict[str, Any], target: dict[str, Any]) -> dict[str, Any]:
        """Repeats the fit until its callback has made enough calls."""
        asked = read_command(command)
        assert isinstance(asked, TryCalls)
        calls = CallArms(target["loop_kind"], asked.arms, seconds=asked.seconds, rounds=asked.rounds)
        until_s = time.monotonic() + asked.seconds
        while not calls.done and time.monotonic() < until_s:
            self._fit(CallTrialsRole(_ledger(), target, calls))
        return to_data(calls.result())

    def _fit(self, role: Any) -> None:
        undos = (
            workers.ended_afterwards(),
            self._redirect.install(backends.keras_of(self._model)).undo,
            patch_points.record_recipes(),
            patch_points.install(role),
        )
        with trials.under_way(), patch_points.undone_after(*undos), _quiet(), contextlib.suppress(FitLeft):
            keras_internals.set_functions_aside(self._model)
            self._call.make(self._redirect)


def _ledger() -> Ledger:
    return Ledger("script", started_s=time.monotonic())


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Keeps progress bars and warnings of fits that are cut short to ourselves.

    Progress of ours has its stream already.
    """
    with open(os.devnull, "w", encoding="utf-8") as nowhere, warnings.catch_warnings():  # a device
        warnings.simplefilter("ignore")
        with contextlib.redirect_stdout(nowhere), contextlib.redirect_stderr(nowhere):
            yield
