"""Lets the script write to files that were there, in private copies: a small overlay in Python, for where the system
gives none.

A file that is opened for writing is copied to the scratch folder first, and that copy is what the script sees from then
on: when it opens, asks for, renames or deletes it. What is not done so (folders, links, large files, what C libraries
open) is left to the write guard, which ends the child.
"""

from __future__ import annotations

import builtins
import functools
import io
import os
import shutil
from collections.abc import Callable, Iterator
from typing import Any

from fitdoctor.probe.files.made_files import ours
from fitdoctor.probe.files.redirect import Redirect
from fitdoctor.probe.files.write_guard import WRITES, WriteGuard, entry_path, is_remote, real_path
from fitdoctor.probe.support.patches import Patches

LARGEST_BYTES = 1 << 30
"""A larger file is not copied to have something appended to it."""
CHANGERS = ("truncate", "utime", "chmod", "chown", "setxattr", "removexattr")


class PrivateCopies:
    """Knows which file stands for which.

    Args:
        redirect: Where copies lie.
        guard: Tells what is protected.
    """

    def __init__(self, redirect: Redirect, guard: WriteGuard) -> None:
        self._redirect = redirect
        self._guard = guard
        self._gone: set[str] = set()

    def seen(self, path: Any, *, follow: bool = True) -> Any:
        """Where what the script knows as `path` can be read."""
        names = self._redirect.names
        if not names or ours.depth or type(path) is int:
            return path
        given = _text(path)
        if given is None or names.isdisjoint(given.split(os.sep)):
            return path
        with ours:
            full = real_path(given) if follow else entry_path(given)
            aside = self._redirect.aside(full)
            if os.path.lexists(
                aside
            ):  # of a folder, some files may lie aside: it is still the real one that is asked for
                return path if os.path.isdir(aside) and os.path.isdir(full) else aside
            return aside if full in self._gone else path

    def listed(self, path: Any) -> tuple[str, set[str]] | None:
        """A folder of which something lies aside:

        where that is, and the names of its files that the script deleted. Or None.
        """
        given = (
            None
            if not self._redirect.names or ours.depth or type(path) is int
            else _text("." if path is None else path)
        )
        if given is None:
            return None
        with ours:
            full = real_path(given)
            aside = self._redirect.aside(full)
            if not os.path.isdir(aside):
                return None
            return aside, {os.path.basename(entry) for entry in self._gone if os.path.dirname(entry) == full}

    def writable(self, path: Any, *, keeps: bool = True) -> Any:
        """Where to write instead of `path`; the same where it is free, or where there is no copy of it to be had.

        Args:
            path: As the script gave it.
            keeps: Whether what the file holds stays.
        """
        given = None if ours.depth or type(path) is int else _text(path)
        if not given:
            return path
        with ours:
            full = real_path(given)
            aside = self._redirect.aside(full)
            if not os.path.lexists(aside):
                if not self._guard.protected(full):
                    only_aside = os.path.isdir(os.path.dirname(aside)) and not os.path.isdir(os.path.dirname(full))
                    return self._noted(full, given) if only_aside else path
                if not is_remote(full) and not os.path.isfile(full):
                    return path
                if keeps and full not in self._gone and not is_remote(full):
                    if os.path.getsize(full) > LARGEST_BYTES:
                        return path
                    os.makedirs(os.path.dirname(aside), exist_ok=True)
                    shutil.copy2(full, aside)
            return self._noted(full, given)

    def is_protected(self, path: str) -> bool:
        """Whether the file that `path` leads to was there."""
        with ours:
            return self._guard.protected(real_path(path))

    def note_made(self, path: str) -> None:
        """Notes a file that a library is about to make."""
        self._guard.note_made(path)

    def stop(self, path: str, event: str) -> None:
        """Ends the child: there is no private copy to be had here."""
        with ours:
            self._guard.stop(path, event)

    def removed(self, path: Any) -> bool:
        """Deletes the private copy of a file, if it has one or may have one: True where nothing is left to do."""
        given = None if ours.depth else _text(path)
        if not given:
            return False
        with ours:
            entry = entry_path(given)
            aside = self._redirect.aside(entry)
            is_private = os.path.lexists(aside)
            if is_private:
                os.unlink(aside)
            if not self._is_protected_file(entry):
                return is_private and not os.path.lexists(entry)
            if entry in self._gone and not is_private:
                raise FileNotFoundError(2, os.strerror(2), given)
            self._gone.add(entry)
            self._make_room(entry, given)
            return True

    def moved(self, source: Any, target: Any) -> bool:
        """Renames a private file, or one onto a protected one: True where nothing is left to do."""
        given, wanted = (None, None) if ours.depth else (_text(source), _text(target))
        if not given or not wanted:
            return False
        with ours:
            old, new = entry_path(given), entry_path(wanted)
            from_, to = self._redirect.aside(old), self._redirect.aside(new)
            is_private, has_real = os.path.lexists(from_), self._guard.protected(old)
            if not is_private and not has_real:
                if not os.path.lexists(old) or not (os.path.lexists(to) or self._is_protected_file(new)):
                    return False
                self._make_room(new, wanted)
                shutil.move(old, to)
                return True
            if os.path.lexists(new) and not self._is_protected_file(new) and self._guard.protected(new):
                return False  # a folder or a link: the guard ends the child
            if (
                is_private and not has_real and os.path.isdir(old)
            ):  # a folder of the script's own, some of whose files lie aside
                self._make_room(new, wanted)
                os.rename(from_, to)
                return False
            if not is_private and not self._is_protected_file(old):
                return False
            if not is_private and (old in self._gone or os.path.getsize(old) > LARGEST_BYTES):
                return False
            self._make_room(new, wanted)
            if is_private:
                os.replace(from_, to)
            else:
                shutil.copy2(old, to)
            if has_real:
                self._gone.add(old)
                self._make_room(old, given)
            elif os.path.lexists(new) and not self._guard.protected(new):
                os.unlink(new)  # a file of the script's own, which is replaced
            return True

    def made_folder(self, path: Any) -> Any:
        """Where to make a folder: in the scratch folder where the folder above is there only."""
        given = None if ours.depth else _text(path)
        if not given:
            return path
        with ours:
            entry = entry_path(given)
            aside = self._redirect.aside(entry)
            return (
                aside if os.path.isdir(os.path.dirname(aside)) and not os.path.isdir(os.path.dirname(entry)) else path
            )

    def removed_folder(self, path: Any) -> bool:
        """Deletes what lies aside of a folder that is deleted: True where there is nothing else of it."""
        given = None if ours.depth else _text(path)
        if not given:
            return False
        with ours:
            entry = entry_path(given)
            aside = self._redirect.aside(entry)
            if self._guard.protected(entry) or not os.path.isdir(aside):
                return False
            if os.path.lexists(entry):
                shutil.rmtree(aside, ignore_errors=True)
                return False
            os.rmdir(aside)
            return True

    def _is_protected_file(self, entry: str) -> bool:
        return (
            self._guard.protected(entry)
            and not is_remote(entry)
            and os.path.isfile(entry)
            and not os.path.islink(entry)
        )

    def _make_room(self, full: str, given: str) -> None:
        os.makedirs(os.path.dirname(self._redirect.aside(full)), exist_ok=True)
        self._redirect.note(full, given)

    def _noted(self, full: str, given: str) -> str:
        self._make_room(full, given)
        return self._redirect.aside(full)

    def install(self) -> Patches:
        """Stands before `open` and the functions of `os` from now on."""
        patches = Patches()
        opens = self._opens(io.open)
        import _io  # pickle looks it up there

        for owner in (builtins, io, _io):
            patches.put(owner, "open", opens)
        seen_itself = functools.partial(self.seen, follow=False)
        put = functools.partial(_put, patches)
        put("open", self._opens_descriptor)
        put("lstat", lambda original: _mapped(original, seen_itself))
        put("stat", lambda original: _mapped(original, self.seen, seen_itself))
        put("access", lambda original: _mapped(original, self.seen))
        put("listdir", self._lists)
        put("scandir", self._scans)
        for name in CHANGERS:
            put(name, lambda original: _mapped(original, self.writable))
        put("mkdir", lambda original: self._settled(_mapped(original, self.made_folder)))
        put("symlink", self._settled)
        for name in ("mkfifo", "mknod"):
            put(name, self._makes)
        for name in ("remove", "unlink"):
            put(name, lambda original: _unless(original, self.removed))
        put("rmdir", lambda original: _unless(original, self.removed_folder))
        for name in ("rename", "replace"):
            put(name, lambda original: self._settled(_unless(original, self.moved, paths=2)))
        return patches

    def install_sockets(self, module: Any) -> Patches:
        """Has a socket in the file system listed as soon as it is there:

        the script may do nothing but wait from then on.
        """
        patches = Patches()
        patches.put(module.socket, "bind", self._settled(module.socket.bind))
        return patches

    def _makes(self, original: Callable[..., Any]) -> Callable[..., Any]:
        """For pipes and the like, for which Python raises no audit event."""

        @functools.wraps(original)
        def wrapper(*arguments: Any, **keywords: Any) -> Any:
            if not ours.depth:
                self._guard.note_made_in_folder(
                    arguments[0] if arguments else keywords.get("path"), keywords.get("dir_fd")
                )
            result = original(*arguments, **keywords)
            self._guard.settle()
            return result

        return wrapper

    def _settled(self, original: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(original)
        def wrapper(*arguments: Any, **keywords: Any) -> Any:
            result = original(*arguments, **keywords)
            self._guard.settle()
            return result

        return wrapper

    def _opens(self, original: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(original)
        def open(file: Any, mode: Any = "r", *arguments: Any, **keywords: Any) -> Any:  # noqa: A001 - its name is part of it
            if ours.depth or type(file) is int or keywords.get("opener") is not None or not isinstance(mode, str):
                return original(file, mode, *arguments, **keywords)
            if not set(mode) & set("wax+"):
                return original(self.seen(file), mode, *arguments, **keywords)
            where = self.seen(file) if "x" in mode else self.writable(file, keeps="w" not in mode)
            opened = original(where, mode, *arguments, **keywords)
            self._guard.settle()
            return opened

        return open

    def _opens_descriptor(self, original: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(original)
        def open(path: Any, flags: int, mode: int = 0o777, *, dir_fd: int | None = None) -> int:  # noqa: A001
            if dir_fd is None and not ours.depth:
                writes = flags & (WRITES & ~os.O_CREAT) and not flags & os.O_EXCL
                path = self.writable(path, keeps=not flags & os.O_TRUNC) if writes else self.seen(path)
            elif dir_fd is not None and flags & WRITES and not ours.depth:
                self._guard.check_in_folder(path, dir_fd, flags)
            opened: int = original(path, flags, mode, dir_fd=dir_fd)
            if flags & WRITES:
                self._guard.settle()
            return opened

        return open

    def _lists(self, original: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(original)
        def listdir(path: Any = None) -> list[Any]:
            where = self.listed(path)
            if where is None or isinstance(path, bytes):
                return list(original(path))
            aside, gone = where
            real = original(path) if os.path.isdir("." if path is None else path) else []
            with ours:
                private = original(aside)
            return [
                *(name for name in real if name not in gone),
                *(name for name in private if name in gone or name not in real),
            ]

        return listdir

    def _scans(self, original: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(original)
        def scandir(path: Any = None) -> Any:
            where = self.listed(path)
            if where is None or isinstance(path, bytes):
                return original(path)
            aside, gone = where
            with ours, original(aside) as entries:
                private = {entry.name: entry for entry in entries}
            if not os.path.isdir("." if path is None else path):
                return _Entries(iter(private.values()))
            with original(path) as entries:
                real = {entry.name: entry for entry in entries if entry.name not in gone}
            folders = {name for name, entry in real.items() if entry.is_dir()}
            return _Entries(
                iter({**real, **{name: entry for name, entry in private.items() if name not in folders}}.values())
            )

        return scandir


class _Entries:
    """What `os.scandir` gives, of two folders."""

    def __init__(self, entries: Iterator[os.DirEntry[str]]) -> None:
        self._entries = entries

    def __iter__(self) -> Iterator[os.DirEntry[str]]:
        return self

    def __next__(self) -> os.DirEntry[str]:
        return next(self._entries)

    def __enter__(self) -> _Entries:
        return self

    def __exit__(self, *_: object) -> None: ...

    def close(self) -> None: ...


def _text(path: Any) -> str | None:
    try:
        return os.fsdecode(path)
    except TypeError:
        return None


def _put(patches: Patches, name: str, wrap: Callable[[Any], Any]) -> None:
    original = getattr(os, name, None)
    if original is None:  # not on this system
        return
    wrapper = wrap(original)
    patches.put(os, name, wrapper)
    for supports in (os.supports_dir_fd, os.supports_fd, os.supports_follow_symlinks, os.supports_effective_ids):
        if original in supports:
            supports.add(wrapper)


def _mapped(
    original: Callable[..., Any], mapped: Callable[[Any], Any], mapped_link: Callable[[Any], Any] | None = None
) -> Callable[..., Any]:
    @functools.wraps(original)
    def wrapper(*arguments: Any, **keywords: Any) -> Any:
        if arguments and keywords.get("dir_fd") is None:
            how = mapped if keywords.get("follow_symlinks", True) else mapped_link
            if how is not None:
                return original(how(arguments[0]), *arguments[1:], **keywords)
        return original(*arguments, **keywords)

    return wrapper


def _unless(original: Callable[..., Any], done: Callable[..., bool], paths: int = 1) -> Callable[..., Any]:
    @functools.wraps(original)
    def wrapper(*arguments: Any, **keywords: Any) -> None:
        if len(arguments) == paths and all(value is None for value in keywords.values()) and done(*arguments):
            return
        original(*arguments, **keywords)

    return wrapper
