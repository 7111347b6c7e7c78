"""Follows a script that replaces its own process by another Python.

A typical call is `os.execv(sys.executable, [sys.executable, *sys.argv])`. All functions `os.exec…` call `execv` or
`execve`. In their place the same command runs with our launcher before the script. The new interpreter gets a probe
with the same role, record, time limit and pipes. The time until then belongs to the start of the training.

What can't be followed is declined beforehand if the script is only tried. A real training continues, unrecorded.
"""

from __future__ import annotations

import functools
import json
import os
import stat
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from fitdoctor.probe.instrument import thread_settings
from fitdoctor.probe.processes import commands
from fitdoctor.probe.processes.run_notes import place
from fitdoctor.probe.support import call_sites, guard
from fitdoctor.probe.support.originals import time
from fitdoctor.probe.support.our_files import LAUNCH
from fitdoctor.probe.support.patches import Patches

if TYPE_CHECKING:
    from fitdoctor.probe.roles.probe import Probe

# How often a tried script may replace itself. One that does so for ever never reaches its training.
MOST_TIMES = 20
PIPES = ("commands", "replies")


@dataclass(slots=True)
class Execution:
    """One call of `execv` or `execve`.

    Attributes:
        path: Of the program.
        words: Its command line.
        environment: Of the new program; None for that of this process.
        undo: Undoes what was prepared, if the call fails.
    """

    path: Any
    words: Any
    environment: Any = None
    undo: Callable[[], None] = field(default=lambda: None)


