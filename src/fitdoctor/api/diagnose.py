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
from datetime import UTC, datetime
from typing import Any

import fitdoctor
from fitdoctor.analysis import build
from fitdoctor.api import caller, patch_points
from fitdoctor.api.call import UNRECORDED, FitCall
from fitdoctor.api.trials_running import while_trials_run
from fitdoctor.api.user_state import UnbuiltState, UserState, is_built
from fitdoctor.api.workers import track_new_workers
from fitdoctor.cli.progress import progress_on
from fitdoctor.diagnosis.driver import TrialPlace, run_stages
from fitdoctor.diagnosis.progress import Progress
from fitdoctor.diagnosis.stage import stage_reached
from fitdoctor.diagnosis.time_budget import TimeBudget
from fitdoctor.errors import FitdoctorError
from fitdoctor.facts.facts import Facts
from fitdoctor.facts.locations import file_and_line
from fitdoctor.probe import backends
from fitdoctor.probe.files.redirect import Redirect
from fitdoctor.probe.roles.in_process import BuildRole, CallTrialsRole, CommandHandler, FitLeft, FitTrialsRole
from fitdoctor.probe.roles.scout import ScoutRole
from fitdoctor.probe.timing.time_ledger import Ledger
from fitdoctor.probe.trainer import keras_internals
from fitdoctor.probe.trials.units.calls import CallArms
from fitdoctor.recording.model import Ending, ProcessRecord, Rehearsal, Run, Site
from fitdoctor.recording.trial_protocol import TryCalls, read_command, to_data
from fitdoctor.report.model import Report
from fitdoctor.trials.executor import InProcess
from fitdoctor.trials.plan import RehearsalPlan
from fitdoctor.trials.timeline import Stages

NOW_BUILT = "The model was not built before. It is built now, with its initial weights."


