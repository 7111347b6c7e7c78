"""Reads `/proc/PID/stat`, see proc(5). Standard library only: the sandbox imports it without site packages."""

from __future__ import annotations

# Positions among the fields behind the process' name.
PARENT, SESSION = 1, 3
# The kernel writes no longer number.
MOST_DIGITS = 20


def fields_after_name(stat: bytes) -> list[bytes]:
    """Returns the fields behind the name. The name itself may hold spaces and brackets.

    Example:
        >>> fields_after_name(b"12 (a) b) S 7 12 12 0 -1")
        [b'S', b'7', b'12', b'12', b'0', b'-1']
    """
    return stat.rpartition(b")")[2].split()


def number_in(stat: bytes, position: int) -> int | None:
    """Returns one of those fields as a number; None where it is missing, negative or no number.

    Example:
        >>> number_in(b"12 (a) b) S 7 12 12 0 -1", PARENT)
        7
    """
    fields = fields_after_name(stat)
    field = fields[position] if len(fields) > position else b""
    return int(field) if field.isdigit() and len(field) < MOST_DIGITS else None


def parent_of(pid: int) -> int | None:
    """Returns the parent of a process; None where the process has ended or the system has no `/proc`."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            return number_in(file.read(), PARENT)
    except OSError:
        return None
