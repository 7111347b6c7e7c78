"""Knows what lay in the folder of shared memory before the script began.

C code makes shared memory and semaphores there, and raises no audit event. What appears there later and belongs to this
user therefore counts as the script's own.
"""

from __future__ import annotations

import functools
import json
import os
from types import ModuleType
from typing import TYPE_CHECKING, Any

from fitdoctor.probe.files.made_files import ours
from fitdoctor.probe.support.patches import Patches

if TYPE_CHECKING:
    from fitdoctor.probe.files.write_guard import WriteGuard

FOLDER = "/dev/shm/"  # noqa: S108 - no file of ours: what others keep there is theirs
LIST = "shared-memory.json"


def before(folder: str) -> frozenset[str]:
    """The names that were there when the script's own process began. It keeps them in a file, for its workers.

    Args:
        folder: The child's own; "" where it has none.
    """
    try:
        names = os.listdir(FOLDER)
    except OSError:
        return frozenset()
    if not folder:
        return frozenset(names)
    path = os.path.join(folder, LIST)
    with ours:
        try:
            with open(path, "x", encoding="utf-8") as file:
                json.dump(names, file)
        except FileExistsError:
            try:
                with open(path, encoding="utf-8") as file:
                    names = [str(name) for name in json.load(file)]
            except (OSError, ValueError, TypeError):
                pass  # all that is there now stays protected
        except OSError:
            pass
    return frozenset(names)


def is_new(path: str, names: frozenset[str]) -> bool:
    """Whether `path` lies in shared memory, was not there before, and belongs to this user."""
    if not path.startswith(FOLDER) or path[len(FOLDER) :].split(os.sep, 1)[0] in names:
        return False
    try:
        return os.lstat(path).st_uid == os.getuid()
    except OSError:
        return False


def install(module: ModuleType, guard: WriteGuard) -> Patches:
    """Stands before the functions with which `multiprocessing.shared_memory` makes and deletes a segment."""
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
                guard.settle()
            return descriptor

        return shm_open

    def unlinks(original: Any) -> Any:
        @functools.wraps(original)
        def shm_unlink(path: Any) -> Any:
            if isinstance(path, str) and not ours.depth:
                guard.check(FOLDER + path.lstrip("/"), "os.remove")
            return original(path)

        return shm_unlink

    patches.put_call(module, "_posixshmem.shm_open", opens)
    patches.put_call(module, "_posixshmem.shm_unlink", unlinks)
    return patches


def install_tracker(module: ModuleType, guard: WriteGuard) -> Patches:
    """Keeps segments that were there from the tracker of `multiprocessing`:

    it deletes those that a script has only opened, too.
    """
    patches = Patches()

    def registers(original: Any) -> Any:
        @functools.wraps(original)
        def register(name: Any, rtype: Any) -> Any:
            if rtype == "shared_memory" and isinstance(name, str):
                with ours:
                    if guard.protected(FOLDER + name.lstrip("/")):
                        return None
            return original(name, rtype)

        return register

    patches.put_call(module, "resource_tracker.register", registers)
    return patches
