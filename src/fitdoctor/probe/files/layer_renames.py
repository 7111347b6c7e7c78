"""Renames between layers: each folder with a layer is a file system of its own, though the script expects one.

The kernel reports the error EXDEV there, and for real folders in a user namespace. Then the entry is copied and the old
one removed, as `mv` does.
"""

from __future__ import annotations

import errno
import functools
import os
import shutil
from collections.abc import Callable
from typing import Any

from fitdoctor.probe.support.patches import Patches

# These are other file systems without us too, so the script expects the error there.
DEVICES = "/dev/", "/proc/", "/sys/"


def install() -> Patches:
    """Makes `os.rename`, `os.replace` and `os.link` copy what the system can't rename or link."""
    patches = Patches()
    for name, fallback in (("rename", _moved), ("replace", _moved), ("link", _copied)):
        patches.put(os, name, _with_fallback(getattr(os, name), fallback))
    return patches


def _with_fallback(original: Callable[..., None], fallback: Callable[[Any, Any], None]) -> Callable[..., None]:
    @functools.wraps(original)
    def call(src: Any, dst: Any, **folders: Any) -> None:
        try:
            original(src, dst, **folders)
        except OSError as error:
            by_descriptor = any(folder is not None for name, folder in folders.items() if name.endswith("_fd"))
            if error.errno != errno.EXDEV or by_descriptor or any(_is_on_device(path) for path in (src, dst)):
                raise
            fallback(src, dst)

    return call


def _is_on_device(path: Any) -> bool:
    return os.path.abspath(os.fsdecode(path)).startswith(DEVICES)


def _moved(src: Any, dst: Any) -> None:
    os.stat(os.path.dirname(os.path.abspath(os.fsdecode(dst))))  # fails as rename does, if there is no such folder
    if os.path.isdir(src) and not os.path.islink(src):
        if os.path.isdir(dst):
            os.rmdir(dst)  # as rename does, only if it is empty
        shutil.copytree(src, dst, symlinks=True)
        shutil.rmtree(src)
        return
    beside = f"{os.fsdecode(dst)}.{os.getpid()}"
    _copied(src, beside)
    os.replace(beside, dst)  # atomic for readers
    os.unlink(src)


def _copied(src: Any, dst: Any) -> None:
    if os.path.lexists(dst):
        raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), src, None, dst)
    shutil.copy2(src, dst, follow_symlinks=False)
