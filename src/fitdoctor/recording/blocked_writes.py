"""The words for a write to an existing file that the guard blocked."""

from __future__ import annotations

_ACTIONS = {
    "open": "overwrite",
    "append": "append to",
    "os.remove": "delete",
    "os.rmdir": "delete the folder",
    "shutil.rmtree": "delete the folder",
    "os.rename": "rename or replace",
    "os.link": "make a hard link to",
    "os.truncate": "truncate",
    "os.chmod": "change the permissions of",
    "os.chown": "change the owner of",
    "os.chflags": "change the flags of",
    "os.lchflags": "change the flags of",
    "os.utime": "change the times of",
    "os.setxattr": "change the attributes of",
    "os.removexattr": "change the attributes of",
    "sqlite3.connect": "open the database",
}


def action(event: str) -> str:
    """The verb for an event of the guard, to be followed by a path.

    Example:
        >>> action("os.remove")
        'delete'
    """
    return _ACTIONS.get(event, "change")
