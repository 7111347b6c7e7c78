"""An audit hook that ends the child before Python code changes a file of the user.

All existing files are protected, and later ones too unless children of this diagnosis made them: another training may
run in the same folder. C and C++ code raises no audit events. `redirect.py` and `redirected_libraries.py` handle the
libraries that are known.
"""

from __future__ import annotations

import os
import stat
import sys
import tempfile
from collections.abc import Callable
from os import lstat
from typing import Any

from fitdoctor.probe.files import shared_memory
from fitdoctor.probe.files.made_files import MadeFiles, unguarded
from fitdoctor.probe.files.paths import (
    database_file,
    decoded,
    entry_path,
    followed,
    is_of_system,
    is_remote,
    only_reads,
    path_in_folder,
    path_of_descriptor,
)
from fitdoctor.probe.processes import shell_lines
from fitdoctor.probe.processes.commands import SPEC, variables_of
from fitdoctor.probe.processes.programs import changes_files, shell_changes_files
from fitdoctor.probe.support import call_sites
from fitdoctor.probe.support.our_files import LAUNCH

CHANGES = os.O_WRONLY | os.O_RDWR | os.O_TRUNC | os.O_APPEND
WRITES = CHANGES | os.O_CREAT
CACHE_PART = "__pycache__"
MOST_PROGRAMS = 10

Event = tuple[Any, ...]


