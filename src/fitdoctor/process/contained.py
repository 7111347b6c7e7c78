"""Runs a command that leaves nothing behind: inside `sandbox.py` on Linux, directly elsewhere."""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO, Any

from fitdoctor.process.messages import Ended, Request, Started
from fitdoctor.process.remove_tree import remove_tree

SANDBOX = Path(__file__).resolve().parent / "sandbox.py"
# Namespaces and a layer take milliseconds, but longer on a loaded machine or with thousands of mounts.
START_S = 60.0
# How long the sandbox may take to end all processes and to read the layer.
END_S = 20.0
ELSEWHERE = "only Linux has such layers"


class Contained:
    """A running command and what is known of its sandbox.

    Args:
        command: The program and its arguments.
        environment: Its variables.
        folder: The folder that it really writes. All other writes go into a layer.
        notes: A JSON file in that folder that the command reads; see `messages.Request`.
        layered: Whether to use a layer.
        offline: Whether to cut the network.
        places: Folders in which it is likely to write.
        temporary: Other folders of this user.
        caches: Folders whose writes the next command finds again.
        kept: A folder beside `folder` for the layers of caches. The caller removes it with `remove_tree` in the end.
        stdin: The standard input.
        descriptors: Further descriptors that it inherits.

    Attributes:
        process: Ends as the command ends, with the exit code of the command.
        pid: The PID of the command.
        started: Which protection was possible.
        ended: What is known after `end`.

    Raises:
        OSError: It can't be started.
    """

    def __init__(
        self,
        command: Sequence[str],
        *,
        environment: Mapping[str, str],
        folder: Path,
        notes: Path,
        layered: bool,
        offline: bool,
        places: Sequence[Path],
        temporary: Sequence[Path],
        caches: Sequence[Path],
        kept: Path,
        stdin: int | IO[bytes],
        descriptors: Sequence[int],
    ) -> None:
        self.started, self.ended = Started(why=ELSEWHERE if layered else ""), Ended()
        self._bases: list[Path] = []
        self._status = self._lifeline = -1
        self._pending, self._end_was_read = b"", False
        streams: dict[str, Any] = {
            "stdin": stdin,
            "stdout": subprocess.PIPE,
            "stderr": subprocess.STDOUT,
            "start_new_session": True,
        }
        if sys.platform != "linux":
            self.process = subprocess.Popen(list(command), env=dict(environment), pass_fds=descriptors, **streams)
            self.pid = self.started.pid = self.process.pid
            return
        self._bases = _bases(folder) if layered else []
        if layered:
            kept.mkdir(mode=0o700, parents=True, exist_ok=True)
        asked, ask = os.pipe()
        self._status, reported = os.pipe()
        held, self._lifeline = os.pipe()
        try:
            self.process = subprocess.Popen(
                [sys.executable, "-I", "-S", str(SANDBOX), str(asked), str(reported), str(held)],
                pass_fds=(*descriptors, asked, reported, held),
                **streams,
            )
        except OSError:
            os.close(ask)
            self._close()
            self._remove_layer()
            raise
        finally:
            for descriptor in (asked, reported, held):
                os.close(descriptor)
        request = Request(
            command=list(command),
            environment=dict(environment),
            layered=layered,
            offline=offline,
            real=str(folder.absolute()),
            bases=list(map(str, self._bases)),
            places=sorted({str(place.resolve()) for place in places}),
            temporary=sorted({str(place.resolve()) for place in temporary}),
            caches=sorted({str(cache.absolute()) for cache in caches}),
            kept=str(kept.absolute()),
            notes=str(notes.absolute()),
        )
        with suppress(BrokenPipeError), os.fdopen(ask, "w", encoding="utf-8") as file:
            json.dump({name: getattr(request, name) for name in Request.__slots__}, file)
        self.started = Started(**(self._line(START_S) or {"why": "the sandbox did not start"}))
        self.pid = self.started.pid or self.process.pid

    def kill(self) -> None:
        """Ends the command at once."""
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, signal.SIGKILL)

    def settled(self) -> Ended:
        """Returns what is known of its end; an empty record while it runs."""
        if self._status >= 0 and self.process.poll() is not None:
            self._read_end()
        return self.ended

    @property
    def lost(self) -> bool:
        """Whether it ended without a list of the changes in its layer: a child may kill its own sandbox."""
        return self.started.layered and not self._end_was_read

    def end(self) -> None:
        """Ends the command and all processes that it started, and reads the changes in the layer."""
        if self._lifeline >= 0:
            os.close(self._lifeline)
            self._lifeline = -1
            self._read_end()
            with suppress(subprocess.TimeoutExpired):
                self.process.wait(END_S)
        self.kill()
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        self._close()
        self._remove_layer()

    def _read_end(self) -> None:
        if line := self._line(END_S):
            self._end_was_read = True
            self.ended = Ended(**{**line, "changes": [(kind, path) for kind, path in line["changes"]]})

    def _line(self, timeout_s: float) -> dict[str, Any] | None:
        """Returns the next status line; None if there is none."""
        while b"\n" not in self._pending:
            if self._status < 0 or not select.select([self._status], [], [], timeout_s)[0]:
                return None
            part = os.read(self._status, 1 << 16)
            if not part:
                return None
            self._pending += part
        line, _, self._pending = self._pending.partition(b"\n")
        found: dict[str, Any] = json.loads(line)
        return found

    def _close(self) -> None:
        for descriptor in (self._status, self._lifeline):
            with suppress(OSError):
                if descriptor >= 0:
                    os.close(descriptor)
        self._status = self._lifeline = -1

    def _remove_layer(self) -> None:
        for base in self._bases:
            remove_tree(str(base))
        self._bases = []


def _bases(folder: Path) -> list[Path]:
    """Makes folders that may hold a layer: one beside the folder of the command, and a temporary one."""
    beside = folder.with_name(f"{folder.name}-layer")
    beside.mkdir(mode=0o700, parents=True, exist_ok=True)
    made = [beside.absolute()]
    for parent in ("/var/tmp", None):  # noqa: S108 - the first is on a disk more often
        with suppress(OSError):
            made.append(Path(tempfile.mkdtemp(prefix="fitdoctor-layer-", dir=parent)))
            break
    return made
