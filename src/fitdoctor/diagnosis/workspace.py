"""What all stages of a diagnosis lean on:

the recording, the child that runs at the moment, and the folders that it may change.
"""

from __future__ import annotations

import io
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from fitdoctor.analysis import build
from fitdoctor.diagnosis.progress import Progress
from fitdoctor.diagnosis.stage import stage_of
from fitdoctor.diagnosis.time_budget import Budget
from fitdoctor.errors import FitdoctorError
from fitdoctor.process import exit_messages, file_changes
from fitdoctor.process.child import KEPT_LAYERS, Child, StandardInput, no_room
from fitdoctor.process.messages import Ended, Started
from fitdoctor.process.remove_tree import remove_tree
from fitdoctor.process.request import LAYER_SWITCH, DiagnoseRequest, new_run
from fitdoctor.recording.folder import prove_room
from fitdoctor.recording.load import decode_scout
from fitdoctor.recording.model import CallSiteRecord, Fit, ProcessRecord, Rehearsal, Site
from fitdoctor.recording.notes import SUFFIX, merge, read_notes, unnoted
from fitdoctor.recording.signature import save_signed
from fitdoctor.regular_files import read_regular
from fitdoctor.report.model import Report
from fitdoctor.report.text_files import protection, shortened
from fitdoctor.trials.change_lines import not_ours, sentences
from fitdoctor.trials.stage import Stage
from fitdoctor.trials.statistics import DECISION_ROUNDS
from fitdoctor.trials.timeline import Stages

SHOWN_CHANGES = 5
"""Changed files that a message names; a report lists more."""

READ_ONLY = "No scratch layer could be laid over {}: your script could only read there."
REBUILT = (
    "Another file system is mounted in {}. Under the scratch layer your script could not rename or remove the folders there, and could "
    "only read its large files."
)
SWITCHED_OFF = f"the variable {LAYER_SWITCH}=0 switched it off"
LEFT_RUNNING = "What your script left running was ended with it: {}."
FULL = "Your script filled the scratch layer that takes what it writes ({}), and was ended."

LOST = "What your script would have changed on disk is not known in whole: the process that keeps the list was ended during a run."
WITH_PYTHON = " Run with python, it does change them."
MOVED = "What your script made while it was tried, and left behind, was moved to"
TOLD_WITHOUT_A_REPORT = tuple(sentence.partition("{")[0] for sentence in (MOVED, FULL, REBUILT, LOST))


