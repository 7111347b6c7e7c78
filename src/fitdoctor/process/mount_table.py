"""The mounted file systems, as Linux lists them."""

from __future__ import annotations

import re
from dataclasses import dataclass

# File systems without files of users: those of the kernel, and automount points.
KERNEL_KINDS = frozenset(
    {
        "autofs", "binfmt_misc", "bpf", "cgroup", "cgroup2", "configfs", "debugfs",
        "devpts", "devtmpfs", "efivarfs", "fusectl", "hugetlbfs", "mqueue", "nsfs",
        "proc", "pstore", "rpc_pipefs", "securityfs", "selinuxfs", "sysfs", "tracefs",
    }
)  # fmt: skip
# File systems in memory.
MEMORY_KINDS = frozenset({"tmpfs", "ramfs"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Mount:
    """One mounted file system.

    Attributes:
        path: The mount point.
        kind: The type of the file system, such as "ext4".
        read_only: Whether it is mounted read-only.
    """

    path: str
    kind: str
    read_only: bool

    @property
    def is_kernel(self) -> bool:
        return self.kind in KERNEL_KINDS

    @property
    def is_memory(self) -> bool:
        return self.kind in MEMORY_KINDS


class MountTable:
    """The mounts of this process.

    Args:
        text: The text of `/proc/self/mountinfo`, see proc(5).

    Example:
        >>> MountTable("27 1 254:0 / / rw,relatime - ext4 /dev/vda rw").at("/")
        Mount(path='/', kind='ext4', read_only=False)
    """

    def __init__(self, text: str) -> None:
        self._mounts: dict[str, Mount] = {}
        for line in text.splitlines():
            before, separator, after = line.partition(" - ")
            fields, kinds = before.split(" "), after.split(" ")
            if not separator or len(fields) < 6:
                continue
            path = _unescaped(fields[4])
            read_only = "ro" in fields[5].split(",") or "ro" in kinds[-1].split(",")
            # Of two mounts at one path, the later one hides the other.
            self._mounts[path] = Mount(path=path, kind=kinds[0], read_only=read_only)

    @classmethod
    def read(cls) -> MountTable:
        """Reads the table of this process.

        Raises:
            OSError: This system has no such table.
        """
        with open("/proc/self/mountinfo", encoding="utf-8", errors="surrogateescape") as file:
            return cls(file.read())

    def at(self, path: str) -> Mount | None:
        """Returns the mount at exactly this path."""
        return self._mounts.get(path)

    def below(self, path: str) -> list[Mount]:
        """Returns the mounts below a folder."""
        start = path.rstrip("/") + "/"
        return [mount for place, mount in self._mounts.items() if place.startswith(start) and place != path]

    def containing(self, path: str) -> Mount | None:
        """Returns the mount that contains an absolute path."""
        while path not in self._mounts and path not in ("/", ""):
            path = path.rpartition("/")[0] or "/"
        return self._mounts.get(path)


def _unescaped(path: str) -> str:
    """Decodes spaces and similar characters, which are written as octal numbers."""
    return re.sub(r"\\([0-7]{3})", lambda found: chr(int(found[1], 8)), path)
