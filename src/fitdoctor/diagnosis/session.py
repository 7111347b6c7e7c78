"""The diagnosis of a script in child processes, for the command line."""

from __future__ import annotations

import os
from pathlib import Path

from fitdoctor.diagnosis import rehearsals, scouting
from fitdoctor.diagnosis.driver import TrialPlace, run_stages
from fitdoctor.diagnosis.interrupted import DiagnosisInterruptedError
from fitdoctor.diagnosis.progress import Progress
from fitdoctor.diagnosis.signals import signals_ignored, termination_interrupts
from fitdoctor.diagnosis.workspace import DiagnosisWorkspace
from fitdoctor.errors import FitdoctorError
from fitdoctor.facts.facts import Facts
from fitdoctor.process import memory_watch
from fitdoctor.process.machine_lock import MachineLock
from fitdoctor.process.request import DiagnoseRequest
from fitdoctor.recording.model import Ending
from fitdoctor.report.model import Report
from fitdoctor.trials.plan import RehearsalPlan

UNWATCHED = "This system does not report how much memory is left, so the memory of the trials was not watched."
DISTURBED = (
    "Another diagnosis was running on this machine: {}. Each disturbs the timings of the other, so figures are less "
    "certain. Diagnose one script after another."
)
DISTURBED_LATER = (
    "Another diagnosis began on this machine meanwhile. Each disturbs the timings of the other, so figures are less "
    "certain. Diagnose one script after another."
)
LAUNCHERS = (
    "torch.distributed.run",
    "torch.distributed.launch",
    "torchrun",
    "accelerate.commands.launch",
    "horovod.runner.launch",
)
# Variables that launchers of several processes set.
CLUSTER_VARIABLES = ("TORCHELASTIC_RUN_ID", "TF_CONFIG", "OMPI_COMM_WORLD_SIZE")


class ChildProcessRunner(DiagnosisWorkspace):
    """Runs the script again and again, in one child process after another."""

    budget_option = "--budget"

    def scout(self) -> None:
        scouting.run_through(self)

    def startup_s(self, target: RehearsalPlan, facts: Facts) -> float:  # noqa: ARG002 - every unit is as far away
        return self.budget.startup_s()

    def rehearse(self, place: TrialPlace) -> None:
        if not memory_watch.can_be_watched():
            self.add_limits([UNWATCHED])
        rehearsals.rehearse(self, place)

    def compare_environments(self, comparison: RehearsalPlan, facts: Facts) -> None:
        with self.timeline.within("processes"):
            rehearsals.compare_environments(self, comparison, facts)

    def measure_together(self, facts: Facts) -> None:
        rehearsals.measure_together(self, facts)


def diagnose_script(request: DiagnoseRequest, progress: Progress) -> Report:
    """Diagnoses one script.

    Args:
        request: What to diagnose. It is checked already, as far as that is possible without running the script.
        progress: Called at every stage.

    Raises:
        FitdoctorError: No verdict is possible. The message says why and how to go on.
        DiagnosisInterruptedError: The user pressed Ctrl-C. It holds the report of what was learned.
    """
    _decline_launchers(request)
    runner = ChildProcessRunner(request, progress)
    lock = MachineLock()
    if lock.holder:
        runner.warn(DISTURBED.format(lock.holder))
    with termination_interrupts():
        try:
            run_stages(runner)
            if lock.release():
                runner.warn(DISTURBED_LATER)
            return runner.report_so_far() or runner.report()
        except KeyboardInterrupt:
            with signals_ignored():
                _note_interruption(runner)
            raise DiagnosisInterruptedError(runner.report_so_far()) from None
        finally:
            with signals_ignored():
                runner.stop()
                lock.release()


def _note_interruption(runner: ChildProcessRunner) -> None:
    """Records which stage was interrupted, and stops."""
    data = runner.data
    data.interrupted = runner.current_stage
    if data.rehearsals and data.rehearsals[-1].ending.how == "unfinished":
        data.rehearsals[-1].ending = Ending(how="interrupted")
    runner.stop()


def _decline_launchers(request: DiagnoseRequest) -> None:
    started = request.target if request.mode == "module" else Path(request.target).name
    cluster = [name for name in CLUSTER_VARIABLES if os.environ.get(name)]
    if started in LAUNCHERS or cluster:
        received = started if started in LAUNCHERS else f"{cluster[0]} in the environment"
        raise FitdoctorError(
            f"Received {received}: a training on several processes. Expected one process, the only kind that can be "
            "diagnosed so far. Diagnose the script itself on one device, without its launcher."
        )
