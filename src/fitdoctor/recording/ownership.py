"""Whether what lies in a folder can only come from us: by owner and mode, as ssh judges the folder of a key.

Access control lists are not read. Where a system has no owners and modes (Windows), the folders of the user are taken as theirs.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path

WRITABLE_BY_OTHERS = stat.S_IWGRP | stat.S_IWOTH

ROOT = 0
"""The administrator, who may change anything anyway."""


def why_not_ours(folder: Path, *, above: bool = True) -> str:
    """Says why another user may have put something into `folder`; an empty string where none can.

    The folder is ours, no link, and nobody else may write to it. The folders above are ours or root's, and where others may write to
    one of them, its sticky bit keeps them from replacing what lies there.

    Args:
        folder: Any path.
        above: Whether the folders above count. Not where the user has named the folder.

    Example:
        >>> why_not_ours(Path("/tmp"))
        '/tmp belongs to another user'
    """
    if not hasattr(os, "geteuid"):
        return "" if folder.is_dir() and not folder.is_symlink() else f"{folder} is no folder"
    try:
        found = folder.lstat()
        upper = Path(os.path.realpath(folder.parent))
        parents = [(each, each.stat()) for each in (upper, *upper.parents)] if above else []
    except OSError as error:
        return f"{folder} says “{error.strerror or error}”"
    if not stat.S_ISDIR(found.st_mode):
        return f"{folder} is a link" if stat.S_ISLNK(found.st_mode) else f"{folder} is no folder"
    if found.st_uid != os.geteuid():
        return f"{folder} belongs to another user"
    if _is_open(found):
        return f"{folder} can be written by other users"
    for each, status in parents:
        if status.st_uid not in (ROOT, os.geteuid()):
            return f"{each} belongs to another user"
        if _is_open(status) and not status.st_mode & stat.S_ISVTX:
            return f"{each} can be written by other users"
    return ""


def is_ours(found: os.stat_result) -> bool:
    """Whether a file or folder is owned by us and nobody else may write to it."""
    return not hasattr(os, "geteuid") or found.st_uid == os.geteuid() and not _is_open(found)


def _is_open(found: os.stat_result) -> bool:
    """Whether other users may write. Where each user has a group of their own, that group is nobody else."""
    others = found.st_mode & WRITABLE_BY_OTHERS
    return bool(others) and not (others == stat.S_IWGRP and _is_own_group(found.st_gid))


def _is_own_group(number: int) -> bool:
    """Whether a group is the private one of this user, as most Linux systems make it: of the same name, and without members."""
    import grp
    import pwd

    try:
        user, group = pwd.getpwuid(os.geteuid()), grp.getgrgid(number)
    except KeyError:
        return False
    return user.pw_gid == number and group.gr_name == user.pw_name and not set(group.gr_mem) - {user.pw_name}
