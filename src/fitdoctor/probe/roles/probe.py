"""One recorded process: its role, its record, and how it ends."""

from __future__ import annotations

import os
import sys
from typing import Any

from fitdoctor.probe.processes.run_notes import SUFFIX, RunNotes
from fitdoctor.probe.roles import bystander, endings
from fitdoctor.probe.roles.base import RecordingRole
from fitdoctor.probe.roles.record_saving import BLOCKED
from fitdoctor.probe.support import call_sites
from fitdoctor.probe.support.hidden_thread import HiddenThread
from fitdoctor.probe.support.record_writer import Store
from fitdoctor.probe.timing.time_ledger import Ledger
from fitdoctor.recording.model import Ending, ProcessRecord

# How long the end of the script waits for the thread that saves. It is asleep, or saves for the last time.
SAVING_PATIENCE_S = 1.0
# Roles in which the script is only tried: nothing of the user's may change. In the others it runs for real.
TRIED = ("scout", "rehearsal", bystander.ROLE)
REFUSED = (
    "The script was about to start {program}, which may change files. fitdoctor can't prevent that, so it was not "
    "started. Pass --allow-writes if it may, or diagnose a copy of the folder."
)
REPLACED = (
    "The script was about to replace its process by {program} (os.exec). fitdoctor can't protect files from that "
    "program, so it was not started. Set beforehand what the script restarts itself for (for instance "
    "PYTHONHASHSEED=0 fitdoctor diagnose train.py), or diagnose the program that it starts."
)


class Probe:
    """Holds the role, the record and the account of time of this process.

    `launch` reports how the script ended.

    Args:
        spec: What our own process asks for: `role`, `spawned_s`, `out`, and what the role needs.
    """

    def __init__(self, spec: dict[str, Any]) -> None:
        self.spec = spec
        self.ledger = Ledger("start", started_s=spec["spawned_s"])
        self.record = ProcessRecord(limits=list(spec.get("limits", ())))
        self.notes = RunNotes(spec.get("notes") or spec["out"] + SUFFIX)
        self._store = Store(spec["out"], lambda: self.record)
        self.role = self._make_role()
        self.saving: HiddenThread | None = None

    @property
    def tried(self) -> bool:
        """Whether the script is only tried."""
        return self.spec["role"] in TRIED

    @property
    def is_bystander(self) -> bool:
        """Whether this is a program that the script under diagnosis has started."""
        return bool(self.spec["role"] == bystander.ROLE)

    def _make_role(self) -> RecordingRole:
        arguments = self.record, self.ledger, self._store.save
        name = self.spec["role"]
        if name == "watch":
            from fitdoctor.probe.roles.watch import WatchRole

            return WatchRole(*arguments)
        if name == "rehearsal":
            from fitdoctor.probe.roles.rehearsal import RehearsalRole

            return RehearsalRole(*arguments, self.spec)
        if name == "treat":
            from fitdoctor.probe.roles.treat import TreatRole

            return TreatRole(*arguments, self.spec)
        from fitdoctor.probe.roles.scout import ScoutRole

        role = ScoutRole(*arguments)
        if name != bystander.ROLE:
            role.folder = _users_folder(self.spec)
            role.sample_start()
        return role

    def started(self) -> None:
        """Writes a first record. If there is none, our own process knows that the interpreter never came here."""
        self._store.save()

    # how the script ends

    def exited(self, exit_: SystemExit) -> None:
        self.role.end(endings.of_exit(exit_))

    def raised(self, error: BaseException) -> None:
        self.role.end(endings.of_error(error))

    def finish(self) -> None:
        """The script has ended. What follows is the interpreter's shutdown."""
        self.ledger.rebase("shutdown")
        self.role.end(Ending(how="finished", code=0))
        if self.saving is not None:
            # A thread that wakes during the shutdown is ended by pthread_exit, which aborts the process if no file can
            # be opened.
            self.saving.stop(SAVING_PATIENCE_S)

    # why the probe ends it

    def blocked(self, path: str, event: str) -> None:
        """Ends the process before it changes a file of the user's. A program that the script started gets an error."""
        if self.is_bystander:
            raise PermissionError(
                f"fitdoctor: {path} was there before; pass --allow-writes to let the script change it."
            )
        self.role.end(Ending(how="blocked-write", message=path, error=event, site=call_sites.find()))
        os._exit(BLOCKED)

    def refused(self, program: str) -> None:
        """Ends the process before it starts a program that may change files without the write guard."""
        self._end_declined(REFUSED.format(program=program))

    def replaced(self, program: str) -> None:
        """Ends the process before another program replaces it, without the write guard."""
        self._end_declined(REPLACED.format(program=program))

    def _end_declined(self, why: str) -> None:
        if self.is_bystander:
            raise PermissionError(f"fitdoctor: {why}")
        self._end(Ending(how="declined", message=why, site=call_sites.find()))

    def decline(self, why: str) -> None:
        """Ends the process if the script is only tried. In a real training the reason becomes a limit of the record."""
        if not self.tried:
            self.role.missing(why)
        elif not self.is_bystander:
            self._end(Ending(how="declined", message=why))

    def _end(self, ending: Ending) -> None:
        self.role.end(ending)
        sys.stdout.flush()
        os._exit(BLOCKED)


def _users_folder(spec: dict[str, Any]) -> str:
    """The folder of the modules that the script imports by name. Empty for code without a file."""
    if spec["mode"] == "code":
        return ""
    try:
        return os.path.dirname(os.path.realpath(spec["target"])) if spec["mode"] == "script" else os.getcwd()
    except OSError:  # the current directory does not exist any more
        return ""
