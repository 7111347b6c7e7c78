"""What all roles have in common: a role decides about the calls of a script, and its recorders record them."""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from types import CodeType, ModuleType
from typing import Any

from fitdoctor.probe.instrument import step_hooks
from fitdoctor.probe.instrument.tf_tracing import TracedFunctions
from fitdoctor.probe.observe import call_identity
from fitdoctor.probe.observe.call_recorder import CallRecorder
from fitdoctor.probe.observe.environment_recorder import EnvironmentRecorder
from fitdoctor.probe.observe.fit_recorder import FitRecorder
from fitdoctor.probe.observe.session import Session
from fitdoctor.probe.support import call_sites, creation_sites, guard
from fitdoctor.probe.timing.durations import add
from fitdoctor.probe.timing.time_ledger import Ledger
from fitdoctor.recording.model import ProcessRecord, PythonOperation

# Of one fit. A step that is traced again and again adds new operations for as long as the training runs.
MOST_PYTHON_OPERATIONS = 64


class RecordingRole(Session, ABC):
    """Gets every Keras call of the script, decides what happens, and has its recorders record it.

    Args:
        record: The record that is filled.
        ledger: The account of the main thread.
        save: Writes the record.

    Attributes:
        stamped: Hooks about which nothing is decided, with what the timer notes before and after each.
        cuts: Whether an epoch may end early.
        fits: Records calls of `fit`.
        calls: Records calls of `predict` and the like.
    """

    stamped: Mapping[str, step_hooks.Stamps] = {}
    cuts = True

    def __init__(self, record: ProcessRecord, ledger: Ledger, save: Callable[[], None]) -> None:
        super().__init__(record, ledger, save)
        self.environment = EnvironmentRecorder(record)
        self.fits = FitRecorder(self, self.environment)
        self.calls = CallRecorder(self, self.environment)
        self.step_sent = self.fits.step_sent  # the hook of each step calls it, without a way through the recorder
        self._traced_functions = TracedFunctions(record.traced)
        guard.report_to(self)

    def note_thread(self) -> None:
        """Reports a call of `fit` in another thread, which is not recorded."""
        site = call_sites.find()
        where = f" at {os.path.basename(site.file)}:{site.line}" if site else ""
        self.missing(f"fit{where} was called in a thread; only what the main thread calls can be diagnosed so far.")

    @abstractmethod
    def unit(self, kind: str, original: Any, model: Any, arguments: tuple[Any, ...], keywords: dict[str, Any]) -> Any:
        """The script calls `fit`, `evaluate`, `predict` or an `…_on_batch` method. Returns what the script gets."""

    @abstractmethod
    def hook(
        self, name: str, original: Any, callbacks: Any, arguments: tuple[Any, ...], keywords: dict[str, Any]
    ) -> Any:
        """Keras calls a hook of all callbacks."""

    @abstractmethod
    def stop_here(self, iterator: Any) -> bool:
        """Whether an epoch or a pass over the validation data is to end now."""

    def imported(self, keras: ModuleType) -> None:
        """The script has imported Keras."""
        self.environment.imported(keras)

    def constructed(self, thing: Any) -> None:
        """The script has made a callback, a dataset or a loader."""
        creation_sites.mark(thing, call_sites.of_object(thing))

    def compiled(self, model: Any) -> None:
        """The script has called `compile`."""
        creation_sites.mark(model, call_sites.find())
        call_identity.count_compile(model)

    def python_operation(self, operation: PythonOperation) -> None:
        """TensorFlow traces a step that will call back into Python."""
        if self.timer is not None and not self.timer.validating and not self.current_call:
            operations = self.timer.record.python_operations
            if len(operations) < MOST_PYTHON_OPERATIONS:
                operations.append(operation)

    def compiled_step(self, seconds: float) -> None:
        """JAX or torch.compile has compiled a train step."""
        timer = self.timer
        if timer is None or not self.on_main_thread() or self.current_call or timer.validating:
            return
        if timer.hook or not timer.in_epoch:
            return
        add(timer.record.traces, seconds)
        if timer.first_step_done:
            add(timer.record.recompiled, seconds)

    def traced(self, code: CodeType | None, seconds: float) -> None:
        """TensorFlow has traced a function, which took so long."""
        if not self.on_main_thread():
            return
        if self.timer is not None and self.timer.in_epoch and not self.timer.hook:
            add(self.timer.record.traces, seconds)
        self._traced_functions.add(code, seconds)
