"""Hides our folders below a layer, without a mount, so that a script can remove the folder around them."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterator, Mapping
from typing import Any

from fitdoctor.process import searched_places


def hide(folder: str, *, path: str, lower: str, upper: str, user_namespace: bool) -> None:
    """Notes in a layer that is not mounted yet that a folder is gone; does nothing where it does not lie below.

    Args:
        folder: What is not to be seen.
        path: The folder that the layer is for, as the process knows it.
        lower: Where its real files can be read.
        upper: Where the process' writes will lie.
        user_namespace: Whether a layer can't hold what belongs to others.

    Raises:
        OSError: It can't be noted.
    """
    top = os.path.join(path, "")
    if not folder.startswith(top):
        return
    way = list(_way(os.path.dirname(folder).removeprefix(top)))
    found = [os.lstat(os.path.join(lower, part)) for part in way]
    if not all(
        stat.S_ISDIR(each.st_mode) and not (user_namespace and searched_places.is_foreign(each)) for each in found
    ):
        return
    for part, each in zip(way, found, strict=True):
        _make_like(os.path.join(upper, part), each)
    # How an overlay notes what is gone: see its documentation on whiteouts.
    os.mknod(os.path.join(upper, folder.removeprefix(top)), stat.S_IFCHR, os.makedev(0, 0))
    for part, each in zip(way, found, strict=True):
        os.utime(os.path.join(upper, part), ns=(each.st_atime_ns, each.st_mtime_ns))


def translated(value: Any, places: Mapping[str, str]) -> Any:
    """The same data of JSON with the paths of some folders, and of what lies in them, replaced by plain ones.

    Example:
        >>> translated({"out": "/home/ann/run/out.json"}, {"/home/ann/run": "/run-of-ours"})
        {'out': '/run-of-ours/out.json'}
    """
    if isinstance(value, str):
        for real, shown in places.items():
            value = re.sub(rf"{re.escape(real)}(?=/|\Z)", shown, value)
        return value
    if isinstance(value, list):
        return [translated(item, places) for item in value]
    if isinstance(value, dict):
        return {key: translated(item, places) for key, item in value.items()}
    return value


def _way(path: str) -> Iterator[str]:
    parts = path.split("/") if path else []
    for count in range(1, len(parts) + 1):
        yield "/".join(parts[:count])


def _make_like(made: str, found: os.stat_result) -> None:
    if not os.path.isdir(made):
        os.mkdir(made)
        os.chown(made, found.st_uid, found.st_gid)
        os.chmod(made, stat.S_IMODE(found.st_mode))