class WriteGuard:
    """Decides which files are protected, and ends the child before it changes one.

    Args:
        made: The files that children of this diagnosis made.
        free: Path prefixes that are never protected.
        blocked: Called with the path and the event. Must not return.
        shared_before: The names in shared memory before the script began.
        started: Called with the name of each program that the script starts.
        refused: Called with the name of a program that is known to change files. Must not return.
        replaced: Called with the name of the program that is about to replace the process. Must not return.
        active: Whether local files are protected. Addresses such as gs://bucket always are.

    Attributes:
        made: The files that children of this diagnosis made.
    """

    def __init__(
        self,
        *,
        made: MadeFiles,
        free: tuple[str, ...],
        blocked: Callable[[str, str], None],
        shared_before: frozenset[str] = frozenset(),
        started: Callable[[str], None] = lambda _: None,
        refused: Callable[[str], None] = lambda _: None,
        replaced: Callable[[str], None] = lambda _: None,
        active: bool = True,
    ) -> None:
        self.made = made
        cache = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
        inductor = os.path.join(tempfile.gettempdir(), "torchinductor_")
        self._free = tuple(
            {prefix for path in (*free, os.path.join(cache, ""), inductor) for prefix in (path, followed(path))}
        )
        self._blocked, self._started, self._refused, self._replaced = blocked, started, refused, replaced
        self._active = active
        self._shared_before = shared_before
        self._process = os.getpid()

    def install(self) -> None:
        """Installs the audit hook. Python can't remove it again."""
        sys.addaudithook(self._audit)

    def is_protected(self, path: str) -> bool:
        """Returns whether the script may not change `path`.

        Args:
            path: A result of `real_path` or `entry_path`, or an address such as gs://bucket/model.
        """
        if is_remote(path):
            return True
        if not self._active or path.startswith(self._free) or CACHE_PART in path.split(os.sep):
            return False
        if is_of_system(path):
            return False
        try:
            lstat(path)
        except OSError:
            return False
        return not self.made.holds(path) and not shared_memory.is_new(path, self._shared_before)

    def stop(self, path: str, event: str) -> None:
        """Ends the child before it changes `path`. A worker raises an error instead, which reaches its parent."""
        if os.getpid() != self._process:
            raise PermissionError(
                f"fitdoctor: {path} was there before; pass --allow-writes to let the script change it."
            )
        self._blocked(path, event)

    def check(self, path: str, event: str) -> None:
        """Ends the child if `path` is protected. For libraries without audit events."""
        with unguarded:
            entry = entry_path(path)
            if self.is_protected(entry):
                self.stop(entry, event)

    def check_in_folder(self, name: Any, folder: int, flags: int) -> None:
        """Does the same for a file that is opened relative to an open folder: its audit event lacks the folder."""
        with unguarded:
            path = path_in_folder(name, folder)
            if path is not None:
                self.opened("open", (path, None, flags))

    def note_made(self, path: str) -> None:
        """Adds a path at which something is about to be made, unless it exists or is not protected anyway."""
        with unguarded:
            entry = entry_path(path)
            if not is_remote(path) and self._counts(entry) and not os.path.lexists(entry):
                self.made.add(entry)

    def note_made_in_folder(self, name: Any, folder: Any) -> None:
        """Does the same for a path that may be relative to an open folder."""
        with unguarded:
            path = path_in_folder(name, folder)
            if path is not None:
                self.note_made(path)

    def list_new_files(self) -> None:
        """Lists the files that were just made."""
        if not unguarded.depth:
            with unguarded:
                self.made.list_new_files()

    def _counts(self, entry: str) -> bool:
        """Returns whether a new file at this path must be remembered."""
        return not entry.startswith(self._free) and not is_of_system(entry)

    def _audit(self, event: str, arguments: Event) -> None:
        check = _CHECKS.get(event)
        if (
            check is None
            or (event == "open" and type(arguments[2]) is int and not arguments[2] & WRITES)
            or unguarded.depth
        ):
            return
        with unguarded:
            self.made.list_new_files()
            check(self, event, arguments)

    def _protect(self, entry: str, event: str) -> None:
        if self.is_protected(entry):
            self.stop(entry, event)

    # one method for each kind of event

    def opened(self, event: str, arguments: Event) -> None:
        path, mode, flags = decoded(arguments[0]), arguments[1], arguments[2]
        if path is None:
            return
        mode = mode if isinstance(mode, str) else ""
        flags = flags if isinstance(flags, int) else 0
        if not flags & WRITES and not set(mode) & set("wax+"):
            return
        full = followed(path)
        try:
            found = os.lstat(full)
        except OSError:
            if flags & os.O_CREAT or set(mode) & set("wax"):
                self.note_made(full)
            return
        makes_only = flags & os.O_CREAT and (flags & os.O_EXCL or not flags & CHANGES) or "x" in mode
        if stat.S_ISREG(found.st_mode) and not makes_only:
            self._protect(full, "append" if flags & os.O_APPEND or "a" in mode else event)

    def deleted(self, event: str, arguments: Event) -> None:
        path = path_in_folder(arguments[0], arguments[1] if len(arguments) > 1 else None)
        if path is not None:
            entry = entry_path(path)
            self._protect(entry, event)
            if event != "shutil.rmtree":
                self.made.forget(entry)

    def changed(self, event: str, arguments: Event) -> None:
        """Permissions, times, lengths and attributes, which follow links or use a descriptor."""
        target = arguments[0]
        if isinstance(target, int):
            path = path_of_descriptor(target)
        else:
            path = path_in_folder(target, arguments[-1] if event in ("os.chmod", "os.chown", "os.utime") else None)
        if path is None:
            return
        for full in {entry_path(path), followed(path)}:
            self._protect(full, event)

    def renamed(self, event: str, arguments: Event) -> None:
        folders = [arguments[i] if len(arguments) > i else None for i in (2, 3)]
        source, target = map(path_in_folder, arguments[:2], folders)
        for path in (source, target):
            if path is not None:
                self._protect(entry_path(path), event)
        if target is not None and source is not None and os.path.lexists(source):
            self.made.forget(entry_path(source))
            entry = entry_path(target)
            if self._counts(entry):
                self.made.add(entry)

    def linked(self, event: str, arguments: Event) -> None:
        folders = [arguments[i] if len(arguments) > i else None for i in (2, 3)]
        source, target = map(path_in_folder, arguments[:2], folders)
        if source is not None:
            self._protect(entry_path(source), event)
        if target is not None:
            self.note_made(target)

    def link_made(self, event: str, arguments: Event) -> None:
        path = path_in_folder(arguments[1], arguments[2] if len(arguments) > 2 else None)
        if path is not None:
            self.note_made(path)

    def folder_made(self, event: str, arguments: Event) -> None:
        path = path_in_folder(arguments[0], arguments[2] if len(arguments) > 2 else None)
        if path is not None:
            self.note_made(path)

    def bound(self, event: str, arguments: Event) -> None:
        """A socket in the file system."""
        path = decoded(arguments[1])
        if path and not path.startswith("\0"):
            self.note_made(path)

    def database_opened(self, event: str, arguments: Event) -> None:
        path = decoded(arguments[0])
        if path is None or only_reads(path):
            return
        name = database_file(path)
        if name:
            self._protect(followed(name), event)
            self.note_made(name)

    def program_started(self, event: str, arguments: Event) -> None:
        how = {"by_library": not call_sites.is_from_users(), "guarded": _begins_with_guard(event, arguments)}
        if event == "os.system":
            text: Any = arguments[0]
        elif event == "pty.spawn":
            text = arguments[0]
        else:
            text = arguments[1]
        if isinstance(text, (str, bytes, os.PathLike)):
            line = decoded(text) or ""
            words = ["sh", "-c", line]
            changes = changes_files([line], **how) or shell_changes_files(line, **how)
        else:
            words = [decoded(part) or "" for part in text]
            changes = changes_files(words, **how)
        names = shell_lines.programs(words)
        if LAUNCH in words or not names:
            return
        if changes:
            self._refuse(names[0])
        for name in names:
            self._started(name)

    def program_replaced(self, event: str, arguments: Event) -> None:
        program = decoded(arguments[0])
        # Such a call fails: execvp tries each folder of PATH in turn.
        if program is not None and not (os.path.isfile(program) and os.access(program, os.X_OK)):
            return
        names = [program or "", *(decoded(part) or "" for part in arguments[1])]
        if LAUNCH in names:  # the new program is guarded too
            return
        if os.getpid() == self._process:
            self._replaced(os.path.basename(names[0]))
        elif changes_files(names[1:], guarded=SPEC in variables_of(arguments[2] if len(arguments) > 2 else None)):
            self._refuse(os.path.basename(names[0]))

    def _refuse(self, program: str) -> None:
        if os.getpid() != self._process:
            raise PermissionError(
                f"fitdoctor: {program} would change files unobserved; pass --allow-writes to allow it."
            )
        self._refused(program)


