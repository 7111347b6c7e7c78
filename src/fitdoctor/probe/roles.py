"""What a child process is for: each role is a director behind the same seams."""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Callable
from types import ModuleType
from typing import Any

from fitdoctor.probe import sites
from fitdoctor.probe.files import Guard, Redirect
from fitdoctor.probe.hook import ImportHook
from fitdoctor.probe.ledger import Ledger
from fitdoctor.probe.scout import ScoutDirector
from fitdoctor.probe.store import Store
from fitdoctor.recording.model import Ending, Scout

BLOCKED = 75
"""Exit code of a child that ended rather than change one of the user's files."""


class Probe:
    """Holds a director, its record and its account of time; `launch` tells it how the script ended."""

    def __init__(self, spec: dict[str, Any]) -> None:
        self.spec = spec
        self.ledger = Ledger("start", started_s=spec["spawned_s"])
        self.scout = Scout()
        self._store = Store(spec["out"], lambda: self.scout)
        self.director = self._direct()
        self._done = False

    def _direct(self) -> ScoutDirector:
        if self.spec["role"] == "rehearsal":
            from fitdoctor.probe.rehearsal import RehearsalDirector

            return RehearsalDirector(self.scout, self.ledger, self._store.save, self.spec)
        if self.spec["role"] == "treat":
            from fitdoctor.probe.treat import TreatDirector

            return TreatDirector(self.scout, self.ledger, self._store.save, self.spec)
        return ScoutDirector(self.scout, self.ledger, self._store.save)

    def exited(self, exit_: SystemExit) -> None:
        code = exit_.code if isinstance(exit_.code, int) else 0 if exit_.code is None else 1
        text = exit_.code if isinstance(exit_.code, str) else ""
        self.director.end(Ending(how="exit", code=code, message=text, site=_site_of(exit_)))

    def raised(self, error: BaseException) -> None:
        how = "interrupted" if isinstance(error, KeyboardInterrupt) else "exception"
        self.director.end(Ending(how=how, error=type(error).__name__, message=str(error)[:2000], site=_site_of(error)))

    def finish(self) -> None:
        """The script is done: what follows is the interpreter's shutdown."""
        self.ledger.rebase("shutdown")
        self.director.end(Ending(how="finished", code=0))

    def blocked(self, path: str, event: str) -> None:
        """Ends the process before a file of the user's is changed."""
        self.director.end(Ending(how="blocked-write", message=path, error=event, site=sites.find()))
        os._exit(BLOCKED)


def start(spec: dict[str, Any]) -> Probe:
    """Makes the probe that `spec["role"]` names and puts it in wait for Keras."""
    probe = Probe(spec)

    def around(name: str, run: Callable[[], None]) -> None:
        with probe.ledger.within("imports"):
            run()

    hook = ImportHook(around)
    hook.after("tensorflow.python.data.ops.readers", lambda module: _record_pipelines(module))
    hook.after("keras", lambda module: _watch(probe, module))
    hook.after("tensorflow", lambda module: None)
    hook.after("tf_keras", lambda module: _decline(probe, "Received tf_keras, expected Keras 3. It is not supported yet."))
    if spec["role"] != "treat":
        redirect = Redirect(spec["scratch"], probe.scout.redirected)
        hook.after("keras", redirect.install)
        if not spec["allow_writes"]:
            Guard(began_s=spec["began_s"], scratch=spec["scratch"], blocked=probe.blocked).install()
    if spec.get("limit_s"):
        _watchdog(probe, spec["limit_s"], spec["hard_limit_s"])
    return probe


def _record_pipelines(readers: ModuleType) -> None:
    from fitdoctor.probe import pipelines

    pipelines.install(sys.modules["tensorflow.python.data.ops.dataset_ops"], readers)


def _watch(probe: Probe, keras: ModuleType) -> None:
    from fitdoctor.probe.backends import tensorflow as seams

    why = seams.declined(keras)
    if why:
        _decline(probe, why)
        return
    probe.director.imported(keras)
    seams.install(keras, probe.director)


def _decline(probe: Probe, why: str) -> None:
    if probe.spec["role"] == "treat":
        return
    probe.director.end(Ending(how="declined", message=why))
    sys.stdout.flush()
    os._exit(BLOCKED)


def _watchdog(probe: Probe, limit_s: float, hard_limit_s: float) -> None:
    """Ends the child at its limit, or at the hard one where it has not come to a unit by then."""
    main = threading.main_thread().ident
    assert main is not None

    def watch() -> None:
        time.sleep(max(0.1, limit_s))
        if not probe.scout.fits and not probe.scout.loops:
            time.sleep(max(0.1, hard_limit_s - limit_s))
        probe.director.overdue(sys._current_frames().get(main))
        os._exit(BLOCKED)

    threading.Thread(target=watch, name="fitdoctor-watchdog", daemon=True).start()


def _site_of(error: BaseException) -> Any:
    trace, place = error.__traceback__, None
    while trace is not None:
        if sites.is_users(trace.tb_frame.f_code.co_filename):
            place = sites.of_frame(trace.tb_frame)
            place = type(place)(file=place.file, line=trace.tb_lineno, function=place.function, code=_line(place.file, trace.tb_lineno))
        trace = trace.tb_next
    return place


def _line(file: str, number: int) -> str:
    import linecache

    return linecache.getline(file, number).strip()
