"""What is seen of trainings that really run in this process, and the report of it."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import keras

import fitdoctor
from fitdoctor.analysis import build
from fitdoctor.api import caller
from fitdoctor.api.system_readings import ObservingRole, SystemReadings
from fitdoctor.api.trials_running import trials_running
from fitdoctor.cli.say import say as say_message
from fitdoctor.cli.terminal import OutputStyle
from fitdoctor.errors import FitdoctorError
from fitdoctor.facts.measured_units import has_measured_units
from fitdoctor.probe.instrument import install
from fitdoctor.probe.instrument.step_hooks import Stamps
from fitdoctor.probe.roles.watch import WatchRole
from fitdoctor.probe.support.originals import time
from fitdoctor.probe.timing.step_sampling import StepSkip
from fitdoctor.probe.timing.time_ledger import Ledger
from fitdoctor.recording.model import Ending, ProcessRecord, Run
from fitdoctor.report.model import Report
from fitdoctor.report.text import render


class Observation:
    """One stretch of the program that is followed.

    Attributes:
        role: Gets what the patches report.
    """

    def __init__(self) -> None:
        self._name, self._mode = caller.name_and_mode()
        self._started = datetime.now(UTC).isoformat(timespec="seconds")
        self._record = ProcessRecord()
        self.role = ObservingRole(self._record, Ledger("script", started_s=time.monotonic()), lambda: None)
        self.role.readings = SystemReadings()
        self.role.imported(keras)
        for why in install.missing(keras):
            self.role.missing(why)

    def end(self, error: BaseException | None) -> Report | None:
        """The report of what was seen; None where no unit was."""
        self.role.end(_ending(error))
        self._record.system = self.role.readings.end()
        if not has_measured_units(self._record):
            return None
        run = Run(
            fitdoctor=fitdoctor.__version__,
            script=self._name,
            mode=self._mode,
            started=self._started,
            watched=self._record,
        )
        run.spent_s = self._record.wall_s
        return build(run)


def say(report: Report | None) -> None:
    """Prints a report on stderr, where it does not mix with what the program itself prints."""
    if report is None:
        say_message("no step of a fit was seen, so there is nothing to report.")
        return
    text = render(report, **OutputStyle.for_stream(sys.stderr).keywords)
    with contextlib.suppress(AttributeError, OSError, ValueError):  # where there is no stderr the program goes on too
        sys.stderr.write(text)


def say_failed(error: Exception) -> None:
    """Says that a report could not be made: the program goes on, whatever failed in ours."""
    why = str(error) if isinstance(error, FitdoctorError) else f"{type(error).__name__}: {error}"
    say_message(f"the report could not be made: {why}")


class Pass:
    """A role that hands everything on to another one, while there is one."""

    stamped: Mapping[str, Stamps] = {}
    cuts = False

    def __init__(self) -> None:
        self.to: WatchRole | None = None
        # Never in force: each step is sampled.
        self.step_skip = StepSkip()

    @property
    def _active(self) -> WatchRole | None:
        return None if trials_running() else self.to

    def unit(self, kind: str, original: Any, model: Any, arguments: tuple[Any, ...], keywords: dict[str, Any]) -> Any:
        role = self._active
        if role is None:
            return original(model, *arguments, **keywords)
        return role.unit(kind, original, model, arguments, keywords)

    def hook(
        self, name: str, original: Any, callbacks: Any, arguments: tuple[Any, ...], keywords: dict[str, Any]
    ) -> Any:
        role = self._active
        if role is None:
            return original(callbacks, *arguments, **keywords)
        return role.hook(name, original, callbacks, arguments, keywords)

    def stop_here(self, iterator: Any) -> bool:
        return False

    def batch_waited(self, seconds: float) -> None:
        if (role := self._active) is not None:
            role.batch_waited(seconds)

    def draws_training_batch(self) -> bool:
        role = self._active
        return role is not None and role.draws_training_batch()

    def compiled(self, model: Any) -> None:
        if (role := self._active) is not None:
            role.compiled(model)

    def constructed(self, callback: Any) -> None:
        """Sends no notification: see `whole_process` of `install`."""

    def traced(self, code: Any, seconds: float) -> None:
        if (role := self._active) is not None:
            role.traced(code, seconds)

    def python_operation(self, operation: Any) -> None:
        if (role := self._active) is not None:
            role.python_operation(operation)


def _ending(error: BaseException | None) -> Ending:
    if error is None:
        return Ending(how="finished", code=0)
    how = "interrupted" if isinstance(error, KeyboardInterrupt) else "exception"
    return Ending(how=how, error=type(error).__name__, message=str(error))
