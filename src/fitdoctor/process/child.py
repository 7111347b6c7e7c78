"""A child process that runs the user's script under a probe."""

from __future__ import annotations

import json
import os
import re
import select
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import IO, Any, TextIO

from fitdoctor.changes.environment import environment as changed_environment
from fitdoctor.errors import ChildEndedError, FitdoctorError
from fitdoctor.process.contained import Contained
from fitdoctor.process.exit_status import signal_name
from fitdoctor.process.memory_watch import MemoryWatch
from fitdoctor.process.request import DiagnoseRequest
from fitdoctor.regular_files import MOST_BYTES, as_private

# Bytes of a child's output that are logged, so that a script can't fill the disk.
LOG_BYTES = 2 << 20
STDIN_BYTES = 64 << 20
STDIN_WAIT_S = 0.2
STDIN_PART_BYTES = 1 << 16
END_S = 5.0
# The environment variable that identifies all processes of a child, even in other sessions.
MARK = "FITDOCTOR_CHILD"
# Folders in the home folder: of the XDG convention, Keras, NVIDIA's driver, PyTorch and TensorFlow Datasets.
CACHES = (".cache", ".keras", ".nv", ".torch", "tensorflow_datasets")
CACHE_VARIABLES = (
    "XDG_CACHE_HOME",
    "KERAS_HOME",
    "TFDS_DATA_DIR",
    "HF_HOME",
    "TORCH_HOME",
    "TORCHINDUCTOR_CACHE_DIR",
    "TRITON_CACHE_DIR",
)
# Folder of a run that holds the layers of caches during the diagnosis.
KEPT_LAYERS = "kept-layers"
LAUNCH = Path(__file__).resolve().parent.parent / "launch.py"
# Keeps trackers from sending a half-run training anywhere.
OFFLINE = {
    "WANDB_MODE": "offline",
    "WANDB_SILENT": "true",
    "COMET_OFFLINE_DIRECTORY": "",
    "NEPTUNE_MODE": "offline",
    "CLEARML_OFFLINE_MODE": "1",
    # Later versions of MLflow refuse folders, but a child has only a scratch folder.
    "MLFLOW_ALLOW_FILE_STORE": "true",
}
# Values of WANDB_MODE that are offline already.
OFF_ALREADY = ("disabled", "dryrun")


class StandardInput:
    """The standard input of children: a copy of what was piped to us, or nothing. Never the user's terminal."""

    def __init__(self, stream: TextIO | None = None) -> None:
        self._file: IO[bytes] | None = None
        stream = stream if stream is not None else sys.stdin
        try:
            if stream is None or stream.isatty() or not select.select([stream], [], [], STDIN_WAIT_S)[0]:
                return
            self._file = tempfile.TemporaryFile()  # noqa: SIM115 - each child reads it
            self._copy(stream.fileno())
        except (OSError, ValueError, AttributeError):
            self._file = None

    def _copy(self, descriptor: int) -> None:
        """Reads until the end, or until no more data arrives: the writer may keep the pipe open forever."""
        assert self._file is not None
        left = STDIN_BYTES
        while left > 0 and select.select([descriptor], [], [], STDIN_WAIT_S)[0]:
            part = os.read(descriptor, min(left, STDIN_PART_BYTES))
            if not part:
                return
            self._file.write(part)
            left -= len(part)

    def open(self) -> int | IO[bytes]:
        """Opens the input for one child, from its beginning."""
        if self._file is None:
            return subprocess.DEVNULL
        self._file.flush()
        return os.fdopen(os.open(f"/proc/self/fd/{self._file.fileno()}", os.O_RDONLY), "rb")


