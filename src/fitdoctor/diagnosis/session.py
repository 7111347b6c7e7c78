"""One diagnosis from end to end: scout, causes, rehearsals, report."""

from __future__ import annotations

import os
import time
from pathlib import Path

from fitdoctor.diagnosis.interrupted import DiagnosisInterruptedError
from fitdoctor.diagnosis.progress import Progress
from fitdoctor.diagnosis.rehearsals import compare_environments, measure_whole, rehearse
from fitdoctor.diagnosis.scouting import run_through
from fitdoctor.diagnosis.signals import terminated_as_interrupted, undisturbed
from fitdoctor.diagnosis.workspace import DiagnosisWorkspace
from fitdoctor.errors import FitdoctorError
from fitdoctor.facts.facts import Facts
from fitdoctor.process import memory_watch
from fitdoctor.process.machine_lock import MachineLock
from fitdoctor.process.request import DiagnoseRequest
from fitdoctor.recording.model import Ending
from fitdoctor.report.model import Report
from fitdoctor.trials.plan import plan, plan_environments
from fitdoctor.trials.timeline import FIRST_ANSWER

UNWATCHED = "This system does not tell how much memory is left, so what the trials held was not watched."
DISTURBED = (
    "Another diagnosis was running on this machine: {}. Each disturbs what the other one times, so figures are less certain. "
    "Diagnose one script after another."
)
DISTURBED_LATER = (
    "Another diagnosis began on this machine meanwhile. Each disturbs what the other one times, so figures are less certain. "
    "Diagnose one script after another."
)
LAUNCHERS = (
    "torch.distributed.run",
    "torch.distributed.launch",
    "torchrun",
    "accelerate.commands.launch",
    "horovod.runner.launch",
)


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
    desk = DiagnosisWorkspace(request, progress)
    lock = MachineLock()
    if lock.holder:
        desk.disturbed(DISTURBED.format(lock.holder))
    with terminated_as_interrupted():
        try:
            return _diagnose(desk, lock)
        except KeyboardInterrupt:
            with undisturbed():
                _interrupted(desk)
            raise DiagnosisInterruptedError(desk.report_so_far()) from None
        finally:
            with undisturbed():
                desk.stop()
                lock.release()


def _diagnose(desk: DiagnosisWorkspace, lock: MachineLock) -> Report:
    with desk.stages.within("scout"):
        run_through(desk)
    desk.save()
    facts = Facts(desk.data)
    desk.progress.first_answer(desk.report("first answer"))
    desk.stages.add(FIRST_ANSWER, time.monotonic(), 0.0)
    if not memory_watch.can_be_watched():
        desk.data.limits.append(UNWATCHED)
    rehearsals, comparisons = plan(facts), plan_environments(facts)
    desk.budget.reserve(rehearsals, comparisons, facts)
    for each in rehearsals:
        rehearse(desk, each, facts, rehearsals)
        desk.save()
    desk.budget.release()
    for each in comparisons:
        with desk.stages.within("processes"):
            compare_environments(desk, each, facts)
        desk.save()
    measure_whole(desk, facts)
    if lock.release():
        desk.disturbed(DISTURBED_LATER)
    return desk.report_so_far() or desk.report()


def _interrupted(desk: DiagnosisWorkspace) -> None:
    """Notes what the diagnosis was at, and stops."""
    data = desk.data
    data.interrupted = desk.at
    if data.rehearsals and data.rehearsals[-1].ending.how == "unfinished":
        data.rehearsals[-1].ending = Ending(how="interrupted")
    desk.stop()


def _decline_launchers(request: DiagnoseRequest) -> None:
    started = request.target if request.mode == "module" else Path(request.target).name
    cluster = [name for name in ("TORCHELASTIC_RUN_ID", "TF_CONFIG", "OMPI_COMM_WORLD_SIZE") if os.environ.get(name)]
    if started in LAUNCHERS or cluster:
        received = started if started in LAUNCHERS else f"{cluster[0]} in the environment"
        raise FitdoctorError(
            f"Received {received}: a training on several processes. Expected one process, the only kind that can be diagnosed so far. "
            "Diagnose the script itself on one device, without its launcher."
        )
