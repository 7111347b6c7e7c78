"""Containers and element types of a fit's data that cost time."""

from __future__ import annotations

from fitdoctor.facts.input.pipeline import user_chain
from fitdoctor.recording.model import Fit, InputArray, Operation

# Types that are twice as wide as models compute with, and the types that replace them.
NARROW = {"float64": "float32", "int64": "int32", "uint64": "uint32"}
# Containers that Keras converts again for each batch.
SLOW = frozenset(
    {
        "scipy.csr_matrix",
        "scipy.csc_matrix",
        "scipy.coo_matrix",
        "scipy.csr_array",
        "scipy.csc_array",
        "scipy.coo_array",
    }
)
# Sources of a pipeline that get their data as arrays.
SOURCES = frozenset({"from_tensor_slices", "from_tensors"})


def wide_inputs(fit: Fit) -> list[InputArray]:
    """Parts of `x` with wider numbers than needed.

    Keras narrows float64 arrays itself, once, before the first step.
    """
    known = {name for name in NARROW if fit.input_kind == "tf.data" or name != "float64"}
    return [
        part
        for part in fit.inputs
        if part.name.startswith("x") and part.dtype in known and fit.input_kind in ("tf.data", "arrays")
    ]


def array_source(fit: Fit) -> Operation | None:
    """The first stage of the pipeline, if it gets the data as arrays."""
    chain = user_chain(fit)
    return chain[0] if chain and chain[0].name in SOURCES else None


def slow_containers(fit: Fit) -> list[InputArray]:
    """Parts of the input in a container that is read, or converted, batch by batch."""
    if fit.input_kind in ("pydataset", "dataloader"):
        return [part for part in fit.inputs if part.name.startswith("x.")]
    return [part for part in fit.inputs if fit.input_kind == "arrays" and part.container in SLOW]
