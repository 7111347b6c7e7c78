"""Follows a script that replaces its own process by another Python: `os.execv(sys.executable, [sys.executable,
*sys.argv])`.

All of `os.exec…` come down to `execv` and `execve`. In their place the same command is run with the launcher before the
script, and the specification that the launcher reads says what to run: the new interpreter gets the probe with the same
role, record, limit and pipes. The time before belongs to the training's start, as the account still begins where the
first process did.

What can't be followed is declined, before it happens, where the script is only tried. A real training goes on as
written, unseen.
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
    from fitdoctor.probe.roles.start import Probe

MOST_TIMES = 20
"""How often a script that is only tried may replace itself: one that does so for ever never comes to its training."""
PIPES = ("commands", "replies")


@dataclass(slots=True)
class Execution:
    """One call of `execv` or `execve`. `environment` is None where that of the process is taken over."""

    path: Any
    words: Any
    environment: Any = None
    takes_back: Callable[[], None] = field(default=lambda: None)
    """Undoes what was prepared, where the call fails."""


class ReExec:
    """Stands in for `os.execv` and `os.execve` of one process; a process that it forks is not its business.

    Args:
        probe: Of the script.
        tried: Whether the script is only tried. Then what can't be followed ends the process.
        decline: Ends the process with a sentence that says why.
        kept: Variables that a new interpreter must have, whatever environment the script gives it.
    """

    def __init__(self, probe: Probe, *, tried: bool, decline: Callable[[str], None], kept: Mapping[str, str]) -> None:
        self._probe, self._tried, self._decline, self._kept = probe, tried, decline, kept
        self._process = os.getpid()
        self._began_s = probe.spec.get("image_began_s", probe.spec["spawned_s"])
        self._execve_itself = os.execve
        self._pipes = [_pipe(probe.spec.get(name)) for name in PIPES] if probe.spec["role"] == "rehearsal" else []

    def install(self) -> Patches:
        """Puts the two functions in place, until the result undoes it."""
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
                now.takes_back()

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
                now.takes_back()

        return execve

    def _prepared(self, asked: Execution) -> Execution:
        """What to execute instead. In a real training a failure of ours leaves it as it was asked for."""
        try:
            return self._followed(asked)
        except Exception as error:
            if guard.from_a_handler(error):
                raise
            if self._tried:
                self._decline(
                    f"The script replaced itself by another program, and that could not be followed: {guard.said(error)}."
                )
            return asked

    def _followed(self, asked: Execution) -> Execution:
        if self._tried and getattr(self._probe.director, "reached", False):
            self._decline("The script replaced itself by another program while something was tried in it.")
        path, words = _text(asked.path), [os.fsdecode(word) for word in asked.words]
        if not words or not isinstance(path, int) and not (os.path.isfile(path) and os.access(path, os.X_OK)):
            return asked  # it fails, in its own words
        environment = _texts(os.environ if asked.environment is None else asked.environment)
        command = commands.python_command(path, words, environment) if isinstance(path, str) and words else None
        if command is None or self._is_out_of_reach(command, environment):
            return self._left_alone(asked, words)
        spec = self._spec(command)
        if spec is None:
            return self._left_alone(asked, words)
        if self._tried and spec["times_replaced"] > MOST_TIMES:
            self._decline(
                f"The script replaced itself {MOST_TIMES} times{self._place()} and never came to its training."
            )
        return self._launched(asked, words, command, spec, environment)

    def _launched(
        self,
        asked: Execution,
        words: list[str],
        command: commands.PythonCommand,
        spec: dict[str, Any],
        environment: Mapping[str, str],
    ) -> Execution:
        file = f"{spec['first_path']}.{spec['times_replaced'] % 2}"  # the last one stays, in case that the call fails
        with open(file, "w", encoding="utf-8") as opened:
            json.dump(spec, opened)
        self._hand_on_pipes(True)

        def take_back() -> None:
            guard.guarded(self._hand_on_pipes, False)

        given: dict[str, str] | None = {**environment, **command.assigned, **self._kept}
        if asked.environment is None and not command.assigned and not self._kept:
            given = None
        launched = [*command.before, *command.options, LAUNCH, file]
        if command.before[0] == _text(asked.path):
            launched[0] = words[0]
        return Execution(command.before[0], launched, given, take_back)

    def _hand_on_pipes(self, on: bool) -> None:
        for pipe in self._pipes:
            if pipe is not None:
                os.set_inheritable(pipe[0], on)

    def _spec(self, command: commands.PythonCommand) -> dict[str, Any] | None:
        """What the launcher is to run; None where the command starts a launcher that is not ours."""
        before = self._probe.spec
        mode, target, arguments = command.mode, command.target, list(command.arguments)
        if mode == "script" and os.path.realpath(target) == os.path.realpath(LAUNCH):
            if not arguments or os.path.realpath(arguments[0]) != os.path.realpath(before["path"]):
                return None
            mode, target, arguments = before["mode"], before["target"], [*before["arguments"], *arguments[1:]]
        spec = {**before, "mode": mode, "target": target, "arguments": arguments, "image_began_s": time.monotonic()}
        if not self._pipes:  # nobody uses them, and they are not handed on
            spec |= dict.fromkeys(PIPES)
        spec["first_path"] = before.get("first_path", before["path"])
        spec["times_replaced"] = before.get("times_replaced", 0) + 1
        spec["assigned"] = thread_settings.assigned()
        spec["limits"] = [*before.get("limits", []), *self._unseen()]
        if before.get("limit_s"):
            spent_s = time.monotonic() - self._began_s
            spec |= {name: max(0.1, before[name] - spent_s) for name in ("limit_s", "hard_limit_s")}
        return spec

    def _unseen(self) -> list[str]:
        """Says that what was recorded until now is not in the record that begins anew."""
        scout = self._probe.scout
        if not scout.fits and not scout.loops:
            return []
        return [
            f"The script replaced itself by another Python{self._place()}: what it had trained until then was not diagnosed."
        ]

    def _is_out_of_reach(self, command: commands.PythonCommand, environment: Mapping[str, str]) -> bool:
        """Whether the new interpreter can't take our place:

        it is too old, starts several processes, or has lost our pipes.
        """
        if command.is_launcher or commands.is_too_old(commands.found(command.python, environment)):
            return True
        return any(pipe is None or _pipe(pipe[0]) != pipe for pipe in self._pipes)

    def _left_alone(self, asked: Execution, words: list[str]) -> Execution:
        """Declines it where the script is only tried; else notes that nothing is seen from here on."""
        command = commands.shown(words)
        if self._tried and commands.is_launcher([str(_text(asked.path)), *words[1:]], os.environ):
            self._decline(commands.SEVERAL.format(command, self._place()))
        if self._tried:
            self._decline(
                f"The script replaced itself by “{command}”{self._place()}, which can't be followed. Expected a Python script that trains "
                "in the process that was started. Diagnose the script that it comes to."
            )
        notes = self._probe.notes
        notes.add("process", kind="replaced", command=command, site=place(call_sites.find()))
        guard.guarded(self._probe.director.save_now)
        return Execution(asked.path, asked.words, asked.environment, lambda: notes.add("resumed"))

    def _place(self) -> str:
        site = call_sites.find()
        return f" at {os.path.basename(site.file)}:{site.line}" if site else ""


def _pipe(descriptor: Any) -> tuple[int, int, int] | None:
    """Which pipe a descriptor stands for:

    scripts close descriptors that they do not know, and open others under their numbers.
    """
    try:
        found = os.fstat(descriptor)
    except (OSError, TypeError):
        return None
    return (descriptor, found.st_dev, found.st_ino) if stat.S_ISFIFO(found.st_mode) else None


def _text(path: Any) -> Any:
    return path if isinstance(path, int) else os.fsdecode(path)


def _texts(environment: Mapping[Any, Any]) -> dict[str, str]:
    return {os.fsdecode(name): os.fsdecode(value) for name, value in environment.items()}
