"""Ends the child before Python changes something of the user's: an audit hook, which no library can go around from
Python.

What was there is protected, and so is whatever appears later unless the children of this diagnosis made it: another
training may run in the same folder. C and C++ code raises no audit events: `redirect.py` and `redirected_libraries.py`
stand before what is known of it.
"""

from __future__ import annotations

import os
import stat
import sys
import tempfile
import urllib.parse
from collections.abc import Callable
from os import lstat
from typing import Any

from fitdoctor.probe.files import shared_memory
from fitdoctor.probe.files.made_files import MadeFiles, ours
from fitdoctor.probe.processes import shell_lines
from fitdoctor.probe.processes.commands import SPEC
from fitdoctor.probe.processes.programs import changes_files, shell_changes_files
from fitdoctor.probe.support import call_sites
from fitdoctor.probe.support.our_files import LAUNCH

CHANGES = os.O_WRONLY | os.O_RDWR | os.O_TRUNC | os.O_APPEND
WRITES = CHANGES | os.O_CREAT
FREE_FOLDERS = ("/dev/", "/proc/", "/sys/")
CACHE_PART = "__pycache__"
MOST_PROGRAMS = 10

Event = tuple[Any, ...]


class WriteGuard:
    """Knows what is protected, and ends the child before that is changed.

    Args:
        made: What the children of this diagnosis made themselves.
        free: Path prefixes at which writing is always free: our own folder.
        blocked: Called with the path and the event; expected not to return.
        shared_before: The names in shared memory that were there before the script began.
        started: Called with the name of each program that the script starts.
        refused: Called with the name of a program that is known to change files; expected not to return.
        replaced: Called with the name of the program that the process is about to become; expected not to return.
        active: Whether files on this machine are protected. Those at an address such as gs://bucket always are.

    Attributes:
        made: As given.
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
            {prefix for path in (*free, os.path.join(cache, ""), inductor) for prefix in (path, _real(path))}
        )
        self._blocked, self._started, self._refused, self._replaced = blocked, started, refused, replaced
        self._active = active
        self._shared_before = shared_before
        self._process = os.getpid()

    def install(self) -> None:
        """Stands from now on, until the process ends: Python takes no audit hook out again."""
        sys.addaudithook(self._audit)

    def protected(self, path: str) -> bool:
        """Whether something lies at `path` that is not ours to change.

        Args:
            path: From `real_path` or `entry_path`, or an address such as gs://bucket/model.
        """
        if is_remote(path):
            return True
        if not self._active or path.startswith(self._free) or CACHE_PART in path.split(os.sep):
            return False
        if _is_of_system(path):
            return False
        try:
            lstat(path)
        except OSError:
            return False
        return not self.made.holds(path) and not shared_memory.is_new(path, self._shared_before)

    def stop(self, path: str, event: str) -> None:
        """Ends the child before `path` is changed; a worker of it gets an error, for its parent to know of."""
        if os.getpid() != self._process:
            raise PermissionError(
                f"fitdoctor: {path} was there before; pass --allow-writes to let the script change it."
            )
        self._blocked(path, event)

    def check(self, path: str, event: str) -> None:
        """Ends the child if the entry at `path` is protected: for libraries that raise no audit events."""
        with ours:
            entry = entry_path(path)
            if self.protected(entry):
                self.stop(entry, event)

    def check_in_folder(self, name: Any, folder: int, flags: int) -> None:
        """The same for a file in an open folder that is about to be opened:

        its audit event does not tell the folder.
        """
        with ours:
            path = _in_folder(name, folder)
            if path is not None:
                self.opened("open", (path, None, flags))

    def note_made(self, path: str) -> None:
        """Notes that something is about to be made at `path`, if nothing lies there and nobody else keeps account of
        it.
        """
        with ours:
            entry = entry_path(path)
            if not is_remote(path) and self._counts(entry) and not os.path.lexists(entry):
                self.made.add(entry)

    def note_made_in_folder(self, name: Any, folder: Any) -> None:
        """The same for a path that may be relative to an open folder."""
        with ours:
            path = _in_folder(name, folder)
            if path is not None:
                self.note_made(path)

    def settle(self) -> None:
        """Has what was just made listed."""
        if not ours.depth:
            with ours:
                self.made.settle()

    def _counts(self, entry: str) -> bool:
        """Whether what is made here has to be remembered."""
        return not entry.startswith(self._free) and not _is_of_system(entry)

    def _audit(self, event: str, arguments: Event) -> None:
        check = _CHECKS.get(event)
        if check is None or (event == "open" and type(arguments[2]) is int and not arguments[2] & WRITES) or ours.depth:
            return
        with ours:
            self.made.settle()
            check(self, event, arguments)

    def _protect(self, entry: str, event: str) -> None:
        if self.protected(entry):
            self.stop(entry, event)

    # one method for each kind of event

    def opened(self, event: str, arguments: Event) -> None:
        path, mode, flags = _decoded(arguments[0]), arguments[1], arguments[2]
        if path is None:
            return
        mode = mode if isinstance(mode, str) else ""
        flags = flags if isinstance(flags, int) else 0
        if not flags & WRITES and not set(mode) & set("wax+"):
            return
        full = _real(path)
        try:
            found = os.lstat(full)
        except OSError:
            if flags & os.O_CREAT or set(mode) & set("wax"):
                self.note_made(full)
            return
        makes_only = flags & os.O_CREAT and (flags & os.O_EXCL or not flags & CHANGES) or "x" in mode
        if stat.S_ISREG(found.st_mode) and not makes_only:
            self._protect(full, "append" if flags & os.O_APPEND or "a" in mode else event)

    def taken_away(self, event: str, arguments: Event) -> None:
        path = _in_folder(arguments[0], arguments[1] if len(arguments) > 1 else None)
        if path is not None:
            entry = entry_path(path)
            self._protect(entry, event)
            if event != "shutil.rmtree":
                self.made.forget(entry)

    def changed(self, event: str, arguments: Event) -> None:
        """What follows a link, or goes by a descriptor: permissions, times, lengths and attributes."""
        target = arguments[0]
        if isinstance(target, int):
            path = _of_descriptor(target)
        else:
            path = _in_folder(target, arguments[-1] if event in ("os.chmod", "os.chown", "os.utime") else None)
        if path is None:
            return
        for full in {entry_path(path), _real(path)}:
            self._protect(full, event)

    def renamed(self, event: str, arguments: Event) -> None:
        folders = [arguments[i] if len(arguments) > i else None for i in (2, 3)]
        source, target = map(_in_folder, arguments[:2], folders)
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
        source, target = map(_in_folder, arguments[:2], folders)
        if source is not None:
            self._protect(entry_path(source), event)
        if target is not None:
            self.note_made(target)

    def made_link(self, event: str, arguments: Event) -> None:
        path = _in_folder(arguments[1], arguments[2] if len(arguments) > 2 else None)
        if path is not None:
            self.note_made(path)

    def made_folder(self, event: str, arguments: Event) -> None:
        path = _in_folder(arguments[0], arguments[2] if len(arguments) > 2 else None)
        if path is not None:
            self.note_made(path)

    def bound(self, event: str, arguments: Event) -> None:
        """A socket in the file system."""
        path = _decoded(arguments[1])
        if path and not path.startswith("\0"):
            self.note_made(path)

    def connected(self, event: str, arguments: Event) -> None:
        path = _decoded(arguments[0])
        if path is None or only_reads(path):
            return
        name = database_file(path)
        if name:
            self._protect(_real(name), event)
            self.note_made(name)

    def starts_program(self, event: str, arguments: Event) -> None:
        how = {"by_library": not call_sites.is_from_users(), "guarded": _begins_with_guard(event, arguments)}
        if event == "os.system":
            text: Any = arguments[0]
        elif event == "pty.spawn":
            text = arguments[0]
        else:
            text = arguments[1]
        if isinstance(text, (str, bytes, os.PathLike)):
            line = _decoded(text) or ""
            words = ["sh", "-c", line]
            changes = changes_files([line], **how) or shell_changes_files(line, **how)
        else:
            words = [_decoded(part) or "" for part in text]
            changes = changes_files(words, **how)
        names = shell_lines.programs(words)
        if LAUNCH in words or not names:
            return
        if changes:
            self._refuse(names[0])
        for name in names:
            self._started(name)

    def becomes_program(self, event: str, arguments: Event) -> None:
        program = _decoded(arguments[0])
        if program is not None and not (
            os.path.isfile(program) and os.access(program, os.X_OK)
        ):  # it fails: execvp tries each folder of PATH in turn
            return
        names = [program or "", *(_decoded(part) or "" for part in arguments[1])]
        if LAUNCH in names:  # it takes the guard along
            return
        if os.getpid() == self._process:
            self._replaced(os.path.basename(names[0]))
        elif changes_files(names[1:], guarded=SPEC in _variables(arguments[2] if len(arguments) > 2 else None)):
            self._refuse(os.path.basename(names[0]))

    def _refuse(self, program: str) -> None:
        if os.getpid() != self._process:
            raise PermissionError(
                f"fitdoctor: {program} would change files out of our sight; pass --allow-writes to let it."
            )
        self._refused(program)


_CHECKS: dict[str, Callable[[WriteGuard, str, Event], None]] = {
    "open": WriteGuard.opened,
    "os.remove": WriteGuard.taken_away,
    "os.rmdir": WriteGuard.taken_away,
    "shutil.rmtree": WriteGuard.taken_away,
    "os.rename": WriteGuard.renamed,
    "os.link": WriteGuard.linked,
    "os.symlink": WriteGuard.made_link,
    "os.mkdir": WriteGuard.made_folder,
    "os.truncate": WriteGuard.changed,
    "os.chmod": WriteGuard.changed,
    "os.chown": WriteGuard.changed,
    "os.chflags": WriteGuard.changed,
    "os.lchflags": WriteGuard.changed,
    "os.utime": WriteGuard.changed,
    "os.setxattr": WriteGuard.changed,
    "os.removexattr": WriteGuard.changed,
    "socket.bind": WriteGuard.bound,
    "sqlite3.connect": WriteGuard.connected,
    "os.exec": WriteGuard.becomes_program,
    "os.posix_spawn": WriteGuard.starts_program,
    "subprocess.Popen": WriteGuard.starts_program,
    "os.system": WriteGuard.starts_program,
    "pty.spawn": WriteGuard.starts_program,
}


def _begins_with_guard(event: str, arguments: Event) -> bool:
    """Whether a Python program that is started finds our specification: see `bystander.py`."""
    places = {"subprocess.Popen": 3, "os.posix_spawn": 2}
    place = places.get(event)
    return SPEC in _variables(arguments[place] if place is not None and len(arguments) > place else None)


def _variables(environment: Any) -> set[str]:
    """The names in what a program is started with; those of this process where nothing is given."""
    if environment is None:
        return set(os.environ)
    try:
        return {os.fsdecode(name) for name in environment}
    except TypeError:
        return set()


def _is_of_system(path: str) -> bool:
    """Whether a path names a device or a process. Shared memory holds files of users."""
    return path.startswith(FREE_FOLDERS) and not path.startswith(shared_memory.FOLDER)


def is_remote(path: str) -> bool:
    """Whether a path is an address, such as gs://bucket/model:

    no layer of a file system holds back what is written there.
    """
    return "://" in path and not path.startswith("file:")


def real_path(path: str) -> str:
    """Where `path` leads to: absolute, with no link left in it."""
    return path if is_remote(path) else _real(path)


def entry_path(path: str) -> str:
    """The entry that `path` names:

    absolute, with no link but itself in it. Deleting and renaming take the link, not where it leads.
    """
    if is_remote(path):
        return path
    folder, name = os.path.split(os.path.abspath(path))
    return os.path.join(_real(folder), name)


def database_file(database: str) -> str:
    """The file that a database's name or URI leads to; "" where it is in memory."""
    if database.startswith("file:") and not os.path.exists(database):
        parts = urllib.parse.urlsplit(database)
        if "mode=memory" in parts.query:
            return ""
        database = urllib.parse.unquote(parts.path)
    return "" if database == ":memory:" else database


