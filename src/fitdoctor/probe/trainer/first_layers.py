"""Which layers of a model first compute with each of its inputs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from fitdoctor.probe import backends

# Layers that move, pick or average numbers: their output has the scale of their input.
SCALE_KEEPING = frozenset(
    {
        "InputLayer", "Reshape", "Flatten", "Permute", "RepeatVector", "ZeroPadding1D", "ZeroPadding2D",
        "ZeroPadding3D", "Cropping1D", "Cropping2D", "Cropping3D", "UpSampling1D", "UpSampling2D", "UpSampling3D",
        "Concatenate", "Dropout", "SpatialDropout1D", "SpatialDropout2D", "SpatialDropout3D", "Masking", "Identity",
        "ExpandDims", "Squeeze", "Cast", "RandomFlip", "RandomRotation", "RandomZoom", "RandomTranslation",
        "RandomCrop", "CenterCrop", "Resizing", "TimeDistributed", "Stack", "Transpose", "GetItem", "MaxPooling1D",
        "MaxPooling2D", "AveragePooling1D", "AveragePooling2D", "GlobalAveragePooling1D", "GlobalAveragePooling2D",
        "GlobalMaxPooling1D",
    }
)  # fmt: skip


def first_layers(model: Any, inputs: int) -> list[list[str]]:
    """The class names of the first layers of each input, in the order in which Keras flattens the inputs.

    A subclassed model does not declare its first layers. Then all layers count for each input.
    """
    functional = _functional(model)
    if functional is not None and len(functional.inputs) == inputs:
        return [sorted(set(_consumers(functional, tensor))) for tensor in functional.inputs]
    layers = getattr(model, "layers", [])
    if type(model).__name__ == "Sequential":
        first = next((layer for layer in layers if type(layer).__name__ not in SCALE_KEEPING), None)
        return [[type(first).__name__] if first is not None else []] * inputs
    return [sorted({type(layer).__name__ for layer in layers})] * inputs


def _functional(model: Any) -> Any:
    """The graph of layers of a functional or built sequential model, None for any other."""
    graph = getattr(model, "_functional", model)
    is_graph = hasattr(graph, "operations") or backends.is_legacy(graph)
    return graph if is_graph and getattr(graph, "inputs", None) and hasattr(graph, "_nodes_by_depth") else None


def _node(node: Any) -> tuple[list[Any], Any, list[Any]]:
    """The input tensors of a node, its layer or operation, and its output tensors."""
    if hasattr(node, "operation"):
        return list(node.input_tensors), node.operation, list(node.outputs)
    return list(node.keras_inputs), node.layer, list(backends.loaded("tensorflow").nest.flatten(node.outputs))  # type: ignore[union-attr]


def _consumers(graph: Any, tensor: Any) -> Iterator[str]:
    nodes = [_node(node) for level in graph._nodes_by_depth.values() for node in level]
    waiting, seen = [tensor], {id(tensor)}
    while waiting:
        current = waiting.pop()
        for taken, operation, outputs in nodes:
            positions = [at for at, each in enumerate(taken) if each is current]
            if not positions:
                continue
            inner = _functional(operation)
            if type(operation).__name__ in SCALE_KEEPING:
                fresh = [made for made in outputs if id(made) not in seen]
                seen.update(map(id, fresh))
                waiting += fresh
            elif inner is not None and len(inner.inputs) == len(taken):
                for at in positions:
                    yield from _consumers(inner, inner.inputs[at])
            else:
                yield type(operation).__name__
