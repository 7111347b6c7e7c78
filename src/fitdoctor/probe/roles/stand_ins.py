"""Substitutes for calls that a scout does not run in full: a cheaper call, or a plausible result."""

from __future__ import annotations

from typing import Any

from fitdoctor.probe import backends
from fitdoctor.probe.inputs import kinds
from fitdoctor.probe.observe import single_batch_fits
from fitdoctor.probe.timing.fit_timer import FitTimer
from fitdoctor.recording.defaults import DEFAULT_BATCH_SIZE
from fitdoctor.recording.model import CallSiteRecord


def cheaper(record: CallSiteRecord, model: Any, bound: dict[str, Any]) -> tuple[bool, Any]:
    """Makes a cheaper call with the same result: `(True, result)`, or `(False, None)` if there is none."""
    import numpy as np

    x, count, size = bound.get("x"), kinds.rows(bound.get("x")), bound.get("batch_size") or DEFAULT_BATCH_SIZE
    if count is None or kinds.input_kind(x) != "arrays":
        return False, None
    if record.kind == "predict":
        if count <= size:
            return True, model.predict_on_batch(x)
        if isinstance(x, np.ndarray):
            head = model.predict_on_batch(x[:size])
            if isinstance(head, np.ndarray):
                return True, np.resize(head, (count, *head.shape[1:]))
    if record.kind == "evaluate" and isinstance(x, np.ndarray) and isinstance(bound.get("y"), np.ndarray):
        return True, model.test_on_batch(x[:size], bound["y"][:size], return_dict=bool(bound.get("return_dict")))
    return False, None


def cheaper_fit(model: Any, bound: dict[str, Any]) -> tuple[bool, Any]:
    """Trains the one step of a fit without `fit`: `(True, history)`, or `(False, None)` if that fails."""
    try:
        return True, single_batch_fits.train(model, bound)
    except Exception:  # fit itself reports the error, or succeeds
        return False, None


def extended(history: Any, bound: dict[str, Any], timer: FitTimer) -> Any:
    """A plausible `History` for the whole fit: the last value of each metric is repeated for the skipped epochs."""
    missing = int(bound["epochs"]) - int(bound["initial_epoch"] or 0) - timer.epochs
    if timer.stopped_by_us and missing > 0 and hasattr(history, "history"):
        for values in history.history.values():
            values.extend(
                values[-1:] * (missing * len(values) // timer.epochs)
            )  # some metrics have no value in some epochs
        history.epoch.extend(range(int(bound["epochs"]) - missing, int(bound["epochs"])))
    return history


def skipped(model: Any, values: dict[str, Any], bound: dict[str, Any]) -> Any:
    """The `History` of a skipped fit: that of the last fit of the same call site."""
    history = backends.keras_of(model).callbacks.History()
    history.set_model(model)
    history.history = {name: list(series) for name, series in values.items()}
    history.epoch = list(range(int(bound["initial_epoch"] or 0), int(bound["epochs"])))
    model.history = history
    return history
