"""Runs a command that leaves nothing behind: under a scratch layer, offline if requested, ended with all its processes.

It is started by path, with three descriptors: `python -I -S sandbox.py REQUEST STATUS LIFELINE`. The request and the
status lines are JSON, see `messages.py`: one line when the command runs, one when it has ended. The command ends when
the other end of the lifeline is closed. This process stays outside of the layer, waits for the command, and imports the
standard library only.
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
import resource
import select
import shutil
import signal
import sys
import time
from dataclasses import asdict
from typing import Any

if __name__ == "__main__":
    sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))

from fitdoctor.process import connections, kernel, layer_changes, process_tree, searched_places
from fitdoctor.process import layer as layers
from fitdoctor.process.hidden import translated
from fitdoctor.process.messages import Ended, Request, Started
from fitdoctor.process.remove_tree import remove_tree

# How often the size of the layer is checked. A fast disk writes some hundred megabytes in this time.
LOOK_S = 0.5
# Share of the free disk space that a layer may take, and what must stay free.
LAYER_SHARE = 0.5
LEFT_BYTES = 1 << 30
# A layer of this size does not fill a disk.
LITTLE_BYTES = 64 << 20
# Share of the available memory for files that the command keeps in memory.
MEMORY_SHARE = 0.25
# How often connections are read, which takes some milliseconds.
CONNECTIONS_S = 2.0
MOST_CONNECTIONS = 20
# Time for helper processes to exit on their own after the command.
LEAVE_S = 0.2
# Time for killed processes to end: one that waits for a disk or a driver takes longer.
GONE_S = 5.0
# Processes that still ran after the command, and are reported.
MOST_LEFT_RUNNING = 5
CANNOT_RUN = 127


class Sandbox:
    """One command, from its start until all of its processes have ended.

    Args:
        request: The command and its protection.
        status: The descriptor for status lines.
        lifeline: The descriptor that becomes readable when the command shall end.
        layer: The layer, once it is built.
        free_bytes: The free space on its disk at that time.
    """

    def __init__(
        self, request: Request, status: int, lifeline: int, *, layer: layers.Layer | None = None, free_bytes: int = 0
    ) -> None:
        self._request, self._status, self._lifeline = request, status, lifeline
        self._layer, self._free_bytes = layer, free_bytes
        self._started, self._ended = Started(), Ended()
        self._connections: set[str] = set()

    def run(self) -> int:
        """Runs the command; returns its status as of `os.waitpid`."""
        wakeup = self._listen()
        with contextlib.suppress(OSError):
            kernel.inherit_orphans()
        self._isolate()
        self._note()
        self._started.pid = self._fork()
        self._tell(self._started)
        status = self._wait(wakeup)
        self._ended.left_running = self._kill_all()
        self._ended.connections = sorted(self._connections)[:MOST_CONNECTIONS]
        if self._layer is not None:
            self._ended.full = self._ended.full or self._memory_full()
            places = [f"{cache}/" for cache in self._request.caches]  # for whose layers folders were made
            found, self._ended.more_changes = layer_changes.changes(
                self._layer.overlays, [self._request.real, self._request.kept, *self._request.bases, layers.OURS]
            )
            made = {path for _, path in found if path.endswith("/") and any(place.startswith(path) for place in places)}
            self._ended.changes = [change for change in found if change[1] not in made]
        if not self._tell(self._ended):
            self._remove_layer()
        return status

    def _listen(self) -> int:
        """Returns a descriptor that becomes readable when a child has ended, or this process shall end."""
        read, write = os.pipe()
        os.set_blocking(write, False)
        signal.set_wakeup_fd(write)
        for number in (signal.SIGCHLD, signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, lambda *_: None)
        return read

    # isolation

    def _isolate(self) -> None:
        wanted = self._request.layered, self._request.offline
        if not any(wanted):
            return
        try:
            user_namespace = self._leave(*wanted)
        except OSError as error:
            self._started.why = f"this system allows no namespace ({error.strerror or error})"
            return
        if self._request.offline:
            self._started.network_namespace = True
            with contextlib.suppress(OSError):
                kernel.enable_loopback()
        if self._request.layered:
            try:
                self._layer = self._build(user_namespace=user_namespace)
                self._started.layered, self._started.read_only = True, self._layer.read_only
                self._started.rebuilt = sorted({*self._layer.rebuilt} & {*self._request.places})
            except OSError as error:
                place = f" for {error.filename}" if error.filename else ""
                self._started.why = f"no layer can be made{place} ({error.strerror or error})"

    def _leave(self, layered: bool, offline: bool) -> bool:
        """Enters new namespaces. Returns whether that needed a user namespace."""
        flags = (kernel.NEW_MOUNTS if layered else 0) | (kernel.NEW_NETWORK if offline else 0)
        user, group = os.getuid(), os.getgid()
        try:
            kernel.unshare(flags)
        except PermissionError:
            kernel.unshare(flags | kernel.NEW_USER)
            kernel.become_user(user, group)
            return True
        return False

    def _build(self, *, user_namespace: bool) -> layers.Layer:
        kernel.keep_mounts_private()
        if user_namespace and (found := searched_places.foreign(self._request.places)):
            raise OSError(
                errno.EOVERFLOW,
                "it belongs to another user or group, which a layer of this user's can't take up",
                found,
            )
        disk = next((base for base in self._request.bases if _holds_layers(base, user_namespace=user_namespace)), "")
        memory = os.path.join(disk or self._request.bases[0], "memory")
        memory_bytes = int(_available_memory_bytes() * MEMORY_SHARE)
        os.makedirs(memory, exist_ok=True)
        built = layers.Layer(disk=disk, memory=memory, memory_bytes=memory_bytes, user_namespace=user_namespace)
        built.build(
            places=[*self._request.places, *self._request.temporary],
            caches=self._request.caches,
            kept=self._request.kept if _holds_layers(self._request.kept, user_namespace=user_namespace) else "",
            real=[self._request.real],
            hidden=[*self._request.bases, self._request.kept],
        )
        if disk:
            self._free_bytes = _free_bytes(disk)
        return built

    @property
    def _moved(self) -> dict[str, str]:
        return self._layer.moved if self._layer is not None else {}

    def _note(self) -> None:
        """Writes into the file that the command reads which protection was possible."""
        with open(self._request.notes, encoding="utf-8") as file:
            notes = translated(json.load(file), self._moved)
        notes |= {
            "isolated": self._started.layered,
            "network_namespace": self._started.network_namespace,
            "spawned_s": time.monotonic(),
        }
        with open(self._request.notes, "w", encoding="utf-8") as file:
            json.dump(notes, file)

    # the command

    def _fork(self) -> int:
        directory = os.getcwd()
        pid = os.fork()
        if pid:
            return pid
        try:
            os.setsid()
            signal.set_wakeup_fd(-1)
            for number in (
                signal.SIGCHLD,
                signal.SIGTERM,
                signal.SIGINT,
                signal.SIGHUP,
                signal.SIGPIPE,
                signal.SIGXFSZ,
            ):
                signal.signal(number, signal.SIG_DFL)
            if self._layer is not None:
                # In a mount namespace of its own: this process must still see the real files and the layer.
                kernel.unshare(kernel.NEW_MOUNTS)
                kernel.change_root(self._layer.root)
                os.chdir(directory)
            command, environment = translated([self._request.command, self._request.environment], self._moved)
            os.execve(command[0], command, environment)
        except BaseException as error:
            os.write(2, f"fitdoctor: Could not start {self._request.command[0]}: {error}\n".encode(errors="replace"))
        finally:
            os._exit(CANNOT_RUN)

    def _wait(self, wakeup: int) -> int:
        """Waits for the end of the command. Ends it if the lifeline is closed or the layer is full."""
        poll = select.poll()
        poll.register(self._lifeline, select.POLLIN)
        poll.register(wakeup, select.POLLIN)
        look_s = time.monotonic() + LOOK_S
        while True:
            ready = dict(poll.poll(LOOK_S * 1000))
            heard = set(os.read(wakeup, 4096)) if wakeup in ready else set()
            if self._lifeline in ready:
                poll.unregister(self._lifeline)
            if self._lifeline in ready or heard - {signal.SIGCHLD} or self.is_full():
                self._kill_command()
            elif time.monotonic() >= look_s:
                look_s = time.monotonic() + CONNECTIONS_S
                self._connections |= connections.hosts(process_tree.descendants())
            status = self._reap()
            if status is not None:
                return status

    def _reap(self) -> int | None:
        """Reaps ended children. Returns the status of the command if it is among them."""
        ended: int | None = None
        with contextlib.suppress(ChildProcessError):
            while True:
                pid, status = os.waitpid(-1, os.WNOHANG)
                if pid == 0:
                    break
                if pid == self._started.pid:
                    ended = status
        return ended

    def _kill_command(self) -> None:
        with contextlib.suppress(OSError):
            os.killpg(self._started.pid, signal.SIGKILL)
        with contextlib.suppress(OSError):
            os.kill(self._started.pid, signal.SIGKILL)

    def _kill_all(self) -> list[str]:
        """Ends all processes that the command left running. They have become children of this process.

        Returns:
            The command lines of some of them.
        """
        lines: list[str] = []
        leave_s = time.monotonic() + LEAVE_S
        with contextlib.suppress(ChildProcessError):
            while time.monotonic() < leave_s + GONE_S:
                for pid in process_tree.children() if time.monotonic() > leave_s else []:
                    if (
                        len(lines) < MOST_LEFT_RUNNING
                        and (line := process_tree.command_line(pid))
                        and line not in lines
                    ):
                        lines.append(line)
                    with contextlib.suppress(OSError):
                        os.kill(pid, signal.SIGKILL)
                if os.waitpid(-1, os.WNOHANG)[0] == 0:
                    time.sleep(0.005)
        return lines

    # the size of the layer

    def is_full(self) -> bool:
        """Returns whether the layer is full: it took half of the free space, or the disk has only a gigabyte left."""
        if not self._free_bytes or self._layer is None or self._ended.full:
            return False
        free = _free_bytes(self._layer.disk)
        most = self._free_bytes * LAYER_SHARE
        if free > LEFT_BYTES and self._free_bytes - free < most:
            return False
        own = sum(_size(overlay.upper) for overlay in self._layer.overlays)  # another program may have taken it
        if own > most or free <= LEFT_BYTES and own > LITTLE_BYTES:
            self._ended.full = f"it had written {own >> 20} MB, and {free >> 20} MB were left"
        return bool(self._ended.full)

    def _memory_full(self) -> str:
        assert self._layer is not None
        for folder in (self._layer.memory, self._layer.root + layers.SHARED_MEMORY):
            if os.path.isdir(folder) and _free_bytes(folder) == 0:
                found = os.statvfs(folder)  # shared memory is as large as the real one
                return f"what it kept in memory had reached {found.f_blocks * found.f_frsize >> 20} MB"
        return ""

    def _tell(self, what: Started | Ended) -> bool:
        """Sends a status line. Returns whether anybody still reads it."""
        try:
            with os.fdopen(os.dup(self._status), "w", encoding="utf-8", errors="surrogateescape") as file:
                file.write(json.dumps(asdict(what)) + "\n")
        except OSError:
            return False
        return True

    def _remove_layer(self) -> None:
        """Removes the layer, because the process that started this one has ended."""
        if self._layer is None:
            return
        for mounted in (self._layer.root, self._layer.memory):
            with contextlib.suppress(OSError):
                kernel.unmount(mounted)
        for folder in (*self._request.bases, self._request.kept):
            remove_tree(folder)


def _holds_layers(base: str, *, user_namespace: bool) -> bool:
    tried = os.path.join(base, "tried")
    try:
        os.mkdir(tried)
    except OSError:
        return False
    try:
        return layers.can_hold_layers(tried, user_namespace=user_namespace)
    finally:
        shutil.rmtree(tried, ignore_errors=True)


def _free_bytes(folder: str) -> int:
    found = os.statvfs(folder)
    return found.f_bavail * found.f_frsize


def _available_memory_bytes() -> int:
    with open("/proc/meminfo", encoding="ascii") as file:
        return next((int(line.split()[1]) << 10 for line in file if line.startswith("MemAvailable:")), 1 << 30)


def _size(folder: str) -> int:
    total = 0
    for root, _, names in os.walk(folder):
        for name in names:
            with contextlib.suppress(OSError):
                total += os.lstat(os.path.join(root, name)).st_blocks * 512
    return total


def _end_like(status: int) -> None:
    """Ends this process as the command ended."""
    code = os.waitstatus_to_exitcode(status)
    if code < 0:
        resource.setrlimit(resource.RLIMIT_CORE, (0, resource.getrlimit(resource.RLIMIT_CORE)[1]))
        with contextlib.suppress(OSError, ValueError):
            signal.signal(-code, signal.SIG_DFL)
        os.kill(os.getpid(), -code)
        code = 128 - code
    os._exit(code)


def main() -> None:
    asked, status, lifeline = map(int, sys.argv[1:4])
    for descriptor in (asked, status, lifeline):
        os.set_inheritable(descriptor, False)
    with os.fdopen(asked, encoding="utf-8", errors="surrogateescape") as file:
        request: dict[str, Any] = json.load(file)
    _end_like(Sandbox(Request(**request), status, lifeline).run())


if __name__ == "__main__":
    main()
