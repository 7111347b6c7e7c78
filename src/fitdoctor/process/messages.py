"""Messages between this process and the sandbox of a child: lines of JSON."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """The command to run, and its protection.

    Attributes:
        command: The program and its arguments.
        environment: Its variables.
        layered: Whether its writes go into a layer.
        offline: Whether the network is cut.
        real: The folder that it really writes.
        bases: Folders that may hold the layer. The first suitable one is used.
        places: Folders in which it is likely to write: the current one, and that of the script.
        temporary: Other writable folders, such as those for temporary files.
        caches: Folders whose writes the next command of this diagnosis finds again.
        kept: The folder for the layers of caches.
        notes: A JSON file that the command reads. The sandbox adds "isolated" and "network_namespace", as achieved, and
            "spawned_s", the start of the command by `time.monotonic`.
    """

    command: list[str]
    environment: dict[str, str]
    layered: bool
    offline: bool
    real: str
    bases: list[str]
    places: list[str]
    temporary: list[str]
    caches: list[str]
    kept: str
    notes: str


@dataclass(slots=True, kw_only=True)
class Started:
    """The first status line.

    Attributes:
        pid: The PID of the command; 0 if it could not be started.
        layered: Whether there is a layer.
        why: Why there is none.
        network_namespace: Whether it has a network namespace without any connection.
        read_only: Folders that it can only read.
        rebuilt: Likely places whose folders can't be renamed or removed, because another file system is mounted there.
    """

    pid: int = 0
    layered: bool = False
    why: str = ""
    network_namespace: bool = False
    read_only: list[str] = field(default_factory=list)
    rebuilt: list[str] = field(default_factory=list)


@dataclass(slots=True, kw_only=True)
class Ended:
    """The last status line.

    Attributes:
        changes: The content of the layer, see `layer_changes.changes`.
        more_changes: How many more there are of each kind.
        full: Why the layer took no more, or "".
        left_running: Command lines of processes that still ran after it.
        connections: Hosts and ports that its processes were connected to.
    """

    changes: list[tuple[str, str]] = field(default_factory=list)
    more_changes: dict[str, int] = field(default_factory=dict)
    full: str = ""
    left_running: list[str] = field(default_factory=list)
    connections: list[str] = field(default_factory=list)
