"""Whether what lies in a folder can only come from us: by owner and mode, as ssh judges the folder of a key.

Access control lists are not read. Where a system has no owners and modes (Windows), the folders of the user are taken
as theirs.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from pathlib import Path

from fitdoctor.regular_files import make_private_folder

WRITABLE_BY_OTHERS = stat.S_IWGRP | stat.S_IWOTH

# The administrator, who may change anything anyway.
ROOT = 0

# On the way to one path, as Linux has it.
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
    """Says why nothing of ours should be made below `folder`, which need not be there yet; an empty string where it
    may.

    All that is passed on the way to it is ours or root's, links included: as root, we would else leave folders in
    another user's home that they can't enter, or wherever their link leads.

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
    """Makes a folder for us alone, see `make_private_folder`. Nothing is made where it would not be ours.

    Args:
        folder: Any path.
        above: Whether the folders above count, see `why_not_ours`.

    Raises:
        OSError: It can't be made, or others may write to it.
    """
    if above and (why := why_not_below(folder.parent)):
        raise OSError(why)
    new = make_private_folder(folder)
    if why := why_not_ours(folder, above=above):
        raise OSError(why)
    return new


def _way_to(path: Path) -> Iterator[Path]:
    """Every folder and every link that is passed on the way to a path, from the root of the file system on.

    Raises:
        OSError: It does not come to an end.
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
    """Whether other users may write. Where each user has a group of their own, that group is nobody else."""
    others = found.st_mode & WRITABLE_BY_OTHERS
    return bool(others) and not (others == stat.S_IWGRP and _is_own_group(found.st_gid))


def _is_own_group(number: int) -> bool:
    """Whether a group is the private one of this user, as most Linux systems make it:

    of the same name, and without members.
    """
    import grp
    import pwd

    try:
        user, group = pwd.getpwuid(os.geteuid()), grp.getgrgid(number)
    except KeyError:
        return False
    return user.pw_gid == number and group.gr_name == user.pw_name and not set(group.gr_mem) - {user.pw_name}