class Child:
    """Runs the script under a probe, in a process group that is ended as a whole.

    Args:
        request: What to diagnose.
        role: "scout" or "rehearsal".
        folder: The folder for the specification, the record and scratch files.
        stdin: The standard input of the script.
        log: The file for the output of the script.
        **spec: Further data for the role. `process_changes` are changes of the environment that it starts in.

    Attributes:
        at: The id of the last arm that the child announced to time, since the last command.
        contained: Keeps its writes away from the real files.
        memory: Watches its memory, and ends it before the machine runs out.
    """

    def __init__(
        self,
        request: DiagnoseRequest,
        role: str,
        *,
        folder: Path,
        stdin: StandardInput,
        log: Path,
        began_s: float,
        **spec: Any,
    ) -> None:
        self.out = folder / f"{role}.json"
        self.at = ""
        commands_read, self._commands = os.pipe()
        self._replies, replies_write = os.pipe()
        scratch = folder / "scratch"
        described = {
            "role": role,
            "mode": request.mode,
            "target": request.target,
            "arguments": list(request.arguments),
            "out": str(self.out),
            "scratch": str(scratch),
            "began_s": began_s,
            "spawned_s": time.monotonic(),
            "allow_writes": request.allow_writes,
            "commands": commands_read,
            "replies": replies_write,
            "kept_environment": [MARK, *OFFLINE, "WANDB_DIR", "MLFLOW_TRACKING_URI"],
            "offline": request.offline,
            **spec,
        }
        path = folder / f"{role}-spec.json"
        try:
            folder.mkdir(parents=True, exist_ok=True)
            path.write_text(json.dumps(described), encoding="utf-8")
        except OSError as error:
            for descriptor in (commands_read, self._commands, self._replies, replies_write):
                os.close(descriptor)
            raise FitdoctorError(no_room(folder, error)) from None
        mark = f"{os.getpid()}-{time.monotonic_ns()}"
        environment = {
            **os.environ,
            **OFFLINE,
            MARK: mark,
            "WANDB_DIR": str(scratch),
            "MLFLOW_TRACKING_URI": f"file:{scratch}/mlruns",
        }
        if os.environ.get("WANDB_MODE") in OFF_ALREADY:
            environment["WANDB_MODE"] = os.environ["WANDB_MODE"]
        environment = changed_environment(spec.get("process_changes", ()), environment)
        self.began_s = time.monotonic()
        source = stdin.open()
        try:
            self.contained = Contained(
                [request.python, str(LAUNCH), str(path)],
                environment=environment,
                folder=folder,
                notes=path,
                layered=request.layered and not request.allow_writes,
                offline=request.offline,
                places=places_of(request),
                temporary=[Path(folder) for folder in (tempfile.gettempdir(), "/tmp", "/var/tmp")],  # noqa: S108
                caches=caches(environment),
                kept=folder.with_name(KEPT_LAYERS),
                stdin=source,
                descriptors=(commands_read, replies_write),
            )
        finally:
            os.close(commands_read)
            os.close(replies_write)
            if not isinstance(source, int):
                source.close()
        self.process = self.contained.process
        self._mark = f"{MARK}={mark}".encode()
        self._pending = b""
        self._pump = threading.Thread(target=self._keep_output, args=(log, role), daemon=True)
        self._pump.start()
        self.memory = MemoryWatch(self.contained.pid, self.contained.kill)

    def _keep_output(self, log: Path, role: str) -> None:
        kept = 0
        assert self.process.stdout is not None
        try:
            with open(log, "ab", opener=as_private) as file:
                file.write(f"--- {role}\n".encode())
                while chunk := os.read(self.process.stdout.fileno(), 1 << 16):
                    if kept < LOG_BYTES:
                        file.write(chunk[: LOG_BYTES - kept])
                        kept += len(chunk)
                        if kept >= LOG_BYTES:
                            file.write(b"\n--- more than 2 MB of output: the rest is not logged\n")
                        file.flush()
        except (OSError, ValueError):
            self._drain()

    def _drain(self) -> None:
        """Discards the output if the log can't be written, so that the child does not block on it."""
        assert self.process.stdout is not None
        try:
            while os.read(self.process.stdout.fileno(), 1 << 16):
                pass
        except (OSError, ValueError):
            return

    def wait(self, timeout_s: float) -> int | None:
        """Returns the exit code; None if the child still runs after `timeout_s`."""
        try:
            return self.process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            return None

    def send(self, command: dict[str, Any]) -> None:
        try:
            os.write(self._commands, (json.dumps(command) + "\n").encode())
        except OSError:
            raise ChildEndedError(self._how_it_ended()) from None

    def receive(self, timeout_s: float) -> dict[str, Any]:
        """Returns the next reply of the child.

        Raises:
            ChildEndedError: The child ended, or did not reply in time.
        """
        until_s = time.monotonic() + timeout_s
        while True:
            while b"\n" not in self._pending:
                left_s = until_s - time.monotonic()
                if left_s <= 0 or not select.select([self._replies], [], [], left_s)[0]:
                    raise ChildEndedError(f"it did not answer for {timeout_s:.0f} s")
                chunk = os.read(self._replies, 1 << 16)
                if not chunk:
                    raise ChildEndedError(self._how_it_ended())
                self._pending += chunk
                if len(self._pending) > MOST_BYTES:
                    raise ChildEndedError("it answered without an end")
            line, self._pending = self._pending.split(b"\n", 1)
            try:
                reply = json.loads(line)
            except (ValueError, RecursionError):
                reply = None
            if not isinstance(reply, dict):  # the script can write to every descriptor of its process
                raise ChildEndedError("it answered with something else than a record")
            if reply.keys() != {"at"}:
                return reply
            self.at = reply["at"]

    def ask(self, command: dict[str, Any], timeout_s: float) -> dict[str, Any]:
        """Sends a command and waits for its reply."""
        self.at = ""
        self.send(command)
        return self.receive(timeout_s)

    @property
    def ran_out(self) -> str:
        """What the child ran out of, so that it was ended; "" if it did not."""
        full = self.contained.settled().full
        return self.memory.why or (f"room in its scratch layer: {full}" if full else "")

    def _how_it_ended(self) -> str:
        code = self.wait(END_S)
        if self.ran_out:
            return f"it was ended for lack of {self.ran_out}"
        if code is None:
            return "it closed its channel"
        if code < 0:
            name = signal_name(-code)
            return f"it was killed by {name}" + (", perhaps for lack of memory" if name == "SIGKILL" else "")
        return f"it ended with exit code {code}"

    def end(self) -> None:
        """Ends the process group, and all processes of the child that left it."""
        for descriptor in (self._commands, self._replies):
            with suppress(OSError):
                os.close(descriptor)
        self.memory.stop()
        self.contained.end()
        end_marked(self._mark)
        self._pump.join(END_S)
        if self.process.stdout is not None:
            self.process.stdout.close()


