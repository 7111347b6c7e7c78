"""Renames folders where a layer of the file system holds back what is written: there the system can't rename one of the layer below."""

from __future__ import annotations

import errno
import functools
import os
import shutil
from collections.abc import Callable
from typing import Any

from fitdoctor.probe.patches import Patches


def install() -> Patches:
    """Has `os.rename` and `os.replace` copy a folder that can't be renamed, as `mv` does."""
    patches = Patches()
    for name in ("rename", "replace"):
        patches.put(os, name, _renames(getattr(os, name)))
    return patches


def _renames(original: Callable[..., None]) -> Callable[..., None]:
    @functools.wraps(original)
    def rename(src: Any, dst: Any, **folders: Any) -> None:
        try:
            original(src, dst, **folders)
        except OSError as error:
            is_folder = not any(folder is not None for folder in folders.values()) and os.path.isdir(src) and not os.path.islink(src)
            if error.errno != errno.EXDEV or not is_folder or os.stat(src).st_dev != _device_of(dst):
                raise
            if os.path.isdir(dst):
                os.rmdir(dst)  # as rename does, only if it is empty
            shutil.copytree(src, dst, symlinks=True)
            shutil.rmtree(src)

    return rename


def _device_of(path: Any) -> int:
    """The device of the folder that `path` is to be in: between two devices no rename works anywhere, and a script expects that."""
    return os.stat(os.path.dirname(os.path.abspath(os.fsdecode(path)))).st_dev
