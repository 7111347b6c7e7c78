"""Renames between layers: each folder with a layer of its own is a file system of its own, though to the script they
were one.

The kernel gives the error EXDEV there, and for a folder of the real files in a user namespace. Then the entry is copied
and the old one removed, as `mv` does it.
"""

from __future__ import annotations

import errno
import functools
import os
import shutil
from collections.abc import Callable
from typing import Any

from fitdoctor.probe.support.patches import Patches

DEVICES = "/dev/", "/proc/", "/sys/"
"""Other file systems for the script, too: there it expects the error."""


def install() -> Patches:
    """Has `os.rename`, `os.replace` and `os.link` copy what the system can't rename or link."""
    patches = Patches()
    for name, instead in (("rename", _moved), ("replace", _moved), ("link", _copied)):
        patches.put(os, name, _with(getattr(os, name), instead))
    return patches


def _with(original: Callable[..., None], instead: Callable[[Any, Any], None]) -> Callable[..., None]:
    @functools.wraps(original)
    def call(src: Any, dst: Any, **folders: Any) -> None:
        try:
            original(src, dst, **folders)
        except OSError as error:
            by_descriptor = any(folder is not None for name, folder in folders.items() if name.endswith("_fd"))
            if error.errno != errno.EXDEV or by_descriptor or any(_is_elsewhere(path) for path in (src, dst)):
                raise
            instead(src, dst)

    return call


def _is_elsewhere(path: Any) -> bool:
    return os.path.abspath(os.fsdecode(path)).startswith(DEVICES)


def _moved(src: Any, dst: Any) -> None:
    os.stat(os.path.dirname(os.path.abspath(os.fsdecode(dst))))  # no folder is made on the way
    if os.path.isdir(src) and not os.path.islink(src):
        if os.path.isdir(dst):
            os.rmdir(dst)  # as rename does, only if it is empty
        shutil.copytree(src, dst, symlinks=True)
        shutil.rmtree(src)
        return
    beside = f"{os.fsdecode(dst)}.{os.getpid()}"
    _copied(src, beside)
    os.replace(beside, dst)  # at once, for whoever reads it
    os.unlink(src)


def _copied(src: Any, dst: Any) -> None:
    if os.path.lexists(dst):
        raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), src, None, dst)
    shutil.copy2(src, dst, follow_symlinks=False)
