"""Runs the script up to one unit, does trials there on the parent's commands, and leaves."""

from __future__ import annotations

import json
import os
import sys
import traceback
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, TextIO

from fitdoctor.probe.observe.binding import bind
from fitdoctor.probe.roles.scout import ScoutRole
from fitdoctor.probe.support import call_sites
from fitdoctor.probe.trials.equivalence.errors import StateChangedError
from fitdoctor.probe.trials.units.calls import CallArms
from fitdoctor.recording.model import CallSiteRecord, Ending, Site
from fitdoctor.recording.plain import LONGEST_MESSAGE

if TYPE_CHECKING:
    from fitdoctor.probe.trials.fit_arms import FitArms
    from fitdoctor.probe.trials.race.fit_race import FitRace


class Channel:
    """Lines of JSON between this child and its parent. A parent that is gone ends the child."""

    def __init__(self, read: int, write: int) -> None:
        self._commands: TextIO = os.fdopen(read, "r", encoding="utf-8")
        self._replies: TextIO = os.fdopen(write, "w", encoding="utf-8")

    def close(self) -> None:
        """Leaves the pipes to the process that this one was forked from."""
        for stream in (self._commands, self._replies):
            stream.close()

    def receive(self) -> dict[str, Any]:
        line = self._commands.readline()
        if not line:
            os._exit(0)
        command: dict[str, Any] = json.loads(line)
        return command

    def send(self, reply: dict[str, Any]) -> None:
        try:
            self._replies.write(json.dumps(reply, default=str) + "\n")
            self._replies.flush()
        except OSError:
            os._exit(0)


def handle_command(arms: FitArms, command: dict[str, Any], race: FitRace | None = None) -> dict[str, Any]:
    """Carries one command about the arms of a fit out; what fails is a result too."""
    try:
        if race is not None and command["do"] == "race_prepare":
            return race.prepare(command["arms"], command["seconds"])
        if race is not None and command["do"] == "race_add":
            return race.add(command["arm"])
        if race is not None and command["do"] == "race_start":
            return race.start(command["arm"], command["repetition"])
        if race is not None and command["do"] == "race_lap":
            return race.lap(command["arm"], command["steps"])
        if command["do"] == "prepare":
            return arms.prepare(command["arm"])
        if command["do"] == "verify":
            return dict(arms.verify(command["arm"]))
        if command["do"] == "process":
            from fitdoctor.probe.trials.units import process

            return process.measure(arms, command["stretches"])
        if command["do"] == "inside":
            from fitdoctor.probe.trials import inside

            return {
                "inside": asdict(inside.look(arms.model, arms.bound, rows=command["rows"], seconds=command["seconds"]))
            }
        return {"windows": arms.windows(command["arms"])}
    except StateChangedError as error:
        return {"error": str(error)[:LONGEST_MESSAGE], "astray": True}
    except ValueError as error:  # ours, worded for the report
        return {"error": str(error)[:LONGEST_MESSAGE]}
    except Exception as error:
        traceback.print_exc()
        return {"error": f"{type(error).__name__}: {str(error)[:LONGEST_MESSAGE]}"}


class RehearsalRole(ScoutRole):
    """Cuts everything before its target to the least, and serves trials at the target.

    Args:
        record: A record that is kept for the cuts' sake and never read.
        ledger: The account of the main thread.
        save: Writes the record.
        spec: `site` says which call site; `commands` and `replies` are the pipes.
    """

    hurried = True

    def __init__(self, record: Any, ledger: Any, save: Any, spec: dict[str, Any]) -> None:
        super().__init__(record, ledger, save)
        self._target = spec["site"]
        self._channel = Channel(spec["commands"], spec["replies"])
        self._calls: CallArms | None = None

    @property
    def reached(self) -> bool:
        """Whether the trials have begun."""
        return self._calls is not None

    def leave_target(self) -> None:
        """Goes to no target any more, and lets go of the pipes: this is a process that the script forked."""
        self._target = {"kind": ""}
        self._channel.close()

    def unit(self, kind: str, original: Any, model: Any, arguments: tuple[Any, ...], keywords: dict[str, Any]) -> Any:
        if kind == "fit" and self._target["kind"] == "loop" and not self.current_call and self.on_main_thread():
            site = call_sites.find()
            if site is not None and self._is_target_at("fit", site):
                return self._try_fit_call(original, model, bind(original, model, arguments, keywords))
        return super().unit(kind, original, model, arguments, keywords)

    def _try_fit_call(self, original: Any, model: Any, bound: dict[str, Any]) -> Any:
        """One fit of many at one place, as the arm whose turn it is: from the inside it is neither timed nor cut."""
        outer, self.timer = self.timer, None
        try:
            with self.paused():
                return self._try_call(original, model, bound)
        finally:
            self.timer = outer

    def run_fit(self, original: Any, model: Any, bound: dict[str, Any], index: int) -> Any:
        site = self.record.fits[index].site
        if self._target["kind"] != "fit" or (site.file, site.line) != (self._target["file"], self._target["line"]):
            return super().run_fit(original, model, bound, index)
        from fitdoctor.probe.trials.fit_arms import (
            FitArms,
        )  # NumPy reads its settings when it is imported: not before the script does

        self.pause()
        cores = int(self.record.environment.get("cores", 1))
        arms = FitArms(model, bound, cores)
        arms.at = lambda arm: self._channel.send({"at": arm})
        race = None
        if self._target.get("race"):
            from fitdoctor.probe.trials.race.fit_race import FitRace

            race = FitRace(model, arms.bound, arms.feeds, cores)  # it has to see the model before anything trains it
        self._channel.send({"reached": True, "seconds": sum(self.ledger.read().values())})
        while True:
            command = self._channel.receive()
            if command["do"] == "quit":
                self._leave()
            self._channel.send(handle_command(arms, command, race))

    def run_call(self, loop: CallSiteRecord, original: Any, model: Any, bound: dict[str, Any]) -> Any:
        if not self._is_target_at(loop.kind, loop.site):
            return super().run_call(loop, original, model, bound)
        return self._try_call(original, model, bound)

    def _try_call(self, original: Any, model: Any, bound: dict[str, Any]) -> Any:
        if self._calls is None:
            self._channel.send({"reached": True, "seconds": sum(self.ledger.read().values())})
            command = self._channel.receive()
            if command["do"] == "quit":
                self._leave()
            self._calls = CallArms(
                self._target["loop_kind"], command["arms"], seconds=command["seconds"], rounds=command["rounds"]
            )
        result = self._calls.call(original, model, bound)
        if self._calls.done:
            self._report_calls()
        return result

    def _is_target_at(self, kind: str, site: Site) -> bool:
        target = self._target
        return bool(
            target["kind"] == "loop"
            and (kind, site.file, site.line) == (target["loop_kind"], target["file"], target["line"])
        )

    def _report_calls(self) -> None:
        assert self._calls is not None
        self._channel.send({"windows": self._calls.windows, "checks": self._calls.checks, "why": self._calls.why})
        self._leave()

    def end(self, ending: Ending) -> None:
        """The script ended before the trials did: what there is goes to the parent."""
        if self.record.ending.how == "unfinished":
            self.record.ending = ending
        self._save()
        if self._calls is not None:
            self._report_calls()
        self._channel.send({"ended": f"{ending.error}: {ending.message}" if ending.error else ending.how})

    def overdue(self, place: Site | None) -> None:
        self.record.ending = Ending(how="limit")
        self._save()

    def _leave(self) -> None:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(0)