class DiagnosisWorkspace:
    """Holds what is known so far, and at most one child.

    Args:
        request: What is diagnosed.
        progress: Told of every stage.
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
        self.budget = Budget(request, self.data, began_s=began_clock_s)
        self.stages = Stages(self.data.stages, began_s=began_clock_s)
        self.at = "scout"
        self._stdin = StandardInput(None if request.stdin else io.StringIO())
        self._child: Child | None = None
        self._best = ""
        folders = {Path.cwd().resolve()}
        if request.mode == "script":
            folders.add(Path(request.target).resolve().parent)
        self._folders = [folder for folder in folders if not any(other in folder.parents for other in folders)]
        self._tree = file_changes.look(self._folders)
        self._layer_changes: dict[str, str] = {}
        self._more_changes: dict[str, int] = {}
        self._moved: list[str] = []

    # the child

    def start(self, role: str, **spec: Any) -> Child:
        """Starts a child in a role, to be ended before the next one."""
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
        """What a child has recorded up to now."""
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
        """Leaves no process and no scratch file of the child behind."""
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
        """Keeps what held back the writes of all children so far: one without a layer makes it a guard."""
        if self.request.allow_writes:
            return
        if not started.layered:
            self.data.protection, self.data.protection_note = (
                "guard",
                started.why or ("" if self.request.layered else SWITCHED_OFF),
            )
        elif not self.data.protection:
            self.data.protection = "layer"
        self._limit([READ_ONLY.format(", ".join(started.read_only))] if started.read_only else [])
        self._limit([REBUILT.format(", ".join(started.rebuilt))] if started.rebuilt else [])

    def _note_end(self, ended: Ended, *, lost: bool = False) -> None:
        """Keeps what a child's layer held; a file that one child makes and another one changes is new."""
        for kind, path in ended.changes:
            self._layer_changes.setdefault(path, kind)
        for kind, count in ended.more_changes.items():
            self._more_changes[kind] = max(count, self._more_changes.get(kind, 0))
        self._limit([LEFT_RUNNING.format("; ".join(ended.left_running))] if ended.left_running else [])
        self._limit([FULL.format(ended.full)] if ended.full else [])
        self._limit([LOST] if lost else [])

    def _move_made(self, listed: Path) -> None:
        """Without a layer, what a child left behind goes from the user's folders:

        a lock would bar the real training.
        """
        keep = self.request.folder.path / f"left-behind-{self.data.tried_runs}"
        self._moved += file_changes.remove_made(listed, keep, self._tree)
        if self._moved:
            names = ", ".join(
                line.removeprefix("new: ")
                for line in sentences([("new", path) for path in self._moved[:SHOWN_CHANGES]])
            )
            more = f" and {len(self._moved) - SHOWN_CHANGES} more" if len(self._moved) > SHOWN_CHANGES else ""
            self.data.limits = [limit for limit in self.data.limits if not limit.startswith(MOVED)]
            self.data.limits.append(f"{MOVED} {self.request.folder.shown}: {names}{more}.")

    def disturbed(self, sentence: str) -> None:
        """Says at once, and in the report, that something disturbs what is timed."""
        self.progress.note(sentence)
        self._limit([sentence])

    def _limit(self, sentences: list[str]) -> None:
        self.data.limits += [sentence for sentence in sentences if sentence not in self.data.limits]

    def _changes(self) -> list[str]:
        if self.data.protection == "layer":
            found = ((kind, path) for path, kind in self._layer_changes.items())
            return sentences(not_ours(found, str(self.request.folder.path.absolute())), self._more_changes)
        return file_changes.changed(self._tree, file_changes.look(self._folders))

    def stop(self) -> None:
        """Keeps what the child recorded, and ends it."""
        if self.data.scout is None and self._child is not None:
            self.data.scout = self.read(self._child)
        self.end_child()
        remove_tree(str(self.request.folder.path / KEPT_LAYERS))

    # the record

    def save(self) -> None:
        """Saves what there is, with what the script changed on disk."""
        with self.stages.within("saving"):
            self.data.changed_files = self._changes()
        self.keep()

    def keep(self) -> None:
        """Saves what there is, so that the best answer so far outlives whatever ends this process."""
        self.data.spent_s = self.budget.spent_s()
        try:
            save_signed(self.data, self.request.folder.run_file)
        except FitdoctorError as error:
            self.progress.note(str(error))

    def report_so_far(self) -> Report | None:
        """The report of what was learned until now, saved; None where nothing was."""
        if self.data.scout is None or not exit_messages.learned_something(self.data.scout):
            return None
        self.save()
        return self.report(stage_of(self.data))

    def report(self, stage: Stage = "final") -> Report:
        """The report that follows from what there is."""
        return build(self.data, stage=stage)

    def check_room(self) -> None:
        """Tells a child that could not write its record from one that had none.

        Raises:
            FitdoctorError: There is no room.
        """
        try:
            prove_room(self.request.folder.path)
        except OSError as error:
            raise FitdoctorError(no_room(self.request.folder.path, error)) from None

    def on_disk(self) -> str:
        """What the script changed on disk, or would have, for a message that no report goes with."""
        layered, changes = self.data.protection == "layer", shortened(self._changes())
        title = "Your script would have changed on disk:" if layered else "Changed on disk while your script was tried:"
        told = [title, *(f"  {change}" for change in changes)] if changes else []
        told += [limit for limit in self.data.limits if limit.startswith(TOLD_WITHOUT_A_REPORT)]
        said = protection(self.data.protection, self.data.protection_note)
        told += [said + (WITH_PYTHON if layered and changes else "")] if said else []
        return "".join(f"\n{line}" for line in told)

    # progress

    def teller(self, site: Site, record: Rehearsal | None = None, *, beyond_s: float = 0.0) -> Callable[[str], None]:
        """A function that shows what is being tried at a place, with the best answer so far.

        Args:
            site: The place.
            record: Of the rehearsal whose windows may bring a better answer.
            beyond_s: Seconds on top of the ordinary budget.
        """

        def tell(text: str) -> None:
            best = self._best if record is None else self._best_of(record)
            self.progress.trial(
                f"{text} at {where(site)}", self.budget.spent_s(), self.request.budget_s + beyond_s, best
            )

        return tell

    def _best_of(self, record: Rehearsal) -> str:
        prescription = (
            self.report().prescription if record.windows and record.windows[-1].round in DECISION_ROUNDS else None
        )
        if prescription is not None:
            self._best = f"{prescription.speedup.mid:.1f}× with {' + '.join(prescription.remedies)}"
        return self._best


def where(site: Site) -> str:
    """A place in few words, such as `train.py:31`."""
    return f"{Path(site.file).name}:{site.line}"


def target_of(unit: Fit | CallSiteRecord, kind: str) -> dict[str, Any]:
    """Where a rehearsal goes, for its child."""
    return {"kind": kind, "file": unit.site.file, "line": unit.site.line}
