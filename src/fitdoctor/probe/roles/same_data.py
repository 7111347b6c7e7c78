"""Compares the data of a call with that of the diagnosis. The changes are known to be right only for the same data."""

from __future__ import annotations

from typing import Any

from fitdoctor.probe.inputs import containers, kinds
from fitdoctor.probe.observe import describe
from fitdoctor.recording.model import Site


def fit_difference(model: Any, bound: dict[str, Any], expected: dict[str, Any], *, first: bool) -> str:
    """How the data of a call of `fit` differs from that of the diagnosis, in words; empty if it does not.

    Args:
        model: The model that is fitted.
        bound: Fit's arguments by name.
        expected: `input_kind`, `inputs`, `batch_size` and `steps_per_epoch` as they were recorded. What is missing
            is not compared.
        first: Whether this is the first call of its call site. Only that one was recorded; later ones may differ in
            length.
    """
    kind = kinds.input_kind(bound["x"])
    if kind != expected.get("input_kind", kind):
        return f"its input is {kind}, and {expected['input_kind']} was diagnosed"
    if "inputs" in expected:
        now, then = (
            [_shape(part.name, part.dtype, part.shape, kind) for part in containers.arrays(bound, kind)],
            expected["inputs"],
        )
        before = [_shape(part["name"], part["dtype"], part["shape"], kind) for part in then]
        if now != before:
            return f"its data is {_words(now)}, and {_words(before)} was diagnosed"
    if not first:
        return ""
    record = describe.fit(model, bound, Site(file="", line=0))
    for name, word in (("batch_size", "batch size"), ("steps_per_epoch", "number of steps in an epoch")):
        value, wanted = getattr(record, name), expected.get(name)
        if value is not None and wanted is not None and value != wanted:
            return f"its {word} is {value}, and {wanted} was diagnosed"
    return ""


def call_difference(bound: dict[str, Any], expected: dict[str, Any]) -> str:
    """The same for a call of `predict` and the like. Fewer rows make no difference."""
    rows, wanted = kinds.rows(bound.get("x")), expected.get("rows")
    if wanted is None or rows is not None and rows <= max(wanted, int(expected.get("batch_size") or 0)):
        return ""
    return f"it is given {'data of unknown length' if rows is None else f'{rows} rows'}, and {wanted} were diagnosed"


def _shape(name: str, dtype: str, shape: list[int | None], kind: str) -> tuple[str, str, list[int | None]]:
    return name, dtype, list(shape[1:] if kind == "arrays" else shape)


def _words(parts: list[tuple[str, str, list[int | None]]]) -> str:
    return (
        ", ".join(f"{name} of {dtype or 'another type'} {tuple(shape)}" for name, dtype, shape in parts)
        or "of no known shape"
    )
