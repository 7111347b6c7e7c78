"""What we and the sandbox around a child tell each other: lines of JSON."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What to run, and how.

    Attributes:
        command: The program and its arguments.
        environment: Its variables.
        layered: Whether what it writes goes into a layer.
        offline: Whether it has no network.
        real: The folder that it writes for us.
        bases: Folders that may hold the layer, made for that; the first that can is taken.
        places: Folders in which it is likely to write: where it is started, and where it lies.
        temporary: Other folders where this user may write: for temporary files, and the user's own.
        caches: Folders of which the next command of this diagnosis is to find what this one wrote there.
        kept: The folder that holds the layers of those.
        notes: A file of JSON that the command reads: added are there "isolated" and "network_namespace", as achieved,
            and "spawned_s", when the command itself began by `time.monotonic`.
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
    """The first line of status.

    Attributes:
        pid: The number of the command's process; 0 where it could not be started.
        layered: Whether there is a layer.
        why: Why there is none.
        network_namespace: Whether it has a network of its own, which leads nowhere.
        read_only: Folders that it can only read.
        rebuilt: Likely places in which folders can't be renamed or removed, as another file system is mounted there.
    """

    pid: int = 0
    layered: bool = False
    why: str = ""
    network_namespace: bool = False
    read_only: list[str] = field(default_factory=list)
    rebuilt: list[str] = field(default_factory=list)


@dataclass(slots=True, kw_only=True)
class Ended:
    """The last line of status.

    Attributes:
        changes: What the layer holds, as of `layer_changes.changes`.
        more_changes: How many more there are of a kind.
        full: Why the layer took no more, or "".
        left_running: Command lines of processes that went on after it.
        connections: Hosts and ports that it and what it started were seen to be connected to.
    """

    changes: list[tuple[str, str]] = field(default_factory=list)
    more_changes: dict[str, int] = field(default_factory=dict)
    full: str = ""
    left_running: list[str] = field(default_factory=list)
    connections: list[str] = field(default_factory=list)
