"""The shared state of a diagnosis: its recording, its current child, and the folders that the child may change."""

from __future__ import annotations

import io
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from fitdoctor.analysis import build
from fitdoctor.diagnosis.progress import Progress
from fitdoctor.diagnosis.stage import stage_reached
from fitdoctor.diagnosis.time_budget import TimeBudget
from fitdoctor.errors import FitdoctorError
from fitdoctor.facts.locations import file_and_line
from fitdoctor.facts.measured_units import has_measured_units
from fitdoctor.process import file_changes
from fitdoctor.process.change_lines import not_ours, sentences
from fitdoctor.process.child import KEPT_LAYERS, Child, StandardInput, no_room
from fitdoctor.process.messages import Ended, Started
from fitdoctor.process.remove_tree import remove_tree
from fitdoctor.process.request import LAYER_SWITCH, DiagnoseRequest, new_run
from fitdoctor.recording.folder import prove_room
from fitdoctor.recording.load import decode_scout
from fitdoctor.recording.model import ProcessRecord, Rehearsal, Site
from fitdoctor.recording.notes import SUFFIX, merge, read_notes, unnoted
from fitdoctor.recording.signature import save_signed
from fitdoctor.regular_files import read_regular
from fitdoctor.report.model import Report, ReportStage
from fitdoctor.report.text_files import protection, shortened
from fitdoctor.trials.statistics import DECISION_ROUNDS
from fitdoctor.trials.timeline import Stages

# Changed files that a message names. A report lists more.
SHOWN_CHANGES = 5

READ_ONLY = "No scratch layer could be laid over {}: your script could only read there."
REBUILT = (
    "Another file system is mounted in {}. Under the scratch layer your script could not rename or remove the folders "
    "there, and could only read its large files."
)
SWITCHED_OFF = f"the variable {LAYER_SWITCH}=0 switched it off"
LEFT_RUNNING = "What your script left running was ended with it: {}."
FULL = "Your script filled the scratch layer that takes what it writes ({}), and was ended."

LOST = (
    "What your script would have changed on disk is not known in whole: the process that keeps the list was ended "
    "during a run."
)
WITH_PYTHON = " Run with python, it does change them."
MOVED = "What your script made while it was tried, and left behind, was moved to"
LIMITS_WITHOUT_A_REPORT = tuple(sentence.partition("{")[0] for sentence in (MOVED, FULL, REBUILT, LOST))


