"""The callbacks of a fit that stop it or set its learning rate, as they act on each run of a race."""

from __future__ import annotations

import contextlib
import copy
import io
from collections import deque
from typing import Any

import numpy as np

from fitdoctor.probe.observe import describe
from fitdoctor.probe.trials.race import callback_safety

KERAS = ("keras", "tf_keras")
DIRECTIONS: dict[Any, str] = {np.greater: "up", np.less: "down"}
# Settings of Keras' own callbacks that only a real training needs.
QUIET = ("verbose", "restore_best_weights")


class StandInRate(float):
    """A learning rate of the stand-in optimizer: a number with the methods of a variable."""

    def __new__(cls, optimizer: StandInModel) -> StandInRate:
        made = super().__new__(cls, optimizer.rate)
        made._optimizer = optimizer
        return made

    _optimizer: StandInModel
    dtype = np.dtype("float32")

    def numpy(self) -> float:
        return float(self)

    def assign(self, value: Any) -> None:
        self._optimizer.rate = float(value)


class StandInModel:
    """What callbacks get as their model and its optimizer.

    It accepts a stop and a learning rate. It has nothing else of a model.
    """

    def __init__(self, rate: float, metrics: list[Any]) -> None:
        self.rate, self.metrics, self.stop_training = rate, metrics, False

    @property
    def optimizer(self) -> StandInModel:
        return self

    @property
    def learning_rate(self) -> StandInRate:
        return StandInRate(self)

    @learning_rate.setter
    def learning_rate(self, value: Any) -> None:
        self.rate = float(value)

    lr = learning_rate


class CallbackRules:
    """The rules of one fit: its callbacks that stop it or set its learning rate.

    Args:
        callbacks: Of the fit.
        model: The model, for the names of its metrics.
        epochs: Of the fit.

    Attributes:
        notes: Sentences on callbacks that races leave out.
        stopping: The names of the callbacks that may stop a run.
    """

    def __init__(self, callbacks: Any, model: Any, epochs: int) -> None:
        self._metrics, self._epochs = list(model.metrics), epochs
        self._kept: list[Any] = []
        self._live: list[Any] = []
        self.notes: list[str] = []
        self.stopping: list[str] = []
        items = getattr(callbacks, "callbacks", callbacks) or ()
        for callback, record in zip(items, describe.callbacks(list(items)), strict=True):
            if record.may_stop or record.steers:
                self._add(callback, stops=record.may_stop and record.name != "TerminateOnNaN")

    def __bool__(self) -> bool:
        return bool(self._kept)

    def _add(self, callback: Any, *, stops: bool) -> None:
        name = type(callback).__name__
        if name == "TerminateOnNaN":
            return  # a race gives up a run whose loss is no number
        schedule = getattr(callback, "schedule", None)
        why = (
            callback_safety.unsafe_function_reason(schedule)
            if name == "LearningRateScheduler"
            else callback_safety.unsafe_reason(callback)
        )
        if name in ("EarlyStopping", "ReduceLROnPlateau"):
            why = ""
        if why:
            self.notes.append(f"Races ran without the callback {name}: {why}.")
            return
        self._kept.append(_copied(callback))
        if stops:
            self.stopping.append(name)

    def monitored(self, names: list[str]) -> tuple[str, bool] | None:
        """The one metric that the stopping rules monitor, and whether its larger values are better.

        Args:
            names: Of the metrics that a test step reports.

        Returns:
            None where there is no such metric, more than one, or its direction is not known.
        """
        found: set[str] = set()
        for callback in self._kept:
            if type(callback).__name__ in self.stopping:
                found |= {
                    name for name in names for text in callback_safety.constants(callback) if text == f"val_{name}"
                }
        if len(found) != 1:
            return None
        (name,) = found
        if name == "loss":
            return name, False
        direction = next(
            (getattr(metric, "_direction", None) for metric in _inner(self._metrics) if metric.name == name), None
        )
        direction = direction or next(
            filter(None, (_direction_of(callback, f"val_{name}") for callback in self._kept)), None
        )
        return (name, direction == "up") if direction in ("up", "down") else None

    def begin(self, rate: float) -> None:
        """Begins a run with this learning rate. All callbacks are as the script made them."""
        self._model = StandInModel(rate, self._metrics)
        self._live = [_copied(callback) for callback in self._kept]
        for callback in self._live:
            callback.set_model(self._model)
            callback.set_params({"epochs": self._epochs, "verbose": 0})
        self._call("on_train_begin")

    @property
    def rate(self) -> float:
        return self._model.rate

    def epoch_begins(self, epoch: int) -> None:
        self._call("on_epoch_begin", epoch)

    def epoch_ends(self, epoch: int, logs: dict[str, float]) -> bool:
        """Calls the end of an epoch. Returns whether a rule stops the run there."""
        self._call("on_epoch_end", epoch, dict(logs))
        return self._model.stop_training

    def _call(self, hook: str, *arguments: Any) -> None:
        for callback in list(self._live):
            try:
                with contextlib.redirect_stdout(io.StringIO()):
                    getattr(callback, hook)(*arguments)
            except Exception as error:  # it needs more of a training than a race has
                name = type(callback).__name__
                self._live.remove(callback)
                self._kept = [kept for kept in self._kept if type(kept) is not type(callback)]
                self.stopping = [other for other in self.stopping if other != name]
                self.notes.append(
                    f"Races ran without the callback {name}: it failed there ({type(error).__name__}: {error})."
                )


def _copied(callback: Any) -> Any:
    """A copy of the callback with a state of its own."""
    made = copy.copy(callback)
    made._model = None
    for name, value in vars(made).items():
        vars(made)[name] = _copied_value(value)
    for name in QUIET:
        if type(made).__module__.partition(".")[0] in KERAS and hasattr(made, name):
            setattr(made, name, 0)
    return made


def _copied_value(value: Any) -> Any:
    """A copy of a container or array, with its inner ones; anything else as it is."""
    made: Any = copy.copy(value) if isinstance(value, (dict, list, deque, set, np.ndarray)) else value
    if isinstance(value, dict):
        made.update({name: _copied_value(part) for name, part in value.items()})
    elif isinstance(value, (list, deque)):
        made.clear()
        made.extend(map(_copied_value, value))
    return made


def _direction_of(callback: Any, monitored: str) -> str | None:
    """The direction in which a metric gets better, where a callback of tf_keras monitors it."""
    return (
        DIRECTIONS.get(getattr(callback, "monitor_op", None)) if getattr(callback, "monitor", "") == monitored else None
    )


def _inner(metrics: list[Any]) -> list[Any]:
    """Metrics with those that Keras holds inside a `CompileMetrics`."""
    return [*metrics, *(inner for metric in metrics for inner in getattr(metric, "metrics", ()))]
