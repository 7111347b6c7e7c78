"""Directors for a process that lives on: they run the user's fit as far as it takes, and leave it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from fitdoctor.probe.roles.rehearsal import handle_command
from fitdoctor.probe.roles.scout import ScoutRole
from fitdoctor.probe.timing.time_ledger import Ledger
from fitdoctor.probe.trials.units.calls import CallArms
from fitdoctor.recording.model import CallSiteRecord, ProcessRecord

Obey = Callable[[dict[str, Any]], dict[str, Any]]


class Reached(BaseException):
    """Leaves the user's fit once what was to be done there is done.

    No `Exception`: handlers of the user's must not see it.
    """


class _Hurried(ScoutRole):
    """Cuts everything to its least.

    Args:
        ledger: An account that nobody reads.
        target: The call site in question: `kind`, `file`, `line`, and for calls `loop_kind`.
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


class BuildRole(_Hurried):
    """Lets fit build what it builds before it trains, and leaves it there."""

    def __init__(self, ledger: Ledger) -> None:
        super().__init__(ledger, {"kind": "", "file": "", "line": 0})

    def hook(
        self, name: str, original: Any, callbacks: Any, arguments: tuple[Any, ...], keywords: dict[str, Any]
    ) -> Any:
        if name == "on_train_begin" and self.on_main_thread():
            raise Reached
        return super().hook(name, original, callbacks, arguments, keywords)


class FitTrials(_Hurried):
    """Does trials in place of the fit at `target`.

    Args:
        ledger: An account that nobody reads.
        target: The fit's call site; `race` says whether there will be races.
        trials: Gets what carries commands out at that fit.
        cores: Cores that this process may use.
    """

    def __init__(self, ledger: Ledger, target: dict[str, Any], trials: Callable[[Obey], None], *, cores: int) -> None:
        super().__init__(ledger, target)
        self._trials, self._cores = trials, cores

    def run_fit(self, original: Any, model: Any, bound: dict[str, Any], index: int) -> Any:
        if not self._is_target("fit", self.record.fits[index]):
            return super().run_fit(original, model, bound, index)
        from fitdoctor.probe.trials.fit_arms import FitArms
        from fitdoctor.probe.trials.race.fit_race import FitRace

        self.pause()
        arms = FitArms(model, bound, self._cores)
        race = FitRace(model, arms.bound, arms.feeds, self._cores) if self._target["race"] else None
        try:
            self._trials(lambda command: handle_command(arms, command, race))
        finally:
            _close(arms)
        raise Reached


class CallTrials(_Hurried):
    """Does trials at the calls that a callback makes at `target`, while its fit goes on.

    Args:
        ledger: An account that nobody reads.
        target: The call site.
        calls: What takes the calls.
    """

    def __init__(self, ledger: Ledger, target: dict[str, Any], calls: CallArms) -> None:
        super().__init__(ledger, target)
        self._calls = calls

    def run_call(self, loop: CallSiteRecord, original: Any, model: Any, bound: dict[str, Any]) -> Any:
        if not self._is_target(loop.kind, loop):
            return super().run_call(loop, original, model, bound)
        result = self._calls.call(original, model, bound)
        if self._calls.done:
            raise Reached
        return result


def _close(arms: Any) -> None:
    try:
        arms.close()
    except Exception:  # a callback's own: it ends a training that was none
        pass
