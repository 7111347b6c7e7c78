"""Finds fits of one step on one batch. `train_on_batch` does the same without the set-up of `fit`."""

from __future__ import annotations

from typing import Any

from fitdoctor.probe import backends
from fitdoctor.probe.inputs import kinds, nests
from fitdoctor.probe.observe import describe
from fitdoctor.recording.defaults import DEFAULT_BATCH_SIZE


def is_single_batch_fit(model: Any, bound: dict[str, Any]) -> bool:
    """Whether a call of fit is one step on one batch of arrays, without validation, callbacks or further epochs."""
    count = kinds.rows(bound["x"]) if kinds.input_kind(bound["x"]) == "arrays" else None
    return bool(
        count
        and count <= (bound["batch_size"] or DEFAULT_BATCH_SIZE)
        and int(bound["epochs"]) - int(bound["initial_epoch"] or 0) == 1
        and bound["steps_per_epoch"] in (None, 1)
        and bound["validation_data"] is None
        and not bound["validation_split"]
        and not bound["callbacks"]
        and describe.steps_per_execution(model) == 1
        and _are_arrays(bound["x"])
        and _are_arrays(bound["y"])
    )


def train(model: Any, bound: dict[str, Any]) -> Any:
    """Trains with `train_on_batch`, and returns the `History` of fit."""
    model.reset_metrics()  # as fit does: `train_on_batch` of older Keras versions does not
    logs = model.train_on_batch(
        bound["x"],
        bound["y"],
        sample_weight=bound["sample_weight"],
        class_weight=bound["class_weight"],
        return_dict=True,
    )
    history = backends.keras_of(model).callbacks.History()
    history.set_model(model)
    history.set_params({"verbose": 0, "epochs": int(bound["epochs"]), "steps": 1})
    history.epoch = [int(bound["initial_epoch"] or 0)]
    history.history = {name: [value] for name, value in logs.items()}
    model.history = history
    return history


def _are_arrays(data: Any) -> bool:
    """Whether every leaf is an array. `fit` converts lists and tables, `train_on_batch` does not."""
    return all(
        hasattr(leaf, "shape") and hasattr(leaf, "dtype") and not hasattr(leaf, "iloc") for leaf in nests.leaves(data)
    )
