"""Roles for a process that continues: each runs the user's fit as far as needed, and leaves it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from fitdoctor.probe.roles.rehearsal import arms_at, handle_command
from fitdoctor.probe.roles.scout import ScoutRole
from fitdoctor.probe.timing.time_ledger import Ledger
from fitdoctor.probe.trials.units.calls import CallArms
from fitdoctor.recording.model import CallSiteRecord, ProcessRecord
from fitdoctor.recording.trial_protocol import read_command, to_data

# Carries out a command and gives its reply, both as data.
CommandHandler = Callable[[dict[str, Any]], dict[str, Any]]


class FitLeft(BaseException):
    """Leaves the user's fit once the work there is done.

    It is no `Exception`, so handlers of the user's code do not catch it.
    """


class _HurriedRole(ScoutRole):
    """Cuts all units to the least.

    Args:
        ledger: An account that nobody reads.
        target: The call site of the trials: `kind`, `file`, `line`, and for calls `loop_kind`.
    """

    hurried = True

    def __init__(self, ledger: Ledger, target: dict[str, Any]) -> None:
        super().__init__(ProcessRecord(), ledger, lambda: None)
        self._target = target

    def _is_target(self, kind: str, record: Any) -> bool:
        target = self._target
        return (kind, record.site.file, record.site.line) == (
            target.get("loop_kind", target["kind"]),
            target["file"],
            target["line"],
        )


class BuildRole(_HurriedRole):
    """Lets fit build the model, and leaves it before it trains."""

    def __init__(self, ledger: Ledger) -> None:
        super().__init__(ledger, {"kind": "", "file": "", "line": 0})

    def hook(
        self, name: str, original: Any, callbacks: Any, arguments: tuple[Any, ...], keywords: dict[str, Any]
    ) -> Any:
        if name == "on_train_begin" and self.on_main_thread():
            raise FitLeft
        return super().hook(name, original, callbacks, arguments, keywords)


class FitTrialsRole(_HurriedRole):
    """Does trials in place of the fit at `target`.

    Args:
        ledger: An account that nobody reads.
        target: The fit's call site; `race` says whether there will be races.
        trials: Does the trials, with what carries out commands at that fit.
        cores: Cores that this process may use.
    """

    def __init__(
        self, ledger: Ledger, target: dict[str, Any], trials: Callable[[CommandHandler], None], *, cores: int
    ) -> None:
        super().__init__(ledger, target)
        self._trials, self._cores = trials, cores

    def run_fit(self, original: Any, model: Any, bound: dict[str, Any], index: int) -> Any:
        if not self._is_target("fit", self.record.fits[index]):
            return super().run_fit(original, model, bound, index)
        self.pause()
        arms, race = arms_at(model, bound, self._cores, races=bool(self._target["race"]))
        try:
            self._trials(lambda command: to_data(handle_command(read_command(command), arms, race)))
        finally:
            _close(arms)
        raise FitLeft


class CallTrialsRole(_HurriedRole):
    """Does trials at the calls that a callback makes at `target`, while its fit runs.

    Args:
        ledger: An account that nobody reads.
        target: The call site.
        calls: Makes the calls.
    """

    def __init__(self, ledger: Ledger, target: dict[str, Any], calls: CallArms) -> None:
        super().__init__(ledger, target)
        self._calls = calls

    def run_call(self, loop: CallSiteRecord, original: Any, model: Any, bound: dict[str, Any]) -> Any:
        if not self._is_target(loop.kind, loop):
            return super().run_call(loop, original, model, bound)
        result = self._calls.call(original, model, bound)
        if self._calls.done:
            raise FitLeft
        return result


def _close(arms: Any) -> None:
    try:
        arms.close()
    except Exception:  # of a callback, at the end of a training that did not take place
        pass
