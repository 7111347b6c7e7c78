"""Statistics of the outputs of a model's layers in one pass."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from fitdoctor.probe import backends
from fitdoctor.probe.support.originals import time
from fitdoctor.probe.trainer import keras_internals
from fitdoctor.recording.model import LayerStatistics

# Below zero their output and their gradient are zero. A unit that is below zero for every sample learns no more.
RELUS = frozenset({"relu", "relu6"})
# The lowest and the highest output of activations that saturate.
FLAT_ENDS = {
    "sigmoid": (0.0, 1.0),
    "hard_sigmoid": (0.0, 1.0),
    "tanh": (-1.0, 1.0),
    "hard_tanh": (-1.0, 1.0),
    "softsign": (-1.0, 1.0),
}
# Share of the range in which an output counts as saturated. There a sigmoid has 1/25 of its steepest slope.
MARGIN = 0.01
MOST_LAYERS = 128


class NotInspectableError(Exception):
    """Something can't be inspected. The message is a part of a sentence of the report."""


class LayerOutputs:
    """Records the outputs of a model's layers while the model is called.

    Args:
        model: The model, built.
        until_s: `time.perf_counter()` after which no other layer is begun.

    Attributes:
        values: By the layer's number. Tensors of the backend, which may belong to a function that is being traced.
    """

    def __init__(self, model: Any, until_s: float) -> None:
        layers = list(leaves(model))
        most = min(len(layers), MOST_LAYERS)
        self._layers = [layers[round(at * (len(layers) - 1) / max(1, most - 1))] for at in range(most)]
        self._numbers = {id(layer): number for number, layer in enumerate(self._layers)}
        self._until_s = until_s
        self.values: dict[int, dict[str, Any]] = {}
        self._units: dict[int, int] = {}

    @contextmanager
    def recorded(self) -> Iterator[None]:
        """Records the first call of each layer within a block."""
        base = backends.keras_module().layers.Layer
        original = base.__call__

        def call(layer: Any, *arguments: Any, **keywords: Any) -> Any:
            if time.perf_counter() > self._until_s:
                raise NotInspectableError("it takes longer than its share of the time")
            result = original(layer, *arguments, **keywords)
            number = self._numbers.get(id(layer))
            if number is not None and number not in self.values:
                self._record(number, layer, result)
            return result

        base.__call__ = call
        try:
            yield
        finally:
            base.__call__ = original

    def _record(self, number: int, layer: Any, result: Any) -> None:
        first = backends.tree().flatten(result)[:1]
        if not first or "float" not in str(getattr(first[0].dtype, "name", first[0].dtype)):
            return
        axis = _unit_axis(layer, len(first[0].shape))
        self._units[number] = int(first[0].shape[axis] or 0) if len(first[0].shape) else 1
        self.values[number] = _figures(keras_internals.operations(), first[0], axis, activation_of(layer))

    def statistics(self) -> list[LayerStatistics]:
        """The statistics of the recorded layers, once the values are numbers."""
        return [self._statistics_of(number, self.values[number]) for number in sorted(self.values)]

    def _statistics_of(self, number: int, values: dict[str, Any]) -> LayerStatistics:
        layer, known = self._layers[number], {name: float(value) for name, value in values.items()}
        return LayerStatistics(
            name=str(getattr(layer, "path", None) or layer.name),
            kind=type(layer).__name__,
            activation=activation_of(layer),
            units=self._units[number],
            mean=plain(known["mean"]),
            std=plain(known["std"]),
            zeros=plain(known["zeros"]) or 0.0,
            nonfinite=plain(known["nonfinite"]) or 0.0,
            dead=plain(known["dead"]) if "dead" in known else None,
            saturated=plain(known["saturated"]) if "saturated" in known else None,
        )


def leaves(layer: Any) -> Iterator[Any]:
    """The layers that compute something themselves: layers with weights, and activations.

    A recurrent layer counts as a whole.
    """
    inner = [] if hasattr(layer, "cell") else _inner_layers(layer)
    for each in inner:
        yield from leaves(each)
    if not inner and (layer.weights or activation_of(layer)):
        yield layer


def _inner_layers(layer: Any) -> Any:
    """The layers within a layer."""
    if backends.is_legacy(layer):
        return list(layer._flatten_layers(recursive=False, include_self=False))
    return getattr(layer, "_layers", None) or []


def activation_of(layer: Any) -> str:
    """The name of a layer's activation, or "".

    A recurrent layer multiplies its activation by a gate, so the activation says nothing of the output.
    """
    kind = type(layer).__name__.lower()
    if kind in RELUS:
        return kind
    function = None if hasattr(layer, "cell") else getattr(layer, "activation", None)
    name = str(getattr(function, "__name__", type(function).__name__)).lower() if function is not None else ""
    return "" if name == "linear" else name


def plain(value: float) -> float | None:
    """A number for the record; None where it is not finite."""
    return float(f"{value:.6g}") if math.isfinite(value) else None


def _unit_axis(layer: Any, rank: int) -> int:
    return 1 if getattr(layer, "data_format", "") == "channels_first" and rank > 2 else max(0, rank - 1)


def _figures(ops: Any, output: Any, axis: int, activation: str) -> dict[str, Any]:
    y = ops.cast(ops.stop_gradient(output), "float32")

    def share(mask: Any) -> Any:
        return ops.mean(ops.cast(mask, "float32"))

    found = {
        "mean": ops.mean(y),
        "std": ops.std(y),
        "zeros": share(y == 0),
        "nonfinite": share(ops.logical_not(ops.isfinite(y))),
    }
    if activation in RELUS:
        found["dead"] = share(ops.all(y <= 0, axis=[at for at in range(len(y.shape)) if at != axis]))
    if activation in FLAT_ENDS:
        low, high = FLAT_ENDS[activation]
        margin = MARGIN * (high - low)
        found["saturated"] = share(ops.logical_or(y < low + margin, y > high - margin))
    return found
