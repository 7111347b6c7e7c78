"""Runs the whole training with the changes of a prescription made while it runs, the source untouched."""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any

from fitdoctor.changes.environment import of_process
from fitdoctor.changes.model import Change, ReplaceCall, ScaleInput, from_data
from fitdoctor.printable import printable
from fitdoctor.probe import backends
from fitdoctor.probe.instrument.step_hooks import Stamps
from fitdoctor.probe.observe.observer import bind
from fitdoctor.probe.roles import same_data
from fitdoctor.probe.roles.treated_fit import TreatedFit
from fitdoctor.probe.roles.watch import WatchRole
from fitdoctor.probe.support import call_sites
from fitdoctor.probe.timing.time_ledger import Ledger
from fitdoctor.probe.trials.units.calls import is_replaceable, make_replacement
from fitdoctor.recording.model import ProcessRecord

COMPARED = ("python", "keras", "backend", "backend_version", "cores")
"""What the environment must have in common with that of the diagnosis; the devices too, once they are known."""

NOTHING = "Nothing is changed, the training runs as written"


@dataclass(slots=True)
class Treatment:
    """The changes at one call site. `expected` is what was recorded of its data; `why_not` ends it for good."""

    place: str
    changes: list[Change] = field(default_factory=list)
    expected: dict[str, Any] = field(default_factory=dict)
    calls: int = 0
    why_not: str = ""


