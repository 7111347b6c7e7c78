"""Knows which segments of shared memory existed before the script began.

C code makes shared memory and semaphores without audit events. So everything of this user that appears later counts as
made by the script.
"""

from __future__ import annotations

import functools
import json
import os
from types import ModuleType
from typing import TYPE_CHECKING, Any

from fitdoctor.probe.files.made_files import unguarded
from fitdoctor.probe.support.patches import Patches

if TYPE_CHECKING:
    from fitdoctor.probe.files.write_guard import WriteGuard

FOLDER = "/dev/shm/"  # noqa: S108 - only read
LIST = "shared-memory.json"


def before(folder: str) -> frozenset[str]:
    """Returns the names that existed when the script's own process began. A file keeps them for its workers.

    Args:
        folder: The folder of the child; "" if it has none.
    """
    try:
        names = os.listdir(FOLDER)
    except OSError:
        return frozenset()
    if not folder:
        return frozenset(names)
    path = os.path.join(folder, LIST)
    with unguarded:
        try:
            with open(path, "x", encoding="utf-8") as file:
                json.dump(names, file)
        except FileExistsError:
            try:
                with open(path, encoding="utf-8") as file:
                    names = [str(name) for name in json.load(file)]
            except (OSError, ValueError, TypeError):
                pass  # everything that exists now is protected
        except OSError:
            pass
    return frozenset(names)


def is_new(path: str, names: frozenset[str]) -> bool:
    """Returns whether `path` is in shared memory, did not exist before, and belongs to this user."""
    if not path.startswith(FOLDER) or path[len(FOLDER) :].split(os.sep, 1)[0] in names:
        return False
    try:
        return os.lstat(path).st_uid == os.getuid()
    except OSError:
        return False


def install(module: ModuleType, guard: WriteGuard) -> Patches:
    """Wraps the functions with which `multiprocessing.shared_memory` makes and deletes a segment."""
    patches = Patches()

    def opens(original: Any) -> Any:
        @functools.wraps(original)
        def shm_open(path: Any, *arguments: Any, **keywords: Any) -> Any:
            flags = arguments[0] if arguments else keywords.get("flags", 0)
            makes = isinstance(path, str) and isinstance(flags, int) and flags & os.O_CREAT
            if makes:
                guard.note_made(FOLDER + path.lstrip("/"))
            descriptor = original(path, *arguments, **keywords)
            if makes:
                guard.list_new_files()
            return descriptor

        return shm_open

    def unlinks(original: Any) -> Any:
        @functools.wraps(original)
        def shm_unlink(path: Any) -> Any:
            if isinstance(path, str) and not unguarded.depth:
                guard.check(FOLDER + path.lstrip("/"), "os.remove")
            return original(path)

        return shm_unlink

    patches.put_call(module, "_posixshmem.shm_open", opens)
    patches.put_call(module, "_posixshmem.shm_unlink", unlinks)
    return patches


def install_tracker(module: ModuleType, guard: WriteGuard) -> Patches:
    """Hides existing segments from the tracker of `multiprocessing`: it also deletes segments that were only opened."""
    patches = Patches()

    def registers(original: Any) -> Any:
        @functools.wraps(original)
        def register(name: Any, rtype: Any) -> Any:
            if rtype == "shared_memory" and isinstance(name, str):
                with unguarded:
                    if guard.is_protected(FOLDER + name.lstrip("/")):
                        return None
            return original(name, rtype)

        return register

    patches.put_call(module, "resource_tracker.register", registers)
    return patches
