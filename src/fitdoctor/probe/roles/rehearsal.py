"""The role of a rehearsal: runs the script up to one unit, does trials there as the parent asks, and exits."""

from __future__ import annotations

import json
import os
import sys
import traceback
from collections.abc import Callable
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, TextIO

from fitdoctor.probe.observe.binding import bind
from fitdoctor.probe.roles.scout import ScoutRole
from fitdoctor.probe.support import call_sites
from fitdoctor.probe.trials.equivalence.errors import StateChangedError
from fitdoctor.probe.trials.units.calls import CallArms
from fitdoctor.recording.model import CallSiteRecord, Ending, Site
from fitdoctor.recording.plain import LONGEST_MESSAGE
from fitdoctor.recording.trial_protocol import (
    AddRacer,
    ArmTurn,
    Arrival,
    Command,
    Failed,
    InspectModel,
    MeasureProcess,
    MeasureWindows,
    ModelInspected,
    Prepare,
    PrepareRace,
    Quit,
    RaceLap,
    StartRun,
    TryCalls,
    Verify,
    WindowsMeasured,
    read_command,
    to_data,
)

if TYPE_CHECKING:
    from fitdoctor.probe.trials.fit_arms import FitArms
    from fitdoctor.probe.trials.race.fit_race import FitRace


class Channel:
    """Lines of JSON between this child and its parent. Without a parent, the child exits."""

    def __init__(self, read: int, write: int) -> None:
        self._commands: TextIO = os.fdopen(read, "r", encoding="utf-8")
        self._replies: TextIO = os.fdopen(write, "w", encoding="utf-8")

    def close(self) -> None:
        """Closes this process's ends of the pipes."""
        for stream in (self._commands, self._replies):
            stream.close()

    def receive(self) -> Command[Any]:
        """Waits for the parent's next command."""
        line = self._commands.readline()
        if not line:
            os._exit(0)
        return read_command(json.loads(line))

    def send(self, message: Any) -> None:
        """Sends a message of the protocol."""
        try:
            self._replies.write(json.dumps(to_data(message), default=str) + "\n")
            self._replies.flush()
        except OSError:
            os._exit(0)


def handle_command(command: Command[Any], arms: FitArms, race: FitRace | None = None) -> Any:
    """Carries out one command about the arms of a fit, and returns its reply. A failure is a reply too."""
    try:
        return _reply(command, arms, race)
    except StateChangedError as error:
        return Failed(error=str(error)[:LONGEST_MESSAGE], state_changed=True)
    except ValueError as error:  # our own, worded for the report
        return Failed(error=str(error)[:LONGEST_MESSAGE])
    except Exception as error:
        traceback.print_exc()
        return Failed(error=f"{type(error).__name__}: {str(error)[:LONGEST_MESSAGE]}")


def _reply(command: Command[Any], arms: FitArms, race: FitRace | None) -> Any:
    match command:
        case Prepare():
            return arms.prepare(command.arm)
        case Verify():
            return arms.verify(command.arm)
        case MeasureWindows():
            return WindowsMeasured(windows=arms.windows(command.arms))
        case MeasureProcess():
            from fitdoctor.probe.trials.units import process

            return process.measure(arms, command.stretches)
        case InspectModel():
            from fitdoctor.probe.trials.inside.inspection import inspect_model

            stepper = arms.stepper
            found = inspect_model(stepper.model, stepper.bound, rows=command.rows, seconds=command.seconds)
            return ModelInspected(inside=asdict(found))
    if race is None:
        raise ValueError(f"no race was announced for the command {command.do}")
    match command:
        case PrepareRace():
            return race.prepare(command.arms, command.seconds)
        case AddRacer():
            return race.add(command.arm)
        case StartRun():
            return race.start(command.arm, command.repetition)
        case RaceLap():
            return race.lap(command.arm, command.steps)
    raise ValueError(f"a fit has no command {command.do}")