def only_reads(database: str) -> bool:
    """Whether nothing at all can be written by this URI."""
    return database.startswith("file:") and "mode=ro" in database and "immutable=1" in database


def _real(path: str) -> str:
    real = os.path.realpath(path)
    return os.path.join(real, "") if path.endswith(os.sep) and len(path) > 1 else real


def _decoded(value: Any) -> str | None:
    if isinstance(value, int) or value is None:
        return None
    try:
        return os.fsdecode(value)
    except TypeError:
        return None


def _in_folder(value: Any, folder: Any) -> str | None:
    """A path that may be relative to an open folder, or None where it is none or its folder can't be told."""
    path = _decoded(value)
    if path is None:
        return _of_descriptor(value) if isinstance(value, int) else None
    if isinstance(folder, int) and folder >= 0 and not os.path.isabs(path):
        above = _of_descriptor(folder)
        return None if above is None else os.path.join(above, path)
    return path


def _of_descriptor(descriptor: int) -> str | None:
    """The path of an open file or folder; None for what has none, such as a pipe."""
    try:
        path = os.readlink(f"/proc/self/fd/{descriptor}")
    except OSError:
        return _asked_of_fcntl(descriptor)
    return path if path.startswith("/") and not path.endswith(" (deleted)") else None


def _asked_of_fcntl(descriptor: int) -> str | None:
    try:
        import fcntl

        return os.fsdecode(fcntl.fcntl(descriptor, fcntl.F_GETPATH, bytes(1024)).rstrip(b"\0"))  # type: ignore[attr-defined]
    except (ImportError, AttributeError, OSError):  # neither Linux nor macOS
        return None
