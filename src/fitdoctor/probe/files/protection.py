"""Protects the user's files while a child repeats the script.

If the child runs under a layer of the file system (`isolated`), only writes to addresses such as gs://bucket are
redirected here. Else the write guard, private copies and redirects in Python protect everything.
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
# Programs that libraries start to inspect the machine. They write at most temporary files.
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


class Protection:
    """Everything that is installed between the script and the user's files.

    Args:
        spec: The specification of the child.
        redirected: Receives each real path whose writes are redirected.
        limits: Receives a sentence on writes that can't be prevented.
        blocked: Called with a path and an event before the path is changed. Must not return.
        refused: Called with the name of a program that would change files unobserved. Must not return.
        replaced: Called with the name of the program that is about to replace the process. Must not return.

    Attributes:
        redirect: Sends saving to the scratch folder.
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
        # The folder of the child holds its specification and its records, which never count as made by the script.
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
        """Installs everything; for libraries, as soon as they are imported."""
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
        redirect.read_names()
        copies.install()
        guard.install()

    def _started(self, program: str) -> None:
        """Adds a started program to the sentence on programs: their writes can't be prevented."""
        if program in INSPECTORS or program in self._programs or len(self._programs) >= MOST_PROGRAMS:
            return
        self._programs.append(program)
        sentence = f"The script started other programs ({', '.join(self._programs)}): their writes can't be prevented."
        if self._sentence in self._limits:
            self._limits.remove(self._sentence)
        self._sentence = sentence
        self._limits.append(sentence)


def made_list(out: str) -> str:
    """Returns the path of the list of made files, beside the record; "" if there is no record."""
    return "" if out == os.devnull else os.path.join(os.path.dirname(os.path.abspath(out)), MADE)


def _after(hook: ImportHook, name: str, install: Callable[[ModuleType], object]) -> None:
    def installed(module: ModuleType) -> None:
        failures.guarded(install, module)

    hook.after(name, installed)