class DiagnosisWorkspace:
    """Holds the recording of a diagnosis, its budget, and at most one child at a time.

    Args:
        request: What to diagnose.
        progress: Called at every stage.
    """

    def __init__(self, request: DiagnoseRequest, progress: Progress) -> None:
        self.request, self.progress = request, progress
        self._began_s, began_clock_s = time.time(), time.monotonic()
        self.data = new_run(request, watched=request.watched, budget_s=request.budget_s, offline=request.offline)
        self.name = (
            Path(request.target).name
            if request.mode == "script"
            else request.target
            if request.mode == "module"
            else "-c"
        )
        self.budget = TimeBudget(self.data, race_budget_s=request.race_budget_s, began_s=began_clock_s)
        self.timeline = Stages(self.data.stages, began_s=began_clock_s)
        self.current_stage = "scout"
        self._stdin = StandardInput(None if request.stdin else io.StringIO())
        self._child: Child | None = None
        self._best = ""
        folders = {Path.cwd().resolve()}
        if request.mode == "script":
            folders.add(Path(request.target).resolve().parent)
        self._folders = [folder for folder in folders if not any(other in folder.parents for other in folders)]
        self._files_before = file_changes.list_files(self._folders)
        self._layer_changes: dict[str, str] = {}
        self._more_changes: dict[str, int] = {}
        self._moved: list[str] = []

    # the child

    def start(self, role: str, **spec: Any) -> Child:
        """Starts a child in a role. It must be ended before the next one starts."""
        self._child = Child(
            self.request,
            role,
            folder=self.request.folder.path / f"child-{len(self.data.rehearsals)}-{role}",
            stdin=self._stdin,
            log=self.request.folder.log_file,
            began_s=self._began_s,
            **spec,
        )
        self._note_protection(self._child.contained.started)
        return self._child

    def read(self, child: Child) -> ProcessRecord | None:
        """Returns what a child has recorded so far; None where that can't be read."""
        try:
            scout = decode_scout(read_regular(child.out))
        except (OSError, FitdoctorError):
            return None
        scout.others = read_notes(self._notes(child)).others
        return scout

    @staticmethod
    def _notes(child: Child) -> Path:
        return child.out.with_name(child.out.name + SUFFIX)

    def end_child(self) -> None:
        """Ends the child, and removes all of its processes and scratch files."""
        if self._child is not None:
            self._child.end()
            self._note_end(self._child.contained.ended, lost=self._child.contained.lost)
            self.data.tried_runs += 1
            noted = read_notes(self._notes(self._child)).effects
            merge(self.data.side_effects, [*noted, *unnoted(noted, self._child.contained.ended.connections)])
            if not self.request.allow_writes and not self._child.contained.started.layered:
                self._move_made(self._child.out.with_name(file_changes.MADE))
            shutil.rmtree(self._child.out.parent, ignore_errors=True)
            self._child = None

    def _note_protection(self, started: Started) -> None:
        """Records how the files were protected. One child without a layer makes it "guard" for the whole diagnosis."""
        if self.request.allow_writes:
            return
        if not started.layered:
            self.data.protection, self.data.protection_note = (
                "guard",
                started.why or ("" if self.request.layered else SWITCHED_OFF),
            )
        elif not self.data.protection:
            self.data.protection = "layer"
        self.add_limits([READ_ONLY.format(", ".join(started.read_only))] if started.read_only else [])
        self.add_limits([REBUILT.format(", ".join(started.rebuilt))] if started.rebuilt else [])

    def _note_end(self, ended: Ended, *, lost: bool = False) -> None:
        """Records what a child's layer held. A file that one child makes and another one changes is new."""
        for kind, path in ended.changes:
            self._layer_changes.setdefault(path, kind)
        for kind, count in ended.more_changes.items():
            self._more_changes[kind] = max(count, self._more_changes.get(kind, 0))
        self.add_limits([LEFT_RUNNING.format("; ".join(ended.left_running))] if ended.left_running else [])
        self.add_limits([FULL.format(ended.full)] if ended.full else [])
        self.add_limits([LOST] if lost else [])

    def _move_made(self, listed: Path) -> None:
        """Moves files that a child left behind out of the user's folders, where there is no layer.

        A lock that stays there would block the real training.
        """
        keep = self.request.folder.path / f"left-behind-{self.data.tried_runs}"
        self._moved += file_changes.remove_made(listed, keep, self._files_before)
        if self._moved:
            names = ", ".join(
                line.removeprefix("new: ")
                for line in sentences([("new", path) for path in self._moved[:SHOWN_CHANGES]])
            )
            more = f" and {len(self._moved) - SHOWN_CHANGES} more" if len(self._moved) > SHOWN_CHANGES else ""
            self.data.limits = [limit for limit in self.data.limits if not limit.startswith(MOVED)]
            self.data.limits.append(f"{MOVED} {self.request.folder.shown}: {names}{more}.")

    def warn(self, sentence: str) -> None:
        """Shows a sentence now, and in the report."""
        self.progress.note(sentence)
        self.add_limits([sentence])

    def add_limits(self, sentences: list[str]) -> None:
        """Adds sentences to the limits of the report, each only once."""
        self.data.limits += [sentence for sentence in sentences if sentence not in self.data.limits]

    def _changes(self) -> list[str]:
        if self.data.protection == "layer":
            found = ((kind, path) for path, kind in self._layer_changes.items())
            return sentences(not_ours(found, str(self.request.folder.path.absolute())), self._more_changes)
        return file_changes.changed(self._files_before, file_changes.list_files(self._folders))

    def stop(self) -> None:
        """Ends the child, and keeps what it recorded."""
        if self.data.scout is None and self._child is not None:
            self.data.scout = self.read(self._child)
        self.end_child()
        remove_tree(str(self.request.folder.path / KEPT_LAYERS))

    # the record

    def save(self) -> None:
        """Saves the recording, with the files that the script changed."""
        with self.timeline.within("saving"):
            self.data.changed_files = self._changes()
        self.keep()

    def keep(self) -> None:
        """Saves the recording, so that it survives the end of this process."""
        self.data.spent_s = self.budget.spent_s()
        try:
            save_signed(self.data, self.request.folder.run_file)
        except FitdoctorError as error:
            self.progress.note(str(error))

    def report_so_far(self) -> Report | None:
        """Saves, and returns the report of what was learned so far; None if nothing was."""
        if self.data.scout is None or not has_measured_units(self.data.scout):
            return None
        self.save()
        return self.report(stage_reached(self.data))

    def report(self, stage: ReportStage = "final") -> Report:
        """Returns the report of the recording as it is now."""
        return build(self.data, stage=stage)

    def check_disk_space(self) -> None:
        """Checks whether a missing record is due to a full disk.

        Raises:
            FitdoctorError: The disk is full.
        """
        try:
            prove_room(self.request.folder.path)
        except OSError as error:
            raise FitdoctorError(no_room(self.request.folder.path, error)) from None

    def changes_message(self) -> str:
        """Returns the lines about changed files, for an error message that comes without a report."""
        layered, changes = self.data.protection == "layer", shortened(self._changes())
        title = "Your script would have changed on disk:" if layered else "Changed on disk while your script was tried:"
        lines = [title, *(f"  {change}" for change in changes)] if changes else []
        lines += [limit for limit in self.data.limits if limit.startswith(LIMITS_WITHOUT_A_REPORT)]
        words = protection(self.data.protection, self.data.protection_note)
        lines += [words + (WITH_PYTHON if layered and changes else "")] if words else []
        return "".join(f"\n{line}" for line in lines)

    # progress

    def progress_at(
        self, site: Site, record: Rehearsal | None = None, *, extra_s: float = 0.0
    ) -> Callable[[str], None]:
        """Returns a function that shows what is tried at a place, with the best answer so far.

        Args:
            site: The place.
            record: The rehearsal whose windows may bring a better answer.
            extra_s: Seconds on top of the ordinary budget.
        """

        def tell(text: str) -> None:
            best = self._best if record is None else self._best_of(record)
            self.progress.trial(
                f"{text} at {file_and_line(site)}", self.budget.spent_s(), self.request.budget_s + extra_s, best
            )

        return tell

    def _best_of(self, record: Rehearsal) -> str:
        prescription = (
            self.report().prescription if record.windows and record.windows[-1].round in DECISION_ROUNDS else None
        )
        if prescription is not None:
            self._best = f"{prescription.speedup.mid:.1f}× with {' + '.join(prescription.remedies)}"
        return self._best
