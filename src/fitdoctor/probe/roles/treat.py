"""Runs the whole training with the changes of a prescription. The source stays unchanged."""

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
from fitdoctor.probe.observe.binding import bind
from fitdoctor.probe.roles import same_data
from fitdoctor.probe.roles.treated_fit import TreatedFit
from fitdoctor.probe.roles.watch import WatchRole
from fitdoctor.probe.support import call_sites
from fitdoctor.probe.timing.time_ledger import Ledger
from fitdoctor.probe.trials.units.calls import is_replaceable, make_replacement
from fitdoctor.recording.model import ProcessRecord

# What must be the same in this environment and that of the diagnosis. The devices are compared once they are known.
COMPARED = ("python", "keras", "backend", "backend_version", "cores")
NOTHING = "Nothing is changed, the training runs as written"


@dataclass(slots=True)
class Treatment:
    """The changes at one call site.

    Attributes:
        place: The file and line, for messages.
        changes: What to change.
        expected: What the diagnosis recorded about the data of the call.
        calls: How many calls there were.
        why_not: Why the calls run as written from now on.
    """

    place: str
    changes: list[Change] = field(default_factory=list)
    expected: dict[str, Any] = field(default_factory=dict)
    calls: int = 0
    why_not: str = ""


class TreatRole(WatchRole):
    """Records a training like `WatchRole`, and changes the calls that the prescription names.

    A call that differs from the diagnosed one runs as written.

    Args:
        record: The record that is filled.
        ledger: The account of the main thread.
        save: Writes the record.
        spec: `treatments` lists call sites (`kind`, `file`, `line`) with their `changes`, and what is `expected` of
            their data; `environment` is that of the diagnosis.
    """

    stamped: Mapping[str, Stamps] = {
        name: stamps for name, stamps in WatchRole.stamped.items() if name != "on_train_batch_end"
    }

    def __init__(self, record: ProcessRecord, ledger: Ledger, save: Callable[[], None], spec: dict[str, Any]) -> None:
        super().__init__(record, ledger, save)
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
            record.treated_calls += bool(outer)
            self._begun_changed |= bool(outer)
        self._running: list[TreatedFit] = []
        self._replacing = False

    # what the patches call

    def imported(self, keras: ModuleType) -> None:
        super().imported(keras)
        # TensorFlow imports Keras 3 in any case. Only a call shows whether the script trains with tf_keras.
        if backends.LEGACY not in (keras.__name__, self._environment.get("backend")):
            self._compare_environment(COMPARED)

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
                self._begin_fit(fit, callbacks)
            elif name == "on_train_batch_end":
                fit.step_ended()
            elif name == "on_epoch_end" and fit.dropped and len(arguments) > 1 and isinstance(arguments[1], dict):
                _fill_in(arguments[1], fit.dropped)
        return super().hook(name, original, callbacks, arguments, keywords)

    # calls

    def _treated(self, kind: str, original: Any, treatment: Treatment) -> Any:
        """A method that replaces `original` and makes the changes."""

        @functools.wraps(original)
        def method(model: Any, *arguments: Any, **keywords: Any) -> Any:
            as_written = functools.partial(original, model, *arguments, **keywords)
            try:
                bound = bind(original, model, arguments, keywords)
                treatment.calls += 1
                treatment.why_not = self._unsafe_reason(kind, treatment, model, bound)
            except Exception as error:
                treatment.why_not = _explained(error)
            if treatment.why_not:
                self._report_untreated(treatment)
                return as_written()
            change = next((change for change in treatment.changes if isinstance(change, ReplaceCall)), None)
            if change is not None:
                return self._replace(kind, change, treatment, model, bound, as_written)
            return (
                self._run_fit(original, treatment, TreatedFit(model, bound, treatment.changes))
                if kind == "fit"
                else as_written()
            )

        return method

    def _unsafe_reason(self, kind: str, treatment: Treatment, model: Any, bound: dict[str, Any]) -> str:
        self._compare_environment((*COMPARED, "devices"))
        if not self._treatments:
            return treatment.why_not
        if kind != "fit":
            return same_data.call_difference(bound, treatment.expected)
        return same_data.fit_difference(model, bound, treatment.expected, first=treatment.calls == 1)

    def _compare_environment(self, names: tuple[str, ...]) -> None:
        """Drops all treatments if the environment is not that of the diagnosis."""
        here = self.record.environment
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
        self._replacing = True
        try:
            with self.paused():
                result = make_replacement(change, model, bound)
        except Exception as error:
            treatment.why_not = _explained(error)
        finally:
            self._replacing = False
        if treatment.why_not:
            self._report_untreated(treatment)
            return as_written()
        self.record.treated_calls += 1
        return result

    def _run_fit(self, original: Any, treatment: Treatment, fit: TreatedFit) -> Any:
        try:
            treated = fit.arguments()
        except Exception as error:
            treatment.why_not = _explained(error)
            self._report_untreated(treatment)
            return original(fit.model, **fit.give_up())
        except BaseException:
            fit.end()
            raise
        if treatment.calls == 1 and any(isinstance(change, ScaleInput) for change in treatment.changes):
            self._say(
                f"The scaling in front of the model at {treatment.place} is not in the files that the script saves."
            )
        self._running.append(fit)
        self.record.treated_calls += 1
        try:
            return original(fit.model, **treated)
        except Exception as error:
            if not fit.can_restart:
                raise
            treatment.why_not = _explained(error)
        finally:
            self._running.remove(fit)
            fit.end()
        self.record.treated_calls -= 1
        self._report_untreated(treatment)
        return original(fit.model, **fit.give_up())

    def _begin_fit(self, fit: TreatedFit, callbacks: Any) -> None:
        try:
            fit.begin(list(callbacks.callbacks))
        except Exception as error:
            self._say(f"Some changes were left out: {_explained(error)}. The training continues.")

    # messages

    def _report_untreated(self, treatment: Treatment) -> None:
        if self._treatments:  # else the environment differs, and one message says so for all call sites
            self._say(f"Not treated at {treatment.place}, which runs as written: {treatment.why_not}.")

    def _say(self, text: str) -> None:
        self.missing(text)
        with suppress(OSError, ValueError, AttributeError):
            sys.stderr.write(f"fitdoctor: {printable(text)}\n")


def _explained(error: Exception) -> str:
    """The message of an error of ours; the type and the first line of any other."""
    text = (str(error).strip().splitlines() or [""])[0]
    ours = type(error) is ValueError or type(error).__module__.startswith("fitdoctor.")
    return text.rstrip(".") if ours and text else f"{type(error).__name__}: {text}".rstrip(".: ")


def _fill_in(logs: dict[str, Any], dropped: list[str]) -> None:
    """Adds NaN for each metric that is not computed: other code may read its entry."""
    validated = any(name.startswith("val_") for name in logs)
    for name in dropped:
        logs.setdefault(name, float("nan"))
        if validated:
            logs.setdefault(f"val_{name}", float("nan"))
