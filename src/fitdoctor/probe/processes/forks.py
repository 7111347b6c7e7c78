"""Silences the probe in forked processes: only the script's own process is diagnosed.

A forked process has a copy of the probe. It writes no record and answers no command. If it calls `fit`, the report says
so. In a diagnosis, its fits are cut as short as those before a rehearsal's target. In a real training, they train.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, Protocol

from fitdoctor.probe.processes.run_notes import place
from fitdoctor.probe.support import call_sites, guard
from fitdoctor.probe.support.originals import threading

if TYPE_CHECKING:
    from fitdoctor.probe.processes.run_notes import RunNotes
    from fitdoctor.recording.model import Site

# A `DataLoader` may fork at every epoch.
MOST_NOTED = 8


class Probe(Protocol):
    """The part of `roles.probe.Probe` that is needed here."""

    @property
    def role(self) -> Any: ...

    @property
    def notes(self) -> RunNotes: ...


class Forks:
    """Observes the forks of one process.

    Args:
        probe: The probe of the script.
        tried: Whether this is a diagnosis, and no real training.
    """

    def __init__(self, probe: Probe, *, tried: bool) -> None:
        self._probe, self._tried = probe, tried
        self._count = 0
        self._site: Site | None = None

    def install(self) -> None:
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(
                before=lambda: guard.guarded(self._note_place),
                after_in_child=lambda: guard.guarded(self._in_child),
            )

    def _note_place(self) -> None:
        """Runs before there are two processes, either of which may fork again first."""
        if self._count < MOST_NOTED:
            self._count += 1
            self._site = call_sites.find()
            self._note(False)

    def _note(self, fits: bool) -> None:
        if self._site is not None:
            self._probe.notes.add("process", kind="forked", site=place(self._site), fits=fits)

    def _in_child(self) -> None:
        leave(self._probe, tried=self._tried, fitted=lambda: self._note(True))


def leave(probe: Probe, *, tried: bool, fitted: Any) -> None:
    """Silences the probe of a process that is not diagnosed.

    The patch points hold the role's methods since Keras was imported. What those look up on the role each time
    is replaced.

    Args:
        probe: The probe of this process.
        tried: Whether its fits are cut.
        fitted: Called before a fit begins.
    """
    role: Any = probe.role
    silent = {"end": _nothing, "save_now": _nothing, "overdue": _nothing, "_save": _nothing}
    vars(role).update(silent, main=threading.get_ident(), timer=None)
    if tried:
        fit = role._fit

        def noted(*arguments: Any) -> Any:
            guard.guarded(fitted)
            return fit(*arguments)

        vars(role).update(_fit=noted, hurried=True)
        if hasattr(role, "leave_target"):
            role.leave_target()
        return

    def entered(kind: str, *arguments: Any) -> None:
        if kind == "fit":
            fitted()

    vars(role).update(_begin=entered)
    role.step_skip.end()


def _nothing(*arguments: Any, **keywords: Any) -> None:
    """Replaces the functions that write the record."""