def diagnose(
    model: Any,
    *arguments: Any,
    budget_s: float = 120.0,
    race_budget_s: float = 60.0,
    progress: bool = True,
    **keywords: Any,
) -> Report:
    """Finds out why a fit is slow, and tries remedies, in this process.

    Parts of the fit run several times. The states of the model, its optimizer, the callbacks and the random generators
    are restored, and that is verified.

    Args:
        model: A compiled Keras model.
        *arguments: What you would pass to `model.fit`: `x`, `y` and so on.
        budget_s: Seconds for the diagnosis. A compile or a slow epoch can't be interrupted, and may take longer.
        race_budget_s: Seconds for races of remedies that change the training, on top; 0 for no races.
        progress: Whether to show the progress on stderr.
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
        return InProcessRunner(model, call, budget_s, race_budget_s, shown).diagnose()
    finally:
        shown.done()


class InProcessRunner:
    """Runs one call of `fit` again and again in this process.

    Args:
        model: The model.
        call: The call.
        budget_s: Seconds for everything but races.
        race_budget_s: Seconds for races.
        progress: Called at every stage.
    """

    budget_option = "budget_s"

    def __init__(self, model: Any, call: FitCall, budget_s: float, race_budget_s: float, progress: Progress) -> None:
        self._model, self._call, self.progress = model, call, progress
        began_s = time.monotonic()
        name, mode = caller.name_and_mode()
        started = datetime.now(UTC).isoformat(timespec="seconds")
        self.data = Run(fitdoctor=fitdoctor.__version__, script=name, mode=mode, started=started, budget_s=budget_s)
        self.budget = TimeBudget(self.data, race_budget_s=race_budget_s, began_s=began_s, starts_processes=False)
        self.timeline = Stages(self.data.stages, began_s=began_s)
        self.current_stage = "scout"
        self._cores = 1

    def diagnose(self) -> Report:
        """Runs all stages. The state of the model is restored in any case."""
        unbuilt = not is_built(self._model)
        with tempfile.TemporaryDirectory(prefix="fitdoctor-", ignore_cleanup_errors=True) as scratch:
            self._redirect = Redirect(scratch, [])
            if unbuilt:
                self._build()
                self.data.limits.append(NOW_BUILT)
            self._state = UserState(self._model, self._call.given, self._call.loaders)
            try:
                run_stages(self)
            finally:
                self._state.restore()
                gc.collect()  # idle pipelines end their threads with their iterators
                self._warn_of_changes()
        self.data.spent_s = self.budget.spent_s()
        return build(self.data, stage=stage_reached(self.data))

    def _warn_of_changes(self) -> None:
        """Checks that the state is restored, and warns the user if it is not."""
        changed = self._state.differences()
        if changed:
            sentence = f"The diagnosis changed: {', '.join(changed)}. Make or load the model again before you train it."
            self.data.limits.append(sentence)
            warnings.warn(f"fitdoctor: {sentence}", RuntimeWarning, stacklevel=4)

    def _build(self) -> None:
        """Has fit build the model, and restores everything else."""
        before = UnbuiltState(self._model)
        try:
            self._fit(BuildRole(_ledger()))
        finally:
            before.restore()

    # the stages

    def scout(self) -> None:
        self.progress.stage("learning what this fit does")
        scout = ProcessRecord()
        role = ScoutRole(scout, _ledger(), lambda: None)
        role.imported(backends.keras_of(self._model))
        self._cores = int(scout.environment["cores"])
        try:
            self._fit(role)
        finally:
            role.end(Ending(how="finished", code=0))
            self._state.restore()
        declined = next((fit.declined for fit in scout.fits if fit.declined), "")
        if declined:
            raise FitdoctorError(f"This fit can't be diagnosed: {declined}.")
        if not any(fit.first_step.count for fit in scout.fits):
            raise FitdoctorError(
                "This fit did no step: epochs is 0, or its input is empty. Expected a fit with at least one step."
            )
        if self._call.unrecorded:
            self.data.limits.append(UNRECORDED)
        self.data.scout = scout

    def save(self) -> None:
        """Does nothing: the report is returned, and no recording is kept."""

    def startup_s(self, target: RehearsalPlan, facts: Facts) -> float:
        """Returns what the set-up of the fit and its first step took."""
        if target.target != "fit":
            return 0.0
        record = facts.scout.fits[target.index]
        return record.setup.first_s + record.first_step.first_s

    def rehearse(self, place: TrialPlace) -> None:
        record, target = place.record, place.target
        self.data.rehearsals.append(record)
        began_s = time.monotonic()

        def try_arms(carry_out: CommandHandler) -> None:
            executor = InProcess(carry_out)
            place.try_arms(place.trial(executor), executor)

        try:
            if place.plan.as_calls:
                try_arms(lambda command: self._try_calls(command, target))
            else:
                self._fit(FitTrialsRole(_ledger(), target, try_arms, cores=self._cores))
            record.ending = Ending(how="finished", code=0)
        except Exception as error:  # the trials of other places go on
            record.ending = Ending(how="exception", error=type(error).__name__, message=str(error))
            self.data.limits.append(f"The trials at {place.name} ended early: {type(error).__name__}: {error}.")
        finally:
            record.wall_s = time.monotonic() - began_s
            self._state.restore()

    def compare_environments(self, comparison: RehearsalPlan, facts: Facts) -> None:
        self.data.limits.append(
            f"Not tried here: {comparison.arms[-1].label}, which needs processes of its own. "
            "Use fitdoctor diagnose for a script."
        )

    def measure_together(self, facts: Facts) -> None:
        """Does nothing: that needs a process of its own."""

    def progress_at(
        self, site: Site, record: Rehearsal | None = None, *, extra_s: float = 0.0
    ) -> Callable[[str], None]:
        def tell(text: str) -> None:
            budget_s = self.data.budget_s + extra_s
            self.progress.trial(f"{text} at {file_and_line(site)}", self.budget.spent_s(), budget_s, "")

        return tell

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
        """Calls fit under a role."""
        undos = (
            track_new_workers(),
            self._redirect.install(backends.keras_of(self._model)).undo,
            patch_points.record_recipes(),
            patch_points.install(role),
        )
        with while_trials_run(), patch_points.undone_after(*undos), _quiet(), contextlib.suppress(FitLeft):
            keras_internals.set_functions_aside(self._model)
            self._call.make(self._redirect)


def _ledger() -> Ledger:
    return Ledger("script", started_s=time.monotonic())


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Hides progress bars and warnings of fits that are cut short.

    Our own progress has its stream already.
    """
    with open(os.devnull, "w", encoding="utf-8") as nowhere, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with contextlib.redirect_stdout(nowhere), contextlib.redirect_stderr(nowhere):
            yield