class TreatRole(WatchRole):
    """Records a training as it is watched, and changes the calls that the prescription names. What does not fit runs as
    written.

    Args:
        scout: The record that is filled.
        ledger: The account of the main thread.
        save: Writes the record.
        spec: `treatments` lists call sites (`kind`, `file`, `line`) with their `changes`, and what is `expected` of
            their data; `environment` is that of the diagnosis.
    """

    stamped: Mapping[str, Stamps] = {
        name: stamps for name, stamps in WatchRole.stamped.items() if name != "on_train_batch_end"
    }

    def __init__(self, scout: ProcessRecord, ledger: Ledger, save: Callable[[], None], spec: dict[str, Any]) -> None:
        super().__init__(scout, ledger, save)
        self._environment: dict[str, Any] = spec.get("environment", {})
        self._treatments: dict[tuple[str, str, int], Treatment] = {}
        self._begun_changed = False
        for each in spec["treatments"]:
            key = each["kind"], each["file"], each["line"]
            treatment = self._treatments.setdefault(
                key, Treatment(f"{call_sites.shown(key[1]).rpartition('/')[2]}:{key[2]}")
            )
            outer = of_process(each["changes"])
            treatment.changes += [from_data(change) for change in each["changes"] if change not in outer]
            treatment.expected |= each.get("expected", {})
            scout.treated_calls += bool(outer)
            self._begun_changed |= bool(outer)
        self._running: list[TreatedFit] = []
        self._replacing = False

    # what the seams call

    def imported(self, keras: ModuleType) -> None:
        super().imported(keras)
        legacy = backends.LEGACY in (keras.__name__, self._environment.get("backend"))
        if (
            not legacy
        ):  # whatever imports TensorFlow imports Keras 3 as well: which of both it trains with, a call tells
            self._hold_against(COMPARED)

    def unit(self, kind: str, original: Any, model: Any, arguments: tuple[Any, ...], keywords: dict[str, Any]) -> Any:
        if self._treatments and not self._replacing and self.on_main_thread():
            site = call_sites.find()
            treatment = self._treatments.get((kind, site.file, site.line)) if site is not None else None
            if treatment is not None and treatment.changes and not treatment.why_not:
                original = self._treated(kind, original, treatment)
        return super().unit(kind, original, model, arguments, keywords)

    def hook(
        self, name: str, original: Any, callbacks: Any, arguments: tuple[Any, ...], keywords: dict[str, Any]
    ) -> Any:
        fit = self._running[-1] if self._running else None
        if fit is not None and self.on_main_thread() and callbacks.model is fit.model:
            if name == "on_train_begin" and not fit.began:
                self._begin(fit, callbacks)
            elif name == "on_train_batch_end":
                fit.stepped()
            elif name == "on_epoch_end" and fit.dropped and len(arguments) > 1 and isinstance(arguments[1], dict):
                _fill_in(arguments[1], fit.dropped)
        return super().hook(name, original, callbacks, arguments, keywords)

    # calls

    def _treated(self, kind: str, original: Any, treatment: Treatment) -> Any:
        """A method that stands in for `original`."""

        @functools.wraps(original)
        def method(model: Any, *arguments: Any, **keywords: Any) -> Any:
            as_written = functools.partial(original, model, *arguments, **keywords)
            try:
                bound = bind(original, model, arguments, keywords)
                treatment.calls += 1
                treatment.why_not = self._unsafe_reason(kind, treatment, model, bound)
            except Exception as error:
                treatment.why_not = _words(error)
            if treatment.why_not:
                self._leave(treatment)
                return as_written()
            change = next((change for change in treatment.changes if isinstance(change, ReplaceCall)), None)
            if change is not None:
                return self._replace(kind, change, treatment, model, bound, as_written)
            return (
                self._fit(original, treatment, TreatedFit(model, bound, treatment.changes))
                if kind == "fit"
                else as_written()
            )

        return method

    def _unsafe_reason(self, kind: str, treatment: Treatment, model: Any, bound: dict[str, Any]) -> str:
        self._hold_against((*COMPARED, "devices"))
        if not self._treatments:
            return treatment.why_not
        if kind != "fit":
            return same_data.of_loop(bound, treatment.expected)
        return same_data.of_fit(model, bound, treatment.expected, first=treatment.calls == 1)

    def _hold_against(self, names: tuple[str, ...]) -> None:
        """Leaves everything as written where the environment is not that of the diagnosis."""
        here = self.scout.environment
        for name in names:
            wanted = self._environment.get(name)
            if wanted is not None and name in here and here[name] != wanted:
                why = f"{name} is {here[name]!r} here, and was {wanted!r} when it was diagnosed"
                for treatment in self._treatments.values():
                    treatment.why_not = why
                nothing = "Nothing more is changed than what the process began with" if self._begun_changed else NOTHING
                self._say(f"{nothing}: {why}. Diagnose it again here.")
                self._treatments = {}
                return

    def _replace(
        self,
        kind: str,
        change: ReplaceCall,
        treatment: Treatment,
        model: Any,
        bound: dict[str, Any],
        as_written: Callable[[], Any],
    ) -> Any:
        if not is_replaceable(kind, model, bound):
            return as_written()
        outer, self.in_loop, self._replacing = self.in_loop, True, True
        try:
            result = make_replacement(change, model, bound)
        except Exception as error:
            treatment.why_not = _words(error)
        finally:
            self.in_loop, self._replacing = outer, False
        if treatment.why_not:
            self._leave(treatment)
            return as_written()
        self.scout.treated_calls += 1
        return result

    def _fit(self, original: Any, treatment: Treatment, fit: TreatedFit) -> Any:
        try:
            treated = fit.arguments()
        except Exception as error:
            treatment.why_not = _words(error)
            self._leave(treatment)
            return original(fit.model, **fit.given_up())
        except BaseException:
            fit.end()
            raise
        if treatment.calls == 1 and any(isinstance(change, ScaleInput) for change in treatment.changes):
            self._say(
                f"The scaling in front of the model of {treatment.place} is not part of what the script saves of it."
            )
        self._running.append(fit)
        self.scout.treated_calls += 1
        try:
            return original(fit.model, **treated)
        except Exception as error:
            if not fit.can_begin_anew:
                raise
            treatment.why_not = _words(error)
        finally:
            self._running.remove(fit)
            fit.end()
        self.scout.treated_calls -= 1
        self._leave(treatment)
        return original(fit.model, **fit.given_up())

    def _begin(self, fit: TreatedFit, callbacks: Any) -> None:
        try:
            fit.begun(list(callbacks.callbacks))
        except Exception as error:
            self._say(f"Some changes were left out: {_words(error)}. The training goes on.")

    # words

    def _leave(self, treatment: Treatment) -> None:
        if self._treatments:  # else it is said already, of all of them
            self._say(f"Not treated at {treatment.place}, which runs as written: {treatment.why_not}.")

    def _say(self, text: str) -> None:
        self.missing(text)
        with suppress(OSError, ValueError, AttributeError):
            sys.stderr.write(f"fitdoctor: {printable(text)}\n")


def _words(error: Exception) -> str:
    """Ours are worded for the user; of others, the kind and the first line."""
    text = (str(error).strip().splitlines() or [""])[0]
    ours = type(error) is ValueError or type(error).__module__.startswith("fitdoctor.")
    return text.rstrip(".") if ours and text else f"{type(error).__name__}: {text}".rstrip(".: ")


def _fill_in(logs: dict[str, Any], dropped: list[str]) -> None:
    """Gives metrics that are not computed no number instead of no entry: other code may look for them."""
    validated = any(name.startswith("val_") for name in logs)
    for name in dropped:
        logs.setdefault(name, float("nan"))
        if validated:
            logs.setdefault(f"val_{name}", float("nan"))