class ReExec:
    """Replaces `os.execv` and `os.execve` in one process, but not in processes that it forks.

    Args:
        probe: Of the script.
        tried: Whether the script is only tried. Then the process ends before a program that can't be followed.
        decline: Ends the process with the reason.
        kept: Variables that the new interpreter gets in any case.
    """

    def __init__(self, probe: Probe, *, tried: bool, decline: Callable[[str], None], kept: Mapping[str, str]) -> None:
        self._probe, self._tried, self._decline, self._kept = probe, tried, decline, kept
        self._process = os.getpid()
        self._began_s = probe.spec.get("image_began_s", probe.spec["spawned_s"])
        self._execve_itself = os.execve
        self._pipes = [_pipe(probe.spec.get(name)) for name in PIPES] if probe.spec["role"] == "rehearsal" else []

    def install(self) -> Patches:
        """Replaces the two functions until the result undoes it."""
        patches = Patches()
        for module in (os, sys.modules.get("posix")):
            for name, wrap in (("execv", self._execv), ("execve", self._execve)):
                if module is not None and name in vars(module):
                    patches.put(module, name, wrap(vars(module)[name]))
        return patches

    def _execv(self, original: Any) -> Any:
        @functools.wraps(original)
        def execv(path: Any, argv: Any, /) -> Any:
            if os.getpid() != self._process:
                return original(path, argv)
            now = self._prepared(Execution(path, argv))
            try:
                if now.environment is None:
                    return original(now.path, now.words)
                return self._execve_itself(now.path, now.words, now.environment)
            finally:
                now.undo()

        return execv

    def _execve(self, original: Any) -> Any:
        @functools.wraps(original)
        def execve(path: Any, argv: Any, env: Any) -> Any:
            if os.getpid() != self._process:
                return original(path, argv, env)
            now = self._prepared(Execution(path, argv, env))
            try:
                return original(now.path, now.words, now.environment)
            finally:
                now.undo()

        return execve

    def _prepared(self, asked: Execution) -> Execution:
        """What to execute instead. In a real training, a failure of ours leaves the call unchanged."""
        try:
            return self._followed(asked)
        except Exception as error:
            if guard.is_from_signal_handler(error):
                raise
            if self._tried:
                why = guard.message(error)
                self._decline(f"The script replaced itself by another program, which could not be followed: {why}.")
            return asked

    def _followed(self, asked: Execution) -> Execution:
        if self._tried and getattr(self._probe.role, "reached", False):
            self._decline("The script replaced itself by another program while something was tried in it.")
        path, words = _text(asked.path), [os.fsdecode(word) for word in asked.words]
        if not words or not isinstance(path, int) and not (os.path.isfile(path) and os.access(path, os.X_OK)):
            return asked  # the call itself fails
        environment = _texts(os.environ if asked.environment is None else asked.environment)
        command = commands.python_command(path, words, environment) if isinstance(path, str) and words else None
        if command is None or self._cannot_follow(command, environment):
            return self._not_followed(asked, words)
        spec = self._spec(command)
        if spec is None:
            return self._not_followed(asked, words)
        if self._tried and spec["times_replaced"] > MOST_TIMES:
            self._decline(f"The script replaced itself {MOST_TIMES} times{self._place()} and never started training.")
        return self._launched(asked, words, command, spec, environment)

    def _launched(
        self,
        asked: Execution,
        words: list[str],
        command: commands.PythonCommand,
        spec: dict[str, Any],
        environment: Mapping[str, str],
    ) -> Execution:
        file = f"{spec['first_path']}.{spec['times_replaced'] % 2}"  # the last file stays, in case the call fails
        with open(file, "w", encoding="utf-8") as opened:
            json.dump(spec, opened)
        self._set_pipes_inheritable(True)

        def undo() -> None:
            guard.guarded(self._set_pipes_inheritable, False)

        given: dict[str, str] | None = {**environment, **command.assigned, **self._kept}
        if asked.environment is None and not command.assigned and not self._kept:
            given = None
        launched = [*command.before, *command.options, LAUNCH, file]
        if command.before[0] == _text(asked.path):
            launched[0] = words[0]
        return Execution(command.before[0], launched, given, undo)

    def _set_pipes_inheritable(self, on: bool) -> None:
        for pipe in self._pipes:
            if pipe is not None:
                os.set_inheritable(pipe[0], on)

    def _spec(self, command: commands.PythonCommand) -> dict[str, Any] | None:
        """What the launcher is to run; None if the command starts another launcher than ours."""
        before = self._probe.spec
        mode, target, arguments = command.mode, command.target, list(command.arguments)
        if mode == "script" and os.path.realpath(target) == os.path.realpath(LAUNCH):
            if not arguments or os.path.realpath(arguments[0]) != os.path.realpath(before["path"]):
                return None
            mode, target, arguments = before["mode"], before["target"], [*before["arguments"], *arguments[1:]]
        spec = {**before, "mode": mode, "target": target, "arguments": arguments, "image_began_s": time.monotonic()}
        if not self._pipes:
            spec |= dict.fromkeys(PIPES)
        spec["first_path"] = before.get("first_path", before["path"])
        spec["times_replaced"] = before.get("times_replaced", 0) + 1
        spec["assigned"] = thread_settings.assigned()
        spec["limits"] = [*before.get("limits", []), *self._lost_record()]
        if before.get("limit_s"):
            spent_s = time.monotonic() - self._began_s
            spec |= {name: max(0.1, before[name] - spent_s) for name in ("limit_s", "hard_limit_s")}
        return spec

    def _lost_record(self) -> list[str]:
        """Reports that the new record does not have what was recorded until now."""
        record = self._probe.record
        if not record.fits and not record.loops:
            return []
        place = self._place()
        return [f"The script replaced itself by another Python{place}: its training until then was not diagnosed."]

    def _cannot_follow(self, command: commands.PythonCommand, environment: Mapping[str, str]) -> bool:
        """Whether the new interpreter is too old, starts several processes, or has lost our pipes."""
        if command.is_launcher or commands.is_too_old(commands.found(command.python, environment)):
            return True
        return any(pipe is None or _pipe(pipe[0]) != pipe for pipe in self._pipes)

    def _not_followed(self, asked: Execution, words: list[str]) -> Execution:
        """Declines the call if the script is only tried. In a real training, notes that nothing more is recorded."""
        command = commands.shown(words)
        if self._tried and commands.is_launcher([str(_text(asked.path)), *words[1:]], os.environ):
            self._decline(commands.SEVERAL.format(command, self._place()))
        if self._tried:
            self._decline(
                f"The script replaced itself by “{command}”{self._place()}, which can't be followed. Expected a Python "
                "script that trains in the process that was started. Diagnose the script that it runs in the end."
            )
        notes = self._probe.notes
        notes.add("process", kind="replaced", command=command, site=place(call_sites.find()))
        guard.guarded(self._probe.role.save_now)
        return Execution(asked.path, asked.words, asked.environment, lambda: notes.add("resumed"))

    def _place(self) -> str:
        site = call_sites.find()
        return f" at {os.path.basename(site.file)}:{site.line}" if site else ""


def _pipe(descriptor: Any) -> tuple[int, int, int] | None:
    """Identifies the pipe behind a descriptor: a script may close it and open another file with the same number."""
    try:
        found = os.fstat(descriptor)
    except (OSError, TypeError):
        return None
    return (descriptor, found.st_dev, found.st_ino) if stat.S_ISFIFO(found.st_mode) else None


def _text(path: Any) -> Any:
    return path if isinstance(path, int) else os.fsdecode(path)


def _texts(environment: Mapping[Any, Any]) -> dict[str, str]:
    return {os.fsdecode(name): os.fsdecode(value) for name, value in environment.items()}
