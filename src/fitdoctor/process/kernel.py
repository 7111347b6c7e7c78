"""System calls of Linux that Python has no function for: namespaces, mounts, and the parent of orphaned processes.

They are called through the C library: the commands `unshare` and `mount` may be missing, and `os.unshare` needs Python
3.12. See namespaces(7), mount(2), pivot_root(2), prctl(2).
"""

from __future__ import annotations

import ctypes
import errno
import os
import platform
import socket
import struct

NEW_MOUNTS = 0x00020000
NEW_USER = 0x10000000
NEW_NETWORK = 0x40000000

READ_ONLY = 0x1
REMOUNT = 0x20
BIND = 0x1000
RECURSIVE = 0x4000
PRIVATE = 1 << 18
DETACH = 2

# nosuid, nodev and noexec, with the bits that `statvfs` uses. A bind mount in a user namespace must keep them.
KEPT_FLAGS = 0x2 | 0x4 | 0x8

CHILD_SUBREAPER = 36

# The numbers of pivot_root(2), for which the C library has no function.
PIVOT_ROOT = {"x86_64": 155, "aarch64": 41, "riscv64": 41, "ppc64le": 203, "s390x": 217}

READ_INTERFACE_FLAGS, WRITE_INTERFACE_FLAGS, INTERFACE_UP = 0x8913, 0x8914, 0x1


def unshare(flags: int) -> None:
    """Moves this process to new namespaces.

    Raises:
        OSError: The system or a container does not allow it.
    """
    _call("unshare", ctypes.c_int(flags))


def become_user(user: int, group: int) -> None:
    """Maps the user and the group to the same numbers in a new user namespace.

    Raises:
        OSError: It is not allowed.
    """
    for name, text in (("setgroups", "deny"), ("uid_map", f"{user} {user} 1"), ("gid_map", f"{group} {group} 1")):
        with open(f"/proc/self/{name}", "w", encoding="ascii") as file:
            file.write(text)


def mount(source: str, target: str, kind: str = "", flags: int = 0, options: str = "") -> None:
    """Mounts a file system.

    Raises:
        OSError: It can't be mounted. The file name of the error is the target.
    """
    _call(
        "mount",
        os.fsencode(source),
        os.fsencode(target),
        kind.encode(),
        ctypes.c_ulong(flags),
        os.fsencode(options),
        path=target,
    )


def bind(source: str, target: str, *, recursive: bool = False, read_only: bool = False) -> None:
    """Mounts a folder or a file at a second place.

    Args:
        source: The folder or file.
        target: The second place: a folder for a folder, a file for anything else.
        recursive: Whether to include all mounts below it.
        read_only: Whether writes through the second place fail.

    Raises:
        OSError: It can't be mounted.
    """
    mount(source, target, flags=BIND | (RECURSIVE if recursive else 0))
    if read_only:
        mount("", target, flags=BIND | REMOUNT | READ_ONLY | os.statvfs(target).f_flag & KEPT_FLAGS)


def unmount(target: str) -> None:
    """Unmounts a mount point.

    Raises:
        OSError: It is no mount point, or not ours.
    """
    _call("umount2", os.fsencode(target), ctypes.c_int(DETACH), path=target)


def keep_mounts_private() -> None:
    """Hides all later mounts from other namespaces."""
    mount("", "/", flags=RECURSIVE | PRIVATE)


def change_root(root: str) -> None:
    """Makes a mount point the root of this process, and unmounts the old root.

    Raises:
        OSError: It is not allowed, or the processor is of a kind whose numbers are not known here.
    """
    number = PIVOT_ROOT.get(platform.machine())
    if number is None:
        raise OSError(errno.ENOSYS, "no number of pivot_root is known for this processor")
    os.chdir(root)
    # The old root is stacked on the new one and unmounted there, so no folder is needed for it. See pivot_root(2).
    _call("syscall", ctypes.c_long(number), b".", b".", path=root)
    _call("umount2", b".", ctypes.c_int(DETACH))
    os.chdir("/")


def inherit_orphans() -> None:
    """Makes this process the parent of orphaned descendants."""
    _call(
        "prctl",
        ctypes.c_int(CHILD_SUBREAPER),
        ctypes.c_ulong(1),
        ctypes.c_ulong(0),
        ctypes.c_ulong(0),
        ctypes.c_ulong(0),
    )


def enable_loopback() -> None:
    """Enables 127.0.0.1 in a new network namespace."""
    import fcntl

    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one:
        asked = struct.pack("16sh22x", b"lo", 0)
        (flags,) = struct.unpack_from("h", fcntl.ioctl(one, READ_INTERFACE_FLAGS, asked), 16)
        fcntl.ioctl(one, WRITE_INTERFACE_FLAGS, struct.pack("16sh22x", b"lo", flags | INTERFACE_UP))


def _call(name: str, *arguments: object, path: str | None = None) -> None:
    library = ctypes.CDLL(None, use_errno=True)
    if getattr(library, name)(*arguments) == -1:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), path)
