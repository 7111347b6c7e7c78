"""Checks by owner and mode that only this user can write to a folder, as ssh checks the folder of a key.

Access control lists are not read. On a system without owners and modes (Windows), the user's folders count as theirs.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from pathlib import Path

from fitdoctor.regular_files import make_private_folder

WRITABLE_BY_OTHERS = stat.S_IWGRP | stat.S_IWOTH

# The administrator may change everything anyway.
ROOT = 0

# The most links on the way to one path, as on Linux.
MOST_LINKS = 40


def why_not_ours(folder: Path, *, above: bool = True) -> str:
    """Says why another user may have put something into `folder`; an empty string where none can.

    The folder is ours, no link, and nobody else may write to it. The folders above are ours or root's, and where others
    may write to one of them, its sticky bit keeps them from replacing what lies there.

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
    except OSError as error:
        return f"{folder} says “{error.strerror or error}”"
    if not stat.S_ISDIR(found.st_mode):
        return f"{folder} is a link" if stat.S_ISLNK(found.st_mode) else f"{folder} is no folder"
    if found.st_uid != os.geteuid():
        return f"{folder} belongs to another user"
    if _is_open(found):
        return f"{folder} can be written by other users"
    return why_not_below(folder.parent) if above else ""


def why_not_below(folder: Path) -> str:
    """Says why fitdoctor must not create anything below `folder`. Empty if it may.

    All folders and links on the way must belong to this user or to root. Otherwise root would create folders in another
    user's home, or wherever their link points. The folder itself need not exist.

    Example:
        >>> why_not_below(Path("/home/ann/.local/state"))
        '/home/ann belongs to another user'
    """
    if not hasattr(os, "geteuid"):
        return ""
    try:
        for each in _way_to(folder):
            try:
                found = each.lstat()
            except FileNotFoundError:
                return ""
            if found.st_uid not in (ROOT, os.geteuid()):
                return f"{each} belongs to another user"
            if not stat.S_ISLNK(found.st_mode) and _is_open(found) and not found.st_mode & stat.S_ISVTX:
                return f"{each} can be written by other users"
    except OSError as error:
        return f"{folder} says “{error.strerror or error}”"
    return ""


def make_own_folder(folder: Path, *, above: bool = True) -> bool:
    """Creates a folder for this user alone, see `make_private_folder`.

    Args:
        folder: Any path.
        above: Whether the folders above it are checked as well, see `why_not_ours`.

    Raises:
        OSError: It can't be created, or others may write to it.
    """
    if above and (why := why_not_below(folder.parent)):
        raise OSError(why)
    new = make_private_folder(folder)
    if why := why_not_ours(folder, above=above):
        raise OSError(why)
    return new


def _way_to(path: Path) -> Iterator[Path]:
    """All folders and links on the way to a path, from the root of the file system on.

    Raises:
        OSError: There are too many links.
    """
    path = path.absolute()
    here, links = Path(path.anchor), 0
    left = list(path.parts[:0:-1])
    yield here
    while left:
        name = left.pop()
        above, here = here, here.parent if name == ".." else here / name
        yield here
        if here.is_symlink():
            links += 1
            if links > MOST_LINKS:
                raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), str(path))
            target = here.readlink()
            here = Path(target.anchor) if target.is_absolute() else above
            left += reversed(target.parts[1:] if target.is_absolute() else target.parts)


def is_ours(found: os.stat_result) -> bool:
    """Whether a file or folder is owned by us and nobody else may write to it."""
    return not hasattr(os, "geteuid") or found.st_uid == os.geteuid() and not _is_open(found)


def _is_open(found: os.stat_result) -> bool:
    """Whether other users may write. A private group of the user does not count."""
    others = found.st_mode & WRITABLE_BY_OTHERS
    return bool(others) and not (others == stat.S_IWGRP and _is_own_group(found.st_gid))


def _is_own_group(number: int) -> bool:
    """Whether a group is the private group of this user: of the same name, and without members."""
    import grp
    import pwd

    try:
        user, group = pwd.getpwuid(os.geteuid()), grp.getgrgid(number)
    except KeyError:
        return False
    return user.pw_gid == number and group.gr_name == user.pw_name and not set(group.gr_mem) - {user.pw_name}
