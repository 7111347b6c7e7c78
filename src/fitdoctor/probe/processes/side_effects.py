"""Records side effects of a tried script that no layer prevents: connections, and programs that it starts.

An audit hook observes Python code. Connections of C libraries, such as gRPC, are not observed. With `--offline`, the
hook also refuses connections to other machines, if the system allows no network namespace.
"""

from __future__ import annotations

import errno
import ipaddress
import os
import stat
import sys
from collections.abc import Callable, Mapping
from typing import Any

from fitdoctor.probe.processes import commands, shell_lines
from fitdoctor.probe.processes.host_names import HostNames
from fitdoctor.probe.processes.run_notes import RunNotes, place
from fitdoctor.probe.support import call_sites
from fitdoctor.probe.support.originals import threading

CONNECTING = ("socket.connect", "socket.sendto", "socket.sendmsg")
ASKING = ("platform", "ctypes.util", "uuid", "sysconfig")
MOST_FRAMES = 20
# AF_INET and AF_INET6 on Linux. The module with their names may not be imported yet.
INTERNET = (2, 10)


class SideEffects:
    """Records each new host, socket and program once, with the line of the script that caused it first.

    Args:
        notes: The file for the records.
        began_s: When the diagnosis began, by `time.time`. Younger sockets in the file system are the script's own.
        offline: Whether to refuse connections to other machines.
        several: Called with a command that is about to start a training on several processes. Must not return.
    """

    def __init__(
        self, notes: RunNotes, *, began_s: float, offline: bool, several: Callable[[str], None] | None = None
    ) -> None:
        self._notes, self._began_s, self._offline, self._several = notes, began_s, offline, several
        self._thread = threading.local()
        self._names = HostNames()
        self._checks: Mapping[str, Callable[[tuple[Any, ...]], None]] = {
            **dict.fromkeys(CONNECTING, self._connects),
            "socket.bind": self._listens,
            "socket.getaddrinfo": self._looks_up,
            "socket.gethostbyname": lambda arguments: self._looks_up((arguments[0], None)),
            "subprocess.Popen": lambda arguments: self._starts(
                _words(arguments[0], arguments[1]), commands.variables_of(arguments[3])
            ),
            "os.posix_spawn": lambda arguments: self._starts(
                _words(arguments[0], arguments[1]), commands.variables_of(arguments[2])
            ),
            "os.exec": lambda arguments: self._execs(
                _words(arguments[0], arguments[1]), commands.variables_of(arguments[2])
            ),
            "os.system": lambda arguments: self._starts(["/bin/sh", "-c", os.fsdecode(arguments[0])], os.environ),
        }
        self._process = os.getpid()

    def install(self) -> None:
        sys.addaudithook(self._audit)

    def _audit(self, event: str, arguments: tuple[Any, ...]) -> None:
        check = self._checks.get(event)
        if check is None or getattr(self._thread, "checking", False):
            return
        self._thread.checking = True
        try:
            check(arguments)
        except OSError:
            raise
        except Exception:  # an invalid argument: Python itself raises an error
            pass
        finally:
            self._thread.checking = False

    # the network

    def _looks_up(self, arguments: tuple[Any, ...]) -> None:
        """Remembers the name that was looked up for a port. A connection to its address follows."""
        host, port = arguments[0], arguments[1]
        name = os.fsdecode(host) if isinstance(host, str | bytes) else ""
        if not name or _is_address(name):
            return
        if self._offline and name != "localhost":
            socket = sys.modules["socket"]
            self._note("connection", f"{name}:{_number(port)}" if port else name)
            raise socket.gaierror(socket.EAI_AGAIN, "fitdoctor: there is no network with --offline")
        self._names.add(name, _number(port) or None)

    def _connects(self, arguments: tuple[Any, ...]) -> None:
        family, address = int(arguments[0].family), arguments[-1]
        if family not in INTERNET:
            self._connects_locally(address)
            return
        host, port = address[0], address[1]
        names = self._names.names_for(os.fsdecode(host), port) if _is_address(host) else []
        for name in names or [host]:
            self._note("connection", _at(name, port))
        if self._offline and not _is_this_machine(host):
            raise OSError(errno.ENETUNREACH, "fitdoctor: there is no network with --offline")

    def _connects_locally(self, address: Any) -> None:
        """Records a socket in the file system that existed before, such as that of a container daemon."""
        if not isinstance(address, str | bytes) or not address:
            return  # a socket of the kernel, such as netlink
        path = os.fsdecode(address)
        if path.startswith("\0"):
            self._note("socket", f"@{path[1:]}")
            return
        try:
            found = os.stat(path)
        except (OSError, ValueError):
            return
        if stat.S_ISSOCK(found.st_mode) and found.st_ctime < self._began_s:
            self._note("socket", os.path.abspath(path))

    def _listens(self, arguments: tuple[Any, ...]) -> None:
        if int(arguments[0].family) in INTERNET and arguments[1][1]:
            self._note("listening", _at(arguments[1][0] or "*", arguments[1][1]))

    # programs

    def _execs(self, words: list[str], variables: Mapping[str, str]) -> None:
        if os.getpid() != self._process:  # a process that was forked for this, as by `os.spawnv`
            self._starts(words, variables)

    def _starts(self, words: list[str], variables: Mapping[str, str]) -> None:
        if not words:
            return
        if self._several is not None and commands.is_launcher(words, variables):
            self._several(commands.shown(words))
        names = shell_lines.programs(words)
        if not names or _inspects_the_system():
            return
        for name in names:
            self._note("program", name)
        parsed = commands.python_command(words[0], words, variables)
        if parsed is not None and parsed.shown != commands.WORKER:
            self._notes.add("process", kind="started", command=parsed.shown, site=place(call_sites.find()))

    def _note(self, kind: str, what: str) -> None:
        self._notes.add("effect", kind=kind, what=what, site=place(call_sites.find()))


def _inspects_the_system() -> bool:
    """Returns whether the standard library starts a program to inspect the machine, as `platform` starts `uname`."""
    frame = sys._getframe(1)
    for _ in range(MOST_FRAMES):
        if frame.f_back is None:
            return False
        frame = frame.f_back
        if frame.f_globals.get("__name__") in ASKING:
            return True
    return False


def _words(program: Any, arguments: Any) -> list[str]:
    """Returns a command as a list, with the program first."""
    if isinstance(arguments, str | bytes | os.PathLike):
        arguments = [arguments]
    words = [os.fsdecode(word) for word in arguments]
    return [os.fsdecode(program), *words[1:]] if program else words


def _number(port: Any) -> Any:
    if isinstance(port, str | bytes) and os.fsdecode(port).isdecimal():
        return int(port)
    return {"https": 443, "http": 80}.get(port, port) if isinstance(port, str) else port


def _at(host: Any, port: Any) -> str:
    name = os.fsdecode(host) if isinstance(host, str | bytes) else str(host)
    return f"[{name}]:{port}" if ":" in name else f"{name}:{port}"


def _is_address(host: Any) -> bool:
    try:
        ipaddress.ip_address(os.fsdecode(host).partition("%")[0])
    except (TypeError, ValueError):
        return False
    return True


def _is_this_machine(host: Any) -> bool:
    name = os.fsdecode(host) if isinstance(host, str | bytes) else ""
    return name in ("", "localhost") or _is_address(name) and ipaddress.ip_address(name.partition("%")[0]).is_loopback
