"""What stands in for a call that a scout does not run in full:

a cheaper call with the same result, or a plausible one.
"""

from __future__ import annotations

from typing import Any

from fitdoctor.probe import backends
from fitdoctor.probe.inputs import kinds
from fitdoctor.probe.observe import single_batch_fits
from fitdoctor.probe.timing.fit_timer import FitTimer
from fitdoctor.recording.model import CallSiteRecord


def cheaper(loop: CallSiteRecord, model: Any, bound: dict[str, Any]) -> tuple[bool, Any]:
    """A call with the same result and less around it, where there is one: `(True, result)`, else `(False, None)`."""
    import numpy as np

    x, count, size = bound.get("x"), kinds.rows(bound.get("x")), bound.get("batch_size") or 32
    if count is None or kinds.input_kind(x) != "arrays":
        return False, None
    if loop.kind == "predict":
        if count <= size:
            return True, model.predict_on_batch(x)
        if isinstance(x, np.ndarray):
            head = model.predict_on_batch(x[:size])
            if isinstance(head, np.ndarray):
                return True, np.resize(head, (count, *head.shape[1:]))
    if loop.kind == "evaluate" and isinstance(x, np.ndarray) and isinstance(bound.get("y"), np.ndarray):
        return True, model.test_on_batch(x[:size], bound["y"][:size], return_dict=bool(bound.get("return_dict")))
    return False, None


def cheaper_fit(model: Any, bound: dict[str, Any]) -> tuple[bool, Any]:
    """The one step of a fit of one batch, without fit around it:

    `(True, history)`, or `(False, None)` where that failed.
    """
    try:
        return True, single_batch_fits.train(model, bound)
    except Exception:  # fit itself will say in its own words what is wrong, or manage where this can't
        return False, None


def extended(history: Any, bound: dict[str, Any], timer: FitTimer) -> Any:
    """A plausible `History` for the whole fit:

    the last value of each metric stands for the epochs that were left out.
    """
    missing = int(bound["epochs"]) - int(bound["initial_epoch"] or 0) - timer.epochs
    if timer.stopped_by_us and missing > 0 and hasattr(history, "history"):
        for values in history.history.values():
            values.extend(values[-1:] * (missing * len(values) // timer.epochs))  # some are not there after each epoch
        history.epoch.extend(range(int(bound["epochs"]) - missing, int(bound["epochs"])))
    return history


def skipped(model: Any, values: dict[str, Any], bound: dict[str, Any]) -> Any:
    """The `History` of a fit that was skipped: that of the last one at the same place."""
    history = backends.keras_of(model).callbacks.History()
    history.set_model(model)
    history.history = {name: list(series) for name, series in values.items()}
    history.epoch = list(range(int(bound["initial_epoch"] or 0), int(bound["epochs"])))
    model.history = history
    return history
