"""Starts the probe in the process of a script, before the script's first line."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable
from typing import Any

from fitdoctor.probe.apply import environment
from fitdoctor.probe.instrument import thread_settings
from fitdoctor.probe.processes import commands, forks
from fitdoctor.probe.roles import bystander, imported_modules, reexec
from fitdoctor.probe.roles.probe import Probe
from fitdoctor.probe.roles.record_saving import end_at_limit, has_units, save_regularly
from fitdoctor.probe.support import call_sites, guard
from fitdoctor.probe.support.import_hook import ImportHook
from fitdoctor.probe.support.originals import threading
from fitdoctor.probe.timing.time_ledger import Ledger


def start(spec: dict[str, Any]) -> Probe:
    """Makes the probe for `spec["role"]`. It instruments Keras when the script imports it."""
    probe = Probe(spec)
    probe.started()

    main = threading.get_ident()

    def around(name: str, run: Callable[[], None]) -> None:
        if threading.get_ident() != main:
            run()
            return
        pushed = guard.guarded(_charge_imports, probe.ledger)
        try:
            run()
        finally:
            if pushed:
                guard.guarded(probe.ledger.pop)

    _follow_processes(probe)
    environment.hold_variables(spec.get("process_changes", ()))
    if spec["role"] == "scout":
        thread_settings.watch_environment()
    hook = ImportHook(around)
    redirect = None
    if probe.tried:
        from fitdoctor.probe.files.protection import Protection

        record = probe.record
        protection = Protection(
            spec,
            redirected=record.redirected,
            limits=record.limits,
            blocked=probe.blocked,
            refused=probe.refused,
            replaced=probe.replaced,
        )
        protection.install(hook)
        redirect = protection.redirect
    imported_modules.instrument_when_imported(probe, hook, redirect)
    if spec["role"] in ("scout", "watch", "treat"):
        probe.saving = save_regularly(probe.role)
    if spec.get("limit_s"):
        end_at_limit(probe.role, spec["limit_s"], spec["hard_limit_s"])
    return probe


def _charge_imports(ledger: Ledger) -> bool:
    ledger.push("imports")
    return True


def _follow_processes(probe: Probe) -> None:
    """Takes care of processes that the script makes: by exec, by fork, or as programs of their own."""
    spec = probe.spec
    several, kept = None, dict[str, str]()
    if probe.is_bystander:
        forks.leave(probe, tried=True, fitted=lambda: bystander.note_fit(probe))
    elif probe.tried:
        thread_settings.take_over(spec.get("assigned", {}))
        several = functools.partial(_decline_several, probe)
        for name in reexec.PIPES:
            guard.guarded(_close_on_exec, spec.get(name))
        kept = {name: os.environ[name] for name in spec.get("kept_environment", ()) if name in os.environ}
    if probe.tried:
        from fitdoctor.probe.processes.side_effects import SideEffects

        offline = bool(spec.get("offline")) and not spec.get("network_namespace")
        SideEffects(probe.notes, began_s=spec["began_s"], offline=offline, several=several).install()
    if probe.is_bystander:
        return
    forks.Forks(probe, tried=probe.tried).install()
    if "path" in spec:
        kept |= bystander.prepare(spec["path"]) if probe.tried else {}
        reexec.ReExec(probe, tried=probe.tried, decline=probe.decline, kept=kept).install()


def _close_on_exec(descriptor: Any) -> None:
    """Keeps a pipe to our own process from the programs that the script starts."""
    if isinstance(descriptor, int):
        os.set_inheritable(descriptor, False)


def _decline_several(probe: Probe, command: str) -> None:
    """Ends the process before it starts several others to train in, unless it has trained itself."""
    if not has_units(probe.record):
        site = call_sites.find()
        place = f" at {os.path.basename(site.file)}:{site.line}" if site else ""
        probe.decline(commands.SEVERAL.format(command, place))
