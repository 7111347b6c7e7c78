"""The callbacks of a fit that end it or steer its learning rate, as they act on each run of a race."""

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
QUIET = ("verbose", "restore_best_weights")
"""Settings of Keras' own callbacks that only a real training needs."""


class Rate(float):
    """A learning rate as the standing-in optimizer shows it: a number that can be asked as a variable can."""

    def __new__(cls, optimizer: StandIn) -> Rate:
        made = super().__new__(cls, optimizer.rate)
        made._optimizer = optimizer
        return made

    _optimizer: StandIn
    dtype = np.dtype("float32")

    def numpy(self) -> float:
        return float(self)

    def assign(self, value: Any) -> None:
        self._optimizer.rate = float(value)


class StandIn:
    """What callbacks get as their model and as its optimizer:

    it takes a stop and a learning rate, and gives nothing else away.
    """

    def __init__(self, rate: float, metrics: list[Any]) -> None:
        self.rate, self.metrics, self.stop_training = rate, metrics, False

    @property
    def optimizer(self) -> StandIn:
        return self

    @property
    def learning_rate(self) -> Rate:
        return Rate(self)

    @learning_rate.setter
    def learning_rate(self, value: Any) -> None:
        self.rate = float(value)

    lr = learning_rate


class Rules:
    """The rules of one fit.

    Args:
        callbacks: What fit was given as such.
        model: The model, for the names of its metrics.
        epochs: Of the fit.
    """

    def __init__(self, callbacks: Any, model: Any, epochs: int) -> None:
        self._metrics, self._epochs = list(model.metrics), epochs
        self._kept: list[Any] = []
        self._live: list[Any] = []
        self.notes: list[str] = []
        self.stopping: list[str] = []
        items = getattr(callbacks, "callbacks", callbacks) or ()
        for callback, told in zip(items, describe.callbacks(list(items)), strict=True):
            if told.may_stop or told.steers:
                self._take(callback, stops=told.may_stop and told.name != "TerminateOnNaN")

    def __bool__(self) -> bool:
        return bool(self._kept)

    def _take(self, callback: Any, *, stops: bool) -> None:
        name = type(callback).__name__
        if name == "TerminateOnNaN":
            return  # a run whose loss is no number any more is given up in any case
        schedule = getattr(callback, "schedule", None)
        why = (
            callback_safety.of_function(schedule)
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
        """The one metric that the stopping rules look at, of those that a test step gives, and whether it gets better
        upwards.
        """
        found: set[str] = set()
        for callback in self._kept:
            if type(callback).__name__ in self.stopping:
                found |= {
                    name for name in names for said in callback_safety.constants(callback) if said == f"val_{name}"
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
        """A run begins with this learning rate: all callbacks are as the script made them."""
        self._model = StandIn(rate, self._metrics)
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
        """Whether a rule ends the run here."""
        self._call("on_epoch_end", epoch, dict(logs))
        return self._model.stop_training

    def _call(self, hook: str, *arguments: Any) -> None:
        for callback in list(self._live):
            try:
                with contextlib.redirect_stdout(io.StringIO()):
                    getattr(callback, hook)(*arguments)
            except Exception as error:  # it wants more of a training than a race has
                name = type(callback).__name__
                self._live.remove(callback)
                self._kept = [kept for kept in self._kept if type(kept) is not type(callback)]
                self.stopping = [other for other in self.stopping if other != name]
                self.notes.append(
                    f"Races ran without the callback {name}: it failed there ({type(error).__name__}: {error})."
                )


def _copied(callback: Any) -> Any:
    """The callback with a state of its own: what it counts in a race stays there."""
    made = copy.copy(callback)
    made._model = None
    for name, value in vars(made).items():
        vars(made)[name] = _own(value)
    for name in QUIET:
        if type(made).__module__.partition(".")[0] in KERAS and hasattr(made, name):
            setattr(made, name, 0)
    return made


def _own(value: Any) -> Any:
    """A container or array that is not the callback's own one, with its inner ones; anything else as it is."""
    made: Any = copy.copy(value) if isinstance(value, (dict, list, deque, set, np.ndarray)) else value
    if isinstance(value, dict):
        made.update({name: _own(part) for name, part in value.items()})
    elif isinstance(value, (list, deque)):
        made.clear()
        made.extend(map(_own, value))
    return made


def _direction_of(callback: Any, monitored: str) -> str | None:
    """Which way a metric gets better, where a callback of tf_keras looks at it: it knows that from when it is made."""
    return (
        DIRECTIONS.get(getattr(callback, "monitor_op", None)) if getattr(callback, "monitor", "") == monitored else None
    )


def _inner(metrics: list[Any]) -> list[Any]:
    """Metrics with those that Keras holds inside a `CompileMetrics`."""
    return [*metrics, *(inner for metric in metrics for inner in getattr(metric, "metrics", ()))]
