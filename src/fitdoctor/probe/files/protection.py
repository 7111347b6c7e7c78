"""Puts together what keeps the user's files as they are while a child repeats the script.

Where the child runs over a layer of the file system (`isolated`), only addresses such as gs://bucket are held back
here. Elsewhere the guard, private copies and redirects in Python do it all.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from types import ModuleType
from typing import Any

from fitdoctor.probe.files import databases, layer_renames, redirected_libraries, shared_memory
from fitdoctor.probe.files.made_files import MadeFiles
from fitdoctor.probe.files.private_copies import PrivateCopies
from fitdoctor.probe.files.redirect import Redirect
from fitdoctor.probe.files.write_guard import MOST_PROGRAMS, WriteGuard
from fitdoctor.probe.support import guard as failures
from fitdoctor.probe.support.import_hook import ImportHook

MADE = "made.jsonl"
INSPECTORS = frozenset(
    {
        "uname",
        "ldconfig",
        "lscpu",
        "lspci",
        "nvidia-smi",
        "lsb_release",
        "sysctl",
        "sw_vers",
        "getconf",
        "ptxas",
        "gcc",
        "cc",
        "ld",
        "objdump",
    }
)
"""Programs that libraries start on their own to look at the machine; those that write, write to temporary files."""


class Protection:
    """What stands between the script and the user's files.

    Args:
        spec: Of the child.
        redirected: Gets each real path that was not written to.
        limits: Gets a sentence on what is not held back.
        blocked: Called with a path and an event before that path would be changed; expected not to return.
        refused: Called with the name of a program that would change files out of our sight; expected not to return.
        replaced: Called with the name of the program that the process is about to become; expected not to return.

    Attributes:
        redirect: Where saving goes.
    """

    def __init__(
        self,
        spec: dict[str, Any],
        *,
        redirected: list[str],
        limits: list[str],
        blocked: Callable[[str, str], None],
        refused: Callable[[str], None],
        replaced: Callable[[str], None],
    ) -> None:
        self._isolated = bool(spec.get("isolated", False))
        self._guards = not self._isolated and not spec["allow_writes"]
        self._limits = limits
        self._programs: list[str] = []
        self._sentence = ""
        self.redirect = Redirect(spec["scratch"], redirected, remote_only=self._isolated)
        made = spec.get("made") or made_list(spec["out"])
        scratch = os.path.join(os.path.abspath(spec["scratch"]), "")
        # The child's folder holds its specification and its records. They are ours, and never count as made by the
        # script.
        folder = os.path.join(os.path.dirname(made), "") if made else ""
        self.guard = WriteGuard(
            made=MadeFiles(made if self._guards else ""),
            free=tuple(filter(None, (scratch, folder, os.path.abspath(spec["out"]), spec.get("notes")))),
            shared_before=shared_memory.before(folder) if self._guards else frozenset(),
            blocked=blocked,
            started=self._started,
            refused=refused,
            replaced=replaced,
            active=self._guards,
        )
        self._copies = PrivateCopies(self.redirect, self.guard)

    def install(self, hook: ImportHook) -> None:
        """Stands from now on, before libraries as soon as they are imported."""
        redirect, copies, guard = self.redirect, self._copies, self.guard
        for name in redirected_libraries.MODULES:
            _after(hook, name, lambda module: redirected_libraries.install(module, redirect, copies, guard))
        _after(
            hook, redirected_libraries.FILES, lambda module: redirected_libraries.install_files(module, copies, guard)
        )
        if self._isolated:
            layer_renames.install()
            return
        _after(hook, "h5py", lambda module: redirected_libraries.install_h5py(module, redirect, copies))
        if not self._guards:
            return
        for name in ("sqlite3.dbapi2", "sqlite3"):
            _after(hook, name, lambda module: databases.install_sqlite(module, copies))
        for name in ("dbm.gnu", "dbm.ndbm"):
            _after(hook, name, lambda module: databases.install_dbm(module, copies))
        _after(hook, "_posixshmem", lambda module: shared_memory.install(module, guard))
        _after(hook, "multiprocessing.resource_tracker", lambda module: shared_memory.install_tracker(module, guard))
        _after(hook, "socket", copies.install_sockets)
        redirect.find_names()
        copies.install()
        guard.install()

    def _started(self, program: str) -> None:
        """Says which programs the script started: what they write is not held back."""
        if program in INSPECTORS or program in self._programs or len(self._programs) >= MOST_PROGRAMS:
            return
        self._programs.append(program)
        sentence = f"The script started other programs ({', '.join(self._programs)}): what they write is not held back."
        if self._sentence in self._limits:
            self._limits.remove(self._sentence)
        self._sentence = sentence
        self._limits.append(sentence)


def made_list(out: str) -> str:
    """Where what a child made is listed: beside its record; "" where it keeps none."""
    return "" if out == os.devnull else os.path.join(os.path.dirname(os.path.abspath(out)), MADE)


def _after(hook: ImportHook, name: str, install: Callable[[ModuleType], object]) -> None:
    def installed(module: ModuleType) -> None:
        failures.guarded(install, module)

    hook.after(name, installed)