def arms_at(
    model: Any, bound: dict[str, Any], cores: int, *, races: bool, on_turn: Callable[[str], None] = lambda _: None
) -> tuple[FitArms, FitRace | None]:
    """The arms of a fit, and its races where there will be any.

    Args:
        model: The model, as the script passed it.
        bound: Fit's arguments by name.
        cores: Cores that this process may use.
        races: Whether races follow. They copy the model before anything trains it.
        on_turn: Gets the id of each arm before a window of it.
    """
    # NumPy reads its settings when it is imported, which the script does first.
    from fitdoctor.probe.trials.fit_arms import FitArms

    arms = FitArms(model, bound, cores, on_turn=on_turn)
    if not races:
        return arms, None
    from fitdoctor.probe.trials.race.fit_race import FitRace

    return arms, FitRace(model, arms.stepper.bound, arms.stepper.feeds, cores)


class RehearsalRole(ScoutRole):
    """Cuts all units before its target to the least, and does trials at the target.

    Args:
        record: A record that the cuts need, and that nobody reads.
        ledger: The account of the main thread.
        save: Writes the record.
        spec: `site` is the target, a call site; `commands` and `replies` are the pipes.
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
        """Does no trials in a process that the script forked, and closes the pipes."""
        self._target = {"kind": ""}
        self._channel.close()

    def unit(self, kind: str, original: Any, model: Any, arguments: tuple[Any, ...], keywords: dict[str, Any]) -> Any:
        if kind == "fit" and self._target["kind"] == "loop" and not self.current_call and self.on_main_thread():
            site = call_sites.find()
            if site is not None and self._is_target_at("fit", site):
                return self._try_fit_call(original, model, bind(original, model, arguments, keywords))
        return super().unit(kind, original, model, arguments, keywords)

    def _try_fit_call(self, original: Any, model: Any, bound: dict[str, Any]) -> Any:
        """Makes one fit of many at one place, as the arm whose turn it is. Its inside is not timed and not cut."""
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
        self.pause()
        cores = int(self.record.environment.get("cores", 1))
        arms, race = arms_at(
            model,
            bound,
            cores,
            races=bool(self._target.get("race")),
            on_turn=lambda arm: self._channel.send(ArmTurn(at=arm)),
        )
        self._send_arrival()
        while True:
            self._channel.send(handle_command(self._next_command(), arms, race))

    def _send_arrival(self) -> None:
        self._channel.send(Arrival(reached=True, seconds=sum(self.ledger.read().values())))

    def _next_command(self) -> Command[Any]:
        """Waits for a command. The command to quit ends the process."""
        command = self._channel.receive()
        if isinstance(command, Quit):
            self._exit()
        return command

    def run_call(self, loop: CallSiteRecord, original: Any, model: Any, bound: dict[str, Any]) -> Any:
        if not self._is_target_at(loop.kind, loop.site):
            return super().run_call(loop, original, model, bound)
        return self._try_call(original, model, bound)

    def _try_call(self, original: Any, model: Any, bound: dict[str, Any]) -> Any:
        if self._calls is None:
            self._send_arrival()
            command = self._next_command()
            assert isinstance(command, TryCalls)
            self._calls = CallArms(
                self._target["loop_kind"], command.arms, seconds=command.seconds, rounds=command.rounds
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
        self._channel.send(self._calls.result())
        self._exit()

    def end(self, ending: Ending) -> None:
        """Sends what the trials showed until now, where the script ends before them."""
        if self.record.ending.how == "unfinished":
            self.record.ending = ending
        self._save()
        if self._calls is not None:
            self._report_calls()
        self._channel.send(Arrival(ended=f"{ending.error}: {ending.message}" if ending.error else ending.how))

    def overdue(self, place: Site | None) -> None:
        self.record.ending = Ending(how="limit")
        self._save()

    def _exit(self) -> None:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(0)