_CHECKS: dict[str, Callable[[WriteGuard, str, Event], None]] = {
    "open": WriteGuard.opened,
    "os.remove": WriteGuard.deleted,
    "os.rmdir": WriteGuard.deleted,
    "shutil.rmtree": WriteGuard.deleted,
    "os.rename": WriteGuard.renamed,
    "os.link": WriteGuard.linked,
    "os.symlink": WriteGuard.link_made,
    "os.mkdir": WriteGuard.folder_made,
    "os.truncate": WriteGuard.changed,
    "os.chmod": WriteGuard.changed,
    "os.chown": WriteGuard.changed,
    "os.chflags": WriteGuard.changed,
    "os.lchflags": WriteGuard.changed,
    "os.utime": WriteGuard.changed,
    "os.setxattr": WriteGuard.changed,
    "os.removexattr": WriteGuard.changed,
    "socket.bind": WriteGuard.bound,
    "sqlite3.connect": WriteGuard.database_opened,
    "os.exec": WriteGuard.program_replaced,
    "os.posix_spawn": WriteGuard.program_started,
    "subprocess.Popen": WriteGuard.program_started,
    "os.system": WriteGuard.program_started,
    "pty.spawn": WriteGuard.program_started,
}


def _begins_with_guard(event: str, arguments: Event) -> bool:
    """Returns whether a started Python program finds our specification: see `bystander.py`."""
    places = {"subprocess.Popen": 3, "os.posix_spawn": 2}
    place = places.get(event)
    return SPEC in variables_of(arguments[place] if place is not None and len(arguments) > place else None)