def caches(environment: Mapping[str, str]) -> list[Path]:
    """Returns folders for downloaded data and weights, and compiled code. The next child finds them there.

    Example:
        >>> caches({"HOME": "/home/ann"})[0]
        PosixPath('/home/ann/.cache')
    """
    home = Path(environment.get("HOME") or os.path.expanduser("~"))
    named = [environment.get(name) for name in CACHE_VARIABLES]
    compiled = Path(tempfile.gettempdir()) / f"torchinductor_{re.sub(r'[^A-Za-z0-9]', '_', home.name)}"
    found = [*(home / name for name in CACHES), *(Path(name) for name in named if name), compiled]
    return [folder for folder in found if folder.is_absolute()]


def places_of(request: DiagnoseRequest) -> list[Path]:
    """Returns folders in which a script is likely to write: the current one, and its own."""
    return [Path.cwd(), *([Path(request.target).resolve().parent] if request.mode == "script" else [])]


def no_room(folder: Path, error: OSError) -> str:
    """Returns the message for files of a child that can't be written."""
    return (
        f"Could not write to {folder}: {error.strerror or error}. Expected space there for the recording of a run. "
        "Free some space, or run from a folder that can be written."
    )


def end_marked(mark: bytes) -> None:
    """Ends all processes of this user with `mark` in their environment, on systems with `/proc`."""
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if mark in (folder / "environ").read_bytes().split(b"\0"):
                os.kill(int(folder.name), signal.SIGKILL)
        except OSError:
            continue
