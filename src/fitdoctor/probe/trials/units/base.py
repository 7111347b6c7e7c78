"""What a trial of one unit does inside the user's fit."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from fitdoctor.changes.model import Change, SetArgument, ThrottleHook
from fitdoctor.probe.apply import torch_loaders
from fitdoctor.probe.apply.workers import sets_workers
from fitdoctor.probe.support.originals import time
from fitdoctor.probe.timing import cpu_contention
from fitdoctor.probe.trials.runner import Runner
from fitdoctor.recording.trial_protocol import ArmSpec, Prepared, TimedWindow


class UnitTrial(Protocol):
    """Trials of one unit: one class a file."""

    def carries_out(self, change: Change) -> bool:
        """Whether a window of this unit shows the change. An arm that changes nothing would look refuted."""

    def prepare(self, runner: Runner, arm: ArmSpec) -> Prepared:
        """Fills the runner with what a window needs.

        Raises:
            ValueError: The unit can't be tried here.
        """

    def window(self, runner: Runner) -> TimedWindow:
        """Times one window."""


def timed(run: Callable[[], object], units: int) -> TimedWindow:
    """A window in which `run` is timed, which takes `units` units."""
    waited_s, began_s = cpu_contention.queue_s(), time.perf_counter()
    run()
    return window_since(began_s, units, waited_s=waited_s)


def window_since(began_s: float, units: int, *, waited_s: float) -> TimedWindow:
    """A window from `began_s` until now.

    Args:
        began_s: By `time.perf_counter()`.
        units: How many units were timed.
        waited_s: `cpu_contention.queue_s()` when it began.
    """
    return TimedWindow(**cpu_contention.window(time.perf_counter() - began_s, units, waited_s=waited_s))


def sets_fit_argument(change: Change) -> bool:
    """Whether a change sets an argument of `fit`, other than of its progress bar and of its workers."""
    return (
        isinstance(change, SetArgument)
        and change.call == "Model.fit"
        and change.argument != "verbose"
        and not sets_workers(change)
    )


def changes_callback(change: Change) -> bool:
    """Whether a change is of one of fit's callbacks."""
    return isinstance(change, (SetArgument, ThrottleHook)) and change.index >= 0


def changes_loader(change: Change) -> bool:
    """Whether a change is of a `DataLoader`."""
    return bool(torch_loaders.settings([change]))
