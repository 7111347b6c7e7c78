"""Gives the script private copies of existing files that it writes: a small overlay in Python.

It is used where the system allows no layer. A file that is opened for writing is copied to the scratch folder, and the
script sees the copy from then on, when it opens, inspects, renames or deletes the file. Everything else (folders,
links, large files, files that C libraries open) is left to the write guard, which ends the child.
"""

from __future__ import annotations

import builtins
import functools
import io
import os
import shutil
from collections.abc import Callable
from typing import Any

from fitdoctor.probe.files.made_files import unguarded
from fitdoctor.probe.files.os_wrappers import JoinedEntries, put_in_os, unless_done, with_mapped_path
from fitdoctor.probe.files.paths import entry_path, is_remote, real_path
from fitdoctor.probe.files.redirect import Redirect
from fitdoctor.probe.files.write_guard import WRITES, WriteGuard
from fitdoctor.probe.support.patches import Patches

# A larger file is not copied.
LARGEST_BYTES = 1 << 30
CHANGERS = ("truncate", "utime", "chmod", "chown", "setxattr", "removexattr")


class PrivateCopies:
    """The private copies of a child.

    Args:
        redirect: The scratch folder.
        guard: Decides which files are protected.
    """

    def __init__(self, redirect: Redirect, guard: WriteGuard) -> None:
        self._redirect = redirect
        self._guard = guard
        self._deleted: set[str] = set()

    def reading_path(self, path: Any, *, follow: bool = True) -> Any:
        """Returns the path to read instead of `path`."""
        names = self._redirect.names
        if not names or unguarded.depth or type(path) is int:
            return path
        given = _text(path)
        if given is None or names.isdisjoint(given.split(os.sep)):
            return path
        with unguarded:
            full = real_path(given) if follow else entry_path(given)
            scratch_file = self._redirect.scratch_path(full)
            if os.path.lexists(scratch_file):
                # The scratch folder may hold some files of a real folder, which is still the one to read.
                return path if os.path.isdir(scratch_file) and os.path.isdir(full) else scratch_file
            return scratch_file if full in self._deleted else path

    def private_folder(self, path: Any) -> tuple[str, set[str]] | None:
        """Returns the scratch folder of a folder, and the names of files that the script deleted in it.

        None if there is no scratch folder.
        """
        given = (
            None
            if not self._redirect.names or unguarded.depth or type(path) is int
            else _text("." if path is None else path)
        )
        if given is None:
            return None
        with unguarded:
            full = real_path(given)
            scratch_file = self._redirect.scratch_path(full)
            if not os.path.isdir(scratch_file):
                return None
            return scratch_file, {os.path.basename(entry) for entry in self._deleted if os.path.dirname(entry) == full}

    def writing_path(self, path: Any, *, keeps: bool = True) -> Any:
        """Returns the path to write instead of `path`: the same if it is unprotected or can't be copied.

        Args:
            path: The path as the script gave it.
            keeps: Whether the content of the file is kept.
        """
        given = None if unguarded.depth or type(path) is int else _text(path)
        if not given:
            return path
        with unguarded:
            full = real_path(given)
            scratch_file = self._redirect.scratch_path(full)
            if not os.path.lexists(scratch_file):
                if not self._guard.is_protected(full):
                    only_in_scratch = os.path.isdir(os.path.dirname(scratch_file)) and not os.path.isdir(
                        os.path.dirname(full)
                    )
                    return self._use_scratch(full, given) if only_in_scratch else path
                if not is_remote(full) and not os.path.isfile(full):
                    return path
                if keeps and full not in self._deleted and not is_remote(full):
                    if os.path.getsize(full) > LARGEST_BYTES:
                        return path
                    os.makedirs(os.path.dirname(scratch_file), exist_ok=True)
                    shutil.copy2(full, scratch_file)
            return self._use_scratch(full, given)

    def is_protected(self, path: str) -> bool:
        """Returns whether `path` leads to an existing file that is protected."""
        with unguarded:
            return self._guard.is_protected(real_path(path))

    def note_made(self, path: str) -> None:
        """Adds a file that a library is about to make."""
        self._guard.note_made(path)

    def stop(self, path: str, event: str) -> None:
        """Ends the child, because a private copy is impossible here."""
        with unguarded:
            self._guard.stop(path, event)

    def remove(self, path: Any) -> bool:
        """Deletes a file as the script sees it. Returns False if the real function must do it."""
        given = None if unguarded.depth else _text(path)
        if not given:
            return False
        with unguarded:
            entry = entry_path(given)
            scratch_file = self._redirect.scratch_path(entry)
            is_private = os.path.lexists(scratch_file)
            if is_private:
                os.unlink(scratch_file)
            if not self._is_protected_file(entry):
                return is_private and not os.path.lexists(entry)
            if entry in self._deleted and not is_private:
                raise FileNotFoundError(2, os.strerror(2), given)
            self._deleted.add(entry)
            self._add(entry, given)
            return True

    def rename(self, source: Any, target: Any) -> bool:
        """Renames a file as the script sees it. Returns False if the real function must do it."""
        given, wanted = (None, None) if unguarded.depth else (_text(source), _text(target))
        if not given or not wanted:
            return False
        with unguarded:
            old, new = entry_path(given), entry_path(wanted)
            from_, to = self._redirect.scratch_path(old), self._redirect.scratch_path(new)
            is_private, has_real = os.path.lexists(from_), self._guard.is_protected(old)
            if not is_private and not has_real:
                if not os.path.lexists(old) or not (os.path.lexists(to) or self._is_protected_file(new)):
                    return False
                self._add(new, wanted)
                shutil.move(old, to)
                return True
            if os.path.lexists(new) and not self._is_protected_file(new) and self._guard.is_protected(new):
                return False  # a folder or a link: the guard ends the child
            # A folder that the script made, with some files in the scratch folder.
            if is_private and not has_real and os.path.isdir(old):
                self._add(new, wanted)
                os.rename(from_, to)
                return False
            if not is_private and not self._is_protected_file(old):
                return False
            if not is_private and (old in self._deleted or os.path.getsize(old) > LARGEST_BYTES):
                return False
            self._add(new, wanted)
            if is_private:
                os.replace(from_, to)
            else:
                shutil.copy2(old, to)
            if has_real:
                self._deleted.add(old)
                self._add(old, given)
            elif os.path.lexists(new) and not self._guard.is_protected(new):
                os.unlink(new)  # a file that the script made, which is replaced
            return True

    def folder_path(self, path: Any) -> Any:
        """Returns where to make a folder: in the scratch folder if its parent is only there."""
        given = None if unguarded.depth else _text(path)
        if not given:
            return path
        with unguarded:
            entry = entry_path(given)
            scratch_file = self._redirect.scratch_path(entry)
            return (
                scratch_file
                if os.path.isdir(os.path.dirname(scratch_file)) and not os.path.isdir(os.path.dirname(entry))
                else path
            )

    def remove_folder(self, path: Any) -> bool:
        """Deletes the scratch folder of a folder. Returns False if the real function must delete the folder too."""
        given = None if unguarded.depth else _text(path)
        if not given:
            return False
        with unguarded:
            entry = entry_path(given)
            scratch_file = self._redirect.scratch_path(entry)
            if self._guard.is_protected(entry) or not os.path.isdir(scratch_file):
                return False
            if os.path.lexists(entry):
                shutil.rmtree(scratch_file, ignore_errors=True)
                return False
            os.rmdir(scratch_file)
            return True

    def _is_protected_file(self, entry: str) -> bool:
        return (
            self._guard.is_protected(entry)
            and not is_remote(entry)
            and os.path.isfile(entry)
            and not os.path.islink(entry)
        )

    def _add(self, full: str, given: str) -> None:
        os.makedirs(os.path.dirname(self._redirect.scratch_path(full)), exist_ok=True)
        self._redirect.add(full, given)

    def _use_scratch(self, full: str, given: str) -> str:
        self._add(full, given)
        return self._redirect.scratch_path(full)

    def install(self) -> Patches:
        """Wraps `open` and the functions of `os`."""
        patches = Patches()
        opens = self._opens(io.open)
        import _io  # pickle looks it up there

        for owner in (builtins, io, _io):
            patches.put(owner, "open", opens)
        seen_itself = functools.partial(self.reading_path, follow=False)
        put = functools.partial(put_in_os, patches)
        put("open", self._opens_descriptor)
        put("lstat", lambda original: with_mapped_path(original, seen_itself))
        put("stat", lambda original: with_mapped_path(original, self.reading_path, seen_itself))
        put("access", lambda original: with_mapped_path(original, self.reading_path))
        put("listdir", self._lists)
        put("scandir", self._scans)
        for name in CHANGERS:
            put(name, lambda original: with_mapped_path(original, self.writing_path))
        put("mkdir", lambda original: self._settled(with_mapped_path(original, self.folder_path)))
        put("symlink", self._settled)
        for name in ("mkfifo", "mknod"):
            put(name, self._makes)
        for name in ("remove", "unlink"):
            put(name, lambda original: unless_done(original, self.remove))
        put("rmdir", lambda original: unless_done(original, self.remove_folder))
        for name in ("rename", "replace"):
            put(name, lambda original: self._settled(unless_done(original, self.rename, paths=2)))
        return patches

    def install_sockets(self, module: Any) -> Patches:
        """Wraps `bind`: a socket in the file system is listed at once, as the script may only wait afterwards."""
        patches = Patches()
        patches.put(module.socket, "bind", self._settled(module.socket.bind))
        return patches

    def _makes(self, original: Callable[..., Any]) -> Callable[..., Any]:
        """Wraps functions without audit events, which make pipes and devices."""

        @functools.wraps(original)
        def wrapper(*arguments: Any, **keywords: Any) -> Any:
            if not unguarded.depth:
                self._guard.note_made_in_folder(
                    arguments[0] if arguments else keywords.get("path"), keywords.get("dir_fd")
                )
            result = original(*arguments, **keywords)
            self._guard.list_new_files()
            return result

        return wrapper

    def _settled(self, original: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(original)
        def wrapper(*arguments: Any, **keywords: Any) -> Any:
            result = original(*arguments, **keywords)
            self._guard.list_new_files()
            return result

        return wrapper

    def _opens(self, original: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(original)
        def open(file: Any, mode: Any = "r", *arguments: Any, **keywords: Any) -> Any:  # noqa: A001 - the name of the original
            if unguarded.depth or type(file) is int or keywords.get("opener") is not None or not isinstance(mode, str):
                return original(file, mode, *arguments, **keywords)
            if not set(mode) & set("wax+"):
                return original(self.reading_path(file), mode, *arguments, **keywords)
            where = self.reading_path(file) if "x" in mode else self.writing_path(file, keeps="w" not in mode)
            opened = original(where, mode, *arguments, **keywords)
            self._guard.list_new_files()
            return opened

        return open

    def _opens_descriptor(self, original: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(original)
        def open(path: Any, flags: int, mode: int = 0o777, *, dir_fd: int | None = None) -> int:  # noqa: A001
            if dir_fd is None and not unguarded.depth:
                writes = flags & (WRITES & ~os.O_CREAT) and not flags & os.O_EXCL
                path = self.writing_path(path, keeps=not flags & os.O_TRUNC) if writes else self.reading_path(path)
            elif dir_fd is not None and flags & WRITES and not unguarded.depth:
                self._guard.check_in_folder(path, dir_fd, flags)
            opened: int = original(path, flags, mode, dir_fd=dir_fd)
            if flags & WRITES:
                self._guard.list_new_files()
            return opened

        return open

    def _lists(self, original: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(original)
        def listdir(path: Any = None) -> list[Any]:
            where = self.private_folder(path)
            if where is None or isinstance(path, bytes):
                return list(original(path))
            scratch_file, gone = where
            real = original(path) if os.path.isdir("." if path is None else path) else []
            with unguarded:
                private = original(scratch_file)
            return [
                *(name for name in real if name not in gone),
                *(name for name in private if name in gone or name not in real),
            ]

        return listdir

    def _scans(self, original: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(original)
        def scandir(path: Any = None) -> Any:
            where = self.private_folder(path)
            if where is None or isinstance(path, bytes):
                return original(path)
            scratch_file, gone = where
            with unguarded, original(scratch_file) as entries:
                private = {entry.name: entry for entry in entries}
            if not os.path.isdir("." if path is None else path):
                return JoinedEntries(iter(private.values()))
            with original(path) as entries:
                real = {entry.name: entry for entry in entries if entry.name not in gone}
            folders = {name for name, entry in real.items() if entry.is_dir()}
            return JoinedEntries(
                iter({**real, **{name: entry for name, entry in private.items() if name not in folders}}.values())
            )

        return scandir


def _text(path: Any) -> str | None:
    try:
        return os.fsdecode(path)
    except TypeError:
        return None
