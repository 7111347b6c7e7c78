"""What becomes of the probe in a process that the script forks: it is the script's own process that is diagnosed.

A forked process has a copy of us. It writes no record, takes no command and answers none. Where it calls `fit`, that is
noted for the report. In a script that is only tried, its fits are cut as short as those on the way to a rehearsal's
target; a real one trains.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from fitdoctor.probe.processes.run_notes import place
from fitdoctor.probe.support import call_sites, guard
from fitdoctor.probe.support.originals import threading

if TYPE_CHECKING:
    from fitdoctor.probe.roles.probe import Probe
    from fitdoctor.recording.model import Site

MOST_NOTED = 8
"""Places of forks that are noted: a `DataLoader` may fork at every epoch."""


class Forks:
    """Follows the forks of one process.

    Args:
        probe: Of the script.
        tried: Whether the script is only tried.
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
        """Before there are two processes, of which either may be the first to fork again."""
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
    """Takes record, commands and looking from the probe of a process that is not the one to be diagnosed.

    The patch points hold the role's methods since Keras was imported. What those look up on the role each time
    is replaced.

    Args:
        probe: Of this process.
        tried: Whether its fits are cut.
        fitted: Called when fit is about to begin.
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
    """Stands where the script's own process writes its record."""
