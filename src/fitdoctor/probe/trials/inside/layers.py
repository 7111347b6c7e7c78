"""What the layers of a model put out in one pass, in a few figures each."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from fitdoctor.probe import backends
from fitdoctor.probe.support.originals import time
from fitdoctor.probe.trainer import keras_internals
from fitdoctor.recording.model import LayerStatistics

RELUS = frozenset({"relu", "relu6"})
"""Below zero they give nothing, and no gradient either: a unit that is there for every sample learns no more."""
FLAT_ENDS = {
    "sigmoid": (0.0, 1.0),
    "hard_sigmoid": (0.0, 1.0),
    "tanh": (-1.0, 1.0),
    "hard_tanh": (-1.0, 1.0),
    "softsign": (-1.0, 1.0),
}
MARGIN = 0.01
"""Of the way between both ends: where a sigmoid is as close, its slope is a twenty-fifth of the steepest."""
MOST_LAYERS = 128


class UnseenError(Exception):
    """Why something can't be seen, worded for the report."""


class Outputs:
    """Watches the layers of a model while it is called.

    Args:
        model: The model, built.
        until_s: `time.perf_counter()` after which no other layer is begun.
    """

    def __init__(self, model: Any, until_s: float) -> None:
        layers = list(leaves(model))
        most = min(len(layers), MOST_LAYERS)
        self._layers = [layers[round(at * (len(layers) - 1) / max(1, most - 1))] for at in range(most)]
        self._numbers = {id(layer): number for number, layer in enumerate(self._layers)}
        self._until_s = until_s
        self.figures: dict[int, dict[str, Any]] = {}
        """By the layer's number. Tensors of the backend, which may be those of a function that is being traced."""
        self._units: dict[int, int] = {}

    @contextmanager
    def watched(self) -> Iterator[None]:
        """Every call of a layer in the block is seen, the first of each counts."""
        base = backends.keras_module().layers.Layer
        original = base.__call__

        def call(layer: Any, *arguments: Any, **keywords: Any) -> Any:
            if time.perf_counter() > self._until_s:
                raise UnseenError("it takes longer than the time that there was for it")
            result = original(layer, *arguments, **keywords)
            number = self._numbers.get(id(layer))
            if number is not None and number not in self.figures:
                self._note(number, layer, result)
            return result

        base.__call__ = call
        try:
            yield
        finally:
            base.__call__ = original

    def _note(self, number: int, layer: Any, result: Any) -> None:
        first = backends.tree().flatten(result)[:1]
        if not first or "float" not in str(getattr(first[0].dtype, "name", first[0].dtype)):
            return
        axis = _unit_axis(layer, len(first[0].shape))
        self._units[number] = int(first[0].shape[axis] or 0) if len(first[0].shape) else 1
        self.figures[number] = _figures(keras_internals.operations(), first[0], axis, activation_of(layer))

    def looks(self) -> list[LayerStatistics]:
        """What was seen, once its figures are numbers."""
        return [self._look(number, self.figures[number]) for number in sorted(self.figures)]

    def _look(self, number: int, figures: dict[str, Any]) -> LayerStatistics:
        layer, known = self._layers[number], {name: float(value) for name, value in figures.items()}
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
    """The layers that compute something themselves:

    those with weights, and activations. A recurrent one counts as a whole.
    """
    inner = [] if hasattr(layer, "cell") else _held(layer)
    for each in inner:
        yield from leaves(each)
    if not inner and (layer.weights or activation_of(layer)):
        yield layer


def _held(layer: Any) -> Any:
    """The layers within a layer."""
    if backends.is_legacy(layer):
        return list(layer._flatten_layers(recursive=False, include_self=False))
    return getattr(layer, "_layers", None) or []


def activation_of(layer: Any) -> str:
    """The name of what a layer ends in, "" for nothing.

    A recurrent one multiplies it by a gate, so that it says nothing of the output.
    """
    kind = type(layer).__name__.lower()
    if kind in RELUS:
        return kind
    function = None if hasattr(layer, "cell") else getattr(layer, "activation", None)
    name = str(getattr(function, "__name__", type(function).__name__)).lower() if function is not None else ""
    return "" if name == "linear" else name


def plain(value: float) -> float | None:
    """A figure for the record: None where it is not finite."""
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
